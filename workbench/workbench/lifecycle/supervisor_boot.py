"""Where a supervisor begins, as a script: leave whoever started it, find workbench again, load it, go on there.

Run with `python -I supervisor_boot.py`; isolated, so that nothing in the user's PYTHON* variables or current folder can
stand in for the standard library. The rest arrives on its stdin, in lines of JSON, and what it has to say goes to its
stdout; it loads what it needs while whoever called it finds out which run it is for.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO


def main() -> None:
    """Fork away from the submitter's child, take over its import path, and run the supervisor."""
    if os.fork():
        os._exit(0)
    os.chdir("/")
    _close_what_was_inherited()
    import gc

    gc.set_threshold(50_000)  # it is loading, which leaves no garbage, that this process does most
    requests, answers = os.fdopen(os.dup(0), "rb"), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    sys.path[:] = dict.fromkeys([*filter(_is_standard, sys.path), *_line(requests)["path"], *sys.path])
    try:  # noqa: SIM105 (contextlib is not loaded yet)
        _load()
    except Exception:
        pass  # it is tried again where what is wrong can be written down
    request = _line(requests)
    os.dup2(os.open(request["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), 1)
    os.dup2(1, 2)
    os.environ.update(request["variables"])
    _load()(request, requests, answers)
    gc.freeze()  # its end need not look through all there is once more


def _close_what_was_inherited() -> None:
    for name in os.listdir("/dev/fd"):
        if int(name) > 2:
            try:  # noqa: SIM105 (contextlib is not loaded yet)
                os.close(int(name))
            except OSError:
                pass  # the folder that is listed


def _line(requests: "BinaryIO") -> "dict[str, Any]":
    """What is said next; where nothing is, there is no run to supervise."""
    import json

    line = requests.readline()
    if not line.endswith(b"\n"):
        os._exit(1)
    return dict(json.loads(line))


def _load() -> "Callable[[dict[str, Any], BinaryIO, int], None]":
    from workbench.lean_imports import load_msgspec

    load_msgspec()
    from workbench.lifecycle.supervisor_main import main as supervise

    return supervise


def _is_standard(entry: str) -> bool:
    """Whether it is where the standard library is: that comes first, then all as the submitter found it."""
    library = os.path.dirname(os.__file__)
    return entry.endswith(".zip") or (entry.startswith(library) and "-packages" not in entry)


if __name__ == "__main__":
    main()
