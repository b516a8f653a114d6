"""A small file system of a test's own, and how it is filled: full disks are caused for real."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

#: For scripts beside the folder `disk`: takes all the room that is left, and gives the descriptor of what does.
FILL = """
import os
def fill():
    ballast = os.open("disk/ballast", os.O_WRONLY | os.O_CREAT)
    for size in (65536, 4096, 1):
        try:
            while os.write(ballast, bytes(size)):
                pass
        except OSError:
            pass
    return ballast
"""


@contextmanager
def small_disk(place: Path, size: int, files: int = 0) -> Iterator[Path]:
    """A file system of `size` bytes at `place`, which is made, and of so many files, if that is said. Skips where it
    may not be mounted."""
    place.mkdir()
    options = f"size={size}" + (f",nr_inodes={files}" if files else "")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(place)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("only root may mount a file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def disk_of_few_files(place: Path, size: int, files: int) -> Iterator[Path]:
    """The same of a kind where one more name of a file takes no more than a name, as on most disks."""
    place.mkdir()
    image = place.with_name(place.name + ".img")
    with image.open("wb") as file:
        file.truncate(size)
    made = subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-N", str(files), str(image)], capture_output=True)
    mounted = made.returncode == 0 and subprocess.run(["mount", "-o", "loop", str(image), str(place)]).returncode == 0
    if not mounted:
        pytest.skip("only root may mount a file system, and not everywhere one of its own")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(ballast: Path) -> Path:
    """Take all the room that is left, to the last byte, with one file; the file."""
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                continue
    return ballast
