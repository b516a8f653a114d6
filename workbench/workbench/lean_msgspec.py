"""msgspec as it is where `typing_extensions` is not installed, whose import takes longer than msgspec's own.

Other packages bring `typing_extensions` along. msgspec (0.22, `_utils.py`) takes from it only what Python's own
`typing` has since 3.11, and turns to that when it is missing.
"""

import sys


def load_msgspec() -> None:
    """Load msgspec without it, for a process that is ours from its start and that somebody waits for."""
    if "typing_extensions" in sys.modules:
        return
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]  # what `import` takes for missing
    try:
        import msgspec  # noqa: F401
    finally:
        del sys.modules["typing_extensions"]
