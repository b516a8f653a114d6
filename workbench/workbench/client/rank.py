"""The rank of this process among those that train together. (Python 3.8.)"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Tuple

#: Set by PyTorch's launcher, MPIs, Workbench and Slurm.
_TOLD_BY = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "WORKBENCH_RANK", "SLURM_PROCID")
#: By what multiprocessing hands over to the children that it starts anew.
_KEY = "WORKBENCH_RANK"
#: What the parent handed over: its rank, where more than variables told it, and what variables told it.
_parent: Tuple[Optional[int], Optional[int]] = (None, None)


def rank_of_process() -> int:
    """The rank that this process has now: in PyTorch, or as its launcher told it, or that of its parent; else 0.

    PyTorch is asked first: children may be told their ranks by arguments, and have their parent's variables.
    """
    found = _told_otherwise()
    return (rank_by_variables() if found is None else found) or 0


def pass_on_rank(config: Dict[str, Any]) -> None:
    """Let children by multiprocessing that begin anew, and theirs, know the rank that their parent has then."""
    config[_KEY] = _RankNow()


class _RankNow:
    """What a parent hands over: it is asked for its rank when it starts a child, as it may have been told late."""

    def __reduce__(self) -> Tuple[Any, ...]:
        return _of_parent, (_told_otherwise(), rank_by_variables())


def _of_parent(told_otherwise: Optional[int], by_variables: Optional[int]) -> _RankNow:
    """What a child makes of that, before it does what it was started for; its own children get the same."""
    global _parent
    _parent = told_otherwise, by_variables
    return _RankNow()


def _told_otherwise() -> Optional[int]:
    """By PyTorch, or by the parent, unless variables have told this process something else since."""
    found = _in_torch()
    rank, by_variables = _parent
    return rank if found is None and by_variables == rank_by_variables() else found


def rank_by_variables() -> Optional[int]:
    """The rank that a launcher has told this process, or one that it came from; None without one."""
    found = None
    for variable in _TOLD_BY:
        found = _number(variable) if found is None else found
    if found is None and not _number("NODE_RANK"):
        found = _number("LOCAL_RANK")  # all that Lightning tells those that it starts
    return found


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
