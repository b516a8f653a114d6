"""What other writers may put into a journal: records that are whole but say nonsense stop nobody."""

import json
import math
import os
import struct
import warnings
import zlib
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from workbench.doctor.workspace import examine_workspace
from workbench.view import run_list, run_page
from workbench.view.format import format_age
from workbench_store.journal.checksums import checksums_like
from workbench_store.journal.decoding import Event, Points, decode
from workbench_store.journal.encoding import KIND_EVENT, KIND_POINTS, POINTS_HEAD, PointsEncoder, encode_event, frame
from workbench_store.journal.reader import Chunk, decode_chunk
from workbench_store.journal.turns import Record, Turns
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import WorkspaceLayout
from workbench_store.records import MediaQuery
from workbench_store.store import Store
from workbench_store.user_sql.views import VIEWS
from workbench_store.workspace import open_workspace

from tests.store.journals import fresh, make_run, the_summary, write_points

pytestmark = pytest.mark.slow

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
#: The fields that readers look at, by event.
FIELDS = {
    "run": "name id kind experiment display_name command created user host properties notes",
    "state": "state generation judged seq reason exit_code signal",
    "stage": "stage status seconds detail",
    "params": "params",
    "tags": "set remove",
    "input": "name type mode path resolved fingerprint value",
    "output": "name type mode path",
    "artifact": "path kind size hash",
    "media": "kind key step rank path size format caption content detail",
    "snapshot": "snapshot files bytes upstream_hash excluded",
    "environment": "key label found python substituted missed seconds anonymous_version",
    "progress": "stage text",
    "lost": "points reason",
    "warning": "text",
    "git": "repository branch commit dirty changed untracked diff bytes cut left_out note",
    "note": "run text",
    "open": "writer rank pid",
}


