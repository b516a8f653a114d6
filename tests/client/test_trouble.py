"""A training script that is killed, or whose disk is full: what `log` returned for is kept, and training goes on."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from workbench.lifecycle.logs import read_log
from workbench.run import Run
from workbench.view.fresh import refresh
from workbench_store.layout import RunLayout, WorkspaceLayout

from tests.client.scripts import run_script, start_script, store_of, the_run
from tests.lifecycle.launched import wait_until
from tests.permissions import without_override
from workbench import Workspace, command, start_run

KILLED = """
import workbench
run = workbench.start_run(system_metrics=False)
step = 0
while True:
    run.log({"k": step}, step=step)
    print(step, flush=True)
    step += 1
"""


def test_kill_minus_nine_keeps_every_point(here: Path) -> None:
    process = start_script(here, KILLED)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 300:
            break
    process.send_signal(signal.SIGKILL)
    rest = process.communicate()[0].split()
    acknowledged = int(rest[-1]) if rest else 300
    layout = WorkspaceLayout(here / ".workbench")
    store = store_of(here)
    refresh(layout, store)
    name = the_run(store)
    assert store.series(name, "k").steps[: acknowledged + 1] == list(range(acknowledged + 1))
    record = store.run(name)
    assert str(record.state) == "Failed" and "ended without closing" in str(record.reason)


FULL = """
import os, resource, signal, sys
import workbench
run = workbench.start_run(system_metrics=False)
run.log({"k": 0.0}, step=0)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
size = max(path.stat().st_size for path in run.path.glob("journal/*.wbj"))
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, hard))
for step in range(1, 50):
    run.log({"k": float(step)}, step=step)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
import time
time.sleep(0.7)
run.log({"k": 50.0}, step=50)
run.end()
"""


def test_a_full_disk_neither_raises_nor_loses(here: Path) -> None:
    done = run_script(here, FULL)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("cannot write") == 1
    store = store_of(here)
    series = store.series(the_run(store), "k")
    assert series.steps == list(range(51))
    record = store.run(the_run(store))
    assert record.lost_points == 0 and str(record.state) == "Completed"


def test_what_memory_cannot_hold_is_counted(here: Path) -> None:
    text = FULL.replace(
        "import workbench\n", "import workbench\nimport workbench_store.journal.waiting as w\nw.HELD_BYTES = 1000\n", 1
    )
    done = run_script(here, text)
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    name = the_run(store)
    assert len(store.series(name, "k")) + store.run(name).lost_points == 51
    assert store.run(name).lost_points > 0


def test_the_import_is_light() -> None:
    heavy = "{'duckdb', 'yaml', 'textual', 'numpy', 'msgspec'}"
    code = f"import sys, workbench; workbench.start_run; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


OPENING = """
import sys
import time
before = set(sys.modules)
import workbench
run = workbench.start_run(experiment="e", system_metrics=False)
run.log({"loss": 1.0})
print(sorted({"typing", "contextlib", "dataclasses", "inspect", "subprocess", "logging"} & set(sys.modules) - before))
"""


def test_opening_a_run_loads_nothing_that_only_others_need(here: Path) -> None:
    done = run_script(here, OPENING)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout


CLOSING = """
import os, workbench
run = workbench.start_run(name="r", system_metrics=False)
print("first", flush=True)
for step in range(10): run.log({"a": step}, step=step)
os.closerange(3, 10000)
files = [open("v%d.txt" % number, "wb") for number in range(12)]
for step in range(10, 60): run.log({"a": step}, step=step)
print("on", flush=True)
input()
for file in files: file.close()
assert [file.name for file in files if os.path.getsize(file.name)] == []
"""


def test_a_script_that_closes_every_descriptor_loses_no_point_and_finds_nothing_in_its_files(here: Path) -> None:
    (here / "closing.py").write_text(CLOSING)
    script = subprocess.Popen(
        [sys.executable, "closing.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert script.stdout is not None and script.stdout.readline() == "first\n"
    assert script.stdout.readline() == "on\n"
    meanwhile = Workspace().run("r").state
    _, said = script.communicate("\n")
    assert script.returncode == 0 and "Error" not in said and "written" not in said
    run = Workspace().run("r")
    assert (str(meanwhile), str(run.state)) == ("Running", "Completed")
    assert run.series("a").steps == list(range(60))
    assert run.logs() == "first\non\n"


TAKEN = """
import os, resource, time, workbench
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
run = workbench.start_run(name="r", system_metrics=False)
os.closerange(3, 4096)
files = [open("m%d.txt" % number, "wb") for number in range(800)]
time.sleep(0.1)
for step in range(50): run.log({"a": step}, step=step)
run.set_tags({"b": "c"})
for file in files: file.close()
assert [file.name for file in files if os.path.getsize(file.name)] == []
"""


def test_a_number_that_is_a_users_files_by_now_is_not_written_to(here: Path) -> None:
    done = run_script(here, TAKEN)
    assert done.returncode == 0, done.stderr
    run = Workspace().run("r")
    assert str(run.state) == "Completed" and run.series("a").steps == list(range(50)) and run.tags == {"b": "c"}


EVERYTHING = """
def everything(run, log):
    run.log({"a": 1.0})
    run.log_params({"b": 1})
    run.set_tags({"c": "d"})
    run.log_artifact("file.txt")
    run.log_artifacts("folder")
    run.log_text("text", "hello")
    run.log_table("table", {"x": [1]})
    run.log_histogram("histogram", [1, 2])
    run.log_image("image", [[0, 255]])
    run.log_model("file.txt", "model")
