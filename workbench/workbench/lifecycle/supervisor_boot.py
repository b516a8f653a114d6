"""Where a supervisor begins, as a script: leave whoever started it, find workbench again, go on there.

Run with `python -I supervisor_boot.py RUN DESCRIPTOR`; isolated, so that nothing in the user's PYTHON*
variables or current folder can stand in for the standard library. The rest arrives over the descriptor, in
lines of JSON.
"""

import os
import sys


def main() -> None:
    """Fork away from the submitter's child, take over its import path, and run the supervisor."""
    if os.fork():
        os._exit(0)
    import gc
    import json

    gc.set_threshold(50_000)  # it is loading, which leaves no garbage, that this process does most
    channel = os.fdopen(int(sys.argv[2]), "rb")
    line = channel.readline()
    if not line.endswith(b"\n"):
        os._exit(1)
    request = json.loads(line)
    sys.path[:] = dict.fromkeys([*filter(_is_standard, sys.path), *request["path"], *sys.path])
    from workbench.lean_msgspec import load_msgspec

    load_msgspec()
    from workbench.lifecycle.supervisor_main import main as supervise

    supervise(request, channel)
    gc.freeze()  # its end need not look through all there is once more


def _is_standard(entry: str) -> bool:
    """Whether it is where the standard library is: that comes first, then all as the submitter found it."""
    library = os.path.dirname(os.__file__)
    return entry.endswith(".zip") or (entry.startswith(library) and "-packages" not in entry)


if __name__ == "__main__":
    main()
