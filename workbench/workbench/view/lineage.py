"""Which run made what from what: from any run, data asset or model, backward and forward."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct, field
from workbench_store.errors import NotFound
from workbench_store.layout import WorkspaceLayout
from workbench_store.records import PortRecord, RunPorts, RunQuery

from workbench.data.assets import AssetVersion, find_asset, list_assets, parse_asset_name
from workbench.view.makers import Makers
from workbench.view.origin import origin_of

if TYPE_CHECKING:
    from workbench_store.store import Store


class Thing(NamedTuple):
    """What lineage links. kind: run, data, model, or place; name: of the run, NAME:VERSION, or a path or URL."""

    kind: str
    name: str


class Link(NamedTuple):
    """A thing was made from another; `via` is the name of the input or output that joined them, or what a run is of the
    run that it goes back to: its fork or its rerun."""

    source: Thing
    target: Thing
    via: str


class Step(Struct, frozen=True):
    """A thing on the way, how it is joined to the step before, what is known of it, and the steps after it.

    repeated: whether its own steps are shown where it came first.
    """

    thing: Thing
    via: str
    detail: str
    steps: "tuple[Step, ...]" = ()
    repeated: bool = False


class Lineage(Struct, frozen=True):
    """A thing, what it was made from, and what was made from it."""

    thing: Thing
    detail: str
    made_from: tuple[Step, ...]
    led_to: tuple[Step, ...]


class Graph(Struct):
    """All links of a workspace, and a few words on each thing."""

    details: dict[Thing, str] = field(default_factory=dict)
    backward: dict[Thing, list[Link]] = field(default_factory=lambda: defaultdict(list))
    forward: dict[Thing, list[Link]] = field(default_factory=lambda: defaultdict(list))

    def add(self, source: Thing, target: Thing, via: str) -> None:
        """Add a link, once."""
        link = Link(source, target, via)
        if link not in self.forward[source]:
            self.forward[source].append(link)
            self.backward[target].append(link)


def lineage(layout: WorkspaceLayout, store: "Store", name: str) -> Lineage:
    """The lineage of a run (its name or the beginning of it) or an asset (NAME, NAME:VERSION). Raises NotFound."""
    runs = store.ports()
    graph = make_graph(runs, list_assets(layout), Makers(layout, runs))
    thing = _named(layout, store, graph, name)
    _tell_of_runs(store, graph)
    return Lineage(
        thing,
        graph.details.get(thing, ""),
        _steps(thing, graph, graph.backward, "source", set()),
        _steps(thing, graph, graph.forward, "target", set()),
    )


def _tell_of_runs(store: "Store", graph: Graph) -> None:
    """The state of runs that have no data of their own; of one that is not here any more, that."""
    things = {*graph.forward, *graph.backward}
    names = [thing.name for thing in things if thing.kind == "run" and thing not in graph.details]
    states = {row.name: str(row.state) for row in store.runs(RunQuery(names=tuple(names))).rows} if names else {}
    graph.details.update((Thing("run", name), states.get(name, "removed")) for name in names)


def make_graph(runs: Sequence[RunPorts], assets: Sequence[AssetVersion], makers: Makers) -> Graph:
    """The links between runs and assets; a local path or URL that nothing here made is a thing of its own."""
    graph = Graph()
    for asset in assets:
        thing = asset_thing(asset)
        graph.details[thing] = f"{asset.type} at {asset.path}"
        maker = asset.run or makers.of(asset.path, asset.created)
        source = Thing("place", asset.path) if maker is None else Thing("run", maker)
        graph.add(source, thing, asset.output or "")
    for run in runs:
        graph.details[Thing("run", run.run)] = str(run.state)
        origin = origin_of(run.properties)
        if origin is not None:
            how = "rerun" if origin.step is None else f"fork at step {origin.step}"
            graph.add(Thing("run", origin.run), Thing("run", run.run), how)
        for port in run.outputs:
            if port.asset is not None:
                graph.add(Thing("run", run.run), _asset_of(port), port.name)
    for run in runs:
        for port in run.inputs:
            graph.add(_source(port, makers, run.created), Thing("run", run.run), port.name)
    return graph


def asset_thing(asset: AssetVersion) -> Thing:
    """The thing that a version is."""
    return Thing(asset.kind, f"{asset.name}:{asset.version}")


def _asset_of(port: PortRecord) -> Thing:
    return Thing(port.asset_kind or "data", (port.asset or "").removeprefix("azureml:"))


def _source(port: PortRecord, makers: Makers, created: float) -> Thing:
    """Where an input of a run came from: an asset, the run that made it, or a place."""
    if port.asset is not None:
        return _asset_of(port)
    path = port.path or ""
    maker = port.source_run or makers.of(path, created)
    return Thing("run", maker) if maker else Thing("place", path)


def _named(layout: WorkspaceLayout, store: "Store", graph: Graph, name: str) -> Thing:
    """The run of that name, else the data asset or model, else the run whose name begins so. Raises NotFound."""
    with suppress(NotFound):
        return _run(store, graph, name)
    base, version, label = parse_asset_name(name)
    kinds = sorted({asset.kind for asset in list_assets(layout) if asset.name == base})
    for kind in kinds:
        try:
            return asset_thing(find_asset(layout, kind, base, version, label))
        except NotFound:
            if kind == kinds[-1]:
                raise
    return _run(store, graph, store.resolve(name))


def _run(store: "Store", graph: Graph, name: str) -> Thing:
    """The run of exactly that name, also if it has neither inputs nor outputs. Raises NotFound."""
    thing = Thing("run", name)
    graph.details.setdefault(thing, str(store.run(name).state))
    return thing


def _steps(
    thing: Thing, graph: Graph, links: Mapping[Thing, list[Link]], end: str, seen: set[Thing]
) -> tuple[Step, ...]:
    seen.add(thing)
    found = []
    for link in links.get(thing, ()):
        other: Thing = getattr(link, end)
        repeated = other in seen
        steps = () if repeated else _steps(other, graph, links, end, seen)
        found.append(Step(other, link.via, graph.details.get(other, ""), steps, repeated and bool(links.get(other))))
    return tuple(found)


def to_json_dict(found: Lineage) -> dict[str, Any]:
    """The lineage as JSON values; the fields are in docs/cli.md."""
    return {
        "kind": found.thing.kind,
        "name": found.thing.name,
        "detail": found.detail,
        "made_from": [_step_dict(step) for step in found.made_from],
        "led_to": [_step_dict(step) for step in found.led_to],
    }


def _step_dict(step: Step) -> dict[str, Any]:
    return {
        "kind": step.thing.kind,
        "name": step.thing.name,
        "via": step.via,
        "detail": step.detail,
        "repeated": step.repeated,
        "steps": [_step_dict(below) for below in step.steps],
    }
