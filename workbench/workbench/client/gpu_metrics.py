"""Metrics of NVIDIA GPUs, as nvidia-smi tells them: use, memory, temperature and power of each. (Python 3.8.)

nvidia-smi can take seconds, hang or fail. So it is asked in a thread with a journal of its own, and whatever it does,
the other metrics go on.
"""

import os
import shutil
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Callable, Dict, List, Mapping, Optional

if TYPE_CHECKING:
    from workbench_store.journal.writer import JournalWriter

PROGRAM = "nvidia-smi"
_ASKED = "index,uuid,utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw"
_MIB = 1024.0 * 1024.0
_MOST_SECONDS = 20.0
#: It is asked no more after so many answers in a row that are none.
_FAILURES = 3
VISIBLE = "CUDA_VISIBLE_DEVICES"


def start_gpu_metrics(
    new_journal: "Callable[[], JournalWriter]", interval: float, step: int
) -> Optional[threading.Thread]:
    """Record the GPUs of CUDA_VISIBLE_DEVICES (all where it is not set) every `interval` seconds, from `step` on, as
    long as this process lives, in a journal that is made for the first figures. None where there is no nvidia-smi, or
    no GPU that is to be seen."""
    program, visible = shutil.which(PROGRAM), os.environ.get(VISIBLE)
    if program is None or (visible is not None and not _names(visible)):
        return None
    thread = threading.Thread(
        target=_record, args=(new_journal, program, visible, interval, step), name="gpu-metrics", daemon=True
    )
    thread.start()
    return thread


def _record(
    new_journal: "Callable[[], JournalWriter]", program: str, visible: Optional[str], interval: float, step: int
) -> None:
    journal: "Optional[JournalWriter]" = None
    failures = 0
    while failures < _FAILURES:
        figures = gpu_figures(ask(program), visible)
        failures = 0 if figures else failures + 1
        if figures:
            journal = journal or new_journal()
            journal.points(journal.now(), step, tuple(figures), tuple(figures.values()))
        step += 1
        time.sleep(interval)


def ask(program: str) -> str:
    """What nvidia-smi says, a line for each GPU; empty where it fails or takes too long."""
    command = [program, "--query-gpu=" + _ASKED, "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_MOST_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def gpu_figures(answer: str, visible: Optional[str]) -> Dict[str, float]:
    """Figures by name, of the GPUs that `visible` (CUDA_VISIBLE_DEVICES) names by index or UUID; None: of all.

    What a GPU does not tell ("[N/A]") is left out, and so are lines that are none of the expected.
    """
    figures: Dict[str, float] = {}
    wanted = None if visible is None else _names(visible)
    for line in answer.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) == 7 and cells[0].isdigit() and (wanted is None or _is_wanted(cells[0], cells[1], wanted)):
            for name, value in _of_one(cells[2:]).items():
                figures["system/gpu.{}/{}".format(int(cells[0]), name)] = value
    return figures


def _names(visible: str) -> List[str]:
    """The devices that are named; as for CUDA, what comes after one that is none (-1) does not count."""
    names: List[str] = []
    for part in visible.split(","):
        name = part.strip()
        if not name or name == "-1":
            break
        names.append(name)
    return names


def _is_wanted(index: str, uuid: str, wanted: List[str]) -> bool:
    """By index, by the beginning of the UUID, or by a part of the GPU (MIG-GPU-<uuid>/...)."""
    return any(
        name == index or (not name.isdigit() and (uuid.startswith(name) or uuid in name)) for name in wanted if uuid
    )


def _of_one(cells: List[str]) -> Dict[str, float]:
    used, total = _number(cells[1]), _number(cells[2])
    values = {
        "utilization_percent": _number(cells[0]),
        "memory_bytes": None if used is None else used * _MIB,
        "memory_percent": 100.0 * used / total if used is not None and total else None,
        "temperature_celsius": _number(cells[3]),
        "power_watts": _number(cells[4]),
    }
    return {name: value for name, value in values.items() if value is not None}


def _number(cell: str) -> Optional[float]:
    try:
        return float(cell)
    except ValueError:
        return None


def environment_of(pid: int) -> Mapping[str, str]:
    """The variables that a process of this user was started with, from /proc; empty where there is no such thing."""
    try:
        with open("/proc/{}/environ".format(pid), "rb") as file:
            pairs = [pair.partition(b"=") for pair in file.read().split(b"\0")]
    except OSError:
        return {}
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs if name}
