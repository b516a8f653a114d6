"""Checks of a compute, up to a real job that runs on it."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from workbench_store.cache_root import cache_root
from workbench_store.errors import WorkbenchError
from workbench_store.known import forget
from workbench_store.layout import WorkspaceLayout
from workbench_store.processes import host_id
from workbench_store.states import RunState
from workbench_store.workspace import open_workspace, workspace_id

from workbench.compute import ComputeEntry, add_compute
from workbench.compute.gpus import list_gpus
from workbench.compute.local_start import shell
from workbench.doctor import machine
from workbench.doctor.finding import Finding, problem_of, told

_POLL_SECONDS = 0.05
#: What is cancelled, and a supervisor that has ended its run, have this long to be gone.
_LAST_SECONDS = 15.0
_WORD = "workbench-compute-test"


def examine_compute(layout: WorkspaceLayout | None, entry: ComputeEntry, seconds: float) -> Iterator[Finding]:
    """Everything that can be said of a compute; `seconds` is how long its tiny job may take.

    What a check cannot go on without ends the row, as the rest would only say it again.
    """
    if entry.kind == "local":
        for check in _checks_of_local(layout):
            finding = check()
            yield finding
            if finding.level == "problem" and check is machine.cache_folder:
                return
    yield _tiny_job(layout, entry, seconds)


def _checks_of_local(layout: WorkspaceLayout | None) -> Iterator[Callable[[], Finding]]:
    root = cache_root
    yield _shell
    yield machine.python
    yield machine.uv_program
    yield machine.cache_folder
    yield _slots
    yield lambda: machine.locks(root())
    yield lambda: machine.file_system(root(), "Set WORKBENCH_CACHE to a folder on a local disk.")
    yield lambda: machine.disk_room(root())
    if layout is not None:
        yield lambda: machine.disk_room(layout.root)
    yield lambda: _clock(layout)
    yield _gpus


def _shell() -> Finding:
    """The shell that commands are given to, as jobs have it: with the variables that are set here."""
    program = shell()
    trouble, said = machine.trouble_of([program, "-c", "printf works"])
    if trouble is None and said == "works":
        return Finding("ok", f"shell {program}")
    reason = trouble or f"it wrote {said!r} of its own before the command"
    remedy = "Look at BASH_ENV and ENV, which name files that it reads first." if Path(program).exists() else ""
    return Finding("problem", f"shell {program}: {reason}", remedy or "Install bash or sh.")


def _slots() -> Finding:
    """The folder of the queue can be written."""
    folder = cache_root() / "slots" / host_id()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".test-"):
            pass
    except OSError as error:
        remedy = "Give yourself the permission, or set WORKBENCH_CACHE to another folder."
        return problem_of(error, f"the queue's folder {folder} cannot be written", remedy)
    return Finding("ok", f"the queue's folder {folder}")


def _gpus() -> Finding:
    """The GPUs as nvidia-smi lists them, and what CUDA_VISIBLE_DEVICES makes of them."""
    seen = list_gpus()
    if seen.trouble is not None:
        what = f"nvidia-smi is there but lists no GPUs: {seen.trouble}"
        return Finding("problem", what, "Mend NVIDIA's driver, or set CUDA_VISIBLE_DEVICES= (empty) to run on CPUs.")
    unknown = [name for name in seen.chosen or () if name.isdigit() and seen.there and name not in seen.there]
    if unknown:
        what = f"CUDA_VISIBLE_DEVICES names GPU {unknown[0]}, and nvidia-smi lists {', '.join(seen.there)}"
        return Finding("problem", what, "Name GPUs that are there, or unset the variable.")
    if seen.said is not None:
        return Finding("note", f"GPUs: none; nvidia-smi says {seen.said!r}", "Mend that if there should be GPUs.")
    if seen.chosen is not None:
        return Finding("ok", f"GPUs by CUDA_VISIBLE_DEVICES: {', '.join(seen.chosen) or 'none'}")
    return Finding("ok", f"GPUs: {', '.join(seen.there) or 'none'}")


@told("the runs cannot be read")
def _clock(layout: WorkspaceLayout | None) -> Finding:
    return machine.clock(cache_root(), None if layout is None else _last_made(layout))


def _last_made(layout: WorkspaceLayout) -> float | None:
    """When the run was made that was made last, as the runs say themselves."""
    from workbench.lifecycle.files import read_json

    made = [(read_json(layout.run(path.name).identity) or {}).get("created") for path in layout.runs.glob("[!.]*")]
    return max((moment for moment in made if isinstance(moment, int | float)), default=None)


def _tiny_job(layout: WorkspaceLayout | None, entry: ComputeEntry, seconds: float) -> Finding:
    """A job that says a word, from submit to its end, in a workspace that is thrown away."""
    folder = None
    try:
        folder = Path(tempfile.mkdtemp(prefix="compute-test-", dir=None if layout is None else layout.tmp))
        return _run_in(open_workspace(explicit=str(folder)), entry, seconds)
    except (OSError, WorkbenchError) as error:
        return problem_of(error, "no job can be submitted")
    finally:
        if folder is not None:
            _throw_away(folder)


def _throw_away(folder: Path) -> None:
    try:
        made = open_workspace(explicit=str(folder), create=False)
        forget(made.root, workspace_id(made))
    except (OSError, WorkbenchError):
        pass  # it was not even made, or a full disk does not take the note that it goes
    shutil.rmtree(folder, ignore_errors=True)


def _run_in(layout: WorkspaceLayout, entry: ComputeEntry, seconds: float) -> Finding:
    from workbench.lifecycle import cancel, submit
    from workbench.lifecycle.judge import supervisor_alive
    from workbench.spec import job_from_dict

    if entry.name != "local" or entry.settings:
        add_compute(layout, entry.name, entry.kind, entry.settings)
    job: dict[str, Any] = {"command": f"echo {_WORD}", "compute": entry.name}
    began = time.monotonic()
    name = submit(layout, job_from_dict(job, layout.root))
    files = layout.run(name)
    state = _await_end(layout, name, seconds)
    took = time.monotonic() - began
    if not state.final:
        cancel(layout, name)
        _await_end(layout, name, _LAST_SECONDS)
    deadline = time.monotonic() + _LAST_SECONDS
    while supervisor_alive(files) and time.monotonic() < deadline:  # it still writes there
        time.sleep(_POLL_SECONDS)
    if state.final:
        return _ended(layout, name, state, took)
    if state is RunState.QUEUED:
        busy = f"all slots are taken: a tiny job was still in the queue after {seconds:g} s"
        return Finding("note", busy, "Wait for the runs that have them; --timeout waits longer.")
    return Finding("problem", f"a tiny job was still {state} after {seconds:g} s", "--timeout waits longer.")


def _await_end(layout: WorkspaceLayout, name: str, seconds: float) -> RunState:
    from workbench.lifecycle.judge import current_state, judge

    deadline = time.monotonic() + seconds
    while not (state := current_state(layout.run(name))).final and time.monotonic() < deadline:
        judge(layout, [name])
        time.sleep(_POLL_SECONDS)
    return state


def _ended(layout: WorkspaceLayout, name: str, state: RunState, took: float) -> Finding:
    from workbench.lifecycle.history import last_change
    from workbench.lifecycle.logs import read_log

    said = read_log(layout.run(name)).strip()
    if state is RunState.COMPLETED and said == _WORD:
        return Finding("ok", f"a tiny job ran from submit to its end in {took:.1f} s")
    if state is RunState.COMPLETED:
        wrong = f"a tiny job ran, but its log has other words than the {_WORD!r} that it printed: {_shown(said)}"
        return Finding("problem", wrong, "Look at BASH_ENV and ENV, which name files that the shell reads first.")
    change = last_change(layout.run(name))
    reason = f": {change.reason}" if change is not None and change.reason else ""
    words = f"; its log ends with {_shown(said)}" if said else ""
    remedy = "Mend what is named above, if anything is; then look at BASH_ENV and at what the log says."
    return Finding("problem", f"a tiny job is {state}{reason}{words}", remedy)


def _shown(said: str) -> str:
    """The log without the word that it should have; all that is left is on one line."""
    others = [line for line in said.splitlines() if line != _WORD]
    return repr(others[-1]) if others else "nothing" if not said else repr(_WORD)
