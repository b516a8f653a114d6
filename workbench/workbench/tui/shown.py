"""Screens that are taken down while what they asked for is still on its way."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from textual.css.query import NoMatches
from textual.screen import Screen


def is_shown(screen: Screen[Any]) -> bool:
    """Whether the screen is there to be drawn on, be it below another. One that is taken down loses its parts one by
    one, in any order."""
    app = screen.app
    return app.is_running and screen.is_attached and screen in app.screen_stack


@contextmanager
def while_shown(screen: Screen[Any]) -> Iterator[None]:
    """Draw in the block; a part that is not there any more, since the screen is taken down, ends it."""
    try:
        yield
    except NoMatches:
        if is_shown(screen):
            raise
