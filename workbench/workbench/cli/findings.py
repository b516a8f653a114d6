"""Findings of `doctor` and `compute test`, one after the other, and the exit code that tells of problems."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from workbench.cli.exit_codes import ExitCode
from workbench.cli.output import emit, emit_json, styled

if TYPE_CHECKING:
    from workbench.doctor import Finding

_MARKS = {"ok": ("ok", "green"), "note": ("note", "yellow"), "problem": ("PROBLEM", "bold red")}


def report_findings(findings: "Iterable[Finding]", *, as_json: bool) -> int:
    """Print each as it comes, or all as JSON; 9 if there are problems."""
    seen = []
    for finding in findings:
        seen.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        emit_json([{"level": one.level, "what": one.what, "remedy": one.remedy} for one in seen])
    return ExitCode.PROBLEMS if any(one.level == "problem" for one in seen) else ExitCode.COMPLETED


def _print(finding: "Finding") -> None:
    from workbench.view.format import safe_text

    mark, style = _MARKS[finding.level]
    emit(f"{styled(f'{mark:8}', style, sys.stdout)}{safe_text(finding.what)}")
    if finding.remedy:
        emit(f"        {safe_text(finding.remedy)}")
