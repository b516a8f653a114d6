"""The computes of a workspace: `local` is there, names are added, and an unknown one is refused with the
remedy."""

from pathlib import Path

import pytest
from workbench.compute import add_compute, get_compute, list_computes
from workbench.compute.registry import compute_name
from workbench_store.errors import ComputeError
from workbench_store.layout import WorkspaceLayout
from workbench_store.workspace import open_workspace


@pytest.fixture
def layout(here: Path) -> WorkspaceLayout:
    return open_workspace()


def test_local_is_built_in(layout: WorkspaceLayout) -> None:
    assert [entry.name for entry in list_computes(layout)] == ["local"]
    assert get_compute(layout, None).entry.kind == "local"


@pytest.mark.parametrize(
    ("text", "name"),
    [(None, "local"), ("local", "local"), ("LOCAL", "local"), ("azureml:cpu", "cpu"), ("cpu", "cpu")],
)
def test_names_as_job_files_write_them(text: str | None, name: str) -> None:
    assert compute_name(text) == name


def test_an_added_compute_is_found_by_azures_spelling(layout: WorkspaceLayout) -> None:
    add_compute(layout, "cpu-cluster", "local", {"slots": 3})
    entry = get_compute(layout, "azureml:cpu-cluster").entry
    assert (entry.name, entry.kind, entry.settings) == ("cpu-cluster", "local", {"slots": 3})
    add_compute(layout, "cpu-cluster", "local", {})
    assert get_compute(layout, "cpu-cluster").entry.settings == {}
    assert [entry.name for entry in list_computes(layout)] == ["local", "cpu-cluster"]


def test_local_itself_can_be_given_slots(layout: WorkspaceLayout) -> None:
    add_compute(layout, "local", "local", {"slots": 2})
    assert get_compute(layout, "local").entry.settings == {"slots": 2}


def test_an_unknown_compute_names_the_remedy(layout: WorkspaceLayout) -> None:
    with pytest.raises(ComputeError) as caught:
        get_compute(layout, "azureml:gpu-cluster")
    assert "workbench compute add gpu-cluster --kind local" in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "x" * 65, "é"])
def test_wrong_names_are_refused(layout: WorkspaceLayout, name: str) -> None:
    with pytest.raises(ComputeError, match="name"):
        add_compute(layout, name, "local", {})


def test_an_unknown_kind_is_refused_and_known_ones_named(layout: WorkspaceLayout) -> None:
    with pytest.raises(ComputeError, match="local"):
        add_compute(layout, "x", "quantum", {})
    assert [entry.name for entry in list_computes(layout)] == ["local"]
