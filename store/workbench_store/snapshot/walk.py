"""Walking a code folder: which files a snapshot takes, which rule dropped the others, and what was passed over."""

import contextlib
import os
import stat
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct, field

from workbench_store.cache_root import cache_root
from workbench_store.errors import SnapshotError, WorkspaceError
from workbench_store.layout import WORKSPACE_DIR, WorkspaceLayout
from workbench_store.snapshot.ignore import ALWAYS_EXCLUDED, IgnoreRules, Rule
from workbench_store.unreadable import unreadable


class WalkedFile(NamedTuple):
    """A file that goes in: its path below the root (posix), where it is, and what `stat` says of its content."""

    path: str
    place: str
    status: os.stat_result


class Walked(Struct):
    """What a walk found."""

    root: str
    paths: list[str] = field(default_factory=list)
    """Of the files that go in (posix, below the root), in order."""
    statuses: list[os.stat_result] = field(default_factory=list)
    """Theirs, in the same order."""
    linked: dict[str, str] = field(default_factory=dict)
    """Where those are that a link led to."""
    excluded: Counter[str] = field(default_factory=Counter)
    """Files dropped by each rule's text; a folder that is dropped whole counts as one."""
    excluded_bytes: Counter[str] = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)
    """Loops, broken links, devices and the like, each named with the reason."""
    outside: list[str] = field(default_factory=list)
    """Links that lead out of the folder and are not followed."""

    @property
    def files(self) -> list[WalkedFile]:
        """The files that go in; made when asked for, as there may be very many and nothing new about them."""
        before = os.path.join(self.root, "")
        places = [self.linked.get(path) or before + path for path in self.paths]
        return list(map(WalkedFile._make, zip(self.paths, places, self.statuses, strict=True)))

    def take(self, file: WalkedFile) -> None:
        """Add a file."""
        self.paths.append(file.path)
        self.statuses.append(file.status)
        if file.place != os.path.join(self.root, file.path):
            self.linked[file.path] = file.place

    def sort(self) -> None:
        """Put the files in order of path: a walk finds what is in the folder `a` before the file `a.py`."""
        order = sorted(range(len(self.paths)), key=self.paths.__getitem__)
        self.paths = [self.paths[place] for place in order]
        self.statuses = [self.statuses[place] for place in order]


class _Walk:
    def __init__(
        self, root: Path, rules: IgnoreRules, follow_links: bool, look_inside: bool, kept: frozenset[str]
    ) -> None:
        self.found = Walked(os.path.realpath(root))
        self._kept = kept
        self._rules = rules
        self._root = self.found.root
        self._cache = _cache()
        self._workspace = _workspace_of_job(self._root)
        self._follow_links = follow_links
        self._look_inside = look_inside

    def run(self) -> Walked:
        self._folder(self._root, "", frozenset({self._root}), None)
        self.found.sort()
        return self.found

    def _folder(self, place: str, path: str, above: frozenset[str], dropped: str | None) -> None:
        try:
            names, statuses = _listing(place)
        except OSError as error:
            if dropped is not None:
                return self._drop(dropped, 0)
            raise unreadable("read the folder", place, error) from error
        before = f"{path}/" if path else ""
        kept = self._kept if dropped is None else frozenset()
        found = self.found
        through_link = place != os.path.join(self._root, path).rstrip(os.sep)
        for name, status in zip(names, statuses, strict=True):
            inner = before + name
            # The common case, short: most files are known to be kept.
            if inner in kept and stat.S_ISREG(status.st_mode) and not through_link:
                found.paths.append(inner)
                found.statuses.append(status)
            elif name in ALWAYS_EXCLUDED:
                self._never(WalkedFile(inner, os.path.join(place, name), status), above, dropped)
            else:
                self._entry(WalkedFile(inner, os.path.join(place, name), status), above, dropped)

    def _never(self, entry: WalkedFile, above: frozenset[str], dropped: str | None) -> None:
        """What no snapshot holds, whatever the rules say."""
        path, place, status = entry
        rule = dropped or f"{os.path.basename(path)} (never in a snapshot)"
        if self._look_inside and stat.S_ISDIR(status.st_mode):
            self._folder(place, path, above, rule)
        else:
            self._drop(rule, 0)

    def _entry(self, entry: WalkedFile, above: frozenset[str], dropped: str | None) -> None:
        path, place, status = entry
        if stat.S_ISLNK(status.st_mode):
            self._link(place, path, above, dropped)
        elif stat.S_ISDIR(status.st_mode):
            self._descend(place, path, above, dropped)
        else:
            self._file(place, path, status, dropped)

    def _descend(self, place: str, path: str, above: frozenset[str], dropped: str | None) -> None:
        if place == self._cache and dropped is None:
            return self._never(WalkedFile(path, place, os.stat(place)), above, None)
        rule = None if dropped else self._rules.prunable(path)
        if rule is not None and not self._look_inside:
            self._drop(rule.text, 0)
        else:
            self._folder(place, path, above, dropped or (rule.text if rule else None))

    def _link(self, place: str, path: str, above: frozenset[str], dropped: str | None) -> None:
        if dropped is not None:
            return self._drop(dropped, 0)
        rule = self._rules.decide(path)
        try:
            target = os.path.realpath(place)
            status = os.stat(target)
        except OSError:
            return self._skip(path, "a broken link")
        if rule is not None:
            return self._drop(rule.text, 0)
        outside = target != self._root and not _is_above(self._root, target)
        if outside and self._workspace and _is_above(self._workspace, target):
            return self._drop(f"links into {WORKSPACE_DIR} (never in the snapshot of a job's own folder)", 0)
        if target in above or _is_above(target, place):
            return self._skip(path, "a link that loops")
        if outside and not self._follow_links:
            self.found.outside.append(path)
        elif stat.S_ISDIR(status.st_mode):
            self._descend(target, path, above | {target}, None)
        else:
            self._regular(target, path, status, None)

    def _file(self, place: str, path: str, status: os.stat_result, dropped: str | None) -> None:
        if dropped is None and self._rules.rules:
            rule = self._rules.decide(path) or self._decided_where_it_is(place, path)
            dropped = rule.text if rule else None
        self._regular(place, path, status, dropped)

    def _decided_where_it_is(self, place: str, path: str) -> Rule | None:
        """In a folder that a link leads to, rules count for where the files are as well, as they do upstream."""
        real = place[len(self._root) + 1 :] if place.startswith(self._root + os.sep) else path
        return None if real == path else self._rules.decide(real)

    def _regular(self, place: str, path: str, status: os.stat_result, dropped: str | None) -> None:
        if not stat.S_ISREG(status.st_mode):
            return self._skip(path, "not a regular file")
        if dropped is not None:
            return self._drop(dropped, status.st_size)
        self.found.take(WalkedFile(path, place, status))

    def _drop(self, rule: str, size: int) -> None:
        self.found.excluded[rule] += 1
        self.found.excluded_bytes[rule] += size

    def _skip(self, path: str, reason: str) -> None:
        self.found.skipped.append(f"{path}: {reason}")


