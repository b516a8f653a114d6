"""An open run as a script sees it: logging into it, and ending it. (Python 3.8.)"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from workbench_store.errors import UsageError
from workbench_store.held_back import HeldBack
from workbench_store.journal.lost import Lost
from workbench_store.journal.writer import JournalWriter, warn
from workbench_store.layout import RunLayout

from workbench.client import at_exit
from workbench.client.arguments import check_name, check_step, check_tags, flatten_params, number_of
from workbench.client.artifacts import path_of, save_file, save_folder
from workbench.client.family import is_a_child
from workbench.client.rank import rank_of_process
from workbench.client.unsaved import Unsaved

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional, Sequence, Tuple, Type

    from workbench.client.media.log import MediaLog

    #: Ends a run with a state ("Completed", "Failed", "Canceled") and a reason.
    Ending = Callable[[str, Optional[str]], None]

#: With the longest names and texts these still fit into a record.
_KEYS_PER_RECORD = 10_000
_PARAMS_PER_RECORD = 100
#: What is loaded when it is first used may not be there by then: a package that was upgraded meanwhile, no file left to
#: be opened.
_MAY_FAIL = (ImportError, OSError)


class ActiveRun:
    """An open run. Wrong arguments raise UsageError at once; trouble with files never raises."""

    def __init__(
        self,
        files: RunLayout,
        journal: JournalWriter,
        ending: Optional[Ending],
        failing: Optional[Callable[[BaseException], None]] = None,
        has_past: bool = False,
    ) -> None:
        self.name = files.name
        self._files = files
        self._journal = journal
        self._ending = ending
        self._failing = failing
        self._ended = False
        #: What was being handled when the run was opened, which is not what ends it.
        self._handled = id(sys.exc_info()[1])
        #: Whether something is to be looked at before anything is logged: that the run has ended, or the rank.
        self._heed = False
        self._rank_before: Optional[int] = None
        journal.when_forked = self._begin_as_child
        journal.when_waiting = self._await_the_end_of_a_child
        journal.when_moved = self._follow
        #: Called when the run's folder was found to have been moved.
        self.when_moved: Callable[[], object] = lambda: None
        self._awaits_end_of = 0
        self._counts: Dict[str, int] = {}
        #: Whether steps that are not given go on from those that the run has already.
        self._has_past = self._had_past = has_past
        self._known: Dict[Tuple[str, ...], Tuple[str, ...]] = {}
        self._media_log: "Optional[MediaLog]" = None
        self._unsaved = Unsaved(journal)

    def __repr__(self) -> str:
        return "ActiveRun({!r})".format(self.name)

    def __reduce__(self) -> "Tuple[Callable[[str], ActiveRun], Tuple[str]]":
        """Handed to the processes of a pool it is the run that they log into; kept in a file, say within a model, it is
        one that is over."""
        from workbench.client.current import same_run

        return same_run, (str(self._files.root),)

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self._files.root

    @property
    def rank(self) -> int:
        """This process's rank among those of the run."""
        if not self._ended:
            self._take_heed()
        return self._journal.rank

    def log(self, metrics: Mapping[str, Any], step: Optional[int] = None) -> None:
        """Record numbers by name at a step; when it returns they survive the death of this process.

        Without `step` each name counts by itself from 0. NaN and infinities are recorded.
        """
        if self._heed:
            self._settle()
        if type(metrics) is not dict:
            metrics = _mapping(metrics)
        keys = tuple(metrics)
        if keys not in self._known:
            self._learn(keys)
        values = [value if type(value) is float else number_of(key, value) for key, value in metrics.items()]
        if step is None:
            self._count(keys, values)
        else:
            number = step if type(step) is int and 0 <= step < 2**63 else check_step(step)
            self._journal.points(self._journal.now(), number, keys, values)

    def _take_heed(self) -> None:
        if self._ended:
            raise UsageError(
                "the run {} has ended".format(self.name), remedy="Log before `end()` or inside the `with`."
            )
        if self._rank_before is None:
            return
        rank = rank_of_process()
        if rank != self._rank_before:
            self._rank_before = rank
            self._become(rank)

    def _settle(self) -> None:
        """From its first metric on, a process is of one rank."""
        self._take_heed()
        self._rank_before = None
        self._heed = self._ended

    def _follow(self) -> None:
        """The workspace was moved: files go where the journal is, and so do those of children."""
        if os.environ.get("WORKBENCH_RUN_DIR") == str(self._files.root):
            os.environ["WORKBENCH_RUN_DIR"] = str(self._journal.folder.parent)
        self._files.moved(self._journal.folder.parent)
        self.when_moved()

    def look_at_rank(self) -> None:
        """Look, until this process logs its first metric, whether it was told its rank meanwhile: a child has the run
        before it joins the others, in recipes for training by `os.environ["RANK"] = ...` or `init_process_group`."""
        self._heed = True
        if self._rank_before is None:
            self._rank_before = rank_of_process()

    def _begin_as_child(self) -> None:
        self._unsaved.begin()
        self.look_at_rank()

    def _await_the_end_of_a_child(self) -> None:
        """A child that multiprocessing has forked leaves past what its script registered: at its end what waits is
        tried once more, and told of."""
        if is_a_child() and self._awaits_end_of != os.getpid():
            self._awaits_end_of = os.getpid()
            at_exit.at_exit(self.close_journal)

    def _become(self, rank: int) -> None:
        self._journal.set_rank(rank)
        self._counts, self._has_past = {}, self._had_past
        self._media_log = None

    def _learn(self, keys: Tuple[str, ...]) -> None:
        for key in keys:
            check_name(key, "metric")
        if not keys:
            raise UsageError("log was given no metrics")
        if len(keys) > _KEYS_PER_RECORD:
            raise UsageError("log was given {} metrics at once; it takes {}".format(len(keys), _KEYS_PER_RECORD))
        if len(self._known) > 1000:
            self._known.clear()
        self._known[keys] = keys

    def _count(self, keys: Tuple[str, ...], values: "list[float]") -> None:
        if self._has_past:
            self._has_past = False
            with _NeverRaising("read which steps were logged before"):
                from workbench.client.carrying_on import next_steps

                self._counts = next_steps(self._files, self.rank)
        now = self._journal.now()
        steps: Dict[int, Tuple["list[str]", "list[float]"]] = {}
        for key, value in zip(keys, values):
            step = self._counts.get(key, 0)
            self._counts[key] = step + 1
            together = steps.setdefault(step, ([], []))
            together[0].append(key)
            together[1].append(value)
        for step, (some, numbers) in steps.items():
            self._journal.points(now, step, tuple(some), numbers)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record parameters; nested mappings are flattened with dots. A name recorded again takes the new value."""
        self._take_heed()
        flat = list(flatten_params(params).items())
        # A record holds only so much text; parameters of several records are one set all the same.
        for start in range(0, len(flat), _PARAMS_PER_RECORD):
            self._journal.event("params", params=dict(flat[start : start + _PARAMS_PER_RECORD]))

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags."""
        self._take_heed()
        self._journal.event("tags", set=check_tags(tags), remove=[])

    def log_artifact(self, path: str, artifact_path: Optional[str] = None) -> None:
        """Copy a file into the run's outputs, below the folder `artifact_path` if one is named.

        UsageError if that leads out of the outputs; a file that cannot be copied is a warning.
        """
        if self._may_save("files", path):
            save_file(self._files, self._journal, self._unsaved, path_of(path, "path"), artifact_path)

    def log_artifacts(self, folder: str, artifact_path: Optional[str] = None) -> None:
        """Copy all files of a folder, as log_artifact does."""
        if self._may_save("folders", folder):
            save_folder(self._files, self._journal, self._unsaved, path_of(folder, "folder"), artifact_path)

    def _may_save(self, kind: str, thing: object) -> bool:
        """Whether the folder, wherever it is by now, is still this run's: what is another's is not to be touched."""
        self._take_heed()
        self._journal.look()
        if self._journal.is_ours():
            return True
        self._unsaved.warn(kind, thing, "the run was removed, and another lies in its place", self._files.root)
        return False

    def log_image(self, key: str, image: Any, step: Optional[int] = None, *, caption: Optional[str] = None) -> None:
        """Record an image by key at a step; without `step` each key counts by itself from 0 (so do the others below).

        image: a path to a PNG, JPEG, GIF or WebP file, the bytes of one, a pillow image, or an array of pixels (NumPy,
        PyTorch, TensorFlow, nested lists): HxW, HxWx1, HxWx3 or HxWx4, of 0..255 or of floats 0..1. Numbers out of
        range are cut, with a warning.
        """
        self._with_media(lambda media: media.image(key, image, step, caption))

    def log_table(
        self, key: str, table: Any, step: Optional[int] = None, *, columns: Optional[Sequence[str]] = None
    ) -> None:
        """Record a table: a mapping of columns, a list of mappings, a list of lists with `columns`, or a data frame.

        At most 100,000 rows, 1,000 columns and 16 MiB; UsageError above that.
        """
        self._with_media(lambda media: media.table(key, table, step, columns))

    def log_histogram(
        self,
        key: str,
        values: Any = None,
        step: Optional[int] = None,
        *,
        bins: int = 64,
        counts: Any = None,
        edges: Any = None,
    ) -> None:
        """Record how values are distributed over `bins` (at most 512) equal parts of their range; or `counts` that were
        made elsewhere, with one more of `edges`. Values that are not finite are counted by themselves."""
        self._with_media(lambda media: media.histogram(key, values, step, bins, counts, edges))

    def log_text(self, key: str, text: str, step: Optional[int] = None) -> None:
        """Record a text of at most 8 Mi characters."""
        self._with_media(lambda media: media.text(key, text, step))

    def log_figure(self, key: str, figure: Any, step: Optional[int] = None) -> None:
        """Record a figure of matplotlib, as a PNG, or of plotly, as a page that needs no network."""
        self._with_media(lambda media: media.figure(key, figure, step))

    def log_model(
        self,
        path: Any,
        name: str,
        step: Optional[int] = None,
        *,
        flavor: Optional[str] = None,
        metadata: Optional[Mapping[str, Any]] = None,
    ) -> None:
        """Copy a model, a file or a folder, to `outputs/models/NAME`, where one of that name is replaced; with a step
        to `outputs/models/NAME@STEP`, so that the models of all steps are kept. Ranks above 0 have places of their own
        (`NAME@rRANK`, `NAME@STEP-rRANK`).

        `flavor` says what can read it (say `sklearn`), `metadata` is kept beside it in `NAME.model.json`.
        """
        self._with_media(lambda media: media.model(path, name, step, flavor, metadata), "models")

    def _with_media(self, log: "Callable[[MediaLog], None]", what: str = "images, tables, texts and the like") -> None:
        if not self._may_save(what, what):
            return
        try:
            if self._media_log is None:
                # What few scripts use is loaded when it is used.
                from workbench.client.media.log import MediaLog

                self._media_log = MediaLog(self._files, self._journal, self._unsaved, self._past_media)
            log(self._media_log)
        except _MAY_FAIL as error:
            self._unsaved.warn(what, what, str(error))  # which names the file

    def _past_media(self) -> "Dict[Tuple[str, str], int]":
        if not self._had_past:
            return {}
        from workbench.client.carrying_on import next_media_steps

        return next_media_steps(self._files, self.rank)

    def end(self, state: str = "Completed", reason: Optional[str] = None) -> None:
        """End a run that this script opened as Completed, Failed or Canceled. A job's own run ends with the job."""
        if state not in ("Completed", "Failed", "Canceled"):
            raise UsageError(
                "a run cannot end as {!r}".format(state), remedy="It ends as Completed, Failed or Canceled."
            )
        with HeldBack():  # or nobody would end it
            if self._ended:
                return
            self._ended = self._heed = True
            self._unsaved.tell()
            if self._ending is not None:
                self._ending(state, reason)
            self.close_journal()

    def close(self) -> None:
        """End the run as `with` does, also where `contextlib.closing` closes it because of an exception."""
        error = sys.exc_info()[1]
        self.end(*state_of(None if id(error) == self._handled else error))

    def close_journal(self) -> None:
        """Record no more. What the disk did not take yet is tried for the last time; what it does not take then is told
        to whoever ends the run."""
        lost = self.end_journal()
        if (lost.points or lost.records or lost.torn) and self._journal.is_ours():
            from workbench.client.last_word import tell_lost

            with _NeverRaising("tell what is lost"):
                tell_lost(self._files, self.rank, lost)
        self._journal.lost_is_told()

    def end_journal(self) -> Lost:
        """Record no more; what the disk did not take of what was recorded, nor of files."""
        self._unsaved.tell()
        return self._journal.close()

    @property
    def ended(self) -> bool:
        """Whether `end` was called."""
        return self._ended

    def __enter__(self) -> "ActiveRun":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if self._ending is None:
            return  # a job's run: what follows in the script may go on logging
        try:
            with HeldBack():
                if error is not None and self._failing is not None and not self._ended:
                    self._failing(error)
                self.end(*state_of(error))
        except BaseException:
            self.end(*state_of(error))  # a Ctrl-C may have come before anything was held back
            raise


