"""Environments: what a job asks for, its key, and making it on this machine."""

from workbench.environment.definition import (
    EnvironmentDefinition,
    define,
    definition_from_dict,
    definition_to_dict,
)
from workbench.environment.key import environment_key
from workbench.environment.prepare import PreparedEnvironment, prepare

__all__ = [
    "EnvironmentDefinition",
    "PreparedEnvironment",
    "define",
    "definition_from_dict",
    "definition_to_dict",
    "environment_key",
    "prepare",
]
