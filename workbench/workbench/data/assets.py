"""Data assets and models: versioned names in the workspace for data that is somewhere. A version never changes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict, replace
from workbench_store.edits import append_edits, read_edits
from workbench_store.errors import DataError, NotFound, UsageError, WorkspaceError
from workbench_store.layout import WorkspaceLayout
from workbench_store.locks import FileLock

from workbench.client.arguments import check_tags
from workbench.data.fingerprint import differs
from workbench.spec.places import LATEST, LONGEST_ASSET_NAME, BadPlace, parse_place, version_problem
from workbench.spec.ports import MODEL_TYPES
from workbench.spec.problems import nearest_name

_LOCK_SECONDS = 10.0
#: The event that says what was at the place of a version when a run fetched it first.
_CONTENT = "asset-content"


class AssetVersion(Struct, frozen=True):
    """One version of a data asset or model.

    kind: `data` or `model`. path: an absolute local path, a URL, or an azureml: URI of this workspace. fingerprint: by
    sizes and times when it was added; content: by content, where that was little enough to read, and at a URL once a
    run has fetched it. run, output: what made it, if it was registered by a run. created: UTC epoch seconds, 0.0 until
    it is registered.
    """

    kind: str
    name: str
    version: str
    type: str
    path: str
    fingerprint: str | None = None
    content: str | None = None
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    run: str | None = None
    output: str | None = None
    created: float = 0.0

    @property
    def uri(self) -> str:
        """How a job file names it."""
        return f"azureml:{self.name}:{self.version}"

    def same_content(self, other: "AssetVersion") -> bool:
        """Whether both are the same data at the same place, as far as is known."""
        if (self.type, self.path) != (other.type, other.path):
            return False
        if same_way(self.content, other.content):
            return self.content == other.content
        return not differs(self.fingerprint, other.fingerprint or "+")

    def compared(self, other: "AssetVersion") -> bool:
        """Whether anything but the place says that both are the same: of what is at a URL, adding it tells nothing."""
        looks = (self.fingerprint or "+", other.fingerprint or "+")
        return same_way(self.content, other.content) or not any(look.endswith("+") for look in looks)


def same_way(one: str | None, other: str | None) -> bool:
    """Whether two hashes of content are known, and made in the same way, so that they can be compared."""
    return one is not None and other is not None and one.partition(":")[0] == other.partition(":")[0]


def kind_of_type(type: str) -> str:
    """Whether an input or output of that type is `data` or a `model`."""
    return "model" if type in MODEL_TYPES else "data"


def list_assets(layout: WorkspaceLayout, kind: str | None = None) -> list[AssetVersion]:
    """Every version of every asset of a kind (None: of both), in the order in which they were added."""
    found: dict[tuple[str, str, str], AssetVersion] = {}
    for event in read_edits(layout, "asset", _CONTENT):
        asset = _of_event(event.fields, event.time)
        known = found.get((asset.kind, asset.name, asset.version))
        if event.name == _CONTENT:
            if known is not None and known.content is None:
                found[known.kind, known.name, known.version] = replace(known, content=asset.content)
        elif known is None:
            found[asset.kind, asset.name, asset.version] = asset
    return [asset for asset in found.values() if kind in (None, asset.kind)]


def _of_event(fields: Mapping[str, Any], time: float) -> AssetVersion:
    def text(name: str) -> str | None:
        value = fields.get(name)
        return None if value is None else str(value)

    tags = fields.get("tags")
    return AssetVersion(
        kind=text("kind") or "data",
        name=text("name") or "",
        version=text("version") or "",
        type=text("type") or "uri_folder",
        path=text("path") or "",
        fingerprint=text("fingerprint"),
        content=text("content"),
        description=text("description"),
        tags={str(key): str(value) for key, value in tags.items()} if isinstance(tags, dict) else {},
        run=text("run"),
        output=text("output"),
        created=time,
    )


def parse_asset_name(text: str) -> tuple[str, str | None, str | None]:
    """Name, version and label of NAME, NAME:VERSION or NAME@LABEL, with or without `azureml:`."""
    base, _, version = text.removeprefix("azureml:").partition(":")
    name, _, label = base.partition("@")
    return name, version or None, label or None


def find_asset(
    layout: WorkspaceLayout, kind: str, name: str, version: str | None = None, label: str | None = None
) -> AssetVersion:
    """The version of that number or label; the latest without either. Raises NotFound, naming what is near."""
    everything = list_assets(layout)
    versions = [asset for asset in everything if (asset.kind, asset.name) == (kind, name)]
    if not versions:
        raise _no_such_name(layout, kind, name, everything)
    if label is not None and label != LATEST:
        raise NotFound(
            f"the {word(kind)} {name} has no label {label!r}", remedy=f"The only label is latest: azureml:{name}@latest"
        )
    if version is None:
        return versions[-1]
    for asset in versions:
        if asset.version == version:
            return asset
    shown = ", ".join(asset.version for asset in versions[-8:])
    raise NotFound(f"the {word(kind)} {name} has no version {version!r}; it has: {shown}", remedy=_listing(kind, name))


def word(kind: str) -> str:
    """What the kind is called."""
    return "model" if kind == "model" else "data asset"


def _listing(kind: str, name: str) -> str:
    return f"`workbench {kind} show {name}` says more of it."


def _no_such_name(layout: WorkspaceLayout, kind: str, name: str, everything: list[AssetVersion]) -> NotFound:
    others = [asset for asset in everything if asset.name == name]
    if others:
        other = others[0]
        remedy = f"There is a {word(other.kind)} of that name: give the input `type: {other.type}`."
        return NotFound(f"there is no {word(kind)} {name!r} in {layout.root}", remedy=remedy)
    nearest = nearest_name(name, {asset.name for asset in everything if asset.kind == kind})
    hint = f"Did you mean {nearest}? " if nearest else ""
    how = (
        f"`workbench {kind} add {name} PATH_OR_URL` adds it."
        if kind == "data"
        else f"`workbench model add {name} PATH_OR_URL` adds it, or a run whose output of a model type has `name:`."
    )
    return NotFound(f"there is no {word(kind)} {name!r} in {layout.root}", remedy=hint + how)


class Added(Struct, frozen=True):
    """What came of adding: the version as it is now, whether it is new, and else whether its content was compared;
    `missing` is what will be said to a job that wants it, for want of a package that reads its place."""

    asset: AssetVersion
    new: bool
    compared: bool = True
    missing: DataError | None = None


def add_asset(layout: WorkspaceLayout, draft: AssetVersion) -> Added:
    """Add a version; an empty `version` becomes the next number. The same version with the same content stays as it is.

    Raises UsageError for a name or version that will not do, DataError if the version is there with other content,
    WorkspaceError if nothing can be written.
    """
    _check_name(draft)
    _check_words(draft)
    with _alone(layout):
        versions = [asset for asset in list_assets(layout, draft.kind) if asset.name == draft.name]
        taken = next((asset for asset in versions if asset.version == draft.version), None)
        if taken is not None:
            return _again(taken, draft)
        fields = {**asdict(draft), "version": draft.version or next_version(versions), "tags": dict(draft.tags)}
        del fields["created"]
        append_edits(layout, "asset", [fields])
    return Added(find_asset(layout, draft.kind, draft.name, fields["version"]), True)


def _check_words(draft: AssetVersion) -> None:
    check_tags(draft.tags)
    if draft.description is not None and not draft.description.replace("\n", " ").isprintable():
        raise UsageError(f"the description of {draft.name} has characters that cannot be shown")


def learn_content(layout: WorkspaceLayout, kind: str, uri: str, content: str, run: str) -> str:
    """What the version is known to consist of: what the run has fetched, if nothing was known before.

    Raises NotFound for a version that there is none of, WorkspaceError if nothing can be written.
    """
    name, version, _ = parse_asset_name(uri)
    known = find_asset(layout, kind, name, version).content
    if known is not None:
        return known
    with _alone(layout):
        known = find_asset(layout, kind, name, version).content
        if known is None:
            fields = {"kind": kind, "name": name, "version": version, "content": content, "run": run}
            append_edits(layout, _CONTENT, [fields])
    return known or content


@contextmanager
def _alone(layout: WorkspaceLayout) -> Iterator[None]:
    """Keep others from adding anything while the block runs. Raises WorkspaceError."""
    lock = FileLock(layout.names_lock)
    if not lock.acquire(timeout=_LOCK_SECONDS):
        raise WorkspaceError(f"another process holds {layout.names_lock}", remedy="Try again in a moment.")
    try:
        yield
    finally:
        lock.release()


def next_version(versions: list[AssetVersion]) -> str:
    """One more than the greatest number among the versions."""
    return str(1 + max((int(asset.version) for asset in versions if asset.version.isdecimal()), default=0))


def check_version(version: str | None) -> None:
    """Raises UsageError for what nothing can be added as; none at all becomes the next number."""
    problem = version_problem(version) if version else None
    if problem is not None:
        longest = f" of at most {LONGEST_ASSET_NAME} characters" if len(version or "") > LONGEST_ASSET_NAME else ""
        raise UsageError(problem, remedy=f"Give another one{longest}, or leave it out for the next number.")


def _check_name(draft: AssetVersion) -> None:
    check_version(draft.version)
    try:
        parse_place(f"azureml:{draft.name}:1")
    except BadPlace as error:
        if len(draft.name) > LONGEST_ASSET_NAME:
            remedy = f"It has {len(draft.name)} characters, and {LONGEST_ASSET_NAME} are the most."
        else:
            remedy = "Use letters, digits, `-`, `_` and `.`; the first one is a letter or digit."
        raise UsageError(error.message, remedy=remedy) from error


def _again(taken: AssetVersion, draft: AssetVersion) -> Added:
    if taken.same_content(draft):
        return Added(taken, False, taken.compared(draft))
    why = "its files have changed" if taken.path == draft.path else f"it is at {taken.path}"
    raise DataError(
        f"version {taken.version} of the {word(taken.kind)} {taken.name} is there already with other content: {why}",
        remedy="A version never changes: leave the version out for the next number, or give another one.",
    )
