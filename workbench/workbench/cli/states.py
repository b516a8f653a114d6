"""How states look on a terminal: the same colours everywhere."""

from workbench_store.states import RunState

STATE_STYLES = {
    RunState.COMPLETED: "green",
    RunState.FAILED: "bold red",
    RunState.CANCELED: "yellow",
    RunState.CANCEL_REQUESTED: "yellow",
    RunState.NOT_RESPONDING: "bold magenta",
}
