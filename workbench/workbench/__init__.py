"""Workbench: run Azure ML v2 command jobs on your own machine, record and watch them.

In a training script: `start_run`, `log`, `log_params`, `set_tags`, `log_artifact`, `log_artifacts`, and `log_image`,
`log_table`, `log_histogram`, `log_text`, `log_figure`, `log_model`. In a notebook or a program: `Workspace`, `command`,
`load_job` and the classes of the spec. Names are loaded when first used, so that a script pays only for what it calls.
(Python 3.8: this file goes into every job.)
"""

from __future__ import annotations

import gc
from importlib import import_module

import workbench.client.at_exit  # noqa: F401  (before anything that the script registers for its own end)
from workbench._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List

    from workbench_store.errors import UsageError as UsageError
    from workbench_store.errors import WorkbenchError as WorkbenchError

    from workbench.client.api import active_run as active_run
    from workbench.client.api import log as log
    from workbench.client.api import log_artifact as log_artifact
    from workbench.client.api import log_artifacts as log_artifacts
    from workbench.client.api import log_figure as log_figure
    from workbench.client.api import log_histogram as log_histogram
    from workbench.client.api import log_image as log_image
    from workbench.client.api import log_model as log_model
    from workbench.client.api import log_params as log_params
    from workbench.client.api import log_table as log_table
    from workbench.client.api import log_text as log_text
    from workbench.client.api import set_tags as set_tags
    from workbench.client.api import start_run as start_run
    from workbench.run import Run as Run
    from workbench.spec import BuildContext as BuildContext
    from workbench.spec import Environment as Environment
    from workbench.spec import Input as Input
    from workbench.spec import MpiDistribution as MpiDistribution
    from workbench.spec import Output as Output
    from workbench.spec import PyTorchDistribution as PyTorchDistribution
    from workbench.spec import RayDistribution as RayDistribution
    from workbench.spec import TensorFlowDistribution as TensorFlowDistribution
    from workbench.spec import command as command
    from workbench.spec import load_job as load_job
    from workbench.workspace import Workspace as Workspace

_IN_JOB = (
    *("active_run", "log", "log_artifact", "log_artifacts", "log_figure", "log_histogram", "log_image", "log_model"),
    *("log_params", "log_table", "log_text", "set_tags", "start_run"),
)
_OF_SPEC = (
    "BuildContext",
    "Environment",
    "Input",
    "MpiDistribution",
    "Output",
    "PyTorchDistribution",
    "RayDistribution",
    "TensorFlowDistribution",
    "command",
    "load_job",
)
_HOMES = {
    "Run": "workbench.run",
    "Workspace": "workbench.workspace",
    "UsageError": "workbench_store.errors",
    "WorkbenchError": "workbench_store.errors",
}
_HOMES.update(dict.fromkeys(_IN_JOB, "workbench.client.api"))
_HOMES.update(dict.fromkeys(_OF_SPEC, "workbench.spec"))

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError("module 'workbench' has no attribute {!r}".format(name))
    try:
        value = getattr(_loaded(home), name)
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("workbench"):
            raise
        raise AttributeError(
            "workbench.{} needs the whole package: what a job finds is only the part that logs. Install "
            "experiment-workbench in the job's environment.".format(name)
        ) from error
    globals()[name] = value
    return value


def _loaded(home: str) -> Any:
    """The module. Python would look for garbage some twenty times while it is loaded, which leaves none."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return import_module(home)
    finally:
        if collects:
            gc.enable()


def __dir__() -> List[str]:
    return sorted(__all__)
