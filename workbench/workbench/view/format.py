"""Numbers, sizes, times and text as people read them."""

import json
import math
import unicodedata
from datetime import UTC, datetime

from workbench_store.words import counted

_ELLIPSIS = "…"
#: Ten thousand years in seconds.
_ALL_TIME = 10_000 * 366 * 86400.0


def format_number(value: object) -> str:
    """A metric or number in at most about eight characters: 0.9231, 1.5e-05, 12,345."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return format_scalar(value)
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < 10**9 else f"{value:.4g}"
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    size = abs(value)
    if value.is_integer() and size < 10**9:
        return f"{int(value):,}"
    if size >= 10**6 or size < 10**-4:
        return f"{value:.3g}"
    if size < 10:
        short = f"{value:.4f}".rstrip("0")
        # So near a whole number that four places do not tell it from one.
        return f"{value:.6g}" if short.endswith(".") else short
    return f"{value:,.5g}" if size < 1000 else f"{value:,.1f}"


def format_delta(value: float) -> str:
    """A difference, with its sign: +0.0213, -12."""
    return f"{'+' if value > 0 else ''}{format_number(value)}"


def format_scalar(value: object) -> str:
    """A parameter or any JSON value on one line, harmless."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else format_number(value)
    if isinstance(value, dict | list):
        return safe_text(json.dumps(value, ensure_ascii=False))
    return safe_text(str(value))


def format_bytes(size: int) -> str:
    """1.4 MiB and the like."""
    if size < 1024:
        return f"{size} B"
    amount = float(size)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        amount /= 1024
        if amount < 1024 or unit == "TiB":
            return f"{amount:.1f} {unit}" if amount < 100 else f"{amount:.0f} {unit}"
    raise AssertionError


def format_files(count: int, size: int) -> str:
    """3 files, 1.4 MiB."""
    return f"{counted(count, 'file')}, {format_bytes(size)}"


def format_duration(seconds: float | None) -> str:
    """0.4s, 12s, 3m 05s, 2h 10m, 4d 02h; empty for None, and for what is longer than any calendar."""
    if seconds is None or not seconds < _ALL_TIME:
        return ""
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02}m"
    return f"{whole // 86400}d {whole % 86400 // 3600:02}h"


def format_age(moment: float, now: float) -> str:
    """How long ago: now, 40s, 5m, 3h, 12d; empty for what is no moment of any calendar."""
    if _utc(moment) is None:
        return ""
    seconds = max(0.0, now - moment)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return "now" if seconds < 5 else f"{int(seconds)}s"


def format_time(moment: float | None) -> str:
    """Local time with its zone; empty for None."""
    found = _utc(moment)
    return "" if found is None else local_time(found)


def local_time(moment: datetime) -> str:
    """A moment in local time with its zone, whose name is not told where it is `UTC` for another time (`TZ=UTC-5`)."""
    local = moment.astimezone()
    zone = f"{local:%z}" if local.tzname() in ("UTC", "GMT") and local.utcoffset() else local.tzname()
    return f"{local.isoformat(' ', 'seconds')[:19]} {zone}"


def iso_time(moment: float | None) -> str | None:
    """ISO 8601 in UTC, for programs."""
    found = _utc(moment)
    return None if found is None else found.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _utc(moment: float | None) -> datetime | None:
    """None also for what another writer recorded as a time and no calendar has."""
    try:
        return None if moment is None else datetime.fromtimestamp(moment, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def safe_text(text: str) -> str:
    """Text that cannot steer a terminal or break a line: control and format characters are shown as pictures."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return " " if character in "\n\t" else chr(0x2400 + code)
    kind = unicodedata.category(character)
    return (
        "\ufffd"
        if kind in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp") or (kind == "Cf" and character != "\u200d")
        else character
    )


def shorten(text: str, width: int) -> str:
    """Text of at most `width` characters, its end replaced by an ellipsis."""
    return text if len(text) <= width else text[: max(0, width - 1)] + _ELLIPSIS


def bar(share: float, width: int) -> str:
    """A bar of `share` (0 to 1) of `width` characters, in eighths of one."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