"""

NO_DESCRIPTORS = (
    EVERYTHING
    + """
import os, resource, time
import workbench
os.mkdir("folder"); open("folder/a", "w").close(); open("file.txt", "w").close()
run = workbench.start_run(name="r")
time.sleep(2)  # what goes on beside the script at its start would let go of some again
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
held = []
try:
    while True: held.append(os.open("file.txt", os.O_RDONLY))
except OSError: pass
everything(run, run.log)
time.sleep(0.5)
for one in held: os.close(one)
run.log_text("text", "again")
run.end()
"""
)


def run_without_media(here: Path, script: str) -> Run:
    """The run of a script that can log all but media and models, and is told so."""
    done = run_script(here, script)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert "cannot save images, tables, texts" in done.stderr and "cannot save models" in done.stderr
    run = Workspace().run("r")
    assert str(run.state) == "Completed" and run.series("a").steps == [0] and run.tags == {"c": "d"}
    return run


def test_no_file_left_to_be_opened_never_raises(here: Path) -> None:
    run = run_without_media(here, NO_DESCRIPTORS)
    assert [text.content for text in run.media("text")] == ["again"]


GONE = (
    EVERYTHING
    + """
import os, shutil, sys
import workbench, workbench_store
for package in (workbench, workbench_store):
    shutil.copytree(os.path.dirname(package.__file__), os.path.join("copy", package.__name__))
    for name in [name for name in sys.modules if name.split(".")[0] == package.__name__]: del sys.modules[name]
sys.path.insert(0, os.path.abspath("copy"))
import workbench
assert "copy" in workbench.__file__
os.mkdir("folder"); open("folder/a", "w").close(); open("file.txt", "w").close()
run = workbench.start_run(name="r")
shutil.rmtree("copy")
everything(run, run.log)
run.end()
"""
)


ENDING_SOON = """
import atexit, threading, time
atexit.register(lambda: print([one.name for one in threading.enumerate() if one.name.startswith("workbench")]))
import workbench
workbench.log({"k": 1})
time.sleep(%s)
"""


@pytest.mark.parametrize("seconds", [0.0, 0.051, 0.06, 0.08])
def test_no_thread_of_ours_loads_anything_while_python_takes_itself_apart(here: Path, seconds: float) -> None:
    """It would now and then wait for a lock that is gone, and end the script in a segmentation fault."""
    done = run_script(here, ENDING_SOON % seconds)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


LOADING = """
import os, threading, time, workbench
from workbench.client.beside import Loading, beside
run = workbench.start_run(system_metrics=False)
inside, over = threading.Event(), []
def load():
    with Loading():
        inside.set()
        time.sleep(0.3)
        over.append(1)
beside(load, "loads")
inside.wait()
child = os.fork()
if child == 0:
    with Loading():
        workbench.log({"k": 1.0})
    os._exit(0 if over else 1)
assert over, "it was forked meanwhile"
assert os.waitpid(child, 0)[1] == 0
with Loading():
    run.end()
