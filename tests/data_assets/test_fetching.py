"""Fetching from the web into the cache: resumed, verified, kept once, never half done."""

import hashlib
import shutil
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from workbench.data.cache import DataCache
from workbench.data.fetch import Fetched, fetch
from workbench.data.watching import Stopped, Watcher
from workbench_store.errors import DataError

from tests.data_assets.servers import Server, md5_of

pytestmark = pytest.mark.slow

Content = Callable[[int], bytes]
MIB = 1024 * 1024


@pytest.fixture
def user(here: Path) -> Path:
    """The folder of a run that nobody holds."""
    folder = here / "run"
    folder.mkdir()
    return folder


def get(url: str, user: Path, type: str = "uri_file", watcher: Watcher | None = None) -> Fetched:
    return fetch(DataCache(), url, type, user, watcher or Watcher())


def leftovers() -> list[str]:
    """What is in the cache beside whole trees and what they are made of."""
    cache = DataCache()
    return [path.name for path in cache.partials.iterdir() if path.is_dir()] if cache.partials.exists() else []


def test_a_file_comes_whole_with_its_name_and_hash(server: Server, content: Content, user: Path) -> None:
    data = content(3 * MIB + 17)
    found = get(server.serve("/some/iris.csv", data), user)
    assert found.tree.path.name == "iris.csv"
    assert found.tree.path.read_bytes() == data
    assert found.tree.fingerprint == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert found.tree.path.stat().st_mode & 0o777 == 0o444
    assert found.tree.path.parent.stat().st_mode & 0o777 == 0o555
    assert not found.cached and leftovers() == []


def test_an_empty_file_is_a_file(server: Server, user: Path) -> None:
    assert get(server.serve("/empty", b""), user).tree.path.read_bytes() == b""


def test_an_unchanged_url_costs_one_head(server: Server, content: Content, user: Path) -> None:
    url = server.serve("/a.bin", content(MIB))
    first = get(url, user)
    server.asked.clear()
    assert get(url, user) == Fetched(first.tree, True)
    assert server.methods("/a.bin") == ["HEAD"]


def test_a_changed_url_is_fetched_again_and_the_old_content_stays(server: Server, user: Path) -> None:
    url = server.serve("/a.txt", b"one")
    old = get(url, user)
    server.serve("/a.txt", b"two")
    new = get(url, user)
    assert (old.tree.path.read_bytes(), new.tree.path.read_bytes()) == (b"one", b"two")


def test_the_same_content_is_kept_once(server: Server, content: Content, user: Path) -> None:
    data = content(MIB)
    one = get(server.serve("/one.bin", data), user)
    two = get(server.serve("/two.bin", data), user)
    assert one.tree.path.samefile(two.tree.path) and one.tree.path.name != two.tree.path.name


def test_a_connection_that_breaks_is_gone_on_with(server: Server, content: Content, user: Path) -> None:
    data = content(3 * MIB)
    url = server.serve("/a.bin", data, cut_after=MIB + 5, cuts=2, md5=md5_of(data))
    assert get(url, user).tree.path.read_bytes() == data
    assert server.ranges("/a.bin") == [None, f"bytes={MIB + 5}-", f"bytes={2 * MIB + 10}-"]


def test_a_server_without_ranges_is_asked_for_all_of_it_again(server: Server, content: Content, user: Path) -> None:
    data = content(MIB)
    url = server.serve("/a.bin", data, cut_after=1000, cuts=1, ranges=False)
    assert get(url, user).tree.path.read_bytes() == data


def test_a_file_that_changes_in_the_middle_is_begun_again(server: Server, content: Content, user: Path) -> None:
    url = server.serve("/a.bin", content(2 * MIB), cut_after=MIB, cuts=99)
    with pytest.raises(DataError, match=r"1\.0 MiB of 2\.0 MiB"):
        # Every answer is cut after a byte more of nothing: the second and third get no further.
        server.paths["/a.bin"].ranges = False
        get(url, user)
    other = content(2 * MIB)
    server.serve("/a.bin", other)
    assert get(url, user).tree.path.read_bytes() == other


def test_what_had_come_is_gone_on_from_in_the_next_attempt(server: Server, content: Content, user: Path) -> None:
    data = content(2 * MIB)
    url = server.serve("/a.bin", data, cut_after=MIB, cuts=1)
    server.paths["/a.bin"].content = data
    watcher = Watcher(progress=lambda done, total: server.paths["/a.bin"].__setattr__("failures", 99))
    with pytest.raises(DataError, match=r"503.*1\.0 MiB of 2\.0 MiB of a\.bin have come") as raised:
        get(url, user, watcher=watcher)
    assert "what has come is kept" in str(raised.value)
    server.paths["/a.bin"].failures = 0
    server.asked.clear()
    assert get(url, user).tree.path.read_bytes() == data
    assert server.ranges("/a.bin") == [f"bytes={MIB}-"]


