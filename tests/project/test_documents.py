"""The documents say what is so: links lead somewhere, commands exist and are described, codes are listed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from workbench.cli.exit_codes import MEANINGS, ExitCode
from workbench.cli.main import COMMANDS, build_parser

from workbench import Workspace

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")]
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_lead_to_files(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text())
    local = [target for target in targets if "://" not in target and not target.startswith("mailto:")]
    assert [target for target in local if not (document.parent / target).exists()] == []


def test_the_documents_are_there() -> None:
    needed = {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "docs/quickstart.md", "docs/spec.md"}
    needed |= {"docs/formats.md", "store/README.md", "workbench/README.md", "widgets/README.md"}
    assert {name for name in needed if not (ROOT / name).is_file()} == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_described_in_the_quick_start(command: str) -> None:
    assert f"workbench {command}" in (ROOT / "docs" / "cli.md").read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    text = build_parser(command).format_help()
    assert COMMANDS[command] in text


@pytest.mark.parametrize("script", ["cli_reference.py", "sql_reference.py", "reliability.py"])
def test_what_is_made_from_the_code_is_up_to_date(script: str) -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts" / script, "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_exit_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(ExitCode)


def test_the_readme_opens_with_its_two_commands() -> None:
    text = (ROOT / "README.md").read_text()
    assert "make demo" in text and "make test" in text and "docs/dashboard.svg" in text


def test_the_first_job_of_the_quick_start(here: Path) -> None:
    blocks = re.findall(r"```(\w+)\n(.*?)```", (ROOT / "docs" / "quickstart.md").read_text(), re.DOTALL)
    first = dict(reversed(blocks))
    (here / "src").mkdir()
    (here / "src" / "train.py").write_text(first["python"])
    (here / "job.yml").write_text(first["yaml"])
    command = [sys.executable, "-m", "workbench", "run", "job.yml"]
    subprocess.run(command, check=True, capture_output=True)
    subprocess.run([*command, "--set", "inputs.lr=0.05", "--set", "experiment_name=second"], check=True)
    second, one = Workspace().runs()
    assert (one.params, second.params) == ({"lr": 0.1}, {"lr": 0.05})
    assert one.metrics()["loss"] < second.metrics()["loss"]
