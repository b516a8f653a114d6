"""System metrics of a run: CPU, memory, disk, network and GPUs, sampled by a helper process with a journal of its own.

(Python 3.8.) `start_sampler` starts this file as a script; it ends when the process it watches does. Figures come
from psutil where the interpreter has it, else from /proc.
"""

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Dict, Optional, Tuple

if TYPE_CHECKING:
    import subprocess

    from workbench_store.journal.writer import JournalWriter
    from workbench_store.layout import RunLayout

FIRST_SAMPLE_SECONDS = 1.0
LOCK_SECONDS = 1.0


def start_sampler(run_folder: Path, run_id: str, pid: int, interval: float) -> "Optional[subprocess.Popen[bytes]]":
    """Sample the machine and the process tree of `pid` every `interval` seconds until `pid` ends, for that run.

    Returns the helper process, or None where it cannot be started: a run never fails for want of system metrics.
    """
    import subprocess

    here = Path(__file__).resolve()
    command = [sys.executable, str(here), str(run_folder), run_id, str(pid), str(interval)]
    environ = dict(os.environ)
    environ["PYTHONPATH"] = os.pathsep.join(_import_roots())
    # The helper belongs to nobody's job: a job's processes are found by this variable.
    environ.pop("WORKBENCH_RUN_ID", None)
    _show_gpus_of(pid, environ)
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=environ,
            start_new_session=True,
        )
    except OSError:
        return None


def _show_gpus_of(pid: int, environ: Dict[str, str]) -> None:
    """A job has GPUs of its own; a script, which starts the helper itself, those it sees now."""
    if pid != os.getpid():
        from workbench.client.gpu_metrics import VISIBLE, environment_of

        environ.pop(VISIBLE, None)
        seen = environment_of(pid).get(VISIBLE)
        if seen is not None:
            environ[VISIBLE] = seen


def _import_roots() -> "list[str]":
    import workbench_store

    # Both packages may lie in one folder (installed) or in two (a checkout).
    ours, store = (Path(str(file)).resolve().parents for file in (__file__, workbench_store.__file__))
    return list(dict.fromkeys([str(ours[2]), str(store[1])]))


class SystemSampler:
    """Figures of this machine and of one process tree; rates are since the sample before."""

    def __init__(self, pid: int, folder: Path) -> None:
        self._pid = pid
        self._folder = folder
        self._before = _Counters.now()

    def sample(self) -> Dict[str, float]:
        """Figures by name: percent, bytes, or bytes per second as the name says."""
        now = _Counters.now()
        before, self._before = self._before, now
        seconds = max(now.time - before.time, 1e-6)
        figures = {
            "system/cpu_percent": _percent(now.busy - before.busy, now.total - before.total),
            "system/disk_read_bytes_per_s": (now.disk[0] - before.disk[0]) / seconds,
            "system/disk_write_bytes_per_s": (now.disk[1] - before.disk[1]) / seconds,
            "system/network_received_bytes_per_s": (now.network[0] - before.network[0]) / seconds,
            "system/network_sent_bytes_per_s": (now.network[1] - before.network[1]) / seconds,
        }
        used, percent = _memory()
        figures["system/memory_bytes"] = used
        figures["system/memory_percent"] = percent
        figures["system/process_memory_bytes"] = float(_tree_memory(self._pid))
        try:
            disk = os.statvfs(str(self._folder))
            used = disk.f_blocks - disk.f_bfree
            # Of what a user may have, as df counts: some is kept for root.
            figures["system/disk_used_percent"] = _percent(used, used + disk.f_bavail)
        except OSError:
            pass
        return figures


def _percent(part: float, whole: float) -> float:
    """Of differences of numbers that were rounded: what was idle may be a little below nothing."""
    return min(max(0.0, 100.0 * part / whole), 100.0) if whole > 0 else 0.0


class _Counters:
    """Counters since the machine was started: CPU seconds or ticks, bytes of disks and network."""

    def __init__(self, busy: float, total: float, disk: Tuple[float, float], network: Tuple[float, float]) -> None:
        self.time = time.monotonic()
        self.busy, self.total, self.disk, self.network = busy, total, disk, network

    @classmethod
    def now(cls) -> "_Counters":
        try:
            import psutil

            cpu = psutil.cpu_times()
            total = float(sum(cpu[:8]))
            disk, network = psutil.disk_io_counters(), psutil.net_io_counters()
            return cls(
                total - cpu.idle - getattr(cpu, "iowait", 0.0),
                total,
                (disk.read_bytes, disk.write_bytes) if disk else (0.0, 0.0),
                (network.bytes_recv, network.bytes_sent) if network else (0.0, 0.0),
            )
        except ImportError:
            return cls(*_proc_cpu(), _proc_disk(), _proc_network())


def _proc_cpu() -> Tuple[float, float]:
    """Busy and total ticks; proc(5), /proc/stat."""
    fields = [float(word) for word in _lines("/proc/stat")[0].split()[1:9]]
    total = sum(fields)
    return total - fields[3] - fields[4], total


