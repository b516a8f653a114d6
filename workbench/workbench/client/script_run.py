"""A run that a script opens by itself: made in the workspace, held by the script's own lock, ended with the script.

(Python 3.8.) It has no supervisor. Found later with its lock free and no end recorded, it becomes Failed.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from types import TracebackType

from workbench_store.errors import UsageError, WorkspaceError
from workbench_store.faults import fault
from workbench_store.held_back import HeldBack, signal_waits
from workbench_store.journal.lost import log_lacks
from workbench_store.journal.writer import JournalWriter, tell_nobody, warn
from workbench_store.layout import LONGEST_RUN_NAME, RunLayout, WorkspaceLayout
from workbench_store.locks import FileLock
from workbench_store.open_run import put_up, take_down
from workbench_store.processes import boot_id, host_id
from workbench_store.redaction import without_secrets
from workbench_store.workspace import open_workspace

from workbench.client import at_exit
from workbench.client.active_run import ActiveRun, state_of
from workbench.client.beside import Loading, beside
from workbench.client.code_place import code_folder, git_root
from workbench.client.console import Console
from workbench.client.exit_code import ExitWatch
from workbench.client.family import is_a_child, tell_children
from workbench.client.heard import left_behind, tell
from workbench.client.json_files import write_json
from workbench.client.last_word import leave, reserve
from workbench.client.names import generate_name
from workbench.client.rank import rank_by_variables
from workbench.client.script_sampler import ScriptSampler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Mapping, Optional, Type, Union

    from workbench.client.origins import Origin

#: As for jobs: the name becomes a folder's.
_NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
#: Git is asked so long after a run was opened, or when it ends.
_GIT_FROM_SECONDS = 0.05
#: What git may take for an answer, and for how long the end of a short script waits for all of them.
_GIT_SECONDS = 20.0
_GIT_WAIT_SECONDS = 5.0
#: Who presses Ctrl-C does not wait for it.
_GIT_LOOK_SECONDS = 0.1


def open_script_run(
    *,
    workspace: Optional[Union[str, "os.PathLike[str]"]],
    name: Optional[str],
    fields: Mapping[str, Any],
    interval: Optional[float],
    console: bool,
    origin: "Optional[Origin]" = None,
) -> ActiveRun:
    """Make the run, or take up the one that `origin` names, and hold it.

    Raises UsageError for a bad or used name and for an origin that does not fit, WorkspaceError for a bad workspace.
    """
    layout = open_workspace(explicit=workspace, announce=_announce)
    try:
        holder = _hold(layout, _checked(name), dict(fields), origin)
    except OSError as error:
        what = error.strerror or str(error)
        if error.filename is not None and os.fsdecode(error.filename) != str(layout.root):
            what = "{}: {}".format(os.fsdecode(error.filename), what)
        raise WorkspaceError(
            "cannot open a run in {}: {}".format(layout.root, what),
            remedy="Check that the workspace is writable and that the disk has room: workbench doctor.",
        ) from error
    if interval is not None:
        holder.start_sampler(interval)
    holder.look_at_git()
    if console:
        holder.hear_console()
    return holder.run


def _hold(
    layout: WorkspaceLayout, name: Optional[str], fields: Dict[str, Any], origin: "Optional[Origin]"
) -> "_Holder":
    if origin is None:
        return _Holder(*_make_folder(layout, name, lambda draft: fields))
    from workbench.client.carrying_on import note_past
    from workbench.client.past import fork_into, resumed

    if origin.at_step is None:
        files, lock, generation, latest = resumed(layout, origin, {"name": name, **fields})
        note_past(files)
        return _Holder(files, lock, generation, _take_up(files, lock, generation, latest), has_past=True)
    past = origin

    def fill(draft: RunLayout) -> Mapping[str, Any]:
        identity = fork_into(layout, past, draft, fields)
        note_past(draft)
        return identity

    return _Holder(*_make_folder(layout, name, fill))


class _Holder:
    """Holds a script's run: its lock, its journal, which says already that it goes on, and what happens when the
    script ends."""

    def __init__(
        self, files: RunLayout, lock: FileLock, generation: int, journal: JournalWriter, has_past: bool
    ) -> None:
        self._lock = lock
        self._sampler: Optional[ScriptSampler] = None
        self._over = threading.Event()
        self._began = time.monotonic()
        self._pid = os.getpid()
        self._journal = journal
        self._journal.when_closed = lambda: journal.is_ours() and lock.take_again(files.script_lock)
        self._files = files
        self._generation = generation
        self._console: Optional[Console] = None
        self._git: Optional[threading.Thread] = None
        self._without_git = False
        self.run = ActiveRun(files, self._journal, self._end, self._failing, has_past)
        self._error: Optional[BaseException] = None
        self._exit = ExitWatch()
        self._hook = sys.excepthook
        sys.excepthook = self._unhandled
        at_exit.at_exit(self._at_exit)
        self._tell_children(has_past)
        self.run.when_moved = lambda: self._tell_children(has_past)

    def start_sampler(self, interval: float) -> None:
        """From soon on until the run's end record the machine's figures every `interval` seconds."""
        self._sampler = ScriptSampler(self._files.root, interval, self._over)

    def look_at_git(self) -> None:
        """Record what git says of the script's code, beside the script, which goes on meanwhile."""
        folder = code_folder()
        if git_root(folder) is None:
            return

        def look() -> None:
            # Loading what this takes would slow down the script's own loading at its start.
            self._over.wait(_GIT_FROM_SECONDS)
            try:  # nor does a run fail for want of git's state
                with Loading():
                    from workbench.client.git_state import git_state, record_git
                state = git_state(folder, _GIT_SECONDS)
                if state is not None and not self._without_git:
                    record_git(self._files, self._journal, state)
            except (ImportError, OSError, RuntimeError):
                pass

        self._git = beside(look, "workbench-git")
        if self._git is None:
            look()

    def _tell_children(self, has_past: bool) -> None:
        tell_children()
        try:
            put_up(self._files, has_past)
        except (OSError, WorkspaceError):
            pass  # those forked from here on go on with the run that they have seen

    def _tell_children_nothing(self) -> None:
        try:
            take_down()
        except (OSError, WorkspaceError):
            pass

    def hear_console(self) -> None:
        """From now until the run's end what the script prints goes into the run's log too."""
        self._console = Console(self._files)

    def _failing(self, error: BaseException) -> None:
        if self._console is not None:
            self._console.failed(error)

    def _end(self, state: str, reason: Optional[str]) -> None:
        """Record the end; a forked child does not end its parent's run."""
        if os.getpid() != self._pid:
            return
        self._tell_children_nothing()
        when = {"ended": self._journal.now(), "seconds": time.monotonic() - self._began}
        _record(self._journal, state, self._generation, seq=2, reason=reason, **when)
        try:
            if self._journal.is_ours():
                tell(self._journal, left_behind(self._files))  # what killed children had waiting for room
            self._wait_for_git()
        finally:
            unlogged = 0 if self._console is None else self._console.stop()
            self._close_journal({"state": state, "reason": reason, "unlogged": unlogged, **when})
            self._lock.release()
            at_exit.not_at_exit(self._at_exit)
            self._exit.stop()
            if sys.excepthook == self._unhandled:
                sys.excepthook = self._hook
            if self._sampler is not None:
                self._sampler.end()

    def _close_journal(self, ending: Dict[str, Any]) -> None:
        """To the disk with it; what a full disk does not take is told to whoever finds this script gone."""
        if self._journal.flush() and ending["unlogged"]:
            self._journal.event("warning", text=log_lacks(ending["unlogged"]))
        self._journal.sync()
        lost = self.run.end_journal()
        if lost.anything and self._journal.is_ours():
            told = {"lost": lost.points, "lost_records": lost.records, "torn": lost.torn}
            word = {**ending, "generation": self._generation, **told}
            try:
                leave(self._files.script_process, self._pid, word)
            except OSError:
                pass
        self._journal.lost_is_told()

    def _wait_for_git(self) -> None:
        self._over.set()
        if self._git is None:
            return
        deadline = time.monotonic() + _GIT_WAIT_SECONDS
        while self._git.is_alive() and time.monotonic() < deadline and not signal_waits():
            self._git.join(_GIT_LOOK_SECONDS)
        if self._git.is_alive():
            self._without_git = True
            text = "git took too long, so its state of the code is not recorded"
            self._journal.event("warning", text=text)

    def _unhandled(self, kind: Type[BaseException], error: BaseException, trace: Optional[TracebackType]) -> None:
        self._error = error
        self._hook(kind, error, trace)

    def _at_exit(self) -> None:
        with HeldBack():
            self._end_with_script()

    def _end_with_script(self) -> None:
        if self.run.ended:
            return
        if os.getpid() == self._pid and is_a_child():
            # Which leaves neither by its main module nor by the hook; what it fails with is on its way just now.
            self.run.end(*state_of(sys.exc_info()[1]))
            return
        # A child that was forked in the midst of the script leaves it in its own way.
        if self._error is None and os.getpid() == self._pid and self._exit.left_unseen():
            text = "the script raised SystemExit itself, whose exit code is not known here: sys.exit(code) tells it"
            self._journal.event("warning", text=text)
        error = None if self._exit.came_to_its_end() else self._error or self._exit.error()
        self.run.end(*state_of(error))


