"""`workbench media`: what a script logged is listed, printed and copied out."""

import csv
import json
from pathlib import Path

import pytest
from workbench.cli.exit_codes import ExitCode
from workbench_store.journal.encoding import encode_event

from tests.cli.terminal import Workbench
from tests.client.scripts import run_script
from tests.small_disk import small_disk
from workbench import Workspace

SCRIPT = """
import workbench
with workbench.start_run(name="m", system_metrics=False) as run:
    for step in (0, 10):
        run.log_image("val/sample", [[step, 255]], step=step, caption="at %d" % step)
        run.log_text("note", "step %d\\n\\x1b[31mall well" % step, step=step)
    run.log_table("scores", [{"name": "a", "p": 0.25}, {"name": "b", "p": float("inf")}])
    run.log_histogram("weights", counts=[1, 3, 0, 2], edges=[0, 1, 2, 3, 4])
    run.log_text("long", "word " * 5000)
"""


@pytest.fixture(autouse=True)
def logged(here: Path) -> None:
    done = run_script(here, SCRIPT)
    assert done.returncode == 0, done.stderr


def test_the_keys_are_listed(workbench: Workbench) -> None:
    lines = [line.split() for line in workbench("media", "m").stdout.splitlines()]
    assert lines[0] == ["KIND", "ITEMS", "FIRST", "LAST", "KEY"]
    assert ["image", "2", "0", "10", "val/sample"] in lines and ["table", "1", "0", "0", "scores"] in lines
    assert len(workbench("media", "m", "--kind", "text").stdout.splitlines()) == 3
    assert "weights" in workbench("show", "m").stdout
    shown = json.loads(workbench("show", "m", "--json").stdout)["media"]
    assert {"kind": "image", "key": "val/sample", "rank": 0, "count": 2, "first_step": 0, "last_step": 10} in shown


def test_each_kind_is_shown(workbench: Workbench, here: Path) -> None:
    assert workbench("media", "m", "note").stdout == "step 10\n\x1b[31mall well\n"
    assert workbench("media", "m", "note", "--step", "0").stdout.startswith("step 0\n")
    assert workbench("media", "m", "long").stdout == "word " * 5000 + "\n"
    assert "0.25" in workbench("media", "m", "scores").stdout
    histogram = workbench("media", "m", "weights").stdout
    assert "█" in histogram and len(histogram.splitlines()) == 5
    image = workbench("media", "m", "val/sample")
    assert Path(image.stdout.strip()).is_file() and "at 10" in image.stderr


def test_as_json(workbench: Workbench) -> None:
    (table,) = json.loads(workbench("media", "m", "scores", "--json").stdout)
    assert table["content"]["rows"] == [["a", 0.25], ["b", "Infinity"]]
    (weights,) = json.loads(workbench("media", "m", "weights", "--json").stdout)
    assert weights["content"]["counts"] == [1, 3, 0, 2]
    every = json.loads(workbench("media", "m", "--json").stdout)
    assert len(every) == 7 and not any("content" in one for one in every)


def test_what_finds_no_room_is_not_exported_in_part(workbench: Workbench, here: Path) -> None:
    with small_disk(here / "disk", 16 * 1024) as disk:
        done = workbench("media", "m", "long", "--export", "disk/out")
        assert done.returncode != 0 and not [path for path in disk.rglob("*") if path.is_file()]
    assert workbench("media", "m", "long", "--export", "disk/out").returncode == 0


def test_export_writes_all_and_overwrites_nothing(workbench: Workbench, here: Path) -> None:
    done = workbench("media", "m", "--export", "out")
    assert len(done.stdout.splitlines()) == 7 and all(Path(line).is_file() for line in done.stdout.splitlines())
    rows = list(csv.reader((here / "out/table/scores/00000000.csv").open()))
    assert rows == [["name", "p"], ["a", "0.25"], ["b", "Infinity"]]
    (png,) = (path for path in (here / "out/image").rglob("*10.png"))
    assert png.read_bytes().startswith(b"\x89PNG")
    again = workbench("media", "m", "--export", "out")
    assert again.returncode == ExitCode.REFUSED and "there already" in again.stderr


@pytest.mark.parametrize(
    ("words", "said"), [(("nothing",), "It logged"), (("note", "--step", "5"), "Steps: 0, 10"), (("noet",), "note")]
)
def test_what_was_not_logged_is_said(workbench: Workbench, words: tuple[str, ...], said: str) -> None:
    done = workbench("media", "m", *words)
    assert done.returncode == ExitCode.NOT_FOUND and said in done.stderr


def test_a_path_that_leads_out_is_not_followed(workbench: Workbench, here: Path) -> None:
    (here / "secret.txt").write_text("secret")
    run = here / ".workbench" / "runs" / "m"
    (run / "media" / "link.txt").symlink_to(here / "secret.txt")
    paths = ["../../../secret.txt", str(here / "secret.txt"), "media/link.txt", "media", "media/\0", "gone.txt"]
    data = b"".join(
        encode_event("media", 1.0, {"kind": "text", "key": "\x1b[2Jevil", "step": step, "path": path, "format": "../x"})
        for step, path in enumerate(paths)
    )
    (run / "journal" / "other-r0-1-0.wbj").write_bytes(data)
    done = workbench("media", "m", "\x1b[2Jevil", "--json")
    assert [one["content"] for one in json.loads(done.stdout)] == [None] * len(paths)
    assert "\x1b" not in workbench("media", "m").stdout
    assert workbench("media", "m", "--export", "out").returncode == 0
    assert not [path for path in (here / "out").rglob("*") if path.is_file() and b"secret" in path.read_bytes()]


def test_from_python(here: Path) -> None:
    run = Workspace().run("m")
    assert [(one.key, one.step) for one in run.media(kind="image")] == [("val/sample", 0), ("val/sample", 10)]
    (table,) = run.media("scores")
    assert (run.files.root / str(table.path)).is_file() and table.detail == {"rows": 2, "columns": 2}
    assert run.media("weights")[0].content["counts"] == [1, 3, 0, 2]
