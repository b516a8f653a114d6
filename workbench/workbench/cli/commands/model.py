"""Give names to models, list them, show one.

A run registers a model by itself: an output of type custom_model, mlflow_model or triton_model that has a `name:`.

examples:
  workbench model ls
  workbench model show digits:3
  workbench model add digits ./model --type mlflow_model
  workbench model add --file model.yml
"""

import argparse

from workbench.cli.asset_actions import prepare_actions, run_action


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench model`."""
    prepare_actions(parser, "model", ("custom_model", "mlflow_model", "triton_model"))


def run(arguments: argparse.Namespace) -> int:
    """Add, list or show."""
    return run_action(arguments, "model")
