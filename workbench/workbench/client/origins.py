"""Which earlier run a script goes on from. (Python 3.8.)"""

from __future__ import annotations

from workbench_store.errors import UsageError

from workbench.client.arguments import check_step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional


class Origin:
    """A run, by its name or an unambiguous beginning of it: resumed as it is, or, with a step, forked up to there."""

    def __init__(self, name: str, at_step: Optional[int]) -> None:
        self.name = name
        self.at_step = at_step


def origin_of(resume: Optional[str], fork: Optional[str], at_step: Optional[int]) -> Optional[Origin]:
    """What `start_run`'s arguments ask for; None for a run of its own. Raises UsageError for those that do not fit."""
    if resume is not None and fork is not None:
        raise UsageError("a run is resumed or forked, not both")
    for name, what in ((resume, "resume"), (fork, "fork")):
        if name is not None and (not isinstance(name, str) or not name):
            raise UsageError("{} takes a run's name, not {!r}".format(what, name))
    if fork is not None:
        if at_step is None:
            raise UsageError(
                "a fork needs to know how far the run goes along", remedy='start_run(fork="NAME", at_step=100)'
            )
        if isinstance(at_step, bool):
            raise UsageError("at_step is {!r}, which is no step".format(at_step))
        return Origin(fork, check_step(at_step))
    if at_step is not None:
        raise UsageError("at_step says where a run is forked, and fork names none")
    return None if resume is None else Origin(resume, None)
