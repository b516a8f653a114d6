"""What a person at a terminal is told of that takes long."""

import io
import sys
import time

import pytest
from workbench.cli import waiting


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("shown", [io.StringIO, Terminal], ids=["pipe", "terminal"])
@pytest.mark.parametrize("seconds", [0.0, 0.3], ids=["short", "long"])
def test_what_takes_long_is_told_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, shown: type[io.StringIO], seconds: float
) -> None:
    screen = shown()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(waiting, "_LONG_SECONDS", 0.1)
    with waiting.told_if_long("reading ..."):
        time.sleep(seconds)
    time.sleep(0.2)
    assert screen.getvalue() == ("reading ...\n" if seconds and screen.isatty() else "")
