"""The machine's queue: as many at once as there are slots, first come first served, and the dead hold
nothing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from workbench.compute import ComputeEntry
from workbench.compute.local import LocalCompute
from workbench.compute.slots import SlotPool
from workbench_store.errors import ComputeError

DEADLINE_SECONDS = 30.0
TAKER = """
import sys, time
from pathlib import Path
from workbench.compute.slots import SlotPool
say = lambda text: print(text, flush=True)
pool = SlotPool(Path(sys.argv[1]), int(sys.argv[2]))
slot = pool.acquire(lambda position: say(f"waiting {position}"), lambda: False)
say(f"slot {slot[0].index}")
sys.stdin.readline()
"""


class Taker:
    """A process that takes a slot and holds it until it is told to end, or killed."""

    def __init__(self, folder: Path, slots: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKER, str(folder), str(slots)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.communicate("\n", timeout=DEADLINE_SECONDS)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def test_slots_are_given_in_the_order_of_coming(tmp_path: Path) -> None:
    holders = [Taker(tmp_path, 2), Taker(tmp_path, 2)]
    assert sorted(holder.line() for holder in holders) == ["slot 0", "slot 1"]
    waiters = []
    for position in (1, 2, 3):
        waiters.append(Taker(tmp_path, 2))
        assert waiters[-1].line() == f"waiting {position}"
    holders[0].end()
    assert waiters[0].line().startswith("slot")
    assert waiters[1].line() == "waiting 1"
    assert waiters[2].line() == "waiting 2"
    waiters[1].kill()
    assert waiters[2].line() == "waiting 1"
    holders[1].kill()
    assert waiters[2].line().startswith("slot")
    for taker in (waiters[0], waiters[2]):
        taker.end()
    slot = SlotPool(tmp_path, 2).acquire(lambda position: None, lambda: False)
    assert slot is not None
    slot[0].release()
    assert list(tmp_path.glob("ticket-*")) == []


def test_a_waiter_that_gives_up_leaves_no_ticket(tmp_path: Path) -> None:
    pool = SlotPool(tmp_path, 1)
    held = pool.acquire(lambda position: None, lambda: False)
    assert held is not None
    seen: list[int] = []
    assert pool.acquire(seen.append, lambda: bool(seen)) is None
    assert list(tmp_path.glob("ticket-*")) == []
    held[0].release()


def test_gpus_are_given_one_to_a_slot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\nprintf '0\\n1\\n'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    compute = LocalCompute(ComputeEntry("local", "local"))
    places = [compute.allocate(lambda position: None, lambda: False) for _ in range(2)]
    given = [place.environment["CUDA_VISIBLE_DEVICES"] for place in places if place is not None]
    assert given == ["0", "1"]
    seen: list[int] = []
    assert compute.allocate(seen.append, lambda: bool(seen)) is None
    for place in places:
        assert place is not None
        place.release()


def test_only_the_gpus_that_the_user_allows_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    place = LocalCompute(ComputeEntry("local", "local")).allocate(lambda position: None, lambda: False)
    assert place is not None
    assert place.environment == {"CUDA_VISIBLE_DEVICES": "3"}
    place.release()


@pytest.mark.parametrize("settings", [{"slots": 0}, {"slots": "2"}, {"slots": True}, {"cores": 2}])
def test_wrong_settings_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ComputeError, match=r"slots|cores"):
        LocalCompute.check_settings(settings)


def test_a_killed_holder_frees_its_slot_at_once(tmp_path: Path) -> None:
    holder = Taker(tmp_path, 1)
    assert holder.line() == "slot 0"
    os.kill(holder.process.pid, signal.SIGKILL)
    holder.process.wait()
    deadline = time.monotonic() + DEADLINE_SECONDS
    slot = SlotPool(tmp_path, 1).acquire(lambda position: None, lambda: time.monotonic() > deadline)
    assert slot is not None
    slot[0].release()
    holder.kill()
