"""The one check after every death and its recovery: it tells everything that is not as it was promised.

What is true is taken from what the training processes said and from the files on the disk, read anew; the store and the
recorders are what is checked.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace
from workbench.doctor.workspace import examine_workspace
from workbench.lifecycle.judge import current_state, supervisor_alive
from workbench_store.blobs import BlobStore
from workbench_store.rebuild import rebuild
from workbench_store.records import MetricSummary
from workbench_store.snapshot import verify_snapshot
from workbench_store.states import RunState
from workbench_store.store import Store
from xxhash import xxh3_128

from tests.lifecycle.launched import Launched
from tests.torture.said import Said, read_said
from tests.torture.world import World

#: What may be in `tmp/`: locks that nobody holds.
_TEMPORARY = {"rebuild.lock"}
#: What half-written files are called.
_DRAFTS = ("*.new", "*.part", "*.brought", "*.tmp")


def violations(world: World, ends: frozenset[str]) -> list[str]:
    """Each promise that is broken, in words; `ends` are the states that the runs made here may have ended in."""
    if not world.layout.root.exists():
        return []
    with _fresh(world) as store:
        found = [text for look in _LOOKS_AT_STORE for text in look(world, store)]
    found += [text for look in _LOOKS for text in look(world)]
    found += _wrong_ends(world, ends)
    return [*found, *_lost_by_rebuilding(world)]


@contextmanager
def _fresh(world: World) -> Iterator[Store]:
    """The store as a reader sees it who has not looked before, in one state."""
    store = Store(world.layout)
    store.refresh()
    with store.at_once():
        yield store


def _points(world: World, store: Store) -> Iterator[str]:
    """What `log` returned for is there, once, as it was logged, and nothing else is."""
    said: dict[tuple[str, int], list[Said]] = {}
    for one in read_said(world.said):
        said.setdefault((one.run, one.rank), []).append(one)
    for (run, rank), words in said.items():
        tried = {place: value for one in words for place, value in one.tried.items()}
        did = {place for one in words for place in one.did}
        seen = [(key, step, value) for key in _keys(store, run, rank) for step, value in _pairs(store, run, rank, key)]
        counted = Counter((key, step) for key, step, _ in seen)
        yield from (f"{run} rank {rank}: {place} is lost" for place in did - set(counted))
        yield from (f"{run} rank {rank}: {place} is there {n} times" for place, n in counted.items() if n > 1)
        yield from (
            f"{run} rank {rank}: {key} at {step} is {value}, logged was {tried.get((key, step))}"
            for key, step, value in seen
            if tried.get((key, step)) != value
        )
    for run in store.runs().names:
        others = {one.rank for one in _metrics(store, run)} - {rank for name, rank in said if name == run}
        yield from (f"{run} has points of rank {rank}, which logged none" for rank in others)


def _metrics(store: Store, run: str) -> list[MetricSummary]:
    return [one for one in store.metrics(run, rank=None) if not one.key.startswith("system/")]


def _keys(store: Store, run: str, rank: int) -> list[str]:
    return [one.key for one in _metrics(store, run) if one.rank == rank]


def _pairs(store: Store, run: str, rank: int, key: str) -> list[tuple[int, float]]:
    series = store.series(run, key, rank)
    return list(zip(series.steps, series.values, strict=True))


def _summaries(world: World, store: Store) -> Iterator[str]:
    """The summaries are those of the points."""
    for run in store.runs().names:
        for one in _metrics(store, run):
            values = store.series(run, one.key, one.rank).values
            told = (one.count, one.last, one.min, one.max)
            if told != (len(values), values[-1], min(values), max(values)):
                yield f"{run} rank {one.rank}: the summary of {one.key} is {told}"


def _states(world: World, store: Store) -> Iterator[str]:
    """Every run is over, in the store as in its journals, and as what it said allows."""
    known = set(store.runs().names)
    said = read_said(world.said)
    for run in world.run_names():
        if run in known:
            yield from _state(store, run, current_state(world.layout.run(run)), [one for one in said if one.run == run])
        else:
            yield f"{run} is not in the store"


def _state(store: Store, run: str, of_journals: RunState, said: list[Said]) -> Iterator[str]:
    record = store.run(run)
    if not record.state.final or record.state is not of_journals:
        yield f"{run} is {record.state} in the store and {of_journals} in its journals"
    if record.state is RunState.COMPLETED and not all(one.ended for one in said):
        yield f"{run} is Completed, and its script did not come to its end"
    if record.gap_bytes or record.lost_points:
        yield f"{run} has damage in its journals or lost points"
    going_on = (stage.stage for stage in store.detail(run).stages if stage.status == "started")
    yield from (f"{run} is {record.state}, and its stage {stage} goes on" for stage in going_on)


def _wrong_ends(world: World, ends: frozenset[str]) -> Iterator[str]:
    """The runs that had no state before the death ended as they may; finished ones stay Completed."""
    for run in world.run_names():
        state = str(current_state(world.layout.run(run)))
        allowed = ends if world.layout.run(run).identity.exists() else {"Completed"}
        if state not in allowed:
            yield f"{run} is {state}, and may be {', '.join(sorted(allowed))}"


def _artifacts(world: World, store: Store) -> Iterator[str]:
    """Of a job's run all kept files are recorded, and what is recorded is what the files hold."""
    for run in world.run_names():
        files = world.layout.run(run)
        if not files.plan.exists():
            continue
        recorded = {one.path: (one.size, one.hash) for one in store.artifacts(run)}
        places = {one.name: Path(str(one.path)) for one in store.detail(run).outputs}
        for path, (size, hash) in recorded.items():
            place = _place(files.root, places, path)
            if not place.is_file() or _content(place) != (size, hash):
                yield f"{run}: the artifact {path} is not what {place} holds"
        there = [path for path in files.outputs.rglob("*") if path.is_file()]
        names = {path.relative_to(files.root).as_posix() for path in there}
        yield from (f"{run}: {name} is not recorded" for name in names - set(recorded))
        if not files.collected.exists():
            yield f"{run} is not collected"