"""


def test_no_child_is_forked_while_a_thread_of_ours_loads_modules(here: Path) -> None:
    """It would have the lock of a module that nobody loads any more, and wait for it for ever."""
    done = run_script(here, LOADING)
    assert done.returncode == 0, done.stderr


FORKING_HANDLER = """
import os, signal, time
def fork(*_):
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
signal.signal(signal.SIGALRM, fork)
pending = []
def disturb():
    if pending:
        pending.clear()
        os.kill(os.getpid(), signal.SIGALRM)
        time.sleep(0.01)
# Before our own is: what is called before a fork is called in turn, so that this comes between ours and the fork, and
# what is called behind it comes before ours.
os.register_at_fork(%s=disturb)
import workbench
from workbench.client.beside import Loading
run = workbench.start_run(system_metrics=False)
pending.append(True)
for _ in range(3):
    fork()
with Loading():
    print("free")
"""


@pytest.mark.parametrize("when", ["before", "after_in_parent", "after_in_child"])
def test_a_handler_that_forks_in_the_midst_of_a_fork_holds_nobody_up(here: Path, when: str) -> None:
    done = run_script(here, FORKING_HANDLER % when)
    assert (done.returncode, done.stdout) == (0, "free\n"), done.stderr


WITHIN = """
import os, signal, workbench
from workbench.client import beside
run = workbench.start_run(system_metrics=False)
for depth in range(3):
    beside._before_fork()
    beside._before_fork()
    beside._after_fork()
    assert beside._lock.locked()
    beside._after_fork()
    assert not beside._lock.locked()
"""


def test_a_fork_within_a_fork_gives_the_lock_back(here: Path) -> None:
    assert run_script(here, WITHIN).returncode == 0


WITHOUT_THREADS = """
import threading, workbench
start = threading.Thread.start
def refused(self):
    if self.name.startswith("workbench"):
        raise RuntimeError("can't create new thread at interpreter shutdown")
    start(self)
threading.Thread.start = refused
workbench.log({"k": 1.0})
workbench.log({"k": 2.0})
"""


def test_where_python_starts_no_thread_points_are_kept_and_git_is_asked(here: Path) -> None:
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "m"]):
        subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e@e.e", *words], check=True)
    done = run_script(here, WITHOUT_THREADS)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    store = store_of(here)
    name = the_run(store)
    assert store.series(name, "k").values == [1.0, 2.0] and str(store.run(name).state) == "Completed"
    assert store.detail(name).git is not None


def test_a_package_that_is_gone_by_then_never_raises(here: Path) -> None:
    assert run_without_media(here, GONE).media() == []


REMOVED = (
    EVERYTHING
    + """
import os, shutil
import workbench
os.mkdir("folder"); open("folder/a", "w").close(); open("file.txt", "w").close()
run = workbench.start_run(name="r", system_metrics=False)
shutil.rmtree(".workbench")
everything(run, run.log)
run.end()
"""
)


@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full", ">&- 2>&- <&-"], ids=["closed", "full", "all closed"])
def test_a_first_script_goes_on_where_nobody_can_be_told_of_its_workspace(here: Path, where: str) -> None:
    shutil.rmtree(here / ".workbench", ignore_errors=True)
    script = f"{sys.executable} -c 'import workbench; workbench.log({{\"a\": 1.0}})' {where}"
    # 120 is Python's own for what it could not write at its end.
    assert subprocess.run(["sh", "-c", script], cwd=here, timeout=60).returncode in (0, 120 if "full" in where else 0)
    (run,) = Workspace(here).runs()
    assert run.state == "Completed" and run.metrics() == {"a": 1.0}


def test_a_workspace_that_is_removed_is_not_made_again(here: Path) -> None:
    done = run_script(here, REMOVED)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert "cannot save file.txt" in done.stderr
    assert not (here / ".workbench").exists()


CLOSED = """
import os, workbench
os.makedirs("ckpt/open"); os.makedirs("ckpt/shut"); os.makedirs("shut/below")
for name in ("ckpt/a", "ckpt/open/b", "ckpt/shut/c", "ckpt/z"):
    open(name, "w").close()
os.symlink("loop", "ckpt/loop")
os.chmod("ckpt/shut", 0); os.chmod("shut", 0)
with workbench.start_run(system_metrics=False) as run:
    run.log_artifacts("ckpt")
    for path in ("ckpt/shut/c", "shut/below", "x" * 5000):
        run.log_artifact(path)
        run.log_artifacts(path)
    run.log({"k": 1.0})
