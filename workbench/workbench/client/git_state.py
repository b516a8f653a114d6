"""What git says of the code a run is made from: commit, branch, and what the commit does not have. (Python 3.8.)

The changes of tracked files are kept as a diff that `git apply` takes: whole files, at most 1 MiB of them. Of the
others, of files that look like secrets by their names and of files that git does not track, only the names are kept.
"""

import os
import re
import select
import subprocess
import time
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import RunLayout
from workbench_store.secrets import secret_in_name

from workbench.client.code_place import git_root
from workbench.client.git_changes import Kept, what_is_kept
from workbench.client.replacing import replace_file

DIFF_BYTES = 1024 * 1024
#: So much of a diff is looked at. As small changes may stand behind large ones, so often, if that is soon done: a short
#: script waits for it.
_LOOKED_AT, _LOOKS, _SOON_SECONDS = 16 * DIFF_BYTES, 3, 1.0
#: So many names of files are kept, of each kind.
_MOST_NAMES = 1000
_MOST_LEFT_OUT = 100
_USER_AND_QUERY = re.compile(r"(?<=://)[^/?#]*@|[?#].*$", re.S)
_PIECE = 64 * 1024
#: So often it is looked whether git has gone.
_LOOK_SECONDS = 0.02
#: A repository's own settings must not start programs here.
_GIT = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.quotepath=off")


class GitState(NamedTuple):
    """The state of a working copy. Paths are relative to its root; `diff` is None where nothing was to be kept.

    left_out: changed files that are not in the diff as they look like secrets; binary: those that are binary; large:
    those whose changes were too many; cut: whether git had more to say than was looked at.
    """

    root: Path
    repository: Optional[str]
    branch: Optional[str]
    commit: Optional[str]
    changed: List[str]
    untracked: List[str]
    left_out: List[str]
    binary: List[str]
    large: List[str]
    diff: Optional[bytes]
    cut: bool
    note: Optional[str]


def git_state(folder: Path, seconds: float) -> Optional[GitState]:
    """The state now; None outside of git, or where git is not there or takes longer than `seconds` to say it."""
    root = git_root(folder)
    status = None if root is None else _status(root, seconds)
    if root is None or status is None:
        return None
    secrets = [path for path in status.changed if secret_in_name(path.rpartition("/")[2])]
    kept, cut, note = Kept(b"", [], []), False, None
    if status.commit is None:
        note = "there is no commit yet"
    elif len(secrets) > _MOST_LEFT_OUT:
        note = "so many changed files look like secrets that no changes were kept"
    elif len(status.changed) > len(secrets):
        looked = _look(root, secrets, seconds)
        if looked is None:
            note = "git did not say in time what was changed"
        else:
            kept, cut = looked
    url = _read(root, ("config", "--get", "remote.origin.url"), seconds)
    return GitState(
        root=root,
        repository=without_credentials(_text(url).strip()) if url and url.strip() else None,
        branch=status.branch,
        commit=status.commit,
        changed=status.changed,
        untracked=status.untracked,
        left_out=secrets,
        binary=kept.binary,
        large=kept.large,
        diff=kept.diff or None,
        cut=cut,
        note=note,
    )


def without_credentials(url: str) -> str:
    """A repository's URL without user, password, query and fragment."""
    return _USER_AND_QUERY.sub("", url)


class _Status(NamedTuple):
    commit: Optional[str]
    branch: Optional[str]
    changed: List[str]
    untracked: List[str]


def _status(root: Path, seconds: float) -> Optional[_Status]:
    """From `git status --porcelain=v2 -z`, whose lines are told apart by their first words."""
    command = ("status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--untracked-files=normal")
    answer = _read(root, command, seconds, most=64 * DIFF_BYTES)
    if answer is None:
        return None
    heads: Dict[str, str] = {}
    changed, untracked = [], []
    for entry in _text(answer).split("\0"):
        kind, _, rest = entry.partition(" ")
        if kind == "#":
            name, _, value = rest.partition(" ")
            heads[name] = value
        elif kind == "?":
            untracked.append(rest)
        elif kind in ("1", "u"):
            # Eight fields before the path of an ordinary change, ten of one that is not merged.
            changed.append(entry.split(" ", 8 if kind == "1" else 10)[-1])
    commit, branch = heads.get("branch.oid", ""), heads.get("branch.head", "")
    return _Status(
        None if commit in ("", "(initial)") else commit,
        None if branch in ("", "(detached)") else branch,
        changed,
        untracked,
    )


