"""Jobs of several processes: each knows its place, logs for itself, and one that fails ends the others."""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from workbench.lifecycle import adopt
from workbench.lifecycle.files import read_json
from workbench.lifecycle.logs import read_log
from workbench.spec import (
    MpiDistribution,
    PyTorchDistribution,
    RayDistribution,
    SpecErrors,
    TensorFlowDistribution,
    command,
    execution_notes,
)
from workbench.spec.process_counts import Processes
from workbench.workspace import Workspace
from workbench_store.errors import ComputeError
from workbench_store.states import RunState

from tests.lifecycle.launched import Launch, wait_until

pytestmark = pytest.mark.slow

VARIABLES = "RANK LOCAL_RANK WORLD_SIZE LOCAL_WORLD_SIZE NODE_RANK MASTER_ADDR MASTER_PORT".split()
ASK = f'{sys.executable} -c "import os, json; print(json.dumps(dict(os.environ)))"'
LOG = f"{sys.executable} -c \"import workbench; workbench.log({{'loss': 0.5}}, step=1)\""


def test_pytorch_processes_know_their_place(launch: Launch) -> None:
    run = launch(ASK, distribution=PyTorchDistribution(process_count_per_instance=2), instance_count=2)
    assert run.finish() is RunState.COMPLETED
    seen = [json.loads(read_log(run.files, rank)) for rank in range(4)]
    assert [one["RANK"] for one in seen] == ["0", "1", "2", "3"]
    assert [one["LOCAL_RANK"] for one in seen] == ["0", "1", "0", "1"]
    assert [one["NODE_RANK"] for one in seen] == ["0", "0", "1", "1"]
    assert [one["AZUREML_CR_NODE_RANK"] for one in seen] == ["0", "0", "1", "1"]
    assert {(one["WORLD_SIZE"], one["LOCAL_WORLD_SIZE"], one["AZUREML_NODE_COUNT"]) for one in seen} == {
        ("4", "2", "2")
    }
    assert {one["MASTER_ADDR"] for one in seen} == {"127.0.0.1"}
    assert len({one["MASTER_PORT"] for one in seen}) == 1
    assert {"logs/user_logs/std_log.txt", "logs/user_logs/std_log_process_3.txt"} <= run.artifacts()


def test_tensorflow_workers_and_servers_know_the_cluster(launch: Launch) -> None:
    forever = 'if echo $TF_CONFIG | grep -q \'"type": "ps"\'; then touch outputs/up; sleep 1000; fi'
    wait = "until [ -e outputs/up ]; do sleep 0.05; done"
    run = launch(
        f"echo $TF_CONFIG; {forever}; {wait}",
        distribution=TensorFlowDistribution(worker_count=2, parameter_server_count=1),
    )
    assert run.finish() is RunState.COMPLETED, "the server ends with the workers"
    told = [json.loads(read_log(run.files, rank)) for rank in range(3)]
    assert [one["task"] for one in told] == [
        {"type": "worker", "index": 0},
        {"type": "worker", "index": 1},
        {"type": "ps", "index": 0},
    ]
    cluster = told[0]["cluster"]
    assert all(one["cluster"] == cluster for one in told)
    assert (len(cluster["worker"]), len(cluster["ps"])) == (2, 1)
    assert len({*cluster["worker"], *cluster["ps"]}) == 3
    assert not run.processes()


def test_instances_without_a_distribution_know_which_they_are(launch: Launch) -> None:
    run = launch("echo $AZUREML_CR_NODE_RANK of $AZUREML_NODE_COUNT", instance_count=2)
    assert run.finish() is RunState.COMPLETED
    assert [read_log(run.files, rank) for rank in range(2)] == ["0 of 2\n", "1 of 2\n"]


@pytest.mark.parametrize("distribution", [PyTorchDistribution(process_count_per_instance=3), None])
def test_ranks_log_into_one_run_and_are_kept_apart(launch: Launch, distribution: PyTorchDistribution | None) -> None:
    run = launch(LOG, distribution=distribution, instance_count=None if distribution else 3)
    assert run.finish() is RunState.COMPLETED
    seen = Workspace(run.layout.root, create=False).run(run.name)
    for rank in range(3):
        assert seen.metrics(rank)["loss"] == 0.5
        assert seen.series("loss", rank).steps == [1]


