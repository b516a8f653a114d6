"""Data assets and models as lists and pages show them."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from workbench_store.layout import WorkspaceLayout

from workbench.data.assets import AssetVersion, find_asset, list_assets, parse_asset_name
from workbench.lifecycle.outputs import output_sources
from workbench.spec import is_remote
from workbench.spec.places import BadPlace, JobOutput, parse_place
from workbench.view.format import iso_time

if TYPE_CHECKING:
    from workbench_store.store import Store


class AssetPage(Struct, frozen=True):
    """One version with all versions of its name, and the runs that it was an input of, with the input's name."""

    asset: AssetVersion
    versions: tuple[AssetVersion, ...]
    used_by: tuple[tuple[str, str], ...]
    gone: bool


def latest_assets(layout: WorkspaceLayout, kind: str) -> list[AssetVersion]:
    """The latest version of each asset of the kind, by name."""
    latest = {asset.name: asset for asset in list_assets(layout, kind)}
    return [latest[name] for name in sorted(latest)]


def asset_page(layout: WorkspaceLayout, store: "Store", kind: str, name: str) -> AssetPage:
    """The page of NAME, NAME:VERSION or NAME@latest, with or without `azureml:`. Raises NotFound."""
    asset = find_asset(layout, kind, *parse_asset_name(name))
    versions = tuple(one for one in list_assets(layout, kind) if one.name == asset.name)
    used = tuple(
        (run.run, port.name)
        for run in store.ports()
        for port in run.inputs
        if (port.asset, port.asset_kind) == (asset.uri, kind)
    )
    return AssetPage(asset, versions, used, _is_gone(layout, asset.path))


def _is_gone(layout: WorkspaceLayout, path: str) -> bool:
    """Whether nothing is there any more, where that can be seen from here: on this disk, or at a run's output."""
    if not is_remote(path):
        return not os.path.lexists(path)
    try:
        place = parse_place(path)
    except BadPlace:
        return False
    if not isinstance(place, JobOutput):
        return False
    kept = output_sources(layout.run(place.run)).get(place.output)
    return kept is None or not (is_remote(kept) or os.path.lexists(Path(kept, place.path)))


def asset_dict(asset: AssetVersion) -> dict[str, Any]:
    """A version as JSON values; the fields are in docs/cli.md."""
    return {
        "name": asset.name,
        "version": asset.version,
        "type": asset.type,
        "path": asset.path,
        "description": asset.description,
        "tags": dict(asset.tags),
        "created": iso_time(asset.created),
        "run": asset.run,
        "output": asset.output,
        "fingerprint": asset.content or asset.fingerprint,
    }


def page_dict(page: AssetPage) -> dict[str, Any]:
    """A page as JSON values; the fields are in docs/cli.md."""
    return {
        **asset_dict(page.asset),
        "gone": page.gone,
        "versions": [asset.version for asset in page.versions],
        "used_by": [{"run": run, "input": port} for run, port in page.used_by],
    }