os.chmod("ckpt/shut", 0o700); os.chmod("shut", 0o700)
"""


def test_artifacts_that_may_not_be_looked_at_are_told_and_left_out(here: Path) -> None:
    (here / "script.py").write_text(CLOSED)
    done = subprocess.run([*without_override(), sys.executable, "script.py"], cwd=here, capture_output=True, text=True)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    told = [line for line in done.stderr.splitlines() if "cannot save" in line]
    assert [sum(name in line for line in told) for name in ("ckpt/shut", "ckpt/loop", "shut/below", "x" * 5000)] == [
        *(3, 1, 2, 2),
    ]
    (run,) = Workspace(here).runs()
    assert {artifact.path for artifact in run.artifacts} == {f"outputs/{name}" for name in ("a", "open/b", "z")}
    assert run.metrics() == {"k": 1.0}
    assert {text.partition(" of its files could not be saved: ")[::2] for text in run.warnings} == {
        *(("5", "Permission denied"), ("1", "Too many levels of symbolic links"), ("2", "File name too long")),
    }


SHUT = """
import os, sys, workbench
with workbench.start_run(name="run", system_metrics=False) as run:
    run.log({"k": 1.0})
    shut = (run.path / sys.argv[1]).resolve()
    shut.chmod(0)
    run.log({"k": 2.0})
shut.chmod(0o700)
"""


@pytest.mark.parametrize("folder", [".", "journal", "control", "outputs", "logs", "..", "../.."])
def test_a_run_ends_as_its_script_does_though_its_folder_may_not_be_read(here: Path, folder: str) -> None:
    command = [*without_override(), sys.executable, "-c", SHUT, folder]
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    (run,) = Workspace(here).runs()
    assert run.state == "Completed" and run.series("k").values == [1.0, 2.0]


FOLDERLESS = """
import os, workbench
os.mkdir("gone"); os.chdir("gone"); os.rmdir(os.getcwd())
workbench.log({"k": 1.0})
"""


def test_a_current_folder_that_is_gone_is_told(here: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FOLDERLESS], cwd=here, capture_output=True, text=True)
    assert done.returncode == 1 and "WorkspaceError: the current folder is not there any more" in done.stderr


MISSING = """
import os, workbench
os.mkdir("folder")
with workbench.start_run(system_metrics=False) as run:
    for _ in range(3):
        run.log_image("seen", "no.png")
        run.log_model("no.pt", "best")
    run.log_artifact("no.txt")
    run.log_artifacts("no")
    if not (child := os.fork()):
        run.log_artifact("no.txt")
        os._exit(0)
    os.waitpid(child, 0)
    if not (child := os.fork()):
        raise SystemExit
    os.waitpid(child, 0)
"""


def test_what_a_script_gave_and_is_not_there_is_told_in_its_run_too(here: Path) -> None:
    done = run_script(here, MISSING)
    assert done.returncode == 0 and done.stderr.count("image 'seen': it is not a file: no.png") == 1, done.stderr
    (run,) = Workspace(here).runs()
    assert sorted(run.warnings) == [
        "1 of its folders could not be saved: it is not a folder",
        "2 of its files could not be saved: No such file or directory",
        "3 of its images could not be saved: it is not a file",
        "3 of its models could not be saved: it is not there",
    ]


@pytest.mark.parametrize("clock", ["float('nan')", "float('inf')", "1e18", "'now'", "1 / 0"])
def test_a_scripts_own_clock_in_the_place_of_pythons_changes_nothing(here: Path, clock: str) -> None:
    text = f"""
import time, workbench
with workbench.start_run(name="r", system_metrics=False) as run:
    time.time = lambda: {clock}
    run.log({{"a": 1.0}})
    run.set_tags({{"t": "x"}})
    run.log_text("said", "hello")
"""
    assert run_script(here, text).returncode == 0
    store = store_of(here)
    record = store.run("r")
    assert str(record.state) == "Completed" and record.tags == {"t": "x"} and len(store.media("r")) == 1
    assert store.metrics("r")[0].last == 1.0


def put_copies_in_place(folder: Path, kept: str) -> None:
    """As `sed -i` does with every file that it is given; `sed -i.bak` gives what was there another name."""
    for path in [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".bak"]:
        copy = path.with_name(path.name + ".copy")
        copy.write_bytes(path.read_bytes())
        if kept:
            path.replace(path.with_name(path.name + kept))
        copy.replace(path)


EDITED = """
import time, workbench
with workbench.start_run(name="run", system_metrics=False) as run:
    for step in range(200):
        run.log({"k": float(step)}, step=step)
        time.sleep(0.01)
