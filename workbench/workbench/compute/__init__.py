"""Computes: where jobs run. One file for each kind, behind one protocol."""

from workbench.compute.protocol import Allocation, Compute, ComputeEntry, JobExit, JobLaunch, RunningJob
from workbench.compute.registry import add_compute, get_compute, list_computes

__all__ = [
    "Allocation",
    "Compute",
    "ComputeEntry",
    "JobExit",
    "JobLaunch",
    "RunningJob",
    "add_compute",
    "get_compute",
    "list_computes",
]
