"""Names of files that are no text are recorded as text, and found again."""

import os

from hypothesis import given
from hypothesis import strategies as st
from workbench_store.path_text import name_of_text, text_of_name

NAMES = st.binary(min_size=1, max_size=12) | st.sampled_from(
    [b"\\xff", b"\xff", b"a\\x5cb", b"\xc3", "\u00e9".encode()]
)


@given(NAMES, NAMES)
def test_every_name_is_found_again_and_two_stay_two(one: bytes, other: bytes) -> None:
    texts = [text_of_name(os.fsdecode(name)) for name in (one, other)]
    assert [os.fsencode(name_of_text(text)) for text in texts] == [one, other]
    assert all(text.encode("utf-8").decode("utf-8") == text for text in texts)
    assert (texts[0] == texts[1]) == (one == other)
