"""Inputs brought to where the job finds them: fetched, linked, copied, tables taken apart."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from msgspec import Struct, field
from workbench_store.errors import DataError, RunError, WorkbenchError

from workbench.data.assets import learn_content, same_way
from workbench.data.cache import DataCache, Tree
from workbench.data.copying import NO_DATA
from workbench.data.fetch import fetch
from workbench.data.fingerprint import local_content
from workbench.data.hashing import hash_of_named
from workbench.data.limit import size_text
from workbench.data.located import locate
from workbench.data.mltable import Part, local_files, longer_names, read_table
from workbench.data.own_copy import copy_to_change
from workbench.data.watching import Watcher
from workbench.lifecycle.fingerprints import content_of_all, input_fields
from workbench.lifecycle.links import make_link
from workbench.lifecycle.plan import PlannedInput
from workbench.lifecycle.repeated import fetched_before, repeated_run
from workbench.lifecycle.run_outputs import find_output
from workbench.lifecycle.supervision import Supervision
from workbench.spec.paths import is_remote

_POLL_SECONDS = 0.05
_PROGRESS_SECONDS = 1.0
_WAITS_SECONDS = 10.0

T = TypeVar("T")


def bring_inputs(supervision: Supervision, detail: dict[str, Any]) -> None:
    """Bring every input; the bytes fetched, and how many inputs were in the cache, go into `detail`.

    Raises Canceled as soon as the run is to be cancelled, and WorkbenchError naming the input that cannot be had.
    """
    for item in supervision.plan.inputs:
        if item.brought:
            try:
                in_background(supervision, _Bringing(supervision, item, detail).bring)
            except (WorkbenchError, OSError) as error:
                remedy = error.remedy if isinstance(error, WorkbenchError) else None
                told = error.message if isinstance(error, WorkbenchError) else str(error)
                raise RunError(f"input {item.name}: {told}", remedy=remedy) from error


def in_background(supervision: Supervision, work: Callable[[Watcher], T]) -> T:
    """What `work` returns or raises, done in a thread, since nothing else can leave a read that hangs.

    Raises Canceled at once when the run is to be cancelled; the thread is then told to stop, and not waited for.
    """
    task = _Task(work, Watcher(warn=supervision.recorder.warning))
    threading.Thread(target=task.run, name="data", daemon=True).start()
    try:
        while not task.done.wait(_POLL_SECONDS):
            supervision.check_cancel()
    finally:
        task.watcher.stop.set()
    if task.error is not None:
        raise task.error
    return task.results[0]


class _Task(Struct, Generic[T]):
    """Work in another thread, and what came of it."""

    work: Callable[[Watcher], T]
    watcher: Watcher
    results: list[T] = field(default_factory=list)
    error: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        try:
            self.results.append(self.work(self.watcher))
        except BaseException as error:
            self.error = error
        self.done.set()


class _Progress:
    """Records where a fetch stands, about once a second, and when it is done."""

    def __init__(self, supervision: Supervision, name: str, watcher: Watcher) -> None:
        self._supervision, self._name, self._watcher = supervision, name, watcher
        self._next = time.monotonic() + _PROGRESS_SECONDS
        self._told = -1
        self._next_wait, self._waited = 0.0, 0.0

    def __call__(self, done: int, total: int | None) -> None:
        soon = time.monotonic() < self._next and done != total
        if self._watcher.stop.is_set() or soon or done == self._told:
            return
        self._told = done
        self._next = time.monotonic() + _PROGRESS_SECONDS
        text = f"{size_text(done)} of {size_text(total)}" if total else size_text(done)
        self._tell(text, bytes=done, of=total)

    def waiting(self, seconds: float, reason: str) -> None:
        """Record why nothing comes for a while: not each time where that is short and happens again and again."""
        soon = time.monotonic() < self._next_wait and seconds <= self._waited
        if self._watcher.stop.is_set() or soon:
            return
        self._next_wait, self._waited = time.monotonic() + _WAITS_SECONDS, seconds
        self._tell(f"waiting {seconds:g} s: {reason}")

    def _tell(self, text: str, **fields: int | None) -> None:
        text = f"input {self._name}: {text}"
        self._supervision.recorder.event("progress", stage="stage", text=text, **fields)


class _Bringing(Struct, frozen=True):
    """One input on its way to its place."""

    supervision: Supervision
    item: PlannedInput
    detail: dict[str, Any]

    @property
    def _run_folder(self) -> Path:
        return self.supervision.files.root

    def bring(self, watcher: Watcher) -> None:
        """Bring it. Raises WorkbenchError, OSError, Stopped."""
        item = self.item
        place = Path(str(item.path))
        contents: list[str] = []
        if item.fetch:
            url = os.environ.get(item.secret, "") if item.secret else str(item.path)
            tree = self._fetched(url or str(item.path), item.type, watcher)
            place = tree.path
            contents.append(tree.fingerprint)
        if item.staged is not None:
            target = Path(item.staged)
            target.parent.mkdir(parents=True, exist_ok=True)
            if item.evaluated:
                contents += self._evaluate(place, target, watcher)
            else:
                self._put(place, target)
        if contents:
            self._record(place, contents)
        if item.link is not None:
            make_link(self.supervision.layout, self.supervision.files, Path(item.link), item.staged or str(item.path))

    def _record(self, place: Path, contents: list[str]) -> None:
        """Record what has come from elsewhere, together with what was on this machine."""
        if not self.item.fetch:
            contents = [local_content(place), *contents]
        content = content_of_all(contents)
        self.supervision.recorder.event("input", **input_fields(self.item, content))
        self._compare(content)

    def _compare(self, content: str) -> None:
        """Warn if other data has come than when the version was fetched first, or to the run that is repeated."""
        item, supervision = self.item, self.supervision
        if item.asset is not None:
            self._compare_version(item.asset, content)
        earlier = repeated_run(supervision.files)
        before = fetched_before(supervision.layout, earlier, item.name, str(item.path)) if earlier else None
        if before not in (None, content):
            told = f"input {item.name} is not as it was in {earlier}: {item.path} has changed since"
            supervision.recorder.warning(told)

    def _compare_version(self, uri: str, content: str) -> None:
        item, supervision = self.item, self.supervision
        warn = supervision.recorder.warning
        try:
            known = learn_content(supervision.layout, item.asset_kind or "data", uri, content, supervision.plan.name)
        except (WorkbenchError, OSError) as error:
            warn(f"input {item.name}: what {uri} consists of could not be recorded: {error}")
            return
        if same_way(known, content) and known != content:
            told = f"{item.path} has changed since {uri} was first fetched; a version is meant to stay as it is"
            warn(f"input {item.name}: {told}")

    def _put(self, source: Path, target: Path) -> None:
        """A copy that the job may change, or a link."""
        if not self.item.copied:
            target.symlink_to(source)
            return
        for link in copy_to_change(source, target, leaving_out=NO_DATA):
            told = f"{link.relative_to(target)} leads to a folder that the data lies in, and is no copy of it"
            self.supervision.recorder.warning(f"input {self.item.name}: {told}")

    def _fetched(self, url: str, type: str, watcher: Watcher) -> Tree:
        watcher.progress = progress = _Progress(self.supervision, self.item.name, watcher)
        watcher.waiting = progress.waiting
        found = fetch(DataCache(), url, type, self._run_folder, watcher)
        what = "cached" if found.cached else "fetched"
        self.detail[what] = self.detail.get(what, 0) + found.tree.bytes
        return found.tree

    def _evaluate(self, folder: Path, target: Path, watcher: Watcher) -> list[str]:
        """The files of which the table consists, in a folder; one that several parts name is there once. Gives the
        hash of the content of each part that is at a URI."""
        target.mkdir(exist_ok=True)
        # By path, and by what is on the disk for parts that lead to it otherwise.
        taken: set[Path | tuple[str, int, int]] = set()
        contents = []
        for part in read_table(folder):
            if is_remote(part.place):
                files, content = self._had(part, watcher)
                contents.append(content)
            else:
                files = local_files(part, folder)
            for name, file in files:
                found = file.stat()
                identity = (name, found.st_dev, found.st_ino)
                if not taken.isdisjoint((file, identity)):
                    continue
                taken.update((file, identity))
                names = (name, *longer_names(part, name))
                free = next((one for one in names if not os.path.lexists(target / one)), None)
                if free is None:
                    raise DataError(f"the table has two files called {name}", remedy="Rename one of them.")
                place = target / free
                place.parent.mkdir(parents=True, exist_ok=True)
                self._put(file, place)
        return contents

    def _had(self, part: Part, watcher: Watcher) -> tuple[list[tuple[str, Path]], str]:
        """The files of a part that is at a URI, once they are on this machine, and the hash of their content."""
        layout = self.supervision.layout
        found = locate(layout, part.source, "data", lambda run, output: find_output(layout, run, output))
        if found.local:
            path, content = Path(found.place), None
        else:
            tree = self._fetched(found.place, part.type, watcher)
            path, content = tree.path, tree.fingerprint
        files = part.had_at(path)
        if part.kind == "pattern":  # what does not fit it is no part of the table
            return files, hash_of_named(files)
        return files, content or local_content(path)
