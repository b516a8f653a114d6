"""The log: capped while it grows, whole lines while it is followed, harmless when it is shown."""

import itertools
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workbench.client import log_cap
from workbench.client.log_cap import LogCap
from workbench.lifecycle.follow import FollowEvent, LogLine, LogPending, StageChanged, StateChanged, follow
from workbench.lifecycle.logs import (
    LogReader,
    follow_all_logs,
    follow_log,
    last_lines,
    plain_text,
    read_log,
)
from workbench_store.layout import RunLayout
from workbench_store.states import RunState

from tests.lifecycle.launched import Launch, wait_until

CAP = 64 * 1024


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunLayout:
    monkeypatch.setenv("WORKBENCH_LOG_CAP", str(CAP))
    files = RunLayout(tmp_path / "run")
    files.user_log.parent.mkdir(parents=True)
    files.control.mkdir()
    return files


@pytest.fixture(params=["holes", "no holes"])
def holes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The two ways to cut: a file system that can give blocks back, and one that cannot."""
    if request.param == "no holes":
        monkeypatch.setattr(log_cap, "_punch", lambda *arguments: False)
    return str(request.param)


def append(files: RunLayout, first: int, last: int) -> None:
    with files.user_log.open("ab") as log:
        log.write(b"".join(b"line %07d\n" % number for number in range(first, last)))


def disk_bytes(files: RunLayout) -> int:
    return sum(path.stat().st_blocks * 512 for path in files.root.rglob("*") if path.is_file())


def test_a_log_keeps_head_and_tail_and_names_the_gap(files: RunLayout, holes: str) -> None:
    cap = LogCap(files)
    for start in range(0, 100_000, 2_000):
        append(files, start, start + 2_000)
        cap.enforce()
        assert disk_bytes(files) < 4 * CAP
    before = read_log(files)
    cap.collapse()
    cap.collapse()
    after = read_log(files)
    assert after == before
    assert after == files.user_log.read_text()
    lines = after.splitlines()
    assert lines[0] == "line 0000000"
    assert lines[-1] == "line 0099999"
    (gap,) = [line for line in lines if "left out" in line]
    assert len(after) - len(gap) - 2 + int(gap.split()[1]) == 100_000 * len("line 0000000\n")


def test_a_reader_copes_with_cuts_and_with_the_end(files: RunLayout, holes: str) -> None:
    cap, reader = LogCap(files), LogReader(files)
    lines: list[str] = []
    for start in range(0, 100_000, 2_000):
        append(files, start, start + 2_000)
        lines += reader.lines()
        cap.enforce()
    append(files, 100_000, 100_010)
    cap.collapse()
    lines += reader.lines()
    assert lines == [f"line {number:07d}" for number in range(100_010)]


def test_a_log_that_was_joined_and_goes_on_keeps_head_and_tail(files: RunLayout, holes: str) -> None:
    """As of a script's run that was resumed, again and again."""
    lines = 0
    for _life in range(4):
        cap = LogCap(files)
        for _ in range(15):
            append(files, lines, lines + 2_000)
            lines += 2_000
            cap.enforce()
            assert disk_bytes(files) < 4 * CAP
        append(files, lines, lines + 10)
        lines += 10
        for _ in range(2):
            found = read_log(files).splitlines()
            (gap,) = [line for line in found if "left out" in line]
            read = sum(len(line) + 1 for line in found if line != gap) - 1
            assert read + int(gap.split()[1]) == lines * len("line 0000000\n")
            assert found[0] == "line 0000000" and found[-10:] == [f"line {n:07d}" for n in range(lines - 10, lines)]
            assert "\0" not in "".join(found)
            cap.collapse()
        assert files.user_log.read_text() == read_log(files)


