"""Jobs written down: as plain data for `spec.json`, and as a job file."""

from os import PathLike, fspath
from typing import Any

from msgspec import Struct
from workbench_store.interrupts import load_whole

from workbench.spec.fields import fields_of
from workbench.spec.job import CommandJob

SCHEMA_URL = "https://azuremlschemas.azureedge.net/latest/commandJob.schema.json"


def job_to_dict(job: CommandJob) -> dict[str, Any]:
    """The job as JSON values under the keys of a job file, in the order declared, without what is unset.

    Equal jobs give equal dictionaries, however they were written.
    """
    data = _record(job)
    assert isinstance(data, dict)
    return data


def job_to_yaml(job: CommandJob) -> str:
    """The job as a job file that `load_job` and Azure ML read, with local paths absolute."""
    return data_to_yaml({"$schema": SCHEMA_URL, **job_to_dict(job)})


def data_to_yaml(data: dict[str, Any]) -> str:
    """Plain values as YAML that says the same to every reader, in their order."""
    load_whole("yaml")
    import yaml

    return yaml.dump(data, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=110)


def _record(record: Struct) -> dict[str, Any]:
    values = {name: plain_value(getattr(record, name)) for name in fields_of(type(record))}
    return {name: value for name, value in values.items() if value is not None and value != {}}


def plain_value(value: Any) -> Any:
    """Records as dictionaries, paths as text; the rest as it is."""
    if isinstance(value, Struct):
        # An empty record inside a job still says that it is there (an output with all defaults has its type).
        return _record(value)
    if isinstance(value, dict):
        return {key: plain_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(item) for item in value]
    return fspath(value) if isinstance(value, PathLike) else value


def _style(text: str) -> str | None:
    """Several lines as a block; what YAML could take for a line break or swallow, in double quotes."""
    if not text.replace("\n", "").isprintable():
        return '"'
    return "|" if "\n" in text else None


def _dumper() -> Any:
    """A safe dumper that writes each text in the style that suits it."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=_style(value))

    Dumper.add_representer(str, text)
    return Dumper
