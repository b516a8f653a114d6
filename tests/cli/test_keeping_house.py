"""`rm`, `restore`, `gc`, `backup` and `verify`, as users type them."""

import json
from pathlib import Path

import pytest

import workbench as wb
from tests.cli.terminal import Workbench


@pytest.fixture
def runs(here: Path) -> None:
    for name, loss in (("apple", 0.1), ("apricot", 0.5), ("berry", 0.9)):
        with wb.start_run(name=name, experiment="e", system_metrics=False) as run:
            run.log({"loss": loss})


def names(workbench: Workbench, *words: str) -> list[str]:
    return sorted(run["name"] for run in json.loads(workbench("ls", "--json", *words).stdout)["runs"])


@pytest.mark.usefixtures("runs")
def test_runs_go_to_the_trash_and_come_back(workbench: Workbench) -> None:
    done = workbench("rm", "berry")
    assert done.returncode == 0 and "restore" in done.stderr
    assert names(workbench) == ["apple", "apricot"]
    assert workbench("show", "berry").returncode == 5
    assert "trash" in workbench("show", "berry").stderr
    assert [one["name"] for one in json.loads(workbench("restore", "--json").stdout)] == ["berry"]
    assert workbench("restore").stdout.split()[5] == "berry"
    assert workbench("restore", "be").returncode == 0
    assert names(workbench) == ["apple", "apricot", "berry"]
    missing = workbench("restore", "cherry")
    assert missing.returncode == 5 and "cherry" in missing.stderr


@pytest.mark.usefixtures("runs")
def test_runs_of_a_condition_go_after_a_yes(workbench: Workbench) -> None:
    listed = workbench("rm", "--where", "metrics.loss > 0.3")
    assert sorted(listed.stdout.split()) == ["apricot", "berry"] and "--yes" in listed.stderr
    assert len(names(workbench)) == 3
    assert workbench("rm", "--where", "metrics.loss > 0.3", "--preview").returncode == 0
    assert len(names(workbench)) == 3
    assert workbench("rm", "--where", "metrics.loss > 0.3", "--all", "name:apr", "--yes").returncode == 0
    assert names(workbench) == ["apple", "berry"]
    for words in ([], ["--where", " "], ["--all", ""], ["--where", "nme = 1"]):
        assert workbench("rm", *words).returncode == 2
    assert len(names(workbench)) == 2


@pytest.mark.usefixtures("runs")
def test_what_was_removed_for_good_gives_its_space_back(workbench: Workbench, here: Path) -> None:
    workbench("rm", "berry")
    seen = json.loads(workbench("gc", "--preview", "--json").stdout)
    assert list(seen["trash"]) == ["berry"] and seen["reclaimable"] >= seen["trash"]["berry"] > 0
    asked = workbench("gc")
    assert asked.returncode == 0 and "--yes" in asked.stderr and "1 run in the trash" in asked.stderr
    assert (here / ".workbench" / "trash" / "berry").is_dir()
    assert "nothing to give back" in workbench("gc", "--trash-older", "1d", "--yes").stderr
    done = workbench("gc", "--yes")
    assert done.returncode == 0 and "given back" in done.stderr
    assert json.loads(workbench("restore", "--json").stdout) == []
    assert workbench("verify").returncode == 0 and workbench("doctor").returncode == 0


@pytest.mark.usefixtures("runs")
def test_a_copy_is_proved_and_a_damaged_one_is_not(workbench: Workbench, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert workbench("backup", str(copy)).returncode == 0
    assert json.loads(workbench("backup", str(copy), "--json").stdout)["copied"] == 0
    assert names(workbench, "--workspace", str(copy)) == ["apple", "apricot", "berry"]
    assert workbench("verify", "--workspace", str(copy)).returncode == 0
    blob = copy / ".workbench" / "blobs" / "00" / "11"
    blob.parent.mkdir(parents=True)
    blob.write_text("this is not its content")
    done = workbench("verify", "--workspace", str(copy))
    assert done.returncode == 9 and "is not what its name says" in done.stdout
    found = json.loads(workbench("verify", "--workspace", str(copy), "--json").stdout)
    assert len(found["faults"]) == 1 and found["looked_at"]["table"] == 8
    assert workbench("backup", ".").returncode == 2


@pytest.mark.usefixtures("runs")
def test_the_doctor_mends_what_needs_no_decision(workbench: Workbench, here: Path) -> None:
    root = here / ".workbench"
    assert workbench("doctor", "--fix").returncode == 0
    root.chmod(0o755)
    (root / "staging" / "berry").mkdir(parents=True)
    assert workbench("doctor").returncode == 9
    mended = workbench("doctor", "--fix")
    assert "mended: others may look into" in mended.stderr
    assert (root.stat().st_mode & 0o777) == 0o700
    store = root / "store.duckdb"
    store.write_bytes(store.read_bytes()[:5000])
    assert workbench("ls").returncode == 4
    mended = workbench("doctor", "--fix")
    assert "mended" in mended.stderr and names(workbench) == ["apple", "apricot", "berry"]
