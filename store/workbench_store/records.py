"""What the store gives back: plain frozen records, made inside a lease and free of it.

Times are UTC epoch seconds, sizes are bytes.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from msgspec import Struct, field

from workbench_store.states import RunState
from workbench_store.words import counted, listed

Scalar = str | float | int | bool | None


#: How the keys of the metrics of the machine begin.
SYSTEM = "system/"


class RunRecord(Struct, frozen=True):
    """One run as the list knows it, with its tags."""

    name: str
    id: str
    kind: str
    experiment: str
    display_name: str | None
    description: str | None
    compute: str | None
    command: str | None
    user: str | None
    host: str | None
    created: float
    state: RunState
    reason: str | None
    exit_code: int | None
    signal: str | None
    started: float | None
    ended: float | None
    #: When anything but points was recorded last.
    last_time: float
    snapshot: str | None
    environment: str | None
    environment_label: str | None
    lost_points: int
    gap_bytes: int
    #: How long it took by a monotonic clock; None while it goes on, and where nobody measured it.
    seconds: float | None
    #: When it would have started if it had never been interrupted; None once it is over.
    going_since: float | None
    #: What users wrote about it, and whether it is out of the way of lists.
    note: str | None
    archived: bool
    tags: Mapping[str, str] = field(default_factory=dict)


class MetricSummary(Struct, frozen=True):
    """One metric of one rank. `last` is that of the greatest step, then of the latest time.

    Not-a-number and infinities count, and are left out of `min`, `max` and `mean`, which are None when nothing is left.
    """

    key: str
    rank: int
    count: int
    finite: int
    last: float
    last_step: int
    last_time: float
    first_time: float
    min: float | None
    min_step: int | None
    max: float | None
    max_step: int | None
    mean: float | None


class Series(Struct, frozen=True):
    """The points of one metric and rank in order of step, then time: three lists of equal length.

    `total` counts all points there are; fewer are given when a most was asked for, and then each stretch of them is
    shown by its least and its greatest value.
    """

    key: str
    rank: int
    steps: list[int]
    times: list[float]
    values: list[float]
    total: int

    def __len__(self) -> int:
        return len(self.steps)


class StateRecord(Struct, frozen=True):
    """A change of state as it was recorded."""

    time: float
    state: RunState
    reason: str | None
    generation: int
    judged: bool


class StageRecord(Struct, frozen=True):
    """A stage of a run: when it began, how many seconds it took (None: not over), and how it ended."""

    stage: str
    status: str
    began: float
    seconds: float | None
    detail: Mapping[str, Any]
    progress: str | None = None


class PortRecord(Struct, frozen=True):
    """An input or output: what the spec said and what the job saw.

    given: the URI in the spec, where it was one. asset: the version it is or was registered as (azureml:NAME:VERSION),
    asset_kind: `data` or `model`. source_run, source_output: the run that made an input, and its output's name.
    """

    name: str
    type: str | None
    mode: str | None
    path: str | None
    resolved: str | None = None
    value: Scalar = None
    fingerprint: str | None = None
    given: str | None = None
    asset: str | None = None
    asset_kind: str | None = None
    source_run: str | None = None
    source_output: str | None = None


class RunPorts(Struct, frozen=True):
    """The inputs and outputs of one run that are data, for lineage; `created` in UTC epoch seconds. `properties` are
    there for a run that goes back to another, which they name."""

    run: str
    state: RunState
    created: float
    inputs: tuple[PortRecord, ...]
    outputs: tuple[PortRecord, ...]
    properties: Mapping[str, str] = field(default_factory=dict)


class ArtifactRecord(Struct, frozen=True):
    """A file that a run saved; `path` is relative to the run's folder, `hash` is xxh3-128 in hex."""

    path: str
    kind: str
    size: int
    hash: str | None


class MediaKey(Struct, frozen=True):
    """What one rank logged under one key and kind: how often, and at which steps first and last."""

    kind: str
    key: str
    rank: int
    count: int
    first_step: int
    last_step: int


class MediaRecord(Struct, frozen=True):
    """One thing logged at a step. `kind` is image, table, histogram, text or figure (or a foreign writer's own).

    Either `path` names a file, relative to the run's folder, of `size` bytes, or `content` holds the thing itself.
    A foreign writer may have put anything into `path`, `content` and `detail`.
    """

    kind: str
    key: str
    step: int
    rank: int
    time: float
    path: str | None
    size: int
    format: str
    caption: str | None
    content: Any
    detail: Mapping[str, Any]


class MediaQuery(Struct, frozen=True):
    """Which media of a run: None leaves a field open. Without `contents` what is in the records is left out."""

    key: str | None = None
    kind: str | None = None
    step: int | None = None
    rank: int | None = None
    contents: bool = True


