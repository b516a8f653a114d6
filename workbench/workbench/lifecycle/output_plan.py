"""Named outputs of a job worked out for local compute: where the job writes them, and where they are kept."""

import os
from pathlib import Path

from workbench_store.errors import DataError, NotFound, SpecError, UsageError
from workbench_store.layout import WorkspaceLayout

from workbench.data.assets import check_version, kind_of_type, list_assets, word
from workbench.data.datastores import DEFAULT, get_datastore
from workbench.data.drivers import missing_driver
from workbench.data.located import inside
from workbench.data.secret_urls import holds_secret
from workbench.lifecycle.plan import PlannedOutput
from workbench.spec import CommandJob, Output, expand_path, is_remote
from workbench.spec.places import OnDatastore, parse_place


def plan_outputs(layout: WorkspaceLayout, job: CommandJob, name: str) -> tuple[PlannedOutput, ...]:
    """The named outputs of the run `name`.

    Raises SpecError for a place that nothing can be written to, and for a version that is there already.
    """
    planned = []
    for key, output in job.outputs.items():
        try:
            check_version(output.version)
            _check_version(layout, output)
            planned.append(_planned(layout, job, name, key, output))
        except (NotFound, DataError, UsageError) as error:
            raise SpecError(f"outputs.{key}: {error.message}", remedy=error.remedy) from error
    return tuple(planned)


def _planned(layout: WorkspaceLayout, job: CommandJob, name: str, key: str, output: Output) -> PlannedOutput:
    own = str(layout.run(name).named_outputs / key)
    uri = f"azureml://jobs/{name}/outputs/{key}"
    path, asset_path = own, uri
    if output.path is not None:
        values = {"name": name, "output_name": key, "default_datastore": DEFAULT}
        path, asset_path = _chosen(layout, job, expand_path(str(output.path), values))
    remote = is_remote(path)
    # What is uploaded is written in the run's folder and copied at the end; other modes write to the path itself.
    kept_here = output.mode == "upload" or (remote and output.mode != "direct")
    return PlannedOutput(
        name=key,
        type=output.type,
        mode=output.mode,
        path=path,
        resolved=own if kept_here else path,
        remote=remote,
        asset=output.name,
        version=None if output.name is None else output.version or "",
        asset_path=uri if remote and kept_here else asset_path,
        description=output.description,
    )


def _chosen(layout: WorkspaceLayout, job: CommandJob, text: str) -> tuple[str, str]:
    """The place that the user chose, as a path or URL, and as a registered asset names it."""
    if not is_remote(text):
        path = os.path.abspath(job.base_dir / text)
        if layout.root in (Path(path), *Path(path).parents) or os.path.realpath(path) == os.path.realpath(layout.root):
            raise DataError(
                f"{path} is in the workspace", remedy="Leave `path` out to have the output kept with its run."
            )
        return path, path
    place = parse_place(text)
    if isinstance(place, OnDatastore):
        store = get_datastore(layout, place.datastore)
        where = store.at(place.path)
        uri = f"azureml://datastores/{place.datastore}/paths/{place.path}"
        return (inside(store.place, where), uri) if store.local else (_writable(where), uri)
    return _writable(text), text


def _writable(url: str) -> str:
    if holds_secret(url):
        raise DataError("the path holds a password or signature", remedy="Give the credentials by the environment.")
    if url.partition(":")[0].lower() in ("http", "https"):
        raise DataError(f"nothing can be written to {url}", remedy="Use a datastore that is a folder or a storage.")
    missing = missing_driver(url)
    if missing:
        raise missing
    return url


def _check_version(layout: WorkspaceLayout, output: Output) -> None:
    if output.name is None or output.version is None:
        return
    kind = kind_of_type(output.type)
    for asset in list_assets(layout, kind):
        if (asset.name, asset.version) == (output.name, output.version):
            raise DataError(
                f"version {asset.version} of the {word(kind)} {asset.name} is there already",
                remedy="A version never changes: leave `version` out for the next number, or give another one.",
            )
