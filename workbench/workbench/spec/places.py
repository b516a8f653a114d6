"""The forms in which a path names data that is no local path, told apart by the text alone."""

import re
from typing import NamedTuple

from workbench.spec.problems import nearest_name

#: In characters; versions and labels are no longer either.
LONGEST_ASSET_NAME = 255
ASSET_NAME = rf"^[A-Za-z0-9][A-Za-z0-9_.-]{{0,{LONGEST_ASSET_NAME - 1}}}$"
#: The only label.
LATEST = "latest"
PLACE_FORMS = (
    "a local path",
    "azureml:NAME:VERSION",
    "azureml:NAME@LABEL",
    "azureml://datastores/NAME/paths/PATH",
    "azureml://jobs/RUN/outputs/NAME",
    "azureml://jobs/RUN/outputs/NAME/paths/PATH",
    "https://...",
    "wasbs://CONTAINER@ACCOUNT.blob.core.windows.net/PATH",
    "abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH",
    "s3://BUCKET/PATH",
)
#: Schemes that are read; what else fsspec knows through a plug-in is tried too.
SCHEMES = (
    *("azureml", "runs", "http", "https", "wasb", "wasbs", "abfs", "abfss", "az", "adl", "s3", "s3a", "gs", "gcs"),
    *("hdfs", "ftp", "sftp", "ssh", "smb", "dbfs", "oci", "hf", "memory", "file"),
)

# Compiled when first used: whoever submits waits for what is loaded.
_PLAIN = r"(?s)azureml:(?!/)(?P<name>[^:@]*)(?:(?P<mark>[:@])(?P<which>.*))?"
_WORKSPACE = (
    r"(?s)(?:/*(?:subscriptions/[^/]+/resource[gG]roups/[^/]+(?:/providers/Microsoft\.MachineLearningServices)?|locations/[^/]+)"
    r"/workspaces/[^/]+)/(?P<rest>.+)"
)
_KINDS = ("datastores", "jobs", "data", "models", "registries", "subscriptions", "locations")


class Asset(NamedTuple):
    """A version of a data asset or model by its name: `version` or `label` is there, never both.

    workspace: the part of a resource id that names a workspace of the cloud, which is not looked at.
    """

    name: str
    version: str | None = None
    label: str | None = None
    workspace: str = ""


class OnDatastore(NamedTuple):
    """A path (posix, relative, perhaps empty) on a datastore; `workspace` as for Asset."""

    datastore: str
    path: str
    workspace: str = ""


#: What Azure ML calls all that a run kept of its own folder; of that ./outputs can be an input here.
_ARTIFACTS = "artifacts"


class JobOutput(NamedTuple):
    """An output of a run of this workspace, or the file or folder at `path` in it. `default` is ./outputs."""

    run: str
    output: str
    path: str = ""


class InRegistry(NamedTuple):
    """An asset in a registry of the cloud, of which there is none here."""

    registry: str


class Remote(NamedTuple):
    """A place that is fetched by its URL."""

    url: str


Place = Asset | OnDatastore | JobOutput | InRegistry | Remote


