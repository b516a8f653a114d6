"""Numbers and text as people read them."""

import math
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workbench.view.format import (
    format_age,
    format_bytes,
    format_duration,
    format_number,
    format_scalar,
    format_time,
    safe_text,
    shorten,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.92314, "0.9231"),
        (0.5, "0.5"),
        (1.0, "1"),
        (12345, "12,345"),
        (1.5e-5, "1.5e-05"),
        (123.456, "123.46"),
        (2.5e9, "2.5e+09"),
        (0.0, "0"),
        (math.nan, "NaN"),
        (-math.inf, "-∞"),
        (True, "true"),
        ("x", "x"),
    ],
)
def test_numbers(value: object, text: str) -> None:
    assert format_number(value) == text


@given(st.floats())
def test_every_number_is_short(value: float) -> None:
    assert 0 < len(format_number(value)) <= 13


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.42, "0.4s"),
        (59.7, "1m 00s"),
        (12, "12s"),
        (185, "3m 05s"),
        (7800, "2h 10m"),
        (352_800, "4d 02h"),
        (1e300, ""),
        (math.inf, ""),
        (math.nan, ""),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.fixture
def zone(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("UTC", "2026-03-01 12:00:00 UTC"),
        ("Asia/Tokyo", "2026-03-01 21:00:00 JST"),
        ("UTC-5", "2026-03-01 17:00:00 +0500"),
        ("<+03>-3", "2026-03-01 15:00:00 +03"),
    ],
    indirect=["zone"],
)
def test_times_are_those_of_the_zone_that_they_name(text: str) -> None:
    assert format_time(1772366400.0) == text
    assert format_time(None) == ""


def test_sizes_and_ages() -> None:
    assert [format_bytes(size) for size in (0, 1023, 1536, 200 * 1024**2, 5 * 1024**4)] == [
        "0 B",
        "1023 B",
        "1.5 KiB",
        "200 MiB",
        "5.0 TiB",
    ]
    assert [format_age(0, now) for now in (1, 42, 300, 7200, 900_000)] == ["now", "42s", "5m", "2h", "10d"]
    assert [format_age(then, 0) for then in (1e300, -1e15, math.nan)] == ["", "", ""]


@given(st.text())
def test_safe_text_steers_nothing(text: str) -> None:
    shown = safe_text(text)
    assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in shown)
    assert "\u202e" not in shown and "\u2028" not in shown
    shown.encode("utf-8")


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)))
def test_scalars_take_one_line(value: object) -> None:
    assert "\n" not in format_scalar(value)


def test_shorten() -> None:
    assert shorten("abcdef", 4) == "abc…" and shorten("abc", 4) == "abc"


@pytest.mark.parametrize(("value", "text"), [(0.99997, "0.99997"), (-0.99996, "-0.99996"), (9.99996, "9.99996")])
def test_what_is_nearly_whole_does_not_look_so(value: float, text: str) -> None:
    assert format_number(value) == text
