"""Checking what a script passes: a wrong argument is named at once, a right one costs next to nothing. (Python 3.8.)"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

from workbench_store.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, Tuple, Union

    Scalar = Union[str, int, float, bool, None]

LONGEST_KEY = 250
LONGEST_TEXT = 10_000
DEEPEST = 30


def check_name(name: object, what: str) -> str:
    """A metric's, parameter's or tag's name: text, not empty, at most 250 characters, no control characters."""
    if not isinstance(name, str):
        raise UsageError("{} {!r} is not text but {}".format(what, name, type(name).__name__))
    if not name or len(name) > LONGEST_KEY:
        raise UsageError("{} {!r} must have 1 to {} characters".format(what, name[:40], LONGEST_KEY))
    if not name.isprintable():
        raise UsageError("{} {!r} has characters that cannot be shown".format(what, name))
    return name


def check_text(value: object, what: str) -> str:
    """Text of any characters, of a length that a record takes."""
    if not isinstance(value, str):
        raise UsageError("{} is not text but {}".format(what, type(value).__name__))
    if len(value) > LONGEST_TEXT:
        raise UsageError("{} has {:,} characters; at most {:,} are kept".format(what, len(value), LONGEST_TEXT))
    return value


def check_step(step: object) -> int:
    """A step: a whole number from 0 to 2^63 - 1."""
    try:
        number = step.__index__()  # type: ignore[attr-defined]
    except (AttributeError, TypeError):
        number = _whole(step)
    if not 0 <= number < 2**63:
        raise UsageError("step {!r} is out of range".format(step), remedy="Steps count from 0.")
    return int(number)


def _whole(step: object) -> int:
    if isinstance(step, float) and step.is_integer():
        return int(step)
    raise UsageError("step {!r} is not a whole number".format(step))


def number_of(key: str, value: Any) -> float:
    """A metric's value as a float: numbers, and what turns itself into one (NumPy scalars, tensors of one value)."""
    kind = type(value)
    if kind is float or kind is int or kind is bool:
        return _float(key, value)
    if isinstance(value, (str, bytes)):
        raise UsageError(
            "metric {!r} is {!r}, which is not a number".format(key, value),
            remedy="Use log_params or set_tags for text.",
        )
    for conversion in ("item", "__float__"):
        if hasattr(value, conversion):
            try:
                number = value.item() if conversion == "item" else value
                if isinstance(number, complex):
                    break
                return _float(key, number)
            except Exception:  # whatever another library raises for what is not one number
                continue
    raise UsageError("metric {!r} is a {}, which is not one number".format(key, kind.__name__))


def _float(key: str, value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def flatten_params(params: object) -> Dict[str, Scalar]:
    """Parameters with nested mappings flattened by dots; lists and other objects as their text. In what is nested,
    numbers may be names: class_weight={0: 1.0, 1: 2.0}."""
    if not isinstance(params, Mapping):
        raise UsageError("log_params takes a mapping of names to values, not {}".format(type(params).__name__))
    return dict(_flat("", params, 0))


def _flat(prefix: str, params: Mapping[Any, Any], depth: int) -> Iterator[Tuple[str, Scalar]]:
    for name, value in params.items():
        if prefix and isinstance(name, (int, float)):
            name = str(name)
        key = prefix + check_name(name, "parameter")
        if isinstance(value, Mapping):
            if depth == DEEPEST:
                raise UsageError("parameter {!r} is nested deeper than {} times".format(key[:40], DEEPEST))
            for pair in _flat(key + ".", value, depth + 1):
                yield pair
        else:
            yield key, _scalar(key, value)


def _scalar(key: str, value: Any) -> Scalar:
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    plain: Scalar = _plain(value)
    if plain is not value:
        return plain
    try:
        return _text(str(value))
    except Exception as error:
        raise UsageError("parameter {!r} has no text: {}".format(key, error)) from error


def _plain(value: Any) -> Any:
    """A number or text of NumPy and the like as Python's own; everything else as it is."""
    item = getattr(value, "item", None)
    if callable(item):
        try:
            plain = item()
        except Exception:
            return value
        if isinstance(plain, (bool, int, float, str)):
            return plain
    return value


def _text(value: str) -> str:
    """The text, short enough; what is no character (in file names of other encodings) becomes a question mark."""
    return value[:LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8")


def check_tags(tags: object) -> Dict[str, str]:
    """Tags: names and values are text; numbers, booleans, paths and dates become text."""
    if not isinstance(tags, Mapping):
        raise UsageError("set_tags takes a mapping of names to text, not {}".format(type(tags).__name__))
    checked = {}
    for name, value in tags.items():
        check_name(name, "tag")
        value = _plain(value)
        if not isinstance(value, (str, int, float, bool, PurePath)) and not hasattr(value, "isoformat"):
            raise UsageError(
                "the value of tag {!r} is not text but {}".format(name, type(value).__name__), remedy="Give its text."
            )
        text = check_text(str(value), "the value of tag {!r}".format(name))
        if any(not character.isprintable() for character in text):
            raise UsageError("the value of tag {!r} has characters that cannot be shown".format(name))
        checked[name] = text
    return checked