@pytest.mark.parametrize(
    ("distribution", "ranks"), [(None, 1), (TensorFlowDistribution(worker_count=2), 2), (PyTorchDistribution(), 1)]
)
def test_the_place_of_who_submits_among_its_processes_is_not_the_jobs(
    launch: Launch,
    monkeypatch: pytest.MonkeyPatch,
    distribution: "TensorFlowDistribution | PyTorchDistribution | None",
    ranks: int,
) -> None:
    for name in (*VARIABLES, "OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID"):
        monkeypatch.setenv(name, "7")
    run = launch(LOG, distribution=distribution)
    assert run.finish() is RunState.COMPLETED
    seen = Workspace(run.layout.root, create=False).run(run.name)
    assert [seen.metrics(rank).get("loss") for rank in range(3)] == [0.5] * ranks + [None] * (3 - ranks)
    assert seen.metrics(7) == {}


def test_a_rank_that_is_set_for_all_is_noted() -> None:
    job = command(
        command="true", distribution=TensorFlowDistribution(worker_count=2), environment_variables={"RANK": "0"}
    )
    (note,) = [note for note in execution_notes(job) if note.field == "environment_variables.RANK"]
    assert "every process" in note.text


def test_a_rank_that_fails_ends_the_others(launch: Launch) -> None:
    run = launch(
        "if [ $RANK = 1 ]; then exit 3; fi; sleep 1000", distribution=PyTorchDistribution(process_count_per_instance=3)
    )
    assert run.finish() is RunState.FAILED
    assert run.last_state()["reason"] == "rank 1: exit code 3"
    assert run.last_state()["exit_code"] == 3
    assert not run.processes()


def test_a_rank_that_is_killed_ends_the_others(launch: Launch) -> None:
    run = launch(
        "echo $$ > outputs/pid-$RANK; sleep 1000 & wait", distribution=PyTorchDistribution(process_count_per_instance=2)
    )
    pids = [run.files.outputs / f"pid-{rank}" for rank in range(2)]
    wait_until(lambda: all(path.exists() and path.read_text().strip() for path in pids), "both ranks")
    os.kill(int((run.files.outputs / "pid-1").read_text()), signal.SIGKILL)
    assert run.finish() is RunState.FAILED
    assert "rank 1: killed by SIGKILL" in run.last_state()["reason"]
    assert not run.processes()


def test_ranks_are_ended_though_their_parent_was_killed(launch: Launch) -> None:
    run = launch(
        "touch outputs/r$RANK; while [ ! -e outputs/go ]; do sleep 0.05; done; [ $RANK = 0 ] || exit 5; sleep 1000",
        distribution=PyTorchDistribution(process_count_per_instance=2),
    )
    wait_until(lambda: (run.files.outputs / "r1").exists() and (run.files.outputs / "r0").exists(), "both ranks")
    wait_until(lambda: (read_json(run.files.job_process) or {}).get("pid"), "the ranks' PIDs")
    os.kill((read_json(run.files.job_process) or {})["parent"], signal.SIGKILL)
    (run.files.outputs / "go").touch()
    assert run.finish() is RunState.FAILED
    assert run.last_state()["reason"] == "rank 1: exit code 5"
    assert not run.processes()


def test_ranks_are_adopted_and_cancelled(launch: Launch) -> None:
    run = launch("touch outputs/r$RANK; sleep 1000", distribution=PyTorchDistribution(process_count_per_instance=2))
    wait_until(lambda: (run.files.outputs / "r1").exists() and (run.files.outputs / "r0").exists(), "both ranks")
    run.kill_supervisor()
    assert len(run.processes()) >= 3, "the parent and both ranks"
    adopt(run.layout, run.name)
    run.files.cancel_request.touch()
    assert run.finish() is RunState.CANCELED
    assert not run.processes()


