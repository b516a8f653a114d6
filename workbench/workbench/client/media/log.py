"""Keeping what is logged: a file below the run's `media/`, or the thing itself in the record. (Python 3.8.)"""

import os
import re
import zlib
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Set, Tuple

from workbench_store.errors import UsageError
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import RunLayout

from workbench.client.arguments import check_name, check_step, check_text
from workbench.client.media.figures import figure_item, plotly_script
from workbench.client.media.histograms import histogram_item
from workbench.client.media.images import image_item
from workbench.client.media.item import Item
from workbench.client.media.models import checked_model, model_item
from workbench.client.media.tables import table_item
from workbench.client.media.texts import text_item
from workbench.client.replacing import make_folder_below, replace_file
from workbench.client.unsaved import Unsaved

_LONGEST_CAPTION = 1_000
_NO_FILE_NAME = re.compile(r"[^A-Za-z0-9_-]+")


class MediaLog:
    """Logs into one run; each kind and key counts its steps by itself where none is given, on from what `past` gives,
    which is asked when that is needed."""

    def __init__(
        self,
        files: RunLayout,
        journal: JournalWriter,
        unsaved: Unsaved,
        past: "Callable[[], Dict[Tuple[str, str], int]]" = dict,
    ) -> None:
        self._files = files
        self._journal = journal
        self._unsaved = unsaved
        self._past = past
        self._counts: "Optional[Dict[Tuple[str, str], int]]" = None
        self._has_plotly = False
        #: Why things cannot be saved just now, as far as it is told.
        self._trouble: Set[Tuple[str, str]] = set()

    def image(self, key: str, image: Any, step: Any, caption: Optional[str]) -> None:
        """An image: see ActiveRun.log_image; so are the others."""
        if caption is not None and len(check_text(caption, "the caption of image {!r}".format(key))) > _LONGEST_CAPTION:
            raise UsageError("the caption of image {!r} is longer than {:,}".format(key, _LONGEST_CAPTION))
        self._log("image", key, step, lambda: image_item(key, image), caption)

    def table(self, key: str, table: Any, step: Any, columns: Any) -> None:
        self._log("table", key, step, lambda: table_item(key, table, columns))

    def histogram(self, key: str, values: Any, step: Any, bins: Any, counts: Any, edges: Any) -> None:
        self._log("histogram", key, step, lambda: histogram_item(key, values, bins, counts, edges))

    def text(self, key: str, text: Any, step: Any) -> None:
        self._log("text", key, step, lambda: text_item(key, text))

    def figure(self, key: str, figure: Any, step: Any) -> None:
        self._log("figure", key, step, lambda: figure_item(key, figure))

    def model(self, path: Any, name: Any, step: Any, flavor: Any, metadata: Any) -> None:
        model = checked_model(path, name, step, self._journal.rank, flavor, metadata)
        place = self._files.model(model.title).relative_to(self._files.root).as_posix()
        caption = place if model.flavor is None else "{}, {}".format(model.flavor, place)
        self._log("model", model.name, step, lambda: model_item(self._files, self._journal, model), caption)

    def _log(self, kind: str, key: str, step: Any, make: Callable[[], Item], caption: Optional[str] = None) -> None:
        check_name(key, kind)
        number = self._counted().get((kind, key), 0) if step is None else check_step(step)
        kept = self._saved(kind, key, number, make)
        if step is None:
            self._counted()[kind, key] = number + 1
        if kept is None:
            return
        item, path, size = kept
        self._journal.event(
            "media",
            kind=kind,
            key=key,
            step=number,
            rank=self._journal.rank,
            format=item.format,
            caption=caption,
            detail=item.detail,
            path=path,
            size=size,
            content=item.content,
        )

    def _saved(
        self, kind: str, key: str, step: int, make: Callable[[], Item]
    ) -> "Optional[Tuple[Item, Optional[str], int]]":
        """It, its path and its size; None for what cannot be saved."""
        try:
            item = make()
            path, size = self._keep(kind, key, step, item)
        except OSError as error:
            self._note_unsaved(kind, key, error)
            return None
        if path is not None:
            self._trouble.clear()
            self._unsaved.tell()
        return item, path, size

    def _note_unsaved(self, kind: str, key: str, error: OSError) -> None:
        """Told once, and counted until one can be saved again: a loop may log at every step."""
        reason = error.strerror or str(error)
        if (kind, reason) in self._trouble:
            self._unsaved.add(kind + "s", reason)
        else:
            self._trouble.add((kind, reason))
            self._unsaved.warn(kind + "s", "{} {!r}".format(kind, key), reason, error.filename)

    def _counted(self) -> "Dict[Tuple[str, str], int]":
        if self._counts is None:
            self._counts = self._past()
        return self._counts

    def _keep(self, kind: str, key: str, step: int, item: Item) -> Tuple[Optional[str], int]:
        """The file's path below the run and its size in bytes; None where the record holds all. Raises OSError."""
        if item.data is None and item.source is None:
            return None, item.size
        name = "{:08d}-r{}-{}.{}".format(step, self._journal.rank, os.urandom(4).hex(), item.format)
        target = self._files.media_file(kind, folder_of(key), name)
        make_folder_below(self._files.root, target.parent)
        script = None if self._has_plotly else plotly_script(item)
        if script is not None:
            _write(target.parent.parent / "plotly.min.js", script, None)
            self._has_plotly = True
        _write(target, item.data, item.source)
        return target.relative_to(self._files.root).as_posix(), target.stat().st_size


def folder_of(key: str) -> str:
    """A folder's name for a key: its harmless letters, and a checksum that tells it from others."""
    return "{}-{:08x}".format(
        _NO_FILE_NAME.sub("_", key)[:60].strip("_") or "_", zlib.crc32(key.encode("utf-8", "replace"))
    )


def _write(target: Path, data: Optional[bytes], source: Optional[Path]) -> None:
    """Write or copy. Raises OSError."""

    def write(draft: Path) -> None:
        if data is not None:
            draft.write_bytes(data)
        else:
            import shutil

            shutil.copyfile(str(source), str(draft))

    replace_file(target, write)
