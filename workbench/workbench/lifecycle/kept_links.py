"""Links in what a job leaves: they lead to what is kept once temporary storage is gone, wherever the workspace is."""

import os
from pathlib import Path

from workbench_store.faults import fault
from workbench_store.layout import RunLayout
from xxhash import xxh32_hexdigest

from workbench.data.copying import copy_data, is_inside, links_below, replace_link

#: The links to what is kept that a job has in its folder.
SEEN_LINKS = ("outputs", "logs")
#: Ends the hidden name of a copy on its way to the place of a link.
_BROUGHT = ".brought"


def lead_from_the_code(files: RunLayout, code: Path) -> None:
    """./outputs is itself a link, so that a relative link in it that leads to the job's folder by its looks leads
    nowhere: it is led to what its maker meant, which is brought in like the rest."""
    for name, target in zip(SEEN_LINKS, (files.outputs, files.logs), strict=True):
        for link in links_below(target) if (code / name).is_symlink() else ():
            meant = Path(os.path.normpath(code / name / link.parent.relative_to(target) / os.readlink(link)))
            inside = code in meant.parents and code / name not in meant.parents
            if inside and not os.path.exists(link) and os.path.lexists(meant):
                replace_link(link, meant)


def bring_in(kept: Path, staging: Path, run: Path) -> None:
    """A link that leads into temporary storage would lead nowhere once that is gone: what it leads to is copied in its
    place, or it is led straight to what is kept already; and an absolute one into the run's own folder would lead to
    another run's in a copy. Can be cut short and done again. Raises OSError."""
    if not kept.is_dir():
        return
    ending = f".{xxh32_hexdigest(os.fsencode(staging.name))}{_BROUGHT}"  # so that no name of the user's is one
    for draft in sorted(kept.rglob(f".*{ending}")):
        _put_in_place(draft, draft.with_name(draft.name[1 : -len(ending)]))
    for link in links_below(kept):
        _lead_along(link, staging, run)
        real = Path(os.path.realpath(link))
        if os.path.exists(real) and is_inside(real, os.path.realpath(staging)):
            draft = link.with_name(f".{link.name}{ending}")
            copy_data(real, draft)
            fault("bring.copied")
            _put_in_place(draft, link)
        elif os.path.exists(real) and is_inside(link.parent / os.readlink(link), staging):
            replace_link(link, _relative(link, real))


def _lead_along(link: Path, staging: Path, run: Path) -> None:
    """Let an absolute link into temporary storage, or the run's folder, lead into that of this workspace, as it is
    called now: it may have been moved, or be a copy."""
    text = Path(os.readlink(link))
    for home in (staging, run):
        meant = _as_in(home, text)
        if meant is None or not os.path.lexists(meant):
            continue
        own = home == run and is_inside(os.path.realpath(link.parent), os.path.realpath(run))
        if own or text != meant:
            replace_link(link, _relative(link, meant) if own else meant)
        return


def _as_in(home: Path, text: Path) -> Path | None:
    """The place that such a text means in a folder of a workspace, of whatever workspace it speaks."""
    parts, tail = text.parts, home.parts[-3:]
    for end in range(len(tail), len(parts) + 1) if text.is_absolute() else ():
        if parts[end - len(tail) : end] == tail:
            return home.joinpath(*parts[end:])
    return None


def _relative(link: Path, target: Path) -> str:
    return os.path.relpath(target, os.path.realpath(link.parent))


def _put_in_place(draft: Path, place: Path) -> None:
    """A folder cannot replace a link in one step; a kill between the two leaves the draft, which is found again."""
    if draft.is_dir():
        place.unlink(missing_ok=True)
        fault("bring.unlinked")
    draft.replace(place)