@pytest.mark.parametrize("lacks", [{"tag": False}, {"ranges": False}])
def test_what_cannot_be_gone_on_from_is_said_to_begin_again(
    server: Server, user: Path, content: Content, lacks: dict[str, bool]
) -> None:
    url = server.serve("/a.bin", content(2 * MIB), cut_after=MIB, cuts=9, **lacks)
    with pytest.raises(DataError, match=r"1\.0 MiB of 2\.0 MiB of a\.bin have come") as raised:
        get(url, user)
    assert "begins again" in str(raised.value.remedy) and "is kept" not in str(raised.value.remedy)


def test_what_came_of_a_chunk_that_was_cut_is_counted_and_gone_on_from(
    server: Server, user: Path, content: Content
) -> None:
    data = content(MIB // 4)
    url = server.serve("/a.bin", data, chunked=True, cut_after=1000, cuts=1)
    watcher = Watcher(progress=lambda done, total: server.paths["/a.bin"].__setattr__("failures", 99))
    with pytest.raises(DataError, match=r"1000 bytes( of 256\.0 KiB)? of a\.bin have come") as raised:
        get(url, user, watcher=watcher)
    assert "is kept" in str(raised.value.remedy)
    server.paths["/a.bin"].failures = 0
    server.asked.clear()
    assert get(url, user).tree.path.read_bytes() == data
    assert server.ranges("/a.bin") == ["bytes=1000-"]


def test_a_file_that_ends_too_early_is_no_file(server: Server, user: Path) -> None:
    url = server.serve("/a.bin", b"x" * 100, length=200)
    with pytest.raises(DataError, match=r"100 bytes of 200 bytes of a\.bin have come"):
        get(url, user)
    assert list(DataCache().trees.iterdir()) == []


def test_a_checksum_that_does_not_fit_leaves_nothing(server: Server, user: Path) -> None:
    url = server.serve("/a.bin", b"what came", md5=md5_of(b"what was meant"))
    with pytest.raises(DataError, match="did not come as it was sent: its MD5 is") as raised:
        get(url, user)
    assert "damaged" in str(raised.value.remedy)
    assert leftovers() == [] and list(DataCache().trees.iterdir()) == []


def test_a_wrong_part_of_an_earlier_attempt_is_found_out(server: Server, content: Content, user: Path) -> None:
    """The first half of a download is damaged on the disk before the second half comes."""
    data = content(2 * MIB)
    url = server.serve("/a.bin", data, cut_after=MIB, cuts=1, md5=md5_of(data))
    watcher = Watcher(progress=lambda done, total: server.paths["/a.bin"].__setattr__("failures", 99))
    with pytest.raises(DataError):
        get(url, user, watcher=watcher)
    (part,) = DataCache().partials.glob("*/files/*")
    part.write_bytes(b"\0" * MIB)
    server.paths["/a.bin"].failures = 0
    assert get(url, user).tree.path.read_bytes() == data


def test_the_rest_of_a_file_of_another_size_is_not_taken(server: Server, content: Content, user: Path) -> None:
    data = content(2000)
    url = server.serve("/a.bin", data, cut_after=1000, cuts=1, part="bytes 1000-1499/1500")
    assert get(url, user).tree.path.read_bytes() == data
    assert server.ranges("/a.bin")[-1] is None, "it is begun again"


@pytest.mark.parametrize("told", ["bytes 1000-1999/1500", "bytes 1000-/2000", "bytes 1000-x/y", "bytes 1000-999/2000"])
def test_a_rest_that_contradicts_itself_is_not_taken(server: Server, content: Content, user: Path, told: str) -> None:
    url = server.serve("/a.bin", content(2000), cut_after=1000, cuts=1, part=told)
    with pytest.raises(DataError, match="another part"):
        get(url, user)


def test_a_server_that_is_busy_is_asked_again(server: Server, user: Path) -> None:
    url = server.serve("/a.txt", b"here", failures=2, status=503)
    assert get(url, user).tree.path.read_bytes() == b"here"


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (404, "Check the URL"),
        (401, "signature or token"),
        (410, "Check"),
    ],
)
def test_a_refusal_is_final_and_says_what_to_do(server: Server, user: Path, status: int, remedy: str) -> None:
    url = server.serve("/a.txt", b"", failures=1, status=status)
    with pytest.raises(DataError, match=str(status)) as raised:
        get(url, user)
    assert remedy in str(raised.value.remedy)
    assert server.methods("/a.txt") == ["HEAD"]


