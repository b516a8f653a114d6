"""Giving a name to data that is somewhere: checked, looked at, recorded; nothing is copied."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from msgspec.structs import replace
from workbench_store.errors import UsageError
from workbench_store.layout import WorkspaceLayout

from workbench.data.assets import Added, AssetVersion, add_asset, kind_of_type, word
from workbench.data.drivers import missing_driver, refuse_unknown
from workbench.data.elsewhere import TABLE_FILE
from workbench.data.fingerprint import content_fingerprint, stat_fingerprint
from workbench.data.fitting import check_fits
from workbench.data.located import locate
from workbench.data.mltable import read_table
from workbench.data.secret_urls import holds_secret
from workbench.data.urls import is_web
from workbench.lifecycle.run_outputs import find_output
from workbench.spec import is_remote
from workbench.spec.places import Asset, BadPlace, parse_place

_LOOK_SECONDS = 60.0
DEFAULT_MODEL_TYPE = "custom_model"


def add_named(
    layout: WorkspaceLayout,
    kind: str,
    name: str,
    path: str,
    *,
    version: str | None = None,
    type: str | None = None,
    description: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> Added:
    """Add a version of the data asset or model `name` for what is at `path`, a local path or a URI.

    Left out, `version` is the next number, and `type` is what is there. Raises UsageError for arguments that will not
    do, NotFound and DataError for data that is not there or is of another type, or a version that is there with other
    content.
    """
    _check_place(path)
    located = locate(layout, path, kind, partial(find_output, layout))
    stat = content = None
    if located.local:
        place = Path(located.place)
        type = _checked_type(kind, type, place)
        stat = stat_fingerprint(place, _LOOK_SECONDS)
        content = content_fingerprint(place, stat)
    else:
        refuse_unknown(located.place)
    added = add_asset(
        layout,
        AssetVersion(
            kind=kind,
            name=name,
            version=version or "",
            type=type or _type_of_url(kind, located.place),
            path=path if is_remote(path) else located.place,
            fingerprint=stat,
            content=content,
            description=description,
            tags=tags or {},
            run=located.run,
            output=located.output,
        ),
    )
    missing = None if located.local else missing_driver(located.place)
    return replace(added, missing=missing)


def _check_place(path: str) -> None:
    if not is_remote(path):
        return
    try:
        place = parse_place(path)
    except BadPlace as error:
        remedy = f"Did you mean {error.nearest}?" if error.nearest else None
        raise UsageError(error.message, remedy=remedy) from error
    if isinstance(place, Asset):
        raise UsageError(f"{path} is an asset itself", remedy="Name the place that its data is at.")
    if holds_secret(path):
        raise UsageError(
            "the URL holds a password or signature, which is not stored",
            remedy="Give the URL without it, and the credentials by the environment: see docs/data.md.",
        )


def _checked_type(kind: str, type: str | None, place: Path) -> str:
    """The type of local data: as said, if it fits what is there. Raises DataError."""
    check_fits(place, type)
    if type is None:
        type = _type_of_place(kind, place)
    if kind_of_type(type) != kind:
        raise UsageError(f"{type} is not a type of a {word(kind)}")
    if type == "mltable":
        read_table(place)
    return type


def _type_of_place(kind: str, place: Path) -> str:
    if kind == "model":
        return DEFAULT_MODEL_TYPE
    if not place.is_dir():
        return "uri_file"
    return "mltable" if (place / TABLE_FILE).is_file() else "uri_folder"


def _type_of_url(kind: str, url: str) -> str:
    """What a URL is taken for: a folder if it ends in a slash or its last part has no suffix, except on the web."""
    if kind == "model":
        return DEFAULT_MODEL_TYPE
    last = url.partition("?")[0].rpartition("/")[2]
    return "uri_file" if is_web(url) or "." in last else "uri_folder"