class SnapshotRecord(Struct, frozen=True):
    """The snapshot a run was made from; `excluded` counts files by the rule that left them out."""

    id: str
    files: int
    bytes: int
    upstream_hash: str | None
    excluded: Mapping[str, int]


class GitRecord(Struct, frozen=True):
    """What git said of the code: how many files were `changed` and `untracked`, whether `git.diff` holds the changes
    (`bytes` of them, `cut` if there were more), and which files were `left_out` because they look like secrets."""

    repository: str | None
    branch: str | None
    commit: str | None
    dirty: bool
    changed: int
    untracked: int
    has_diff: bool
    bytes: int
    cut: bool
    left_out: tuple[str, ...]
    note: str | None


class EnvironmentRecord(Struct, frozen=True):
    """The environment a run had."""

    key: str
    label: str
    found: str
    python: str | None
    python_version: str | None
    substituted: tuple[str, ...]
    missed: str
    seconds: float
    anonymous_version: str | None


class RunDetail(Struct, frozen=True):
    """Everything of a run that is not in the list, worked out from its events."""

    states: tuple[StateRecord, ...]
    stages: tuple[StageRecord, ...]
    inputs: tuple[PortRecord, ...]
    outputs: tuple[PortRecord, ...]
    environment: EnvironmentRecord | None
    snapshot: SnapshotRecord | None
    git: GitRecord | None
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    properties: Mapping[str, str]


Operator = Literal["=", "!=", "<", "<=", ">", ">=", "~"]


Subject = Literal["column", "metric", "param", "tag", "any", "text"]


class Condition(Struct, frozen=True):
    """One test of a run. `kind` says what `name` names; `any` looks for a metric, then a parameter of that name.

    `~` asks whether a text holds another, whatever the case; kind `text` looks at name, experiment and tags. `written`
    is a value that is a number as its asker wrote it, which counts where a run gave text.
    """

    kind: Subject
    name: str
    operator: Operator
    value: str | float
    negated: bool = False
    written: str | None = None


class SortKey(Struct, frozen=True):
    """What a list is sorted by."""

    kind: Literal["column", "metric", "param"] = "column"
    name: str = "created"
    descending: bool = True


class RunQuery(Struct, frozen=True):
    """Which runs, in which order, with the last value of which metrics (rank 0) and which parameters beside them.

    `alternatives` are joined by "or", the conditions within one by "and"; none at all means every run. `archived` takes
    only runs that are, or are not; None takes both. `names` takes only runs of these names.
    """

    alternatives: tuple[tuple[Condition, ...], ...] = ()
    sort: SortKey = SortKey()
    metrics: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    offset: int = 0
    limit: int | None = None
    archived: bool | None = None
    names: tuple[str, ...] | None = None


class Recorded(NamedTuple):
    """What a run has of metrics (the last value of rank 0) and parameters, by key."""

    metrics: dict[str, float]
    params: dict[str, Any]


class RunRow(NamedTuple):
    """One row of a list of runs; `metrics` and `params` are in the order of the query."""

    name: str
    state: RunState
    kind: str
    experiment: str
    display_name: str | None
    compute: str | None
    created: float
    started: float | None
    ended: float | None
    reason: str | None
    seconds: float | None
    going_since: float | None
    metrics: tuple[float | None, ...]
    params: tuple[Scalar, ...]


class RunTable(Struct, frozen=True):
    """A list of runs: the rows of the query's window, and how many runs match in all."""

    query: RunQuery
    total: int
    rows: tuple[RunRow, ...]

    @property
    def names(self) -> list[str]:
        """The names in order."""
        return [row.name for row in self.rows]


class Unread(NamedTuple):
    """A journal, or a folder of some, that is there and cannot be read, and why."""

    path: str
    why: str

    def __str__(self) -> str:
        return f"{self.path} cannot be read: {self.why}"

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return "Give yourself the permission (chown, chmod), or bring it back from a copy."


class Refresh(Struct, frozen=True):
    """What one look at the journals brought: points and events, whether more is waiting, whether another process had
    brought something; why nothing could be written (`blocked`), or why the store is in this process's memory alone
    (`unsaved`), if so; what could not be read."""

    points: int = 0
    events: int = 0
    runs: int = 0
    pending: bool = False
    elsewhere: bool = False
    blocked: str | None = None
    unsaved: str | None = None
    unread: tuple[Unread, ...] = ()

    @property
    def missing(self) -> str | None:
        """What of it is to be said in a line: something recorded is not in the store; None where all is."""
        return listed([str(one) for one in self.unread]) or None

    @property
    def changed(self) -> bool:
        """Whether the store holds more than before."""
        return bool(self.points or self.events or self.elsewhere)

    def __str__(self) -> str:
        return f"{counted(self.events, 'event')} and {counted(self.points, 'point')} of {counted(self.runs, 'run')}"
