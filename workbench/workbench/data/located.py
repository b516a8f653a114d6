"""From what a job file says to where the data is: names looked up, nothing fetched."""

import os
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from workbench_store.errors import DataError, NotFound, SpecError
from workbench_store.layout import WorkspaceLayout

from workbench.data.assets import AssetVersion, find_asset, word
from workbench.data.datastores import get_datastore
from workbench.data.fingerprint import differs, only_times_differ, stat_fingerprint
from workbench.spec.paths import is_remote
from workbench.spec.places import Asset, BadPlace, InRegistry, JobOutput, OnDatastore, parse_place

#: Where an output of a run is (a path or URL), by the names of the run and the output. Raises NotFound or DataError.
FindOutput = Callable[[str, str], str]


class Located(Struct, frozen=True):
    """Where data is: `place` is an absolute path or a URL.

    asset: the version it was named by. run, output: the run that made it, as far as its name says so. warnings: what
    the user should know.
    """

    place: str
    asset: AssetVersion | None = None
    run: str | None = None
    output: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def local(self) -> bool:
        """Whether it is on this machine."""
        return not is_remote(self.place)


def locate(layout: WorkspaceLayout, text: str, kind: str, find_output: FindOutput) -> Located:
    """Where the data of a `path` is: an absolute local path, or any URI. `kind` says what an asset's name is of.

    Raises NotFound for a name that is not known, DataError for data that is gone, SpecError for what is no place.
    """
    if not is_remote(text):
        return Located(os.path.abspath(text))
    try:
        place = parse_place(text)
    except BadPlace as error:
        raise SpecError(error.message, remedy=f"Did you mean {error.nearest}?" if error.nearest else None) from error
    if isinstance(place, Asset):
        return _of_asset(layout, find_asset(layout, kind, place.name, place.version, place.label), find_output)
    if isinstance(place, OnDatastore):
        store = get_datastore(layout, place.datastore)
        return Located(inside(store.place, store.at(place.path)) if store.local else store.at(place.path))
    if isinstance(place, JobOutput):
        found = find_output(place.run, place.output)
        below = inside(found, str(Path(found, place.path))) if not is_remote(found) else f"{found}/{place.path}"
        return Located(below.rstrip("/") if place.path else found, None, place.run, place.output)
    if isinstance(place, InRegistry):
        raise NotFound(f"there is no registry {place.registry!r} here", remedy="Add the data: workbench data add")
    return Located(place.url)


def inside(root: str, path: str) -> str:
    """The path, unless links lead from it out of the root. Raises DataError."""
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
        raise DataError(f"{path} leads out of {root}", remedy="Name the place that it leads to instead.")
    return path


def _of_asset(layout: WorkspaceLayout, asset: AssetVersion, find_output: FindOutput) -> Located:
    try:
        found = locate(layout, asset.path, asset.kind, find_output)
    except (NotFound, DataError) as error:
        raise DataError(f"{asset.uri} is at {asset.path}: {error.message}", remedy=error.remedy) from error
    found = replace(found, asset=asset, run=found.run or asset.run, output=found.output or asset.output)
    if not found.local:
        return found
    try:
        now = stat_fingerprint(Path(found.place))
        same = not differs(asset.fingerprint, now) or only_times_differ(Path(found.place), now, asset.content)
    except OSError as error:
        raise DataError(
            f"the {word(asset.kind)} {asset.uri} is at {found.place}, where there is nothing any more",
            remedy=f"Put it back, or add where it is now: workbench {asset.kind} add {asset.name} PATH",
        ) from error
    if same:
        return found
    changed = f"{found.place} has changed since {asset.uri} was added; a version is meant to stay as it is"
    return replace(found, warnings=(*found.warnings, changed))
