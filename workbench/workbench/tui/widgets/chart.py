"""A chart of one metric, drawn with braille dots; ranks are lines of their own."""

from textual.widget import Widget
from textual_plotext import PlotextPlot

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

    def on_mount(self) -> None:
        """Draw the first time."""
        self.auto_theme = True
        self._draw()

    def show(self, chart: Chart) -> None:
        """Draw another state of the same metric, if it is another."""
        if chart != self.chart:
            self.chart = chart
            self._draw()

    def _draw(self) -> None:
        plot = self.plt
        plot.clear_data()
        plot.clear_figure()
        for index, series in enumerate(self.chart.series):
            good = [(s, v) for s, v in zip(series.steps, series.values, strict=True) if v - v == 0]
            if good:
                steps, values = zip(*good, strict=True)
                plot.plot(list(steps), list(values), marker="braille", color=_COLOURS[index % len(_COLOURS)])
        steps_seen = [step for series in self.chart.series for step in (series.steps[:1] + series.steps[-1:])]
        if steps_seen:
            ticks = _ticks(min(steps_seen), max(steps_seen))
            plot.xticks(ticks, [format_number(tick) for tick in ticks])
        plot.xaxes(True, False)
        plot.yaxes(True, False)
        last = self.chart.last
        self.border_title = safe_text(self.chart.key).replace("[", "\\[")
        self.border_subtitle = "" if last is None else format_number(last)
        self.refresh()


def _ticks(first: int, last: int) -> list[float]:
    """Up to four whole steps from the first to the last."""
    return sorted({float(first + (last - first) * part // 3) for part in range(4)})


def same_charts(widget: Widget, charts: tuple[Chart, ...]) -> bool:
    """Whether the widget holds charts of exactly these metrics, in this order."""
    return [child.chart.key for child in widget.query(MetricChart)] == [chart.key for chart in charts]
