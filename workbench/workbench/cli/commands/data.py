"""Give names to data, list them, show one.

A data asset is a versioned name for data that is somewhere: a file or folder here, a URL, a path on a datastore, an
output of a run. A job file says `path: azureml:NAME:VERSION` or `azureml:NAME@latest`.

examples:
  workbench data add rain ./data/rain.csv
  workbench data add rain https://example.org/rain.csv --version 2024-05
  workbench data add --file data.yml
  workbench data ls
  workbench data show rain:2
"""

import argparse

from workbench.cli.asset_actions import prepare_actions, run_action


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench data`."""
    prepare_actions(parser, "data", ("uri_file", "uri_folder", "mltable"))


def run(arguments: argparse.Namespace) -> int:
    """Add, list or show."""
    return run_action(arguments, "data")
