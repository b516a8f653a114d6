"""Actions that open a dialog. Keys that come before it is up, as in one burst over a slow line, are for the dialog: on
the page below they would do what nobody asked for."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from textual.app import App
from textual.events import Event, Key
from textual.screen import ModalScreen

P = ParamSpec("P")


class AskingApp(App[None]):
    """An app that can hold keys back, and gives them, in their order, to the dialog that they were meant for."""

    _held: list[Key] | None = None

    def hold_keys(self) -> None:
        """Hold keys back until a dialog is up, or `give_keys`."""
        if self._held is None:
            self._held = []

    async def give_keys(self) -> None:
        """Give the keys that were held back to whatever is shown."""
        while self._held:
            await super().on_event(self._held.pop(0))
        self._held = None

    async def on_event(self, event: Event) -> None:
        """Hold back keys that are for a dialog which is not up yet, also those that have been elsewhere."""
        if self._held is not None and isinstance(event, Key):
            event.stop()
            self._held.append(Key(event.key, event.character))
            return
        await super().on_event(event)

    def push_screen(self, screen: Any, *more: Any, **named: Any) -> Any:
        """Open a screen; a dialog gets the keys that were held back for it as soon as it is drawn."""
        pushed = super().push_screen(screen, *more, **named)
        if self._held is not None and isinstance(screen, ModalScreen):
            screen.call_after_refresh(self.call_later, self.give_keys)
        return pushed


def asks(action: Callable[Concatenate[Any, P], Awaitable[None]]) -> Callable[Concatenate[Any, P], None]:
    """Make a worker of an action that may open a dialog; keys that come meanwhile are for the dialog."""

    @wraps(action)
    def begin(self: Any, /, *more: P.args, **named: P.kwargs) -> None:
        app = cast(AskingApp, self.app)
        app.hold_keys()

        async def work() -> None:
            try:
                await action(self, *more, **named)
            finally:
                app.call_later(app.give_keys)

        app.run_worker(work())  # not the page's: one that is left takes along what has not begun, and the keys with it

    return begin
