"""Charts of metrics: the points that a chart of some width can show, rank by rank."""

from typing import TYPE_CHECKING

from msgspec import Struct
from workbench_store.records import SYSTEM, Series

if TYPE_CHECKING:
    from workbench_store.store import Store


class Chart(Struct, frozen=True):
    """One metric of a run: a series for each rank that logged it, in order of rank."""

    key: str
    series: tuple[Series, ...]

    @property
    def last(self) -> float | None:
        """The last value of the first rank."""
        return self.series[0].values[-1] if self.series and self.series[0].values else None


def metric_charts(
    store: "Store", name: str, *, max_points: int, system: bool = False, most: int = 24
) -> tuple[Chart, ...]:
    """Charts of the run's metrics, in order of key; the machine's own figures with `system`, else all others."""
    ranks: dict[str, list[int]] = {}
    for summary in store.metrics(name, rank=None):
        if summary.key.startswith(SYSTEM) is system:
            ranks.setdefault(summary.key, []).append(summary.rank)
    charts = []
    for key in list(ranks)[:most]:
        series = (store.series(name, key, rank, max_points) for rank in ranks[key])
        charts.append(Chart(key, tuple(series)))
    return tuple(charts)
