"""Ctrl-C while a script opens its run or ends it: the run is ended, and nothing of it is held."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import interrupting
from tests.client.scripts import store_of

pytestmark = pytest.mark.slow

EVERYWHERE = (
    Path(interrupting.__file__).read_text()
    + """
import faulthandler
import workbench

faulthandler.dump_traceback_later(200, exit=True)
OURS = ("/workbench/client/", "/workbench_store/")
what, place, step = sys.argv[1], 0, int(sys.argv[2])
reached = True

while reached:
    ctrl_c, told, base = CtrlC(place, *OURS), None, "base" + str(place)
    workbench.start_run(name=base, system_metrics=False).end()
    try:
        if what == "end":
            with workbench.start_run(system_metrics=10.0) as run:
                run.log({"a": 1.0})
                ctrl_c.start()
        else:
            with ctrl_c:
                run = workbench.start_run(resume=base if what == "resume" else None, system_metrics=10.0)
            run.end()
    except KeyboardInterrupt as error:
        told = error
    sys.settrace(None)
    reached = ctrl_c.sent
    assert reached == (told is not None), (place, told)
    left = workbench.active_run()
    if what == "end" and place == 0:  # before the first line of what is to end it: it is the script's still
        left.end()
        left = workbench.active_run()
    assert left is None, (place, left)
    locks = [line for line in open("/proc/locks") if " " + str(os.getpid()) + " " in line and "->" not in line]
    assert not locks, (place, locks)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler, place
    workbench.start_run(resume=base, system_metrics=False).end()
    place += step
print("all", place > 20)
"""
)


@pytest.mark.parametrize(("what", "step"), [("start", "2"), ("resume", "7"), ("end", "2")])
def test_wherever_ctrl_c_comes_the_run_is_ended(here: Path, what: str, step: str) -> None:
    script = here / "everywhere.py"
    script.write_text(EVERYWHERE)
    done = subprocess.run(
        [sys.executable, str(script), what, step], cwd=here, capture_output=True, text=True, timeout=280
    )
    assert done.stdout == "all True\n", done.stderr[-3000:]
    states = {str(store_of(here).run(name).state) for name in store_of(here).runs().names}
    assert states <= {"Completed", "Canceled"}
