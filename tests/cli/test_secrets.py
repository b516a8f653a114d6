"""A secret that a user lets slip is in no list, page, log view or error message."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import workbench as wb
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


def test_a_secret_under_a_longer_name_is_not_shown(workbench: Workbench, job: Callable[..., str], here: Path) -> None:
    told = "echo AWS_SECRET_ACCESS_KEY=wJalrXUtnF/K7 OPENAI_API_KEY=abcDEF123456 DB_PASSWORD=hunter2hunter2x"
    assert workbench("run", job(told, "name: told\n")).returncode == 0
    assert workbench("logs", "told").stdout.split() == [
        *("AWS_SECRET_ACCESS_KEY=REDACTED", "OPENAI_API_KEY=REDACTED", "DB_PASSWORD=REDACTED")
    ]
    with wb.start_run(name="kept") as run:
        run.log_params({"cmd": "OPENAI_API_KEY=abcDEF123456", "argv": ["--api-key", "abcDEF123456"]})
    assert "abcDEF123456" not in workbench("show", "kept").stdout
    assert b"abcDEF123456" not in (here / ".workbench" / "store.duckdb").read_bytes()


def test_what_is_logged_beside_numbers_is_kept_without_secrets(workbench: Workbench, here: Path) -> None:
    with wb.start_run(name="kept") as run:
        run.log_table("cells", {"answer": [SECRET, "a"], "api_key": ["short", "b"], "n": [1, 2]})
        run.log_text("long", f"{SECRET} " + "x" * 10_000)
        run.log_text("short", SECRET)
        run.log_image("picture", [[0, 255]], caption=f"with {SECRET}")
    seen = [workbench("media", "kept", key) for key in ("cells", "long", "short", "picture")]
    assert [SECRET in done.stdout + done.stderr for done in seen] == [False] * 4
    assert "short" not in seen[0].stdout and "REDACTED" in seen[0].stdout + seen[1].stdout
    files = [path for path in (here / ".workbench").rglob("*") if path.is_file()]
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("words", [["show", SECRET], ["run", f"{SECRET}.yml"], ["ls", f"state:{SECRET}"]])
def test_an_error_message_does_not_repeat_it(workbench: Workbench, here: Path, words: list[str]) -> None:
    workbench("doctor")
    done = workbench(*words)
    assert done.returncode != 0 and SECRET not in done.stderr + done.stdout
