"""The rows of a query as a table, as CSV and as JSON."""

import csv
import datetime
import itertools
import json
import math
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from workbench_store.words import counted

from workbench.cli.output import Cell, emit_table, narrate
from workbench.view.format import format_scalar, local_time, safe_text, shorten

if TYPE_CHECKING:
    from workbench_store.user_sql.result import QueryResult

_WIDEST = 48


def print_views() -> None:
    """The views with their columns and what these hold."""
    from workbench_store.user_sql.views import VIEWS

    rows = [[Cell(view.name, "bold"), Cell(name), Cell(what)] for view in VIEWS for name, what in view.columns]
    emit_table(["VIEW", "COLUMN", ""], rows)


def print_table(result: "QueryResult", most: int) -> None:
    """The first `most` rows; on a terminal, wide values are cut short."""
    width = _WIDEST if sys.stdout.isatty() else None
    right = [_is_number(kind) for kind in result.types]
    rows = [
        [Cell(_shown(value, width), right=aligned) for value, aligned in zip(row, right, strict=True)]
        for row in itertools.islice(result, max(0, most))
    ]
    emit_table([safe_text(column) for column in result.columns], rows)
    if len(result) > len(rows):
        narrate(f"{len(rows)} of {counted(len(result), 'row')}; --limit N, --csv or --json show more")


def print_csv(result: "QueryResult", most: int | None) -> None:
    """Names of the columns and the rows; times as ISO 8601 in UTC, no value as nothing. As it is into a pipe or a
    file; on a terminal nothing that could steer it."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    shown = _harmless if sys.stdout.isatty() else list
    writer.writerow(shown(result.columns))
    for row in itertools.islice(result, most):
        writer.writerow(shown(_text(value) for value in row))
    sys.stdout.flush()


def _harmless(values: Iterable[object]) -> list[object]:
    return [safe_text(value) if isinstance(value, str) else value for value in values]


def print_json(result: "QueryResult", most: int | None) -> None:
    """`{"columns": [{"name", "type"}], "rows": [{column: value}]}`, written as it is read."""
    columns = [{"name": name, "type": kind} for name, kind in zip(result.columns, result.types, strict=True)]
    sys.stdout.write(f'{{"columns": {json.dumps(columns)},\n "rows": [')
    for index, row in enumerate(itertools.islice(result, most)):
        fields = {name: _finite(_plain(value)) for name, value in zip(result.columns, row, strict=True)}
        sys.stdout.write(f"{',' if index else ''}\n  {json.dumps(fields)}")
    sys.stdout.write("\n]}\n")
    sys.stdout.flush()


def _is_number(kind: str) -> bool:
    return kind.split("(")[0] in ("BIGINT", "INTEGER", "HUGEINT", "DOUBLE", "FLOAT", "DECIMAL", "SMALLINT", "TINYINT")


def _shown(value: object, width: int | None) -> str:
    text = _moment(value) if isinstance(value, datetime.datetime) else format_scalar(_plain(value))
    return text if width is None else shorten(text, width)


def _moment(value: datetime.datetime) -> str:
    """Local time with its zone; as it is where it has none."""
    return local_time(value) if value.tzinfo else value.isoformat(" ", "seconds")[:19]


def _text(value: object) -> object:
    plain = _plain(value)
    return json.dumps(plain) if isinstance(plain, dict | list) else "" if plain is None else plain


def _plain(value: Any) -> Any:
    """A value in the kinds that JSON has, and NaN and infinities: times in UTC, for what JSON has no word a text."""
    if isinstance(value, datetime.datetime):
        moment = value.astimezone(datetime.UTC) if value.tzinfo else value
        return moment.isoformat().replace("+00:00", "Z")
    if isinstance(value, dict):
        return {str(_plain(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return "".join(chr(byte) if 0x20 <= byte < 0x7F and byte != 0x5C else f"\\x{byte:02X}" for byte in value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _finite(value: Any) -> Any:
    """What `_plain` gives as JSON takes it: NaN and infinities as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value
