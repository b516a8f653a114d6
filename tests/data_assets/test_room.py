"""Room in the cache: the limit, the disk, what goes first, and what a run uses."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from workbench.data.cache import DataCache
from workbench.data.fetch import fetch
from workbench.data.limit import data_limit
from workbench.data.watching import Watcher
from workbench_store.errors import DataError, UsageError
from workbench_store.layout import RunLayout
from workbench_store.locks import FileLock

from tests.data_assets.servers import Server
from tests.lifecycle.launched import wait_until
from tests.small_disk import small_disk

Content = Callable[[int], bytes]
MIB = 1024 * 1024


def get(url: str, user: Path) -> Path:
    user.mkdir(exist_ok=True)
    return fetch(DataCache(), url, "uri_file", user, Watcher()).tree.path


def held(run: Path) -> FileLock:
    """A run whose supervisor lives: this process holds its lock."""
    (run / "control").mkdir(parents=True)
    lock = FileLock(RunLayout(run).supervisor_lock)
    assert lock.try_acquire()
    return lock


def test_what_is_larger_than_the_limit_is_refused_before_it_is_fetched(
    server: Server, content: Content, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA_LIMIT", "1M")
    url = server.serve("/a.bin", content(2 * MIB))
    with pytest.raises(DataError, match=r"2\.0 MiB, and 1\.0 MiB of fetched data are kept") as raised:
        get(url, here / "run")
    assert "WORKBENCH_DATA_LIMIT" in str(raised.value.remedy)
    assert server.methods("/a.bin") == ["HEAD"]
    assert [path for path in DataCache().partials.iterdir() if path.is_dir()] == []


def test_what_was_used_least_recently_goes_first(
    server: Server, content: Content, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA_LIMIT", "2.5M")
    urls = [server.serve(f"/{name}.bin", content(MIB) + name.encode()) for name in "abc"]
    first, second = get(urls[0], here / "run"), get(urls[1], here / "run")
    get(urls[0], here / "run")  # now b is the one not used for longest
    third = get(urls[2], here / "run")
    assert (first.exists(), second.exists(), third.exists()) == (True, False, True)
    assert sum(blob.stat().st_size for blob in DataCache().blobs.iterdir()) < 2.5 * MIB


def test_what_a_living_run_uses_stays(
    server: Server, content: Content, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA_LIMIT", "1.5M")
    lock = held(here / "run")
    kept = get(server.serve("/a.bin", content(MIB)), here / "run")
    other = server.serve("/b.bin", content(MIB) + b"b")
    with pytest.raises(DataError, match="used by runs that go on"):
        get(other, here / "second")
    assert kept.exists()
    lock.release()
    get(other, here / "second")
    assert not kept.exists()


def test_a_download_that_goes_on_has_its_room(
    server: Server, content: Content, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one is on its way, another that would not fit beside it is refused, though little has come yet."""
    monkeypatch.setenv("WORKBENCH_DATA_LIMIT", "3M")
    slow = server.serve("/slow.bin", content(2 * MIB), hold_after=1000)
    places: list[Path] = []
    thread = threading.Thread(target=lambda: places.append(get(slow, here / "one")))
    thread.start()
    assert server.paths["/slow.bin"].held.wait(30)
    with pytest.raises(DataError, match="no room"):
        get(server.serve("/other.bin", content(2 * MIB)), here / "two")
    server.paths["/slow.bin"].let_go.set()
    thread.join()
    assert places[0].stat().st_size == 2 * MIB


