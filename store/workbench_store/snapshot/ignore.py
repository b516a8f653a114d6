"""The ignore rules, as azure-ai-ml applies them (its `_utils/_asset_utils.py`, version 1.35).

One file at the root of the code folder: `.amlignore`, or else `.gitignore`; no other is read. Each file is matched on
its path by all patterns in order and the last that matches decides, so a file may be re-included below an excluded
folder, which git would not do.
"""

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench_store.errors import SnapshotError

if TYPE_CHECKING:
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

NAMES = (".amlignore", ".gitignore")
#: Never in a snapshot, whatever the rules say: they are not the user's code (where we differ from Azure ML).
ALWAYS_EXCLUDED = frozenset({".git", ".workbench", "__pycache__"})


class Rule(Struct, frozen=True):
    """A pattern of the ignore file: its text, its line (0 for one that is built in), and whether it excludes."""

    text: str
    line: int
    excludes: bool
    pattern: "GitIgnoreSpecPattern"


class IgnoreRules(Struct, frozen=True):
    """The rules of one code folder; `source` is the name of the ignore file, if there is one."""

    source: str | None
    rules: tuple[Rule, ...]

    def decide(self, path: str) -> Rule | None:
        """The rule that excludes the file of that path (posix, relative to the root), or None if it is kept."""
        for rule in reversed(self.rules):
            if rule.pattern.match_file(path) is not None:
                return rule if rule.excludes else None
        return None

    def prunable(self, folder: str) -> Rule | None:
        """The rule that excludes everything below that folder, whatever is in it; None if that cannot be told."""
        for rule in reversed(self.rules):
            if not rule.excludes:
                return None  # it may re-include something below
            if _covers(rule, folder):
                return rule
        return None


def _covers(rule: Rule, folder: str) -> bool:
    """Whether the pattern matches a folder as such: then it matches all below it too."""
    probe = f"{folder}/\x01/\x01"
    return rule.pattern.match_file(probe) is not None and rule.pattern.match_file(f"{folder}/\x02") is not None


def read_rules(root: Path, *, component: bool = False) -> IgnoreRules:
    """The rules for a code folder; a component's has one more at the end, `__pycache__`.

    Raises SnapshotError naming file and line for a pattern that upstream refuses too, or an unreadable ignore file.
    """
    source = next((name for name in NAMES if (root / name).is_file()), None)
    rules = _parse(root / source) if source else []
    if component:
        rules.append(_rule("__pycache__", 0))
    return IgnoreRules(source, tuple(rules))


def _parse(path: Path) -> list[Rule]:
    try:
        lines: Sequence[str] = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SnapshotError(f"cannot read {path}: {error}", remedy="It must be readable UTF-8 text.") from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            rule = _rule(line.strip(), number)
        except (ValueError, re.error) as error:  # of the expression that the pattern becomes
            raise SnapshotError(
                f"{path}:{number}: {line!r} is not a pattern: {error}", remedy="Mend the line."
            ) from error
        if rule.pattern.include is not None:
            found.append(rule)
    return found


def _rule(text: str, line: int) -> Rule:
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # sets in brackets, of which Python may mean more one day
        pattern = GitIgnoreSpecPattern(text)
    return Rule(text, line, pattern.include is True, pattern)
