"""What belongs to a folder of data though it is not in it: the parts of a table that are elsewhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from workbench_store.errors import DataError

from workbench.spec.paths import is_remote

if TYPE_CHECKING:
    from workbench.data.mltable import Part

TABLE_FILE = "MLTable"


def parts_elsewhere(folder: Path) -> "list[Part]":
    """The parts of the table in a folder that are not in it; none if it is no table, or not one that can be read."""
    if not (folder / TABLE_FILE).is_file():
        return []
    from workbench.data.mltable import read_table  # it loads what reads YAML

    try:
        return [part for part in read_table(folder) if not Path(part.place).is_relative_to(folder)]
    except (DataError, OSError):
        return []


def has_remote_parts(folder: Path) -> bool:
    """Whether some of the table in a folder is at a URI, so that nothing on this machine tells that it has changed."""
    return any(is_remote(part.place) for part in parts_elsewhere(folder))


def files_elsewhere(folder: Path) -> Iterator[tuple[str, Path]]:
    """The files of the table in a folder that are not in it but on this machine, each by the number of its part and
    where it is in that."""
    for number, part in enumerate(parts_elsewhere(folder)):
        if not is_remote(part.place):
            from workbench.data.mltable import named_files

            yield from ((f"{number}/{name}", file) for name, file in named_files(part, folder))
