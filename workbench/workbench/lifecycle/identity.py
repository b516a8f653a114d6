"""What a run is, written once when it is made."""

import getpass
import os
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench_store.processes import host_id

from workbench.spec import CommandJob


def new_identity(job: CommandJob, name: str, compute: str, properties: Mapping[str, str]) -> dict[str, Any]:
    """The fields of run.json and of the `run` event, but for the notes."""
    return {
        "name": name,
        "id": uuid.uuid4().hex,
        "kind": "job",
        "experiment": experiment_of(job),
        "display_name": job.display_name,
        "description": job.description,
        "compute": compute,
        "command": job.command,
        "user": _user(),
        "host": host_id(),
        "created": time.time(),
        "properties": dict(properties),
    }


def experiment_of(job: CommandJob) -> str:
    """The job's experiment; left out, that of the job which submits it, or else the current folder's name without
    spaces, as in azure-ai-ml."""
    given = job.experiment_name or os.environ.get("WORKBENCH_EXPERIMENT")
    return given or Path.cwd().name.replace(" ", "") or "Default"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
