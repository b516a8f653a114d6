"""Jobs made with azure-ai-ml's own classes, taken over attribute by attribute.

That package is the user's; nothing of it is imported here: its objects are known by the module of their type. Its own
way of writing a job down is not used, as that loses inputs that have their default and makes assets of local paths.
"""

import re
from collections.abc import Iterable, Mapping
from os import PathLike, fspath, path
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct
from workbench_store.interrupts import load_whole

from workbench.spec.environments import AutoDeleteSetting, BuildContext, InferenceConfig, Route, named_environment
from workbench.spec.errors import SpecErrors
from workbench.spec.fields import Record, Variant, fields_of
from workbench.spec.job import CommandJob
from workbench.spec.plain import plain_words
from workbench.spec.ports import PRIMITIVES, Input, Output
from workbench.spec.problems import Problem
from workbench.spec.settings import CommandJobLimits, JobResourceConfiguration, QueueSettings

NAME = "azure-ai-ml job"
_PACKAGE = "azure.ai.ml"
_KINDS = frozenset({"Command", "CommandJob"})
#: Fields that are the same attribute there, as plain values.
_PLAIN = ("display_name", "description", "experiment_name", "environment_variables", "tags", "properties")
_ASSET = re.compile(r"[A-Za-z0-9][\w.-]*[:@][\w.-]+")


class AzureJob(NamedTuple):
    """A job as the plain values of a job file, and where its relative paths start."""

    data: dict[str, Any]
    base_dir: Path


def is_azure_object(value: object) -> bool:
    """Whether the value's type, or one that it derives from, is azure-ai-ml's."""
    return any(_is_theirs(kind) for kind in type(value).__mro__)


def _is_theirs(kind: type) -> bool:
    return kind.__module__ == _PACKAGE or kind.__module__.startswith(f"{_PACKAGE}.")


def azure_job(job: Any) -> AzureJob:
    """What a `Command` or `CommandJob` says. Raises SpecErrors for other kinds of job, and for one that belongs to a
    pipeline or a sweep."""
    if not any(kind.__name__ in _KINDS and _is_theirs(kind) for kind in type(job).__mro__):
        raise _wrong("", f"a {type(job).__name__} is not run yet; a Command or a CommandJob is")
    base = Path(path.abspath(fspath(job.base_path)))
    component = getattr(job, "component", None)
    if component is not None and not is_azure_object(component):
        raise _wrong("component", f"{component} is in a workspace or a registry, and cannot be looked up from here")
    given: dict[str, Any] = {name: _attribute(job, component, name) for name in _PLAIN}
    given |= {
        "tags": plain_words(given["tags"]),
        "properties": plain_words(given["properties"]),
        "command": _attribute(job, component, "command"),
        "code": _code(job, component, base),
        "environment": _environment(_attribute(job, component, "environment"), base),
        "compute": _text(getattr(job, "compute", None)),
        "name": job.name,
        "parent_job_name": getattr(job, "parent_job_name", None),
        "inputs": {name: value for name, port in job.inputs.items() if (value := _input(name, port, base)) is not None},
        "outputs": {name: _output(port) for name, port in job.outputs.items()},
        "resources": _declared(_attribute(job, component, "resources"), JobResourceConfiguration),
        "limits": _declared(getattr(job, "limits", None), CommandJobLimits),
        "queue_settings": _declared(getattr(job, "queue_settings", None), QueueSettings),
        "distribution": _variant(_attribute(job, component, "distribution"), "distribution"),
        "identity": _variant(getattr(job, "identity", None), "identity"),
        "services": {
            name: _variant(service, "services") for name, service in (getattr(job, "services", None) or {}).items()
        },
    }
    outputs = given.pop("outputs")
    kept = {name: value for name, value in given.items() if value is not None and value != {}}
    return AzureJob({**kept, **({"outputs": outputs} if outputs else {})}, base)


def _attribute(job: Any, component: Any, name: str) -> Any:
    """The job's own attribute, else that of the component that it is a use of."""
    value = getattr(job, name, None)
    if value is None or value == {}:
        of_component = getattr(component, name, None)
        # A component's name, words and tags are not those of the job.
        return of_component if name not in ("display_name", "description", "tags", "properties") else value
    return dict(value) if isinstance(value, Mapping) else value


def _text(value: Any) -> str | None:
    """Text, a path or a name of an enumeration as text."""
    if value is None:
        return None
    if isinstance(value, PathLike):
        return str(fspath(value))
    return str(getattr(value, "value", value))


def _code(job: Any, component: Any, base: Path) -> str | None:
    """The code; a component's is relative to where the component was read from."""
    code = _text(getattr(job, "code", None))
    home = getattr(component, "base_path", None) or base
    if code is None or re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", code):
        return code
    return path.join(path.abspath(fspath(home)), code)


