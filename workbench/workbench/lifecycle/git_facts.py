"""What git says of a job's code: recorded whole, and under the names that Azure ML and MLflow use."""

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from workbench_store.layout import RunLayout

from workbench.lifecycle.history import JournalTail
from workbench.lifecycle.recorder import RunRecorder

if TYPE_CHECKING:
    from workbench.client.git_state import GitState

_SECONDS = 3.0
#: property -> the variable by which a user sets it, as azure-ai-ml reads it.
OVERRIDES = {
    "mlflow.source.git.repoURL": "AZUREML_GIT_REPOSITORY_URI",
    "mlflow.source.git.branch": "AZUREML_GIT_BRANCH",
    "mlflow.source.git.commit": "AZUREML_GIT_COMMIT",
    "azureml.git.dirty": "AZUREML_GIT_DIRTY",
}


def look_at_git(folder: Path) -> "GitState | None":
    """The state of the working copy that the folder is in; None outside of git."""
    from workbench.client.git_state import git_state

    return git_state(folder, _SECONDS)


def repeat_git(before: RunLayout, files: RunLayout, recorder: RunRecorder) -> None:
    """What git said of the code of a run that is repeated from its snapshot holds for the new run too."""
    found = [event for event in JournalTail(before).new_events() if event.name == "git"]
    if found:
        with suppress(OSError):
            shutil.copyfile(before.git_diff, files.git_diff)
        recorder.event("git", **found[-1].fields)


def git_properties(state: "GitState | None", folder: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Repository (without credentials), branch, commit, and whether the folder has changes; empty outside of git."""
    found = {} if state is None or state.commit is None else _properties(state, state.commit, folder)
    found |= {key: environ[variable] for key, variable in OVERRIDES.items() if environ.get(variable)}
    url = "mlflow.source.git.repoURL"
    if url in found:
        from workbench.client.git_state import without_credentials

        found[url] = without_credentials(found[url])
    return found


def _properties(state: "GitState", commit: str, folder: Path) -> dict[str, str]:
    below = os.path.relpath(folder, state.root)
    inside = "" if below == "." else f"{Path(below).as_posix()}/"
    found = {
        "mlflow.source.git.commit": commit,
        "mlflow.source.git.branch": state.branch or "HEAD",
        "azureml.git.dirty": str(any(path.startswith(inside) for path in state.changed)),
    }
    return found | ({} if state.repository is None else {"mlflow.source.git.repoURL": state.repository})
