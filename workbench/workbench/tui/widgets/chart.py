"""A chart of one metric, drawn with braille dots; ranks are lines of their own."""

from rich.align import Align
from rich.text import Text
from textual.app import RenderResult
from textual.widget import Widget
from textual_plotext import PlotextPlot
from workbench_store.records import Series

from workbench.view.axis import shares, ticks
from workbench.view.charts import Chart
from workbench.view.format import format_number, safe_text

_COLOURS = ("cyan", "magenta", "yellow", "green", "red", "blue")


class MetricChart(PlotextPlot):
    """Draws a `Chart` and is given a new one as points come."""

    DEFAULT_CSS = """
    MetricChart { height: 100%; width: 1fr; min-width: 36; border: round $surface-lighten-2; border-title-color: $text;
        border-subtitle-color: $text; border-subtitle-style: bold; }
    """

    def __init__(self, chart: Chart) -> None:
        super().__init__()
        self.chart = chart
        self._drawn = False

    def on_mount(self) -> None:
        """Draw the first time."""
        self.auto_theme = True
        self._draw()

    def show(self, chart: Chart) -> None:
        """Draw another state of the same metric, if it is another."""
        if chart != self.chart:
            self.chart = chart
            self._draw()

    def render(self) -> RenderResult:
        """The drawing; words where there is nothing to draw."""
        if not self._drawn:
            return Align.center(Text("no finite value", "dim"), vertical="middle", height=self.size.height)
        return super().render()

    def _draw(self) -> None:
        plot = self.plt
        plot.clear_data()
        plot.clear_figure()
        lines = [_finite(series) for series in self.chart.series]
        points = [point for line in lines for point in line]
        self._drawn = bool(points)
        if points:
            self._draw_lines(lines, [value for _, value in points])
            self._set_steps([step for step, _ in points])
        last = self.chart.last
        self.border_title = safe_text(self.chart.key).replace("[", "\\[")
        self.border_subtitle = "" if last is None else format_number(last)
        self.refresh()

    def _draw_lines(self, lines: list[list[tuple[int, float]]], values: list[float]) -> None:
        """The lines between 0 and 1: plotext draws no numbers that are very large or very close to nothing."""
        plot, low, high = self.plt, min(values), max(values)
        for index, line in enumerate(lines):
            if line:
                # A single braille dot is too small to be seen.
                draw, marker = (plot.scatter, "●") if len(line) == 1 else (plot.plot, "braille")
                places = shares([value for _, value in line], low, high)
                draw([step for step, _ in line], places, marker=marker, color=_COLOURS[index % len(_COLOURS)])
        plot.ylim(0, 1)
        marks = ticks(low, high)
        plot.yticks([place for place, _ in marks], [label for _, label in marks])
        plot.yaxes(True, False)

    def _set_steps(self, steps: list[int]) -> None:
        marks = _step_ticks(min(steps), max(steps))
        self.plt.xticks(marks, [format_number(mark) for mark in marks])
        self.plt.xaxes(True, False)


def _finite(series: Series) -> list[tuple[int, float]]:
    return [(step, value) for step, value in zip(series.steps, series.values, strict=True) if value - value == 0]


def _step_ticks(first: int, last: int) -> list[float]:
    """Up to four whole steps from the first to the last."""
    return sorted({float(first + (last - first) * part // 3) for part in range(4)})


def same_charts(widget: Widget, charts: tuple[Chart, ...]) -> bool:
    """Whether the widget holds charts of exactly these metrics, in this order."""
    return [child.chart.key for child in widget.query(MetricChart)] == [chart.key for chart in charts]