def test_a_reader_that_lags_is_told_what_it_has_missed(files: RunLayout, holes: str) -> None:
    """And not what it has read before that was cut out."""
    cap, reader = LogCap(files), LogReader(files)
    lines: list[str] = []
    for start in range(0, 100_000, 2_000):
        append(files, start, start + 2_000)
        if start % 14_000 == 2_000:
            lines += reader.lines()
        cap.enforce()
    cap.collapse()
    lines += reader.lines()
    gaps = [int(line.split()[1]) for line in lines if "left out" in line]
    read = sum(len(line) + 1 for line in lines if "left out" not in line) - len(gaps)
    assert gaps and read + sum(gaps) == 100_000 * len("line 0000000\n")


def test_a_run_that_floods_its_log_stays_within_its_cap(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_LOG_CAP", str(CAP))
    run = launch("echo first; seq 1 200000; sleep 0.5; echo last")
    assert run.finish() is RunState.COMPLETED
    lines = read_log(run.files).splitlines()
    assert (lines[0], lines[-1]) == ("first", "last")
    assert any("left out" in line for line in lines)
    assert run.files.user_log.stat().st_size < 2 * CAP


def test_a_progress_bar_takes_one_line(files: RunLayout) -> None:
    reader = LogReader(files)
    files.user_log.write_bytes(b"start\r\n" + b"".join(b"\r%3d%%" % n for n in range(50)))
    assert list(reader.lines()) == ["start"]
    assert reader.pending == " 49%"
    with files.user_log.open("ab") as log:
        log.write(b"\r100%\nend")
    assert list(reader.lines()) == ["100%"]
    assert read_log(files) == "start\n100%\nend"


def test_following_a_run_tells_stages_states_and_lines(launch: Launch) -> None:
    run = launch("echo one; printf '10%%\\r20%%\\r'; while ! test -e outputs/go; do sleep 0.05; done; echo; echo two")
    seen: list[FollowEvent] = []

    def note(event: FollowEvent) -> None:
        seen.append(event)
        if isinstance(event, LogPending) and event.text == "20%":
            (run.files.outputs / "go").touch()

    assert follow(run.layout, run.name, note) is RunState.COMPLETED
    assert [event.text for event in seen if isinstance(event, LogLine)] == ["one", "20%", "two"]
    assert isinstance(seen[-1], StateChanged)
    done = [event.stage for event in seen if isinstance(event, StageChanged) and event.status == "done"]
    assert done[-1] == "release"


def test_following_a_log_ends_with_the_run(launch: Launch) -> None:
    run = launch("echo a; sleep 0.2; printf b")
    assert "".join(follow_log(run.files)) == "a\nb"


def test_following_ends_when_the_supervisor_is_gone(launch: Launch) -> None:
    run = launch("echo on > outputs/on; sleep 1000")
    run.wait_for_file("on")
    run.kill_supervisor()
    assert follow(run.layout, run.name, lambda event: None) is RunState.NOT_RESPONDING


def test_following_a_log_ends_when_the_supervisor_is_killed_meanwhile(launch: Launch) -> None:
    run = launch("echo on; echo on > outputs/on; sleep 1000")
    run.wait_for_file("on")
    pieces = follow_log(run.files)
    assert next(pieces) == "on\n"
    run.kill_supervisor()
    assert list(pieces) == [] and run.state is RunState.NOT_RESPONDING


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("tab\tstays\n", "tab\tstays\n"),
        ("bell\x07", "bell␇"),
        ("\x9b2Jc1", "c1"),
        ("over\u202ewritten", "over�written"),
    ],
)
def test_what_could_steer_a_terminal_is_shown_harmlessly(text: str, shown: str) -> None:
    assert plain_text(text) == shown


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_plain_text_holds_no_control_character(text: str) -> None:
    plain = plain_text(text)
    assert all(char in "\n\t" or not (ord(char) < 32 or 0x7F <= ord(char) < 0xA0) for char in plain)
    assert plain_text(plain) == plain


