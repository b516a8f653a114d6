"""The links of inputs with a `path_on_compute`: made where the user wants them, removed with the run that made them."""

import os
from contextlib import suppress
from pathlib import Path

from workbench_store.errors import RunError
from workbench_store.layout import RunLayout, WorkspaceLayout

from workbench.data.copying import is_inside
from workbench.lifecycle.files import read_json, write_json
from workbench.lifecycle.judge import current_state, supervisor_alive


def make_link(layout: WorkspaceLayout, files: RunLayout, link: Path, target: str) -> None:
    """Let `link` lead to the data, and note that this run made it. Raises RunError when something is in the way."""
    made = read_json(files.links_made) or {}
    if any(Path(one) in link.parents for one in made):
        raise RunError(f"{link} is in the data of another input", remedy="Choose another path_on_compute.")
    if _leaves(layout.staging, link):
        message = f"{link} is in {os.path.realpath(link.parent)}, by a link in the code: nothing is put there"
        raise RunError(message, remedy="Choose another path_on_compute.")
    if os.path.lexists(link):
        _take_back(layout, link)
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


def _take_back(layout: WorkspaceLayout, link: Path) -> None:
    """Remove a link that a run which is over has left. Raises RunError for one of a run that is not."""
    maker = _maker(layout, link)
    if maker is None:
        return
    if supervisor_alive(maker):
        raise RunError(f"{link} is in use by the run {maker.name}", remedy="Wait for its end, or choose another path.")
    if not current_state(maker).final:
        remedy = f"Go on with it (workbench adopt {maker.name}) or end it (workbench close {maker.name} --as failed)."
        raise RunError(f"{link} was made by the run {maker.name}, which is not over", remedy=remedy)
    remove_links(maker)


def _maker(layout: WorkspaceLayout, link: Path) -> RunLayout | None:
    """The run of this workspace that made the link that is there now."""
    identity = _identity(link)
    every = (RunLayout(folder) for folder in layout.runs.iterdir())
    return next((one for one in every if (read_json(one.links_made) or {}).get(str(link)) == identity), None)


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
