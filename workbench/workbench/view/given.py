"""What a job was given beside data, code and environment: the rest of its spec, by dotted names."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from workbench_store.layout import RunLayout

from workbench.client.json_files import read_json

#: Compared in a way of their own, or told of a run without being given to its job.
_ELSEWHERE = {
    *("$schema", "type", "name", "display_name", "description", "experiment_name", "tags", "properties"),
    *("command", "compute", "code", "environment", "inputs"),
}


def given(files: RunLayout) -> dict[str, object]:
    """The values of the spec's other fields, such as `environment_variables.SEED`, `limits.timeout`; lists are whole.
    Of inputs, how the job gets their data (`inputs.data.mode`), not the data.

    Nothing of a script's own run, which has no spec, nor of a spec that cannot be read.
    """
    spec = read_json(files.spec) or {}
    fields = {key: value for key, value in spec.items() if key not in _ELSEWHERE}
    return dict(_flat("", {**fields, **_ways_of_inputs(spec.get("inputs"))}))


def _ways_of_inputs(inputs: object) -> dict[str, object]:
    ports = inputs.items() if isinstance(inputs, dict) else ()
    ways = {name: {key: one[key] for key in one if key != "path"} for name, one in ports if isinstance(one, dict)}
    return {f"inputs.{name}": way for name, way in ways.items() if way}


def _flat(before: str, fields: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for name, value in fields.items():
        if isinstance(value, dict) and value:
            yield from _flat(f"{before}{name}.", value)
        else:
            yield before + name, json.dumps(value) if isinstance(value, list | dict) else value
