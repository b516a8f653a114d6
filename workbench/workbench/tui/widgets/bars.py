"""A histogram as upright bars, as high and wide as there is room."""

from rich.text import Text
from textual.widget import Widget

from workbench.tui.looks import GREY
from workbench.view.format import format_number
from workbench.view.media import Histogram

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_WIDEST_BAR = 6


class Bars(Widget):
    """Draws a `Histogram`; below it the ends of its range, at its top the largest count."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._histogram: Histogram | None = None

    def show(self, histogram: Histogram | None) -> None:
        """Draw another one, or none."""
        self._histogram = histogram
        self.refresh()

    def render(self) -> Text:
        """The bars, and the axis under them."""
        width, height = self.size
        if self._histogram is None or width < 4 or height < 3:
            return Text("")
        shown = self._histogram.merged(width)
        each = max(1, min(_WIDEST_BAR, width // len(shown.counts)))
        most = max(shown.counts)
        text = Text(no_wrap=True)
        text.append(f"{format_number(most)}\n", GREY)
        for row in range(height - 2, 0, -1):
            marks = (_mark(count / most if most else 0.0, row - 1, height - 2) for count in shown.counts)
            text.append("".join(mark * each for mark in marks) + "\n", "cyan")
        low, high = format_number(shown.edges[0]), format_number(shown.edges[-1])
        text.append(low + high.rjust(max(1, each * len(shown.counts) - len(low))), GREY)
        return text


def _mark(share: float, row: int, rows: int) -> str:
    """What a bar of that share of the height looks like in one of the rows, counted from below."""
    eighths = round(share * rows * 8) - 8 * row
    return _EIGHTHS[max(0, min(8, eighths))]