def _identity(name: str, fields: Mapping[str, Any]) -> Dict[str, Any]:
    return {
        "name": name,
        "id": os.urandom(16).hex(),
        "kind": "script",
        "experiment": fields["experiment"],
        "display_name": fields["display_name"],
        "description": fields["description"],
        "compute": None,
        "command": " ".join(sys.argv),
        "user": _user(),
        "host": host_id(),
        "boot": boot_id(),
        "created": time.time(),
        "properties": fields.get("properties", {}),
    }


def _user() -> str:
    # As getpass.getuser does, without what that module loads to ask for passwords.
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        if os.environ.get(variable):
            return os.environ[variable]
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (KeyError, ImportError):
        return ""


def _checked(name: Optional[str]) -> Optional[str]:
    if name is None:
        return None
    if (
        not isinstance(name, str)
        or not name
        or len(name) > LONGEST_RUN_NAME
        or not set(name) <= _NAME_LETTERS
        or name[0] in "-_"
    ):
        raise UsageError(
            "run name {!r} cannot be used".format(name),
            remedy="1 to {} letters, digits, '-' and '_', beginning with a letter or digit.".format(LONGEST_RUN_NAME),
        )
    return name


def _make_folder(
    layout: WorkspaceLayout, name: Optional[str], fill: Callable[[RunLayout], Mapping[str, Any]]
) -> "tuple[RunLayout, FileLock, int, JournalWriter, bool]":
    """Make the run's folder with its lock held from the start: a draft renamed, so a half-made run is never seen.

    `fill` puts into the draft what the run begins with, and tells its fields. The folder, its lock, its generation, its
    journal, which says already what it is, and whether it has a past.
    """
    if name is not None and layout.trashed(name).root.exists():
        raise UsageError(
            "a run named {} is in the trash of {}".format(name, layout.root),
            remedy="Choose another name, bring it back (workbench restore), or empty the trash (workbench gc).",
        )
    if name is not None and layout.purged(name).exists():  # asked last: a run goes from the trash to there
        raise UsageError(
            "an earlier run {} is not wholly removed from {}".format(name, layout.root),
            remedy="Choose another name, or finish its removal (workbench gc).",
        )
    while True:
        files = layout.run(name or generate_name())
        draft = RunLayout(layout.runs / ".{}-{}.new".format(files.name[:200], os.urandom(4).hex()))
        for folder in (draft.journals, draft.control, draft.outputs, draft.user_log.parent):
            folder.mkdir(parents=True, mode=0o700)
        lock = FileLock(draft.script_lock)
        lock.acquire()
        journal: Optional[JournalWriter] = None
        try:
            identity = without_secrets("run", _identity(files.name, fill(draft)))
            write_json(draft.identity, identity)
            journal = JournalWriter(draft.journals, "script", tell=tell_nobody)
            journal.event("run", notes=[], **identity)
            _begin(draft, journal, 1, resumed=False)
            fault("script.drafted")
            os.rename(str(draft.root), str(files.root))
            fault("script.shown")
            journal.moved(files.journals)
            return files, lock, 1, journal, bool(identity["properties"])
        except BaseException as error:
            lock.release()
            if journal is not None:
                journal.abandon()
            _remove(draft.root)
            if not isinstance(error, OSError) or not files.root.exists():
                raise
            if name is not None:
                what = "there is a run named {} in {} already".format(name, layout.root)
                raise UsageError(what, remedy=_other_name()) from None


