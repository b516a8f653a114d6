"""How many bytes of fetched data are kept: WORKBENCH_DATA_LIMIT, else 50 GiB."""

import os
import re

from workbench_store.errors import UsageError

VARIABLE = "WORKBENCH_DATA_LIMIT"
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
DEFAULT_BYTES = 50 * 1024**3


def data_limit() -> int:
    """The limit in bytes. Raises UsageError for a value that is no size."""
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return DEFAULT_BYTES
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", text, re.IGNORECASE)
    if match is None:
        raise UsageError(f"{VARIABLE}={text} is no size", remedy="Give bytes, with k, M, G or T: 500M, 1.5T.")
    return int(float(match[1]) * _UNITS[match[2].lower()])


def size_text(size: int) -> str:
    """A size for a message: 1.4 MiB and the like."""
    amount = float(size)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"
