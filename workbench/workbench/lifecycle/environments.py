"""A run's environment: prepared from its definition, or the Python that submitted; as variables and as a
record."""

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from workbench_store.layout import RunLayout
from workbench_store.locks import FileLock

from workbench.lifecycle.plan import Plan


class PreparedVariables(Struct, frozen=True):
    """What an environment adds to the job's variables, and the fields of its `environment` event; `hold` keeps it from
    being removed while anybody has it. `packages` is where the job finds what it installs for itself."""

    variables: Mapping[str, str]
    record: Mapping[str, Any]
    hold: FileLock | None = None
    packages: Path | None = None

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What the job is given of it, so that the environment stays though its supervisor was killed."""
        found = None if self.hold is None else self.hold.descriptor
        return () if found is None else (found,)


def prepare_environment(plan: Plan, files: RunLayout, prefix: Path) -> PreparedVariables:
    """Find or build it; the build's own words go to the environment log. What the job installs goes below `prefix`,
    unless it runs in the Python that submitted. Raises EnvironmentFailed."""
    if plan.environment is None:
        return _submitting(plan)
    return _prepared(plan, files, prefix)


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


def _prepared(plan: Plan, files: RunLayout, prefix: Path) -> PreparedVariables:
    from workbench.environment import definition_from_dict, prepare

    definition = definition_from_dict(plan.environment or {})
    ready = prepare(
        definition,
        log=files.environment_log,
        strict_python=plan.strict_python,
        allow_downloads=plan.allow_downloads,
    )
    record = {
        "key": ready.key,
        "label": ready.label,
        "found": ready.found,
        "python": ready.python,
        "python_version": ready.python_version,
        "substituted": list(ready.substituted),
        "missed": ready.missed,
        "seconds": ready.seconds,
        "anonymous_version": ready.anonymous_version,
    }
    variables = {**ready.environ, "PATH": _path(plan, ready.environ["PATH"], prefix), **_pip_variables(prefix)}
    minor = ready.python_version.rpartition(".")[0]
    packages = prefix / "lib" / f"python{minor}" / "site-packages"
    return PreparedVariables(variables, record, ready.hold, packages)


def _pip_variables(prefix: Path) -> dict[str, str]:
    """pip installs below the prefix, whatever else its settings say, and uninstalls nothing from the environment, which
    others share."""
    return {"PIP_PREFIX": str(prefix), "PIP_IGNORE_INSTALLED": "1", "PIP_USER": "0", "PIP_TARGET": ""}


def _path(plan: Plan, path: str, prefix: Path) -> str:
    """The programs of what the job installs come first; those of the virtual environment that submitted do not stand in
    for what the job's environment lacks."""
    submitting = Path(plan.python).parent.parent
    venvs = [str(submitting)] if (submitting / "pyvenv.cfg").exists() else []
    active = os.environ.get("VIRTUAL_ENV")
    gone = {os.path.realpath(os.path.join(venv, "bin")) for venv in (*venvs, active) if venv}
    kept = [folder for folder in path.split(os.pathsep) if os.path.realpath(folder) not in gone]
    return os.pathsep.join([str(prefix / "bin"), *kept])
