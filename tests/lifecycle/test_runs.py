"""A run from submit to its end: states, outputs, inputs, variables, and what is refused before it starts."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from workbench.lifecycle import submit
from workbench.lifecycle.logs import read_log
from workbench.lifecycle.outputs import output_places
from workbench.spec import Input, Output, SpecErrors, command
from workbench.spec.support import VARIABLES_OF_RUNS
from workbench_store.errors import ComputeError, RunError, SpecError
from workbench_store.layout import WorkspaceLayout
from workbench_store.states import RunState

from tests.lifecycle.launched import Launch, Launched, wait_until


def test_a_run_completes_and_its_outputs_and_logs_are_saved(launch: Launch, here: Path) -> None:
    code = here / "src"
    code.mkdir()
    (code / "say.sh").write_text("echo said $1\n")
    run = launch(
        "sh say.sh ${{inputs.word}} && echo kept > outputs/a.txt && echo named > ${{outputs.model}}/m",
        code=str(code),
        inputs={"word": "hello"},
        outputs={"model": Output(type="uri_folder")},
    )
    assert run.finish() is RunState.COMPLETED
    assert read_log(run.files) == "said hello\n"
    assert (run.files.outputs / "a.txt").read_text() == "kept\n"
    assert output_places(run.files)["model"] == run.files.named_outputs / "model"
    assert {"outputs/a.txt", "named-outputs/model/m", "logs/user_logs/std_log.txt"} <= run.artifacts()
    assert run.last_state()["exit_code"] == 0
    assert run.states() == ["Preparing", "Preparing", "Starting", "Running", "Finalizing", "Completed"]
    assert run.events("params") == [{"params": {"word": "hello"}}]
    stages = [fields["stage"] for fields in run.events("stage") if fields["status"] == "done"]
    assert stages == ["snapshot", "environment", "provision", "stage", "run", "finalize", "release"]
    assert not run.layout.staged(run.name).exists()


def test_what_a_run_says_of_itself_is_not_the_specs_to_say(launch: Launch) -> None:
    given = dict.fromkeys(VARIABLES_OF_RUNS, "mine")
    run = launch("env > outputs/env", environment_variables=given)
    assert run.finish() is RunState.COMPLETED
    seen = dict(line.partition("=")[::2] for line in (run.files.outputs / "env").read_text().splitlines())
    assert "mine" not in seen.values()
    # And nobody forgets to name one that is added.
    assert {name for name in seen if name.startswith(("WORKBENCH_", "AZUREML_"))} == given.keys() | {"WORKBENCH_CACHE"}


def test_outputs_that_are_not_what_the_spec_says_are_told(launch: Launch) -> None:
    run = launch(
        "mkdir -p ${{outputs.scores}} && touch ${{outputs.scores}}/s && touch ${{outputs.fine}}/f",
        outputs={
            "scores": Output(type="uri_file"),
            "model": Output(type="uri_folder"),
            "plot": Output(type="uri_file"),
            "fine": Output(type="uri_folder"),
        },
    )
    assert run.finish() is RunState.COMPLETED
    assert [fields["text"] for fields in run.events("warning")] == [
        "the output scores: the job made a folder of it, and its type is uri_file",
        "the output model: the job wrote nothing to it",
        "the output plot: the job wrote nothing to it",
    ]
    failed = launch("exit 1", outputs={"model": Output(type="uri_folder")})
    assert failed.finish() is RunState.FAILED
    assert failed.events("warning") == []


@pytest.mark.parametrize(
    ("text", "exit_code", "signal", "reason"),
    [
        ("echo partial > outputs/p; exit 3", 3, None, "exit code 3"),
        (
            "echo > outputs/p; sh -c 'kill -9 $$' && echo on",
            137,
            None,
            "as a shell tells of SIGKILL; if nobody",
        ),
        ("echo partial > outputs/p; kill -SEGV $$", None, "SIGSEGV", "killed by SIGSEGV"),
        ("echo partial > outputs/p; kill -KILL $$", None, "SIGKILL", "memory"),
    ],
)
def test_a_command_that_fails_says_how(
    launch: Launch, text: str, exit_code: int | None, signal: str | None, reason: str
) -> None:
    run = launch(text)
    assert run.finish() is RunState.FAILED
    last = run.last_state()
    assert (last["exit_code"], last["signal"]) == (exit_code, signal)
    assert reason in last["reason"]
    assert "outputs/p" in run.artifacts()


def test_outputs_and_logs_are_links_into_the_run_folder(launch: Launch) -> None:
    run = launch("readlink -f outputs logs; echo mine > logs/mine.txt; pwd")
    assert run.finish() is RunState.COMPLETED
    code = run.layout.staged(run.name) / "code"
    assert read_log(run.files).split() == [str(run.files.outputs), str(run.files.logs), str(code)]
    assert "logs/mine.txt" in run.artifacts()


def test_outputs_of_the_snapshot_are_there_but_not_recorded_unless_changed(launch: Launch, here: Path) -> None:
    folder = here / "src" / "outputs"
    folder.mkdir(parents=True)
    (folder / "same.txt").write_text("same")
    (folder / "changed.txt").write_text("before")
    run = launch("cat outputs/same.txt && echo after > outputs/changed.txt", code=str(here / "src"))
    assert run.finish() is RunState.COMPLETED
    assert {path for path in run.artifacts() if path.startswith("outputs/")} == {"outputs/changed.txt"}
    assert (run.files.outputs / "same.txt").read_text() == "same"


def test_a_job_that_replaces_the_outputs_link_by_a_folder_loses_nothing(launch: Launch) -> None:
    run = launch("rm -rf outputs && mkdir -p outputs/deep && echo x > outputs/deep/x")
    assert run.finish() is RunState.COMPLETED
    assert (run.files.outputs / "deep" / "x").read_text() == "x\n"
    assert "outputs/deep/x" in run.artifacts()


def test_inputs_reach_the_job_in_every_mode(launch: Launch, here: Path) -> None:
    data = here / "data"
    (data / "sub").mkdir(parents=True)
    (data / "sub" / "f").write_text("content")
    run = launch(
        "cat ${{inputs.mounted}}/sub/f ${{inputs.direct}}; echo more >> ${{inputs.copied}}/sub/f",
        inputs={
            "mounted": Input(path=str(data)),
            "direct": Input(type="uri_file", path=str(data / "sub" / "f"), mode="direct"),
            "copied": Input(path=str(data), mode="download"),
        },
    )
    assert run.finish() is RunState.COMPLETED
    assert read_log(run.files) == "contentcontent"
    assert (data / "sub" / "f").read_text() == "content"
    first = {fields["name"]: fields for fields in reversed(run.events("input"))}
    assert first["mounted"]["resolved"] == str(data)
    assert first["mounted"]["fingerprint"].startswith("stat:")
    assert first["copied"]["resolved"] != str(data)


def test_outputs_with_a_path_go_there(launch: Launch, here: Path) -> None:
    run = launch(
        "echo d > ${{outputs.direct}}/f; echo u > ${{outputs.uploaded}}/f; echo s > ${{outputs.single}}",
        outputs={
            "direct": Output(path=str(here / "d"), mode="direct"),
            "uploaded": Output(path=str(here / "u"), mode="upload"),
            "single": Output(type="uri_file"),
        },
    )
    assert run.finish() is RunState.COMPLETED
    assert (here / "d" / "f").read_text() == "d\n"
    assert (here / "u" / "f").read_text() == "u\n"
    assert (run.files.named_outputs / "uploaded" / "f").read_text() == "u\n"
    assert (run.files.named_outputs / "single").read_text() == "s\n"
    assert output_places(run.files)["direct"] == here / "d"


def test_the_job_sees_its_variables_and_not_the_submitters_run(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTSIDE", "inherited")
    monkeypatch.setenv("VIRTUAL_ENV", "/nowhere")
    monkeypatch.setenv("WORKBENCH_RUN_NAME", "outer")
    monkeypatch.setenv("PYTHONPATH", "/mine")
    run = launch("env -0 > outputs/env; command -v python > outputs/which", environment_variables={"OWN": "1"})
    assert run.finish() is RunState.COMPLETED
    pairs = (run.files.outputs / "env").read_text().split("\0")
    seen = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    assert seen["OUTSIDE"] == "inherited"
    assert seen["OWN"] == "1"
    assert "VIRTUAL_ENV" not in seen
    assert seen["WORKBENCH_RUN_NAME"] == seen["AZUREML_RUN_ID"] == run.name
    assert seen["WORKBENCH_RUN_ID"] == run.id
    assert seen["WORKBENCH_RUN_DIR"] == str(run.files.root)
    assert seen["PYTHONPATH"].startswith("/mine:")
    assert (run.files.outputs / "which").read_text().strip() == str(Path(sys.executable).parent / "python")


def test_a_secret_reaches_the_job_and_no_file(launch: Launch) -> None:
    secret = "s3cr3t-value-of-the-test"
    run = launch(
        'test -n "$API_TOKEN" && echo ${#API_TOKEN} > outputs/n',
        environment_variables={"API_TOKEN": secret, "PLAIN": "p"},
    )
    assert run.finish() is RunState.COMPLETED
    assert (run.files.outputs / "n").read_text().strip() == str(len(secret))
    for path in run.layout.root.rglob("*"):
        assert path.is_symlink() or not path.is_file() or secret.encode() not in path.read_bytes(), path
    assert "API_TOKEN" in run.files.spec.read_text()


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_what_ends_a_moment_after_the_command_is_not_left_behind(launch: Launch, method: str) -> None:
    text = f"import multiprocessing as m; p = m.get_context('{method}').Process(target=print); p.start(); p.join()"
    run = launch(f'{sys.executable} -c "{text}"')
    assert run.finish() is RunState.COMPLETED
    assert not run.events("warning")


def test_what_the_command_leaves_running_is_ended(launch: Launch) -> None:
    run = launch("setsid sleep 1000 & (sleep 1000 &) ; exit 0")
    assert run.finish() is RunState.COMPLETED
    assert run.processes() == []
    assert any("left" in fields["text"] for fields in run.events("warning"))


SUBMIT = """
import os, signal, sys
from pathlib import Path
from workbench.lifecycle import submit
from workbench.spec import command
from workbench_store.layout import WorkspaceLayout
submit(WorkspaceLayout(Path(sys.argv[1])), command(name=sys.argv[2], command="sleep 0.3; echo x > outputs/x"))
if "hang-up" in sys.argv:
    os.killpg(0, signal.SIGHUP)
