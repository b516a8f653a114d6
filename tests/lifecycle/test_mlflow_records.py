"""What a job records with MLflow, as it does where no server is set: into files of its own folder."""

from pathlib import Path

from workbench_store.store import Store

from tests.lifecycle.launched import Launch, Launched

RECORDING = "mkdir -p mlruns/0/r/metrics; echo 0.5 > mlruns/0/r/metrics/hello_metric; echo new > mlflow.db"


def warnings(run: Launched) -> list[str]:
    (store := Store(run.layout)).refresh()
    return [text for text in store.detail(run.name).warnings if "MLflow" in text]


def test_it_is_kept_and_said_not_to_be_the_runs(launch: Launch) -> None:
    run = launch(f"{RECORDING}; echo mine > outputs/mine")
    run.finish()
    assert (run.files.outputs / "mlruns/0/r/metrics/hello_metric").read_text() == "0.5\n"
    assert (run.files.outputs / "mlflow.db").read_text() == "new\n"
    assert {"outputs/mlruns/0/r/metrics/hello_metric", "outputs/mlflow.db", "outputs/mine"} <= set(run.artifacts())
    (told,) = warnings(run)
    assert "mlflow.db, mlruns" in told and "workbench.log" in told


def test_what_the_snapshot_brings_and_the_job_leaves_alone_is_not_kept(launch: Launch, here: Path) -> None:
    (here / "src" / "mlruns").mkdir(parents=True)
    (here / "src" / "mlruns" / "meta.yaml").write_text("old\n")
    (here / "src" / "mlflow.db").write_text("old\n")
    run = launch("cat mlflow.db", code=str(here / "src"))
    run.finish()
    assert not warnings(run) and not list(run.files.outputs.iterdir())
    run = launch(RECORDING, code=str(here / "src"))
    run.finish()
    assert len(warnings(run)) == 1 and (run.files.outputs / "mlruns/meta.yaml").exists()


def test_what_the_job_keeps_itself_is_left_where_it_is(launch: Launch, here: Path) -> None:
    (here / "kept").mkdir()
    (here / "kept" / "mine").write_text("mine\n")
    run = launch(f"ln -s {here}/kept mlruns; echo a > mlflow.db; echo b > outputs/mlflow.db")
    run.finish()
    assert (here / "kept" / "mine").read_text() == "mine\n" and not (run.files.outputs / "mlruns").exists()
    assert [(run.files.outputs / name).read_text() for name in ("mlflow.db", "mlflow.db.1")] == ["b\n", "a\n"]