"""


@pytest.mark.parametrize("kept", ["", ".bak"])
def test_a_script_whose_folder_is_edited_file_by_file_loses_nothing(here: Path, kept: str) -> None:
    script = start_script(here, EDITED)
    journals = here / ".workbench/runs/run/journal"
    wait_until(lambda: list(journals.glob("script-*")), "its first points")
    for _ in range(3):
        put_copies_in_place(here / ".workbench", kept)
        time.sleep(0.2)
    assert str(Workspace(here).run("run").state) == "Running", "somebody holds it still"
    assert script.wait(60) == 0
    run = Workspace(here).run("run")
    assert run.state == "Completed" and run.series("k").values == [float(step) for step in range(200)]


@pytest.mark.parametrize("kept", ["", ".bak"])
def test_a_job_whose_folder_is_edited_file_by_file_completes(here: Path, kept: str) -> None:
    text = f"{sys.executable} -uc \"import time; [(print('line', n), time.sleep(0.05)) for n in range(80)]\"; exit 3"
    run = Workspace(here).submit(command(command=text, name="run"))
    wait_until(lambda: "line 3" in run.logs(), "its first lines")
    for _ in range(3):
        put_copies_in_place(here / ".workbench", kept)
        time.sleep(0.5)
    assert run.wait(60) == "Failed" and run.record().exit_code == 3
    assert run.logs() == "".join(f"line {number}\n" for number in range(80))


@pytest.mark.parametrize("name", ["control", "logs"])
def test_a_copy_of_a_jobs_folder_in_its_place_does_not_end_it(here: Path, name: str) -> None:
    text = f"{sys.executable} -uc \"import time; [(print('line', n), time.sleep(0.05)) for n in range(40)]\"; exit 3"
    run = Workspace(here).submit(command(command=text, name="run"))
    wait_until(lambda: "line 3" in run.logs(), "its first lines")
    folder = here / ".workbench/runs/run" / name
    shutil.copytree(folder, folder.with_name("copy"))
    shutil.rmtree(folder)
    folder.with_name("copy").rename(folder)
    # For a moment it is taken for a copy of the workspace, in which nobody goes on with it.
    wait_until(lambda: run.state == "Failed", "its end")
    assert run.record().exit_code == 3
    assert {f"line {number}" for number in range(30, 40)} <= set(run.logs().splitlines())


WAITING_FOR_EACH_OTHER = """
import multiprocessing, sys, threading, time, workbench
def wait_for_all():
    time.sleep(0.3)
    for thread in threading.enumerate():
        if thread not in (threading.current_thread(), threading.main_thread()):
            thread.join()
    workbench.log({"late": 1.0}, step=0)
def child():
    workbench.log({"early": 1.0}, step=0)
    threading.Thread(target=wait_for_all).start()
if __name__ == "__main__":
    with workbench.start_run(name="run", system_metrics=False):
        process = multiprocessing.get_context(sys.argv[1]).Process(target=child)
        process.start()
        process.join()
"""


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_a_childs_thread_that_waits_for_all_others_is_waited_for(here: Path, way: str) -> None:
    (here / "train.py").write_text(WAITING_FOR_EACH_OTHER)
    subprocess.run([sys.executable, "train.py", way], cwd=here, check=True, timeout=60)
    (run,) = Workspace(here).runs()
    assert run.series("late").values == [1.0] and run.state == "Completed"


MOVED = """
import multiprocessing, os, pathlib, sys, time, workbench
def child(step):
    workbench.log({"child": float(step)}, step=step)
    workbench.log_text("of a child", "x" * 5000, step=step)
def main():
    for step in range(6):
        if step == 2:
            print("move it", flush=True)
            while not os.path.exists(sys.argv[1]):
                time.sleep(0.02)
            time.sleep(0.1)
        workbench.log_text("said", "y" * 5000, step=step)
        workbench.log({"own": float(step)}, step=step)
        process = multiprocessing.get_context("fork").Process(target=child, args=(step,))
        process.start()
        process.join()
        pathlib.Path(sys.argv[2], f"file{step}").write_text("content")
        workbench.log_artifact(os.path.join(sys.argv[2], f"file{step}"))