"""


def test_a_run_submitted_by_a_job_outlives_that_job(launch: Launch, layout: WorkspaceLayout, here: Path) -> None:
    (here / "submit.py").write_text(SUBMIT)
    outer = launch(f"{sys.executable} {here}/submit.py {layout.root} inner")
    assert outer.finish() is RunState.COMPLETED, read_log(outer.files)
    inner = Launched(layout, "inner")
    assert inner.finish() is RunState.COMPLETED
    assert (inner.files.outputs / "x").exists()


def test_a_run_outlives_a_submitter_that_hangs_up(layout: WorkspaceLayout) -> None:
    arguments = [sys.executable, "-c", SUBMIT, str(layout.root), "kept", "hang-up"]
    assert subprocess.run(arguments, start_new_session=True).returncode == -signal.SIGHUP
    run = Launched(layout, "kept")
    assert run.finish() is RunState.COMPLETED
    assert (run.files.outputs / "x").exists()


def test_the_supervisor_is_no_child_of_the_submitter(launch: Launch) -> None:
    run = launch("sleep 1000")
    run.wait_for(RunState.RUNNING)
    stat = Path(f"/proc/{run.supervisor_pid()}/stat").read_text().rpartition(")")[2].split()
    assert int(stat[1]) != os.getpid()
    assert os.getsid(run.supervisor_pid()) != os.getsid(0)


def test_an_unknown_compute_is_refused_with_the_remedy(layout: WorkspaceLayout) -> None:
    with pytest.raises(ComputeError, match="workbench compute add gpu-box --kind local"):
        submit(layout, command(command="true", compute="azureml:gpu-box"))
    assert list(layout.runs.glob("*")) == []


def test_a_used_name_is_refused(launch: Launch) -> None:
    run = launch("true", name="taken")
    run.finish()
    with pytest.raises(RunError, match="taken"):
        launch("true", name="taken")
    assert list(run.layout.tmp.glob("run-*")) == []


def test_missing_input_data_is_refused(launch: Launch, layout: WorkspaceLayout, here: Path) -> None:
    data = here / "data"
    data.mkdir()
    job = command(command="ls ${{inputs.d}}", inputs={"d": Input(path=str(data))})
    data.rmdir()
    with pytest.raises(SpecError, match="inputs"):
        submit(layout, job)


def test_a_half_made_run_is_never_seen(launch: Launch, layout: WorkspaceLayout, here: Path) -> None:
    """The submitter is killed between starting the supervisor and showing the run: both are gone without a
    trace."""
    script = (
        "import os, signal, sys; from pathlib import Path;"
        "from workbench.lifecycle import filling, submission; from workbench.spec import command;"
        "from workbench_store.layout import WorkspaceLayout;"
        "filling.write_plan = lambda *a: os.kill(os.getpid(), signal.SIGKILL);"
        "submission.submit(WorkspaceLayout(Path(sys.argv[1])), command(command='true', name='half'))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(layout.root)])
    assert done.returncode == -9
    wait_until(lambda: not list(layout.tmp.glob("run-*")), "the supervisor to clear up")
    assert not layout.run("half").root.exists()


def test_the_plan_and_spec_are_json(launch: Launch) -> None:
    run = launch("true", inputs={"a": 1})
    run.finish()
    assert json.loads(run.files.spec.read_text())["inputs"] == {"a": 1}
    assert json.loads(run.files.identity.read_text())["name"] == run.name
    assert "command: " in run.files.job_yaml.read_text()


def test_the_stage_of_a_command_that_failed_has_failed(launch: Launch) -> None:
    for text, status in (("true", "done"), ("exit 3", "failed"), ("kill -9 $$", "failed")):
        run = launch(text)
        run.finish()
        assert [one["status"] for one in run.events("stage") if one["stage"] == "run"] == ["started", status]


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of Linux's")
def test_texts_that_no_program_can_be_given_are_named(launch: Launch) -> None:
    with pytest.raises(SpecErrors, match=r"environment_variables\.LONG.*200,005 bytes"):
        launch("true", environment_variables={"LONG": "x" * 200_000, "SHORT": "y"})
    with pytest.raises(SpecErrors, match=r"command.*bytes long with what is put into it"):
        launch("echo ${{inputs.text}}", inputs={"text": "x" * 200_000})
    together = launch("true", environment_variables={f"V{number}": "x" * 130_000 for number in range(24)})
    assert together.finish() is RunState.FAILED
    assert re.search(r"too large for the system .*the variable V\d+ alone", str(together.last_state()["reason"]))


@pytest.mark.parametrize("below", ["", "runs", "runs/../store.duckdb"])
def test_an_output_is_not_written_into_the_workspace(launch: Launch, layout: WorkspaceLayout, below: str) -> None:
    place = Output(type="uri_folder", path=f"{layout.root}/{below}")
    with pytest.raises(SpecError, match=r"outputs\.model: .* is in the workspace"):
        launch("true", outputs={"model": place})
