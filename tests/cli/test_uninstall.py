"""`workbench uninstall`: all that was ever written outside of workspaces is listed, and only the cache removed."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from workbench.cli.exit_codes import ExitCode
from workbench.cli.main import main
from workbench.uninstall import KINDS, remove_cache
from workbench_store.cache_root import cache_root, usable_cache

from tests.cli.terminal import Workbench
from tests.data_assets.servers import Server

pytestmark = pytest.mark.slow

Job = Callable[..., str]
ROOT = Path(__file__).parents[2]
#: As `uv auth login` stores them.
CREDENTIALS = """[[credential]]
service = "http://127.0.0.1:{port}/"
username = "me"
scheme = "basic"
password = "secret"
"""


def listed(workbench: Workbench) -> dict[str, Any]:
    done = workbench("uninstall", "--preview", "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_name_in_the_cache_that_the_code_knows_is_a_kind() -> None:
    names = set()
    for path in [*ROOT.glob("workbench/**/*.py"), *ROOT.glob("store/**/*.py"), *ROOT.glob("widgets/**/*.py")]:
        names |= set(re.findall(r'(?:cache_root|usable_cache)\(\)\)? / "([^"]+)"', path.read_text()))
    assert {"environments", "uv", "slots", "workspaces"} <= names <= set(KINDS)


def at_home(home: Path, temporary: Path) -> dict[str, str]:
    """The variables of a user with that home, which is made; the cache is at its own place in it."""
    home.mkdir()
    temporary.mkdir()
    variables = {"HOME": str(home), "TMPDIR": str(temporary), "WORKBENCH_CACHE": ""}
    return variables | dict.fromkeys(("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"), "")


def test_a_run_writes_nothing_that_is_not_listed(workbench: Workbench, job: Job, here: Path) -> None:
    home, temporary = here / "home", here / "tmp"
    variables = at_home(home, temporary)
    environment = "environment: {conda_file: {dependencies: [{pip: []}]}}\n"
    assert workbench("run", job("true", "name: one\n" + environment), **variables).returncode == 0
    assert workbench("ls", **variables).returncode == 0
    assert [*temporary.iterdir()] == [] and [*home.iterdir()] == [home / ".cache"]
    assert [*(home / ".cache").iterdir()] == [home / ".cache/workbench"]
    done = workbench("uninstall", "--preview", "--json", **variables)
    parts = json.loads(done.stdout)["parts"]
    assert {part["path"] for part in parts} == {str(path) for path in (home / ".cache/workbench").iterdir()}
    assert all(part["what"] for part in parts), "something is there that nobody knows"
    assert (home / ".cache/workbench/slots").is_dir()
    assert workbench("uninstall", "--yes", **variables).returncode == 0
    assert [*(home / ".cache").iterdir()] == [] and (here / ".workbench/runs/one").is_dir()


@pytest.mark.parametrize("stored", [False, True])
def test_a_package_that_is_nowhere_leaves_nothing_unlisted(
    workbench: Workbench, job: Job, here: Path, stored: bool
) -> None:
    home = here / "home"
    variables = at_home(home, here / "tmp")
    index = Server()
    variables |= {"UV_DEFAULT_INDEX": index.url("/simple"), "NO_PROXY": "127.0.0.1", "WORKBENCH_CONDA": ""}
    mine = home / ".local/share/uv/credentials/credentials.toml"
    if stored:
        mine.parent.mkdir(parents=True)
        mine.write_text(CREDENTIALS.format(port=index.port))
    environment = "environment: {conda_file: {dependencies: [{pip: [nobody-has-it]}]}}\n"
    failed = workbench("run", job("true", "name: one\n" + environment), **variables)
    index.close()
    assert failed.returncode == ExitCode.RUN_FAILED and "nobody-has-it" in failed.stderr
    assert {path.name for path in home.iterdir()} == ({".cache", ".local"} if stored else {".cache"})
    if stored:
        assert any(asked.login for asked in index.asked), "the user's own credentials were not used"


def test_nothing_is_removed_without_a_yes(workbench: Workbench, job: Job, here: Path) -> None:
    assert workbench("run", job()).returncode == 0
    before = sorted(cache_root().rglob("*"))
    for words in ([], ["--preview"], ["--preview", "--json"]):
        done = workbench("uninstall", *words)
        assert done.returncode == 0 and "experiment-workbench" in done.stderr
        assert f"rm -r {here / '.workbench'}" in done.stderr
    assert sorted(cache_root().rglob("*")) == before
    assert workbench("uninstall", "--yes").returncode == 0
    assert not cache_root().exists() and workbench("ls").returncode == 0
    assert "there is no cache" in workbench("uninstall", "--yes").stderr


def test_workspaces_are_known_where_they_are_now(workbench: Workbench, job: Job, here: Path) -> None:
    job()
    for place in ("one", "two"):
        assert workbench("--workspace", place, "run", "job.yml").returncode == 0
    assert workbench("--workspace", "one", "ls").returncode == 0
    (here / "one").rename(here / "three")
    shutil.copytree(here / "three", here / "copy")
    for place in ("three", "copy"):
        assert workbench("--workspace", place, "run", "job.yml").returncode == 0
    shutil.rmtree(here / "two")
    found = {one["path"]: one["there"] for one in listed(workbench)["workspaces"]}
    expected = {"three": True, "copy": True, "two": False}
    assert found == {str(here / name / ".workbench"): there for name, there in expected.items()}


def test_outputs_that_jobs_put_elsewhere_are_listed_and_stay(workbench: Workbench, job: Job, here: Path) -> None:
    kept = f"outputs: {{kept: {{path: {here / 'results'}}}, own: {{type: uri_folder}}}}\n"
    for _ in range(2):
        assert workbench("run", job("echo x > ${{outputs.kept}}/x", kept)).returncode == 0
    [found] = listed(workbench)["outputs"]
    assert found == {"path": str(here / "results"), "workspace": str(here / ".workbench"), "runs": 2}
    shown = workbench("uninstall", "--yes").stdout
    assert f"{here / 'results'}" in shown and "of 2 runs, stays" in shown
    assert (here / "results" / "x").read_text() == "x\n"


def test_a_script_that_opens_a_run_makes_its_workspace_known(workbench: Workbench, here: Path) -> None:
    code = "import workbench\nwith workbench.start_run(system_metrics=False) as run: run.log({'a': 1})"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=here)
    assert [one["path"] for one in listed(workbench)["workspaces"]] == [str(here / ".workbench")]
    assert listed(workbench)["workspaces"][0]["there"]


def test_a_cache_that_cannot_be_written_is_no_trouble_to_a_script(here: Path) -> None:
    code = "import workbench\nwith workbench.start_run(system_metrics=False) as run: run.log({'a': 1})"
    environ = {**os.environ, "WORKBENCH_CACHE": "/proc/nowhere"}
    done = subprocess.run([sys.executable, "-c", code], cwd=here, env=environ, capture_output=True, text=True)
    assert done.returncode == 0 and "nowhere" not in done.stderr and (here / ".workbench").is_dir()


def test_what_is_not_ours_stays(workbench: Workbench, job: Job) -> None:
    assert workbench("run", job()).returncode == 0
    (cache_root() / "mine").mkdir()
    (cache_root() / "mine" / "thesis.tex").write_text("years of work")
    (cache_root() / "uv").symlink_to(cache_root() / "mine")
    done = workbench("uninstall", "--yes")
    assert done.returncode == 0 and "not Workbench's: stays" in done.stdout
    assert [path.name for path in cache_root().iterdir()] == ["mine"]
    assert (cache_root() / "mine" / "thesis.tex").read_text() == "years of work"


def test_a_folder_that_was_not_made_for_it_is_refused(workbench: Workbench, job: Job, here: Path) -> None:
    place = here / "projects"
    (place / "environments" / "mine").mkdir(parents=True)
    assert workbench("run", job(), WORKBENCH_CACHE=str(place)).returncode == 0
    refused = workbench("uninstall", "--yes", WORKBENCH_CACHE=str(place))
    assert refused.returncode == ExitCode.WORKSPACE and "was not made by Workbench" in refused.stderr
    assert (place / "environments" / "mine").is_dir() and (place / "slots").is_dir()


def test_while_a_run_goes_on_it_is_refused(workbench: Workbench, job: Job, here: Path) -> None:
    gated = "echo on > outputs/on; while ! test -e outputs/go; do sleep 0.05; done"
    assert workbench("run", job(gated, "name: busy\n"), "--detach").returncode == 0
    outputs = here / ".workbench/runs/busy/outputs"
    deadline = time.monotonic() + 60
    while not (outputs / "on").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    refused = workbench("uninstall", "--yes")
    assert refused.returncode == ExitCode.REFUSED and "going on" in refused.stderr and cache_root().is_dir()
    (outputs / "go").touch()
    while workbench("uninstall", "--yes").returncode != 0:
        assert time.monotonic() < deadline
    assert not cache_root().exists()


def refused(*_: object, **__: object) -> None:
    raise OSError(30, "Read-only file system")


def test_one_that_is_cut_short_can_be_done_again(
    workbench: Workbench, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert workbench("run", job()).returncode == 0
    (cache_root() / "data").mkdir()
    (cache_root() / "data" / "fetched").touch()
    removed: list[str] = []

    def killed(path: Path, **_: object) -> None:
        if removed:
            raise KeyboardInterrupt
        removed.append(path.name)

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            remove_cache()
    assert removed and (cache_root() / "CACHEDIR.TAG").is_file()
    done = workbench("uninstall", "--yes")
    assert done.returncode == 0 and not cache_root().exists(), done.stderr


def test_the_tag_stays_while_anything_of_ours_does(
    workbench: Workbench, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert workbench("run", job()).returncode == 0
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", lambda *_, **__: None)
        assert {"slots", "CACHEDIR.TAG"} <= {path.name for path in remove_cache()}
    assert workbench("uninstall", "--yes").returncode == 0 and not cache_root().exists()


def test_a_cache_that_is_a_link_is_emptied_and_the_link_stays(workbench: Workbench, job: Job, here: Path) -> None:
    (here / "disk").mkdir()
    (here / "link").symlink_to(here / "disk")
    cache = {"WORKBENCH_CACHE": str(here / "link")}
    assert workbench("run", job(), **cache).returncode == 0 and [*(here / "disk").iterdir()]
    done = workbench("uninstall", "--yes", **cache)
    assert done.returncode == 0 and f"{here / 'link'} is a link, and stays" in done.stderr, done.stderr
    assert (here / "link").is_symlink() and [*(here / "disk").iterdir()] == []
    assert "there is no cache" in workbench("uninstall", "--yes", **cache).stderr


@pytest.mark.parametrize("method", ["unlink", "rmdir"])
def test_what_cannot_be_removed_is_told(
    method: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usable_cache()
    (cache_root() / "interpreters.json").touch()
    with monkeypatch.context() as patched:
        patched.setattr(Path, method, refused)
        assert main(["uninstall", "--yes"]) == ExitCode.WORKSPACE
    left = cache_root() / "interpreters.json" if method == "unlink" else cache_root()
    assert f"{left} cannot be removed" in capsys.readouterr().err and left.exists()
    assert main(["uninstall", "--yes"]) == 0


@pytest.mark.slow
def test_with_environments_and_downloads(workbench: Workbench, here: Path) -> None:
    conda = {"name": "digits", "dependencies": [{"pip": ["humanize"]}]}
    (here / "job.yml").write_text(f"command: python -c 'import humanize'\nenvironment: {{conda_file: {conda}}}\n")
    assert workbench("run", "job.yml", WORKBENCH_CONDA="").returncode == 0
    parts = {Path(part["path"]).name: part for part in listed(workbench)["parts"]}
    assert parts["environments"]["size"] > 0 and parts["uv"]["size"] > 0 and "interpreters.json" in parts
    assert workbench("uninstall", "--yes").returncode == 0 and not cache_root().exists()


def test_other_cache_folders_that_were_used_are_listed(
    workbench: Workbench, job: Job, here: Path, tmp_path: Path
) -> None:
    file, other = job("true"), tmp_path / "other cache"
    assert workbench("run", file).returncode == 0
    assert workbench("run", file, WORKBENCH_CACHE=str(other)).returncode == 0
    told = workbench("uninstall", "--preview")
    assert f"WORKBENCH_CACHE='{other}' workbench uninstall" in told.stderr
    assert str(other) in json.loads(workbench("uninstall", "--preview", "--json").stdout)["other_caches"]
    shutil.rmtree(other)
    assert str(other) not in workbench("uninstall", "--preview").stderr