class BadPlace(ValueError):
    """The text has no form that is known. `nearest` is what was probably meant."""

    def __init__(self, message: str, nearest: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.nearest = nearest


def parse_place(text: str) -> Place:
    """What a URI in a `path` names. Raises BadPlace."""
    if any(not char.isprintable() for char in text):
        raise BadPlace("holds a character that cannot be printed")
    scheme, _, rest = text.partition(":")
    if scheme.lower() == "azureml":
        return _azureml_uri(rest) if rest.startswith("/") else _named(text)
    if scheme == "runs":
        return _of_run(text)
    if not rest.startswith("//") or not rest.strip("/"):
        nearest = nearest_name(scheme, SCHEMES)
        raise BadPlace(f"{text!r} is no URI of data", f"{nearest}://{rest.lstrip('/')}" if nearest else None)
    if scheme.lower() in ("http", "https"):
        _check_host(text)
    return Remote(text)


def _check_host(url: str) -> None:
    """Raises BadPlace, which does not repeat the URL, since there may be a secret in it."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise BadPlace(f"is no URL: {str(error)[:1].lower()}{str(error)[1:]}") from error
    if not host:
        raise BadPlace("is no URL: it names no host")


def unknown_scheme(text: str) -> tuple[str, str] | None:
    """The scheme of a URI that is none of those known, and the known one that was probably meant."""
    scheme = text.partition(":")[0]
    nearest = None if scheme.lower() in SCHEMES else nearest_name(scheme, SCHEMES)
    return (scheme, nearest) if nearest else None


def _named(text: str) -> Place:
    match = re.fullmatch(_PLAIN, text)
    name = match["name"] if match else ""
    if match is None or not re.match(ASSET_NAME, name):
        raise BadPlace(f"{name or text!r} cannot be the name of an asset")
    if not match["which"]:
        raise BadPlace(f"azureml:{name} says neither a version nor a label", f"azureml:{name}@latest")
    _check_version(match["which"])
    return Asset(name, match["which"]) if match["mark"] == ":" else Asset(name, None, match["which"])


def version_problem(version: str) -> str | None:
    """Why nothing can be added as that version; None if it can be."""
    if version == LATEST:
        return f"no version is named {LATEST}: the label @{LATEST} is whichever was added last"
    return None if re.fullmatch(ASSET_NAME, version) else f"{version!r} cannot be a version"


def _check_version(version: str) -> None:
    if not re.match(ASSET_NAME, version):
        raise BadPlace(f"{version!r} cannot be a version or a label")


def _azureml_uri(rest: str) -> Place:
    path = rest.lstrip("/")
    match = re.fullmatch(_WORKSPACE, path)
    workspace = ""
    if match:
        workspace, path = path[: match.start("rest")].rstrip("/"), match["rest"]
    kind, _, below = path.partition("/")
    if kind == "datastores":
        return _on_datastore(below, workspace)
    if kind == "jobs":
        return _of_job(below)
    if kind in ("data", "models"):
        return _by_id(kind, below, workspace)
    if kind == "registries" and not workspace:
        return InRegistry(below.partition("/")[0])
    nearest = nearest_name(kind, _KINDS)
    hint = f"azureml://{nearest}/{below}" if nearest and nearest != kind else None
    raise BadPlace(f"azureml:{rest} has no form that is known", hint)


def _on_datastore(below: str, workspace: str) -> OnDatastore:
    name, _, path = below.partition("/")
    if not re.match(ASSET_NAME, name):
        raise BadPlace(f"{name!r} cannot be the name of a datastore")
    word, _, path = path.partition("/")
    if word != "paths":
        tail = "/".join(part for part in (word, path) if part)
        raise BadPlace("a path on a datastore follows /paths/", f"azureml://datastores/{name}/paths/{tail}")
    return OnDatastore(name, _below(path), workspace)


def _of_job(below: str) -> JobOutput:
    run, _, rest = below.partition("/")
    word, _, rest = rest.partition("/")
    output, _, rest = rest.partition("/")
    if not run or word != "outputs" or not output:
        raise BadPlace("an output of a run is written azureml://jobs/RUN/outputs/NAME")
    if not re.match(ASSET_NAME, run) or not re.fullmatch(r"[A-Za-z0-9_-]+", output):
        raise BadPlace(f"{run!r} or {output!r} cannot be the name of a run or an output")
    word, _, path = rest.partition("/")
    if word not in ("", "paths"):
        raise BadPlace("a path in an output follows /paths/", f"azureml://jobs/{run}/outputs/{output}/paths/{rest}")
    below = _below(path)
    if output == _ARTIFACTS and below.split("/")[0] == "outputs":
        return JobOutput(run, "default", below.removeprefix("outputs").strip("/"))
    return JobOutput(run, output, below)


def _of_run(text: str) -> JobOutput:
    """MLflow's form: a path among what the run put into ./outputs."""
    run, _, path = text.removeprefix("runs:").strip("/").partition("/")
    if not re.match(ASSET_NAME, run) or not path:
        raise BadPlace(f"{text!r} is not written runs:/RUN/PATH")
    return JobOutput(run, "default", _below(path.removeprefix("outputs/")))


def _by_id(kind: str, below: str, workspace: str) -> Asset:
    name, _, rest = below.partition("/")
    word, _, which = rest.partition("/")
    if not re.match(ASSET_NAME, name):
        raise BadPlace(f"{name!r} cannot be the name of an asset")
    if word not in ("versions", "labels") or not which:
        raise BadPlace(f"{kind}/{name} says neither a version nor a label", f"azureml:{name}@latest")
    _check_version(which)
    return Asset(name, which, None, workspace) if word == "versions" else Asset(name, None, which, workspace)


def _below(path: str) -> str:
    """The path without empty parts; one that leads out of where it starts is refused."""
    parts = [part for part in re.split(r"[/\\]" if "\\" in path else "/", path) if part not in ("", ".")]
    if ".." in parts:
        raise BadPlace(f"{path!r} leads out of where it starts: it holds `..`")
    return "/".join(parts)
