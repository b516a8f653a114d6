"""What submit and supervisor load for data: nothing unless it is wanted, and what is wanted at the start."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from workbench_store.errors import UsageError

from tests.data_assets.servers import Server
from tests.lifecycle.launched import Launch

SUBMIT = """
import json, sys
from pathlib import Path
from workbench.lifecycle import submit
from workbench.spec import Input, command
from workbench_store.workspace import open_workspace
submit(open_workspace(), command(name="run", command="true", inputs={"d": Input(type="uri_file", path=sys.argv[1])}))
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""
SUPERVISE = """
import json, sys
from workbench.lifecycle import supervisor_main
from workbench.lifecycle.plan import Plan, PlannedInput
from workbench.lifecycle.preload import load_what_is_needed
from workbench.compute.protocol import ComputeEntry
given = tuple(PlannedInput(**item) for item in json.loads(sys.argv[1]))
load_what_is_needed(Plan("n", "i", "e", ComputeEntry("local", "local"), "true", "python", inputs=given))
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


def loaded(script: str, argument: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", script, argument], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_submit_fetches_nothing_and_loads_nothing_that_does(here: Path, server: Server) -> None:
    url = server.serve("/a.txt", b"a")
    assert not loaded(SUBMIT, url) & {"requests", "fsspec", "duckdb", "numpy", "textual"}


@pytest.mark.parametrize(
    ("item", "wanted"),
    [
        ({"type": "uri_file", "path": "/local", "mode": "ro_mount"}, set()),
        ({"type": "uri_file", "path": "https://example.org/a", "fetch": True}, {"requests"}),
        ({"type": "uri_folder", "path": "memory://a", "fetch": True}, {"fsspec"}),
        ({"type": "mltable", "path": "/local", "mode": "eval_mount"}, {"requests", "yaml"}),
    ],
)
def test_the_supervisor_loads_at_its_start_what_its_plan_wants(item: dict[str, Any], wanted: set[str]) -> None:
    found = loaded(SUPERVISE, json.dumps([{"name": "d", **item}]))
    assert found & {"requests", "fsspec", "yaml"} == wanted
    assert not found & {"duckdb", "numpy", "textual", "rich"}


def test_a_limit_that_is_no_size_is_told_at_submit(
    launch: Launch, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.spec import Input

    monkeypatch.setenv("WORKBENCH_DATA_LIMIT", "plenty")
    with pytest.raises(UsageError, match="WORKBENCH_DATA_LIMIT"):
        launch("true", inputs={"d": Input(type="uri_file", path=server.serve("/a", b""))})