def test_each_ranks_log_has_a_cap_of_its_own(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_LOG_CAP", str(64 * 1024))
    run = launch(
        "echo first; [ $RANK = 0 ] || yes line | head -c 4000000; sleep 1.5; echo last",
        distribution=PyTorchDistribution(process_count_per_instance=2),
    )
    assert run.finish() is RunState.COMPLETED
    assert read_log(run.files) == "first\nlast\n"
    assert run.files.rank_log(1).stat().st_size < 200_000
    text = read_log(run.files, 1)
    assert text.startswith("first\n") and text.endswith("last\n") and "left out here" in text


def test_what_does_not_fit_is_refused_before_anything_starts(launch: Launch) -> None:
    for fields in (
        {"distribution": PyTorchDistribution(process_count_per_instance=1000)},
        {"distribution": TensorFlowDistribution(worker_count=1), "instance_count": 4},
        {"distribution": RayDistribution()},
    ):
        with pytest.raises(SpecErrors, match=r"at most 256|do not fit 4 instances|Ray cluster"):
            launch("true", **fields)


def test_more_processes_than_gpus_fail_by_name(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    run = launch("true", distribution=PyTorchDistribution(process_count_per_instance=2))
    assert run.finish() is RunState.FAILED
    assert "2 processes, and this machine has 1 GPU for" in run.last_state()["reason"]


def test_gpus_are_shared_out_among_instances(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    run = launch(
        "echo $CUDA_VISIBLE_DEVICES", distribution=PyTorchDistribution(process_count_per_instance=2), instance_count=2
    )
    assert run.finish() is RunState.COMPLETED
    assert [read_log(run.files, rank) for rank in range(4)] == ["0,1\n", "0,1\n", "2,3\n", "2,3\n"]


def test_mpi_without_an_mpi_fails_by_name(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("mpirun") or shutil.which("mpiexec"):
        monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    run = launch("true", distribution=MpiDistribution(process_count_per_instance=2))
    assert run.finish() is RunState.FAILED
    assert "mpirun" in run.last_state()["reason"]


def test_mpi_ranks_have_logs_of_their_own(launch: Launch, mpirun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(mpirun.parent), prepend=os.pathsep)
    run = launch(
        "echo $OMPI_COMM_WORLD_RANK on $AZUREML_CR_NODE_RANK of $AZUREML_NODE_COUNT, gpus $CUDA_VISIBLE_DEVICES; "
        + LOG,
        environment_variables={"CUDA_VISIBLE_DEVICES": "4,5,6,7"},
        distribution=MpiDistribution(process_count_per_instance=2),
        instance_count=2,
    )
    assert run.finish() is RunState.COMPLETED
    assert [read_log(run.files, rank) for rank in range(4)] == [
        "0 on 0 of 2, gpus 4,5\n",
        "1 on 0 of 2, gpus 4,5\n",
        "2 on 1 of 2, gpus 6,7\n",
        "3 on 1 of 2, gpus 6,7\n",
    ]
    assert Workspace(run.layout.root, create=False).run(run.name).metrics(3) == {"loss": 0.5}


@pytest.mark.parametrize("instances", [1, 2, 3])
@pytest.mark.parametrize("per_instance", [1, 2, 5])
def test_ranks_are_spread_evenly(instances: int, per_instance: int) -> None:
    processes = Processes("pytorch", instances, instances * per_instance)
    places = [(processes.instance_of(rank), processes.local_rank(rank)) for rank in range(processes.total)]
    assert places == [(node, local) for node in range(instances) for local in range(per_instance)]


def test_a_job_for_more_gpus_than_there_are_is_refused_by_the_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.compute import ComputeEntry
    from workbench.compute.local import LocalCompute

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with pytest.raises(ComputeError, match="3 processes"):
        LocalCompute(ComputeEntry("local", "local")).allocate(lambda position: None, lambda: False, 3)


def test_a_parameter_server_that_fails_fails_the_job(launch: Launch) -> None:
    serve = 'if echo $TF_CONFIG | grep -q \'"type": "ps"\'; then echo bad; exit 3; fi'
    run = launch(f"{serve}; sleep 1000", distribution=TensorFlowDistribution(worker_count=2, parameter_server_count=1))
    assert run.finish() is RunState.FAILED
    assert run.last_state()["exit_code"] == 3
    assert not run.processes()
