"""Completion: what the program offers, and real shells that take it with a real Tab."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from workbench_store.layout import WorkspaceLayout
from workbench_store.workspace import open_workspace

from tests.cli.terminal import Workbench

Offer = Callable[..., list[str]]
_CODES = re.compile(r"\x1b\[[\d;?>=]*[A-Za-z]|\x1b[()=>][\w]?")


@pytest.fixture
def offered(workbench: Workbench) -> Offer:
    """The values that are offered for these words."""

    def ask(*words: str) -> list[str]:
        done = workbench("completion", "candidates", "--", *words)
        assert done.returncode == 0 and done.stderr == ""
        return [line.partition("\t")[0] for line in done.stdout.splitlines()[1:]]

    return ask


@pytest.fixture
def workspace(here: Path) -> Path:
    """Folders of runs, computes and job files."""
    layout = open_workspace(explicit=str(here))
    for name in ("brave_heron", "bright_owl", "calm_otter", ".hidden"):
        (layout.runs / name).mkdir()
    for name in ("job.yml", "job two.yml", "notes.txt"):
        (here / name).write_text("command: 'true'\n")
    (here / "jobs").mkdir()
    (here / "jobs" / "other.yaml").write_text("command: 'true'\n")
    return here


def test_only_shells_that_there_is_a_script_for_are_named(workbench: Workbench) -> None:
    done = workbench("completion", "tcsh")
    assert done.returncode == 2 and "(choose from 'bash', 'zsh', 'fish')" in done.stderr


def test_commands_actions_and_options(offered: Offer) -> None:
    assert offered("sh") == ["show"] and {"run", "ls", "env", "uninstall"} <= set(offered(""))
    assert offered("env", "") == ["explain", "ls", "prune"] and offered("completion", "") == ["bash", "fish", "zsh"]
    assert offered("--v") == ["--version"] and "--workspace" in offered("--")
    assert "--detach" in offered("run", "--") and offered("env", "prune", "--ke") == ["--keep"]
    assert "--detach" not in offered("run", "job.yml", "--detach", "--"), "it was given"
    assert "--set" in offered("run", "job.yml", "--set", "a=1", "--"), "it may be given again"
    assert offered("nonsense", "") == [] and offered("env", "nonsense", "") == []


def test_values(offered: Offer, workspace: Path) -> None:
    assert offered("close", "x", "--as", "") == ["canceled", "failed"]
    assert offered("close", "x", "--as=f") == ["--as=failed"]
    assert offered("show", "br") == ["brave_heron", "bright_owl"] and len(offered("cancel", "calm_otter", "")) == 3
    assert offered("show", "--json", "c") == ["calm_otter"] and offered("show", "brave_heron", "") == []
    assert offered("compare", "--baseline", "c") == ["calm_otter"]
    assert offered("run", "jo") == ["job two.yml", "job.yml", "jobs/"] and offered("run", "jobs/") == [
        "jobs/other.yaml"
    ]
    assert offered("run", str(workspace) + "/jobs/o") == [f"{workspace}/jobs/other.yaml"]
    assert offered("env", "explain", "j") == ["job two.yml", "job.yml", "jobs/"]
    assert offered("env", "explain", "bra") == ["brave_heron"]
    assert offered("outputs", "calm_otter", "--download", "j") == ["jobs/"]
    WorkspaceLayout(workspace / ".workbench").trashed("gone_owl").root.mkdir(parents=True)
    assert offered("tag", "brave_heron", "c") == ["calm_otter"], "tags of several runs"
    assert offered("restore", "") == ["gone_owl"], "what is not in the trash cannot be brought back"
    assert offered("run", "--", "jo") == ["job two.yml", "job.yml", "jobs/"]


def test_filters(offered: Offer) -> None:
    assert offered("ls", "sta") == ["started:", "state:", "status:"]
    assert offered("ls", "state:f") == ["state:failed", "state:finalizing"]
    assert offered("ls", "exp:digits", "archived:") == ["archived:all", "archived:no", "archived:yes"]
    assert offered("archive", "--all", "kind:") == ["kind:job", "kind:script"]


def test_computes_and_names_of_data(workbench: Workbench, offered: Offer, workspace: Path) -> None:
    assert workbench("compute", "add", "gpu-box").returncode == 0
    assert offered("run", "job.yml", "--compute", "") == ["gpu-box", "local"]
    assert offered("compute", "test", "g") == ["gpu-box"]
    assert workbench("data", "add", "rain", "jobs").returncode == 0
    assert offered("data", "show", "") == ["rain"] and offered("model", "show", "") == []
    assert offered("lineage", "r") == ["rain"] and offered("lineage", "brave") == ["brave_heron"]


def test_another_workspace_that_is_named_on_the_line(offered: Offer, workspace: Path, tmp_path: Path) -> None:
    other = open_workspace(explicit=str(tmp_path / "other"))
    (other.runs / "elsewhere").mkdir()
    assert offered("--workspace", str(other.root), "show", "") == ["elsewhere"]
    assert offered("show", f"--workspace={other.root}", "") == ["elsewhere"]
    assert offered("show", "--workspace", str(tmp_path / "no"), "") == []


def test_without_a_workspace_nothing_is_offered_or_made(offered: Offer, here: Path) -> None:
    assert offered("show", "") == [] and offered("run", "--compute", "") == ["local"]
    assert not (here / ".workbench").exists()


def test_names_that_could_steer_a_terminal_are_not_offered(offered: Offer, workspace: Path) -> None:
    (workspace / "evil\x1b[2J.yml").write_text("")
    (workspace / "two\nlines.yml").write_text("")
    assert offered("run", "") == ["job two.yml", "job.yml", "jobs/"]


@pytest.mark.parametrize(
    ("words", "records"),
    [(("show", ""), False), (("ls", "state:"), True), (("run", "j"), False), (("run", "--compute", ""), True)],
)
def test_what_a_tab_waits_for_is_light(words: tuple[str, ...], records: bool, workspace: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "workbench", "completion", "candidates", "--", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = set(re.findall(r"\|\s+([\w.]+)$", done.stderr, re.M))
    heavy = {"duckdb", "textual", "rich", "numpy", "pyarrow", "yaml", "asyncio", "psutil", "dataclasses"}
    heavy |= set() if records else {"msgspec"}
    assert "workbench.cli.completion.candidates" in loaded and not loaded & heavy


class Terminal:
    """A shell in a terminal of its own, and what it shows."""

    def __init__(self, command: list[str], here: Path, prompt: str) -> None:
        bin_folder = str(Path(sys.executable).parent)
        environ = {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "TERM": "xterm"}
        environ |= {"HOME": str(here), "LC_ALL": "C.UTF-8", "COLUMNS": "200", "LINES": "40"}
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.chdir(here)
            os.execvpe(command[0], command, environ)
        self.shown = ""
        self.prompt = prompt

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def wait_for(self, text: str) -> None:
        """Read until the text is shown, from where was read before."""
        deadline = time.monotonic() + 60
        while text not in self.shown:
            ready, _, _ = select.select([self._terminal], [], [], 0.2)
            if ready:
                self.shown += _CODES.sub("", os.read(self._terminal, 4096).decode(errors="replace"))
            assert time.monotonic() < deadline, f"waited in vain for {text!r} in {self.shown!r}"
        self.shown = self.shown.partition(text)[2]

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.close(self._terminal)
        os.waitpid(self.pid, 0)


#: How each is started, how it is told its prompt, and how it gets a function that shows the words it is given. The
#: prompt is written in two parts, as the line that is typed is shown too.
SHELLS = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        "PS1='re''ady> '",
        'eval "$(workbench completion bash)"; workbench() { printf "<%s>" "$@"; echo .; }',
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        "PROMPT='re''ady> '; unset zle_bracketed_paste",
        'eval "$(workbench completion zsh)"; workbench() { printf "<%s>" "$@"; echo .; }',
    ),
    "fish": (
        ["fish", "--no-config", "-i"],
        "function fish_prompt; echo -n 're''ady> '; end; set -g fish_autosuggestion_enabled 0",
        'workbench completion fish | source; function workbench; printf "<%s>" $argv; echo .; end',
    ),
}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, workspace: Path) -> Iterator[Terminal]:
    """Each shell that is installed, with the completion loaded."""
    name = request.param
    if shutil.which(name) is None:
        pytest.skip(f"there is no {name} on this machine")
    command, prompting, loading = SHELLS[name]
    terminal = Terminal(command, workspace, "ready> ")
    try:
        terminal.type(f"{prompting}\n")
        terminal.wait_for("ready> ")
        terminal.type(f"{loading}\n")
        terminal.wait_for("ready> ")
        yield terminal
    finally:
        terminal.end()


#: What is typed before a Tab, and the words that the program is given then.
TABS = [
    ("workbench sh", ["show"]),
    ("workbench show brav", ["show", "brave_heron"]),
    ("workbench ls arch", ["ls", "archived:"]),
    ("workbench ls state:fai", ["ls", "state:failed"]),
    ("workbench ls 'state:fai", ["ls", "state:failed"]),
    ("workbench close x --as=can", ["close", "x", "--as=canceled"]),
    ("workbench run jobs/oth", ["run", "jobs/other.yaml"]),
    ("workbench env pru", ["env", "prune"]),
    ("workbench run 'job tw", ["run", "job two.yml"]),
    ("workbench run job\\ tw", ["run", "job two.yml"]),
    ("workbench run ~/job.", ["run", "$HOME/job.yml"]),
    ("workbench run --stri", ["run", "--strict-python"]),
    ("A=1 workbench show cal", ["show", "calm_otter"]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("typed", "given"), TABS, ids=[typed for typed, _ in TABS])
def test_a_tab_completes(shell: Terminal, typed: str, given: list[str]) -> None:
    """What the line has become is told by a function in front of the program, which is given the completed words."""
    shell.type(f"{typed}\t\n")
    words = [word.replace("$HOME", str(Path.cwd())) for word in given]
    shell.wait_for("".join(f"<{word}>" for word in words) + ".")


@pytest.mark.slow
def test_several_are_shown(shell: Terminal) -> None:
    shell.type("workbench show br\t\t")
    shell.wait_for("brave_heron")
    shell.wait_for("bright_owl")


def test_the_scripts_are_what_the_shells_read(workbench: Workbench) -> None:
    for name in SHELLS:
        done = workbench("completion", name)
        assert done.returncode == 0 and "workbench" in done.stdout
        if shutil.which(name):
            subprocess.run([name, "-n"], input=done.stdout, text=True, check=True)
    assert workbench("completion", "tcsh").returncode == 2
