"""What is said to whoever wants to do with a run what can only be done when it is over."""

from workbench_store.layout import RunLayout
from workbench_store.states import RunState

from workbench.lifecycle.script_runs import is_script_run, only_its_script


def how_it_ends(files: RunLayout, state: RunState) -> str:
    """How a run that is in that state comes to its end, or is brought to it: a remedy's first sentence."""
    if is_script_run(files):
        return str(only_its_script(files).remedy)
    if state.final:
        return "A process is about to leave it, or saves its outputs: wait for that, or end it."
    if state is RunState.FINALIZING:
        return "Its command has ended, and what it wrote is being saved: wait for that."
    return f"Cancel it (workbench cancel {files.name})."
