"""Histograms: of values that are counted here, or counted already. (Python 3.8.)

What is kept is an object: `edges` (one more than `counts`, never falling), `counts`, `total` (their sum), `left_out`
(how many values were not finite), and `min`, `max` and `mean` of the values where those were given.
"""

import math
import sys
from typing import Any, Dict, Iterator, List, Sequence

from workbench_store.errors import UsageError

from workbench.client.media.arrays import as_lists, as_numpy
from workbench.client.media.item import Item

MOST_BINS = 512
_REMEDY = "Give values, or counts= and edges= with one edge more than counts."


def histogram_item(key: str, values: Any, bins: Any, counts: Any, edges: Any) -> Item:
    """What is kept of a histogram. UsageError, which names the key, for what is none."""
    if (values is None) == (counts is None and edges is None) or (counts is None) != (edges is None):
        raise UsageError("histogram {!r} has not one source".format(key), remedy=_REMEDY)
    content = _given(key, counts, edges) if values is None else _counted(key, values, _bins(key, bins))
    return Item("histogram", {"bins": len(content["counts"])}, content=content)


def _bins(key: str, bins: Any) -> int:
    number = bins.__index__() if hasattr(bins, "__index__") else 0
    if not 1 <= number <= MOST_BINS:
        raise UsageError(
            "histogram {!r} cannot have {!r} bins".format(key, bins), remedy="1 to {} are kept.".format(MOST_BINS)
        )
    return int(number)


def _given(key: str, counts: Any, edges: Any) -> Dict[str, Any]:
    tallies, borders = _finite_list(key, "counts", counts), _finite_list(key, "edges", edges)
    if len(borders) != len(tallies) + 1 or not 1 <= len(tallies) <= MOST_BINS:
        raise UsageError(
            "histogram {!r} has {} counts and {} edges".format(key, len(tallies), len(borders)),
            remedy="There is one edge more than counts; 1 to {} counts are kept.".format(MOST_BINS),
        )
    if borders != sorted(borders) or min(tallies) < 0:
        raise UsageError("histogram {!r} has edges that fall, or counts below 0".format(key), remedy=_REMEDY)
    total = sum(tallies)
    return {"edges": borders, "counts": tallies, "total": total, "left_out": 0, "min": None, "max": None, "mean": None}


def _finite_list(key: str, what: str, numbers: Any) -> List[float]:
    plain = as_lists(numbers)
    if not isinstance(plain, (list, tuple)):
        raise UsageError("{}= of histogram {!r} is a {}".format(what, key, type(numbers).__name__), remedy=_REMEDY)
    found = [_plain(key, number) for number in plain]
    if not all(math.isfinite(number) for number in found):
        raise UsageError("{}= of histogram {!r} has numbers that are not finite".format(what, key))
    return found


def _plain(key: str, number: Any) -> float:
    item = getattr(number, "item", None)
    try:
        plain = item() if callable(item) else number
    except Exception:  # whatever another library raises for what is not one value
        plain = None
    if isinstance(plain, bool) or not isinstance(plain, (int, float)):
        raise UsageError(
            "histogram {!r} has a {} in it, which is no number".format(key, type(number).__name__), remedy=_REMEDY
        )
    return plain if isinstance(plain, int) and abs(plain) < 2**53 else _float(plain)


def _float(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _counted(key: str, values: Any, bins: int) -> Dict[str, Any]:
    array = as_numpy(values)
    if array is not None and array.dtype.kind in "buif":
        return _by_numpy(array, bins)
    try:
        numbers = [_float(number) for number in _numbers(key, as_lists(values))]
    except RecursionError:
        raise UsageError("histogram {!r} is nested too deeply, or holds itself".format(key), remedy=_REMEDY) from None
    good = [number for number in numbers if math.isfinite(number)]
    if not good:
        return _none(bins, len(numbers))
    low, high = min(good), max(good)
    edges = _edges(low, high, bins)
    counts = [0] * bins
    for number in good:
        counts[_bin(number, edges[0], edges[-1], bins)] += 1
    return _content(edges, counts, len(numbers) - len(good), low, high, math.fsum(n / len(good) for n in good))


def _by_numpy(array: Any, bins: int) -> Dict[str, Any]:
    """The same by an array's own means, which are a hundred times as fast."""
    numpy = sys.modules["numpy"]
    flat = array.ravel().astype("float64")
    good = flat[numpy.isfinite(flat)]
    if not len(good):
        return _none(bins, len(flat))
    low, high = float(good.min()), float(good.max())
    edges = _edges(low, high, bins)
    part = _part(edges[0], edges[-1])
    places = ((good * part - edges[0] * part) / (edges[-1] * part - edges[0] * part) * bins).astype("int64")
    counts = numpy.bincount(places.clip(0, bins - 1), minlength=bins).tolist()
    return _content(edges, counts, len(flat) - len(good), low, high, float((good / len(good)).sum()))


def _edges(low: float, high: float, bins: int) -> List[float]:
    """Equal parts from the least to the greatest value; around a single value, half of one on each side."""
    if low == high:
        around, most = max(0.5, abs(low) * 1e-9), sys.float_info.max
        low, high = max(-most, low - around), min(most, high + around)
    inner = (low * (1 - number / bins) + high * (number / bins) for number in range(1, bins))
    # Where neighbours are nearer than floats are fine, rounding must not turn them round.
    return [low, *sorted(min(high, max(low, edge)) for edge in inner), high]


def _part(low: float, high: float) -> float:
    """What to take of numbers so that their span is a number: half, where two large ones lie far apart."""
    return 1.0 if math.isfinite(high - low) else 0.5


def _bin(number: float, low: float, high: float, bins: int) -> int:
    part = _part(low, high)
    return min(bins - 1, max(0, int((number * part - low * part) / (high * part - low * part) * bins)))


def _none(bins: int, left_out: int) -> Dict[str, Any]:
    content = _content(_edges(0.0, 1.0, bins), [0] * bins, left_out, 0.0, 0.0, 0.0)
    return {**content, "min": None, "max": None, "mean": None}


def _content(
    edges: List[float], counts: Sequence[int], left_out: int, low: float, high: float, mean: float
) -> Dict[str, Any]:
    return {
        "edges": edges,
        "counts": list(counts),
        "total": sum(counts),
        "left_out": left_out,
        "min": low,
        "max": high,
        "mean": mean,
    }


def _numbers(key: str, values: Any) -> Iterator[Any]:
    """The numbers in nested lists, or in anything else that can be gone through once."""
    if isinstance(values, (str, bytes, dict)):
        raise UsageError("histogram {!r} is a {}".format(key, type(values).__name__), remedy=_REMEDY)
    try:
        parts = iter(values)
    except TypeError:
        yield _plain(key, values)
        return
    for part in parts:
        plain = as_lists(part)
        if isinstance(plain, (list, tuple)):
            for number in _numbers(key, plain):
                yield number
        else:
            yield _plain(key, plain)
