"""MLTable folders as inputs: the files that they are made of, wherever those are, and whether they have changed."""

from glob import glob
from pathlib import Path
from typing import Literal

import pytest
from workbench.data.assets import AssetVersion, add_asset
from workbench.data.datastores import add_datastore
from workbench.data.fingerprint import stat_fingerprint
from workbench.data.matching import matching_files
from workbench.lifecycle.logs import read_log
from workbench.lifecycle.repeating import rerun
from workbench.spec import Input
from workbench.view.compare import compare
from workbench_store.errors import SpecError
from workbench_store.layout import WorkspaceLayout
from workbench_store.states import RunState
from workbench_store.store import Store

from tests.cli.terminal import Workbench
from tests.data_assets.servers import Server
from tests.lifecycle.launched import Launch, Launched

pytestmark = pytest.mark.slow


def test_a_table_is_evaluated_into_its_files(launch: Launch, server: Server, here: Path) -> None:
    table = here / "table"
    (table / "parts").mkdir(parents=True)
    (table / "parts" / "1.csv").write_text("one\n")
    (table / "parts" / "2.csv").write_text("two\n")
    (table / "other.txt").write_text("no part of it\n")
    url = server.serve("/3.csv", b"three\n")
    (table / "MLTable").write_text(f"paths:\n  - pattern: ./parts/*.csv\n  - file: {url}\ntype: mltable\n")
    modes: tuple[tuple[Literal["eval_mount", "eval_download"], int], ...] = (("eval_mount", 3), ("eval_download", 0))
    for mode, links in modes:
        run = launch(
            "cd ${{inputs.t}}; find . -name '*.csv' | sort; cat parts/* 3.csv; find . -type l | wc -l; ls",
            inputs={"t": Input(type="mltable", path=str(table), mode=mode)},
        )
        assert run.finish() is RunState.COMPLETED, read_log(run.files)
        lines = read_log(run.files).split()
        assert lines == [
            "./3.csv",
            "./parts/1.csv",
            "./parts/2.csv",
            "one",
            "two",
            "three",
            str(links),
            "3.csv",
            "parts",
        ]
    whole = launch("ls ${{inputs.t}}", inputs={"t": Input(type="mltable", path=str(table))})
    whole.finish()
    assert read_log(whole.files).split() == ["MLTable", "other.txt", "parts"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "holds no file MLTable"),
        ("paths: [", "MLTable:"),
        ("transformations: []", "has no list of `paths`"),
        ("paths: [{file: ./none.csv}]", "names no file"),
        ("paths: [{glob: x}]", "is none of file, folder and pattern"),
        ("paths: [{file: 'azureml:iris'}]", "neither a version nor a label"),
        ("paths: [{file: 'azureml:iris:1'}]", "there is no data asset 'iris'"),
    ],
)
def test_a_table_that_is_none_is_refused(launch: Launch, here: Path, text: str | None, message: str) -> None:
    table = here / "table"
    table.mkdir()
    if text is not None:
        (table / "MLTable").write_text(text)
    with pytest.raises(SpecError, match=message):
        launch("true", inputs={"t": Input(type="mltable", path=str(table), mode="eval_mount")})


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("folder: http://localhost/data/", "the web has no folders"),
        ("pattern: http://localhost/data/*.csv", "the web has no folders"),
        ("pattern: azureml:iris*", "cannot be the name of an asset"),
        ("pattern: azureml://datastores/kept/paths/*/../../x", "leads upwards"),
        ("pattern: azureml://datastores/none/paths/*.csv", "there is no datastore 'none'"),
    ],
)
def test_parts_that_cannot_be_had_are_refused_where_they_are_wanted(
    launch: Launch, layout: WorkspaceLayout, here: Path, part: str, message: str
) -> None:
    add_datastore(layout, "kept", str(here))
    (here / "table").mkdir()
    (here / "table" / "MLTable").write_text(f"paths:\n  - {part}\n")
    with pytest.raises(SpecError, match=message):
        launch("true", inputs={"t": Input(type="mltable", path=str(here / "table"), mode="eval_mount")})


