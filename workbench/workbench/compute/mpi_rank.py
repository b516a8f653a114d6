"""What `mpirun` starts for each rank: gives it a log of its own, then becomes the job's command. A script.

Run as `python -I -S mpi_rank.py LOG RANKS INSTANCES SHELL COMMAND`. Rank 0 writes LOG, the others files beside it,
or each the pipe (`job_log`) that the job's parent names in WORKBENCH_RANK_PIPES.
"""

import json
import os
import sys

#: What tells a process its rank: Open MPI, MPICH and those made from it, PMIx.
_RANKS = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK")


def gpus_of(gpus: str, instance: int, instances: int) -> str:
    """An instance's own of the GPUs of all instances, as CUDA_VISIBLE_DEVICES lists them."""
    listed = gpus.split(",")
    return ",".join(gpu for place, gpu in enumerate(listed) if place * instances // len(listed) == instance)


def _output(log: str, rank: int) -> int:
    """A descriptor of where the rank's output goes."""
    pipes = json.loads(os.environ.pop("WORKBENCH_RANK_PIPES", "[]"))
    if rank < len(pipes):
        try:
            return os.open(pipes[rank], os.O_RDWR)
        except OSError:
            pass  # of another machine, or another user's
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def main(arguments: "list[str]") -> None:
    """Open the log and become the command."""
    log, total, instances, shell, command = arguments
    rank = next((int(os.environ[name]) for name in _RANKS if os.environ.get(name, "").isdigit()), 0)
    if rank:
        log = os.path.join(os.path.dirname(log), f"std_log_process_{rank}.txt")
    descriptor = _output(log, rank)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.environ["WORKBENCH_RANK"] = str(rank)
    instance = rank // (int(total) // int(instances))
    os.environ["AZUREML_CR_NODE_RANK"] = str(instance)
    gpus = os.environ.get("CUDA_VISIBLE_DEVICES")
    if gpus and int(instances) > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus_of(gpus, instance, int(instances))
    os.execv(shell, [shell, "-c", command])


if __name__ == "__main__":
    main(sys.argv[1:])
