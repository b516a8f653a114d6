"""What git says of the code: recorded under the names that Azure ML and MLflow use."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

_SECONDS = 3.0
_CREDENTIALS = re.compile(r"//[^/@]+@")
#: property -> the variable by which a user sets it, as azure-ai-ml reads it.
OVERRIDES = {
    "mlflow.source.git.repoURL": "AZUREML_GIT_REPOSITORY_URI",
    "mlflow.source.git.branch": "AZUREML_GIT_BRANCH",
    "mlflow.source.git.commit": "AZUREML_GIT_COMMIT",
    "azureml.git.dirty": "AZUREML_GIT_DIRTY",
}


def git_properties(folder: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Repository, branch, commit and whether there are changes; empty outside of git. A URL with credentials
    is left out."""
    found = _ask(folder) if any((parent / ".git").exists() for parent in (folder, *folder.parents)) else {}
    found |= {key: environ[variable] for key, variable in OVERRIDES.items() if environ.get(variable)}
    if _CREDENTIALS.search(found.get("mlflow.source.git.repoURL", "")):
        del found["mlflow.source.git.repoURL"]
    return found


def _ask(folder: Path) -> dict[str, str]:
    heads = _git(folder, "rev-parse", "HEAD", "--abbrev-ref", "HEAD").split()
    if len(heads) != 2:
        return {}
    found = {"mlflow.source.git.commit": heads[0], "mlflow.source.git.branch": heads[1]}
    url = _git(folder, "config", "--get", "remote.origin.url").strip()
    if url:
        found["mlflow.source.git.repoURL"] = url
    found["azureml.git.dirty"] = str(bool(_git(folder, "status", "--porcelain", "--untracked-files=no", ".").strip()))
    return found


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
    return done.stdout if done.returncode == 0 else ""