def _look(root: Path, secrets: Sequence[str], seconds: float) -> Optional[Tuple[Kept, bool]]:
    """What is kept of the changes, and whether git had more to say; None where it does not say it in time."""
    began = time.monotonic()
    large: List[str] = []
    looked = None
    for _ in range(_LOOKS):
        changes = _read(root, _diff_command([*secrets, *large]), began + seconds - time.monotonic(), most=_LOOKED_AT)
        if changes is None:
            break
        cut = len(changes) == _LOOKED_AT
        kept = what_is_kept(changes, DIFF_BYTES, whole=not cut)
        large += kept.large
        looked = kept._replace(large=list(large)), cut
        if not cut or len(large) > _MOST_LEFT_OUT or time.monotonic() > began + _SOON_SECONDS:
            break
    return looked


def _diff_command(left_out: Sequence[str]) -> Sequence[str]:
    options = ("--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--submodule=short")
    prefixes = ("--src-prefix=a/", "--dst-prefix=b/")  # which `git apply` expects, whatever the user has set
    return (
        "diff",
        *options,
        *prefixes,
        "HEAD",
        "--",
        ":(top)",
        *(":(top,exclude,literal)" + path for path in left_out),
    )


def _read(root: Path, arguments: Sequence[str], seconds: float, most: int = DIFF_BYTES) -> Optional[bytes]:
    """What git writes, at most so many bytes of it; None where it fails or takes too long."""
    try:
        git = subprocess.Popen(
            [*_GIT, "-C", str(root), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, ValueError):
        return None
    deadline = time.monotonic() + seconds
    with git:
        try:
            answer = _answer(git, deadline, most)
            if answer is None or len(answer) == most:
                return answer
            return answer if git.wait(max(0.0, deadline - time.monotonic())) == 0 else None
        except subprocess.TimeoutExpired:
            return None
        finally:
            git.kill()


def _answer(git: "subprocess.Popen[bytes]", deadline: float, most: int) -> Optional[bytes]:
    """What it writes, to the end or so many bytes; None if that takes too long. No thread watches over it: Python 3.12
    starts none while it ends, when the state of a short script's code is asked for."""
    assert git.stdout is not None
    pieces, length = [], 0
    poll = select.poll() if hasattr(select, "poll") else None  # Windows waits for as long as git takes
    if poll is not None:
        poll.register(git.stdout, select.POLLIN)
    while length < most:
        if poll is not None and not poll.poll(_LOOK_SECONDS * 1000):
            # A child that the script forked just now has the pipe too, so that its end does not come when git has gone.
            if git.poll() is not None and not poll.poll(0):
                break
            if time.monotonic() > deadline:
                return None
            continue
        piece = os.read(git.stdout.fileno(), min(most - length, _PIECE))
        if not piece:
            break
        pieces.append(piece)
        length += len(piece)
    return b"".join(pieces)


def _text(answer: bytes) -> str:
    return answer.decode("utf-8", "replace")


def record_git(files: RunLayout, journal: JournalWriter, state: GitState) -> None:
    """Write `git.diff` where there is something that the commit does not have, and tell the journal. Nothing where the
    folder is that of another run by now."""
    if not journal.is_ours():
        return
    place, changes = None, state
    if state.changed or state.untracked:
        try:
            replace_file(files.git_diff, lambda draft: draft.write_bytes(diff_text(changes)))
            place = files.git_diff.name
        except OSError:
            state = state._replace(note="there was no room for the changes")
    journal.event("git", **git_fields(state, place))


def git_fields(state: GitState, place: Optional[str]) -> Dict[str, Any]:
    """The fields of the journal's event."""
    return {
        "repository": state.repository,
        "branch": state.branch,
        "commit": state.commit,
        "dirty": bool(state.changed),
        "changed": len(state.changed),
        "untracked": len(state.untracked),
        "diff": place,
        "bytes": len(state.diff or b""),
        "cut": state.cut or bool(state.large),
        "left_out": state.left_out[:_MOST_NAMES],
        "note": state.note,
    }


def diff_text(state: GitState) -> bytes:
    """The content of `git.diff`: comments, which `git apply` passes over, then the diff."""
    lines = ["# commit {}".format(state.commit)] if state.commit else []
    lines += _named("not tracked", state.untracked)
    lines += _named("changed, left out because they are binary", state.binary)
    lines += _named("changed, left out because at most %d bytes of changes are kept" % DIFF_BYTES, state.large)
    lines += _named("changed, left out because files of this name hold secrets", state.left_out)
    if state.note:
        lines.append("# {}".format(state.note))
    text = "".join(line + "\n" for line in lines).encode("utf-8", "replace") + (state.diff or b"")
    return text + (b"# and what git said behind its first %d bytes was left out\n" % _LOOKED_AT if state.cut else b"")


def _named(what: str, paths: Sequence[str]) -> List[str]:
    shown = ["# {}: {}".format(what, path if path.isprintable() else repr(path)) for path in paths[:_MOST_NAMES]]
    rest = len(paths) - len(shown)
    return shown + (["# {}: {} more".format(what, rest)] if rest else [])
