"""Reading a run's log: whole or as it grows, a progress bar's line once, and nothing that could steer a
terminal.

A log is whatever bytes a job wrote. As text it is UTF-8, and bytes that are none are kept as Python's `surrogateescape`
keeps them, so that they can be written out again.
"""

import re
import time
from collections import deque
from collections.abc import Iterator, Sequence
from copy import copy
from typing import BinaryIO

from workbench_store.layout import RunLayout
from workbench_store.redaction import may_hold_secrets, redacted
from workbench_store.state_changes import StateChange, fold_states
from workbench_store.states import RunState

from workbench.client.log_cap import LogShape, gap_line, logged_ranks, read_shapes, shape_of
from workbench.lifecycle.history import JournalTail, changes_of
from workbench.lifecycle.judge import check_there, judge_run
from workbench.lifecycle.private_keys import KeyLines

_READ_BYTES = 1024 * 1024
_POLL_SECONDS = 0.1
#: A holder that was killed says nothing: this often it is asked for.
_JUDGE_SECONDS = 2.0
#: A line that never ends is given out in pieces of this many bytes.
_LONGEST_LINE = 256 * 1024
_LONGEST_WORD = 4096
#: Terminal control sequences (ECMA-48): CSI, OSC and the other string types, two-character escapes.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)"
    r"|\x1b[ -/]*[0-~]"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def plain_text(text: str) -> str:
    """The text as it can be shown anywhere: without escape sequences, other control characters made
    visible."""
    return _CONTROLS.sub(_visible, _ESCAPES.sub("", text))


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


def readable(text: str) -> str:
    """The text of a log with a sign in place of bytes that are no UTF-8: such text can be written anywhere."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def last_look(line: bytes) -> bytes:
    """What a terminal would show of a line in which carriage returns started it over again."""
    body = line.rstrip(b"\r\n")
    return body.rpartition(b"\r")[2]


class LogReader:
    """Reads a log from its beginning, and then what is new at each call, whatever is cut out of its middle
    meanwhile."""

    def __init__(self, files: RunLayout, rank: int = 0) -> None:
        self._files = files
        self._rank = rank
        self._position = 0
        self._rest = b""
        self._keys = KeyLines()
        #: Lines that were read and that nobody has taken yet.
        self._waiting: deque[str] = deque()

    @property
    def pending(self) -> str:
        """The line that is still being written, as a terminal would show it: a prompt or a progress bar."""
        return _shown([self._rest], copy(self._keys))[0]

    def shown(self, batch: Sequence[bytes]) -> list[str]:
        """The next lines as they are shown: what looks like a secret is cut out. The log itself stays as the job wrote
        it."""
        return _shown(batch, self._keys)

    def lines(self) -> Iterator[str]:
        """The whole lines that are there now, each without its end. Who stops halfway finds the others at the next
        call."""
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            batch = next(self.batches(), None)
            if batch is None:
                return
            self._waiting.extend(self.shown(batch))

    def skip_to_last(self, count: int) -> None:
        """Let go of the lines that are there now but for the last of them; a line that is being written is one."""
        latest: deque[bytes] = deque()
        for batch in self.batches():
            latest.extend(batch)
            self._keys.skipped(_taken(latest, len(latest) - count))
        if self._rest:
            self._keys.skipped(_taken(latest, len(latest) - count + 1))
        self._waiting.extend(self.shown(list(latest)))

    def batches(self) -> Iterator[list[bytes]]:
        """The same lines as the job wrote them, many at a time."""
        while True:
            data = self._read()
            if not data:
                return
            *whole, self._rest = (self._rest + data).split(b"\n")
            if b"\r" in self._rest[:-1]:
                # The last carriage return may be half of a line's end, so it is kept.
                self._rest = self._rest[self._rest.rstrip(b"\r").rfind(b"\r") + 1 :]
            if len(self._rest) > _LONGEST_LINE:
                piece, self._rest = _cut(self._rest)
                whole.append(piece)
            if whole:
                yield whole

    def _read(self) -> bytes:
        """The next bytes; the line that names a gap stands for what is gone."""
        try:
            with self._files.rank_log(self._rank).open("rb") as log:
                while True:
                    before = self._position
                    shape = shape_of(read_shapes(self._files, self._rank), log.fileno())
                    data = self._read_shaped(log, shape)
                    if shape_of(read_shapes(self._files, self._rank), log.fileno()) == shape:
                        return data
                    # What was read may have been cut out while it was read.
                    self._position = before
        except OSError:
            return b""

    def _read_shaped(self, log: BinaryIO, shape: LogShape | None) -> bytes:
        if shape is None:
            return self._advance(log, self._position, _READ_BYTES)
        if self._position < shape.head:
            return self._head(log, shape)
        if self._position < shape.resume:
            unread = shape._replace(head=self._position)  # some of what is gone may have been read before
            self._position = shape.resume
            return gap_line(unread)
        return self._advance(log, self._position + shape.shift, _READ_BYTES)

    def _head(self, log: BinaryIO, shape: LogShape) -> bytes:
        wanted = min(_READ_BYTES, shape.head - self._position)
        if not shape.head_file:
            return self._advance(log, self._position, wanted)
        with open(shape.head_file, "rb") as head:
            return self._advance(head, self._position, wanted)

    def _advance(self, file: BinaryIO, offset: int, size: int) -> bytes:
        file.seek(offset)
        data = file.read(size)
        self._position += len(data)
        return data


def _shown(batch: Sequence[bytes], keys: KeyLines) -> list[str]:
    if not batch:
        return []
    looks = [last_look(line) for line in batch] if any(b"\r" in line for line in batch) else batch
    text = b"\n".join(looks).decode("utf-8", "surrogateescape")
    lines = text.split("\n")
    # To look at all of them at once is nearly free; to look through one takes longer than to read it.
    if may_hold_secrets(text):
        return keys.shown(lines, [redacted(line) for line in lines])
    return keys.shown(lines, lines) if keys.within else lines


def _taken(lines: "deque[bytes]", count: int) -> list[bytes]:
    """So many of the first lines, which are there no more."""
    return [lines.popleft() for _ in range(min(count, len(lines)))]


def _cut(line: bytes) -> tuple[bytes, bytes]:
    """A piece of an endless line and its rest: between two words, lest a secret be cut in two."""
    place = line.rfind(b" ", len(line) - _LONGEST_WORD) + 1 or len(line)
    return line[:place], line[place:]


def read_log(files: RunLayout, rank: int = 0) -> str:
    """A rank's log so far: each line as a terminal would show it in the end."""
    return "".join(log_pieces(files, rank))


