"""The declared fields are upstream's, and the JSON Schema says the same as the checks."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec import Struct
from workbench.spec import BuildContext, CommandJob, Environment, Input, Output, json_schema, settings
from workbench.spec.environments import AutoDeleteSetting, InferenceConfig, Route
from workbench.spec.fields import Choice, Special, fields_of
from workbench.spec.job import READ_ONLY

DATA = Path(__file__).parents[1] / "data"
UPSTREAM: dict[str, Any] = json.loads((DATA / "azureml_command_schema.json").read_text())["schemas"]
OURS: dict[str, type[Struct]] = {
    "CommandJobSchema": CommandJob,
    "AnonymousEnvironmentSchema": Environment,
    "BuildContextSchema": BuildContext,
    "InferenceConfigSchema": InferenceConfig,
    "RouteSchema": Route,
    "AutoDeleteSettingSchema": AutoDeleteSetting,
    "DataInputSchema": Input,
    "OutputSchema": Output,
    "JobResourceConfigurationSchema": settings.JobResourceConfiguration,
    "CommandJobLimitsSchema": settings.CommandJobLimits,
    "QueueSettingsSchema": settings.QueueSettings,
    "PyTorchDistributionSchema": settings.PyTorchDistribution,
    "TensorFlowDistributionSchema": settings.TensorFlowDistribution,
    "MPIDistributionSchema": settings.MpiDistribution,
    "RayDistributionSchema": settings.RayDistribution,
    "ManagedIdentitySchema": settings.ManagedIdentityConfiguration,
    "AMLTokenIdentitySchema": settings.AmlTokenConfiguration,
    "UserIdentitySchema": settings.UserIdentityConfiguration,
    "SshJobServiceSchema": settings.SshJobService,
    "TensorBoardJobServiceSchema": settings.TensorBoardJobService,
    "VsCodeJobServiceSchema": settings.VsCodeJobService,
    "JupyterLabJobServiceSchema": settings.JupyterLabJobService,
    "JobServiceSchema": settings.JobService,
}
#: Upstream's schemas with no class of ours: inputs by type (we have one Input), literals, read-only parts.
ELSEWHERE = {
    "ModelInputSchema",
    "MLTableInputSchema",
    "InputLiteralValueSchema",
    "CreationContextSchema",
    "IntellectualPropertySchema",
}
#: Ours takes more: one Input stands for three of upstream's.
WIDER = {("DataInputSchema", "type"), ("DataInputSchema", "mode")}


def read_only(field: dict[str, Any]) -> bool:
    return bool(field.get("read_only")) or any(part.get("read_only") for part in field.get("any_of", []))


def test_every_schema_of_upstream_is_accounted_for() -> None:
    assert set(UPSTREAM) == set(OURS) | ELSEWHERE


@pytest.mark.parametrize("name", OURS)
def test_the_fields_are_upstreams(name: str) -> None:
    upstream = {field.get("key", key): field for key, field in UPSTREAM[name]["fields"].items()}
    kind = OURS[name]
    assert set(fields_of(kind)) == {key for key, field in upstream.items() if not read_only(field)}
    assert READ_ONLY.get(kind.__name__, frozenset()) == {key for key, field in upstream.items() if read_only(field)}


@pytest.mark.parametrize("name", OURS)
def test_the_allowed_values_are_upstreams(name: str) -> None:
    for key, field in fields_of(OURS[name]).items():
        shape = field.shape.shape if isinstance(field.shape, Special) else field.shape
        theirs = UPSTREAM[name]["fields"].get(key, {}).get("allowed")
        if isinstance(shape, Choice) and theirs and (name, key) not in WIDER:
            assert set(shape.values) == set(theirs)


def fits(value: Any, schema: Any, root: dict[str, Any]) -> bool:
    """A validator of the few keywords that our schema uses."""
    if "$ref" in schema and not fits(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root):
        return False
    if "anyOf" in schema and not any(fits(value, member, root) for member in schema["anyOf"]):
        return False
    if "type" in schema and not any(_is(value, kind) for kind in _listed(schema["type"])):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, str):
        return re.search(schema.get("pattern", ""), value) is not None
    if isinstance(value, list):
        return all(fits(item, schema.get("items", {}), root) for item in value)
    return not isinstance(value, dict) or _object_fits(value, schema, root)


def _object_fits(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any]) -> bool:
    for branch in schema.get("allOf", []):
        if value.get("type") == branch["if"]["properties"]["type"]["const"] and not fits(value, branch["then"], root):
            return False
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for key, item in value.items():
        if re.search(schema.get("propertyNames", {}).get("pattern", ""), key) is None:
            return False
        if key in properties:
            if not fits(item, properties[key], root):
                return False
        elif others is False or (isinstance(others, dict) and not fits(item, others, root)):
            return False
    return set(schema.get("required", [])) <= set(value)


def _listed(kinds: Any) -> list[str]:
    return kinds if isinstance(kinds, list) else [kinds]


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    types: dict[str, type | tuple[type, ...]] = {
        "string": str,
        "integer": int,
        "number": (int, float),
        "object": dict,
        "array": list,
        "null": type(None),
        "boolean": (),
    }
    return isinstance(value, types[kind])


@pytest.mark.parametrize("path", sorted((DATA / "jobs/valid").glob("*.yml")), ids=lambda path: path.stem)
def test_valid_files_fit_the_json_schema(path: Path) -> None:
    schema = json_schema()
    assert fits(yaml.safe_load(path.read_text("utf-8")), schema, schema)


@pytest.mark.parametrize(
    "name",
    [
        "unknown-key",
        "no-command",
        "command-list",
        "mode-of-another-type",
        "input-name",
        "output-download",
        "numbers",
        "type-case",
        "uri-forms",
    ],
)
def test_invalid_files_do_not_fit_the_json_schema(name: str) -> None:
    schema = json_schema()
    assert not fits(yaml.safe_load((DATA / f"jobs/invalid/{name}.yml").read_text("utf-8")), schema, schema)


def test_the_schema_is_json_with_every_reference_defined() -> None:
    text = json.dumps(json_schema())
    schema = json.loads(text)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(re.findall(r"#/\$defs/(\w+)", text)) <= set(schema["$defs"])
    for name, field in fields_of(CommandJob).items():
        assert schema["properties"][name]["description"] == field.description != ""
