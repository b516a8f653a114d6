"""What each door loads, seen in a fresh process: a static graph cannot see imports inside functions."""

import json
import subprocess
import sys

import pytest

HEAVY = {"duckdb", "textual", "rich", "pyarrow", "numpy", "ipywidgets", "docker", "asyncio", "requests", "fsspec"}
#: module -> what it must not load
DOORS: dict[str, set[str]] = {
    "workbench": HEAVY | {"yaml", "msgspec", "xxhash", "pathspec", "psutil", "multiprocessing"},
    "workbench.client": HEAVY | {"yaml", "msgspec", "xxhash", "pathspec", "psutil", "multiprocessing"},
    "workbench.spec": HEAVY | {"psutil"},
    "workbench.lifecycle": HEAVY,
    "workbench.lifecycle.supervisor_main": HEAVY | {"dataclasses", "hashlib", "traceback"},
    "workbench.compute": HEAVY,
    "workbench.environment": HEAVY,
    "workbench.cli.completion.candidates": HEAVY | {"yaml", "msgspec"},
    "workbench.cli.main": HEAVY | {"yaml", "msgspec"},
    "workbench_store.blobs": HEAVY,
    "workbench_store.snapshot": HEAVY,
    "workbench_store.store": {"textual", "rich", "docker", "ipywidgets", "yaml"},
    "workbench.view": {"textual", "rich", "docker", "ipywidgets"},
}


def loaded_by(module: str) -> set[str]:
    code = f"import {module}, sys, json; print(json.dumps(sorted(m.split('.')[0] for m in sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("module", DOORS)
def test_a_door_loads_only_what_it_needs(module: str) -> None:
    assert not loaded_by(module) & DOORS[module]


def test_a_process_of_ours_loads_msgspec_without_typing_extensions() -> None:
    code = """
import sys
from workbench.lean_imports import load_msgspec
load_msgspec()
print("msgspec" in sys.modules, "typing_extensions" in sys.modules, "inspect" in sys.modules)
from typing_extensions import Required
import msgspec
class Point(msgspec.Struct):
    x: int
print(msgspec.convert({"x": 1}, Point).x)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False", "False", "1"]


def test_the_probe_sees_a_heavy_import() -> None:
    assert "duckdb" in loaded_by("duckdb")
