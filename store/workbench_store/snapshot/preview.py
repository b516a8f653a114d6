"""What a snapshot would take, before anything is written."""

from pathlib import Path

from msgspec import Struct

from workbench_store.secrets import secret_in_file
from workbench_store.snapshot.ignore import IgnoreRules, read_rules
from workbench_store.snapshot.take import no_rules, single_file
from workbench_store.snapshot.walk import Walked, walk_everything

_BIGGEST = 10


class PreviewFile(Struct, frozen=True):
    """A file that would go in: path (posix) and size in bytes."""

    path: str
    size: int


class RuleEffect(Struct, frozen=True):
    """What one rule drops: its text, its line in the ignore file (0 if built in), files and their bytes."""

    rule: str
    line: int
    files: int
    bytes: int


class Preview(Struct, frozen=True):
    """Everything about a snapshot that was not taken, and could not be while links lead `outside`."""

    root: Path
    ignore_file: str | None
    files: tuple[PreviewFile, ...]
    rules: tuple[RuleEffect, ...]
    secrets: tuple[tuple[str, str], ...]
    skipped: tuple[str, ...]
    outside: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """The size of all files together."""
        return sum(file.size for file in self.files)

    @property
    def biggest(self) -> tuple[PreviewFile, ...]:
        """The ten biggest files, the biggest first."""
        return tuple(sorted(self.files, key=lambda file: (-file.size, file.path))[:_BIGGEST])


def preview(code: Path, *, component: bool = False, follow_links: bool = False) -> Preview:
    """Walk the code folder (or file) as a snapshot would; writes nothing. Raises SnapshotError for the unreadable."""
    if code.is_dir():
        rules = read_rules(code, component=component)
        found = walk_everything(code, rules, follow_links=follow_links)
    else:
        rules, found = no_rules(), single_file(code)
    return Preview(
        code,
        rules.source,
        tuple(PreviewFile(file.path, file.status.st_size) for file in found.files),
        _effects(rules, found),
        tuple(_secrets(found)),
        tuple(found.skipped),
        tuple(found.outside),
    )


def _effects(rules: IgnoreRules, found: Walked) -> tuple[RuleEffect, ...]:
    lines = {rule.text: rule.line for rule in rules.rules if rule.excludes}
    texts = [*lines, *(text for text in found.excluded if text not in lines)]
    return tuple(
        RuleEffect(text, lines.get(text, 0), found.excluded[text], found.excluded_bytes[text]) for text in texts
    )


def _secrets(found: Walked) -> list[tuple[str, str]]:
    files = ((file.path, secret_in_file(file.path.rpartition("/")[2], Path(file.place))) for file in found.files)
    return [(path, reason) for path, reason in files if reason]
