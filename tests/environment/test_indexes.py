"""Which version is installed, from indexes of the test's own: the one that pip would take."""

import http.server
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from workbench.environment import PreparedEnvironment, define, prepare
from workbench.spec import Environment

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
Index = Callable[..., str]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """Makes a simple index (PEP 503) with the package `demo` in some versions; its address."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def make(*versions: str) -> str:
        folder = tmp_path / f"index-{len(servers)}"
        (folder / "demo").mkdir(parents=True)
        for version in versions:
            wheel(folder / "demo", version)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


def wheel(folder: Path, version: str) -> None:
    info = f"demo-{version}.dist-info"
    with zipfile.ZipFile(folder / f"demo-{version}-py3-none-any.whl", "w") as file:
        file.writestr("demo.py", f"print({version!r})\n")
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: demo\nVersion: {version}\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", f"demo.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")


@pytest.fixture(autouse=True)
def no_other_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORKBENCH_CONDA", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "UV_INDEX_STRATEGY"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")


def made(tmp_path: Path, *lines: str) -> PreparedEnvironment:
    conda = {"dependencies": [f"python={MINOR}", {"pip": list(lines)}]}
    return prepare(define(Environment(conda_file=conda), tmp_path), log=tmp_path / "log")


def installed(environment: PreparedEnvironment) -> str:
    command = [environment.python, "-c", "import demo"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.slow
@pytest.mark.parametrize("asked", ["demo", "demo>=2"])
def test_the_best_version_of_all_indexes(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", index("1.0", "2.0"))
    assert installed(made(tmp_path, f"--extra-index-url {index('1.5')}", asked)) == "2.0"


@pytest.mark.slow
def test_versions_before_a_release_where_they_are_asked_for(tmp_path: Path, index: Index) -> None:
    here = f"--index-url {index('1.0', '2.0rc1')}"
    assert installed(made(tmp_path, here, "--only-binary demo,other", "demo")) == "1.0"
    environment = made(tmp_path, f"{here} --pre", "demo")
    assert installed(environment) == "2.0rc1" and not environment.substituted


@pytest.mark.slow
def test_what_is_not_applied_is_told(tmp_path: Path, index: Index) -> None:
    environment = made(tmp_path, f"-i {index('1.0')}", "--trusted-host=127.0.0.1", "--prefer-binary", "demo")
    assert installed(environment) == "1.0"
    assert [text for text in environment.substituted if "pip's" in text] == [
        "pip's --prefer-binary is left out: uv, which installs here, has nothing like it"
    ]
    assert "unsupported" not in (tmp_path / "log").read_text()
