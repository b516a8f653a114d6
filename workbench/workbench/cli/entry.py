"""The process of the `workbench` command: its streams, what it calls ahead, and how it ends."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]
import atexit
import gc
import io
import os
import sys
import warnings

#: New objects between two collections: Python's own 700 make it collect a hundred times while it loads a command.
_COLLECT_EVERY = 50_000
_SUBMITTING = ("run", "rerun", "reproduce")


def entry() -> None:
    """The `workbench` command."""
    gc.set_threshold(_COLLECT_EVERY)
    warnings.showwarning = _tell
    _settle_streams()
    if hasattr(signal, "SIGCHLD"):  # whoever ignores it would not learn how the programs that we call end
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        code = _submitting() if _submits(sys.argv[1:]) else _command()
    except KeyboardInterrupt:
        code = _interrupted()
    except Exception as error:
        code = _interrupted() if _stands_for_a_ctrl_c(error) else _crash(error)
    gc.freeze()  # or Python would go through all there is once more, to end right after
    _end(code)


def _command() -> int:
    from workbench.cli.main import main

    return main()


def _submitting() -> int:
    """A command that submits a run: its supervisor loads as long as all that comes before the run is made."""
    from workbench.lifecycle.supervisor_call import call_ahead

    call_ahead()
    from workbench.cli.signals import NOTHING_STARTED, Interrupted, listen

    listen()
    try:
        return _command()
    except Interrupted:
        print(NOTHING_STARTED, file=sys.stderr)
        return _interrupted()


def _interrupted() -> int:
    from workbench.cli.exit_codes import ExitCode

    return int(ExitCode.INTERRUPTED)


def _stands_for_a_ctrl_c(error: BaseException | None) -> bool:
    """Python makes a RuntimeError of what comes while a class learns the names of its attributes (3.11 and before)."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error is not None


def _submits(words: list[str]) -> bool:
    return bool(words) and words[0] in _SUBMITTING and not {"-h", "--help"}.intersection(words)


def _end(code: int) -> None:
    """End the process, where that can be done without taking apart all that was loaded, as Python does for 10 ms: no
    thread runs, and nothing has a database open."""
    threads = sys.modules.get("threading")
    if "duckdb" not in sys.modules and (threads is None or threads.active_count() == 1):
        atexit._run_exitfuncs()
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:
            sys.exit(code)  # Python has words and a code of its own for it
        os._exit(code)
    sys.exit(code)


def _settle_streams() -> None:
    """Streams that take whatever is written: closed ones lead to nowhere, and no character is too rare for any."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            # Its number is free, and would otherwise be that of the next file that is opened.
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), "r" if number == 0 else "w"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _tell(message: Warning | str, *_place: object, **_more: object) -> None:
    """A warning of Python's, as a line of narration: users of a command have no use for a place in our code."""
    from workbench.cli.output import narrate

    narrate(str(message))


def _crash(error: Exception) -> int:
    """An error of ours: a short word to the user, the traceback where they ask for it."""
    import traceback

    from workbench.cli.exit_codes import ExitCode

    print(f"workbench: internal error: {type(error).__name__}: {error}", file=sys.stderr)
    if os.environ.get("WORKBENCH_DEBUG"):
        traceback.print_exc()
    else:
        print("  Set WORKBENCH_DEBUG=1 to see where, and please report it.", file=sys.stderr)
    return int(ExitCode.INTERNAL)
