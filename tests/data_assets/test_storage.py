"""Places that fsspec reads and writes: single files, folders, what breaks; with file systems that need no network."""

import hashlib
import io
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFile, MemoryFileSystem
from workbench.data.cache import DataCache
from workbench.data.fetch import Fetched, fetch
from workbench.data.remote import RemoteFile, Survey
from workbench.data.urls import folder_url, fsspec_url, joined, last_name
from workbench.data.watching import Watcher
from workbench.lifecycle.logs import read_log
from workbench.spec import Input, Output
from workbench_store.errors import DataError, SpecError
from workbench_store.states import RunState

from tests.lifecycle.launched import Launch

MIB = 1024 * 1024


class Flaky(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Files in memory whose readers break off: as many times as `breaks` says, a MiB further each time."""

    protocol = "flaky"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    breaks = 0

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.replace("flaky://", "memory://")))

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        opened = super()._open(path, mode, **options)
        return Reader(opened.getvalue()) if mode == "rb" else opened


class Reader(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        if Flaky.breaks > 0 and self.tell() % (2 * MIB) == MIB:
            Flaky.breaks -= 1
            raise TimeoutError("nothing came for a while")
        return super().read(MIB)


@pytest.fixture
def flaky() -> Iterator[type[Flaky]]:
    fsspec.register_implementation("flaky", Flaky, clobber=True)
    Flaky.store.clear()
    Flaky.breaks = 0
    yield Flaky
    Flaky.store.clear()


class Connecting(Flaky):
    """A file system that connects when it is made, as FTP's and others do."""

    protocol = "connecting"
    cachable = False
    port = 0

    def __init__(self, **options: Any) -> None:
        socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        super().__init__(**options)

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(path.replace("connecting://", "flaky://"))


def test_a_server_that_is_gone_before_anything_is_asked_is_made_up_for_by_the_cache(
    flaky: type[Flaky], here: Path
) -> None:
    fsspec.register_implementation("connecting", Connecting, clobber=True)
    put("/shelf/a.txt", b"known")
    with socket.create_server(("127.0.0.1", 0)) as server:
        Connecting.port = server.getsockname()[1]
        get("connecting://shelf/a.txt", here, "uri_file")
    told: list[str] = []
    found = fetch(DataCache(), "connecting://shelf/a.txt", "uri_file", here / "run", Watcher(warn=told.append))
    assert found.cached and found.tree.path.read_bytes() == b"known" and "cannot be reached" in told[0]
    with pytest.raises(DataError, match=r"cannot be reached.*refused"):
        get("connecting://shelf/b.txt", here, "uri_file")


def put(path: str, data: bytes) -> None:
    Flaky().pipe_file(path, data)


def get(url: str, here: Path, type: str = "uri_folder") -> Fetched:
    (here / "run").mkdir(exist_ok=True)
    return fetch(DataCache(), url, type, here / "run", Watcher())


def files_of(found: Fetched) -> dict[str, bytes]:
    root = found.tree.path
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_folder_comes_with_all_that_is_in_it(flaky: type[Flaky], here: Path) -> None:
    put("/bucket/data/a.txt", b"a")
    put("/bucket/data/sub/b c.txt", b"b")
    put("/bucket/other.txt", b"not this")
    found = get("flaky://bucket/data", here)
    assert files_of(found) == {"a.txt": b"a", "sub/b c.txt": b"b"}
    assert found.tree.fingerprint == f"sha256:{found.tree.id}"
    assert get("flaky://bucket/data", here).cached
    put("/bucket/data/new.txt", b"n")
    assert set(files_of(get("flaky://bucket/data", here))) == {"a.txt", "sub/b c.txt", "new.txt"}


def test_a_file_that_breaks_off_is_gone_on_with(flaky: type[Flaky], here: Path) -> None:
    data = bytes(range(256)) * (5 * MIB // 256)
    put("/bucket/a.bin", data)
    flaky.breaks = 2
    found = get("flaky://bucket/a.bin", here, "uri_file")
    assert found.tree.path.read_bytes() == data
    assert found.tree.fingerprint == f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_a_folder_that_breaks_off_keeps_the_files_that_have_come(flaky: type[Flaky], here: Path) -> None:
    put("/bucket/data/1.bin", b"1" * 10)
    put("/bucket/data/2.bin", b"2" * 2 * MIB)
    flaky.breaks = 99
    with pytest.raises(DataError, match=r"TimeoutError: nothing came.*1\.0 MiB of 2\.0 MiB of 2\.bin have come"):
        get("flaky://bucket/data", here)
    assert not DataCache().trees.exists() or list(DataCache().trees.iterdir()) == []
    flaky.breaks = 0
    assert {name: len(data) for name, data in files_of(get("flaky://bucket/data", here)).items()} == {
        "1.bin": 10,
        "2.bin": 2 * MIB,
    }


@pytest.mark.parametrize(
    ("url", "type", "message"),
    [
        ("flaky://bucket/none", "uri_folder", "is not there"),
        ("flaky://bucket/a.txt", "uri_folder", "is a file"),
        ("flaky://bucket", "uri_file", "is a folder"),
    ],
)
def test_what_is_not_as_said_is_refused(flaky: type[Flaky], here: Path, url: str, type: str, message: str) -> None:
    put("/bucket/a.txt", b"a")
    with pytest.raises(DataError, match=message):
        get(url, here, type)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("wasbs://c@a.blob.core.windows.net/p/q", "abfs://c@a.dfs.core.windows.net/p/q"),
        ("wasb://c@a.blob.core.chinacloudapi.cn", "abfs://c@a.dfs.core.chinacloudapi.cn/"),
        ("abfss://c@a.dfs.core.windows.net/p", "abfs://c@a.dfs.core.windows.net/p"),
        ("s3a://b/k", "s3://b/k"),
        ("gs://b/k", "gs://b/k"),
    ],
)
def test_azures_schemes_become_what_fsspec_knows(given: str, meant: str) -> None:
    assert fsspec_url(given) == meant


