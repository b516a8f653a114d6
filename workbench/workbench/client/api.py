"""The functions of `import workbench` in a script: open a run, or log into the one that is open. (Python 3.8.)

Inside a job they attach to the job's run, in a child of a script to the script's (current.py). Elsewhere `start_run`
opens a run of its own; `log` and the others open one by themselves when none is open, named after the script.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from workbench_store.errors import UsageError
from workbench_store.held_back import HeldBack

from workbench.client import current
from workbench.client.active_run import ActiveRun, state_of
from workbench.client.arguments import check_name, check_tags, check_text, flatten_params
from workbench.client.code_place import is_prompt
from workbench.client.current import active_run as active_run
from workbench.client.family import is_being_loaded
from workbench.client.rank import rank_of_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Mapping, Optional, Sequence, Union

    from workbench.client.origins import Origin


def start_run(
    experiment: Optional[str] = None,
    *,
    name: Optional[str] = None,
    display_name: Optional[str] = None,
    description: Optional[str] = None,
    params: Optional[Mapping[str, Any]] = None,
    tags: Optional[Mapping[str, Any]] = None,
    system_metrics: Union[bool, float] = True,
    console: bool = True,
    workspace: Optional[Union[str, "os.PathLike[str]"]] = None,
    resume: Optional[str] = None,
    fork: Optional[str] = None,
    at_step: Optional[int] = None,
) -> ActiveRun:
    """Open a run, to be used with `with`; inside a job, the job's run, which is what the job's file says it is.

    experiment: its experiment; the script's name if left out. name: unique in the workspace; made up if left out.
    system_metrics: whether to record CPU, memory, disk and network, or how often in seconds (10 by default).
    console: whether what the script prints goes into the run's log too (a job's always does).
    workspace: its folder; found from the current folder upward if left out.
    resume: a script's run that has ended, to go on with; what it logged stays, and steps that are logged again are kept
    beside those of before. fork: a run whose past up to and including `at_step` a new run begins with; the tail behind
    that is not copied, and the run that is forked stays as it is. Steps that are not given go on from there.

    Raises UsageError for a wrong argument and WorkspaceError if the workspace is unusable; once it has returned,
    nothing but a wrong argument raises.
    """
    interval = _interval(system_metrics)
    if not isinstance(console, bool):
        raise UsageError("console is {!r}".format(console), remedy="Give True or False.")
    given_params, given_tags = flatten_params(params or {}), check_tags(tags or {})
    origin = None
    if resume is not None or fork is not None or at_step is not None:
        from workbench.client.origins import origin_of

        origin = origin_of(resume, fork, at_step)
    fields = _fields(experiment, display_name, description, origin)
    opened: Optional[ActiveRun] = None
    try:
        with HeldBack(), current.lock:
            run = current.given_run(origin is not None and not is_being_loaded())
            if run is None:
                from workbench.client.script_run import open_script_run

                run = opened = open_script_run(
                    workspace=workspace, name=name, fields=fields, interval=interval, console=console, origin=origin
                )
                current.log_into(run)
            else:
                _tell_unused(run, name=name, experiment=experiment, display_name=display_name, description=description)
            if given_params:
                run.log_params(given_params)
            if given_tags:
                run.set_tags(given_tags)
        return run
    except BaseException as error:
        if opened is not None:  # Ctrl-C came meanwhile: nobody has the run, so that nobody would end it
            opened.end(*state_of(error))
        raise


def _fields(
    experiment: Optional[str], display_name: Optional[str], description: Optional[str], origin: Optional[Origin]
) -> "Dict[str, Optional[str]]":
    """What a new run is called. Raises UsageError."""
    if experiment is not None:
        check_name(experiment, "experiment")
    for text, what in ((display_name, "display_name"), (description, "description")):
        if text is not None:
            check_text(text, what)
    return {
        "experiment": experiment or (None if origin is not None else default_experiment()),
        "display_name": display_name,
        "description": description,
    }


#: What a job's run says itself, by the variables that tell it.
_TOLD_BY = {"name": "WORKBENCH_RUN_NAME", "experiment": "WORKBENCH_EXPERIMENT"}


def _tell_unused(run: ActiveRun, **given: Optional[str]) -> None:
    """Say, once for all ranks, which arguments have no effect since the run is a job's, or a script's that this process
    is a child of."""
    from workbench_store.journal.writer import warn

    if os.environ.get("WORKBENCH_RUN_DIR"):
        unused = [
            argument
            for argument, value in given.items()
            if value is not None and value != os.environ.get(_TOLD_BY.get(argument, ""))
        ]
        if unused and rank_of_process() == 0:
            warn("workbench: start_run's {} has no effect here: the job says it".format(", ".join(unused)))
        return
    unused = [argument for argument, value in given.items() if value is not None and value != run.name]
    if unused and not is_being_loaded():  # the script's top level, once more
        warn(
            "workbench: start_run's {} has no effect in a child process: it logs into {}, which its script has open. "
            "For runs of their own, end that first.".format(", ".join(unused), run.name)
        )


def log(metrics: Mapping[str, Any], step: Optional[int] = None) -> None:
    """Record numbers by name at a step; see ActiveRun.log."""
    _current().log(metrics, step)


def log_params(params: Mapping[str, Any]) -> None:
    """Record parameters; see ActiveRun.log_params."""
    _current().log_params(params)


def set_tags(tags: Mapping[str, Any]) -> None:
    """Set tags; see ActiveRun.set_tags."""
    _current().set_tags(tags)


def log_artifact(path: str, artifact_path: Optional[str] = None) -> None:
    """Save a file; see ActiveRun.log_artifact."""
    _current().log_artifact(path, artifact_path)


def log_artifacts(folder: str, artifact_path: Optional[str] = None) -> None:
    """Save the files of a folder; see ActiveRun.log_artifacts."""
    _current().log_artifacts(folder, artifact_path)


def log_image(key: str, image: Any, step: Optional[int] = None, *, caption: Optional[str] = None) -> None:
    """Record an image; see ActiveRun.log_image."""
    _current().log_image(key, image, step, caption=caption)


def log_table(key: str, table: Any, step: Optional[int] = None, *, columns: Optional[Sequence[str]] = None) -> None:
    """Record a table; see ActiveRun.log_table."""
    _current().log_table(key, table, step, columns=columns)


def log_histogram(
    key: str, values: Any = None, step: Optional[int] = None, *, bins: int = 64, counts: Any = None, edges: Any = None
) -> None:
    """Record a histogram; see ActiveRun.log_histogram."""
    _current().log_histogram(key, values, step, bins=bins, counts=counts, edges=edges)


def log_text(key: str, text: str, step: Optional[int] = None) -> None:
    """Record a text; see ActiveRun.log_text."""
    _current().log_text(key, text, step)


def log_figure(key: str, figure: Any, step: Optional[int] = None) -> None:
    """Record a figure; see ActiveRun.log_figure."""
    _current().log_figure(key, figure, step)


def log_model(
    path: Any,
    name: str,
    step: Optional[int] = None,
    *,
    flavor: Optional[str] = None,
    metadata: Optional[Mapping[str, Any]] = None,
) -> None:
    """Save a model; see ActiveRun.log_model."""
    _current().log_model(path, name, step, flavor=flavor, metadata=metadata)


def _current() -> ActiveRun:
    return current.run_to_log_into(start_run)


def default_experiment() -> str:
    """The script's name; the current folder's where there is no script, as in a notebook or at a prompt."""
    script = Path(sys.argv[0] if sys.argv else "").stem
    if is_prompt() or script in ("", "__main__"):
        try:
            script = Path.cwd().name.replace(" ", "")
        except OSError:  # it is gone, which whoever looks for the workspace tells
            script = ""
    return script or "Default"


def _interval(system_metrics: Union[bool, float]) -> Optional[float]:
    if system_metrics is False:
        return None
    if system_metrics is True:
        return 10.0
    if not isinstance(system_metrics, (int, float)) or not system_metrics > 0:
        raise UsageError("system_metrics is {!r}".format(system_metrics), remedy="Give True, False or seconds above 0.")
    return float(system_metrics)
