"""What a snapshot takes comes back as it was, is stored once, and survives what happens to it."""

import os
import random
import signal
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workbench_store.blobs import BlobStore
from workbench_store.errors import SnapshotError
from workbench_store.layout import WorkspaceLayout
from workbench_store.snapshot import (
    read_snapshot,
    stage_snapshot,
    take_snapshot,
    verify_snapshot,
    zip_snapshot,
)
from workbench_store.snapshot.preview import preview
from workbench_store.workspace import open_workspace

NAMES = st.text(
    st.characters(blacklist_characters="/\x00", blacklist_categories=["Cs"]), min_size=1, max_size=10
).filter(lambda name: name not in (".", "..", ".git", ".workbench", "__pycache__", ".amlignore", ".gitignore"))
TREES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=3).map("/".join), st.tuples(st.binary(max_size=40), st.booleans()), min_size=1
)


@pytest.fixture
def layout(tmp_path: Path) -> WorkspaceLayout:
    return open_workspace(explicit=str(tmp_path / "ws"))


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    return folder


def write(root: Path, tree: dict[str, tuple[bytes, bool]]) -> dict[str, tuple[bytes, bool]]:
    """Write what of the tree can be written (a name may be a file and a folder at once); returns that."""
    written = {}
    for path, (content, executable) in tree.items():
        place = root / path
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        except OSError:
            continue
        place.chmod(0o755 if executable else 0o644)
        written[path] = (content, executable)
    return written


def tree_of(root: Path) -> dict[str, tuple[bytes, bool]]:
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), bool(path.stat().st_mode & 0o100))
        for path in root.rglob("*")
        if path.is_file()
    }


@settings(max_examples=40)
@given(TREES)
def test_what_goes_in_comes_out(tree: dict[str, tuple[bytes, bool]]) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "code").mkdir()
        written = write(root / "code", tree)
        layout = open_workspace(explicit=str(root / "ws"))
        snapshot = take_snapshot(layout, root / "code")
        assert {entry.path for entry in read_snapshot(layout, snapshot.id).entries} == set(written)
        assert {file.path for file in preview(root / "code").files} == set(written)
        stage_snapshot(layout, snapshot.id, root / "out")
        assert tree_of(root / "out") == written
        assert verify_snapshot(layout, snapshot.id) == []
        assert verify_snapshot(layout, snapshot.id) == []
        again = take_snapshot(layout, root / "code")
        assert (again.id, again.upstream_hash) == (snapshot.id, snapshot.upstream_hash)


def blobs_of(layout: WorkspaceLayout) -> list[Path]:
    return [path for path in layout.blobs.rglob("*") if path.is_file()]


def test_the_same_code_is_stored_once(layout: WorkspaceLayout, code: Path, tmp_path: Path) -> None:
    for name in ("a.py", "b.py", "deep/c.py"):
        (code / name).parent.mkdir(exist_ok=True)
        (code / name).write_text("same")
    first = take_snapshot(layout, code)
    assert len(blobs_of(layout)) == 1
    other = tmp_path / "elsewhere"
    subprocess.run(["cp", "-r", str(code), str(other)], check=True)
    assert take_snapshot(layout, other).id == first.id
    assert len(blobs_of(layout)) == 1 and len(list(layout.snapshots.iterdir())) == 1


def test_a_job_cannot_edit_the_store(layout: WorkspaceLayout, code: Path, tmp_path: Path) -> None:
    (code / "train.py").write_text("original")
    snapshot = take_snapshot(layout, code)
    (blob,) = blobs_of(layout)
    assert stat.S_IMODE(blob.stat().st_mode) == 0o444
    stage_snapshot(layout, snapshot.id, tmp_path / "out")
    staged = tmp_path / "out" / "train.py"
    assert not staged.is_symlink() and staged.stat().st_ino != blob.stat().st_ino
    staged.write_text("edited")
    assert blob.read_text() == "original" and verify_snapshot(layout, snapshot.id) == []
    assert (code / "train.py").read_text() == "original"


@pytest.mark.parametrize("rule", ["[z-a]", "a[9-0]", "[b-a]*.py"])
def test_a_pattern_that_is_none_is_named_with_its_line(layout: WorkspaceLayout, code: Path, rule: str) -> None:
    (code / ".amlignore").write_text(f"*.tmp\n{rule}\n")
    with pytest.raises(SnapshotError, match=r"\.amlignore:2: .* is not a pattern"):
        take_snapshot(layout, code)


