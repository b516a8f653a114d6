"""Datastores: names in the workspace for a folder or a URL, below which data is."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict
from workbench_store.edits import append_edits, read_edits
from workbench_store.errors import DataError, NotFound, UsageError
from workbench_store.layout import WorkspaceLayout

from workbench.data.drivers import refuse_unknown
from workbench.data.secret_urls import holds_secret
from workbench.data.urls import joined
from workbench.spec.paths import is_remote
from workbench.spec.places import BadPlace, Remote, parse_place
from workbench.spec.problems import nearest_name

#: Azure ML's names of what every workspace has: folders inside ours, until they are given to something else.
BUILT_IN = ("workspaceblobstore", "workspaceartifactstore")
DEFAULT = "workspaceblobstore"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")


class Datastore(Struct, frozen=True):
    """A name for `place`, an absolute folder or a URL. `kind` is what the file said it is, or `folder` or `url`."""

    name: str
    place: str
    kind: str
    description: str | None = None

    @property
    def local(self) -> bool:
        """Whether it is a folder of this machine."""
        return not is_remote(self.place)

    def at(self, path: str) -> str:
        """The place of a relative path (posix) on it: an absolute path or a URL."""
        return str(Path(self.place, path)) if self.local else joined(self.place, path)


def list_datastores(layout: WorkspaceLayout) -> list[Datastore]:
    """The datastores of the workspace: the built-in ones first, then by name."""
    found = {name: Datastore(name, str(layout.datastores / name), "folder") for name in BUILT_IN}
    for event in read_edits(layout, "datastore"):
        name, place = str(event.fields.get("name", "")), str(event.fields.get("place", ""))
        kind, description = str(event.fields.get("kind", "url")), event.fields.get("description")
        found[name] = Datastore(name, place, kind, None if description is None else str(description))
    return sorted(found.values(), key=lambda store: (store.name not in BUILT_IN, store.name))


def get_datastore(layout: WorkspaceLayout, name: str) -> Datastore:
    """The datastore of that name. Raises NotFound, naming what is near."""
    stores = list_datastores(layout)
    for store in stores:
        if store.name == name:
            return store
    raise NotFound(
        f"there is no datastore {name!r} in {layout.root}; there is: {', '.join(store.name for store in stores)}",
        remedy=_remedy(name, (store.name for store in stores)),
    )


def _remedy(name: str, known: Iterable[str]) -> str:
    nearest = nearest_name(name, known)
    meant = f"Did you mean {nearest}? Else: " if nearest else ""
    return f"{meant}workbench datastore add {name} FOLDER_OR_URL"


def add_datastore(
    layout: WorkspaceLayout, name: str, place: str, *, kind: str | None = None, description: str | None = None
) -> Datastore | None:
    """Give the name to a folder or URL; returns what had the name before, if that was something else.

    Raises UsageError for a name or place that will not do, DataError for a folder that is not there.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be a datastore's name", remedy="Use letters, digits, `-`, `_` and `.`.")
    store = Datastore(name, _checked_place(place), kind or ("url" if is_remote(place) else "folder"), description)
    before = next((known for known in list_datastores(layout) if known.name == name), None)
    if before != store:
        append_edits(layout, "datastore", [asdict(store)])
    return before if before != store else None


def _checked_place(place: str) -> str:
    if not is_remote(place):
        path = Path(os.path.abspath(Path(place.removeprefix("file://")).expanduser()))
        if not path.is_dir():
            raise DataError(f"there is no folder {path}", remedy="Make it first, or check the path.")
        return str(path)
    if holds_secret(place):
        raise UsageError(
            "the URL holds a password or signature, which is not stored",
            remedy="Give the URL without it, and the credentials by the environment: see docs/data.md.",
        )
    try:
        if not isinstance(parse_place(place), Remote):
            raise BadPlace("a datastore is a folder or the URL of a storage, not another azureml: name")
    except BadPlace as error:
        remedy = f"Did you mean {error.nearest}?" if error.nearest else None
        raise UsageError(f"{place}: {error.message}", remedy=remedy) from error
    refuse_unknown(place)
    return place
