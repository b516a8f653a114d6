"""What the supervisor of a run needs beyond the usual, loaded at its start: an upgrade may replace the files later."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from select import select

from workbench.data.elsewhere import TABLE_FILE
from workbench.data.urls import folder_url, fsspec_url, is_web
from workbench.lifecycle.plan import Plan, PlannedInput
from workbench.spec.ports import FOLDER_TYPES


def _load_bundle() -> None:
    """What jobs find of workbench, the content too: the run may wait for its turn for days."""
    from workbench.client.bundle import loaded_bundle

    loaded_bundle()


_USUAL: tuple[Callable[[], object], ...] = (
    partial(import_module, "workbench_store.snapshot.stage"),
    partial(import_module, "workbench.compute.local"),
    _load_bundle,
    partial(import_module, "workbench.environment.prepare"),
)


def load_what_is_usual(requests: int) -> None:
    """Load what most runs need, as long as there is nothing to be read from `requests`. Never raises: what cannot be
    loaded is told when it is wanted."""
    for load in _USUAL:
        if select([requests], [], [], 0)[0]:
            return
        with suppress(Exception):
            load()


def load_what_is_needed(plan: Plan) -> None:
    """Load what reads and writes the places of the plan. What is missing is told when it is wanted."""
    _load_bundle()
    if plan.environment is not None:
        import_module("workbench.environment")
        import_module("workbench.environment.prepare")
    if plan.snapshot is not None:
        import_module("workbench_store.snapshot.stage")
    if any(item.brought for item in plan.inputs):
        import_module("workbench.lifecycle.bringing")
    fetched = [_url(item) for item in plan.inputs if item.fetch]
    uploaded = [output.path for output in plan.outputs if output.uploaded]
    if plan.registered:
        import_module("workbench.lifecycle.registration")
    if uploaded:
        import_module("workbench.data.upload")
    tables = any(item.evaluated or _is_table(item) for item in plan.inputs)
    if tables:
        import_module("workbench.data.mltable")
        import_module("workbench.spec.yamltext")
    if tables or any(is_web(url) for url in fetched):
        import_module("workbench.data.web")
    for url in (*fetched, *uploaded):
        if not is_web(url):
            _load_file_system(url)


def _is_table(item: PlannedInput) -> bool:
    return item.local and (Path(str(item.path)) / TABLE_FILE).is_file()


def _url(item: PlannedInput) -> str:
    return folder_url(str(item.path)) if item.type in FOLDER_TYPES else str(item.path)


def _load_file_system(url: str) -> None:
    with suppress(Exception):  # whatever a file system raises when its libraries are not as it wants them
        import_module("workbench.data.storage")
        import fsspec

        fsspec.get_filesystem_class(fsspec_url(url).partition(":")[0].lower())