def _place(root: Path, outputs: dict[str, Path], path: str) -> Path:
    kind, _, rest = path.partition("/")
    name, _, inside = rest.partition("/")
    return outputs[name] / inside if kind == "named-outputs" else root / path


def _content(path: Path) -> tuple[int, str]:
    data = path.read_bytes()
    return len(data), xxh3_128(data).hexdigest()


def _leftovers(world: World) -> Iterator[str]:
    """Temporary storage is gone, and so are half-written files, wherever they were."""
    layout = world.layout
    yield from (f"temporary storage: {path}" for path in layout.staging.glob("*"))
    yield from (f"temporary file: {path}" for path in layout.tmp.glob("*") if path.name not in _TEMPORARY)
    for pattern in _DRAFTS:
        yield from (f"half-written: {path}" for path in world.here.rglob(pattern))
    yield from (f"half-written: {path}" for path in layout.runs.glob("*/control/.*"))


def _content_by_hash(world: World) -> Iterator[str]:
    """Every blob is what its name says, every snapshot is whole."""
    blobs = BlobStore(world.layout)
    for path in world.layout.blobs.glob("*/*"):
        if not blobs.verify(path.parent.name + path.name):
            yield f"the blob {path} is not what its name says"
    for path in world.layout.snapshots.glob("*.json"):
        yield from verify_snapshot(world.layout, path.stem)


def _processes(world: World) -> Iterator[str]:
    """Nobody holds a run, and nothing of a job goes on."""
    for run in world.run_names():
        if supervisor_alive(world.layout.run(run)):
            yield f"{run} has a living supervisor"
        if world.layout.run(run).identity.exists() and Launched(world.layout, run).processes():
            yield f"processes of {run} go on"


def _doctor(world: World) -> Iterator[str]:
    for finding in examine_workspace(world.layout):
        if finding.level != "ok":
            yield f"doctor: {finding.what}"


def everything(world: World) -> dict[tuple[str, str], object]:
    """All that a fresh reader sees, by run and by what it is."""
    with _fresh(world) as store:
        found: dict[tuple[str, str], object] = {}
        for run in sorted(store.runs().names):
            metrics = store.metrics(run, rank=None)
            found |= {
                (run, "row"): store.run(run),
                (run, "parameters"): store.params(run),
                (run, "summaries"): [_rounded(one) for one in metrics],
                (run, "points"): [store.series(run, one.key, one.rank) for one in metrics],
                (run, "detail"): store.detail(run),
                (run, "artifacts"): store.artifacts(run),
                (run, "media"): store.media_keys(run),
            }
    return found


def _rounded(summary: MetricSummary) -> MetricSummary:
    """What was added up in another order has another last digit."""
    return replace(summary, mean=None if summary.mean is None else float(f"{summary.mean:.12g}"))


def _lost_by_rebuilding(world: World) -> Iterator[str]:
    """`doctor --rebuild` gives the same again."""
    before = everything(world)
    rebuild(world.layout)
    after = everything(world)
    for run, what in sorted(before.keys() | after.keys()):
        one, other = before.get((run, what)), after.get((run, what))
        if one != other:
            yield f"{run} is not the same after a rebuild: {what}\n    {str(one)[:2000]}\n    {str(other)[:2000]}"


_LOOKS_AT_STORE: tuple[Callable[[World, Store], Iterator[str]], ...] = (_points, _summaries, _states, _artifacts)
_LOOKS: tuple[Callable[[World], Iterator[str]], ...] = (
    _leftovers,
    _content_by_hash,
    _processes,
    _doctor,
)
