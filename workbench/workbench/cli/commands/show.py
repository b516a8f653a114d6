"""Show all that is recorded of one run.

examples:
  workbench show brave_heron_x1
  workbench show brave --json
  workbench show brave --spec      # the job file, as it ran
"""

import argparse

from workbench.cli.exit_codes import ExitCode


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench show`."""
    parser.add_argument("run", metavar="RUN", help="the run's name, or an unambiguous prefix of it")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--spec", action="store_true", help="only the job file as YAML, paths absolute")
    kind.add_argument("--json", action="store_true", help="everything as JSON; fields are in docs/cli.md")


def run(arguments: argparse.Namespace) -> int:
    """Print the run."""
    from workbench_store.errors import NotFound
    from workbench_store.store import Store
    from workbench_store.workspace import open_workspace

    from workbench.cli.output import emit, emit_json
    from workbench.cli.run_report import print_page
    from workbench.view.fresh import refresh
    from workbench.view.run_page import run_page, to_json_dict

    layout = open_workspace(explicit=arguments.workspace, create=False)
    store = Store(layout)
    refresh(layout, store)
    page = run_page(layout, store, store.resolve(arguments.run))
    if arguments.json:
        emit_json(to_json_dict(page))
    elif arguments.spec:
        if not page.spec:
            raise NotFound(f"{page.record.name} was opened by a script: it has no job file")
        emit(page.spec.rstrip("\n"))
    else:
        print_page(page)
    return ExitCode.COMPLETED