if sys.argv[3] == "job":
    main()
else:
    with workbench.start_run(name="run", system_metrics=False):
        main()
"""


def about_to_be_moved(here: Path, code: Path, words: list[str]) -> "subprocess.Popen[bytes] | None":
    """Start the code as a job, if that is the last of its words, or as a script: what it prints first has come. The
    script's process."""
    if words[-1] == "job":
        text = " ".join([sys.executable, "train.py", *words])
        run = Workspace(here).submit(command(command=text, name="run", code=str(code)))
        wait_until(lambda: "move it" in run.logs(), "the right moment")
        return None
    script = subprocess.Popen([sys.executable, str(code / "train.py"), *words], cwd=here, stdout=subprocess.PIPE)
    assert script.stdout is not None and script.stdout.readline() == b"move it\n"
    return script


def complete(moved: Run, script: "subprocess.Popen[bytes] | None") -> None:
    if script is None:
        wait_until(lambda: moved.state == "NotResponding", "its supervisor to leave")
        moved.adopt()
        assert moved.wait(60) == "Completed", moved.logs()
    else:
        script.communicate(timeout=60)
        assert script.returncode == 0 and moved.state == "Completed"


@pytest.mark.parametrize("kind", ["job", "script"])
def test_a_workspace_that_is_moved_has_all_that_is_logged_there(here: Path, tmp_path: Path, kind: str) -> None:
    """Also what is saved as files, and by children that begin later."""
    code, there, aside = here / "code", tmp_path / "there", tmp_path / "aside"
    for folder in (code, there, aside):
        folder.mkdir()
    (code / "train.py").write_text(MOVED)
    words = [str(there / ".workbench"), str(aside), kind]
    script = about_to_be_moved(here, code, words)
    (here / ".workbench").rename(there / ".workbench")
    moved = Workspace(there).run("run")
    complete(moved, script)
    steps = [0, 1, 2, 3, 4, 5]
    assert [one.step for one in moved.media("said")] == [one.step for one in moved.media("of a child")] == steps
    assert moved.series("own").steps == moved.series("child").steps == steps
    assert not [text for text in moved.warnings if "lost" in text or "not be saved" in text]
    assert all((there / ".workbench/runs/run/outputs" / f"file{step}").exists() for step in steps)
    assert not (here / ".workbench").exists()


ANOTHERS = """
import os, sys, time, workbench
with workbench.start_run(name="run", system_metrics=False) as run:
    run.log({"own": 1.0}, step=0)
    os.write(2, b"move it\\n")
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.02)
    if sys.argv[2] == "closed":
        os.closerange(3, 100_000)
    print("of the moved run")
    for step in range(1, 5):
        run.log({"own": float(step)}, step=step)
        time.sleep(0.06)
    print("at its end")
"""


