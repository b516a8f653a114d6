"""The spec: Azure ML v2 command jobs, from YAML or Python, checked whole before anything starts."""

from workbench.spec.builder import command, with_inputs
from workbench.spec.dump import job_to_dict, job_to_yaml
from workbench.spec.environments import BuildContext, Environment
from workbench.spec.errors import SpecErrors
from workbench.spec.expressions import Reference, expand_path, references, resolve_command
from workbench.spec.job import CommandJob
from workbench.spec.load import check_job, job_again, job_from_dict, load_job
from workbench.spec.paths import is_remote
from workbench.spec.ports import FOLDER_TYPES, MODEL_TYPES, Input, Output, literal_text
from workbench.spec.problems import Problem
from workbench.spec.schema import json_schema
from workbench.spec.settings import (
    AmlTokenConfiguration,
    CommandJobLimits,
    JobResourceConfiguration,
    JobService,
    JupyterLabJobService,
    ManagedIdentityConfiguration,
    MpiDistribution,
    PyTorchDistribution,
    QueueSettings,
    RayDistribution,
    SshJobService,
    TensorBoardJobService,
    TensorFlowDistribution,
    UserIdentityConfiguration,
    VsCodeJobService,
)
from workbench.spec.support import Note, execution_notes, execution_refusals

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
    "references",
    "resolve_command",
    "with_inputs",
]
