"""A run's environment: prepared from its definition, or the Python that submitted; as variables and as a
record."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench_store.layout import RunLayout

from workbench.lifecycle.plan import Plan


@dataclass(frozen=True)
class PreparedVariables:
    """What an environment adds to the job's variables, and the fields of its `environment` event."""

    variables: Mapping[str, str]
    record: Mapping[str, Any]


def prepare_environment(plan: Plan, files: RunLayout) -> PreparedVariables:
    """Find or build it; the build's own words go to the environment log. Raises EnvironmentFailed."""
    if plan.environment is None:
        return _submitting(plan)
    return _prepared(plan, files)


def _submitting(plan: Plan) -> PreparedVariables:
    folder = str(Path(plan.python).parent)
    record = {
        "key": "",
        "label": "the submitting Python",
        "found": "submitting-interpreter",
        "python": plan.python,
        "python_version": platform.python_version(),
        "substituted": [],
        "missed": "",
        "seconds": 0.0,
        "anonymous_version": None,
    }
    return PreparedVariables({"PATH": os.pathsep.join([folder, os.environ.get("PATH", os.defpath)])}, record)
