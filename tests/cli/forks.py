"""Run `python -m workbench` without the third of a second that reading its libraries takes: by forks of a process that
has read them.

Each command is a process of its own all the same, with the arguments, folder, environment, files and exit code that
it would have. What Python looks at before it starts (`PYTHON...`) and what we look at as we are read (faults) would be
too late in a fork: `Forks.spare` says for which environments it does. How long a start takes is for benchmarks/,
what it reads for tests/project.
"""

import array
import atexit
import contextlib
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

#: What most commands read first. The rest of ours is read in the fork, so that no module finds what it did not import.
PRELOADED = (
    "import duckdb, importlib.metadata, msgspec, numpy, rich.cells, typing_extensions, unicodedata, xxhash, yaml, "
    "workbench.cli.main, workbench_store.store"
)
_TOO_LATE = ("PYTHON", "WORKBENCH_FAULT", "LC_", "LANG")
#: A request's socket, and the command's stdin, stdout and stderr.
_FDS = 4
#: Numbers are told as text of so many bytes.
_WIDTH = 20


class Forks:
    """The process that forks, and the door to it."""

    def __init__(self) -> None:
        self._environ = {name: value for name, value in os.environ.items() if name.startswith(_TOO_LATE)}
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with theirs:
            code = f"{PRELOADED}; from tests.cli.forks import serve; serve({theirs.fileno()})"
            self._process = subprocess.Popen(
                [sys.executable, "-c", code],
                pass_fds=[theirs.fileno()],
                cwd=Path(__file__).parents[2],
                stdin=subprocess.DEVNULL,
            )

    def end(self) -> None:
        """End the process that forks. Commands that still run go on."""
        self._requests.close()
        self._process.kill()
        self._process.wait()

    def spare(self, environ: Mapping[str, str]) -> bool:
        """Whether a fork does what a new process with `environ` would do."""
        early = {name: value for name, value in environ.items() if name.startswith(_TOO_LATE)}
        return early == self._environ

    def run(
        self, words: Sequence[str], cwd: Path, environ: Mapping[str, str], input: str | None, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run `workbench WORDS`; raises subprocess.TimeoutExpired, after it killed the command, as subprocess.run."""
        out, err = _Reader(), _Reader()
        door, theirs = socket.socketpair()
        with door:
            door.settimeout(timeout)
            with theirs, _stdin(input) as stdin:
                fds = array.array("i", [theirs.fileno(), stdin.fileno(), out.write, err.write])
                self._requests.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
            out.start()
            err.start()
            _send(door, json.dumps([list(words), str(cwd), dict(environ)]).encode())
            pid = int(_receive(door))
            try:
                code = int(_receive(door))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(list(words), timeout) from None
        return subprocess.CompletedProcess(list(words), code, out.text(timeout), err.text(timeout))


class _Reader(threading.Thread):
    """Read a pipe to its end."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        read, self.write = os.pipe()
        self._file = os.fdopen(read, encoding="utf-8")
        self._text = ""

    def start(self) -> None:
        os.close(self.write)
        super().start()

    def run(self) -> None:
        with self._file:
            self._text = self._file.read()

    def text(self, timeout: float) -> str:
        self.join(timeout)
        if self.is_alive():
            raise subprocess.TimeoutExpired("workbench", timeout, "something else holds its output open")
        return self._text


def _stdin(input: str | None) -> IO[bytes]:
    if input is None:
        return open(os.devnull, "rb")
    read, write = os.pipe()
    with open(write, "wb") as file:
        file.write(input.encode())  # what tests say fits into a pipe
    return open(read, "rb")


def _send(door: socket.socket, data: bytes) -> None:
    door.sendall(b"%*d" % (_WIDTH, len(data)) + data)


def _receive(door: socket.socket) -> bytes:
    return _exactly(door, int(_exactly(door, _WIDTH)))


def _exactly(door: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = door.recv(count - len(data))
        if not more:
            raise ConnectionError("the process that forks is gone")
        data += more
    return data


def serve(number: int) -> None:
    """Fork for each request, until nobody is there to ask. Returns only in the forks that were to run a command."""
    gc.freeze()  # a fork that looked for garbage here would copy all that it shares
    interrupt = signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait
    requests = socket.socket(fileno=number)
    while True:
        said, ancillary, _, _ = requests.recvmsg(1, socket.CMSG_SPACE(_FDS * array.array("i").itemsize))
        if not said:
            os._exit(0)
        fds = array.array("i")
        fds.frombytes(ancillary[0][2])
        if not os.fork():
            break
        for fd in fds:
            os.close(fd)
    requests.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, interrupt)
    _answer(socket.socket(fileno=fds[0]), fds[1:])


def _answer(door: socket.socket, streams: Sequence[int]) -> None:
    words, cwd, environ = json.loads(_receive(door))
    pid = os.fork()
    if pid:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for fd in (*streams, 0, 1, 2):
            os.close(fd)
        _send(door, b"%d" % pid)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with contextlib.suppress(BrokenPipeError):
            _send(door, b"%d" % code)
        os._exit(0)
    door.close()
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
        os.close(fd)
    _become(words, cwd, environ)


def _become(words: Sequence[str], cwd: str, environ: Mapping[str, str]) -> None:
    """Be `python -m workbench WORDS`, as far as a process that has begun can be."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    sys.path[0] = cwd
    sys.argv = ["workbench", *words]
    try:
        runpy.run_module("workbench", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        _end(end.code)
        raise


def _end(code: object) -> None:
    """End as Python does, but for taking apart each object that it holds, which would copy all that is shared.

    Returns where that is not enough: the exit code is no number, or what was printed cannot be written.
    """
    if not isinstance(code, int):
        return
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError):
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
