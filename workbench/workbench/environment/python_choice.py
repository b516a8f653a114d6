"""Which of the Pythons that there are fits what an environment asks for."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from workbench.environment.interpreters import Interpreter

_PART = re.compile(r"(===|==|!=|<=|>=|~=|=|<|>)?\s*([0-9]+(?:\.[0-9]+)*)(?:\.\*|\*)?")


class Choice(NamedTuple):
    """A Python to try, and what to say if it is not what was asked for."""

    interpreter: Interpreter
    substituted: str | None


def is_constraint(text: str) -> bool:
    """Whether it is a version or a range of versions."""
    return all(_PART.fullmatch(part.strip()) or part.strip() == "*" for part in text.split(","))


def exact_minor(constraint: str | None) -> str | None:
    """`3.10` of `=3.10`, `==3.10.4` or `3.10.*`; None when a range or nothing is asked for."""
    match = _PART.fullmatch((constraint or "").strip())
    if match is None or match[1] not in (None, "=", "==", "==="):
        return None
    numbers = match[2].split(".")
    return ".".join(numbers[:2]) if len(numbers) >= 2 else None


def choices(constraint: str | None, found: Sequence[Interpreter], default: tuple[int, int]) -> list[Choice]:
    """Pythons to try, best first: those that fit, then newer ones, the nearest minor version first.

    Without a constraint, `default`'s minor version is asked for.
    """
    constraint = constraint or f"={default[0]}.{default[1]}"
    fitting = [one for one in found if _fits(constraint, one.version)]
    if fitting:
        # With a range, the version that submits is the least surprising; else the newest that fits.
        fitting.sort(key=lambda one: (one.minor == default, one.version), reverse=True)
        return [Choice(fitting[0], None)]
    wanted = _least(constraint)
    newer: dict[tuple[int, int], Interpreter] = {}
    for one in found:
        if one.version >= wanted:
            newer[one.minor] = one
    asked = constraint.lstrip("=")
    return [Choice(newer[minor], f"Python {newer[minor].text} in place of {asked}") for minor in sorted(newer)]


def fits(constraint: str, version: str) -> bool:
    """Whether a version of three numbers is one that the constraint allows."""
    major, minor, micro = _numbers(version)
    return _fits(constraint, (major, minor, micro))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _least(constraint: str) -> tuple[int, ...]:
    """The smallest version that the constraint speaks of."""
    versions = [_numbers(match[2]) for part in constraint.split(",") if (match := _PART.fullmatch(part.strip()))]
    return min(versions, default=(3, 8))


def _fits(constraint: str, version: tuple[int, int, int]) -> bool:
    for part in constraint.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None:
            return False
        operator, wanted = match[1] or "=", _numbers(match[2])
        head = version[: len(wanted)]
        fits = {
            "=": head == wanted,
            "==": head == wanted,
            "===": head == wanted,
            "!=": head != wanted,
            ">=": version >= wanted,
            "<=": head <= wanted,
            ">": head > wanted,
            "<": version < wanted,
            "~=": version >= wanted and version[: len(wanted) - 1] == wanted[:-1],
        }[operator]
        if not fits:
            return False
    return True
