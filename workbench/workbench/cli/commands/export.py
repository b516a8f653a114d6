"""Write a run's job for the real service: job file, code as it was, environment.

What the service cannot have is left out and named: places of outputs on this machine, values of variables and parts of
URLs that look like secrets. Files that would be uploaded and look like secrets are named too: take them out first. It
needs an environment and a compute; where the run had none of its own they are named here.

examples:
  workbench export azureml brave --compute cpu-cluster
  workbench export azureml brave --to ./cloud --compute serverless --environment azureml:NAME@latest
  az ml job create -f brave-azureml/job.yml      # what comes then; that is Azure's own command
"""

import argparse
from pathlib import Path

from workbench.cli.exit_codes import ExitCode


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench export`."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    azureml = kinds.add_parser("azureml", help="for Azure ML: a folder with job.yml and what it names")
    azureml.add_argument("run", metavar="RUN", help="the run's name, or an unambiguous prefix of it")
    azureml.add_argument("--to", type=Path, metavar="DIR", help="a folder that is not there yet (default: RUN-azureml)")
    azureml.add_argument("--compute", metavar="NAME", help="the service's compute, or `serverless`")
    azureml.add_argument("--environment", metavar="ENVIRONMENT", help="in place of the run's: azureml:NAME:VERSION ...")
    azureml.add_argument("--image", metavar="IMAGE", help="the image for packages that had none")
    azureml.add_argument("--json", action="store_true", help="folder, job, secrets and notes as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Export."""
    from workbench.cli.output import emit, emit_json, narrate
    from workbench.lifecycle.azure_export import export_azureml
    from workbench.workspace import Workspace

    workspace = Workspace(arguments.workspace, create=False)
    name = workspace.run(arguments.run).name
    done = export_azureml(
        workspace.layout,
        name,
        arguments.to or Path(f"{name}-azureml"),
        compute=arguments.compute,
        environment=arguments.environment,
        image=arguments.image,
    )
    for note in done.notes:
        narrate(note)
    if arguments.json:
        emit_json(
            {
                "folder": str(done.folder),
                "job": str(done.job),
                "secrets": list(done.secrets),
                "notes": list(done.notes),
                "to_set": list(done.to_set),
                "secret_files": [{"path": path, "why": why} for path, why in done.secret_files.items()],
            }
        )
    else:
        emit(str(done.job))
    settings = "".join(f" --set {field}=..." for field in done.to_set)
    narrate(f"now: az ml job create -f {done.job}{settings}")
    return ExitCode.COMPLETED