def log_pieces(files: RunLayout, rank: int = 0, before: str = "") -> Iterator[str]:
    """The same in pieces of many lines, each line (with its end) behind the text `before`."""
    reader = LogReader(files, rank)
    for batch in reader.batches():
        yield "".join(f"{before}{line}\n" for line in reader.shown(batch))
    if reader.pending:
        yield f"{before}{reader.pending}"


def last_lines(files: RunLayout, rank: int, count: int) -> str:
    """The last lines of a rank's log so far, at most `count`; only these are looked through for secrets."""
    reader = LogReader(files, rank)
    reader.skip_to_last(count)
    return "".join(f"{line}\n" for line in reader.lines()) + (reader.pending if count else "")


def follow_log(files: RunLayout, rank: int = 0, last: int | None = None) -> Iterator[str]:
    """A rank's log line by line (with ends) as it grows, until the run is final or does not respond. Of what is there
    already the `last` lines, or all."""
    reader, state = LogReader(files, rank), StateFollower(files)
    if last is not None:
        reader.skip_to_last(last)
    while True:
        over = state.update() in _OVER
        for line in reader.lines():
            yield f"{line}\n"
        if over:
            break
        time.sleep(_POLL_SECONDS)
    if reader.pending:
        yield reader.pending


def follow_all_logs(files: RunLayout, last: int | None = None) -> Iterator[str]:
    """The logs of all ranks as they grow, each line (with its end) behind its rank in brackets. Of what is there
    already the `last` lines of each rank, or all."""
    readers: dict[int, LogReader] = {}
    for rank in logged_ranks(files) if last is not None else ():
        readers[rank] = LogReader(files, rank)
        readers[rank].skip_to_last(last or 0)
    state = StateFollower(files)
    while True:
        over = state.update() in _OVER
        for rank in logged_ranks(files):
            reader = readers.setdefault(rank, LogReader(files, rank))
            for line in reader.lines():
                yield f"[{rank}] {line}\n"
        if over:
            break
        time.sleep(_POLL_SECONDS)
    for rank, reader in readers.items():
        if reader.pending:
            yield f"[{rank}] {reader.pending}\n"


_OVER = frozenset(state for state in RunState if state.final or state is RunState.NOT_RESPONDING)


class StateFollower:
    """A run's state, brought up to date from its journals at each call; now and then its holder is looked for.
    WorkspaceError once the run's folder is gone."""

    def __init__(self, files: RunLayout) -> None:
        self._tail = JournalTail(files)
        self._changes: list[StateChange] = []
        self._files, self._judged = files, time.monotonic()
        #: What it is in though that could not be recorded.
        self._unrecorded: RunState | None = None

    def update(self) -> RunState:
        """The state now."""
        if time.monotonic() - self._judged > _JUDGE_SECONDS:
            self._judged = time.monotonic()
            check_there(self._files)
            unrecorded = judge_run(self._files)
            self._unrecorded = None if unrecorded is None else unrecorded.state
        self._changes += changes_of(self._tail.new_events())
        if self._unrecorded is not None:
            return self._unrecorded
        change = fold_states(self._changes)
        return RunState.NOT_STARTED if change is None else change.state
