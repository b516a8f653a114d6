"""Packages on this machine: what tells whether their content has changed."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from workbench_store.errors import EnvironmentFailed

#: What building a package leaves at its top.
_BUILT = ("build", "dist")
#: Of larger files, such as data beside the code, size and time stand for the content.
_LARGE_BYTES = 64 * 1024 * 1024


def fingerprint(path: Path, shallow: bool = False) -> str:
    """A hash of a file or folder; `shallow`: of the names and sizes in a folder alone. Raises EnvironmentFailed."""
    digest = hashlib.sha256(b"shallow" if shallow else b"")
    try:
        for name, file in [("", path)] if path.is_file() else _files(path, shallow):
            found = file.stat()
            digest.update(f"#{name}#{found.st_size}#".encode("utf-8", "surrogateescape"))
            if found.st_size > _LARGE_BYTES:
                digest.update(str(found.st_mtime_ns).encode())
            elif not shallow:
                digest.update(file.read_bytes())
    except OSError as error:
        raise EnvironmentFailed(f"the local package {path} cannot be read: {error}") from error
    return digest.hexdigest()


def _files(folder: Path, shallow: bool) -> Iterator[tuple[str, Path]]:
    for root, names, files in os.walk(folder):
        names[:] = [] if shallow else sorted(name for name in names if _counts(folder, Path(root), name))
        for name in sorted(files):
            file = Path(root, name)
            if file.is_file() and not name.endswith(".pyc"):
                yield str(file.relative_to(folder)), file


def _counts(folder: Path, root: Path, name: str) -> bool:
    """Whether a folder is source: not hidden, a virtual environment, or what building leaves."""
    if name.startswith(".") or name == "__pycache__" or name.endswith(".egg-info"):
        return False
    return not (root == folder and name in _BUILT) and not (root / name / "pyvenv.cfg").exists()


def refuse_changed(local: Mapping[str, str]) -> None:
    """Raises EnvironmentFailed when a local package is not as it was when the job was submitted."""
    for path, before in local.items():
        if before not in (fingerprint(Path(path)), fingerprint(Path(path), shallow=True)):
            raise EnvironmentFailed(
                f"the local package {path} has changed since the job was submitted", remedy="Submit it again."
            )
