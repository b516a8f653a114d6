"""Ctrl-C beside DuckDB: a notebook that idles must not keep everybody else from the store, and an import of DuckDB that
is interrupted ends the process by a crash.
"""

import sys
from importlib import import_module
from types import FrameType

from workbench_store.held_back import HeldBack

#: Code that must not be interrupted, by the ends of its files' names.
_DELICATE = tuple(f"/workbench_store/{name}.py" for name in ("lease", "locks", "held_back"))
_ENTERING = ("/contextlib.py",)
_ENTERING_FRAMES = 2


def load_whole(module: str) -> None:
    """Load it, if it is not loaded yet; a Ctrl-C that comes meanwhile counts right after. For what does not bear to be
    loaded a second time (DuckDB, PyYAML)."""
    if module not in sys.modules:
        with HeldBack():
            import_module(module)


def interrupted_in_between() -> HeldBack:
    """Within it Ctrl-C counts at once in code of others, a query say, and in what takes and lets go of locks at its
    end."""
    return HeldBack(_may_be_interrupted)


def _may_be_interrupted(frame: FrameType | None) -> bool:
    depth = 0
    while frame is not None:
        name = frame.f_code.co_filename.replace("\\", "/")
        if name.endswith(_DELICATE) or (depth < _ENTERING_FRAMES and name.endswith(_ENTERING)):
            return False
        frame, depth = frame.f_back, depth + 1
    return True