def test_rules_count_for_where_linked_files_are_too(layout: WorkspaceLayout, code: Path) -> None:
    (code / "data" / "deep").mkdir(parents=True)
    (code / "data" / "deep" / "big.bin").write_text("big")
    (code / "kept").mkdir()
    (code / "kept" / "a.txt").write_text("a")
    (code / "latest").symlink_to("data")
    (code / "deep").symlink_to("data/deep")
    (code / "alias").symlink_to("kept")
    (code / ".amlignore").write_text("data/\n")
    paths = {file.path for file in read_snapshot(layout, take_snapshot(layout, code).id).entries}
    assert {"kept/a.txt", "alias/a.txt"} <= paths and not [path for path in paths if "big.bin" in path]


def test_links_loops_and_devices_are_named(layout: WorkspaceLayout, code: Path, tmp_path: Path) -> None:
    (code / "real.py").write_text("x")
    (code / "alias.py").symlink_to("real.py")
    (code / "loop").symlink_to(".")
    (code / "gone").symlink_to("nowhere")
    os.mkfifo(code / "pipe")
    snapshot = take_snapshot(layout, code)
    assert [entry.path for entry in read_snapshot(layout, snapshot.id).entries] == ["alias.py", "real.py"]
    skipped = "\n".join(snapshot.warnings)
    for name in ("loop", "gone", "pipe"):
        assert name in skipped
    (tmp_path / "outside.py").write_text("y")
    (code / "out.py").symlink_to(tmp_path / "outside.py")
    with pytest.raises(SnapshotError, match=r"out\.py"):
        take_snapshot(layout, code)
    followed = take_snapshot(layout, code, follow_links=True)
    assert "out.py" in [entry.path for entry in read_snapshot(layout, followed.id).entries]


def test_a_loop_below_the_root_is_entered_only_once(layout: WorkspaceLayout, code: Path) -> None:
    (code / "deep" / "er").mkdir(parents=True)
    (code / "deep" / "er" / "x.py").write_text("x")
    (code / "deep" / "er" / "up").symlink_to("..")
    (code / "other").symlink_to("deep")
    snapshot = take_snapshot(layout, code)
    assert [entry.path for entry in read_snapshot(layout, snapshot.id).entries] == ["deep/er/x.py", "other/er/x.py"]
    assert "deep/er/up: a link that loops" in snapshot.warnings


def test_never_in_a_snapshot(layout: WorkspaceLayout, code: Path) -> None:
    for folder in (".git", ".workbench", "__pycache__", "inner/__pycache__"):
        (code / folder).mkdir(parents=True)
        (code / folder / "x").write_text("x")
    (code / "inner" / "kept.py").write_text("x")
    assert [entry.path for entry in read_snapshot(layout, take_snapshot(layout, code).id).entries] == ["inner/kept.py"]


def test_nothing_to_take_is_an_error(layout: WorkspaceLayout, code: Path) -> None:
    with pytest.raises(SnapshotError, match="nothing of"):
        take_snapshot(layout, code)
    with pytest.raises(SnapshotError, match="no file or folder"):
        take_snapshot(layout, code / "gone")


def test_a_file_rewritten_with_the_same_size_and_time(layout: WorkspaceLayout, code: Path) -> None:
    file = code / "a.py"
    file.write_text("one")
    first = take_snapshot(layout, code)
    times = file.stat()
    file.write_text("two")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    second = take_snapshot(layout, code)
    assert second.id != first.id


def test_damage_is_found_and_named(layout: WorkspaceLayout, code: Path, tmp_path: Path) -> None:
    (code / "a.py").write_text("aaaa")
    (code / "b.py").write_text("bbbb")
    snapshot = take_snapshot(layout, code)
    entry = read_snapshot(layout, snapshot.id).entries[0]
    blob = layout.blobs / entry.hash[:2] / entry.hash[2:]
    blob.chmod(0o644)
    blob.write_text("AAAA")
    (problem,) = verify_snapshot(layout, snapshot.id)
    assert "a.py" in problem
    with pytest.raises(SnapshotError):
        stage_snapshot(layout, snapshot.id, tmp_path / "out")
    blob.unlink()
    with pytest.raises(SnapshotError, match="missing"):
        stage_snapshot(layout, snapshot.id, tmp_path / "out2")


