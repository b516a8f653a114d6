"""Tables in any of the forms that scripts have one in, as JSON with typed columns. (Python 3.8.)

The file is an object of `columns` [{`name`, `type`}] and `rows` [[cell, ...]]. A type is number, boolean, text, mixed
or empty. In columns of numbers, not-a-number and infinities are the texts "NaN", "Infinity" and "-Infinity".
"""

import json
import math
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from workbench_store.errors import UsageError
from workbench_store.redaction import redacted_value

from workbench.client.arguments import LONGEST_TEXT
from workbench.client.media.arrays import as_lists, as_numpy
from workbench.client.media.item import Item

MOST_ROWS = 100_000
MOST_COLUMNS = 1_000
MOST_BYTES = 16 * 1024 * 1024
#: Rather more than is kept, so that a secret at the end of that is known as one.
_LONGEST_LOOKED_AT = 2 * LONGEST_TEXT
_FORMS = "Give a mapping of columns, a list of mappings, a list of lists with columns=, or a data frame."
_SMALLER = "Log a part of it, or save it as a file with log_artifact."

Columns = List[str]
Rows = List[List[Any]]


def table_item(key: str, table: Any, columns: Optional[Sequence[str]]) -> Item:
    """What is kept of a table. UsageError, which names the key, for what is none or is too large."""
    names, rows = _columns_and_rows(key, table)
    if columns is not None:
        names = _renamed(key, names, columns)
    if not names and rows and rows[0]:
        raise UsageError("table {!r} has no names of columns".format(key), remedy="Pass columns=[...].")
    _check_size(key, names, rows)
    cells = [[_cell(value, name) for name, value in zip(names, row)] for row in rows]
    kinds = [_kind_of_column([row[number] for row in cells]) for number in range(len(names))]
    head = [{"name": name, "type": kind} for name, kind in zip(names, kinds)]
    data = json.dumps({"columns": head, "rows": [[_json(cell) for cell in row] for row in cells]}).encode("utf-8")
    if len(data) > MOST_BYTES:
        raise UsageError(
            "table {!r} takes {:,} bytes; at most {:,} are kept".format(key, len(data), MOST_BYTES), remedy=_SMALLER
        )
    return Item("json", {"rows": len(rows), "columns": len(names)}, data=data)


def _columns_and_rows(key: str, table: Any) -> Tuple[Columns, Rows]:
    frame = _of_frame(table)
    if frame is not None:
        table = frame
    if isinstance(table, Mapping):
        return _of_mapping(key, table)
    array = as_numpy(table)
    if array is not None or hasattr(table, "tolist"):
        table = as_lists(table if array is None else array)
    if isinstance(table, (str, bytes)) or not isinstance(table, Sequence):
        raise UsageError("table {!r} is a {}".format(key, type(table).__name__), remedy=_FORMS)
    if table and all(isinstance(row, Mapping) for row in table):
        names = list(dict.fromkeys(str(name) for row in table for name in row))
        return names, [_in_order({str(name): row[name] for name in row}, names) for row in table]
    return [], [_row(key, number, row) for number, row in enumerate(table)]


def _in_order(row: Mapping[str, Any], names: Columns) -> List[Any]:
    return [row.get(name) for name in names]


def _row(key: str, number: int, row: Any) -> List[Any]:
    row = as_lists(row)
    if isinstance(row, (str, bytes, Mapping)) or not isinstance(row, Sequence):
        raise UsageError("row {} of table {!r} is a {}".format(number, key, type(row).__name__), remedy=_FORMS)
    return list(row)


def _of_frame(table: Any) -> Any:
    """A data frame as a mapping or as rows: pyarrow's, polars' and pandas' ways to say so, in this order."""
    try:
        if callable(getattr(table, "to_pydict", None)):
            return table.to_pydict()
        if callable(getattr(table, "to_dicts", None)):
            return {name: table[name].to_list() for name in table.columns}
        if callable(getattr(table, "to_dict", None)) and hasattr(table, "columns"):
            split = table.to_dict("split")
            heads, labels = _labels(split["index"], list(getattr(getattr(table, "index", None), "names", [None])))
            rows = [[*label, *row] for label, row in zip(labels, split["data"])]
            return _Frame([*heads, *split["columns"]], rows).mapping()
    except Exception:
        return None
    return None


