"""Libraries loaded without what takes them long and is not wanted, for processes that are ours from their start and
that somebody waits for.

Regular expressions that they compile as they are loaded are compiled when they are first used: most of them never are.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def load_msgspec() -> None:
    """Load msgspec as it is where `typing_extensions` is not installed, whose import takes longer than msgspec's own.

    Other packages bring `typing_extensions` along. msgspec (0.22, `_utils.py`) takes from it only what Python's own
    `typing` has since 3.11, and turns to that when it is missing.
    """
    if "typing_extensions" in sys.modules:
        return
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]  # what `import` takes for missing
    try:
        with _patterns_when_used():
            import msgspec  # noqa: F401
    finally:
        del sys.modules["typing_extensions"]


def load_yaml() -> None:
    """Load PyYAML (6.0), whose reader has a pattern of all characters but a few, the half of its import."""
    with _patterns_when_used():
        import yaml  # noqa: F401


@contextmanager
def _patterns_when_used() -> Iterator[None]:
    """What calls `re.compile` meanwhile gets patterns that are compiled by their first use."""
    compile_now = re.compile
    re.compile = lambda *given: _PatternWhenUsed(compile_now, given)  # type: ignore[assignment]
    try:
        yield
    finally:
        re.compile = compile_now


class _PatternWhenUsed:
    """What a compiled pattern has, but for its type."""

    def __init__(self, compile_now: Any, given: tuple[Any, ...]) -> None:
        self._compile_now = compile_now
        self._given = given

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._compile_now(*self._given), name)  # `re` keeps the pattern
        setattr(self, name, found)
        return found
