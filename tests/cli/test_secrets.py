"""A secret that a user lets slip is in no list, page, log view or error message."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from workbench.client.heard import heard
from workbench.client.last_word import leave, reserve
from workbench.data.cache import DataCache
from workbench.data.fetch import fetch
from workbench.data.watching import Watcher
from workbench_store.errors import DataError

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


#: What the job needs as it was given, and what the user's own program wrote.
_THE_USERS = ("spec.json", "job.yml", "plan.json", "std_log.txt", "git.diff")


def test_no_file_of_the_workspace_has_it_but_those_of_the_user(
    workbench: Workbench, job: Callable[..., str], here: Path
) -> None:
    fields = f"name: job\ndescription: with {SECRET}\ndisplay_name: {SECRET}\ntags: {{t: {SECRET}}}\n"
    told = job(f"echo {SECRET}; exit 3", f"{fields}inputs: {{token: {SECRET}}}\nproperties: {{p: {SECRET}}}\n")
    assert workbench("run", told).returncode == 1
    with (
        pytest.raises(ValueError),
        wb.start_run(name="script", description=f"with {SECRET}", display_name=SECRET, tags={"t": SECRET}) as run,
    ):
        run.log_params({"token": SECRET})
        raise ValueError(SECRET)
    for words in (["tag", "job", f"u={SECRET}"], ["note", "job", SECRET], ["show", "job"], ["show", "script"]):
        assert SECRET not in workbench(*words).stdout
    files = [path for path in (here / ".workbench").rglob("*") if path.is_file() and path.name not in _THE_USERS]
    assert len(files) > 10 and [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_the_last_word_of_a_script_on_a_full_disk_is_without_it(here: Path) -> None:
    place = here / "script.json"
    reserve(place, 1)
    leave(place, 1, {"state": "Failed", "reason": f"ValueError: {SECRET}", "generation": 1})
    assert SECRET not in place.read_text() and heard(place, 1) == {
        **{"state": "Failed", "reason": "ValueError: REDACTED", "generation": 1}
    }


def test_a_url_that_cannot_be_kept_is_named_without_it(here: Path) -> None:
    (here / "cache").write_text("no folder")
    with pytest.raises(DataError, match="cannot be kept") as told:
        fetch(DataCache(here / "cache"), f"https://me:{SECRET}@example.org/x?sig={SECRET}", "uri_file", here, Watcher())
    assert SECRET not in str(told.value)