def _environment(given: Any, base: Path) -> Any:
    if given is None or isinstance(given, str):
        text = named_environment(given)
        return f"azureml:{text}" if isinstance(text, str) and _is_id(text) else text
    if not is_azure_object(given):
        raise _wrong("environment", f"{given!r} is no environment")
    found: dict[str, Any] = {
        name: getattr(given, name, None) for name in ("image", "description", "datastore", "tags", "os_type")
    }
    found["os_type"] = _text(found["os_type"])
    if not getattr(given, "_is_anonymous", False):
        found |= {"name": given.name, "version": _text(given.version)}
    found["conda_file"] = _conda(given)
    found["build"] = _build(given)
    found["inference_config"] = _nested(getattr(given, "inference_config", None), InferenceConfig)
    found["auto_delete_setting"] = _declared(getattr(given, "auto_delete_setting", None), AutoDeleteSetting)
    return {name: value for name, value in found.items() if value is not None and value != {}}


def _conda(given: Any) -> Any:
    """The file while it says what the object says, as lines of pip may name others beside it; else the content."""
    content, file = given.conda_file, getattr(given, "_conda_file_path", None)
    if content and file is not None:
        load_whole("yaml")
        import yaml

        try:
            if yaml.safe_load(Path(file).read_text(encoding="utf-8")) == content:
                return str(file)
        except (OSError, ValueError, yaml.YAMLError):
            pass
    return _plain(content) if content else None


def _build(given: Any) -> dict[str, Any] | None:
    if given.build is None:
        return None
    found = _declared(given.build, BuildContext) or {}
    # `path` of the environment is that of the context, absolute.
    return {**found, "path": _text(getattr(given, "path", None)) or found.get("path")}


def _nested(given: Any, kind: type[Struct]) -> dict[str, Any] | None:
    if given is None:
        return None
    return {name: _declared(getattr(given, name, None), Route) for name in fields_of(kind)}


def _input(name: str, port: Any, base: Path) -> Any:
    """A literal, or data as a job file says it; None for an optional input without a value."""
    value, mode = port, None
    if hasattr(port, "_data") and hasattr(port, "_meta"):  # what a Command holds for each of its inputs
        value, mode = port._data, _mode(port)
        if value is None:
            value = getattr(port._meta, "default", None)
            if value is None and getattr(port._meta, "optional", False):
                return None
    if value is None:
        raise _wrong(f"inputs.{name}", "has no value")
    if not is_azure_object(value):
        return value
    kind = _text(getattr(value, "type", None))
    if type(value).__name__ != "Input":
        what = "belongs to a pipeline or a sweep; give it a value"
        raise _wrong(f"inputs.{name}", f"{type(value).__name__} {what}")
    if kind in PRIMITIVES:
        return _input(name, value.default, base)
    found = _declared(value, Input) or {}
    found |= {"mode": _text(mode)} if mode is not None else {}
    return {**found, "path": _place(found.get("path"), base)} if "path" in found else found


def _place(given: str | None, base: Path) -> str | None:
    """A registered asset may be named without `azureml:` there, and a resource's id is."""
    if given is not None and (_is_id(given) or (_ASSET.fullmatch(given) and not (base / given).exists())):
        return f"azureml:{given}"
    return given


def _is_id(text: str) -> bool:
    return text.startswith(("/subscriptions/", "/locations/"))


def _output(port: Any) -> dict[str, Any] | None:
    if port is None:
        return None
    own = port._data if hasattr(port, "_data") else port
    if own is port:
        return _declared(own, Output)
    mode = _mode(port)
    found = {**(_declared(own, Output) or {}), **(_declared(port, Output) or {})}
    return found if mode is None else {**found, "mode": _text(mode)}


def _mode(port: Any) -> Any:
    """A port's own mode, else that of its value, else the one that its component declares."""
    places = (port, port._data, getattr(port, "_meta", None))
    return next((mode for place in places if (mode := getattr(place, "mode", None)) is not None), None)


def _declared(given: Any, kind: type[Struct]) -> dict[str, Any] | None:
    """The attributes that the record declares, where they are set; a mapping is taken as it is."""
    if given is None:
        return None
    if isinstance(given, Mapping) and not is_azure_object(given):
        return {str(name): value for name, value in given.items() if value is not None}
    return _set(given, fields_of(kind))


def _variant(given: Any, field: str) -> dict[str, Any] | None:
    """The same of one of several records; which one is told by its `type`."""
    if given is None or (isinstance(given, Mapping) and not is_azure_object(given)):
        return None if given is None else dict(given)
    shape: Any = fields_of(CommandJob)[field].shape
    shape = shape if isinstance(shape, Variant) else shape.value
    assert isinstance(shape, Variant)
    names: dict[str, None] = {}
    for record in shape.records:
        assert isinstance(record, Record)
        names |= dict.fromkeys(record.fields)
    return _set(given, names)


def _set(given: Any, names: Iterable[str]) -> dict[str, Any]:
    values = {name: _plain(getattr(given, name, None)) for name in names}
    return {name: value for name, value in values.items() if value is not None and value != {}}


def _plain(value: Any) -> Any:
    """Plain values of what may be their enumerations, paths and mappings."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or type(value) in (bool, int, float, str):
        return value
    return _text(value)


def _wrong(place: str, message: str) -> SpecErrors:
    return SpecErrors([Problem(NAME, 0, 0, place, message)])
