"""A secret that a user lets slip is in no list, page, log view or error message."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.terminal import Workbench

SECRET = "h" + "f_" + "AbCdEfGh" * 4


def test_a_job_gets_its_secret_and_nobody_else_sees_it(
    workbench: Workbench, job: Callable[..., str], here: Path
) -> None:
    told = f"echo the token is {SECRET}; test ${{{{inputs.token}}}} = {SECRET} && echo same"
    done = workbench("run", job(told, f"inputs: {{token: {SECRET}}}\n"))
    assert done.returncode == 0 and "same" in done.stdout, "the job itself has what it was given"
    name = json.loads(workbench("ls", "--json").stdout)["runs"][0]["name"]
    seen = [done.stdout, done.stderr]
    for words in (
        ["ls", "--json"],
        ["show", name],
        ["show", name, "--json"],
        ["show", name, "--spec"],
        ["logs", name],
        ["sql", "SELECT * FROM runs"],
        ["sql", "SELECT * FROM params", "--csv"],
    ):
        found = workbench(*words)
        assert found.returncode == 0
        seen += [found.stdout, found.stderr]
    assert [text for text in seen if SECRET in text] == []
    assert SECRET.encode() not in (here / ".workbench" / "store.duckdb").read_bytes()
    journals = (here / ".workbench").rglob("*.wbj")
    assert [path for path in journals if SECRET.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("words", [["show", SECRET], ["run", f"{SECRET}.yml"], ["ls", f"state:{SECRET}"]])
def test_an_error_message_does_not_repeat_it(workbench: Workbench, here: Path, words: list[str]) -> None:
    workbench("doctor")
    done = workbench(*words)
    assert done.returncode != 0 and SECRET not in done.stderr + done.stdout