@pytest.mark.parametrize(
    "lies", [{"said": 10}, {"said": 0}, {"head": False, "sized": False}, {"said": 10, "sized": False}]
)
@pytest.mark.parametrize("over", [5, 2 * MIB])
def test_the_limit_is_kept_whatever_a_server_says_of_sizes(
    server: Server, content: Content, here: Path, monkeypatch: pytest.MonkeyPatch, lies: dict[str, Any], over: int
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA_LIMIT", "1M")
    url = server.serve("/a.bin", content(MIB + over), tag=False, **lies)
    with pytest.raises(DataError, match=r"1\.0 MiB of fetched data are kept at most"):
        get(url, here / "run")
    cache = DataCache()
    assert list(cache.blobs.iterdir()) == [] and list(cache.trees.iterdir()) == []
    assert [path for path in cache.partials.iterdir() if path.is_dir()] == []


def test_what_is_larger_than_it_was_said_to_be_takes_nothing_from_a_living_run(
    server: Server, content: Content, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA_LIMIT", "1.5M")
    lock = held(here / "run")
    kept = get(server.serve("/a.bin", content(MIB)), here / "run")
    url = server.serve("/b.bin", content(MIB) + b"b", said=10)
    with pytest.raises(DataError, match="used by runs that go on"):
        get(url, here / "second")
    lock.release()
    assert get(url, here / "second").stat().st_size == MIB + 1 and not kept.exists()


def test_two_who_want_the_same_fetch_it_once(server: Server, content: Content, here: Path) -> None:
    url = server.serve("/a.bin", content(MIB), hold_after=1000)
    places: list[Path] = []
    threads = [threading.Thread(target=lambda name=name: places.append(get(url, here / name))) for name in "abc"]
    for thread in threads:
        thread.start()
    assert server.paths["/a.bin"].held.wait(30)
    wait_until(lambda: server.methods("/a.bin").count("HEAD") == 3, "all three to have asked")
    server.paths["/a.bin"].let_go.set()
    for thread in threads:
        thread.join()
    assert len(places) == 3 and len(set(places)) == 1
    assert server.methods("/a.bin").count("GET") == 1


FETCH = """
import sys
from pathlib import Path
from workbench.data.cache import DataCache
from workbench.data.fetch import fetch
from workbench.data.watching import Watcher
from workbench_store.errors import WorkbenchError
try:
    print(fetch(DataCache(), sys.argv[1], "uri_file", Path(sys.argv[2]), Watcher()).tree.path)
except WorkbenchError as error:
    print(type(error).__name__, error)
"""


def test_a_full_disk_is_said_and_nothing_is_kept(server: Server, content: Content, here: Path) -> None:
    """The system refuses more bytes in a file, as it does when a disk or a quota is full."""
    url = server.serve("/a.bin", content(4 * MIB))
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({MIB}, {MIB}))\n"
    done = subprocess.run(
        [sys.executable, "-c", limited + FETCH, url, str(here / "run")], capture_output=True, text=True
    )
    assert done.stdout.startswith("DataError there is no room in"), done.stdout + done.stderr
    assert "nothing of it was kept" in done.stdout
    assert [path for path in DataCache().partials.iterdir() if path.is_dir()] == []
    assert get(url, here / "run").stat().st_size == 4 * MIB


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of little more than what is always left free to others."""
    with small_disk(tmp_path / "small", 80 * MIB) as place:
        yield place


def test_a_disk_too_small_is_seen_before_anything_is_fetched(
    server: Server, content: Content, here: Path, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_CACHE", str(disk))
    url = server.serve("/a.bin", b"", length=30 * MIB)
    with pytest.raises(DataError, match="there is no room for it") as raised:
        get(url, here / "run")
    assert "runs that go on" not in str(raised.value) and "those runs" not in str(raised.value.remedy)
    assert server.methods("/a.bin") == ["HEAD"]
    assert get(server.serve("/b.bin", content(MIB)), here / "run").stat().st_size == MIB


@pytest.mark.parametrize(
    ("text", "size"), [("", 50 * 1024**3), ("17", 17), ("2k", 2048), ("1.5 MiB", 1536 * 1024), ("3GB", 3 * 1024**3)]
)
def test_the_limit_is_read_as_people_write_it(monkeypatch: pytest.MonkeyPatch, text: str, size: int) -> None:
    monkeypatch.setenv("WORKBENCH_DATA_LIMIT", text)
    assert data_limit() == size


def test_a_limit_that_is_no_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_DATA_LIMIT", "lots")
    with pytest.raises(UsageError, match="WORKBENCH_DATA_LIMIT=lots"):
        data_limit()
