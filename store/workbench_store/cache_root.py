"""Where the user's cache is: environments and the slots of local compute. (Python 3.8, standard library.)"""

import os
from pathlib import Path
from typing import Mapping, Optional


def cache_root(environ: Optional[Mapping[str, str]] = None) -> Path:
    """The cache folder, which may not exist yet.

    WORKBENCH_CACHE if set, else `workbench` below XDG_CACHE_HOME (XDG Base Directory Specification: ignored
    unless absolute), else `~/.cache/workbench`.
    """
    values = os.environ if environ is None else environ
    explicit = values.get("WORKBENCH_CACHE")
    if explicit:
        return Path(explicit).expanduser().absolute()
    base = Path(values.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "workbench"