def test_a_pattern_of_a_place_elsewhere_is_the_jobs_affair_unless_it_is_evaluated(
    launch: Launch, here: Path, workbench: Workbench
) -> None:
    (here / "table").mkdir()
    pattern = "wasbs://open@account.blob.core.windows.net/green/puYear=2015/**"
    (here / "table" / "MLTable").write_text(f"paths:\n  - pattern: {pattern}\n")
    added = workbench("data", "add", "green", "table")
    assert added.returncode == 0, added.stderr
    for mode in ("ro_mount", "direct", "download"):
        run = launch(
            "cat ${{inputs.t}}/MLTable", inputs={"t": Input(type="mltable", path="azureml:green:1", mode=mode)}
        )
        assert run.finish() is RunState.COMPLETED and pattern in read_log(run.files)


def test_a_pattern_of_a_datastore_names_what_fits_it(launch: Launch, layout: WorkspaceLayout, here: Path) -> None:
    for place in ("2014/a.csv", "2015/a.csv", "2015/b.csv", "2015/c.txt", "2015/deep/d.csv"):
        (here / "shelf" / "parts" / place).parent.mkdir(parents=True, exist_ok=True)
        (here / "shelf" / "parts" / place).write_text(place)
    add_datastore(layout, "shelf", str(here / "shelf"))
    add_datastore(layout, "far", f"file://{here}/shelf")
    (here / "table").mkdir()
    for store, pattern, wanted in (
        ("shelf", "parts/2015/*.csv", ["./a.csv", "./b.csv"]),
        ("shelf", "parts/*/a.csv", ["./2014/a.csv", "./2015/a.csv"]),
        ("shelf", "parts/**/d.csv", ["./2015/deep/d.csv"]),
        ("far", "parts/201?/*.csv", ["./2014/a.csv", "./2015/a.csv", "./2015/b.csv"]),
        ("shelf", "parts/2015/c.txt", ["./c.txt"]),
    ):
        uri = f"azureml://datastores/{store}/paths/{pattern}"
        (here / "table" / "MLTable").write_text(f"paths:\n  - pattern: {uri}\n")
        given = Input(type="mltable", path=str(here / "table"), mode="eval_mount")
        run = launch("cd ${{inputs.t}} && find -L . -type f | sort", inputs={"t": given})
        assert run.finish() is RunState.COMPLETED, run.last_state()
        assert read_log(run.files).split() == wanted, uri


def test_links_in_circles_are_walked_once(launch: Launch, here: Path) -> None:
    table = here / "table"
    for place in ("a.csv", "x/b.csv", "x/y/c.csv", ".hidden/d.csv", "x/.e.csv"):
        (table / place).parent.mkdir(parents=True, exist_ok=True)
        (table / place).write_text(place)
    (here / "elsewhere").mkdir()
    (here / "elsewhere" / "f.csv").write_text("f")
    (table / "l1").symlink_to(".")
    (table / "l2").symlink_to(".")
    (table / "x" / "up").symlink_to("..")
    (table / "out").symlink_to(here / "elsewhere")
    (table / "MLTable").write_text("paths:\n  - pattern: ./**/**/*.csv\n  - pattern: ./x/**\n")
    run = launch(
        "cd ${{inputs.t}} && find . -name '*.csv' | sort",
        inputs={"t": Input(type="mltable", path=str(table), mode="eval_mount")},
    )
    assert run.finish() is RunState.COMPLETED, run.last_state()
    found = read_log(run.files).split()
    assert found[:1] == ["./a.csv"] and {"./out/f.csv", "./x/b.csv", "./x/y/c.csv"} < set(found)
    assert not any("hidden" in name or "l1" in name or ".e." in name for name in found)