@pytest.mark.parametrize("path", ["../evil", "/evil", "a/../../evil"])
def test_a_manifest_cannot_lead_out(layout: WorkspaceLayout, code: Path, tmp_path: Path, path: str) -> None:
    from workbench_store.snapshot.manifest import snapshot_id, write_manifest

    (code / "a.py").write_text("x")
    entries = tuple(
        entry._replace(path=path) for entry in read_snapshot(layout, take_snapshot(layout, code).id).entries
    )
    id = snapshot_id(entries)
    write_manifest(layout, id, entries, "f" * 64)
    with pytest.raises(SnapshotError, match="outside"):
        stage_snapshot(layout, id, tmp_path / "deep" / "out")
    assert not list(tmp_path.rglob("evil"))


def test_the_zip_depends_on_the_content_alone(layout: WorkspaceLayout, code: Path, tmp_path: Path) -> None:
    (code / "a.py").write_text("x")
    (code / "run.sh").write_text("y")
    (code / "run.sh").chmod(0o755)
    snapshot = take_snapshot(layout, code)
    zip_snapshot(layout, snapshot.id, tmp_path / "one.zip")
    time.sleep(1.1)
    os.utime(code / "a.py")
    zip_snapshot(layout, take_snapshot(layout, code).id, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.namelist() == ["a.py", "run.sh"] and archive.testzip() is None
        assert archive.getinfo("run.sh").external_attr >> 16 & 0o100


TAKER = """
import sys
from pathlib import Path
from workbench_store.snapshot import take_snapshot
from workbench_store.snapshot.preview import preview
from workbench_store.workspace import open_workspace
layout = open_workspace(explicit=sys.argv[1])
print("ready", flush=True)
take_snapshot(layout, Path(sys.argv[2]))
"""


def test_kill_minus_nine_while_taking(layout: WorkspaceLayout, code: Path) -> None:
    dice = random.Random(3)
    for number in range(150):
        (code / f"{number}.bin").write_bytes(dice.randbytes(20_000))
    for _ in range(12):
        process = subprocess.Popen(
            [sys.executable, "-c", TAKER, str(layout.root), str(code)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        time.sleep(dice.uniform(0, 0.25))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        for _again in range(5):
            (code / f"{dice.randrange(150)}.bin").write_bytes(dice.randbytes(20_000))
    snapshot = take_snapshot(layout, code)
    assert len(read_snapshot(layout, snapshot.id).entries) == 150 and verify_snapshot(layout, snapshot.id) == []


def test_two_at_once(layout: WorkspaceLayout, code: Path) -> None:
    for number in range(200):
        (code / f"{number}.txt").write_text(str(number) * 100)
    takers = [
        subprocess.Popen([sys.executable, "-c", TAKER, str(layout.root), str(code)], stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    assert [taker.communicate() and taker.returncode for taker in takers] == [0, 0, 0]
    (manifest,) = layout.snapshots.iterdir()
    assert verify_snapshot(layout, manifest.stem) == []


def test_secrets_are_named_before_anything_is_taken(code: Path) -> None:
    (code / ".env").write_text("A=1")
    (code / "settings.py").write_text('password = "correct-horse-battery"\n')
    (code / "fine.py").write_text("x = 1\n")
    found = dict(preview(code).secrets)
    assert set(found) == {".env", "settings.py"} and "correct-horse" not in str(found)


def aged(code: Path) -> None:
    """Make every file so old that a change of it would show."""
    for path in code.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    time.sleep(0.01)


@pytest.mark.parametrize(
    "change",
    [
        "nothing",
        "content",
        "new",
        "gone",
        "renamed",
        "mode",
        "rules",
        "blob gone",
        "manifest gone",
        "cache damaged",
        "link",
        "folder for file",
        "linked folder",
    ],
)
def test_a_tree_seen_before_is_taken_as_it_is_now(
    layout: WorkspaceLayout, tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench_store.stat_cache._RACY_NS", 0)
    code = tmp_path / "code"
    (code / "inner").mkdir(parents=True)
    for name in ("a.py", "b.log", "inner/c.py"):
        (code / name).write_text(f"content of {name}")
    aged(code)
    first = take_snapshot(layout, code)
    assert take_snapshot(layout, code) == first
    match change:
        case "content":
            (code / "a.py").write_text("CONTENT of a.py")
            os.utime(code / "a.py", (1_000_000_000, 1_000_000_000))
        case "new":
            (code / "d.py").write_text("new")
        case "gone":
            (code / "a.py").unlink()
        case "renamed":
            (code / "a.py").rename(code / "z.py")
        case "mode":
            (code / "a.py").chmod(0o755)
        case "rules":
            (code / ".amlignore").write_text("*.log\n")
        case "blob gone":
            next(layout.blobs.glob("??/*")).unlink()
        case "manifest gone":
            (layout.snapshots / f"{first.id}.json").unlink()
        case "cache damaged":
            cache = next(layout.stat_cache.iterdir())
            cache.write_bytes(cache.read_bytes()[:-5] + b"wrong")
        case "link":
            (code / "a.py").rename(tmp_path / "elsewhere.py")
            (code / "a.py").symlink_to(code / "inner" / "c.py")
        case "folder for file":
            (code / "a.py").unlink()
            (code / "a.py").mkdir()
            (code / "a.py" / "e.py").write_text("below")
        case "linked folder":
            (code / "inner").rename(code / "other")
            (code / "inner").symlink_to(code / "other")
    again = take_snapshot(layout, code)
    assert verify_snapshot(layout, again.id) == []
    fresh = open_workspace(explicit=str(tmp_path / "fresh"))
    assert again == take_snapshot(fresh, code)
    assert (again.id == first.id) is (change in ("nothing", "blob gone", "manifest gone", "cache damaged"))
    assert take_snapshot(layout, code) == again


@pytest.mark.parametrize("year", [1901, 2300])
def test_times_far_off(layout: WorkspaceLayout, code: Path, year: int) -> None:
    (code / "a.py").write_text("one")
    (code / "b.py").write_text("two")
    moment = (year - 1970) * 31_556_952
    os.utime(code / "a.py", (moment, moment))
    first = take_snapshot(layout, code)
    assert take_snapshot(layout, code) == first
    (code / "a.py").write_text("changed")
    os.utime(code / "a.py", (moment, moment))
    assert take_snapshot(layout, code).id != first.id


def test_files_that_come_and_go_meanwhile(layout: WorkspaceLayout, code: Path) -> None:
    (code / "stays.py").write_text("stays")
    fleeting = [code / f"temporary{number}.txt" for number in range(300)]
    busy = f"""
import os
names = {[str(path) for path in fleeting]!r}
print("going", flush=True)
while True:
    for name in names:
        open(name, "w").close()
    for name in names:
        os.unlink(name)
"""
    (code / ".amlignore").write_text("temporary*\n")
    with subprocess.Popen([sys.executable, "-c", busy], stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout is not None and other.stdout.readline() == b"going\n"
            ids = {take_snapshot(layout, code).id for _ in range(40)}
        finally:
            other.kill()
    assert len(ids) == 1


def test_a_cache_inside_of_the_code_is_left_out(
    code: Path, layout: WorkspaceLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_CACHE", str(code / "scratch" / "cache"))
    place = code / "scratch" / "cache" / "environments" / "one"
    place.mkdir(parents=True)
    (place / "python").symlink_to("/bin/sh")  # which leads out of the code
    (code / "scratch" / "own.txt").write_text("kept")
    (code / "train.py").write_text("pass")
    taken = take_snapshot(layout, code)
    assert {entry.path for entry in read_snapshot(layout, taken.id).entries} == {"scratch/own.txt", "train.py"}
    assert "cache (never in a snapshot)" in [effect.rule for effect in preview(code).rules]


def test_content_is_on_the_disk_before_it_has_its_name(
    layout: WorkspaceLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut may leave a whole name with half of its content. No process can see that; what is asked of the
    system can be seen."""
    (tmp_path / "file").write_bytes(b"content")
    done: list[str] = []
    sync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        done.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    def named(source: Path, target: Path) -> Path:
        assert str(source) in done, "synced first"
        done.append("named")
        return replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", named)
    BlobStore(layout).add_file(tmp_path / "file")
    assert done.count("named") == 1
