"""What is wrong with a workspace: its folder, its store, its runs."""

import os
from collections.abc import Iterator
from functools import partial

from workbench_store.errors import StoreDamaged, WorkbenchError
from workbench_store.layout import WorkspaceLayout
from workbench_store.states import RunState
from workbench_store.words import counted

from workbench.doctor.finding import Finding
from workbench.doctor.machine import disk_room, file_system

_MENDED_BY_ROOM = "Make room, or give yourself the permission: whoever looks next then writes it."
_SYNCHRONISED = ("OneDrive", "Dropbox", "Google Drive", "GoogleDrive", "iCloud", "Mobile Documents", "Nextcloud")


def examine_workspace(layout: WorkspaceLayout) -> Iterator[Finding]:
    """Everything that can be said of it. Nothing is written but what a look at the runs brings into the store."""
    yield from _folder(layout)
    yield from _cut_short(layout)
    yield from _store(layout)


def _folder(layout: WorkspaceLayout) -> Iterator[Finding]:
    yield Finding("ok", f"workspace {layout.root}")
    if not os.access(layout.root, os.W_OK):
        yield Finding("problem", f"{layout.root} cannot be written", "Give yourself the permission, or use another.")
    mode = layout.root.stat().st_mode & 0o777
    if mode & 0o077:
        yield Finding(
            "problem",
            f"others may look into {layout.root} (mode {mode:03o})",
            f"chmod 700 {layout.root}",
            lambda: layout.root.chmod(0o700),
        )
    kind = file_system(layout.root, "Keep the workspace on a local disk: --workspace or WORKBENCH_WORKSPACE.")
    if kind.level == "problem":
        yield kind
    service = next((name for name in _SYNCHRONISED if name in str(layout.root)), None)
    if service:
        yield Finding("problem", f"{layout.root} is synchronised by {service}", "Keep the workspace outside of it.")
    yield disk_room(layout.root)


def _cut_short(layout: WorkspaceLayout) -> Iterator[Finding]:
    """What killed processes, or a full disk, left half done."""
    from workbench_store.disk_use import bytes_on_disk
    from workbench_store.purging import unfinished_purges

    from workbench.lifecycle.collection import abandoned_rebuild, sweep_rebuild

    for name in unfinished_purges(layout):
        yield Finding(
            "problem",
            f"run {name} was being removed for good, and that is not finished",
            "workbench gc, or workbench doctor --fix",
            partial(_finish_removal, layout, name),
        )
    rebuild = abandoned_rebuild(layout)
    if rebuild is not None:
        size = f"{bytes_on_disk(rebuild) / 1024**2:.1f} MiB"
        yield Finding(
            "problem",
            f"a rebuild or verification of the store was killed, and left {size} in {rebuild}",
            "workbench gc, or workbench doctor --fix",
            partial(sweep_rebuild, layout),
        )


def _finish_removal(layout: WorkspaceLayout, name: str) -> None:
    from workbench_store.purging import finish_purges, refuse_remains

    remains = finish_purges(layout)
    if name in remains:
        refuse_remains({name: remains[name]})


def _store(layout: WorkspaceLayout) -> Iterator[Finding]:
    from workbench_store.rebuild import rebuild
    from workbench_store.store import Store

    store = Store(layout)
    try:
        from workbench.view.fresh import refresh

        done = refresh(layout, store)
        not_written = done.blocked or done.unsaved
        if not_written:
            yield Finding("problem", not_written, _MENDED_BY_ROOM)
        for one in done.unread:
            yield Finding("problem", str(one), one.remedy)
        if done.unsaved:
            return
        yield Finding("ok", f"store {layout.store.name}: {layout.store.stat().st_size / 1024**2:.1f} MiB")
        yield from _runs(layout)
    except StoreDamaged as error:
        yield Finding("problem", error.message, error.remedy or "", lambda: rebuild(layout))
    except WorkbenchError as error:
        yield Finding("problem", error.message, error.remedy or "")


def _bare_runs(layout: WorkspaceLayout, known: set[str]) -> Iterator[Finding]:
    """Folders of runs of which neither journals nor the store know anything."""
    from workbench_store.absence import is_bare

    try:
        names = sorted(set(os.listdir(layout.runs)) - known)
    except OSError:
        return  # which is told already
    for name in names:
        if is_bare(layout, name):
            yield Finding(
                "problem",
                f"nothing is recorded of run {name} any more: its journals are gone from {layout.run(name).root}",
                f"Bring them back from a copy, or remove what is left of it: workbench rm {name}",
            )


def _runs(layout: WorkspaceLayout) -> Iterator[Finding]:
    from workbench_store.absence import has_no_journals
    from workbench_store.forget import removed_runs
    from workbench_store.user_sql.own import own_query

    # One look at all of them: there may be ten thousand.
    told = "SELECT name, state, damaged_bytes, lost_points FROM runs ORDER BY created DESC, name"
    before = set(removed_runs(layout))
    runs = own_query(layout, told)
    yield Finding("ok", counted(len(runs), "run"))
    yield from _bare_runs(layout, {str(name) for name, *_ in runs})
    removed = set(removed_runs(layout))
    for name, text, damaged, lost in runs:
        state = RunState.parse(text)
        if name in removed - before:
            continue  # just now
        if name in removed:
            yield Finding(
                "problem",
                f"run {name} is removed, and the store, which could not be written, has it still",
                "Make room, or give yourself the permission: who reads next then takes it out of the store.",
            )
            continue
        if has_no_journals(layout.run(name).journals):
            yield Finding(
                "problem",
                f"the journals of run {name} are gone from {layout.run(name).root}; only the store still knows it",
                "Bring the folder back from a copy. To give up what only the store has of such runs: "
                "workbench doctor --rebuild --losing",
            )
        elif state is RunState.NOT_RESPONDING:
            yield Finding(
                "problem",
                f"run {name} is not responding",
                f"workbench adopt {name}, or workbench close --as failed {name}",
            )
        if damaged:
            yield Finding(
                "note", f"run {name} has {counted(damaged, 'damaged byte')} in its journals; the rest was kept"
            )
        if lost:
            yield Finding("note", f"run {name} lost {counted(lost, 'point')} when its disk was full")
        if state.final and layout.staged(name).exists():
            yield Finding(
                "problem",
                f"run {name} still has temporary storage",
                f"workbench outputs --collect {name}",
                partial(_collect_whole, layout, name),
            )


def _collect_whole(layout: WorkspaceLayout, name: str) -> None:
    from workbench.lifecycle import collect
    from workbench.lifecycle.staging import remove_staging

    collect(layout, name)
    remove_staging(layout, name)  # which collecting only warns of
