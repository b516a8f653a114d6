"""What a user does with runs from the dashboard. Each shows the command that does the same."""

import shlex
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from workbench_store.absence import check_run
from workbench_store.errors import UsageError, WorkbenchError
from workbench_store.states import RunState
from workbench_store.words import counted

from workbench.client.arguments import check_tags
from workbench.tui.screens.dialogs import Ask, Choose

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

Answer = TypeVar("Answer")
#: Names of runs in a command that is told.
_MOST_NAMED = 8


def tag_command(names: Sequence[str], text: str) -> str:
    """What sets and takes away the tags that the words name: `team=vision best -old`."""
    tags, removed = _tags(text)
    check_tags(tags)
    words = [*(f"{key}={value}" if value else key for key, value in tags.items())]
    words += [f"--remove={name}" for name in removed]
    return shlex.join(["workbench", "tag", *names[:_MOST_NAMED], *words]) + _others(names)


def _tags(text: str) -> tuple[dict[str, str], list[str]]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"the tags cannot be read: {error}") from error
    removed = [word[1:] for word in words if word.startswith("-") and len(word) > 1]
    kept = (word.partition("=") for word in words if not word.startswith("-"))
    return {name: value for name, _, value in kept}, removed


def _others(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return f"   and {counted(more, 'more run')}" if more > 0 else ""


async def tag(app: "Dashboard", names: Sequence[str]) -> None:
    """Ask for tags and set them."""
    from workbench.lifecycle import edit_tags

    if not are_there(app, names):
        return
    question = Ask(f"Tags of {_who(names)}", "team=vision best -old", "", lambda text: tag_command(names, text))
    text = await app.push_screen_wait(question)
    if not text:
        return

    def change() -> None:
        tags, removed = _tags(text)
        edit_tags(app.layout, list(names), tags, removed)

    await _do(app, change, f"{_who(names)} tagged")


async def note(app: "Dashboard", name: str, before: str) -> None:
    """Ask for a note and write it."""
    from workbench.lifecycle import edit_note

    if not are_there(app, [name]):
        return
    question = Ask(
        f"Note about {name}",
        "what is worth knowing",
        before,
        lambda text: shlex.join(["workbench", "note", name, *(["--"] if text.startswith("-") else []), text]),
    )
    text = await app.push_screen_wait(question)
    if text is not None and text != before:
        await _do(app, lambda: edit_note(app.layout, name, text), f"{name}: note written")


async def archive(app: "Dashboard", names: Sequence[str]) -> None:
    """Put runs out of the way of the list; the command that did it is told, and the one that brings them back."""
    from workbench.lifecycle import edit_archived

    if not are_there(app, names):
        return

    def change() -> None:
        edit_archived(app.layout, list(names), True)

    did, undo = (
        shlex.join(["workbench", "archive", *names[:_MOST_NAMED], *more]) + _others(names) for more in ([], ["--undo"])
    )
    await _do(app, change, f"{_who(names)} archived\n{did}\nUndo: {undo}")


async def rerun(app: "Dashboard", name: str) -> None:
    """Ask what is to change, and run the run again."""
    from workbench.lifecycle import rerun as submit_again

    if not are_there(app, [name]):
        return

    def command(text: str) -> str:
        from workbench.spec.overrides import BadOverride, parse_overrides

        words = _words(text)
        try:
            parse_overrides(words)
        except BadOverride as error:
            raise UsageError(error.problem.message) from error
        return shlex.join(["workbench", "rerun", name, *(f"--set={one}" for one in words)])

    question = Ask(f"Run {name} again, with what changed", "inputs.lr=0.01 (empty: as it was)", "", command)
    text = await app.push_screen_wait(question)
    if text is None:
        return
    again = await _do(app, lambda: submit_again(app.layout, name, _words(text)), None)
    if again is not None:
        for warning in again.warnings:
            app.notify(warning, severity="warning", markup=False)
        app.open_run(again.name)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"the changes cannot be read: {error}") from error


async def adopt(app: "Dashboard", name: str) -> None:
    """Take over a run whose supervisor is gone."""
    from workbench.lifecycle import adopt as take_over

    if are_there(app, [name]):
        did = shlex.join(["workbench", "adopt", name])
        await _do(app, lambda: take_over(app.layout, name), f"{name}: adopted\n{did}")


async def close(app: "Dashboard", name: str) -> None:
    """Ask as what a run is to end whose supervisor is gone, and end it."""
    from workbench.lifecycle import close_run

    if not are_there(app, [name]):
        return
    states = {"failed": RunState.FAILED, "canceled": RunState.CANCELED}
    commands = {word: shlex.join(["workbench", "close", name, "--as", word]) for word in states}
    chosen = await app.push_screen_wait(Choose(f"End {name}, whatever its job does, as", list(commands.items())))
    if chosen:
        await _do(app, lambda: close_run(app.layout, name, states[chosen]), f"{name}: closed as {chosen}")


async def open_folder(app: "Dashboard", name: str) -> None:
    """Show the run's folder, and tell where it is."""
    from workbench.view.folders import open_folder as show

    if not are_there(app, [name]):
        return
    folder, command = app.layout.run(name).root, shlex.join(["workbench", "open", name])
    if show(folder):
        app.notify(f"{command}\n{folder}", markup=False)
    else:
        app.copy_to_clipboard(str(folder))
        app.notify(f"{command}\n{folder}\n(copied; there is no file manager to show it)", markup=False)


def are_there(app: "Dashboard", names: Sequence[str]) -> bool:
    """Whether nobody has removed the runs meanwhile; else it is told."""
    try:
        for name in names:
            check_run(app.layout, name)
    except WorkbenchError as error:
        app.notify(str(error), severity="error", markup=False)
        return False
    return True


def _who(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else counted(len(names), "run")


async def _do(app: "Dashboard", action: Callable[[], Answer], done: str | None) -> Answer | None:
    """Do it beside the screen and say so; what goes wrong is told, and then None is the answer."""
    return await attempted(app, lambda: app.desk.do(action), done)


async def attempted(
    app: "Dashboard", action: Callable[[], Awaitable[Answer]], done: str | None = None
) -> Answer | None:
    """The action's answer; what goes wrong is told, and then None is the answer."""
    try:
        answer = await action()
    except (WorkbenchError, OSError) as error:
        app.notify(str(error), severity="error", markup=False)
        return None
    if done:
        app.notify(done, markup=False)
    return answer
