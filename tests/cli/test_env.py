"""`workbench env`: explained misses, the list, and removing what nobody uses."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from workbench.cli.exit_codes import ExitCode
from workbench.environment import define, definition_to_dict, environment_key, prepare
from workbench.environment.interpreters import find_interpreters
from workbench.environment.shelf import in_use, last_used, making, take
from workbench.spec import Environment
from workbench_store.cache_root import cache_root, usable_cache

from tests.cli.terminal import Workbench

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
GATED = "echo on > outputs/on; while ! test -e outputs/go; do sleep 0.05; done"


@pytest.fixture(autouse=True)
def no_conda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_CONDA", "")


def write_job(here: Path, *packages: str, python: str = MINOR, command: str = "true", name: str = "job.yml") -> str:
    conda = {"name": "digits", "channels": ["conda-forge"], "dependencies": [f"python={python}", *packages]}
    environment = {"image": "some/image", "conda_file": conda}
    (here / name).write_text(f"command: {json.dumps(command)}\nenvironment: {json.dumps(environment)}\n")
    return name


def bare(label: str = "bare", python: str = MINOR) -> Path:
    """An environment without packages, made, not in use; its place."""
    conda = {"name": label, "channels": [label], "dependencies": [f"python={python}"]}
    made = prepare(define(Environment(conda_file=conda), Path("/")), log=Path("environment.log"))
    made.hold.release()
    return made.path


def wait_until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


def test_a_scripts_own_run_ran_in_its_python(workbench: Workbench, here: Path) -> None:
    code = "import workbench\nwith workbench.start_run(name='own', system_metrics=False): pass"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=here)
    told = workbench("env", "explain", "own")
    assert told.returncode == ExitCode.REFUSED
    assert "opened by a script" in told.stderr and "own Python" in told.stderr and "plan" not in told.stderr


def diff_of(text: str) -> list[str]:
    return re.findall(r"^  ([-+] .*)$", text, re.M)


@pytest.mark.slow
def test_three_real_misses_are_explained(workbench: Workbench, here: Path) -> None:
    minors = ["{}.{}".format(*one.minor) for one in find_interpreters()]
    others = [minor for minor in minors if minor != MINOR]
    other_minor = others[0] if others else "3.7"  # what is explained need not be had on this machine
    write_job(here, "humanize=4.12", "tomli")
    first = workbench("env", "explain", "job.yml")
    assert first.returncode == 0 and "none: no environment that is kept shares a package" in first.stdout
    assert workbench("run", "job.yml", "--set", "name=first").returncode == 0
    found = json.loads(workbench("env", "explain", "job.yml", "--json").stdout)
    assert found["found"] == "cache" and found["packages"] == ["humanize==4.12.*", "tomli"]
    assert found["substituted"] == ["image some/image is not used by local compute"]
    assert json.loads(workbench("env", "explain", "first", "--json").stdout) == found

    write_job(here, "humanize=4.11", "tomli")
    version = workbench("env", "explain", "job.yml")
    assert diff_of(version.stdout) == ["- package humanize==4.12.*", "+ package humanize==4.11.*"]
    assert "has 2 of the 2 packages" in version.stdout
    run = workbench("run", "job.yml", "--set", "name=second")
    assert run.returncode == 0, run.stderr
    assert "environment: image some/image is not used by local compute" in run.stderr
    ran = json.loads(workbench("show", "second", "--json").stdout)["environment"]
    assert ran["found"] == "built" and ran["key"] in version.stdout and ran["missed"] in version.stdout
    log = workbench("logs", "second", "--environment").stdout
    assert "# - package humanize==4.12.*" in log and "# + package humanize==4.11.*" in log

    write_job(here, "humanize=4.11", "tomli", "idna")
    assert diff_of(workbench("env", "explain", "job.yml").stdout) == ["+ package idna"]

    write_job(here, "humanize=4.12", "tomli", python=other_minor)
    other = workbench("env", "explain", "job.yml")
    assert "humanize" not in " ".join(diff_of(other.stdout)), "of two that share both packages the same one is nearer"
    assert f"- python ={MINOR}" in other.stdout and f"+ python ={other_minor}" in other.stdout
    near = json.loads(workbench("env", "explain", "job.yml", "--json").stdout)["nearest"]
    assert near["place"] == found["place"] and near["key"] == found["key"][:32]


def test_a_job_without_an_environment_is_said_to_have_none(workbench: Workbench, job: Callable[..., str]) -> None:
    done = workbench("env", "explain", job("true", "name: plain\n"))
    assert done.returncode == 0 and sys.executable in done.stdout and "names no environment" in done.stdout
    assert workbench("run", "job.yml").returncode == 0
    assert json.loads(workbench("env", "explain", "plain", "--json").stdout) is None
    assert workbench("env", "explain", "nobody").returncode == ExitCode.NOT_FOUND


def test_addresses_are_shown_without_their_passwords(workbench: Workbench, here: Path) -> None:
    extra = {"pip": ["--extra-index-url https://ada:hunt@er2@index.invalid/simple?token=abc1", "humanize"]}
    conda = {"dependencies": [f"python={MINOR}", extra]}
    (here / "job.yml").write_text(f"command: 'true'\nenvironment: {json.dumps({'conda_file': conda})}\n")
    for words in (["env", "explain", "job.yml"], ["env", "explain", "job.yml", "--json"]):
        done = workbench(*words)
        assert "https://***@index.invalid" in done.stdout
        assert not any(part in done.stdout + done.stderr for part in ("hunt", "er2", "abc1"))


@pytest.mark.slow
def test_the_list_says_when_each_was_used_and_by_which_runs(workbench: Workbench, here: Path) -> None:
    write_job(here)
    for name in ("one", "two"):
        assert workbench("run", "job.yml", "--set", f"name={name}").returncode == 0
    (kept,) = json.loads(workbench("env", "ls", "--json").stdout)
    assert kept["label"] == "digits" and kept["python_version"].startswith(MINOR) and kept["whole"]
    assert kept["size"] >= kept["own_size"] > 0 and kept["runs"] == ["two", "one"] and not kept["in_use"]
    assert kept["used"] >= kept["made"]
    shown = workbench("env", "ls").stdout
    assert "digits" in shown and "two, one" in shown
    before = last_used(Path(kept["place"]))
    assert workbench("run", "job.yml").returncode == 0
    assert (last_used(Path(kept["place"])) or 0) > (before or 0)


@pytest.mark.slow
def test_nothing_is_removed_without_a_yes(workbench: Workbench, here: Path) -> None:
    place = bare()
    for words in (["--preview"], [], ["--preview", "--json"]):
        done = workbench("env", "prune", "--keep", "0", *words)
        assert done.returncode == 0 and "bare" in done.stdout and place.is_dir()
    assert "--yes" in workbench("env", "prune", "--keep", "0").stderr
    assert workbench("env", "prune", "--unused-for", "1h").stdout == ""
    os.utime(f"{place}.used", (0, time.time() - 7200))
    assert "bare" in workbench("env", "prune", "--unused-for", "1h", "--preview").stdout
    assert workbench("env", "prune", "--unused-for", "1h", "--keep", "1", "--preview").stdout == ""
    done = workbench("env", "prune", "--unused-for", "1h", "--yes", "--json")
    assert [one["removed"] for one in json.loads(done.stdout)] == [True]
    assert not place.exists() and json.loads(workbench("env", "ls", "--json").stdout) == []


@pytest.mark.slow
def test_one_that_a_running_job_uses_stays_though_its_supervisor_is_killed(workbench: Workbench, here: Path) -> None:
    write_job(here, command=GATED)
    assert workbench("run", "job.yml", "--detach", "--set", "name=busy").returncode == 0
    outputs = here / ".workbench/runs/busy/outputs"
    wait_until((outputs / "on").exists, "the job")
    (place,) = [path for path in cache_root().glob("environments/*/*") if path.is_dir()]
    supervisor = json.loads((here / ".workbench/runs/busy/control/supervisor.json").read_text())["pid"]
    os.kill(supervisor, 9)
    wait_until(lambda: "NotResponding" in workbench("show", "busy").stdout, "the supervisor's end")
    assert "nothing to remove" in workbench("env", "prune", "--keep", "0", "--yes").stderr
    assert in_use(place) and "in use" in workbench("env", "ls").stdout
    (outputs / "go").touch()
    wait_until(lambda: not in_use(place), "the job's end")
    assert workbench("env", "prune", "--keep", "0", "--yes").returncode == 0 and not place.exists()


@pytest.mark.slow
def test_one_that_is_being_made_is_let_be_and_halves_go(workbench: Workbench, here: Path) -> None:
    place = bare()
    (place / "workbench-ready.json").unlink()
    with making(place):
        assert workbench("env", "prune", "--yes").stdout == "" and place.is_dir()
    done = workbench("env", "prune", "--yes")
    assert "not whole" in done.stdout and not place.exists()


@pytest.mark.slow
def test_whoever_takes_one_while_it_is_removed_gets_all_of_it_or_none(here: Path) -> None:
    place = bare()
    script = (
        "import sys, pathlib\nfrom workbench.environment.shelf import take\n"
        "place = pathlib.Path(sys.argv[1])\nprint('ready', flush=True)\n"
        "while (taken := take(place)) is not None:\n"
        "    assert (place / 'bin' / 'python').exists(), 'half of it'\n    taken[1].release()\n"
    )
    takers = [subprocess.Popen([sys.executable, "-c", script, str(place)], stdout=subprocess.PIPE) for _ in range(3)]
    for one in takers:
        assert one.stdout is not None and one.stdout.readline()
    from workbench.environment.shelf import remove

    wait_until(lambda: remove(place), "a moment in which nobody has it")
    assert [one.wait(60) for one in takers] == [0, 0, 0]
    assert take(place) is None and not list(place.parent.glob("*.removed"))


@pytest.mark.slow
def test_those_of_older_versions_are_listed_and_passed_over(workbench: Workbench, here: Path) -> None:
    place = bare()
    (place / "workbench-definition.json").unlink()
    Path(f"{place}.used").unlink()
    (kept,) = json.loads(workbench("env", "ls", "--json").stdout)
    assert kept["label"] is None and kept["used"] == kept["made"]
    write_job(here, "humanize")
    assert json.loads(workbench("env", "explain", "job.yml", "--json").stdout)["nearest"] is None


def test_a_wrong_age_is_refused(workbench: Workbench) -> None:
    done = workbench("env", "prune", "--unused-for", "soon")
    assert done.returncode == ExitCode.USAGE and "30d" in done.stderr


def test_the_key_shown_is_the_key(workbench: Workbench, here: Path) -> None:
    write_job(here, "humanize=4.12")
    conda = {"channels": ["conda-forge"], "dependencies": [f"python={MINOR}", "humanize=4.12"]}
    key = environment_key(define(Environment(image="some/image", conda_file=conda), here))
    assert json.loads(workbench("env", "explain", "job.yml", "--json").stdout)["key"] == key


def kept_by_hand(cache: Path) -> Path:
    """What looks like half of an environment, in a cache folder; its place."""
    place = cache / "environments" / ("a" * 32) / "linux-x86_64-py3.11"
    place.mkdir(parents=True)
    (place / "pyvenv.cfg").touch()
    return place


def test_a_folder_that_is_no_cache_of_ours_is_not_pruned(workbench: Workbench, here: Path) -> None:
    place, work = kept_by_hand(here / "home"), here / "home/environments/projA/thesis/t.txt"
    work.parent.mkdir(parents=True)
    work.write_text("years of work")
    before = sorted((here / "home").rglob("*"))
    for words in (["ls"], ["prune", "--preview"], ["prune"], ["prune", "--yes"], ["prune", "--yes", "--json"]):
        done = workbench("env", *words, WORKBENCH_CACHE=str(here / "home"))
        refused = "was not made by Workbench" in done.stderr and done.returncode == ExitCode.WORKSPACE
        assert refused == ("prune" in words and "--preview" not in words), done.stderr
        assert "projA" not in done.stdout and sorted((here / "home").rglob("*")) == before
    assert place.is_dir()


def test_foreign_folders_and_links_in_a_cache_of_ours_are_not_pruned(workbench: Workbench, here: Path) -> None:
    usable_cache()
    place = kept_by_hand(cache_root())
    kept_by_hand(here / "other")
    (place.parent.parent / ("b" * 32)).symlink_to(here / "other/environments" / ("a" * 32))
    work = cache_root() / "environments/projA/thesis/t.txt"
    work.parent.mkdir(parents=True)
    work.write_text("years of work")
    done = workbench("env", "prune", "--yes", "--json")
    assert [one["place"] for one in json.loads(done.stdout)] == [str(place)] and not place.exists()
    assert work.read_text() == "years of work" and len([*(here / "other").rglob("pyvenv.cfg")]) == 1
    assert [*work.parent.parent.iterdir()] == [work.parent]


@pytest.mark.parametrize(
    ("ready", "definition"),
    [({"python": None}, {"label": 5}), ({"made": "abc"}, {"requirements": [None]}), ({}, {"options": 5}), ({}, {})],
)
def test_a_damaged_entry_is_no_trouble_to_the_others(
    workbench: Workbench, here: Path, ready: dict[str, object], definition: dict[str, object]
) -> None:
    usable_cache()
    place = kept_by_hand(cache_root())
    sound = definition_to_dict(define(Environment(conda_file={"name": "digits", "dependencies": ["idna"]}), here))
    known = {"python": sys.executable, "python_version": f"{MINOR}.0", "substituted": [], "made": 1.0}
    (place / "workbench-ready.json").write_text(json.dumps(known | ready))
    (place / "workbench-definition.json").write_text(json.dumps(sound | definition))
    write_job(here, "idna")
    for words in (["ls"], ["ls", "--json"], ["explain", "job.yml"], ["explain", "job.yml", "--json"]):
        done = workbench("env", *words)
        assert done.returncode == 0 and done.stderr == "", done.stderr
        assert ("digits (" in done.stdout or '"nearest": {' in done.stdout) == ("explain" in words and not definition)
    assert workbench("env", "prune", "--yes").returncode == 0 and not place.exists()