def test_a_log_that_is_not_there_is_empty(files: RunLayout) -> None:
    assert read_log(files) == ""
    assert list(LogReader(files).lines()) == []


def test_a_live_log_is_the_jobs_own_file(launch: Launch) -> None:
    """Killing whoever watches must not break the job's writing: no pipe is between them."""
    run = launch("echo on > outputs/on; echo before; while ! test -e outputs/go; do sleep 0.05; done; echo after")
    run.wait_for_file("on")
    assert run.files.user_log in _outputs(run.processes())
    run.kill_supervisor()
    (run.files.outputs / "go").touch()
    wait_until(lambda: read_log(run.files).endswith("after\n"), "the job's last words")


def _outputs(pids: Iterable[int]) -> Iterator[Path]:
    """Where the processes write to, of those that are still there: the job's own `sleep` comes and goes."""
    for pid in pids:
        with suppress(FileNotFoundError):
            yield Path(f"/proc/{pid}/fd/1").readlink()


PIECES = st.sampled_from(
    [b"loss 0.1", b"\r", b"token=", b"api_key: ", b"ghp_" + b"a1" * 18, b"\xff", "\u0130".encode(), b" ", b"password"]
)


@given(st.lists(st.lists(PIECES, max_size=5).map(b"".join), max_size=6))
def test_many_lines_are_shown_as_each_is(lines: list[bytes]) -> None:
    reader = LogReader(RunLayout(Path("none")))
    assert reader.shown(lines) == [reader.shown([line])[0] for line in lines]


KEY = [
    b"-----BEGIN RSA PRIVATE " + b"KEY-----",
    b"MIIEpAIBAAKCAQEA7bq8zq4t2mVw3PplKq1sE9zzK8pPj0yqMIIEpAIBAAKCAQEA",
    b"Ab==",
    b"-----END RSA PRIVATE " + b"KEY-----",
]


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        (b"", b""),
        (b"2026-11-29 12:00 INFO \x1b[32m", b"\x1b[0m\x1b[K"),
        (b"| ", b" |"),
        (b"  '", b"\\n',"),
        (b"", b" (keys.py:12)"),
    ],
    ids=["alone", "coloured", "framed", "quoted", "with its place"],
)
@pytest.mark.parametrize("ended", [True, False], ids=["ended", "not ended"])
def test_a_private_key_over_several_lines_is_not_shown(
    files: RunLayout, before: bytes, behind: bytes, ended: bool
) -> None:
    def lines(*shown: bytes) -> bytes:
        return b"".join(line + b"\n" for line in shown)

    def around(parts: list[bytes]) -> Iterator[bytes]:
        return (before + part + behind for part in parts)

    files.user_log.write_bytes(lines(b"a", *around(KEY[:2])))
    reader = LogReader(files)
    shown = list(reader.lines())
    with files.user_log.open("ab") as log:
        log.write(lines(*around(KEY[1 : 4 if ended else 3]), b"epoch 1 loss 0.5"))
        log.write(b"" if ended else KEY[1])
    whole = read_log(files)
    for text in ("\n".join([*shown, *reader.lines()]), whole, last_lines(files, 0, 3)):
        assert "MIIE" not in text and ("Ab==" not in text or before + behind) and "epoch 1 loss 0.5" in text
    assert whole.count("REDACTED") >= (4 if ended else 3) - bool(before + behind) and whole.startswith("a\n")


def test_after_a_private_key_everything_is_shown(files: RunLayout) -> None:
    after = [b"x" * 64, b"epoch 1", b"y" * 30]
    files.user_log.write_bytes(b"\n".join([*KEY, *after, b""]))
    assert read_log(files).splitlines()[-3:] == [line.decode() for line in after]
    words = ["Epoch", "1/10", "KeyError", "Done", "checkpoints/20240101epoch10final"]
    said = "ValueError: expected '-----BEGIN PRIVATE " + "KEY-----' at its beginning"
    files.user_log.write_text("\n".join([said, *words, *words * 10, "x" * 64]) + "\n")
    assert read_log(files).splitlines()[1:] == [*words, *words * 10, "x" * 64]


