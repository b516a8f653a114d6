"""The links of inputs with a `path_on_compute`: made where the user wants them, removed with the run that made them."""

import os
from contextlib import suppress
from pathlib import Path

from workbench_store.errors import RunError
from workbench_store.layout import RunLayout, WorkspaceLayout

from workbench.data.copying import is_inside
from workbench.lifecycle.files import read_json, write_json


def make_link(layout: WorkspaceLayout, files: RunLayout, link: Path, target: str) -> None:
    """Let `link` lead to the data, and note that this run made it. Raises RunError when something is in the way."""
    if link.is_symlink():
        other = _run_of(layout, os.readlink(link))
        if other is not None and not link.exists():
            link.unlink()  # left by a run whose temporary storage is gone
        elif other is not None:
            raise RunError(f"{link} is in use by the run {other}", remedy="Wait for its end, or choose another path.")
    made = read_json(files.links_made) or {}
    if any(Path(one) in link.parents for one in made) or _leaves(layout.staging, link):
        raise RunError(f"{link} is in the data of another input", remedy="Choose another path_on_compute.")
    if os.path.lexists(link):
        raise RunError(f"something is in the way at {link}", remedy="Move it, or choose another path_on_compute.")
    try:
        if layout.staging in link.parents:
            link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
    except OSError as error:
        remedy = "path_on_compute is made in a folder that is there and that you may write to."
        raise RunError(f"{link} cannot be made: {error.strerror or error}", remedy=remedy) from error
    write_json(files.links_made, {**made, str(link): _identity(link)})


def _leaves(staging: Path, link: Path) -> bool:
    """Whether a place in temporary storage is, by a link on the way, outside of it: nothing may be written there."""
    inside = os.path.realpath(staging)
    return staging in link.parents and not is_inside(os.path.realpath(link.parent), inside)


def _run_of(layout: WorkspaceLayout, target: str) -> str | None:
    """The run in whose temporary storage a link leads."""
    path = Path(target)
    return path.relative_to(layout.staging).parts[0] if layout.staging in path.parents else None


def _identity(link: Path) -> list[int]:
    """Another link at the same place may lead to the same data, so where it leads does not tell whose it is."""
    status = link.lstat()
    return [status.st_dev, status.st_ino, status.st_mtime_ns]


def remove_links(files: RunLayout) -> None:
    """Remove the links that this run made, wherever they are; those of others are left alone."""
    for place, identity in (read_json(files.links_made) or {}).items():
        with suppress(OSError):
            if _identity(Path(place)) == identity:
                os.unlink(place)
