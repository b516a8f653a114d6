"""The Pythons of this machine, each proven by running it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from workbench_store.cache_root import cache_root, usable_cache
from workbench_store.errors import WorkspaceError

_PROBE = (
    "import sys, json; print(json.dumps(['%d.%d.%d' % sys.version_info[:3], "
    "getattr(sys, '_base_executable', None) or sys.executable, sys.implementation.name]))"
)
_NAME = re.compile(r"python3(\.\d+)?(\.exe)?")


class Interpreter(NamedTuple):
    """A Python that runs: its version (three numbers) and the full path of its executable."""

    version: tuple[int, int, int]
    path: str

    @property
    def minor(self) -> tuple[int, int]:
        """The first two numbers of the version."""
        return self.version[:2]

    @property
    def text(self) -> str:
        """The version as text."""
        return ".".join(str(number) for number in self.version)


def find_interpreters() -> list[Interpreter]:
    """CPythons of 3.8 and later, one for each version, in order of version."""
    paths = dict.fromkeys(os.path.realpath(path) for path in _candidates() if os.access(path, os.X_OK))
    # pyenv's shims are scripts that stand for another Python, which is found in its own place.
    real = [path for path in paths if f"{os.sep}shims{os.sep}" not in path]
    known = _remembered()
    stamps = {path: _stamp(path) for path in real}
    unknown = [path for path in real if known.get(path, {}).get("stamp") != stamps[path]]
    proven: dict[str, Interpreter | None] = {}
    if unknown:
        from concurrent.futures import ThreadPoolExecutor  # slow to load, and seldom needed

        with ThreadPoolExecutor(4) as pool:
            proven = dict(zip(unknown, pool.map(prove, unknown), strict=True))
        _remember({path: stamps[path] for path in real}, known, proven)
    found = [one for path in real if (one := proven[path] if path in proven else _from_memory(known[path])) is not None]
    newest: dict[tuple[int, int, int], Interpreter] = {}
    for interpreter in found:
        if interpreter.version >= (3, 8, 0):
            newest.setdefault(interpreter.version, interpreter)
    return [newest[version] for version in sorted(newest)]


def _memory() -> Path:
    return cache_root() / "interpreters.json"


def _stamp(path: str) -> list[int]:
    found = os.stat(path)
    return [found.st_mtime_ns, found.st_size, found.st_ino]


def _remembered() -> dict[str, Any]:
    """What earlier looks found, by path: running every Python takes seconds."""
    try:
        content = json.loads(_memory().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _from_memory(entry: Mapping[str, Any]) -> Interpreter | None:
    if not entry.get("version") or not os.access(entry["path"], os.X_OK):
        return None
    major, minor, micro = entry["version"]
    return Interpreter((major, minor, micro), entry["path"])


def _remember(
    stamps: Mapping[str, list[int]], known: Mapping[str, Any], proven: Mapping[str, Interpreter | None]
) -> None:
    content = {}
    for path, stamp in stamps.items():
        one = proven[path] if path in proven else _from_memory(known[path])
        content[path] = {"stamp": stamp, "version": one.version if one else None, "path": one.path if one else path}
    draft = _memory().with_suffix(f".{os.getpid()}.new")
    with suppress(OSError, WorkspaceError):
        usable_cache()
        draft.write_text(json.dumps(content), encoding="utf-8")
        draft.replace(_memory())


def prove(path: str) -> Interpreter | None:
    """Run it and ask; None when it does not run, is no CPython, or is not what its name says."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    try:
        done = subprocess.run(
            [path, "-I", "-c", _PROBE], capture_output=True, text=True, timeout=20, env=clean, stdin=subprocess.DEVNULL
        )
        version, executable, kind = json.loads(done.stdout)
        major, minor, micro = (int(part) for part in version.split("."))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return Interpreter((major, minor, micro), executable) if kind == "cpython" else None


def _candidates() -> Iterator[str]:
    yield sys.executable
    for folder in (
        *os.environ.get("PATH", os.defpath).split(os.pathsep),
        "/usr/bin",
        "/usr/local/bin",
        "/opt/homebrew/bin",
    ):
        try:
            names = sorted(os.listdir(folder)) if folder else []
        except OSError:
            continue
        yield from (os.path.join(folder, name) for name in names if _NAME.fullmatch(name))
    home = Path(os.path.expanduser("~"))  # "~" itself for those who have none
    pyenv = Path(os.environ.get("PYENV_ROOT", home / ".pyenv"))
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", home / ".local/share/uv/python"))
    for base in (pyenv / "versions", uv):
        yield from (str(path) for path in sorted(base.glob("*/bin/python3")))
    for base in (home / "miniconda3", home / "anaconda3", home / "miniforge3", Path("/opt/conda")):
        yield from (str(path) for path in [base / "bin/python3", *sorted(base.glob("envs/*/bin/python3"))])
