"""What runs wrote to places outside of their workspace, since their jobs named them."""

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct
from workbench_store.errors import WorkbenchError
from workbench_store.layout import WorkspaceLayout
from workbench_store.store import Store

from workbench.spec.paths import is_remote


class WrittenElsewhere(Struct, frozen=True):
    """A path or URL, the workspace whose runs wrote there, and how many of them did."""

    place: str
    workspace: Path
    runs: int


def written_elsewhere(layouts: Iterable[WorkspaceLayout]) -> tuple[list[WrittenElsewhere], dict[Path, str]]:
    """Such places of each workspace, in order; and for a workspace of which they cannot be read, why."""
    found, unread = [], {}
    for layout in layouts:
        try:
            found += _of(layout)
        except (WorkbenchError, OSError) as error:
            unread[layout.root] = str(error)
    return found, unread


def _of(layout: WorkspaceLayout) -> list[WrittenElsewhere]:
    store = Store(layout)
    store.refresh()
    runs: dict[str, set[str]] = {}
    for ports in store.ports():
        for output in ports.outputs:
            if output.path is not None and not _is_in(layout, output.path):
                runs.setdefault(output.path, set()).add(ports.run)
    return [WrittenElsewhere(place, layout.root, len(runs[place])) for place in sorted(runs)]


def _is_in(layout: WorkspaceLayout, place: str) -> bool:
    return not is_remote(place) and Path(place).is_relative_to(layout.root)