class EndedRun(ActiveRun):
    """A run that is over, as another process knew it: its name and folder, and no more logging."""

    def __init__(self, files: RunLayout) -> None:
        self.name = files.name
        self._files = files
        self._ended = self._heed = True
        self._ending = None
        self._handled = id(None)

    @property
    def rank(self) -> int:
        """Nobody logs into it."""
        return 0

    def close_journal(self) -> None:
        """There is none."""


class _NeverRaising:
    """A warning, as is all trouble with files."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> bool:
        if not isinstance(error, _MAY_FAIL):
            return False
        warn("workbench: cannot {}: {}".format(self._what, error))
        return True


def state_of(error: Optional[BaseException]) -> Tuple[str, Optional[str]]:
    """How a run ends whose script ended with that exception, and the reason."""
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return "Completed", None
    if isinstance(error, KeyboardInterrupt) or _is_asyncios(error):
        return "Canceled", "interrupted"
    if isinstance(error, GeneratorExit):
        # By `break`, or by an error on its way: nothing tells which.
        return "Failed", "the generator that it was opened in was left before its end: end the run first, by run.end()"
    return "Failed", "{}: {}".format(type(error).__name__, error)[:1000]


def _is_asyncios(error: BaseException) -> bool:
    """Whether it is what asyncio makes of a Ctrl-C in a coroutine, and of a task that is cancelled."""
    return isinstance(error, getattr(sys.modules.get("asyncio"), "CancelledError", ()))


def _mapping(metrics: Any) -> "dict[str, Any]":
    if not isinstance(metrics, Mapping):
        raise UsageError(
            "log takes a mapping of names to numbers, not {}".format(type(metrics).__name__),
            remedy='For example: log({"loss": 0.1}, step=3).',
        )
    return dict(metrics)