def test_a_secret_of_which_only_the_terminal_shows_the_sign_is_cut_out(files: RunLayout) -> None:
    files.user_log.write_bytes(b"\x1b[01;31m\x1b[Kpass\x1b[m\x1b[Kword=hunter2hunter\n")
    assert read_log(files) == "\x1b[01;31m\x1b[Kpass\x1b[m\x1b[Kword=REDACTED\n"
    coloured = KEY[0].replace(b"BEGIN", b"\x1b[01;31m\x1b[KBEGIN\x1b[m\x1b[K").replace(b"PRIVATE", b"PRIVATE\x1b[0m")
    files.user_log.write_bytes(b"\n".join([coloured, *KEY[1:], b"a", b""]))
    for text in (read_log(files), last_lines(files, 0, 4), last_lines(files, 0, 3)):
        assert "MIIE" not in text and "a\n" in text


def test_a_key_that_never_ends_does_not_hide_a_log(files: RunLayout) -> None:
    said = "scan: rule matched '-----BEGIN RSA PRIVATE " + "KEY-----' in tests/fixtures.py"
    epoch = "epoch {0} saved /data/checkpoints/experiments/resnet/fifty/epoch{0:06d}.pt\naccuracy=0.5 lr=0.1\n"
    text = "".join(epoch.format(number) for number in range(600))
    files.user_log.write_text(f"{said}\n{text}")
    assert read_log(files).partition("\n")[2] == text
    files.user_log.write_text(f"{said}\n" + f"{'x' * 64}\n" * 1000)
    assert read_log(files).splitlines()[-500:] == ["x" * 64] * 500


def test_beside_a_key_other_secrets_are_cut_out_too(files: RunLayout) -> None:
    files.user_log.write_bytes(
        b"\n".join([KEY[0], b"password=hunter2hunter " + KEY[1], b"API_KEY=hunter2hunter =x Ab==", b""])
    )
    assert "hunter" not in read_log(files) and "MIIE" not in read_log(files)


def test_a_secret_in_an_endless_line_is_not_cut_in_two(files: RunLayout) -> None:
    secret = b"ghp_" + b"a1B2" * 9
    for bytes_before in range(1024 * 1024 - 60, 1024 * 1024 + 20, 20):
        files.user_log.write_bytes((b"x " * 1024 * 1024)[:bytes_before] + b" " + secret + b" end")
        assert "a1B2" not in read_log(files)


@given(st.lists(st.sampled_from([b"a", b"b\r50%\r100%", b"", b"API_KEY=s3cr3tvalue", *KEY]), max_size=5), st.booleans())
def test_the_last_lines_are_those_of_the_whole(lines: list[bytes], ended: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = RunLayout(Path(folder))
        files.user_log.parent.mkdir(parents=True)
        files.user_log.write_bytes(b"\n".join(lines) + (b"\n" if ended else b""))
        whole = read_log(files).splitlines(keepends=True)
        for count in range(7):
            assert last_lines(files, 0, count) == "".join(whole[-count:] if count else [])


def test_who_takes_some_lines_at_a_time_gets_all(files: RunLayout) -> None:
    append(files, 0, 1000)
    reader, taken = LogReader(files), []
    while some := [*itertools.islice(reader.lines(), 300)]:
        taken += some
    assert taken == read_log(files).splitlines()


def test_following_begins_with_the_last_lines(launch: Launch) -> None:
    run = launch("seq 1 1000")
    assert run.finish() is RunState.COMPLETED
    assert "".join(follow_log(run.files, last=2)) == "999\n1000\n"
    assert list(follow_log(run.files, last=0)) == []
    assert "".join(follow_all_logs(run.files, last=1)) == "[0] 1000\n"
