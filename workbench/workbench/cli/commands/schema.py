"""Print the JSON Schema of command job files, for editors.

With the YAML extension of most editors, put the schema in a file and name it in the job file's first line.

examples:
  workbench schema > commandJob.schema.json
  # yaml-language-server: $schema=./commandJob.schema.json
"""

import argparse

from workbench.cli.exit_codes import ExitCode


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """`workbench schema` takes no arguments of its own."""


def run(arguments: argparse.Namespace) -> int:
    """Print the schema on stdout."""
    from workbench.cli.output import emit_json
    from workbench.spec import json_schema

    emit_json(json_schema())
    return ExitCode.COMPLETED