@pytest.mark.parametrize("how", ["open", "closed"])
def test_a_run_of_the_name_where_a_workspace_was_is_left_alone(here: Path, tmp_path: Path, how: str) -> None:
    """Though nothing was printed before, and though all descriptors are closed, when nobody knows the new place."""
    there = tmp_path / "there"
    there.mkdir()
    words = [sys.executable, "-c", ANOTHERS, f"{there}/.workbench", how]
    script = subprocess.Popen(words, cwd=here, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert script.stderr is not None
    wait_until(lambda: b"move it" in script.stderr.readline(), "the right moment")  # type: ignore[union-attr]
    (here / ".workbench").rename(tmp_path / "moving")
    with start_run(name="run", workspace=here, system_metrics=False) as other:
        (tmp_path / "moving").rename(there / ".workbench")
        script.communicate(timeout=60)
        other.log({"other": 1.0})
    found, moved = Workspace(here).run("run"), Workspace(there).run("run")
    assert found.state == "Completed" and list(found.metrics()) == ["other"] and found.logs() == ""
    assert not found.warnings and found.record().lost_points == 0
    if how == "open":
        assert moved.state == "Completed" and moved.series("own").steps == [0, 1, 2, 3, 4]
        assert moved.logs() == "of the moved run\nat its end\n"


REFORMED = """
import json, os, sys, time, workbench
def child(number):
    workbench.log({"child": float(number)}, step=number)
with workbench.start_run(name="run", system_metrics=False) as run:
    run.log({"own": 1.0}, step=0)
    print("one")
    identity = run.path / "run.json"
    for text in (json.dumps(json.loads(identity.read_text()), indent=2), "half of it {"):
        identity.write_text(text)
        for number in range(2):
            if os.fork() == 0:
                child(number + 2 * ("half" in text))
                sys.exit()
            os.wait()
        log = run.path / "logs/user_logs/std_log.txt"
        copy = log.with_name("copy")
        copy.write_bytes(log.read_bytes())
        copy.rename(log)
        time.sleep(0.06)
        print("two")
    os.closerange(3, 100_000)
    run.log({"own": 1.0}, step=1)
    print("three")
"""


def test_a_run_whose_identity_is_written_in_another_form_goes_on(here: Path) -> None:
    """As an editor or `sed -i` over a whole folder does, which may be caught halfway."""
    assert run_script(here, REFORMED).returncode == 0
    store, found = store_of(here), read_log(RunLayout(here / ".workbench/runs/run"))
    assert sorted(store.series("run", "child").steps) == [0, 1, 2, 3] and store.series("run", "own").steps == [0, 1]
    assert found == "one\ntwo\ntwo\nthree\n" and str(store.run("run").state) == "Completed"


LATE = """
import multiprocessing, os, sys, time, workbench
def child():
    workbench.log({"child": 1.0}, step=0)
    workbench.log_text("said", "z" * 5000, step=0)
def main():
    print("move it", flush=True)
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.02)
    print("it was moved", flush=True)
    if sys.argv[2] == "job":
        child()
        return
    process = multiprocessing.get_context(sys.argv[2]).Process(target=child)
    process.start()
    process.join()
if __name__ == "__main__":
    if sys.argv[2] == "job":
        main()
    else:
        with workbench.start_run(name="run", system_metrics=False):
            main()
"""


@pytest.mark.parametrize("another", [False, True], ids=["", "another run of the name"])
@pytest.mark.parametrize("kind", ["job", "fork", "spawn"])
def test_who_logs_for_the_first_time_in_a_workspace_that_was_moved_finds_it(
    here: Path, tmp_path: Path, kind: str, another: bool
) -> None:
    code, there = here / "code", tmp_path / "there"
    code.mkdir()
    there.mkdir()
    (code / "train.py").write_text(LATE)
    script = about_to_be_moved(here, code, [f"{there}/.workbench", kind])
    moving = here / ".workbench"
    moving.rename(tmp_path / "moving")
    if another:
        with start_run(name="run", workspace=here, system_metrics=False) as other:
            other.log({"other": 1.0})
    (tmp_path / "moving").rename(there / ".workbench")
    moved = Workspace(there).run("run")
    complete(moved, script)
    assert moved.series("child").values == [1.0] and len(moved.media("said")) == 1
    assert moved.logs() == "move it\nit was moved\n"
    if another:
        found = Workspace(here).run("run")
        assert list(found.metrics()) == ["other"] and found.logs() == ""
    else:
        assert not moving.exists()


def test_the_machines_figures_are_those_of_the_run_that_was_moved(here: Path, tmp_path: Path) -> None:
    """Though it is before the first of them that it is moved, and another run lies in its place."""
    code, there = here / "code", tmp_path / "there"
    code.mkdir()
    there.mkdir()
    text = "import time, workbench\nwith workbench.start_run(name='run'):\n"
    (code / "train.py").write_text(text + "    print('move it', flush=True)\n    time.sleep(3)\n")
    script = about_to_be_moved(here, code, ["script"])
    (here / ".workbench").rename(there / ".workbench")
    with start_run(name="run", workspace=here, system_metrics=False):
        pass
    complete(Workspace(there).run("run"), script)
    assert list((there / ".workbench/runs/run/journal").glob("system-*"))
    assert not list((here / ".workbench/runs/run/journal").glob("system-*"))


LINKING = """
import os, sys, time
open("made", "w").write("in the job's folder")
os.mkdir("many")
open("many/one", "w").write("of many")
os.symlink(os.path.abspath("made"), "outputs/link")
os.symlink(os.path.abspath("many"), "outputs/links")
print("move it", flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.02)
"""


def test_what_outputs_lead_to_in_the_jobs_folder_is_kept_though_the_workspace_is_moved(
    here: Path, tmp_path: Path
) -> None:
    code, there = here / "code", tmp_path / "there"
    code.mkdir()
    there.mkdir()
    (code / "train.py").write_text(LINKING)
    about_to_be_moved(here, code, [f"{there}/.workbench", "job"])
    (here / ".workbench").rename(there / ".workbench")
    moved = Workspace(there).run("run")
    complete(moved, None)
    outputs = there / ".workbench/runs/run/outputs"
    assert (outputs / "link").read_text() == "in the job's folder" and not (outputs / "link").is_symlink()
    assert (outputs / "links/one").read_text() == "of many" and not (there / ".workbench/staging/run").exists()


FORGOTTEN = """
import multiprocessing, os, sys, time, workbench
def child():
    workbench.log({"child": 1.0})
    print("of a child", flush=True)
def spawned():
    try:
        child()
    except workbench.WorkbenchError as error:
        print(error, file=sys.stderr)
if __name__ == "__main__":
    with workbench.start_run(name="run") as run:
        print("on", flush=True)
        sys.stdin.readline()
        open("old", "w").write("of the old run")
        run.log_artifact("old", "kept")
        run.log_artifacts(".")
        run.log_model("old", "best")
        run.log_text("said", "of the old run")
        run.log_table("said", [{"old": 1}])
        run.log({"old": 1.0})
        print("of the old run", flush=True)
        if os.fork() == 0:
            child()
            os._exit(0)
        os.wait()
        for way, target in (("fork", child), ("spawn", spawned)):
            process = multiprocessing.get_context(way).Process(target=target)
            process.start()
            process.join()
        if "close" in sys.argv:
            os.closerange(3, 100_000)
            run.log({"old": 1.0})
            run.log_artifact("old", "kept")
        time.sleep(1.5)  # until the machine is sampled
"""


@pytest.mark.parametrize("close", ["", "close"])
def test_a_script_whose_run_was_removed_touches_no_other_of_its_name(here: Path, close: str) -> None:
    """Of a process that was forgotten when its workspace was removed and the training was started again."""
    code = here / "code"
    code.mkdir()
    (code / "train.py").write_text(FORGOTTEN)
    script = subprocess.Popen(
        [sys.executable, "train.py", close],
        cwd=code,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert script.stdout is not None and script.stdout.readline() == "on\n"
    shutil.rmtree(here / ".workbench")
    (here / "kept").write_text("of the new run")
    with start_run(name="run", workspace=here, system_metrics=False) as run:
        run.log({"new": 1.0})
        run.log_artifact("kept", "kept")
        run.log_model("kept", "best")
        run.log_text("said", "of the new run")
    found = Workspace(here).run("run")
    folder = here / ".workbench/runs/run"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    _, told = script.communicate("go on\n", timeout=60)
    assert script.returncode == 0, told
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert list(Workspace(here).run("run").metrics()) == ["new"] and not found.warnings
    assert (
        "the run was removed, and another lies in its place" in told and "this process belongs to was removed" in told
    )


THREADS = """
import multiprocessing, sys, threading, time, workbench
from concurrent.futures import ThreadPoolExecutor
def late(first):
    for step in range(first, first + 10):
        workbench.log({"late": float(step)}, step=step)
        time.sleep(0.02)
def child():
    workbench.log({"early": 1.0}, step=0)
    threading.Thread(target=late, args=(0,)).start()
    ThreadPoolExecutor(1).submit(late, 10)
if __name__ == "__main__":
    with workbench.start_run(name="run", system_metrics=False):
        process = multiprocessing.get_context(sys.argv[1]).Process(target=child)
        process.start()
        process.join()
        sys.exit(process.exitcode)
"""


@pytest.mark.parametrize("way", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("in_job", [False, True], ids=["script", "job"])
def test_threads_that_outlive_what_a_child_was_started_for_are_recorded(here: Path, way: str, in_job: bool) -> None:
    (here / "train.py").write_text(THREADS)
    if in_job:
        text = f"{sys.executable} train.py {way}"
        run = Workspace(here).submit(command(command=text, name="job", code="."))
        assert run.wait(60) == "Completed", run.logs()
    else:
        subprocess.run([sys.executable, "train.py", way], cwd=here, check=True, timeout=60)
        (run,) = Workspace(here).runs()
    assert sorted(run.series("late").steps) == list(range(20))
