"""Naming a thing by the beginning of its name, as long as only one begins so."""

from collections.abc import Sequence

from workbench_store.errors import NotFound

_MOST_NAMED = 8


def the_one(prefix: str, names: Sequence[str], where: str = "") -> str | None:
    """The one of `names`, which all begin with `prefix`, that is meant; None where there are none.

    Raises NotFound, naming them, where it could be several of the runs `where`.
    """
    if prefix in names:
        return prefix
    if len(names) > 1:
        shown = ", ".join(names[:_MOST_NAMED]) + (" ..." if len(names) > _MOST_NAMED else "")
        raise NotFound(
            f"{prefix!r} begins the names of {len(names)} runs{where}: {shown}", remedy="Give more of the name."
        )
    return names[0] if names else None
