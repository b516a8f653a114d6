"""Runs that a script opened: they have no plan and no supervisor, and end with their script."""

from workbench_store.errors import RunError
from workbench_store.layout import RunLayout

from workbench.lifecycle.files import read_json


def is_script_run(files: RunLayout) -> bool:
    """Whether a script opened the run; a job's run has a plan from its first moment, unless it is removed."""
    return not files.plan.exists() and (read_json(files.identity) or {}).get("kind") != "job"


def only_its_script(files: RunLayout) -> RunError:
    """The refusal of what can be done with a job's run only."""
    pid = (read_json(files.script_process) or {}).get("pid")
    who = f"process {pid}" if pid else "its process"
    return RunError(f"run {files.name} was opened by a script", remedy=f"End the script ({who}); the run ends with it.")
