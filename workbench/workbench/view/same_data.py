"""Whether two runs had the same data as an input: by content where that is known, else by sizes and times."""

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from workbench_store.layout import RunLayout, WorkspaceLayout

from workbench.data.fingerprint import content_fingerprint, stat_fingerprint
from workbench.lifecycle.fingerprints import recorded
from workbench.view.run_page import RunPage

_STAT = "stat:"


class InputData(Struct, frozen=True):
    """What is recorded of an input of the run in `files`: where it was, and a fingerprint of what was there then.

    The hash of content is worked out while the job runs: of a short job with much data there is none.
    """

    files: RunLayout
    name: str
    path: str | None
    fingerprint: str | None

    @property
    def shown(self) -> str | None:
        """What is known of it, as text."""
        return self.fingerprint or self.path

    @property
    def content(self) -> str | None:
        """Its content's hash, with its kind in front."""
        return None if self.fingerprint is None or self.fingerprint.startswith(_STAT) else self.fingerprint

    @property
    def stat(self) -> str | None:
        """Sizes and times, as they were at submit; None if they were not recorded, or not all of them."""
        found = self.fingerprint if self.content is None else recorded(self.files).stats.get(self.name)
        return None if found is None or found.endswith("+") else found

    def hashed(self) -> "InputData":
        """The same with its content's hash, if that can be had now: it is as it was, and not too much to read."""
        try:
            if self.path is None or self.stat is None or stat_fingerprint(Path(self.path)) != self.stat:
                return self
            return replace(self, fingerprint=content_fingerprint(Path(self.path), self.stat) or self.fingerprint)
        except OSError:
            return self


def data_of(layout: WorkspaceLayout, page: RunPage) -> dict[str, InputData]:
    """The inputs of a run that are data, by name. Literals are parameters."""
    files = layout.run(page.record.name)
    data = (port for port in page.detail.inputs if port.value is None)
    return {port.name: InputData(files, port.name, port.path, port.fingerprint) for port in data}


def same_data(one: InputData | None, other: InputData | None) -> bool | None:
    """Whether both are the same; None where that cannot be told."""
    if one is None or other is None:
        return one is other
    if one.fingerprint is None and other.fingerprint is None:
        return one.path == other.path
    if one.content is None and other.content is None:
        return None if one.stat is None or other.stat is None else one.stat == other.stat
    if _kind(one) == _kind(other):
        return one.content == other.content
    if one.stat is not None and one.stat == other.stat:
        return True
    one, other = (each if each.content else each.hashed() for each in (one, other))
    return one.content == other.content if _kind(one) == _kind(other) else None


def _kind(data: InputData) -> str | None:
    """How its content was hashed."""
    return None if data.content is None else data.content.partition(":")[0]
