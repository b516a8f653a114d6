"""Images, tables and the like in the store: found by key, kind, step and rank, the same in whatever order they came."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workbench_store.journal.encoding import encode_event
from workbench_store.layout import WorkspaceLayout
from workbench_store.rebuild import rebuild
from workbench_store.records import MediaKey, MediaQuery, MediaRecord
from workbench_store.store import Store
from workbench_store.workspace import open_workspace

from tests.store.journals import fresh, make_run

Item = tuple[str, str, int, int, float]
ITEMS = st.lists(
    st.tuples(
        st.sampled_from(["image", "text"]),
        st.sampled_from(["a", "b"]),
        st.integers(0, 3) | st.just(2**63 - 1),
        st.integers(0, 2),
        st.floats(0, 10),
    ),
    min_size=1,
    max_size=12,
)


def record(journals: Path, number: int, items: list[Item]) -> None:
    """A journal with these items: kind, key, step, rank, time."""
    data = b"".join(
        encode_event("media", time, {"kind": kind, "key": key, "step": step, "rank": rank, "content": f"{step}"})
        for kind, key, step, rank, time in items
    )
    (journals / f"client-r0-{number}-00000000.wbj").write_bytes(data)


def read(items: list[Item], pieces: int) -> tuple[list[MediaKey], list[MediaRecord]]:
    """What is found when the items come in so many journals, each taken in by itself."""
    with TemporaryDirectory() as folder:
        layout = open_workspace(explicit=folder)
        journals = make_run(layout, "r")
        for number in range(pieces):
            record(journals, number, items[number::pieces])
            store = fresh(layout)
        before = (store.media_keys("r"), store.media("r"))
        rebuild(layout)
        again = Store(layout)
        assert (again.media_keys("r"), again.media("r")) == before
        return before


@pytest.mark.slow
@settings(max_examples=7)
@given(ITEMS, st.integers(1, 4), st.randoms())
def test_any_order_of_ingest_gives_the_same(items: list[Item], pieces: int, dice: object) -> None:
    shuffled = sorted(items, key=lambda item: hash((item, id(dice))))
    assert read(items, 1) == read(shuffled, pieces)


def test_a_query_leaves_out_what_it_does_not_ask_for(layout: WorkspaceLayout) -> None:
    items: list[Item] = [
        ("image", "a", 1, 0, 1.0),
        ("image", "a", 2, 0, 2.0),
        ("image", "a", 2, 1, 3.0),
        ("text", "a", 2, 0, 4.0),
        ("text", "b", 7, 0, 5.0),
    ]
    record(make_run(layout, "r"), 0, items)
    store = fresh(layout)
    assert store.media_keys("r") == [
        MediaKey("image", "a", 0, 2, 1, 2),
        MediaKey("image", "a", 1, 1, 2, 2),
        MediaKey("text", "a", 0, 1, 2, 2),
        MediaKey("text", "b", 0, 1, 7, 7),
    ]
    assert [one.time for one in store.media("r", MediaQuery("a"))] == [1.0, 2.0, 3.0, 4.0]
    assert [one.time for one in store.media("r", MediaQuery("a", "image", rank=0))] == [1.0, 2.0]
    assert [one.time for one in store.media("r", MediaQuery(step=2))] == [2.0, 3.0, 4.0]
    assert [one.content for one in store.media("r", MediaQuery("b"))] == ["7"]
    assert [one.content for one in store.media("r", MediaQuery("b", contents=False))] == [None]
    assert store.media("another") == []
