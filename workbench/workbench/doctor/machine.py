"""Checks of this machine, each a finding: what `doctor` and `compute test` both look at."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from workbench_store.errors import WorkbenchError
from workbench_store.locks import FileLock

from workbench.doctor.finding import Finding, problem_of, told
from workbench.view.format import format_bytes

_ENOUGH_BYTES = 1024**3
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "sshfs", "fuse.sshfs", "9p", "drvfs", "afs", "ceph"})
_PROGRAM_SECONDS = 30
#: So much of a program's last words is repeated, in characters.
_SAID = 200
#: No run was made before this package was: 1 January 2025.
_EARLIEST = 1735689600.0
_SKEW_SECONDS = 2.0


def python() -> Finding:
    """The Python that submits and supervises, run as it is for a job."""
    name = f"Python {sys.version.split()[0]} at {sys.executable}"
    trouble = _trouble([sys.executable, "-I", "-S", "-c", "import json, subprocess, fcntl"])
    if trouble is None:
        return Finding("ok", name)
    return Finding("problem", f"{name} does not start a job: {trouble}", "Install Workbench into a Python that works.")


def uv_program() -> Finding:
    """uv, which makes environments."""
    try:
        import uv

        program = uv.find_uv_bin()
    except (ImportError, FileNotFoundError):
        return Finding("problem", "uv is not installed, so no environment can be made", "pip install uv")
    trouble = _trouble([program, "--version"]) or _trouble([program, "cache", "dir"])
    if trouble is None:
        return Finding("ok", f"uv at {program}")
    return Finding("problem", f"uv at {program} does not run: {trouble}", "Mend uv's settings, or pip install -U uv.")


def cache_folder() -> Finding:
    """The user's cache folder, made if it is not there."""
    from workbench_store.cache_root import usable_cache

    try:
        return Finding("ok", f"cache folder {usable_cache()}")
    except WorkbenchError as error:
        return problem_of(error)


@told("the room on the disk cannot be told")
def disk_room(folder: Path) -> Finding:
    """Whether there is room for a run where `folder` is."""
    free = shutil.disk_usage(folder).free
    disk = os.statvfs(folder)
    what = f"{format_bytes(free)} free at {folder}"
    if disk.f_files and not disk.f_favail:  # some file systems count no files at all
        return Finding("problem", f"{what}, and no room for another file", "Remove files: `df -i` shows how many fit.")
    if free > _ENOUGH_BYTES:
        return Finding("ok", what)
    remedy = "Make room: runs need it. workbench gc says what takes space here; workbench rm RUN and then workbench gc "
    return Finding("problem", what, remedy + "give it back.")


@told("the file system cannot be told")
def file_system(folder: Path, remedy: str) -> Finding:
    """Whether the file system that holds `folder` is of a kind whose locks can be trusted."""
    kind = filesystem_of(folder)
    if kind in _NETWORK:
        what = f"{folder} is on a {kind} file system, whose locks cannot be trusted"
        return Finding("problem", what, remedy)
    return Finding("ok", f"{folder} is on {kind or 'a file system of a kind that the system does not tell'}")


def filesystem_of(path: Path) -> str:
    """The type of the file system that holds `path`; empty where the system does not say."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return ""
    best, kind = "", ""
    for line in mounts.read_text(errors="replace").splitlines():
        _device, place, name, *_ = line.split(" ")
        place = place.replace("\\040", " ")
        inside = path == Path(place) or Path(place) in path.parents
        if inside and len(place) >= len(best):
            best, kind = place, name
    return kind


@told("locks cannot be tried")
def locks(folder: Path) -> Finding:
    """Whether a lock on a file in `folder` keeps another holder out, and lets it in afterwards."""
    remedy = "Set WORKBENCH_CACHE to a folder on a local disk."
    path = folder / f"lock-test-{os.getpid()}"
    one, other = FileLock(path), FileLock(path)
    try:
        if not one.try_acquire() or other.try_acquire():
            return Finding("problem", f"a lock on a file in {folder} keeps nobody out", remedy)
        one.release()
        if not other.try_acquire():
            return Finding("problem", f"a lock on a file in {folder} is not let go of", remedy)
        return Finding("ok", f"locks work in {folder}")
    except WorkbenchError as error:
        return problem_of(error, "locks cannot be tried", remedy)
    finally:
        one.release()
        other.release()
        path.unlink(missing_ok=True)


@told("the clock of the disk cannot be read")
def clock(folder: Path, last_known: float | None) -> Finding:
    """Whether the clock can be right: not before this program was made, nor before what was recorded last (in UTC epoch
    seconds), and the same as that of the disk that holds `folder`."""
    remedy = "Set the clock: timedatectl set-ntp true, or what your system has."
    now = time.time()
    if now < _EARLIEST:
        return Finding("problem", f"the clock says {_day(now)}, which is long ago", remedy)
    if last_known is not None and last_known > now + _SKEW_SECONDS:
        ahead = f"{last_known - now:.0f} s from now"
        return Finding("problem", f"the clock is behind: a run was made at {_day(last_known)}, {ahead}", remedy)
    with tempfile.NamedTemporaryFile(dir=folder, prefix="clock-test-") as file:
        skew = os.fstat(file.fileno()).st_mtime - time.time()
    if abs(skew) > _SKEW_SECONDS:
        return Finding("problem", f"the clock of the disk at {folder} is {skew:+.0f} s from this machine's", remedy)
    return Finding("ok", f"the clock says {_day(now)}")


def _day(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(moment))


def _trouble(command: list[str]) -> str | None:
    """Why the program does not end well, in its own last words; None if it does."""
    return trouble_of(command)[0]


def trouble_of(command: list[str]) -> tuple[str | None, str]:
    """Why the program does not end well (None if it does), and what it wrote to stdout."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROGRAM_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {_PROGRAM_SECONDS} s", ""
    except OSError as error:
        return str(error.strerror or error), ""
    if done.returncode == 0:
        return None, done.stdout
    said = " ".join((done.stderr.strip() or done.stdout).split())[-_SAID:]
    return f"it ended with {done.returncode}" + (f", saying {said!r}" if said else ""), done.stdout