def test_a_folder_of_an_account_has_a_browsers_form_too() -> None:
    assert folder_url("https://a.blob.core.windows.net/c/p/") == "abfss://c@a.dfs.core.windows.net/p/"
    assert folder_url("https://example.org/c/p/") == "https://example.org/c/p/"
    assert joined("s3://b/k/", "x/y") == "s3://b/k/x/y"
    assert joined("https://h/b?sv=1", "x") == "https://h/b/x?sv=1"
    assert last_name("https://h/a%20b.csv?x=1") == "a b.csv"
    assert last_name("https://h/..%2F..%2Fetc") == ".._.._etc"
    assert last_name("https://h/") == "data"


# -- in runs; `local:` is fsspec's own file system under a name that is no local path to a job file


def test_a_run_reads_and_writes_what_fsspec_knows(launch: Launch, here: Path) -> None:
    (here / "there").mkdir()
    (here / "there" / "a.txt").write_text("a\n")
    run = launch(
        "cat ${{inputs.d}}/a.txt; cp ${{inputs.d}}/a.txt ${{outputs.o}}/b.txt\n"
        "echo s > ${{outputs.f}}; echo ${{outputs.u}}",
        name="writer",
        inputs={"d": Input(path=f"local://{here}/there")},
        outputs={
            "o": Output(path=f"local://{here}/cloud/${{{{name}}}}/o", name="copied"),
            "f": Output(type="uri_file", path=f"local://{here}/cloud/f.txt", mode="upload"),
            "u": Output(path=f"local://{here}/cloud/own", mode="direct"),
        },
    )
    assert run.finish() is RunState.COMPLETED, run.last_state()
    assert read_log(run.files) == f"a\nlocal://{here}/cloud/own\n"
    assert (here / "cloud" / "writer" / "o" / "b.txt").read_text() == "a\n"
    assert (here / "cloud" / "f.txt").read_text() == "s\n"
    again = launch("cat ${{inputs.d}}/b.txt", inputs={"d": Input(path="azureml:copied:1")})
    assert again.finish() is RunState.COMPLETED
    assert read_log(again.files) == "a\n"


