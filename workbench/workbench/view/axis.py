"""The upright axis of a chart: where values lie on it, and what its ticks are called. Any finite number has a place."""

import math
from collections.abc import Iterable, Sequence

from workbench.view.format import format_number

_TICKS = 7
_DECIMALS = 7
_LEAST_STEP, _MOST_STEP = 1e-300, 1e300
#: Widths of labels, in characters: what is wanted, and what is taken where only more digits tell values apart.
_NARROW, _WIDE = 9, 12
_FIXED = 8


def shares(values: Iterable[float], low: float, high: float) -> list[float]:
    """Where values from `low` to `high` lie between them, from 0 to 1; all in the middle when both are the same."""
    if low == high:
        return [0.5 for _ in values]
    # Between -1e308 and 1e308 lies more than a number can be.
    scale = 1.0 if math.isfinite(high - low) else 0.5
    start, span = low * scale, high * scale - low * scale
    return [(value * scale - start) / span for value in values]


def ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Places on the axis from 0 to 1, each with its label: round numbers, or evenly spaced ones where those would have
    no short labels; the middle alone when there is one value only."""
    if low == high:
        return [(0.5, format_number(low))]
    values = _round_values(low, high)
    labels = _labels(values, 0) if values else []
    if labels and len(set(labels)) == len(labels):
        return list(zip([min(1.0, max(0.0, place)) for place in shares(values, low, high)], labels, strict=True))
    places = [number / (_TICKS - 1) for number in range(_TICKS)]
    return list(zip(places, _labels([low * (1 - place) + high * place for place in places], 1), strict=True))


def _round_values(low: float, high: float) -> list[float]:
    """From two to six multiples of 1, 2 or 5 times a power of ten; none where floats are too coarse for them."""
    least = (high - low) / (_TICKS - 2)
    if not _LEAST_STEP < least < _MOST_STEP:
        return []
    power = 10.0 ** math.floor(math.log10(least))
    step = next((power * digit for digit in (1, 2, 5) if power * digit >= least), power * 10)
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _labels(values: Sequence[float], spare: int) -> list[str]:
    """Short labels that tell two or more evenly spaced values apart, if any do: with as many decimals as their distance
    asks for, and `spare` more, or with an exponent."""
    decimals = _decimals(values, spare)
    if decimals is not None:
        labels = [f"{value:.{decimals}f}" for value in values]
        if max(map(len, labels)) <= _FIXED:
            return labels
    for width in (_NARROW, _WIDE):
        for digits in (3, 4, 5, 6, 7, 8, 9, 10, 2):
            labels = [_general(value, digits) for value in values]
            if len(set(labels)) == len(labels) and max(map(len, labels)) <= width:
                return labels
    return [_general(value, 3) for value in values]


def _decimals(values: Sequence[float], spare: int) -> int | None:
    """So many that the first digit of the distance is seen, and `spare` more; None for too many, or no distance."""
    step = abs(values[1] - values[0])
    if not 0 < step < math.inf:
        return None
    decimals = max(0, math.ceil(spare - round(math.log10(step), 6)))
    return decimals if decimals <= _DECIMALS else None


def _general(value: float, digits: int) -> str:
    mantissa, e, exponent = f"{value:.{digits}g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa
