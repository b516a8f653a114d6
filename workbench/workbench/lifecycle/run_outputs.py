"""An output of an earlier run, as the input of a later one."""

from pathlib import Path

from workbench_store.absence import no_run
from workbench_store.errors import DataError, NotFound
from workbench_store.layout import WorkspaceLayout
from workbench_store.states import RunState

from workbench.lifecycle.outputs import output_sources
from workbench.spec import is_remote
from workbench.spec.problems import nearest_name

_AGAIN = "Run it again (workbench rerun): what it registers then is the next version."


def find_output(layout: WorkspaceLayout, run: str, output: str) -> str:
    """Where the output is: a path, or the URL that it was written to.

    Raises NotFound for a run or output that is not known, naming what is near; DataError for a run that is not
    Completed and for an output that is gone.
    """
    from workbench.lifecycle.judge import current_state  # which most jobs do not need

    files = layout.run(run)
    if not files.root.is_dir():
        nearest = nearest_name(run, (path.name for path in layout.runs.glob("*")))
        raise no_run(layout, run, *([f"Did you mean {nearest}?"] if nearest else []))
    state = current_state(files)
    if state is not RunState.COMPLETED:
        remedy = "Wait until it is." if not state.final else "Run it again, or copy what you need: workbench outputs"
        raise DataError(f"run {run} is {state}: only the outputs of a Completed run are taken as inputs", remedy=remedy)
    places = output_sources(files)
    if output not in places:
        nearest = nearest_name(output, places)
        hint = f"Did you mean {nearest}? " if nearest else ""
        raise NotFound(f"run {run} has no output {output!r}", remedy=f"{hint}It has: {', '.join(places)}.")
    place = places[output]
    if not is_remote(place) and not Path(place).exists():
        raise DataError(f"the output {output} of run {run} is not at {place} any more", remedy=_AGAIN)
    return place
