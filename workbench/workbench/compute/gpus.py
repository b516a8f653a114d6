"""Which GPUs the machine has, as nvidia-smi lists them."""

import os
import shutil
import subprocess
from collections.abc import Mapping

_ASK_SECONDS = 20


def gpu_ids(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The GPUs that jobs may be given: those of CUDA_VISIBLE_DEVICES where that is set, else all there
    are."""
    allowed = environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        return [part.strip() for part in allowed.split(",") if part.strip() not in ("", "-1")]
    return _ask() if shutil.which("nvidia-smi") else []


def _ask() -> list[str]:
    command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_ASK_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in answer.stdout.splitlines() if line.strip().isdigit()]
