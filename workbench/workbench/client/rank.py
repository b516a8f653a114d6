"""The rank of this process among those that train together. (Python 3.8.)"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

#: Set by PyTorch's launcher, MPIs, Workbench and Slurm.
_TOLD_BY = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "WORKBENCH_RANK", "SLURM_PROCID")


def rank_of_process() -> int:
    """The rank that this process has now: in PyTorch, or as its launcher told it; else 0.

    PyTorch is asked first: children may be told their ranks by arguments, and have their parent's variables.
    """
    found = _in_torch()
    for variable in _TOLD_BY:
        found = _number(variable) if found is None else found
    if found is None and not _number("NODE_RANK"):
        found = _number("LOCAL_RANK")  # all that Lightning tells those that it starts
    return found or 0


def _number(variable: str) -> Optional[int]:
    text = os.environ.get(variable, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


def _in_torch() -> Optional[int]:
    """Where the script has loaded PyTorch and joined a group of several processes."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is None:
        return None
    try:
        joined = distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
        return int(distributed.get_rank()) if joined else None
    except Exception:  # another thread is loading it just now, or it is something else of that name
        return None
