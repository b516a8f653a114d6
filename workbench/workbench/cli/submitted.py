"""Submitting a run from the command line, and what comes after: it is left to itself, or followed to its end."""

from collections.abc import Callable

from workbench_store.layout import WorkspaceLayout
from workbench_store.states import RunState

from workbench.cli.exit_codes import ExitCode, for_state
from workbench.cli.output import drop_stdout, emit, narrate
from workbench.cli.signals import NOTHING_STARTED, Interrupted, Signals, signals

#: Submits and returns where and under which name; it is given what to call when the run is about to be seen.
Submit = Callable[[Callable[[], None]], tuple[WorkspaceLayout, str]]


def submit_and_follow(submit: Submit, *, detach: bool) -> int:
    """Submit, then follow unless detached; the exit code. A signal that comes before the run can be seen leaves nothing
    behind."""
    with signals() as taken:
        try:
            layout, name = submit(taken.hold)
        except Interrupted:
            narrate(NOTHING_STARTED)
            return ExitCode.INTERRUPTED
        return _leave(name, taken) if detach else _follow(layout, name, taken)


def _leave(name: str, taken: Signals) -> int:
    narrate(f"follow it with: workbench logs -f {name}")
    emit(name)
    return ExitCode.INTERRUPTED if taken.numbers else ExitCode.COMPLETED


def _follow(layout: WorkspaceLayout, name: str, taken: Signals) -> int:
    # Loaded when the run is on its way, which takes its own start meanwhile.
    from workbench.cli.following import follow_to_the_end
    from workbench.client.log_cap import logged_ranks

    narrate(f"run {name}")
    try:
        state = follow_to_the_end(layout, name, taken)
    except BrokenPipeError:
        drop_stdout()
        narrate(f"nobody reads the output any more: detached from {name}, which goes on")
        return ExitCode.INTERRUPTED
    if state is None:
        return ExitCode.INTERRUPTED
    if state is RunState.FAILED and len(logged_ranks(layout.run(name))) > 1:
        narrate(f"what its other ranks wrote: workbench logs {name} --all-ranks")
    return for_state(state)
