"""Models: a file or folder copied into the run's outputs, with a card that says what it is. (Python 3.8.)"""

import errno
import json
import math
import os
import re
import shutil
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from workbench_store.errors import UsageError
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import RunLayout

from workbench.client.arguments import check_name, check_step
from workbench.client.artifacts import path_of
from workbench.client.media.item import Item
from workbench.client.replacing import make_folder_below, replace_file

_MOST_SHOWN = 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")


class Model(NamedTuple):
    """A model that is to be kept: where it is, what it is called, and what is said of it. A step and a rank above 0
    have a place of their own, which none of another step or rank takes."""

    source: Path
    name: str
    step: Optional[int]
    rank: int
    flavor: Optional[str]
    metadata: Dict[str, Any]

    @property
    def title(self) -> str:
        """What its folder is called: no name has the sign in it that step and rank stand behind."""
        step = [] if self.step is None else [str(self.step)]
        rank = ["r{}".format(self.rank)] if self.rank else []
        return "@".join([self.name, "-".join(step + rank)]) if step or rank else self.name


def checked_model(path: Any, name: Any, step: Any, rank: int, flavor: Any, metadata: Any) -> Model:
    """What a script said of a model. Raises UsageError."""
    source, name = path_of(path, "path"), _checked_name(name)
    if flavor is not None:
        check_name(flavor, "the flavor of model {!r}".format(name))
    step = None if step is None else check_step(step)
    return Model(source, name, step, rank, flavor, _checked_metadata(name, metadata))


def model_item(files: RunLayout, journal: JournalWriter, model: Model) -> Item:
    """Copy a model to its place, in which an earlier one is replaced; the list of its files. Raises OSError if it can
    not be saved, and UsageError for one that holds its own place."""
    source, title = model.source, model.title
    where = {"step": model.step} if model.step is not None else {}
    if model.rank:
        where["rank"] = model.rank
    card = {"name": model.name, **where, "flavor": model.flavor, "metadata": model.metadata}
    target = files.model(title)
    if not source.exists():
        raise OSError(errno.ENOENT, "it is not there", str(source))
    if _is_inside(files.outputs, source) and not _same(source, target):
        raise UsageError(
            "model {!r} would be copied into itself: {}".format(title, source),
            remedy="Name a file or folder of its own.",
        )
    before = {file for file, _ in _files_of(target)}
    if not _same(source, target):
        make_folder_below(files.root, target.parent)
        _replace(source, target)
    kept = list(_files_of(target))
    _write_card(files.model_card(title), {**card, "files": len(kept), "bytes": sum(size for _, size in kept)})
    _record(files, journal, target, kept, files.model_card(title))
    for path in sorted(before.difference(file for file, _ in kept)):
        journal.event("artifact", path=path.relative_to(files.root).as_posix(), kind="gone", size=0, hash=None)
    return _item(model, target.relative_to(files.root).as_posix(), [(file.relative_to(target), n) for file, n in kept])


def _item(model: Model, place: str, kept: "List[Tuple[Path, int]]") -> Item:
    """A table of its files, the largest first where there are too many."""
    whole = sum(size for _, size in kept)
    shown = sorted(sorted(kept, key=lambda one: -one[1])[:_MOST_SHOWN])
    content = {
        "columns": [{"name": "file", "type": "text"}, {"name": "bytes", "type": "number"}],
        "rows": [[path.as_posix(), size] for path, size in shown],
    }
    detail = {"path": place, "flavor": model.flavor, "files": len(kept), "bytes": whole}
    return Item("json", detail, content=content, size=whole)


def _checked_name(name: Any) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name.endswith(".model.json"):
        raise UsageError(
            "model name {!r} cannot be used".format(name),
            remedy="1 to 200 letters, digits, '.', '-' and '_', beginning with a letter or digit.",
        )
    return name


def _checked_metadata(name: str, metadata: Any) -> Dict[str, Any]:
    if metadata is None:
        return {}
    try:
        if isinstance(metadata, Mapping):
            return dict(json.loads(json.dumps(_as_json(metadata), allow_nan=False)))
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError("the metadata of model {!r} cannot be JSON: {}".format(name, error)) from error
    raise UsageError("the metadata of model {!r} is no mapping but {}".format(name, type(metadata).__name__))


def _as_json(value: Any) -> Any:
    """With what JSON has not in its place: numbers and arrays of NumPy and the like as numbers and lists, numbers that
    are not finite as texts (as in tables), everything else by its text."""
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_as_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    as_list = getattr(value, "tolist", None)
    return _as_json(as_list()) if callable(as_list) else str(value)


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(str(one)) == os.path.realpath(str(other))


def _is_inside(inner: Path, outer: Path) -> bool:
    whole = os.path.realpath(str(outer))
    return os.path.commonpath([os.path.realpath(str(inner)), whole]) == whole


def _replace(source: Path, target: Path) -> None:
    """Copy beside the target, then change places with what was there. Raises OSError."""
    draft = target.with_name(".{}.part".format(os.urandom(8).hex()))
    old = draft.with_suffix(".old")
    try:
        if source.is_dir():
            shutil.copytree(str(source), str(draft), symlinks=False, ignore=_neither_file_nor_folder)
        else:
            draft.mkdir()
            shutil.copyfile(str(source), str(draft / source.name))
        if target.exists():
            os.rename(str(target), str(old))
        os.rename(str(draft), str(target))
        shutil.rmtree(str(old), ignore_errors=True)
    except OSError:
        shutil.rmtree(str(draft), ignore_errors=True)
        if old.exists() and not target.exists():
            os.rename(str(old), str(target))
        raise


def _neither_file_nor_folder(place: str, names: Any) -> Any:
    """Links, which may lead anywhere, pipes, sockets and devices."""
    paths = ((name, Path(place, name)) for name in names)
    return {name for name, path in paths if path.is_symlink() or not (path.is_file() or path.is_dir())}


def _files_of(folder: Path) -> Iterator[Tuple[Path, int]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path, path.stat().st_size


def _write_card(path: Path, card: Mapping[str, Any]) -> None:
    replace_file(path, lambda draft: draft.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8"))


def _record(files: RunLayout, journal: JournalWriter, folder: Path, kept: Any, card: Path) -> None:
    """The folder as one artifact of kind model, and each file, as any that is saved."""
    whole = sum(size for _, size in kept)
    records = [(folder, "model", whole), (card, "logged", card.stat().st_size)]
    records += [(path, "logged", size) for path, size in kept]
    for path, kind, size in records:
        place = path.relative_to(files.root).as_posix()
        journal.event("artifact", path=place, kind=kind, size=size, hash=None)
