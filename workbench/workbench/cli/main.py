"""`workbench`: find the command, run it, turn errors into messages and exit codes. Nothing else prints errors."""

import argparse
import errno
import os
import sys
from collections.abc import Sequence

from workbench_store.errors import WorkbenchError, WorkspaceError
from workbench_store.no_room import NO_ROOM

from workbench.cli import parsers
from workbench.cli.exit_codes import ExitCode, for_error
from workbench.lean_imports import load_msgspec

#: Each command is a module of `workbench.cli.commands` with `prepare_parser(parser)` and `run(arguments) -> int`; its
#: docstring is the help, with examples. `groups` says in which order the help page has them.
COMMANDS: dict[str, str] = {
    "run": "submit a job file and follow it",
    "validate": "check a job file, all errors at once",
    "schema": "print the JSON Schema of job files",
    "snapshot": "show what would go into a snapshot",
    "ls": "list runs",
    "show": "show one run",
    "logs": "print a run's log",
    "media": "show a run's images, tables and the like",
    "compare": "show what differs between runs",
    "sql": "ask the store a SELECT",
    "cancel": "cancel runs",
    "rerun": "run a run again, as it was or with changes",
    "reproduce": "run a run again and report what came out the same",
    "tag": "set tags of runs",
    "note": "write a note about a run",
    "archive": "put runs out of the way of lists",
    "rm": "move runs to the trash",
    "restore": "list the trash, bring runs back from it",
    "open": "open a run's folder",
    "outputs": "list, download or finish collecting a run's outputs",
    "export": "write a run's job for the real service",
    "adopt": "take over a run whose supervisor is gone",
    "close": "end a run whose supervisor is gone",
    "env": "explain, list and remove environments",
    "compute": "list and add computes",
    "data": "give names to data, list and show them",
    "datastore": "give names to folders and storages",
    "model": "list, show and add models",
    "lineage": "show which run made what from what",
    "completion": "print what makes bash, zsh or fish complete words",
    "gc": "say what takes space, give it back",
    "backup": "copy the workspace, whole and consistent",
    "verify": "compare all that is kept with its hashes and journals",
    "doctor": "say what is wrong here and how to mend it",
    "uninstall": "list and remove what was written outside of workspaces",
    "dashboard": "open the dashboard (also: workbench alone)",
}

#: What can be done where the system refuses a file.
_REMEDIES = {
    **dict.fromkeys((errno.EACCES, errno.EPERM), "Give yourself the permission (chown, chmod), or ask whose it is."),
    errno.EROFS: "Make it writable, or use another workspace: --workspace.",
    errno.EIO: "The disk does not give it: look at the system's log, and copy what can be read (workbench backup).",
}


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser of all commands, or of `only` one of them, which spares loading the others."""
    return parsers.build_parser(COMMANDS, only)


def named_command(argv: Sequence[str]) -> str | None:
    """The command in `argv` where it can be told without parsing; None means that every parser is needed."""
    words = iter(argv)
    for word in words:
        if word == "--workspace":
            next(words, None)
        elif word.startswith("--workspace="):
            continue
        else:
            return word if word in COMMANDS else None
    return "dashboard"


def _unknown_command(argv: Sequence[str]) -> str | None:
    """What to say when the first word is no command: the nearest one, without loading any."""
    word = next(iter(argv), "-")
    if word.startswith("-") or word in COMMANDS:
        return None
    import difflib

    near = difflib.get_close_matches(word, COMMANDS, 1, 0.5)
    hint = f"did you mean `workbench {near[0]}`?" if near else f"commands: {', '.join(COMMANDS)}"
    return f"workbench: there is no command {word!r}; {hint}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Raises SystemExit only for `--help` and wrong usage."""
    words = list(sys.argv[1:] if argv is None else argv)
    unknown = _unknown_command(words)
    if unknown:
        print(unknown, file=sys.stderr)
        return int(ExitCode.USAGE)
    try:
        os.getcwd()
        arguments = build_parser(named_command(words)).parse_args(words)
    except FileNotFoundError:
        _report(WorkspaceError("the current folder is not there any more", remedy="cd into one that is."))
        return int(ExitCode.WORKSPACE)
    name = arguments.command or "dashboard"
    if name != "completion":  # for which a shell waits; all others need it
        load_msgspec()
    try:
        return int(parsers.load_command(name).run(arguments))
    except WorkbenchError as error:
        _report(error)
        return int(for_error(error))
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader of a pipe left (`| head`): nothing is wrong, and nothing more can be said.
        from workbench.cli.output import drop_stdout

        drop_stdout()
        return int(ExitCode.COMPLETED)
    except OSError as error:
        known = _of_the_disk(error)
        if known is None:
            raise
        from workbench.cli.output import drop_full_stdout

        drop_full_stdout()
        _report(known)
        return int(ExitCode.WORKSPACE)


def _of_the_disk(error: OSError) -> WorkspaceError | None:
    """What is the affair of the disk, or of whose a file is; None for errors of ours."""
    if error.errno in NO_ROOM:
        return WorkspaceError("there is no room on the disk that is written to", remedy="Make room, and try again.")
    remedy = _REMEDIES.get(error.errno or 0)
    if remedy is None or error.filename is None:
        return None
    return WorkspaceError(f"{os.fsdecode(error.filename)} cannot be used: {error.strerror}", remedy=remedy)


def _report(error: WorkbenchError) -> None:
    from workbench.cli.output import report

    report(error)
