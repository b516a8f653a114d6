"""How many processes a job is, and what they are to each other: its `distribution` and `instance_count` in numbers."""

from collections.abc import Iterator

from workbench.spec.checks import Finding
from workbench.spec.job import CommandJob
from workbench.spec.process_counts import Processes
from workbench.spec.settings import MpiDistribution, PyTorchDistribution, TensorFlowDistribution

#: More than this is a slip of the pen on one machine.
MOST_PROCESSES = 256


def processes_of(job: CommandJob) -> Processes:
    """The processes that the job asks for."""
    instances = (job.resources.instance_count if job.resources else None) or 1
    asked = job.distribution
    if isinstance(asked, PyTorchDistribution):
        return Processes("pytorch", instances, instances * (asked.process_count_per_instance or 1))
    if isinstance(asked, MpiDistribution):
        return Processes("mpi", instances, instances * (asked.process_count_per_instance or 1))
    if isinstance(asked, TensorFlowDistribution):
        servers = asked.parameter_server_count or 0
        return Processes("tensorflow", instances, (asked.worker_count or instances) + servers, servers)
    return Processes("plain", instances, instances)


def distribution_refusals(job: CommandJob) -> Iterator[Finding]:
    """What of the processes asked for cannot be had on this machine."""
    if job.distribution is not None and job.distribution.type == "ray":
        yield Finding("distribution.type", "a Ray cluster is not started yet")
        return
    asked = processes_of(job)
    if asked.total > MOST_PROCESSES:
        message = f"the job asks for {asked.total} processes; one machine starts at most {MOST_PROCESSES}"
        yield Finding("distribution" if job.distribution else "resources.instance_count", message)
    if asked.total < asked.instances:
        message = f"{asked.total} processes do not fit {asked.instances} instances: each has at least one"
        yield Finding("distribution", message)
