"""The rank of this process among those that train together. (Python 3.8.)"""

import os

_TOLD_BY = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "WORKBENCH_RANK", "SLURM_PROCID")


def rank_of_process() -> int:
    """The rank that its launcher gave it: of PyTorch, an MPI, Workbench or Slurm; else 0."""
    for variable in _TOLD_BY:
        text = os.environ.get(variable, "")
        if text.isascii() and text.isdigit() and len(text) < 9:
            return int(text)
    return 0