def test_patterns_match_as_glob_does(here: Path) -> None:
    for place in ("a.csv", "b[1]/c.csv", "b[1]/d/e.csv", "b1/f.csv", ".h/g.csv", "b1/.i.csv"):
        (here / place).parent.mkdir(parents=True, exist_ok=True)
        (here / place).write_text("")
    for pattern in (
        "*",
        "**",
        "**/*.csv",
        "b*/*.csv",
        "b?/**",
        "[ab]*",
        ".h/*",
        "**/.i*",
        "none/*",
        "a.csv/*",
        "b1/f.csv",
    ):
        wanted = [Path(name) for name in glob(f"{here}/{pattern}", recursive=True) if Path(name).is_file()]
        assert matching_files(f"{here}/{pattern}") == sorted(wanted), pattern
    assert matching_files(f"{here}/b[1]/*.csv") == [here / "b[1]" / "c.csv"]


def test_a_file_that_two_parts_name_is_there_once(launch: Launch, here: Path) -> None:
    (here / "table" / "x").mkdir(parents=True)
    (here / "table" / "x" / "a.csv").write_text("a")
    (here / "table" / "x" / "b.csv").write_text("b")
    parts = "paths:\n  - file: ./x/a.csv\n  - pattern: ./x/*.csv\n  - folder: ./x\n"
    (here / "y" / "1").mkdir(parents=True)
    (here / "y" / "1" / "c.csv").write_text("c")
    parts += "  - pattern: ../y/1/*.csv\n  - pattern: ../y/*/*.csv\n  - file: ../y/1/c.csv\n"
    (here / "table" / "MLTable").write_text(parts)
    for mode in ("eval_mount", "eval_download"):
        given = Input(type="mltable", path=str(here / "table"), mode=mode)
        run = launch("cd ${{inputs.t}} && find . -name '*.csv' | sort", inputs={"t": given})
        assert run.finish() is RunState.COMPLETED, run.last_state()
        assert read_log(run.files).split() == ["./c.csv", "./x/a.csv", "./x/b.csv"]


def test_files_of_one_name_in_several_folders_are_all_there(launch: Launch, server: Server, here: Path) -> None:
    for part in ("parts/a", "parts/b", "single/c", "single/d", "years/1/train", "years/2/train"):
        (here / part).mkdir(parents=True)
        (here / part / "part-0.csv").write_text(part)
    (here / "table").mkdir()
    urls = [server.serve(f"/{day}/part-0.csv", day.encode()) for day in ("monday", "tuesday")]
    parts = ["pattern: ../parts/**/*.csv", *(f"file: ../single/{name}/part-0.csv" for name in "cd")]
    parts += [f"file: {url}" for url in urls] + [f"folder: ../years/{year}/train" for year in "12"]
    (here / "table" / "MLTable").write_text("paths:\n" + "".join(f"  - {part}\n" for part in parts))
    for mode in ("eval_mount", "eval_download"):
        given = Input(type="mltable", path=str(here / "table"), mode=mode)
        run = launch(
            "cd ${{inputs.t}} && find -L . -type f | sort; cat $(find -L . -name '*.csv')", inputs={"t": given}
        )
        assert run.finish() is RunState.COMPLETED, run.last_state()
        said = read_log(run.files)
        assert {"./a/part-0.csv", "./b/part-0.csv", "./d/part-0.csv"} <= set(said.split())
        others = {"./part-0.csv", "./monday/part-0.csv", "./tuesday/part-0.csv"}
        assert others | {"./train/part-0.csv", "./2/train/part-0.csv"} <= set(said.split())
        contents = ("parts/a", "parts/b", "single/c", "single/d", "monday", "tuesday", "years/1/train", "years/2/train")
        assert all(content in said for content in contents)


def differing(one: Launched, other: Launched) -> list[str]:
    """The inputs of which a comparison says that they differ."""
    store = Store(one.layout)
    rows = compare(one.layout, store, [one.name, other.name]).rows
    return [row.name for row in rows if row.kind == "input" and row.differs]


