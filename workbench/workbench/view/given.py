"""What a job was given beside its inputs, code and environment: the rest of its spec, by dotted names."""

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

    Nothing of a script's own run, which has no spec, nor of a spec that cannot be read.
    """
    spec = read_json(files.spec) or {}
    return dict(_flat("", {key: value for key, value in spec.items() if key not in _ELSEWHERE}))


def _flat(before: str, fields: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for name, value in fields.items():
        if isinstance(value, dict) and value:
            yield from _flat(f"{before}{name}.", value)
        else:
            yield before + name, json.dumps(value) if isinstance(value, list | dict) else value
