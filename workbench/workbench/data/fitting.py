"""Whether what is at a local place can be data of a type: a file or a folder, never a pipe or a device."""

from pathlib import Path

from workbench_store.errors import DataError

from workbench.spec.files import kind_at
from workbench.spec.ports import FOLDER_TYPES

_KINDS = ("a file", "a folder")


def check_fits(place: Path, type: str | None) -> None:
    """Raises DataError unless a file or folder is there, and of both the one that the type wants (None: either)."""
    kind = kind_at(place)
    if kind is None:
        raise DataError(f"there is nothing at {place}", remedy="Check the path.")
    if kind not in _KINDS:
        # Reading a pipe may wait for ever, and some devices never end.
        wanted = "a file" if type == "uri_file" else "a folder" if type in FOLDER_TYPES else "a file or a folder"
        raise DataError(f"{place} is {kind}, not {wanted}", remedy="Put its content into a file, and name that.")
    if type == "uri_file" and kind != "a file":
        raise DataError(f"{place} is a folder, not a uri_file", remedy="Say `type: uri_folder`, or name a file in it.")
    if type in FOLDER_TYPES and kind != "a folder":
        raise DataError(f"{place} is a file, not a {type}", remedy="Say `type: uri_file`, or name its folder.")