def _cache() -> str:
    """The user's cache folder, which may have been placed inside of the code; "" where there can be none."""
    try:
        return os.path.realpath(cache_root())
    except WorkspaceError:
        return ""


def _workspace_of_job(root: str) -> str:
    """The workspace in whose temporary storage the folder is, as that of a job is which submits another; "" elsewhere.
    There ./outputs and ./logs are links into the job's own run."""
    above = Path(root).parents
    workspaces = (place for place in above if place.name == WORKSPACE_DIR and WorkspaceLayout(place).staging in above)
    return str(next(workspaces, ""))


def _listing(folder: str) -> tuple[list[str], list[os.stat_result]]:
    """The names in a folder, in order, and what `lstat` says of each; one that is gone by then is left out.

    Asked relative to the open folder: of 50,000 files the kernel need not look up the way to each.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        names = sorted(os.listdir(opened))
        try:
            return names, [os.stat(name, dir_fd=opened, follow_symlinks=False) for name in names]
        except FileNotFoundError:
            return _those_left(names, opened)
    finally:
        os.close(opened)


def _those_left(names: list[str], opened: int) -> tuple[list[str], list[os.stat_result]]:
    left: dict[str, os.stat_result] = {}
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            left[name] = os.stat(name, dir_fd=opened, follow_symlinks=False)
    return list(left), list(left.values())


def _is_above(folder: str, place: str) -> bool:
    return place.startswith(folder.rstrip(os.sep) + os.sep)


def walk(root: Path, rules: IgnoreRules, *, follow_links: bool = False, kept: frozenset[str] = frozenset()) -> Walked:
    """The files below `root` that the rules keep. A folder that a rule drops whole is not entered.

    `kept` are paths that these rules are known to keep, of which they need not be asked again.

    Raises SnapshotError for a folder that cannot be read and, unless `follow_links`, for links that lead out.
    """
    found = _Walk(root, rules, follow_links, look_inside=False, kept=kept).run()
    if found.outside:
        shown = ", ".join(found.outside[:5])
        raise SnapshotError(
            f"links lead out of {os.path.realpath(root)}: {shown}"
            + (f" and {len(found.outside) - 5} more" if len(found.outside) > 5 else ""),
            remedy="Take what they point to with --follow-links, or leave them out: .amlignore, or else .gitignore.",
        )
    return found


def walk_everything(root: Path, rules: IgnoreRules, *, follow_links: bool = False) -> Walked:
    """For a preview: dropped folders are entered to count files and bytes, and links that lead out are `outside`."""
    return _Walk(root, rules, follow_links, look_inside=True, kept=frozenset()).run()
