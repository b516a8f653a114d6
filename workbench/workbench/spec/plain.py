"""Values that Python code gives, as a job file would say them."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any


def plain_scalar(value: Any) -> Any:
    """NumPy's scalars, and what derives from Python's own, as Python's own."""
    if type(value).__module__ != "builtins" and callable(getattr(value, "item", None)):
        with suppress(TypeError, ValueError, RuntimeError):
            value = value.item()
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def plain_words(words: Any) -> Any:
    """Tags or properties, numbers and truth values in them as text: azure-ai-ml takes them too."""
    return {name: _word(value) for name, value in words.items()} if isinstance(words, Mapping) else words


def _word(value: Any) -> Any:
    found = plain_scalar(value)
    return str(found) if isinstance(found, bool | int | float) else found
