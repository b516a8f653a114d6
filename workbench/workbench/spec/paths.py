"""Which texts are local paths and which are URIs, and where local paths lead."""

import os
import re
from pathlib import Path

_SCHEME = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]+:")
_DRIVE = re.compile(r"^[a-zA-Z]:[\\/]")


def is_remote(path: str) -> bool:
    """Whether a path is a URI (azureml:, https:, wasbs:, git+https:, ...) and not a local path."""
    return bool(_SCHEME.match(path)) and not _DRIVE.match(path) and not path.startswith("file:")


def scheme(path: str) -> str:
    """The scheme of a URI, with its colon."""
    return path.split(":", 1)[0] + ":"


def local(path: str, base_dir: Path) -> Path:
    """The absolute path, links followed, of a local path; `file:` in front of it is dropped."""
    bare = path.removeprefix("file://") if path.startswith("file:///") else path.removeprefix("file:")
    return Path(os.path.realpath(base_dir / bare))
