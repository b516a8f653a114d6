"""Problems as text for people and as data for editors."""

from collections.abc import Sequence

from workbench.spec.problems import Problem

_MOST_ALLOWED = 12


def render_problems(problems: Sequence[Problem]) -> str:
    """One line for each problem, `file:line:column: error: field: message`, with what is allowed below it.

    Control characters are shown as escapes, so that a hostile file cannot steer the terminal.
    """
    return "\n".join(line for problem in problems for line in _lines(problem))


def problems_to_json(problems: Sequence[Problem]) -> list[dict[str, object]]:
    """The problems as JSON values: file, line, column, path, severity, message, allowed, nearest."""
    return [
        {
            "file": problem.file,
            "line": problem.line,
            "column": problem.column,
            "path": problem.path,
            "severity": problem.severity,
            "message": problem.message,
            "allowed": list(problem.allowed),
            "nearest": problem.nearest,
        }
        for problem in problems
    ]


def _lines(problem: Problem) -> list[str]:
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    parts = [place, problem.severity, problem.path, problem.message]
    lines = [printable(": ".join(part for part in parts if part))]
    if problem.nearest is not None:
        lines.append(printable(f"  did you mean {problem.nearest!r}?"))
    if problem.allowed:
        shown = ", ".join(problem.allowed[:_MOST_ALLOWED])
        more = len(problem.allowed) - _MOST_ALLOWED
        lines.append(printable(f"  allowed: {shown}" + (f" and {more} more" if more > 0 else "")))
    return lines


def printable(text: str) -> str:
    """The text with control and other unprintable characters as escapes."""
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
