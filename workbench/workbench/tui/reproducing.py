"""Reproducing a run from the dashboard: it is run again beside everything else, and what came out the same is told when
that is over."""

import asyncio
import shlex
from typing import TYPE_CHECKING

from rich.text import Text
from textual.screen import ModalScreen
from workbench_store.errors import NotFound, WorkbenchError
from workbench_store.states import RunState

from workbench.tui.doing import are_there, attempted
from workbench.tui.looks import GREY
from workbench.tui.screens.dialogs import Ask, Reader

if TYPE_CHECKING:
    from workbench_store.store import Store

    from workbench.tui.app import Dashboard
    from workbench.view.same_results import Outcome

_LOOK_SECONDS = 1.0
_COLOURS = {True: "green", False: "red", None: "yellow"}
_WIDEST = 28


async def reproduce(app: "Dashboard", name: str) -> None:
    """Ask how far metrics may be apart, run the run again, and report when that is over."""
    if not are_there(app, [name]):
        return
    question = Ask(
        f"Run {name} again as it was, and report what came out the same",
        "how far metrics may be apart: 1e-6 (empty: not at all)",
        "",
        lambda text: _command(name, text),
    )
    text = await app.push_screen_wait(question)
    if text is None:
        return
    begun = await attempted(app, lambda: app.desk.ask(lambda store: _begin(app, store, name, text)))
    if begun is None:
        return
    again, tolerance = begun
    app.open_run(again)
    if await _is_over(app, again):
        await attempted(app, lambda: _report(app, name, again, tolerance))


def _command(name: str, text: str) -> str:
    from workbench.view.reproduction import read_tolerance

    tolerance = text.strip()
    if tolerance:
        read_tolerance(tolerance)
    return shlex.join(["workbench", "reproduce", name, *(["--tolerance", tolerance] if tolerance else [])])


def _begin(app: "Dashboard", store: "Store", name: str, text: str) -> tuple[str, float]:
    from workbench.view.reproduction import begin, read_tolerance

    tolerance = read_tolerance(text) if text else 0.0
    again = begin(app.layout, store, name)
    for warning in again.warnings:
        app.call_from_thread(app.notify, warning, severity="warning", markup=False)
    return again.name, tolerance


async def _is_over(app: "Dashboard", name: str) -> bool:
    """Wait until the run is over, for as long as the dashboard is open; False for one that was removed meanwhile."""
    while True:
        try:
            if (await app.desk.ask(lambda store: _state(app, store, name))).final:
                return True
        except NotFound as error:
            app.notify(str(error), severity="warning", markup=False)
            return False
        except WorkbenchError:
            pass  # the screen tells it; the next look may be a better one
        await asyncio.sleep(_LOOK_SECONDS)


def _state(app: "Dashboard", store: "Store", name: str) -> RunState:
    from workbench.view.fresh import refresh

    refresh(app.layout, store, budget_seconds=0.5)
    return store.run(name).state


async def _report(app: "Dashboard", before: str, again: str, tolerance: float) -> None:
    from workbench.view.reproduction import in_all, reproduction, verdict

    found = await app.desk.ask(lambda store: reproduction(app.layout, store, before, again, tolerance=tolerance))
    while isinstance(app.screen, ModalScreen):
        # What is typed there is not meant for the report.
        await asyncio.sleep(_LOOK_SECONDS)
    told = _told(found).append(f"\n{shlex.join(['workbench', 'compare', before, again])}", "dim")
    app.push_screen(Reader(verdict(before, again, in_all(found)), told))


def _told(found: "tuple[Outcome, ...]") -> Text:
    from workbench.view.compared_text import name_text, value_texts
    from workbench.view.reproduction import WORDS

    text, width = Text(), max(map(len, WORDS.values()))
    for one in found:
        before, after = value_texts(one.kind, one.name, [one.before, one.after], _WIDEST)
        text.append(f"{WORDS[one.same]:{width}}  ", _COLOURS[one.same])
        text.append(f"{one.kind} ", GREY).append(f"{name_text(one.name, one.rank, one.step, _WIDEST)}  ")
        text.append(before if one.same else f"{before} → {after}", GREY if one.same else "").append("\n")
    return text
