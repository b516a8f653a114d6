"""How states and stages look: the same signs and colours everywhere. Colours are the terminal's own."""

from rich.style import Style
from rich.text import Text
from workbench_store.states import RunState

#: For what matters less; readable on dark and light.
GREY = "grey58"
#: A sign and a colour for each state; signs differ too, for those who see no colours.
STATES: dict[RunState, tuple[str, str]] = {
    RunState.NOT_STARTED: ("·", GREY),
    RunState.QUEUED: ("◌", "blue"),
    RunState.PREPARING: ("◔", "cyan"),
    RunState.PROVISIONING: ("◔", "cyan"),
    RunState.STARTING: ("◑", "cyan"),
    RunState.RUNNING: ("●", "bright_cyan"),
    RunState.FINALIZING: ("◕", "cyan"),
    RunState.CANCEL_REQUESTED: ("◍", "yellow"),
    RunState.COMPLETED: ("✓", "green"),
    RunState.FAILED: ("✗", "red"),
    RunState.CANCELED: ("■", "yellow"),
    RunState.NOT_RESPONDING: ("!", "magenta"),
    RunState.UNKNOWN: ("?", GREY),
}
STAGES = {
    "done": ("✓", "green"),
    "failed": ("✗", "red"),
    "canceled": ("■", "yellow"),
    "started": ("●", "bright_cyan"),
}
DIM = Style(color=GREY)


def state_text(state: RunState) -> Text:
    """The sign and name of a state, in its colour."""
    sign, colour = STATES[state]
    return Text(f"{sign} {state}", Style(color=colour, bold=state in (RunState.FAILED, RunState.NOT_RESPONDING)))


def sparkline(values: list[float], width: int) -> str:
    """Values as a line of block characters, the latest on the right; empty for fewer than two."""
    finite = [value for value in values if value - value == 0]
    if len(finite) < 2:
        return ""
    step = max(1.0, len(finite) / width)
    picked = [finite[min(len(finite) - 1, int(index * step))] for index in range(min(width, len(finite)))]
    low, high = min(picked), max(picked)
    scale = (high - low) or 1.0
    return "".join("▁▂▃▄▅▆▇█"[min(7, int((value - low) / scale * 8))] for value in picked)
