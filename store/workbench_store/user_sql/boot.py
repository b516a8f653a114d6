"""Where the process of a user's SELECT begins, as a script: find workbench_store again, run what is asked, tell.

Run with `python -I boot.py`; isolated, so that nothing in the user's PYTHON* variables or current folder can stand in
for the standard library. One line of JSON comes in: what `session.py` asks for. `begun` goes out once the store is its
own to read, then one line of JSON: what came of it. It ends when who asked is gone.
"""

import json
import os
import sys
import threading
import traceback


def main() -> None:
    """Read the request, answer it."""
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_the_asker, daemon=True).start()
    sys.path[:] = dict.fromkeys([*filter(_is_standard, sys.path), *request["path"], *sys.path])
    from workbench_store.errors import WorkbenchError
    from workbench_store.user_sql.alone import answer

    try:
        told = answer(request)
    except WorkbenchError as error:
        told = {"error": type(error).__name__, "message": error.message, "remedy": error.remedy}
    except Exception:
        # Python's own end would wait for the thread that reads, and abort.
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    print(json.dumps(told), flush=True)
    os._exit(0)


def _end_with_the_asker() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def _is_standard(entry: str) -> bool:
    """Whether it is where the standard library is: that comes first, then all as the asker found it."""
    library = os.path.dirname(os.__file__)
    return entry.endswith(".zip") or (entry.startswith(library) and "-packages" not in entry)


if __name__ == "__main__":
    main()
