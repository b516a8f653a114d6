"""Which GPUs the machine has, as nvidia-smi lists them."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

_ASK_SECONDS = 20


class Gpus(Struct, frozen=True):
    """there: those that nvidia-smi lists. chosen: those of CUDA_VISIBLE_DEVICES, None where that is not set.
    trouble: why nvidia-smi, which is installed, lists none. said: its words, where it ended well and lists none."""

    there: tuple[str, ...]
    chosen: tuple[str, ...] | None
    trouble: str | None
    said: str | None = None


def gpu_ids(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The GPUs that jobs may be given: those of CUDA_VISIBLE_DEVICES where that is set, else all there
    are."""
    chosen = _chosen(environ)
    return list(_ask().there if chosen is None else chosen)


def list_gpus(environ: Mapping[str, str] = os.environ) -> Gpus:
    """All that can be said of the GPUs. Trouble with nvidia-smi is told only where its GPUs are wanted."""
    chosen = _chosen(environ)
    answer = _ask()
    if chosen == ():
        return Gpus(answer.there, chosen, None)
    return Gpus(answer.there, chosen, answer.trouble, answer.said)


def _chosen(environ: Mapping[str, str]) -> tuple[str, ...] | None:
    allowed = environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is None:
        return None
    return tuple(part.strip() for part in allowed.split(",") if part.strip() not in ("", "-1"))


class _Answer(NamedTuple):
    there: tuple[str, ...] = ()
    trouble: str | None = None
    said: str | None = None


def _ask() -> _Answer:
    """What nvidia-smi lists, and why it does not, if it is there."""
    if not shutil.which("nvidia-smi"):
        return _Answer()
    command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_ASK_SECONDS)
    except subprocess.TimeoutExpired:
        return _Answer(trouble=f"no answer within {_ASK_SECONDS} s")
    except OSError as error:
        return _Answer(trouble=str(error.strerror or error))
    said = answer.stdout.strip().splitlines()
    if answer.returncode != 0:
        words = answer.stderr.strip().splitlines() or said
        return _Answer(trouble=words[-1] if words else f"it ended with {answer.returncode}")
    there = tuple(line.strip() for line in said if line.strip().isdigit())
    return _Answer(there, said=said[-1].strip() if said and not there else None)