def _take_up(files: RunLayout, lock: FileLock, generation: int, latest: float) -> JournalWriter:
    """The journal of a run's next life, which it begins after that time; what is raised leaves the run as it was."""
    journal: Optional[JournalWriter] = None
    try:
        journal = JournalWriter(files.journals, "script", tell=tell_nobody, after=latest)
        _begin(files, journal, generation, resumed=True)
        return journal
    except BaseException:
        lock.release()
        if journal is not None:
            journal.abandon()
        raise


def _begin(files: RunLayout, journal: JournalWriter, generation: int, resumed: bool) -> None:
    """Record that the run goes on. Raises OSError unless that is on the disk, and room for how it ends: a run of which
    nothing was recorded would be none, or would go on for ever."""
    reserve(files.script_process, os.getpid())
    _record(journal, "Running", generation, seq=1, reason=None, resumed=resumed)
    if not journal.flush():
        raise OSError("there is no room on the disk")
    journal.tell = warn


def _record(journal: JournalWriter, state: str, generation: int, seq: int, reason: Optional[str], **more: Any) -> None:
    fields = {"state": state, "generation": generation, "seq": seq, "reason": reason, **more}
    journal.event("state", judged=False, exit_code=None, signal=None, **fields)


def _other_name() -> str:
    if rank_by_variables() is None:
        return "Choose another name."
    return (
        "Choose another name. Where a launcher has started this script once for each rank, another rank may have made "
        "it: open it at rank 0 alone, or let a job start the ranks (`distribution:`), which log into one run then."
    )


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(str(folder), ignore_errors=True)


def _announce(text: str) -> None:
    warn("workbench: {}".format(text))
