"""What git said of a run's code: on one line, and its diff."""

from pathlib import Path

from workbench_store.layout import RunLayout
from workbench_store.records import GitRecord

from workbench.view.format import format_bytes


def git_line(git: GitRecord | None) -> str | None:
    """For example `main 1a2b3c4d5e6f, 2 changed (3.1 KiB in git.diff), 1 untracked`; None outside of git."""
    if git is None:
        return None
    parts = [f"{git.branch or 'detached'} {(git.commit or 'no commit')[:12]}"]
    if git.changed:
        more = ", larger changes left out" if git.cut else ""
        kept = f" ({format_bytes(git.bytes)} in git.diff{more})" if git.has_diff else ""
        parts.append(f"{git.changed:,} changed{kept}")
    if git.untracked:
        parts.append(f"{git.untracked:,} untracked")
    if git.left_out:
        parts.append(f"left out as secret: {', '.join(git.left_out[:5])}")
    return ", ".join([*parts, *([git.note] if git.note else [])])


def read_diff(folder: Path) -> str:
    """What a run's code had that its commit had not; empty where that is nothing, or cannot be read."""
    try:
        return RunLayout(folder).git_diff.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
