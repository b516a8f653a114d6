"""The files that describe a data asset, a model or a datastore, as Azure ML has them; checked as job files are."""

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from msgspec import Meta, Struct
from msgspec.structs import replace

from workbench.spec.environments import AutoDeleteSetting
from workbench.spec.errors import SpecErrors
from workbench.spec.fields import Record, Variant
from workbench.spec.files import Unreadable, read_yaml_file
from workbench.spec.job import Labels
from workbench.spec.paths import is_remote, local
from workbench.spec.places import ASSET_NAME
from workbench.spec.problems import Problem
from workbench.spec.readers import new_context
from workbench.spec.reading import INVALID, Context, read
from workbench.spec.tree import MapNode, describe, make_mapping

Version = Annotated[str | None, Meta(pattern=ASSET_NAME, extra={"reader": "version"})]
_CREDENTIALS = "credentials"
#: What the service writes into a file, and what only it knows.
_OF_THE_SERVICE = ("id", "creation_context", "latest_version", "properties")


class AssetFile(Struct, kw_only=True):
    """What data and models have in common; a local `path` is absolute once it is read."""

    name: Annotated[str, Meta(pattern=ASSET_NAME)]
    path: Annotated[str, Meta(extra={"reader": "input_path"})]
    version: Version = None
    description: str | None = None
    tags: Labels = {}
    datastore: str | None = None


class DataFile(AssetFile, kw_only=True):
    """A data asset."""

    type: Literal["uri_file", "uri_folder", "mltable"] = "uri_folder"
    auto_delete_setting: AutoDeleteSetting | None = None


class ModelFile(AssetFile, kw_only=True):
    """A model; its stage has a meaning in the cloud alone."""

    type: Literal["custom_model", "mlflow_model", "triton_model"] = "custom_model"
    stage: str | None = None


class AzureBlob(Struct, kw_only=True):
    """A container of blobs."""

    type: Literal["azure_blob"]
    name: Annotated[str, Meta(pattern=ASSET_NAME)]
    account_name: str
    container_name: str
    endpoint: str = "core.windows.net"
    protocol: Literal["https", "wasbs"] = "https"
    description: str | None = None
    tags: Labels = {}


class AzureDataLakeGen2(Struct, kw_only=True):
    """A file system of a data lake."""

    type: Literal["azure_data_lake_gen2"]
    name: Annotated[str, Meta(pattern=ASSET_NAME)]
    account_name: str
    filesystem: str
    endpoint: str = "core.windows.net"
    protocol: Literal["https", "abfss"] = "https"
    description: str | None = None
    tags: Labels = {}


class AzureFile(Struct, kw_only=True):
    """A file share."""

    type: Literal["azure_file"]
    name: Annotated[str, Meta(pattern=ASSET_NAME)]
    account_name: str
    file_share_name: str
    endpoint: str = "core.windows.net"
    protocol: Literal["https"] = "https"
    description: str | None = None
    tags: Labels = {}


Asset = TypeVar("Asset", bound=AssetFile)
DatastoreFile = AzureBlob | AzureDataLakeGen2 | AzureFile


def load_data_file(path: Path) -> DataFile:
    """The data asset that a file describes. Raises SpecErrors with every error there is."""
    data = _load(path, Record(DataFile), _OF_THE_SERVICE)
    assert isinstance(data, DataFile)
    return _found(data, path)


def load_model_file(path: Path) -> ModelFile:
    """The model that a file describes. Raises SpecErrors with every error there is."""
    passed_over = (*_OF_THE_SERVICE, "flavors", "job_name", "utc_time_created", "system_metadata")
    model = _load(path, Record(ModelFile), passed_over)
    assert isinstance(model, ModelFile)
    return _found(model, path)


def _found(asset: Asset, file: Path) -> Asset:
    if not is_remote(asset.path):
        asset.path = str(local(asset.path, file.absolute().parent))
    return asset


def load_datastore_file(path: Path) -> DatastoreFile:
    """The datastore that a file describes, which must hold no credentials. Raises SpecErrors."""
    store = _load(path, Variant(tuple(Record(kind) for kind in (AzureBlob, AzureDataLakeGen2, AzureFile))), ("id",))
    assert isinstance(store, DatastoreFile)
    return store


def datastore_url(store: DatastoreFile) -> str:
    """The URL that the datastore stands for."""
    host = f"{store.account_name}.{{}}.{store.endpoint}"
    if isinstance(store, AzureBlob):
        return f"wasbs://{store.container_name}@{host.format('blob')}/"
    if isinstance(store, AzureDataLakeGen2):
        return f"abfss://{store.filesystem}@{host.format('dfs')}/"
    return f"https://{host.format('file')}/{store.file_share_name}/"


def _load(path: Path, shape: Record | Variant, passed_over: tuple[str, ...]) -> Any:
    try:
        _, tree = read_yaml_file(path)
    except Unreadable as error:
        raise SpecErrors([error.problem]) from error
    if not isinstance(tree, MapNode):
        shown = "nothing" if tree is None else describe(tree)
        raise SpecErrors([Problem(str(path), 0, 0, "", f"must be a mapping, not {shown}")])
    context = new_context(path.absolute().parent)
    _refuse_credentials(tree, context)
    kept = [entry for entry in tree.entries if entry.key not in ("$schema", _CREDENTIALS, *passed_over)]
    value = read(shape, make_mapping(tree.mark, tuple(kept)), "", context)
    errors = [replace(one, path=one.path.lstrip(".")) for one in context.problems if one.severity == "error"]
    if errors or value is INVALID:
        raise SpecErrors(errors)
    return value


def _refuse_credentials(tree: MapNode, context: Context) -> None:
    for entry in tree.entries:
        if entry.key == _CREDENTIALS and not (isinstance(entry.value, MapNode) and not entry.value.entries):
            message = "credentials are never stored: remove them, and give them by the environment (see docs/data.md)"
            context.note(entry.mark, _CREDENTIALS, message)