@pytest.mark.parametrize("status", [202, 204, 226, 300, 302, 304])
def test_an_answer_that_is_no_file_is_not_kept(server: Server, user: Path, status: int) -> None:
    url = server.serve("/a.txt", b"moved", failures=99, status=status)
    with pytest.raises(DataError, match=f"the server answered {status}"):
        get(url, user)


def test_a_server_that_knows_no_head_is_no_trouble(server: Server, content: Content, user: Path) -> None:
    data = content(2 * MIB)
    url = server.serve("/a.bin", data, head=False, cut_after=MIB, cuts=1)
    assert get(url, user).tree.path.read_bytes() == data
    assert server.ranges("/a.bin") == [None, f"bytes={MIB}-"]


def test_without_a_version_nothing_is_gone_on_with_blindly(server: Server, content: Content, user: Path) -> None:
    data = content(2 * MIB)
    url = server.serve("/a.bin", data, tag=False, cut_after=MIB, cuts=1)
    assert get(url, user).tree.path.read_bytes() == data


def test_a_server_that_is_gone_is_made_up_for_by_the_cache(server: Server, user: Path) -> None:
    url = server.serve("/a.txt", b"known")
    get(url, user)
    server.close()
    told: list[str] = []
    found = get(url, user, watcher=Watcher(warn=told.append))
    assert found.cached and found.tree.path.read_bytes() == b"known"
    assert "cannot be reached" in told[0] and "is used" in told[0]
    with pytest.raises(DataError, match=r"cannot be reached.*refused"):
        get(server.url("/other.txt"), user)


def test_secrets_of_a_url_are_in_no_message_and_no_file(server: Server, user: Path) -> None:
    secret = "abcdef0123456789"
    url = server.serve("/a.txt", b"content") + f"?sv=1&sig={secret}"
    get(url, user)
    with pytest.raises(DataError, match="REDACTED") as raised:
        get(server.url("/none.txt") + f"?sig={secret}", user)
    assert secret not in str(raised.value)
    server.close()
    with pytest.raises(DataError) as raised:
        get(server.url("/none.txt") + f"?sig={secret}", user)
    assert secret not in str(raised.value)
    for path in DataCache().root.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()


def test_a_cached_file_that_somebody_changed_is_not_given_out(server: Server, user: Path) -> None:
    url = server.serve("/a.txt", b"right")
    place = get(url, user).tree.path
    place.chmod(0o644)
    place.write_bytes(b"wrong")
    assert get(url, user).tree.path.read_bytes() == b"right"


# -- addresses that look alike

CHANGED = "Wed, 21 Oct 2015 07:28:00 GMT"
SAS = "sv=2024-01-01&sp=r&se=2026-0{n}-01&sig={n}abcdef"
AMZ = "X-Amz-Date=2026010{n}&X-Amz-Credential=k{n}&X-Amz-Signature={n}abc"


@pytest.mark.parametrize("key", ["keyword", "author", "key", "code", "auth", "token", "sig", "pageToken"])
def test_no_address_stands_in_for_another(server: Server, user: Path, key: str) -> None:
    cats, dogs = (
        server.serve(f"/a?{key}={name}", name.encode(), tag=False, changed=CHANGED) for name in ("cats", "dogs")
    )
    for _ in range(2):
        assert get(cats, user).tree.path.read_bytes() == b"cats"
        assert get(dogs, user).tree.path.read_bytes() == b"dogs"


@pytest.mark.parametrize("key", ["key", "token", "sig"])
def test_what_another_address_had_is_not_made_do_with(server: Server, user: Path, key: str) -> None:
    get(server.serve(f"/a?{key}=cats", b"cats"), user)
    dogs = server.serve(f"/a?{key}=dogs", b"dogs", failures=99)
    with pytest.raises(DataError, match="503"):
        get(dogs, user)


@pytest.mark.parametrize("key", ["key", "token"])
def test_a_part_of_another_address_is_not_gone_on_with(server: Server, user: Path, key: str) -> None:
    cats = server.serve(f"/a?{key}=cats", b"c" * MIB * 3, tag=False, changed=CHANGED, cut_after=2 * MIB, cuts=3)
    cats_served = server.paths[f"/a?{key}=cats"]
    cats_served.ranges = False
    with pytest.raises(DataError):
        get(cats, user)
    dogs = server.serve(f"/a?{key}=dogs", b"d" * MIB * 3, tag=False, changed=CHANGED)
    assert get(dogs, user).tree.path.read_bytes() == b"d" * MIB * 3