@st.composite
def nonsense(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """An event of a known name whose fields hold anything that JSON can say."""
    name = draw(st.sampled_from(sorted(FIELDS)))
    fields = {field: draw(JSON | st.integers(2**62, 2**80)) for field in FIELDS[name].split() if draw(st.booleans())}
    return name, fields


def append(layout: WorkspaceLayout, data: bytes) -> None:
    (layout.run("r").journals / "other-r0-1-0.wbj").write_bytes(data)


def assert_the_run_is_readable(layout: WorkspaceLayout) -> None:
    store = Store(layout)
    store.refresh()
    page = run_page.run_page(layout, store, "r")
    json.dumps(run_page.to_json_dict(page))
    assert run_list.run_list(store, run_list.list_columns(store)).rows[0].name == "r"
    assert store.series("r", "loss").values == [0.5]
    for key in store.media_keys("r"):
        assert len(store.media("r", MediaQuery(key.key, key.kind, rank=key.rank))) == key.count


@settings(max_examples=8)
@given(st.lists(nonsense(), min_size=1, max_size=6), st.floats() | st.integers())
@example([("artifact", {"path": "a", "size": 2**70})], 1.0)
@example([("state", {"state": "Failed", "exit_code": 2**40})], 1.0)
@example([("media", {"step": 2**63, "rank": -(2**40), "size": True, "content": {"a": [1e308]}, "detail": 3})], 1.0)
@example([("media", {"kind": "\ud800", "key": "\x00", "path": "../../etc/passwd"})], 1.0)
@example([("tags", {"remove": 5, "set": []})], 1.0)
@example([("lost", {"points": 1e300})], 1.0)
@example([("run", {"notes": 5, "created": 1e300})], 1.0)
@example([("snapshot", {"snapshot": "../../../etc", "files": True})], 1.0)
@example([("stage", {"stage": "run", "status": "done", "seconds": 1e308})], float("nan"))
def test_events_that_say_nonsense_stop_no_reader(events: list[tuple[str, dict[str, Any]]], time: float) -> None:
    with TemporaryDirectory() as folder:
        layout = open_workspace(explicit=folder)
        write_points(make_run(layout, "r"), "loss", [(0, 0, 1.0, 0.5)])
        append(layout, b"".join(encode_event(name, time, fields) for name, fields in events))
        assert_the_run_is_readable(layout)


PAYLOADS = [
    b"",
    b"5",
    b"null",
    b'"text"',
    b"[]",
    b"{}",
    b"\xff\xfe",
    b'{"e":"x"}',
    b'{"e":"x","t":null}',
    b'{"e":"x","t":"soon"}',
    b'{"e":"x","t":[1]}',
    b'{"e":"x","t":1' + b"0" * 400 + b"}",
    b'{"e":["x"],"t":1}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("payload", PAYLOADS, ids=[repr(payload[:20]) for payload in PAYLOADS])
def test_an_event_that_is_none_is_passed_over(layout: WorkspaceLayout, payload: bytes) -> None:
    write_points(make_run(layout, "r"), "loss", [(0, 0, 1.0, 0.5)])
    data = frame(KIND_EVENT, payload) + encode_event("tags", 2.0, {"set": {"after": "yes"}})
    append(layout, data)
    assert_the_run_is_readable(layout)
    assert fresh(layout).run("r").tags == {"after": "yes"}
    assert [record.name for record, _ in decode(data) if isinstance(record, Event)][-1] == "tags"


def rows_of(chunk: Chunk) -> list[tuple[int, str, float, int, str]]:
    return sorted(
        (rank, key, float(time), int(step), repr(float(value)))
        for (key, rank), pieces in chunk.points.items()
        for piece in pieces
        for step, time, value in zip(piece.steps, piece.times, piece.values, strict=True)
    )


def rows_by_decoding(data: bytes) -> list[tuple[int, str, float, int, str]]:
    return sorted(
        (record.rank, key, record.time, record.step, repr(value))
        for record, _ in decode(data)
        if isinstance(record, Points)
        for key, value in zip(record.keys, record.values, strict=True)
    )


@given(st.integers(0, 3), st.binary(max_size=40), st.integers(0, 7))
@example(0, b"", 3)
@example(1, b"\x01\x00", 3)
@example(1, b"\x00\x00more", 3)
@example(1, b"\x02\x00\xff\xff", 3)
@example(1, b"\x03\x00\xed\xa0\x80", 3)
def test_both_readers_agree_on_points_of_any_shape(count: int, tail: bytes, copies: int) -> None:
    head = POINTS_HEAD.pack(0, 1.0, 2, count) + struct.pack(f"<{count}d", *range(count))
    data = frame(KIND_POINTS, head + tail) * copies + PointsEncoder(0).encode(3.0, 4, ("good",), (5.0,))
    chunk = decode_chunk(data)
    assert rows_of(chunk) == rows_by_decoding(data)
    assert ("good", 0) in chunk.points and chunk.end == len(data) and chunk.gap_bytes == 0


@st.composite
def turns(draw: st.DrawFn) -> bytes:
    """Journals in which records come in turns, as loops write them, that are broken here and there."""
    keys = st.lists(st.sampled_from("abcdef"), max_size=3)
    kinds = draw(st.lists(st.tuples(keys, st.integers(0, 1)), min_size=1, max_size=5))
    records = [
        PointsEncoder(rank).encode(1.0, step, tuple(keys), [float(step)] * len(keys))
        for step in range(draw(st.integers(0, 60)))
        for keys, rank in kinds
    ]
    for _ in range(draw(st.integers(0, 3))):
        if records:
            place = draw(st.integers(0, len(records) - 1))
            what = draw(st.sampled_from(["lost", "doubled", "damaged", "event"]))
            if what == "lost":
                del records[place]
            elif what == "event":
                records.insert(place, encode_event("warning", 1.0, {"text": "x"}))
            elif what == "doubled":
                records.insert(place, records[place])
            else:
                byte = draw(st.integers(0, len(records[place]) - 1))
                records[place] = records[place][:byte] + bytes([records[place][byte] ^ 1]) + records[place][byte + 1 :]
    return b"".join(records)[: draw(st.integers(0, 10**6))]


@settings(max_examples=300, deadline=None)
@given(turns())
def test_both_readers_agree_on_records_that_take_turns(data: bytes) -> None:
    chunk = decode_chunk(data)
    assert rows_of(chunk) == rows_by_decoding(data)
    assert chunk.count == sum(len(record.keys) for record, _ in decode(data) if isinstance(record, Points))


def test_records_that_take_turns_are_found_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not one by one, which takes twice as long."""
    encoder, one_by_one = PointsEncoder(0), []
    after = Turns.after

    def counted(self: Turns, record: Record, data: bytes) -> tuple[list[Record], int]:
        one_by_one.append(record)
        return after(self, record, data)

    monkeypatch.setattr(Turns, "after", counted)
    data = b"".join(encoder.encode(1.0, step, (key,), (0.5,)) for step in range(10_000) for key in ("a", "b", "long"))
    assert decode_chunk(data).count == 30_000 and len(one_by_one) < 300


@pytest.mark.parametrize("keys", [1, 40, 400])
def test_a_damaged_value_is_noticed_among_records_that_take_turns(keys: int) -> None:
    names = tuple(f"key/{number}" for number in range(keys))
    records = [PointsEncoder(0).encode(1.0, step, names, [float(step)] * keys) for step in range(200)]
    records[150] = records[150][:40] + bytes([records[150][40] ^ 1]) + records[150][41:]
    chunk = decode_chunk(b"".join(records))
    assert chunk.count == 199 * keys and chunk.gap_bytes == len(records[150])
    (columns,) = chunk.points[names[-1], 0]
    assert columns.steps.tolist() == [*range(150), *range(151, 200)]


@given(st.binary(min_size=1, max_size=60), st.integers(0, 2**32 - 1), st.data())
def test_checksums_of_many_are_those_of_each(payload: bytes, seed: int, data: st.DataObject) -> None:
    varying = sorted(data.draw(st.sets(st.integers(0, len(payload) - 1))))
    rows = np.frombuffer(payload * 5, np.uint8).reshape(5, -1).copy()
    count = rows[:, varying].size
    others = data.draw(st.binary(min_size=count, max_size=count))
    rows[:, varying] = np.frombuffer(others, np.uint8).reshape(5, -1) if count else 0
    assert checksums_like(payload, varying, seed).of(rows).tolist() == [zlib.crc32(row.tobytes(), seed) for row in rows]


@given(st.lists(st.text(st.characters(), max_size=5), min_size=1, max_size=3, unique=True))
def test_keys_of_any_characters_come_back(keys: list[str]) -> None:
    """Lone surrogates too: file names that are no UTF-8 become keys that way."""
    data = PointsEncoder(1).encode(1.0, 2, tuple(keys), [float(number) for number in range(len(keys))])
    assert {key for key, _ in decode_chunk(data).points} == set(keys)
    assert rows_of(decode_chunk(data)) == rows_by_decoding(data)


def test_keys_that_the_database_cannot_hold_are_shown_replaced(layout: WorkspaceLayout) -> None:
    write_points(make_run(layout, "r"), "a\ud800\x00", [(0, 0, 1.0, 7.0)])
    (summary,) = fresh(layout).metrics("r")
    assert summary.last == 7.0 and summary.key.startswith("a") and summary.key.isprintable()


def test_a_kind_of_record_from_the_future_is_passed_over(layout: WorkspaceLayout) -> None:
    make_run(layout, "r")
    points = PointsEncoder(0).encode(1.0, 0, ("k",), (1.0,))
    append(layout, frame(200, b"new") + points + frame(7, b"") + points)
    assert the_summary(layout, "r", "k").count == 2
    assert fresh(layout).run("r").gap_bytes == 0


def test_a_journal_that_is_no_file_is_passed_over(layout: WorkspaceLayout) -> None:
    journals = make_run(layout, "r")
    write_points(journals, "loss", [(0, 0, 1.0, 0.5)])
    (journals / "folder.wbj").mkdir()
    (journals / "link.wbj").symlink_to("/etc/passwd")
    (layout.runs / "not-a-folder").write_text("x")
    (layout.runs / "hollow").mkdir()
    for folder in (layout.runs / os.fsdecode(b"no-text-\xff") / "journal", journals.parent / "journal"):
        folder.mkdir(parents=True, exist_ok=True)
        write_points(folder, "loss", [(5, 0, 1.0, 0.5)])
        next(folder.glob("client-r5*")).rename(folder / os.fsdecode(b"\xff.wbj"))
    assert_the_run_is_readable(layout)
    assert fresh(layout).runs().names == ["r"]


def test_a_time_that_no_calendar_has_spoils_no_query(layout: WorkspaceLayout) -> None:
    """The years 1 to 9999 are shown; of what lies outside there is no time."""
    make_run(layout, "other")
    moments = (1e300, -1e15, -1e18, math.inf, math.nan, 631152000000.0, 253402300800.0, -1e300)
    odd = {f"odd-{moment}": moment for moment in moments}
    for name, moment in odd.items():
        folder = layout.run(name).journals
        folder.mkdir(parents=True)
        writer = JournalWriter(folder, "script")
        writer.event("run", name=name, id=name, kind="script", experiment="e", created=moment)
        writer.event("state", state="Completed", generation=1, judged=False, seq=1)
        writer.close()
        write_points(folder, "loss", [(0, 0, moment, 0.5)])
    store = fresh(layout)
    for view in VIEWS:
        with store.query(f"SELECT * FROM {view.name}") as result:
            assert len(result.rows()) == len(result)
    with store.query("SELECT time IS NULL, last_time IS NULL FROM points JOIN metrics USING (run, key)") as result:
        assert result.rows() == [(True, True)] * len(odd)
    listed = run_list.run_list(store, run_list.list_columns(store)).rows
    assert {row.name for row in listed} == {"other", *odd}
    assert all(len(format_age(row.created, 1e9)) < 7 for row in listed)
    for name in odd:
        page = run_page.to_json_dict(run_page.run_page(layout, store, name))
        assert page["metrics"][0]["last_time"] is None
    assert not [found for found in examine_workspace(layout) if "range" in found.what]


def test_numbers_as_large_as_there_are_have_a_sum_without_a_warning(layout: WorkspaceLayout) -> None:
    folder = make_run(layout, "r")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_points(folder, "loss", [(0, step, 1.0, sign * 1e308) for sign in (1, -1) for step in range(1000)])
        summary = the_summary(layout, "r", "loss")
    assert (summary.count, summary.min, summary.max) == (2000, -1e308, 1e308)
