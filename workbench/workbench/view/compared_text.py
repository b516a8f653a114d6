"""Values that are compared, as people read them: short, but what is not the same does not look the same."""

from collections.abc import Sequence

from workbench_store.words import counted

from workbench.view.format import format_duration, format_number, format_scalar, shorten

#: Of these it is told how many there are.
MEDIA = frozenset({"image", "table", "histogram", "text", "figure", "model"})
_WIDEST = 40
_SHOWN_HASH = 10
#: So much of what texts have in common is left before the place where they part.
_BEFORE = 8


def value_texts(kind: str, name: str, values: Sequence[object], width: int = _WIDEST) -> list[str]:
    """The values of one thing compared, each as text of at most `width` characters: `kind` and `name` are those of its
    row. None is `-`."""
    if kind in MEDIA:
        return [counted(value, kind) if isinstance(value, int) else "-" for value in values]
    whole = [format_scalar(value) for value in values]
    short = [_short(kind, name, value, width) for value in values]
    told = []
    for value, text, full in zip(values, short, whole, strict=True):
        alike = sorted({other for other, its in zip(whole, short, strict=True) if its == text})
        if kind != "run" and len(alike) > 1:
            text = full if isinstance(value, int | float) else _from_where_they_part(full, alike, width)
        told.append("-" if value is None else text)
    return told


def _short(kind: str, name: str, value: object, width: int) -> str:
    if kind == "code":
        return format_scalar(value)[:_SHOWN_HASH]
    if kind == "run" and name == "duration" and isinstance(value, float):
        return format_duration(value)
    return shorten(format_number(value) if kind == "metric" else format_scalar(value), width)


def _from_where_they_part(text: str, alike: Sequence[str], width: int) -> str:
    same = next((place for place, chars in enumerate(zip(*alike, strict=False)) if len(set(chars)) > 1), len(alike[0]))
    start = max(0, same - _BEFORE)
    return shorten(f"…{text[start:]}" if start else text, width)


def name_text(name: str, rank: int = 0, step: int | None = None, width: int = _WIDEST) -> str:
    """What a row is called: a metric of another rank than 0 with its rank, and with the step from which it differs."""
    whose = (f"rank {rank}" if rank else "", "" if step is None else f"from step {step}")
    told = ", ".join(filter(None, whose))
    return shorten(format_scalar(name), width) + (f" ({told})" if told else "")
