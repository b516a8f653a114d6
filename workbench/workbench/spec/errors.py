"""The exception that carries problems."""

from collections.abc import Sequence

from workbench_store.errors import SpecError

from workbench.spec.problems import Problem
from workbench.spec.report import render_problems


class SpecErrors(SpecError):
    """A spec has errors: all of them, in `problems` (warnings are not raised)."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(render_problems(self.problems))