def test_an_upload_that_fails_keeps_the_outputs_and_can_be_finished(launch: Launch, here: Path) -> None:
    from workbench.lifecycle import collect

    (here / "cloud").write_text("a file in the way")
    run = launch("echo o > ${{outputs.o}}/f", outputs={"o": Output(path=f"local://{here}/cloud/o")})
    assert run.finish() is RunState.FAILED
    assert "outputs --collect" in run.last_state()["reason"] and "cannot be written" in run.last_state()["reason"]
    assert (run.files.named_outputs / "o" / "f").read_text() == "o\n"
    (here / "cloud").unlink()
    collect(run.layout, run.name)
    assert (here / "cloud" / "o" / "f").read_text() == "o\n"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("https://example.org/x", "nothing can be written to https:"),
        ("s3://user:password@bucket/x", "password or signature"),
        ("nosuch://bucket/x", "no scheme that fsspec knows"),
        ("azureml://datastores/none/paths/x", "no datastore 'none'"),
    ],
)
def test_what_cannot_be_written_to_is_refused_at_submit(launch: Launch, path: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        launch("true", outputs={"o": Output(path=path)})


# -- listings that no disk can hold as they are


def put_as(path: str, data: bytes) -> None:
    """Into the store as it stands, also what its methods would tidy."""
    Flaky.store[path] = MemoryFile(Flaky(), path, data)


def blobs_are_whole() -> bool:
    return all(hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name for blob in DataCache().blobs.iterdir())


def nothing_is_left_of_a_tree() -> bool:
    return not DataCache().trees.exists() or all(not tree.name.startswith(".") for tree in DataCache().trees.iterdir())


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["./q", "q"], "two files that would both be 'q'"),
        (["a//b", "a/b"], "two files that would both be 'a/b'"),
        (["x", "x/y"], "a file 'x' and a file 'x/y' below it"),
        (["x/y/z", "x"], "a file 'x' and a file 'x/y/z' below it"),
        (["ok", "é" * 128], "ééé.*256 bytes, and a name has at most 255"),
        (["\ud800"], "cannot be written here"),
        (["../q"], "is no path below"),
    ],
)
def test_names_that_cannot_be_side_by_side_are_refused_and_harm_nothing(
    flaky: type[Flaky], here: Path, names: list[str], message: str
) -> None:
    put("/bucket/first/q", b"kept before")
    kept = get("flaky://bucket/first", here)
    for number, name in enumerate(names):
        put_as(f"/bucket/data/{name}", b"other %d" % number)
    with pytest.raises(DataError, match=message):
        get("flaky://bucket/data", here)
    assert files_of(kept) == {"q": b"kept before"}
    assert blobs_are_whole() and nothing_is_left_of_a_tree()


def test_empty_parts_of_names_and_marks_of_folders_are_left_out(flaky: type[Flaky], here: Path) -> None:
    put("/bucket/data/./q", b"q")
    put("/bucket/data/a//b", b"b")
    put_as("/bucket/data/c/", b"")
    assert files_of(get("flaky://bucket/data", here)) == {"q": b"q", "a/b": b"b"}


def test_two_names_that_the_disk_takes_for_one_are_found_out(here: Path) -> None:
    """What a disk that folds case would do, which none here does: the file is there already when its turn comes."""
    cache = DataCache()
    cache.make()
    files = (RemoteFile("A/q", ""), RemoteFile("A/./q", ""))
    with cache.partial("key", Watcher()) as partial:
        hashes = {}
        for file in files:
            partial.path(file.name).write_bytes(file.name.encode())
            hashes[file.name] = hashlib.sha256(file.name.encode()).hexdigest()
        with pytest.raises(DataError, match="'A/q' cannot be kept beside the other files"):
            cache.keep(partial, Survey(True, files), hashes, here / "run")
    assert blobs_are_whole() and list(cache.trees.iterdir()) == []


def test_a_long_name_of_a_single_file_is_cut() -> None:
    assert last_name("https://h/" + "%E6%97%A5" * 200) == "日" * 66
