"""A run as a Python object: what it is, what it recorded, and what can be done with it."""

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from warnings import warn

from workbench_store.errors import NotFound, RunError, UsageError
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.removing import remove_whole
from workbench_store.states import RunState

if TYPE_CHECKING:
    from workbench_store.records import ArtifactRecord, MediaKey, MediaRecord, MetricSummary, RunRecord, Series
    from workbench_store.store import Store


class Run:
    """One execution of a job, or of a script that opened a run itself.

    Each property reads what is recorded now. Get one from `Workspace.run`, `Workspace.runs` or `Workspace.submit`.
    """

    def __init__(self, layout: WorkspaceLayout, store: "Store", name: str) -> None:
        self._workspace = layout
        self._store = store
        self.name = name

    def __repr__(self) -> str:
        return f"Run({self.name!r}, state={str(self.state)!r})"

    def __eq__(self, other: object) -> bool:
        """Whether it is the same run of the same workspace."""
        return isinstance(other, Run) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[Path, str]:
        return Path(os.path.realpath(self._workspace.root)), self.name

    @property
    def files(self) -> RunLayout:
        """Where the run's files are."""
        return self._workspace.run(self.name)

    def record(self) -> "RunRecord":
        """Everything the list of runs knows of it, brought up to date. Raises NotFound if it was removed."""
        with self._up_to_date() as store:
            return store.run(self.name)

    @contextmanager
    def _up_to_date(self) -> "Iterator[Store]":
        """A store that has all that there is of the run, open meanwhile. Raises NotFound if it was removed."""
        from workbench.view.fresh import refresh_or_warn, store_with

        refresh_or_warn(self._workspace, self._store, self.name)
        with self._store.at_once(), store_with(self._workspace, self._store, self.name) as store:
            yield store

    @property
    def state(self) -> RunState:
        """The state now."""
        return self.record().state

    @property
    def params(self) -> dict[str, object]:
        """Parameters: the job's literal inputs and what `log_params` recorded."""
        with self._up_to_date() as store:
            return dict(store.params(self.name))

    @property
    def tags(self) -> dict[str, str]:
        """Tags."""
        return dict(self.record().tags)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What went wrong without ending it, as `workbench show` has it: what was lost, what could not be saved."""
        with self._up_to_date() as store:
            return store.detail(self.name).warnings

    def metrics(self, rank: int = 0) -> dict[str, float]:
        """The last value of each metric of one rank."""
        return {summary.key: summary.last for summary in self.summaries(rank)}

    def summaries(self, rank: int = 0) -> "list[MetricSummary]":
        """Last, minimum, maximum, mean and count of each metric of one rank."""
        if isinstance(rank, bool) or not isinstance(rank, int):
            raise UsageError(f"a rank is a number, not {rank!r}", remedy="Left out, it is 0.")
        with self._up_to_date() as store:
            return store.metrics(self.name, rank=rank)

    def series(self, key: str, rank: int = 0) -> "Series":
        """All points of one metric, in order of step. Raises NotFound for a key the run has not logged."""
        from workbench.view.fresh import store_with

        known = {summary.key for summary in self.summaries(rank)}
        if key not in known:
            names = ", ".join(sorted(known)) or "none"
            raise NotFound(
                f"run {self.name} has no metric {key!r} of rank {rank}",
                remedy=f"Logged by rank {rank} so far: {names}.",
            )
        with store_with(self._workspace, self._store, self.name) as store:
            return store.series(self.name, key, rank=rank)

    @property
    def outputs(self) -> dict[str, Path]:
        """Where each output is: `default` for ./outputs, then the named outputs."""
        from workbench.lifecycle.outputs import output_places

        return output_places(self.files)

    @property
    def artifacts(self) -> "list[ArtifactRecord]":
        """The files saved so far, with sizes in bytes and hashes."""
        with self._up_to_date() as store:
            return store.artifacts(self.name)

    def media(self, key: str | None = None, kind: str | None = None) -> "list[MediaRecord]":
        """Images, tables, histograms, texts and figures, of one key and kind or of all, in order of key, kind and step.

        A record's `path`, if it has one, is relative to `.files.root`; else `.content` holds the thing.
        """
        from workbench_store.records import MediaQuery

        with self._up_to_date() as store:
            return store.media(self.name, MediaQuery(key, kind))

    def media_keys(self) -> "list[MediaKey]":
        """How many images, tables and the like there are of each key and kind, and of which steps."""
        with self._up_to_date() as store:
            return store.media_keys(self.name)

    @property
    def ranks(self) -> list[int]:
        """The ranks that have a log; 0 alone where the job is one process."""
        from workbench.client.log_cap import logged_ranks

        return logged_ranks(self.files)

    def logs(self, rank: int = 0) -> str:
        """The job's own output so far, as plain text. Raises NotFound for a rank that has none."""
        from workbench.lifecycle.logs import read_log, readable

        return readable(read_log(self.files, self.logged(rank)))

    def follow_logs(self, rank: int = 0) -> Iterator[str]:
        """The job's own output in pieces as it comes, until the run ends. Raises NotFound as `logs`."""
        from workbench.lifecycle.logs import follow_log, readable

        return map(readable, follow_log(self.files, self.logged(rank)))

    def follow_all_logs(self) -> Iterator[str]:
        """The output of all ranks as it comes, each line behind its rank, until the run ends."""
        from workbench.lifecycle.logs import follow_all_logs, readable

        return map(readable, follow_all_logs(self.files))

    def logged(self, rank: int) -> int:
        """The rank, if it has a log. Raises NotFound."""
        if rank not in self.ranks:
            there = ", ".join(map(str, self.ranks))
            raise NotFound(f"run {self.name} has no log of rank {rank}", remedy=f"Ranks with a log: {there}.")
        return rank

    def wait(self, timeout: float | None = None) -> RunState:
        """Wait until the run is final or not responding, and return its state.

        `timeout` is in seconds; RunError is raised when it passes, and the run goes on. WorkspaceError is raised when
        the run's folder is gone or its journals may not be read.
        """
        from workbench.lifecycle.judge import check_there, state_now
        from workbench.lifecycle.pauses import SHORTEST_SECONDS, longer

        if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int | float)):
            raise UsageError(f"timeout is a number of seconds, not {timeout!r}")
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = SHORTEST_SECONDS
        while True:
            check_there(self.files)
            state = state_now(self.files)
            if state.final or state is RunState.NOT_RESPONDING:
                return state
            if deadline is not None and time.monotonic() > deadline:
                raise RunError(f"run {self.name} is still {state} after {timeout} s", remedy="It goes on; wait again.")
            time.sleep(pause)
            pause = longer(pause)

    @property
    def note(self) -> str | None:
        """What users wrote about it."""
        return self.record().note

    def set_tags(self, tags: "Mapping[str, object]") -> None:
        """Set tags of the run, whoever made it and though it is over. Raises UsageError for what is no tag."""
        from workbench.lifecycle import edit_tags

        edit_tags(self._workspace, [self.name], tags)

    def remove_tags(self, *names: str) -> None:
        """Take tags away; those that are not there are no trouble."""
        from workbench.lifecycle import edit_tags

        edit_tags(self._workspace, [self.name], {}, names)

    def set_note(self, text: str) -> None:
        """Write a note in place of the one there is; an empty one takes it away."""
        from workbench.lifecycle import edit_note

        edit_note(self._workspace, self.name, text)

    def archive(self, archived: bool = True) -> None:
        """Put the run out of the way of lists, or back. Nothing is deleted."""
        from workbench.lifecycle import edit_archived

        edit_archived(self._workspace, [self.name], archived)

    def rerun(self, *overrides: str, compute: str | None = None) -> "Run":
        """Submit the run's job again from its own snapshot, spec and environment, with overrides such as
        `inputs.lr=0.1`. Raises RunError for a run without a job, or whose secret variables are missing here, and
        UsageError for an override that is no such text."""
        from workbench.lifecycle import rerun

        for override in overrides:
            if not isinstance(override, str):
                raise UsageError(f"an override is text such as 'inputs.lr=0.1', not {override!r}")
        if compute is not None and not isinstance(compute, str):
            raise UsageError(f"compute is a name, not {compute!r}")
        again = rerun(self._workspace, self.name, overrides, compute=compute)
        return Run(self._workspace, self._store, again.name)

    def cancel(self) -> None:
        """Ask for cancellation; the run is Canceled once its processes have ended. RunError if it is final already."""
        from workbench.lifecycle import cancel

        cancel(self._workspace, self.name)

    def adopt(self) -> None:
        """Start a new supervisor for a run whose own is gone. RunError if it is not."""
        from workbench.lifecycle import adopt

        adopt(self._workspace, self.name)

    def close(self, state: RunState) -> None:
        """End a run whose supervisor is gone as Failed or Canceled. RunError if that does not fit its state."""
        from workbench.lifecycle import close_run

        close_run(self._workspace, self.name, state)

    @property
    def unsaved(self) -> bool:
        """Whether the run is over and not all of its outputs are saved: `collect` saves them."""
        from workbench.lifecycle.staging import holds_unsaved

        return self.state.final and holds_unsaved(self._workspace, self.name)

    def collect(self) -> None:
        """Finish saving the outputs of a run whose collection failed or was cut short."""
        from workbench.lifecycle import collect

        collect(self._workspace, self.name)

    def download(self, target: str | Path, tell: Callable[[str], None] = warn) -> Path:
        """Copy ./outputs to `target`/artifacts and named outputs to `target`/named-outputs; returns `target`, which is
        not made where there is nothing to copy.

        `tell` is given a line for each file that is not what the run saved, as where it is kept others may have
        written since. Raises RunError if a file is in the way, as nothing is overwritten, and for a folder that is in
        what is to be copied.
        """
        from workbench.data.copying import is_inside, told
        from workbench.lifecycle.saved_files import unlike_saved

        if not isinstance(target, str | os.PathLike):
            raise UsageError(f"outputs are copied to a folder, which is named by its path, not {target!r}")
        folder = Path(target)
        copies = {
            name: folder / ("artifacts" if name == "default" else f"named-outputs/{name}") for name in self.outputs
        }
        taken = [copy for copy in copies.values() if copy.exists()]
        if taken:
            raise RunError(f"{taken[0]} is there already", remedy="Name another folder, or remove it first.")
        for name, place in self.outputs.items():
            if is_inside(os.path.realpath(copies[name]), os.path.realpath(place)):
                raise RunError(
                    f"{folder} is in {place}, which would be copied into itself",
                    remedy="Name a folder elsewhere. Nothing was copied.",
                )
        # As of now: what is logged meanwhile need not be among what is copied, and a script that goes on may put
        # another in the place of what it has logged, of which there is no hash.
        over, saved = self.state.final, self.artifacts
        try:
            # Of an empty folder nothing is copied, which would only be in the way of the next try.
            outputs = {name: place for name, place in self.outputs.items() if place.exists() and not _is_empty(place)}
            for name, place in outputs.items():
                copies[name].parent.mkdir(parents=True, exist_ok=True)
                self._copy(place, copies[name])
        except OSError as error:
            raise RunError(
                f"the outputs of {self.name} cannot be copied to {folder}: {told(error)}",
                remedy="Name a folder that is not there yet, in one that you may write to, on a disk with room; "
                "and see that what is to be copied may be read.",
            ) from error
        for text in unlike_saved((one for one in saved if over or one.hash is not None), copies):
            tell(text)
        return folder

    def _copy(self, source: Path, target: Path) -> None:
        """Copy an output; the workspace, which may be in a place that the user chose, is none of it."""
        workspace = os.path.realpath(self._workspace.root)

        def passed_over(folder: str, names: list[str]) -> set[str]:
            paths = ((name, Path(folder, name)) for name in names)
            return {name for name, path in paths if _holds_nothing(path) or os.path.realpath(path) == workspace}

        # Under another name until it is whole: what is cut short would be taken for an output, and be in the way.
        draft = target.with_name(f".{target.name[:100]}-{os.urandom(6).hex()}.part")
        try:
            if source.is_dir():
                shutil.copytree(source, draft, symlinks=True, ignore=passed_over)
            else:
                shutil.copy2(source, draft)
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
            draft.rename(target)
        except BaseException:
            remove_whole(draft)
            raise


def _holds_nothing(path: Path) -> bool:
    """Pipes, sockets and devices: they hold nothing to copy."""
    return not (path.is_symlink() or path.is_file() or path.is_dir())


def _is_empty(path: Path) -> bool:
    return path.is_dir() and next(path.iterdir(), None) is None
