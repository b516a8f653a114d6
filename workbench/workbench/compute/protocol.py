"""What a compute is to the supervisor: it gives a place, starts a job there, and tells how the job ended."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct, field
from workbench_store.layout import RunLayout


class ComputeEntry(Struct, frozen=True):
    """A compute of a workspace: the name that job files use, its kind, its settings."""

    name: str
    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)


class RankLaunch(Struct, frozen=True):
    """One of a job's processes: what it has beside the job's variables, and whose log its output goes to. The job lasts
    as long as its essential ranks; one of them that fails ends the others."""

    variables: Mapping[str, str] = field(default_factory=dict)
    rank: int = 0
    essential: bool = True


class JobLaunch(Struct, frozen=True):
    """One job to start: a shell command, where it runs, and the environment that all its processes have.

    `descriptors` are open files, of its place and its environment, whose locks last as long as the job.
    """

    run_id: str
    files: RunLayout
    command: str
    working_directory: Path
    environment: Mapping[str, str]
    descriptors: tuple[int, ...] = ()
    #: How many processes have a log: more than are started where one of these starts others (mpirun).
    logs: int = 1


class JobExit(Struct, frozen=True):
    """How a job ended: its exit code, or the signal's name. Both None when nobody was there to see.

    `ended` is in UTC epoch seconds, `seconds` is the duration by a monotonic clock, None if unknown. `rank` is the
    one that failed, where there were several. `unsaved`: so many bytes of its output found no room on the disk.
    `unheard`: nobody was there to take what it printed last.
    """

    exit_code: int | None
    signal: str | None
    ended: float
    seconds: float | None = None
    rank: int | None = None
    unsaved: int = 0
    unheard: bool = False


class Allocation(Protocol):
    """A place on the compute, held until released or until its holder dies."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that tell the job what it was given, such as CUDA_VISIBLE_DEVICES."""
        ...

    @property
    def detail(self) -> Mapping[str, Any]:
        """What is recorded of the place: JSON values."""
        ...

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Open files that the job keeps, so that the place stays taken for as long as it runs, whoever else dies."""
        ...

    def release(self) -> None:
        """Give the place back; a second call does nothing."""
        ...


class RunningJob(Protocol):
    """A job that was started here, by this supervisor or by one that is gone."""

    def wait(self, seconds: float) -> JobExit | None:
        """How the job ended, waiting for that up to `seconds`; None while it runs."""
        ...

    @property
    def pid(self) -> int | None:
        """The process on this machine whose tree is the job; None where it is elsewhere."""
        ...

    def elapsed(self) -> float:
        """Seconds since the job started, by a monotonic clock."""
        ...

    def end(self, grace: float, patience: float = 0.0) -> int:
        """Ask everything that belongs to the job to end, kill what is left after `grace` seconds.

        Returns how many processes there were that did not end by themselves within `patience` seconds. Safe to call
        when the job has ended: it ends what the job left behind.
        """
        ...


class PreparedJob(Protocol):
    """A job that can be started at once. What takes time has begun already, while the job's files are brought; what
    goes wrong with it is told by `start`."""

    def start(self, ranks: Sequence[RankLaunch] = (RankLaunch(),)) -> RunningJob:
        """Start the job's processes, in its working directory, which must be there by now. Raises ComputeError."""
        ...

    def drop(self) -> None:
        """Give up what was prepared, unless the job was started; a second call does nothing."""
        ...


class Compute(Protocol):
    """A place where jobs run. One file implements it; `tests/compute` holds the conformance suite."""

    def __init__(self, entry: ComputeEntry) -> None: ...

    @property
    def entry(self) -> ComputeEntry:
        """The name and settings it was made with."""
        ...

    def allocate(
        self, waiting: Callable[[int], None], stop: Callable[[], bool], processes: int = 1
    ) -> Allocation | None:
        """Take a place for a job of so many processes, waiting for one; None as soon as `stop()` is true.

        `waiting(position)` is called when the position in the queue changes; 1 is the next to go. Raises
        ComputeError for a job that will never fit.
        """
        ...

    def prepare(self, launch: JobLaunch) -> PreparedJob:
        """Get ready to start the job, whose stdout and stderr go to `launch.files.user_log`."""
        ...

    def find(self, files: RunLayout, run_id: str) -> RunningJob | None:
        """The job that an earlier supervisor started, alive or ended; None when none was started."""
        ...

    @staticmethod
    def check_settings(settings: Mapping[str, Any]) -> None:
        """Raise ComputeError for settings that this kind does not know or allow."""
        ...
