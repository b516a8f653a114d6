"""Writing to people and to pipes: data on stdout, narration on stderr, plain text when piped."""

import json
import math
import os
import re
import sys
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, TextIO

from msgspec import Struct
from workbench_store.errors import WorkbenchError
from workbench_store.no_room import NO_ROOM
from workbench_store.redaction import redacted

#: What a terminal may obey, or what turns the direction of writing, beside the characters that JSON escapes anyway.
_STEERING = re.compile(r"[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36", "magenta": "35"}


class Cell(Struct, frozen=True):
    """A cell of a table: its text, and how it is shown on a terminal."""

    text: str
    style: str = ""
    right: bool = False


def narrate(text: str) -> None:
    """One line for the person who watches, on stderr; where its disk is full nothing fails for that."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        _drop(sys.stderr)


def narrate_warning(text: str) -> None:
    """A warning, of which parts may be of others' making."""
    from workbench.view.format import safe_text

    narrate(f"warning: {safe_text(text)}")


def emit(text: str) -> None:
    """One line of data, on stdout."""
    print(text, flush=True)


def emit_text(text: str) -> None:
    """Lines that somebody wrote, on stdout: as they are, but on a terminal nothing that could steer it."""
    if sys.stdout.isatty():
        from workbench.lifecycle.logs import plain_text

        text = plain_text(text)
    emit(text)


def report(error: WorkbenchError) -> None:
    """The message of an error on stderr, its remedy on a line of its own."""
    # Problems of a job file say file, line and severity themselves, each on a line.
    mark = "" if hasattr(error, "problems") else f"{styled('error:', 'bold red', sys.stderr)} "
    narrate(f"{mark}{redacted(error.message)}")
    if error.remedy:
        narrate(f"  {redacted(error.remedy)}")


def drop_stdout() -> None:
    """Write what else comes to nowhere: whoever read the pipe has left."""
    _drop(sys.stdout)


def drop_full_stdout() -> None:
    """The same where it holds something that the disk does not take: it would be tried again with all that comes, and
    at the end, when Python has words and an exit code of its own for it."""
    try:
        sys.stdout.flush()
    except OSError:
        drop_stdout()


def _drop(stream: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def emit_log(text: str) -> None:
    """A piece of a job's log, as `LogReader` gives it, on stdout: bytes as the job wrote them, but on a terminal
    nothing that could steer it."""
    if sys.stdout.isatty():
        from workbench.lifecycle.logs import plain_text

        sys.stdout.write(plain_text(text))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.flush()


def emit_json(value: object) -> None:
    """`value` as JSON on stdout; NaN and infinities become null, which JSON can carry. Nothing in it can steer a
    terminal: JSON has an escape for each such character."""
    rare = "utf" not in (sys.stdout.encoding or "").lower()
    text = json.dumps(_finite(value), indent=2, ensure_ascii=rare, default=str)
    print(_STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text), flush=True)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate has no UTF-8
    if isinstance(value, dict):
        return {_finite(str(key)): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def coloured(stream: Any) -> bool:
    """Whether `stream` is a terminal that wants colour (NO_COLOR is respected)."""
    return bool(stream.isatty()) and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def styled(text: str, style: str, stream: Any) -> str:
    """`text` in a style (words such as "bold red"), or as it is where colour is not wanted."""
    codes = [_STYLES[word] for word in style.split() if word in _STYLES]
    if not codes or not coloured(stream):
        return text
    return f"\x1b[{';'.join(codes)}m{text}\x1b[0m"


def table_lines(headers: Sequence[str], rows: Iterable[Sequence[Cell]], stream: Any) -> list[str]:
    """The lines of a table whose columns are as wide as their widest cell, two spaces apart."""
    from rich.cells import cell_len

    body = [list(row) for row in rows]
    widths = [cell_len(header) for header in headers]
    for row in body:
        for index, cell in enumerate(row):
            widths[index] = max(widths[index], cell_len(cell.text))

    def line(cells: Sequence[Cell]) -> str:
        parts = []
        for index, cell in enumerate(cells):
            pad = " " * (widths[index] - cell_len(cell.text))
            if index == len(cells) - 1 and not cell.right:
                pad = ""
            text = styled(cell.text, cell.style, stream)
            parts.append(pad + text if cell.right else text + pad)
        return "  ".join(parts).rstrip(" ")

    aligned = [body[0][index].right if body else False for index in range(len(headers))]
    head = [Cell(header, "bold", right) for header, right in zip(headers, aligned, strict=True)]
    return [line(head), *(line(row) for row in body)]


def columns_that_fit(headers: Sequence[str], rows: Sequence[Sequence[Cell]], least: int) -> int:
    """How many of the columns fit side by side on the terminal, at least `least`; all where stdout is none."""
    from rich.cells import cell_len

    if not sys.stdout.isatty():
        return len(headers)
    room = os.get_terminal_size(sys.stdout.fileno()).columns
    widths = [max(map(cell_len, [header, *(row[at].text for row in rows)])) for at, header in enumerate(headers)]
    ends = accumulate(width + 2 for width in widths)
    return max(least, sum(end - 2 <= room for end in ends)) if room else len(headers)


def emit_table(headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """A table on stdout."""
    for line in table_lines(headers, rows, sys.stdout):
        emit(line)