@pytest.mark.parametrize("signed", [SAS, AMZ, "token={n}", "x=1&access_token={n}"])
def test_what_is_signed_anew_is_not_fetched_again(server: Server, user: Path, signed: str) -> None:
    url = server.serve("/a", b"content")
    for number in range(1, 4):
        assert get(f"{url}?{signed.format(n=number)}", user).cached is (number > 1)
    assert server.methods("/a").count("GET") == 1


def test_what_a_new_password_opens_is_not_fetched_again(server: Server, user: Path) -> None:
    url = server.serve("/a", b"content").replace("http://", "http://me:{}@")
    assert [get(url.format(word), user).cached for word in ("old", "new")] == [False, True]


# -- servers that misbehave


@pytest.mark.parametrize("status", [206, 416])
def test_a_server_that_never_sends_all_of_it_is_given_up(server: Server, user: Path, status: int) -> None:
    url = server.serve("/a.txt", b"content", lie=status)
    with pytest.raises(DataError, match=f"the server answered {status}, and was asked for all of it"):
        get(url, user)
    assert server.methods("/a.txt").count("GET") == 3


def test_a_version_that_changes_with_every_answer_is_begun_again_once_each_time(
    server: Server, content: Content, user: Path
) -> None:
    data = content(2 * MIB)
    url = server.serve("/a.bin", data, cut_after=MIB, cuts=1)
    behaviour = server.paths["/a.bin"]
    watcher = Watcher(waiting=lambda seconds, reason: behaviour.__setattr__("lie", 206))
    with pytest.raises(DataError, match=r"206|another part"):
        get(url, user, watcher=watcher)
    behaviour.lie = None
    assert get(url, user).tree.path.read_bytes() == data


@pytest.mark.parametrize("target", ["http://[::1", "http://", "nosuch://x/y", "http://h:99999999/"])
def test_a_redirect_to_what_is_no_url_is_said(server: Server, user: Path, target: str) -> None:
    url = server.serve("/a.txt", b"", failures=99, status=302, headers={"Location": target})
    with pytest.raises(DataError, match=r"cannot be fetched|cannot be reached"):
        get(url, user)


@pytest.mark.parametrize("asked", ["86400", "99999999999999999999", "9" * 5000])
def test_no_server_makes_a_run_wait_for_long(server: Server, user: Path, asked: str) -> None:
    url = server.serve("/a.txt", b"", failures=99, headers={"Retry-After": asked})
    told: list[tuple[float, str]] = []
    watcher = Watcher()

    def waiting(seconds: float, reason: str) -> None:
        told.append((seconds, reason))
        watcher.stop.set()

    watcher.waiting = waiting
    with pytest.raises(Stopped):
        get(url, user, watcher=watcher)
    assert told == [(30.0, "the server answered 503 Service Unavailable")]


@pytest.mark.parametrize("said", ["-5", "abc", ""])
@pytest.mark.parametrize("content", [b"", b"abc"])
def test_a_size_that_is_none_is_an_error(server: Server, user: Path, said: str, content: bytes) -> None:
    url = server.serve("/a.txt", content, size_text=said)
    with pytest.raises(DataError, match="which is no size"):
        get(url, user)


def test_a_size_that_is_told_twice_is_one(server: Server, user: Path) -> None:
    assert get(server.serve("/a.txt", b"abc", size_text="3, 3"), user).tree.bytes == 3


def test_a_redirect_to_a_file_has_a_remedy(server: Server, user: Path) -> None:
    url = server.serve("/a.txt", b"", failures=99, status=302, headers={"Location": "file:///etc/hostname"})
    with pytest.raises(DataError, match="file:///etc/hostname") as raised:
        get(url, user)
    assert "where it redirects to" in str(raised.value.remedy)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_a_certificate_that_nobody_knows_is_not_tried_again(
    user: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1".split()
    made = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out own.pem -days 2".split()
    subprocess.run([*made, *names], cwd=here, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(here / "own.pem", here / "key.pem")
    server = Server(tls=tls)
    told: list[str] = []
    try:
        url = server.serve("/a.txt", b"content")
        with pytest.raises(DataError, match="certificate") as raised:
            get(url, user, watcher=Watcher(waiting=lambda seconds, reason: told.append(reason)))
        assert told == [] and "REQUESTS_CA_BUNDLE" in str(raised.value.remedy)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(here / "own.pem"))
        assert get(url, user).tree.bytes == 7
    finally:
        server.close()


def test_a_size_that_is_no_number_of_bytes_is_no_trouble(server: Server, user: Path) -> None:
    url = server.serve("/a.txt", b"content", length=int("9" * 4000))
    with pytest.raises(DataError, match=r"and 50\.0 GiB of fetched data are kept at most"):
        get(url, user)
