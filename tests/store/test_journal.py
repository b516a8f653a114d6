"""A journal gives back what was appended, whatever happens to its bytes."""

import math
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from workbench_store.journal.decoding import Event, Gap, Points, decode
from workbench_store.journal.encoding import MAGIC, PointsEncoder, encode_event
from workbench_store.journal.reader import Chunk, decode_chunk, read_chunk
from workbench_store.journal.writer import JournalWriter

TEXTS = st.text(max_size=12)
KEYS = st.lists(st.text(min_size=1, max_size=8).filter(lambda t: "\x00" not in t), min_size=1, max_size=4, unique=True)
VALUES = st.floats(width=64)
CALLS = st.tuples(st.integers(0, 3), st.integers(-(2**62), 2**62), KEYS, st.data())
EVENTS = st.dictionaries(TEXTS.filter(lambda t: t not in ("e", "t")), st.integers() | TEXTS | st.none(), max_size=4)


@st.composite
def records(draw: st.DrawFn) -> list[bytes]:
    """Whole records, points of a few shapes and events mixed."""
    shapes = draw(st.lists(KEYS, min_size=1, max_size=3))
    encoder = PointsEncoder(draw(st.integers(0, 3)))
    found = []
    for _ in range(draw(st.integers(0, 30))):
        if draw(st.integers(0, 4)) == 0:
            found.append(encode_event("x", 1.5, draw(EVENTS)))
        else:
            keys = draw(st.sampled_from(shapes))
            values = draw(st.lists(VALUES, min_size=len(keys), max_size=len(keys)))
            found.append(encoder.encode(2.5, draw(st.integers(-5, 2**40)), tuple(keys), values))
    return found


Flat = list[tuple[int, str, float, int, str]]


def flat_points(chunk: Chunk) -> Flat:
    """Points as plain rows in an order of their own; values as text, so that NaN equals NaN."""
    rows = []
    for (key, rank), pieces in chunk.points.items():
        for piece in pieces:
            for step, time, value in zip(piece.steps, piece.times, piece.values, strict=True):
                rows.append((rank, key, float(time), int(step), repr(float(value))))
    return sorted(rows)


def expected_points(data: bytes) -> Flat:
    rows = []
    for record, _ in decode(data):
        if isinstance(record, Points):
            for key, value in zip(record.keys, record.values, strict=True):
                rows.append((record.rank, key, record.time, record.step, repr(float(value))))
    return sorted(rows)


@given(records())
def test_bulk_reading_agrees_with_decoding(parts: list[bytes]) -> None:
    data = b"".join(parts)
    chunk = decode_chunk(data)
    assert chunk.end == len(data) and chunk.gap_bytes == 0
    assert flat_points(chunk) == expected_points(data)
    events = [record for record, _ in decode(data) if isinstance(record, Event)]
    assert [event for _, event in chunk.events] == events


@given(records(), st.data())
def test_a_cut_leaves_exactly_the_whole_records(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(parts)
    cut = data.draw(st.integers(0, len(whole)))
    chunk = decode_chunk(whole[:cut])
    kept = 0
    while kept < len(parts) and sum(len(part) for part in parts[: kept + 1]) <= cut:
        kept += 1
    assert flat_points(chunk) == expected_points(b"".join(parts[:kept]))
    assert chunk.gap_bytes == 0 and chunk.end == sum(len(part) for part in parts[:kept])


@given(records(), st.binary(min_size=1, max_size=60), st.data())
def test_garbage_between_records_costs_no_record(parts: list[bytes], junk: bytes, data: st.DataObject) -> None:
    junk = junk.replace(MAGIC, b"....")
    place = data.draw(st.integers(0, len(parts)))
    last = encode_event("last", 9.0, {})
    whole = b"".join(parts[:place]) + junk + b"".join(parts[place:]) + last
    chunk = decode_chunk(whole)
    assert flat_points(chunk) == expected_points(b"".join(parts))
    assert chunk.events[-1][1].name == "last"
    assert chunk.gap_bytes == len(junk)
    assert sum(record.length for record, _ in decode(whole) if isinstance(record, Gap)) == len(junk)


@given(records(), st.data())
def test_a_flipped_byte_costs_one_record_at_most(parts: list[bytes], data: st.DataObject) -> None:
    last = encode_event("last", 9.0, {})
    whole = bytearray(b"".join([*parts, last]))
    place = data.draw(st.integers(0, len(whole) - len(last) - 1)) if parts else 0
    if not parts:
        return
    whole[place] ^= data.draw(st.integers(1, 255))
    before, hit = 0, 0
    while before + len(parts[hit]) <= place:
        before += len(parts[hit])
        hit += 1
    chunk = decode_chunk(bytes(whole))
    assert flat_points(chunk) == expected_points(b"".join([*parts[:hit], *parts[hit + 1 :]]))
    assert chunk.gap_bytes == len(parts[hit])


@settings(max_examples=50)
@given(records(), st.integers(1, 400))
def test_reading_in_pieces_gives_the_same(parts: list[bytes], size: int) -> None:
    data = b"".join(parts)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "j.wbj"
        path.write_bytes(data)
        offset, rows = 0, []
        while offset < len(data):
            chunk = read_chunk(path, offset, size)
            assert chunk.end > offset
            offset = chunk.end
            rows += flat_points(chunk)
    assert sorted(rows) == expected_points(data)


def test_garbage_longer_than_any_record_is_passed(tmp_path: Path) -> None:
    path = tmp_path / "j.wbj"
    good = encode_event("first", 1.0, {})
    path.write_bytes(good + b"\x00" * 40_000_000 + encode_event("last", 2.0, {}))
    offset, names, gaps = 0, [], 0
    for _ in range(30):
        chunk = read_chunk(path, offset, 8 * 1024 * 1024)
        offset = chunk.end
        names += [event.name for _, event in chunk.events]
        gaps += chunk.gap_bytes
    assert names == ["first", "last"] and gaps == 40_000_000


@given(KEYS, st.lists(VALUES, min_size=4, max_size=4))
def test_a_writer_keeps_what_it_is_given(keys: list[str], values: list[float]) -> None:
    with TemporaryDirectory() as folder:
        writer = JournalWriter(Path(folder), "client", 2)
        writer.points(3.5, 7, tuple(keys), values[: len(keys)])
        writer.event("tags", set={"a": "b"})
        writer.close()
        found = [record for record, _ in decode(writer.path.read_bytes())]
    assert isinstance(found[0], Event) and found[0].name == "open" and found[0].fields["rank"] == 2
    points = found[1]
    assert isinstance(points, Points) and points.keys == tuple(keys) and points.step == 7 and points.rank == 2
    for kept, given_value in zip(points.values, values, strict=False):
        assert kept == given_value or (math.isnan(kept) and math.isnan(given_value))