def _proc_disk() -> Tuple[float, float]:
    """Bytes read and written by whole disks: sectors of 512 bytes in /proc/diskstats."""
    read = written = 0.0
    for line in _lines("/proc/diskstats"):
        words = line.split()
        if os.path.isdir("/sys/block/" + words[2]) and not words[2].startswith(("loop", "ram")):
            read += 512 * float(words[5])
            written += 512 * float(words[9])
    return read, written


def _proc_network() -> Tuple[float, float]:
    received = sent = 0.0
    for line in _lines("/proc/net/dev")[2:]:
        name, _, rest = line.partition(":")
        if name.strip() != "lo":
            words = rest.split()
            received += float(words[0])
            sent += float(words[8])
    return received, sent


def _memory() -> Tuple[float, float]:
    """Bytes in use and their share in percent."""
    try:
        import psutil

        memory = psutil.virtual_memory()
        return float(memory.total - memory.available), float(memory.percent)
    except ImportError:
        fields = {line.split(":")[0]: 1024.0 * float(line.split()[1]) for line in _lines("/proc/meminfo")[:3]}
        used = fields["MemTotal"] - fields["MemAvailable"]
        return used, _percent(used, fields["MemTotal"])


def _tree_memory(pid: int) -> int:
    """Resident bytes of a process and all below it."""
    try:
        import psutil

        try:
            top = psutil.Process(pid)
            return sum(_resident(process) for process in [top, *top.children(recursive=True)])
        except psutil.Error:
            return 0
    except ImportError:
        return _proc_tree_memory(pid)


def _resident(process: "object") -> int:
    import psutil

    try:
        return int(process.memory_info().rss)  # type: ignore[attr-defined]
    except psutil.Error:
        return 0


def _proc_tree_memory(pid: int) -> int:
    parents, pages = {}, {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/{}/stat".format(name), "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
                parents[int(name)], pages[int(name)] = int(fields[1]), int(fields[21])
            except (OSError, IndexError, ValueError):
                continue
    total, family = 0, {pid}
    grown = True
    while grown:
        members = {child for child, parent in parents.items() if parent in family} - family
        grown = bool(members)
        family |= members
    total = sum(pages.get(member, 0) for member in family)
    return total * os.sysconf("SC_PAGE_SIZE")


def _lines(path: str) -> "list[str]":
    with open(path) as file:
        return file.read().splitlines()


def sample_until_gone(run_folder: Path, run_id: str, pid: int, interval: float) -> None:
    """Write a sample to the journals of that run every `interval` seconds while `pid` lives. Raises WorkspaceError
    where its folder is gone, or is that of another run."""
    from workbench_store.layout import RunLayout
    from workbench_store.locks import FileLock
    from workbench_store.processes import process_start

    from workbench.client.gpu_metrics import start_gpu_metrics

    start = process_start(pid)
    files = _where(run_folder, run_id, pid)
    lock = FileLock(files.sampler_lock)
    if not lock.acquire(timeout=LOCK_SECONDS):
        return  # the one that an earlier supervisor started is still at it
    sampler = SystemSampler(pid, files.root)
    journal = None
    step, wait = _next_step(files.sampler_step), min(FIRST_SAMPLE_SECONDS, interval)
    start_gpu_metrics(lambda: _new_journal(run_folder, run_id, pid), interval, step)
    while _alive_after(wait, pid, start):
        figures = sampler.sample()
        if journal is None:
            journal = _new_journal(run_folder, run_id, pid)
        journal.points(journal.now(), step, tuple(figures), tuple(figures.values()))
        step, wait = step + 1, interval
        if journal.is_ours():
            _keep_step(RunLayout(journal.folder.parent).sampler_step, step)


def _where(run_folder: Path, run_id: str, pid: int) -> "RunLayout":
    """The run's folder, which may have moved. Raises WorkspaceError where another run is there."""
    from workbench_store.layout import RunLayout
    from workbench_store.moved import folder_of_script
    from workbench_store.run_ids import refuse_anothers

    folder = folder_of_script(run_folder, pid)
    refuse_anothers(folder, run_id)
    return RunLayout(folder)


def _new_journal(run_folder: Path, run_id: str, pid: int) -> "JournalWriter":
    from workbench_store.journal.writer import JournalWriter

    return JournalWriter(_where(run_folder, run_id, pid).journals, "system")


def _keep_step(path: Path, step: int) -> None:
    try:
        path.write_text(str(step))
    except OSError:
        pass


def _next_step(path: Path) -> int:
    """Where an earlier sampler of the run left off."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0


def _alive_after(seconds: float, pid: int, start: Optional[str]) -> bool:
    """Wait, and tell whether the process still lives; noticed within a second."""
    from workbench_store.processes import process_alive

    deadline = time.monotonic() + seconds
    while True:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            return process_alive(pid, start)
        time.sleep(min(1.0, remaining))
        if not process_alive(pid, start):
            return False


if __name__ == "__main__":
    # Started as a script, this file's own folder heads sys.path; its modules are to be found as a package's.
    sys.path.pop(0)
    sample_until_gone(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
