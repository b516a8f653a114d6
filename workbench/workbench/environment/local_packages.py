"""Packages on this machine: what tells whether their content has changed."""

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from workbench_store.errors import EnvironmentFailed

#: What building a package leaves at its top.
_BUILT = ("build", "dist")
#: What says how a package is built, and what in it tells that more is wanted than the folder has.
_RECIPES = ("pyproject.toml", "setup.cfg", "setup.py")
_BEYOND = re.compile(r"scm|\bvcs\b|hatch-vcs|versioneer|versioningit|dunamai|dynamic-versioning|\bpbr\b|\.\./|\bgit\b")
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


def clean_copies(local: Mapping[str, str], requirements: Iterable[str], place: Path) -> list[str]:
    """The requirements with each folder that is not installed as editable copied to `place` first, as far as it is in
    its fingerprint: what is built of a copy is built of nothing else, and leaves nothing in the user's folder. One that
    is built of more than the folder is built where it is.

    Raises OSError.
    """
    placed = list(requirements)
    folders = sorted((path for path in local if Path(path).is_dir()), key=len, reverse=True)
    for number, path in enumerate(folders):
        used = re.compile(rf"(?<![\w./-]){re.escape(path)}(?![\w./-])|(?<=file://){re.escape(path)}(?![\w./-])")
        if _needs_its_place(Path(path)) or not any(used.search(line) for line in placed if not line.startswith("-e ")):
            continue
        copy = place / str(number) / Path(path).name
        for name, file in _files(Path(path), shallow=False):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy / name)
        words = str(copy).replace("\\", r"\\")
        placed = [line if line.startswith("-e ") else used.sub(words, line) for line in placed]
    return placed


def _needs_its_place(folder: Path) -> bool:
    """Whether what says how to build it seems to look beyond the folder: at git for the version, at what is beside."""
    told = [folder / name for name in _RECIPES if (folder / name).is_file()]
    return any(_BEYOND.search(path.read_text(encoding="utf-8", errors="replace")) for path in told)


def _files(folder: Path, shallow: bool) -> Iterator[tuple[str, Path]]:
    for root, names, files in os.walk(folder, followlinks=True):
        if _loops(folder, Path(root)):
            names[:] = []
            continue
        names[:] = [] if shallow else sorted(name for name in names if _counts(folder, Path(root), name))
        for name in sorted(files):
            file = Path(root, name)
            if file.is_file() and not name.endswith(".pyc"):
                yield str(file.relative_to(folder)), file


def _loops(folder: Path, root: Path) -> bool:
    """Whether a link has led back to a folder that it is in."""
    here = os.path.realpath(root)
    above = [root, *root.parents][1 : len(root.relative_to(folder).parts) + 1]
    return any(os.path.realpath(one) == here for one in above)


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
