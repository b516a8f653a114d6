"""Journals and runs whose files may not be read: that is said, and nothing is vouched for."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

import workbench as wb
from tests.cli.terminal import Workbench
from tests.permissions import without_override

pytestmark = pytest.mark.slow


@pytest.fixture
def twice(here: Path) -> Path:
    """The journal of the second life, which failed, of a run whose first one completed; a run beside it."""
    wb.start_run(name="other", system_metrics=False).end()
    with wb.start_run(name="twice", system_metrics=False) as run:
        run.log({"acc": 0.1})
    folder = here / ".workbench/runs/twice/journal"
    before = set(folder.iterdir())
    with pytest.raises(ValueError, match="late"), wb.start_run(resume="twice", system_metrics=False) as run:
        run.log({"acc": 0.2})
        raise ValueError("late")
    (second,) = set(folder.iterdir()) - before
    return second


def test_a_journal_that_cannot_be_read_is_not_told_as_gone(as_user: Workbench, twice: Path) -> None:
    assert as_user("ls").returncode == 0
    twice.chmod(0)
    again = "import workbench; workbench.start_run(resume='twice')"
    try:
        removed = as_user("rm", "--yes", "twice")
        script = [*without_override(), sys.executable, "-c", again]
        resumed = subprocess.run(script, cwd=twice.parents[4], capture_output=True, text=True, timeout=120)
    finally:
        twice.chmod(0o600)
    assert removed.returncode == 4 and f"{twice} cannot be used: Permission denied" in removed.stderr
    assert "gone" not in removed.stderr and "chmod" in removed.stderr
    assert resumed.returncode == 1 and f": {twice}: Permission denied" in resumed.stderr
    assert as_user("ls", "--json").stdout.count('"twice"') == 1


@pytest.mark.parametrize("seen", [True, False], ids=["seen", "new"])
@pytest.mark.parametrize("what", ["journal", "folder", "run", "runs", "edits"])
def test_what_cannot_be_read_is_told_by_every_look(as_user: Workbench, twice: Path, what: str, seen: bool) -> None:
    if seen:
        assert as_user("ls").returncode == 0
    edits = twice.parents[3] / "journal"
    if what == "edits":
        assert as_user("tag", "other", "a=b").returncode == 0
    places = {"journal": twice, "folder": twice.parent, "run": twice.parents[1], "runs": twice.parents[2]}
    hidden = places.get(what, edits)
    mode = hidden.stat().st_mode & 0o777
    hidden.chmod(0)
    told = f"{hidden if what != 'run' else twice.parent} cannot be read: Permission denied"
    noticed = not (seen and what == "journal")  # else the store has all of it, and does not read it again
    try:
        for words in (("ls",), ("show", "other"), ("sql", "SELECT name FROM runs")):
            assert (told in as_user(*words).stderr) == noticed, words
        found = as_user("doctor")
        assert (told in found.stdout) == noticed and (found.returncode != 0 or not noticed)
        assert "gone" not in found.stdout and "--losing" not in found.stdout
        proof = as_user("verify", "--json")
        faults = json.loads(proof.stdout)["faults"]
        assert proof.returncode == 9 and [fault["what"] for fault in faults] == [told], faults
        assert "gone" not in proof.stdout
        refused = as_user("doctor", "--rebuild")
        assert refused.returncode == 4 and told in refused.stderr
        touching = (("show", "twice"), ("logs", "twice"), ("cancel", "twice"))
        # What can be moved without being read may go to the trash.
        removing = () if what in ("journal", "edits") else (("rm", "--yes", "twice"),)
        for some in (*touching, *removing):
            done = as_user(*some)
            assert "internal error" not in done.stderr, (some, done.stderr)
    finally:
        hidden.chmod(mode)
    (one,) = (run for run in json.loads(as_user("ls", "--json").stdout)["runs"] if run["name"] == "twice")
    assert one["state"] == "Failed" and one["metrics"] == {"acc": 0.2}
    assert as_user("verify").returncode == 0 and as_user("doctor", "--rebuild").returncode == 0


SHUTS = """
name: shuts
command: sleep 1; chmod 0 "$WORKBENCH_RUN_DIR/$0"; sleep 1
"""


@pytest.mark.parametrize("what", ["journal", "journal/supervisor*"])
def test_who_follows_a_run_that_cannot_be_read_is_told_so(as_user: Workbench, here: Path, what: str) -> None:
    (here / "job.yml").write_text(SHUTS.replace('/$0"', f'/"{what}'))
    followed = as_user("run", "job.yml")
    (hidden,) = (here / ".workbench/runs/shuts").glob(what)
    waits = "import workbench; print(workbench.Workspace().run('shuts').wait(60))"
    script = [*without_override(), sys.executable, "-c", waits]
    waited = subprocess.run(script, cwd=here, capture_output=True, text=True, timeout=60)
    told = f"how run shuts is cannot be told: {hidden} cannot be read: Permission denied"
    logged = as_user("logs", "-f", "shuts")
    hidden.chmod(0o700)
    assert followed.returncode == 4 and told in followed.stderr and "chmod" in followed.stderr
    assert waited.returncode == 1 and told in waited.stderr
    assert logged.returncode == 4 and told in logged.stderr
    assert as_user("logs", "-f", "shuts").returncode == 0
    (one,) = json.loads(as_user("ls", "--json").stdout)["runs"]
    assert one["state"] == "Completed", one


@pytest.mark.parametrize("ends", ["exit 0", "exit 3"], ids=["completed", "failed"])
def test_a_run_that_is_over_stays_as_it_is_while_that_cannot_be_read(as_user: Workbench, here: Path, ends: str) -> None:
    (here / "job.yml").write_text(f"name: over\ncommand: {ends}\n")
    as_user("run", "job.yml")
    (hidden,) = (here / ".workbench/runs/over/journal").glob("supervisor*")
    hidden.chmod(0)
    refused = [
        as_user(*words)
        for words in (
            ("close", "--as", "failed", "over"),
            ("close", "--as", "canceled", "over"),
            ("cancel", "over"),
            ("adopt", "over"),
            ("outputs", "--collect", "over"),
        )
    ]
    hidden.chmod(0o600)
    for done in refused:
        assert done.returncode == 4 and f"{hidden} cannot be read: Permission denied" in done.stderr, done.args
    assert len(list(hidden.parent.iterdir())) == 2
    (one,) = json.loads(as_user("ls", "--json").stdout)["runs"]
    assert one["state"] == ("Completed" if ends == "exit 0" else "Failed")


@pytest.mark.parametrize("all_of_it", [True, False], ids=["folder", "files"])
def test_nobody_waits_for_a_run_whose_journals_are_gone(as_user: Workbench, here: Path, all_of_it: bool) -> None:
    what = "journal" if all_of_it else "journal/*"
    (here / "job.yml").write_text(f'name: bare\ncommand: sleep 1; rm -r "$WORKBENCH_RUN_DIR"/{what}; sleep 1\n')
    followed = as_user("run", "job.yml")
    told = f"its journals are gone from {here / '.workbench/runs/bare/journal'}"
    assert followed.returncode == 4 and told in followed.stderr
    logged = as_user("logs", "-f", "bare")
    assert logged.returncode == 4 and told in logged.stderr
    assert as_user("close", "--as", "failed", "bare").returncode == 0
    (one,) = json.loads(as_user("ls", "--json").stdout)["runs"]
    assert one["state"] == "Failed"


PASSES = """
name: passes
command: for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 0.5; done
"""


@pytest.mark.parametrize("ends", ["after", "meanwhile"])
@pytest.mark.parametrize(
    ("what", "mode"),
    [
        *((what, 0) for what in ("runs/passes", "runs", ".", "runs/passes/control", "runs/passes/journal")),
        ("runs/passes", 0o500),
        ("runs/passes/control", 0o500),
    ],
)
def test_a_job_whose_folder_is_shut_for_a_while_completes(
    as_user: Workbench, here: Path, what: str, ends: str, mode: int
) -> None:
    (here / "job.yml").write_text(PASSES if ends == "after" else PASSES.replace(" 5 6 7 8", ""))
    assert as_user("run", "--detach", "job.yml").returncode == 0
    time.sleep(1)
    shut = (here / ".workbench" / what).resolve()
    shut.chmod(mode)
    time.sleep(2)
    shut.chmod(0o700)
    assert as_user("logs", "-f", "passes").returncode == 0
    (one,) = json.loads(as_user("ls", "--json").stdout)["runs"]
    assert one["state"] == "Completed"
    last = "8" if ends == "after" else "4"
    assert as_user("logs", "passes").stdout.endswith(f"line {last}\n")
    log = here / ".workbench/runs/passes/logs/system_logs/supervisor.log"
    assert log.read_text().count("Traceback") < 5, "told once"