def _labels(index: Sequence[Any], names: Sequence[Any]) -> Tuple[List[Any], List[List[Any]]]:
    """The index of a pandas data frame as columns before its own: of `describe()`, `groupby()` and `crosstab()` it says
    what each row is. One that only counts the rows says nothing."""
    if len(names) > 1:
        return [level if name is None else name for level, name in enumerate(names)], [list(entry) for entry in index]
    if names == [None] and list(index) == list(range(len(index))):
        return [], [[] for _ in index]
    return ["index" if names[0] is None else names[0]], [[entry] for entry in index]


class _Frame:
    """The rows of a pandas data frame; its columns may have one name twice."""

    def __init__(self, columns: Sequence[Any], rows: Sequence[Sequence[Any]]) -> None:
        self._columns, self._rows = columns, rows

    def mapping(self) -> Dict[str, List[Any]]:
        found: Dict[str, List[Any]] = {}
        for number, column in enumerate(self._columns):
            name = ".".join(map(str, column)) if isinstance(column, tuple) else str(column)
            while name in found:
                name += "'"
            found[name] = [row[number] for row in self._rows]
        return found


def _of_mapping(key: str, table: Mapping[Any, Any]) -> Tuple[Columns, Rows]:
    columns: Dict[str, List[Any]] = {}
    for name, values in table.items():
        values = as_lists(values)
        if isinstance(values, (str, bytes)) or not isinstance(values, Sequence):
            raise UsageError(
                "column {!r} of table {!r} is a {}, not a list".format(name, key, type(values).__name__),
                remedy=_FORMS,
            )
        columns[str(name)] = list(values)
    if len({len(values) for values in columns.values()}) > 1:
        lengths = ", ".join("{} {}".format(name, len(values)) for name, values in columns.items())
        raise UsageError("the columns of table {!r} differ in length: {}".format(key, lengths[:500]))
    return list(columns), [list(row) for row in zip(*columns.values())]


def _renamed(key: str, names: Columns, columns: Sequence[str]) -> Columns:
    """`columns` are the names of columns that have none."""
    if isinstance(columns, (str, bytes)) or not all(isinstance(name, str) for name in columns):
        raise UsageError("columns= of table {!r} is no list of names: {!r}".format(key, columns))
    if names:
        raise UsageError("table {!r} names its columns already".format(key), remedy="Leave columns= out.")
    return list(columns)


def _check_size(key: str, names: Columns, rows: Rows) -> None:
    if len(rows) > MOST_ROWS or len(names) > MOST_COLUMNS:
        raise UsageError(
            "table {!r} has {:,} rows and {:,} columns; at most {:,} and {:,} are kept".format(
                key, len(rows), len(names), MOST_ROWS, MOST_COLUMNS
            ),
            remedy=_SMALLER,
        )
    for number, row in enumerate(rows):
        if len(row) != len(names):
            raise UsageError(
                "row {} of table {!r} has {} cells for {} columns".format(number, key, len(row), len(names))
            )


def _cell(value: Any, column: str) -> Any:
    """A cell of that column as a JSON scalar; what is none becomes text, without what looks like a secret."""
    plain = _scalar(value)
    if not isinstance(plain, str):
        return plain
    return _text(redacted_value(plain[:_LONGEST_LOOKED_AT], column))


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return _number(value)
    item = getattr(value, "item", None)
    if callable(item):
        try:
            plain = item()
        except Exception:  # whatever another library raises for what is not one value
            plain = value
        if plain is None or isinstance(plain, (bool, int, float, str)):
            return _number(plain)
    try:
        return str(value.isoformat() if callable(getattr(value, "isoformat", None)) else value)
    except Exception:
        return "<{}>".format(type(value).__name__)


def _number(value: Any) -> Any:
    """Plain, also where a library's number is a kind of float; whole numbers that no reader holds become text."""
    if isinstance(value, (bool, str)) or value is None:
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < 2**63 else hex(value)
    return float(value)


def _text(value: str) -> str:
    return value[:LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8")


def _json(cell: Any) -> Any:
    if isinstance(cell, float) and not math.isfinite(cell):
        return "NaN" if math.isnan(cell) else "Infinity" if cell > 0 else "-Infinity"
    return cell


def _kind_of_column(cells: Sequence[Any]) -> str:
    kinds = {_kind(cell) for cell in cells if cell is not None}
    return kinds.pop() if len(kinds) == 1 else "mixed" if kinds else "empty"


def _kind(cell: Any) -> str:
    return "text" if isinstance(cell, str) else "boolean" if isinstance(cell, bool) else "number"
