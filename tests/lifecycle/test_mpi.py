"""Real MPIs from PyPI, each in a job's own environment: ranks find each other, and log into one run."""

import sys
from pathlib import Path

import pytest
from workbench.lifecycle.logs import read_log
from workbench.spec import Environment, MpiDistribution
from workbench.workspace import Workspace
from workbench_store.states import RunState

from tests.lifecycle.launched import Launch, wait_until

SCRIPT = """
from mpi4py import MPI
import workbench
world = MPI.COMM_WORLD
total = world.allreduce(world.Get_rank() + 1)
print("rank", world.Get_rank(), "of", world.Get_size(), "total", total)
workbench.log({"total": total}, step=0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("mpi", ["openmpi", "mpich"])
def test_ranks_of_a_real_mpi(launch: Launch, here: Path, mpi: str) -> None:
    (here / "src").mkdir()
    (here / "src" / "main.py").write_text(SCRIPT)
    python = f"python={sys.version_info.major}.{sys.version_info.minor}"
    conda = {"dependencies": [python, {"pip": ["mpi4py", mpi]}]}
    run = launch(
        "python main.py",
        code=str(here / "src"),
        environment=Environment(conda_file=conda),
        distribution=MpiDistribution(process_count_per_instance=3),
    )
    wait_until(lambda: run.state not in (RunState.PREPARING, RunState.QUEUED), "the environment")
    assert run.finish() is RunState.COMPLETED, read_log(run.files)
    assert [read_log(run.files, rank) for rank in range(3)] == [f"rank {rank} of 3 total 6\n" for rank in range(3)]
    seen = Workspace(run.layout.root, create=False).run(run.name)
    assert [seen.metrics(rank)["total"] for rank in range(3)] == [6.0, 6.0, 6.0]
