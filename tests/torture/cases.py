"""Which scenario dies at which point, and how the runs that it made may end."""

from typing import NamedTuple

from workbench_store.migrations import SCHEMA_VERSION

from tests.torture import scenarios
from tests.torture.recovery import recover
from tests.torture.scenarios import Scenario, die, do_again
from tests.torture.world import World


class Case(NamedTuple):
    """`armed` is the point, the how manieth time it is reached (`NAME:3`), and what to raise there (`NAME!ENOSPC`)."""

    scenario: Scenario
    armed: str
    ends: frozenset[str]

    @property
    def point(self) -> str:
        return self.armed.partition("!")[0].partition(":")[0]

    @property
    def kills(self) -> bool:
        """Whether a process dies, and does not meet an error."""
        return "!" not in self.armed


def survive(world: World, case: Case) -> None:
    """A death in a new world, the ordinary recovery, and what the user does again."""
    die(world, case.scenario, case.armed)
    recover(world)
    if case.scenario.repeats or not world.run_names():
        do_again(world, case.scenario)
        recover(world)


def _cases(scenario: Scenario, ends: str, points: str) -> list[Case]:
    return [Case(scenario, armed, frozenset(ends.split())) for armed in points.split()]


_OF_STORE = "write.before-commit:2 write.committed:2"
_OF_SAVING = """
    save.rescued move.entry move.entry:2 bring.copied bring.copied:2 bring.unlinked publish.drafted save.published
    save.artifact save.artifact:3 save.recorded save.collected release.links-removed
    stage.finalize.started stage.finalize.over stage.release.started stage.release.over
"""

CASES: tuple[Case, ...] = (
    # A script's own run ends with it; where none was made it is started again.
    *_cases(scenarios.FIRST_SCRIPT, "Completed", "workspace.drafted"),
    *_cases(scenarios.SCRIPT, "Completed", "journal.opened script.drafted"),
    *_cases(scenarios.SCRIPT, "Failed", "script.shown"),
    # The store: nothing is lost or doubled.
    *_cases(
        scenarios.READ, "", f"store.drafted ingest.offsets ingest.events ingest.points ingest.committed {_OF_STORE}"
    ),
    *_cases(scenarios.READ, "", "migration.before-commit migration.committed"),
    *(
        case
        for step in range(1, SCHEMA_VERSION)
        for case in _cases(scenarios.MIGRATE, "", f"migration.before-commit:{step} migration.committed:{step}")
    ),
    *_cases(scenarios.REBUILD, "", "rebuild.filled rebuild.log-removed rebuild.replaced"),
    *_cases(scenarios.GATHER, "", "tidy.copied"),
    *_cases(scenarios.TIDY, "", "tidy.gathered pack.written pack.renamed pack.removed tidy.packed"),
    # A run that is removed is gone in the end, whole.
    *_cases(scenarios.REMOVE, "", "trash.moved"),
    *_cases(scenarios.GIVE_BACK, "", "purge.begun purge.emptied purge.recorded purge.forgotten"),
    # Up to the moment in which a run is shown there is none.
    *_cases(
        scenarios.JOB,
        "Completed",
        """
        submit.folder-made submit.supervisor-started stage.snapshot.started blob.drafted blob.synced blob.kept
        manifest.drafted manifest.kept stage.snapshot.over submit.recorded file.drafted
        submit.identity-written submit.before-shown submit.shown
        """,
    ),
    *_cases(scenarios.JOB_OF_OLDER_CODE, "Completed", "stat-cache.drafted"),
    # A run whose supervisor died before the command was started is Failed when it is adopted.
    *_cases(
        scenarios.JOB,
        "Failed",
        """
        supervisor.locked supervisor.signed supervisor.going stage.environment.started stage.environment.over
        stage.provision.started stage.provision.over job.prepared stage.stage.started snapshot.staged-file
        staging.unpacked stage.stage.over bundle.drafted stage.run.started
        """,
    ),
    # The command may have been kept from starting by whoever adopted the run so early.
    *_cases(scenarios.JOB, "Completed Failed", "job.spawned"),
    # From then on the run goes on to its own end.
    *_cases(
        scenarios.JOB,
        "Completed",
        f"""
        job.ended stage.run.over {_OF_SAVING} register.added
        supervisor.before-final supervisor.after-final supervisor.ended
        """,
    ),
    # No room on the disk: no run, or one whose outputs are kept until they can be saved.
    *_cases(scenarios.JOB, "Completed", "blob.synced!ENOSPC manifest.drafted!ENOSPC submit.recorded!ENOSPC"),
    *_cases(
        scenarios.JOB,
        "Failed",
        """
        staging.unpacked!ENOSPC save.rescued!ENOSPC move.entry:2!ENOSPC bring.copied!ENOSPC publish.drafted!ENOSPC
        save.artifact:2!ENOSPC
        """,
    ),
    # Without its parent, a command that has begun is watched to its end; how it ended may be known to nobody.
    *_cases(
        scenarios.IN_JOB,
        "Failed",
        "parent.begun parent.announced parent.spawned parent.before-exit-status artifact.drafted journal.opened",
    ),
    *_cases(scenarios.IN_JOB, "Completed", "parent.named parent.after-exit-status"),
    *_cases(
        scenarios.COLLECT,
        "Failed",
        """
        collect.held collect.over move.entry bring.unlinked save.artifact save.collected stage.finalize.started
        stage.release.started release.links-removed
        """,
    ),
)
