"""The parent of a job: starts the command, waits, writes how it ended. A script: `python -I -S job_parent.py
...`.

It leads a session of its own and outlives its supervisor, so that the exit status is never lost. It must
start fast, so it imports little, and nothing of workbench. The job's stdout and stderr are files that it was
given as its own.

Arguments: shell, command, the file for the process ids, the file for the exit status, host id, boot id.
"""

import json
import os
import signal
import sys
import time

# No pathlib here: it would double the time that this script takes to start.

#: Set to be ignored by Python or by whoever started us; a job begins with the system's defaults.
_DEFAULT_SIGNALS = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGPIPE,
    signal.SIGXFSZ,
    signal.SIGCHLD,
)


def _start_of(pid: int) -> "str | None":
    """When a process started, as workbench_store.processes gives it; None where there is no /proc."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[19].decode("ascii")
    except (OSError, IndexError):
        return None


def _write(path: str, content: "dict[str, object]") -> None:
    hidden = path + ".tmp"
    with open(hidden, "w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(hidden, path)


def main(arguments: "list[str]") -> None:
    """Start the command, wait for it, write its exit status."""
    shell, command, process_file, exit_file, host, boot = arguments
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    identity: dict[str, object] = {
        "parent": os.getpid(),
        "parent_start": _start_of(os.getpid()),
        "host": host,
        "boot": boot,
        "started": time.time(),
        "monotonic": time.monotonic(),
    }
    # Written before the job is there as well: a supervisor killed in between must not take it for never
    # started.
    _write(process_file, {**identity, "pid": None, "start": None})
    began = time.monotonic()
    pid = os.posix_spawn(
        shell,
        [shell, "-c", command],
        os.environ,
        setpgroup=0,
        setsigmask=[],
        setsigdef=_DEFAULT_SIGNALS,
    )
    _write(process_file, {**identity, "pid": pid, "start": _start_of(pid)})
    status = os.waitpid(pid, 0)[1]
    ending = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    _write(
        exit_file,
        {
            "exit_code": None if ending else os.WEXITSTATUS(status),
            "signal": signal.Signals(ending).name if ending in set(signal.Signals) else ending,
            "ended": time.time(),
            "seconds": time.monotonic() - began,
        },
    )


if __name__ == "__main__":
    main(sys.argv[1:])