def again(run: Launched) -> Launched:
    repeated = Launched(run.layout, rerun(run.layout, run.name).name)
    assert repeated.finish() is RunState.COMPLETED, repeated.last_state()
    return repeated


@pytest.mark.parametrize("mode", ["ro_mount", "eval_mount", "eval_download"])
@pytest.mark.parametrize("part", ["file: ../data/a.csv", "folder: ../data", "pattern: ../data/**/*.csv"])
def test_files_that_a_table_has_elsewhere_are_its_data(
    launch: Launch, here: Path, part: str, mode: Literal["ro_mount", "eval_mount", "eval_download"]
) -> None:
    (here / "data").mkdir()
    (here / "data" / "a.csv").write_text("one")
    (here / "table").mkdir()
    (here / "table" / "MLTable").write_text(f"paths:\n  - {part}\n")
    first = launch("sleep 1", inputs={"t": Input(type="mltable", path=str(here / "table"), mode=mode)})
    assert first.finish() is RunState.COMPLETED, first.last_state()
    assert rerun(first.layout, first.name).warnings == ()
    assert differing(first, again(first)) == []
    (here / "data" / "a.csv").write_text("another")
    told = rerun(first.layout, first.name)
    assert [text for text in told.warnings if "the input t is not as it was" in text], told.warnings
    assert differing(first, again(first)) == ["t"]


@pytest.mark.parametrize("kept", ["at a URL", "in a datastore", "by a pattern"])
def test_what_a_table_has_at_a_uri_is_its_data(
    launch: Launch, layout: WorkspaceLayout, server: Server, here: Path, kept: str
) -> None:
    (here / "store").mkdir()
    (here / "table").mkdir()
    (here / "table" / "own.csv").write_text("own")
    add_datastore(layout, "kept", str(here / "store"))

    def put(text: str) -> str:
        (here / "store" / "a.csv").write_text(text)
        url = server.serve("/a.csv", text.encode())
        return {
            "at a URL": f"file: {url}",
            "in a datastore": "file: azureml://datastores/kept/paths/a.csv",
            "by a pattern": "pattern: azureml://datastores/kept/paths/*.csv",
        }[kept]

    (here / "store" / "other.txt").write_text("of no table")
    parts = f"paths:\n  - file: ./own.csv\n  - {put('one')}\n"
    (here / "table" / "MLTable").write_text(parts)
    draft = AssetVersion("data", "table", "1", "mltable", str(here / "table"), stat_fingerprint(here / "table"))
    add_asset(layout, draft)
    given = {"t": Input(type="mltable", path="azureml:table:1", mode="eval_mount")}
    first = launch("cat ${{inputs.t}}/*", inputs=given)
    assert first.finish() is RunState.COMPLETED, first.last_state()
    (here / "store" / "other.txt").write_text("still of no table")
    same = again(first)
    assert same.warnings() == [] and differing(first, same) == []
    put("another")
    changed = again(first)
    assert read_log(changed.files) == "anotherown"
    assert differing(first, changed) == ["t"]
    told = "\n".join(changed.warnings())
    assert f"input t is not as it was in {first.name}" in told
    assert "has changed since azureml:table:1 was first fetched" in told


def test_a_workspace_is_no_part_of_a_table(launch: Launch, here: Path) -> None:
    (here / "a.csv").write_text("one")
    (here / "table").mkdir()
    (here / "table" / "MLTable").write_text("paths:\n  - folder: ..\n")
    given = Input(type="mltable", path=str(here / "table"), mode="eval_mount")
    first = launch("cd ${{inputs.t}} && find . -name '.workbench' -o -name 'a.csv'", inputs={"t": given})
    assert first.finish() is RunState.COMPLETED, first.last_state()
    found = read_log(first.files).split()
    assert len(found) == 1 and found[0].endswith("/a.csv")
    assert differing(first, again(first)) == []
