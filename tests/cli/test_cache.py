"""The user's cache folder: where it is, and what is said where there can be none."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from workbench.cli.exit_codes import ExitCode

from tests.cli.terminal import Workbench

Job = Callable[..., str]
#: As a user whom no list of users has: a container's, most often.
NOBODY = ["unshare", "--user", "--map-user=12345", "env", "-u", "HOME", "-u", "WORKBENCH_CACHE", "-u", "XDG_CACHE_HOME"]


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({"WORKBENCH_CACHE": "near"}, "near"),
        ({"WORKBENCH_CACHE": "~/mine"}, "home/mine"),
        ({"WORKBENCH_CACHE": "", "XDG_CACHE_HOME": ""}, "home/.cache/workbench"),
        ({"WORKBENCH_CACHE": "", "XDG_CACHE_HOME": "relative"}, "home/.cache/workbench"),
    ],
)
def test_the_supervisor_has_the_cache_where_the_submitter_has_it(
    workbench: Workbench, job: Job, here: Path, variables: dict[str, str], place: str
) -> None:
    done = workbench("run", job('echo "$WORKBENCH_CACHE"'), HOME=str(here / "home"), **variables)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{here / place}\n"
    assert (here / place / "slots").is_dir()


@pytest.mark.parametrize("place", ["/proc/nowhere", "file", "file/below"])
def test_a_cache_that_cannot_be_is_refused_before_anything_starts(
    workbench: Workbench, job: Job, here: Path, place: str
) -> None:
    (here / "file").write_text("")
    refused = workbench("run", job("true", "name: one\n"), WORKBENCH_CACHE=place)
    assert refused.returncode == ExitCode.WORKSPACE
    assert "cache folder" in refused.stderr and "Set WORKBENCH_CACHE" in refused.stderr
    assert not [*here.glob(".workbench/runs/*"), *here.glob(".workbench/tmp/*")]
    examined = workbench("doctor", "--json", WORKBENCH_CACHE=place)
    assert examined.returncode == ExitCode.PROBLEMS
    (problem,) = [one for one in json.loads(examined.stdout) if one["level"] == "problem"]
    assert problem["what"] in refused.stderr and problem["remedy"] in refused.stderr


def test_a_user_without_a_home_is_told_what_to_set(workbench: Workbench, job: Job, here: Path) -> None:
    if subprocess.run([*NOBODY, "true"], capture_output=True).returncode:
        pytest.skip("user namespaces are not to be had here")

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        command = [*NOBODY, *words[:1], sys.executable, "-m", "workbench", *words[1:]]
        return subprocess.run(command, cwd=here, env=os.environ, capture_output=True, text=True)

    refused = call("A=1", "run", job("true", "name: one\n"))
    assert refused.returncode == ExitCode.WORKSPACE and "no home folder" in refused.stderr
    assert "Set WORKBENCH_CACHE" in refused.stderr and not [*here.glob(".workbench/runs/*")]
    examined = call("A=1", "doctor")
    assert examined.returncode == ExitCode.PROBLEMS and "no home folder" in examined.stdout
    done = call(f"WORKBENCH_CACHE={here / 'cache'}", "run", "job.yml")
    assert done.returncode == 0, done.stderr
