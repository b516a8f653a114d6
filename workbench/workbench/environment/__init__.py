"""Environments: what a job asks for, its key, and making it on this machine."""

from workbench.environment.definition import (
    EnvironmentDefinition,
    define,
    definition_from_dict,
    definition_to_dict,
)
from workbench.environment.explain import Explanation, explain
from workbench.environment.keeping import KeptEnvironment, Removal, kept_environments, removable
from workbench.environment.key import environment_key
from workbench.environment.prepare import PreparedEnvironment, prepare

__all__ = [
    "EnvironmentDefinition",
    "Explanation",
    "KeptEnvironment",
    "PreparedEnvironment",
    "Removal",
    "define",
    "definition_from_dict",
    "definition_to_dict",
    "environment_key",
    "explain",
    "kept_environments",
    "prepare",
    "removable",
]
