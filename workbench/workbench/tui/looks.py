"""How states and stages look: the same signs and colours everywhere. Colours are the terminal's own."""

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text
from workbench_store.states import RunState

from workbench.view.axis import shares

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
    places = shares(picked, low, high) if high > low else [0.0] * len(picked)
    return "".join("▁▂▃▄▅▆▇█"[min(7, int(place * 8))] for place in places)


def squeezed(text: str, cells: int) -> str:
    """Text in at most so many cells; what does not fit is left out of its middle, since names differ at both ends."""
    if cell_len(text) <= cells:
        return text
    tail = (cells - 1) // 2
    end = set_cell_size(text[::-1], tail)[::-1].lstrip(" ") if tail > 0 else ""
    return set_cell_size(text, max(0, cells - 1 - tail)).rstrip(" ") + "…" + end
