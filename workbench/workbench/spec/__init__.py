"""The spec: Azure ML v2 command jobs, from YAML or Python, checked whole before anything starts.

Names are resolved when first used: a supervisor needs few of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.spec.builder import command as command
    from workbench.spec.builder import with_inputs as with_inputs
    from workbench.spec.dump import job_to_dict as job_to_dict
    from workbench.spec.dump import job_to_yaml as job_to_yaml
    from workbench.spec.environments import BuildContext as BuildContext
    from workbench.spec.environments import Environment as Environment
    from workbench.spec.errors import SpecErrors as SpecErrors
    from workbench.spec.expressions import Reference as Reference
    from workbench.spec.expressions import expand_path as expand_path
    from workbench.spec.expressions import references as references
    from workbench.spec.expressions import resolve_command as resolve_command
    from workbench.spec.job import CommandJob as CommandJob
    from workbench.spec.load import check_job as check_job
    from workbench.spec.load import job_again as job_again
    from workbench.spec.load import job_from_dict as job_from_dict
    from workbench.spec.load import load_job as load_job
    from workbench.spec.paths import is_remote as is_remote
    from workbench.spec.ports import FOLDER_TYPES as FOLDER_TYPES
    from workbench.spec.ports import MODEL_TYPES as MODEL_TYPES
    from workbench.spec.ports import Input as Input
    from workbench.spec.ports import Output as Output
    from workbench.spec.ports import literal_text as literal_text
    from workbench.spec.problems import Problem as Problem
    from workbench.spec.schema import json_schema as json_schema
    from workbench.spec.settings import AmlTokenConfiguration as AmlTokenConfiguration
    from workbench.spec.settings import CommandJobLimits as CommandJobLimits
    from workbench.spec.settings import JobResourceConfiguration as JobResourceConfiguration
    from workbench.spec.settings import JobService as JobService
    from workbench.spec.settings import JupyterLabJobService as JupyterLabJobService
    from workbench.spec.settings import ManagedIdentityConfiguration as ManagedIdentityConfiguration
    from workbench.spec.settings import MpiDistribution as MpiDistribution
    from workbench.spec.settings import PyTorchDistribution as PyTorchDistribution
    from workbench.spec.settings import QueueSettings as QueueSettings
    from workbench.spec.settings import RayDistribution as RayDistribution
    from workbench.spec.settings import SshJobService as SshJobService
    from workbench.spec.settings import TensorBoardJobService as TensorBoardJobService
    from workbench.spec.settings import TensorFlowDistribution as TensorFlowDistribution
    from workbench.spec.settings import UserIdentityConfiguration as UserIdentityConfiguration
    from workbench.spec.settings import VsCodeJobService as VsCodeJobService
    from workbench.spec.support import Note as Note
    from workbench.spec.support import execution_notes as execution_notes
    from workbench.spec.support import execution_refusals as execution_refusals
    from workbench.spec.support import note_findings as note_findings

_HOMES = {
    "AmlTokenConfiguration": "settings",
    "BuildContext": "environments",
    "CommandJob": "job",
    "CommandJobLimits": "settings",
    "Environment": "environments",
    "FOLDER_TYPES": "ports",
    "Input": "ports",
    "JobResourceConfiguration": "settings",
    "JobService": "settings",
    "JupyterLabJobService": "settings",
    "MODEL_TYPES": "ports",
    "ManagedIdentityConfiguration": "settings",
    "MpiDistribution": "settings",
    "Note": "support",
    "Output": "ports",
    "Problem": "problems",
    "PyTorchDistribution": "settings",
    "QueueSettings": "settings",
    "RayDistribution": "settings",
    "Reference": "expressions",
    "SpecErrors": "errors",
    "SshJobService": "settings",
    "TensorBoardJobService": "settings",
    "TensorFlowDistribution": "settings",
    "UserIdentityConfiguration": "settings",
    "VsCodeJobService": "settings",
    "check_job": "load",
    "command": "builder",
    "execution_notes": "support",
    "note_findings": "support",
    "execution_refusals": "support",
    "expand_path": "expressions",
    "is_remote": "paths",
    "job_again": "load",
    "job_from_dict": "load",
    "job_to_dict": "dump",
    "job_to_yaml": "dump",
    "json_schema": "schema",
    "literal_text": "ports",
    "load_job": "load",
    "references": "expressions",
    "resolve_command": "expressions",
    "with_inputs": "builder",
}

__all__ = [
    "FOLDER_TYPES",
    "MODEL_TYPES",
    "AmlTokenConfiguration",
    "BuildContext",
    "CommandJob",
    "CommandJobLimits",
    "Environment",
    "Input",
    "JobResourceConfiguration",
    "JobService",
    "JupyterLabJobService",
    "ManagedIdentityConfiguration",
    "MpiDistribution",
    "Note",
    "Output",
    "Problem",
    "PyTorchDistribution",
    "QueueSettings",
    "RayDistribution",
    "Reference",
    "SpecErrors",
    "SshJobService",
    "TensorBoardJobService",
    "TensorFlowDistribution",
    "UserIdentityConfiguration",
    "VsCodeJobService",
    "check_job",
    "command",
    "execution_notes",
    "execution_refusals",
    "expand_path",
    "is_remote",
    "job_again",
    "job_from_dict",
    "job_to_dict",
    "job_to_yaml",
    "json_schema",
    "literal_text",
    "load_job",
    "note_findings",
    "references",
    "resolve_command",
    "with_inputs",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
