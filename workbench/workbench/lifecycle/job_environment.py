"""The environment variables that a job sees: the submitter's, the job's own, Azure ML's and Workbench's."""

from collections.abc import Mapping
from pathlib import Path

from workbench_store.layout import RunLayout, WorkspaceLayout

from workbench.lifecycle.git_facts import OVERRIDES
from workbench.lifecycle.plan import Plan

#: They belong to the interpreter or the run of whoever submitted, and would mislead the job.
_DROPPED = frozenset({"VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "PYTHONHOME", "__PYVENV_LAUNCHER__", "PWD", "OLDPWD"})
#: So do those by which a launcher (torchrun, an MPI, Slurm) tells who submitted its place among its processes: the
#: job has a place of its own, or none.
_OF_LAUNCHERS = frozenset(
    "RANK LOCAL_RANK GROUP_RANK NODE_RANK ROLE_RANK WORLD_SIZE LOCAL_WORLD_SIZE GROUP_WORLD_SIZE ROLE_WORLD_SIZE "
    "MASTER_ADDR MASTER_PORT TF_CONFIG MPI_LOCALRANKID MPI_LOCALNRANKS SLURM_PROCID SLURM_LOCALID SLURM_NODEID".split()
)
_DROPPED_PREFIXES = (
    "WORKBENCH_",
    "AZUREML_",
    "OMPI_COMM_WORLD_",
    "PMI_",
    "PMIX_",
    "TORCHELASTIC_",
    "MV2_COMM_WORLD_",
    "JSM_NAMESPACE_",
)
#: Settings of ours that a run submitted by the job should share.
_KEPT = frozenset({"WORKBENCH_CACHE"})
#: By these a job says itself where pip installs.
_PIP_PLACES = frozenset({"PIP_PREFIX", "PIP_TARGET", "PIP_USER"})


def job_environment(
    layout: WorkspaceLayout,
    plan: Plan,
    *,
    inherited: Mapping[str, str],
    environment: Mapping[str, str],
    allocation: Mapping[str, str],
    code: Path,
    bundle: Path,
    packages: Path | None = None,
) -> dict[str, str]:
    """All variables of the job; later ones win: inherited, of its environment, of its place, its own,
    Azure's, ours.

    `packages`, where the job finds what it installs for itself, and `bundle`, the in-job client's folder, go after
    what PYTHONPATH has already. A job that says itself where pip installs is left to it.
    """
    own = {**plan.variables, **{name: inherited[name] for name in plan.secrets if name in inherited}}
    if own.keys() & _PIP_PLACES:
        environment = {name: value for name, value in environment.items() if not name.startswith("PIP_")}
    dropped = _PIP_PLACES if packages is not None else frozenset()
    variables = {name: value for name, value in inherited.items() if _is_inherited(name) and name not in dropped}
    if packages is not None and variables.get("PYTHONPATH"):
        variables["PYTHONPATH"] = _without_submitters(variables["PYTHONPATH"], inherited.get("PIP_PREFIX", ""))
    variables |= {"PYTHONUNBUFFERED": "1", **environment, **allocation, **own}
    variables |= azure_variables(layout.run(plan.name), plan, code)
    variables |= workbench_variables(layout, plan)
    paths = [part for part in (variables.get("PYTHONPATH", ""), str(packages or ""), str(bundle)) if part]
    variables["PYTHONPATH"] = ":".join(paths)
    return variables


def _without_submitters(paths: str, prefix: str) -> str:
    """PYTHONPATH without what a job that submits has installed for itself."""
    return ":".join(part for part in paths.split(":") if not (prefix and part.startswith(f"{prefix}/")))


def _is_inherited(name: str) -> bool:
    return name in _KEPT or not (name in _DROPPED | _OF_LAUNCHERS or name.startswith(_DROPPED_PREFIXES))


def azure_variables(files: RunLayout, plan: Plan, code: Path) -> dict[str, str]:
    """Those of Azure ML's variables that have a meaning for one process on this machine."""
    return {
        "AZUREML_RUN_ID": plan.name,
        "AZUREML_EXPERIMENT_NAME": plan.experiment,
        "AZUREML_OUTPUT_DIRECTORY": str(files.outputs),
        "AZUREML_LOGDIRECTORY_PATH": str(files.logs),
        "AZUREML_CR_EXECUTION_WORKING_DIR_PATH": str(code),
        "AZUREML_CR_NODE_RANK": "0",
        "AZUREML_NODE_COUNT": "1",
        **{variable: plan.git[key] for key, variable in OVERRIDES.items() if key in plan.git},
    }


def workbench_variables(layout: WorkspaceLayout, plan: Plan) -> dict[str, str]:
    """Where the in-job client finds its run."""
    return {
        "WORKBENCH_RUN_ID": plan.id,
        "WORKBENCH_RUN_NAME": plan.name,
        "WORKBENCH_RUN_DIR": str(layout.run(plan.name).root),
        "WORKBENCH_WORKSPACE": str(layout.root),
        "WORKBENCH_EXPERIMENT": plan.experiment,
    }
