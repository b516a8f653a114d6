"""Show all that is recorded of one run.

examples:
  workbench show brave_heron_x1
  workbench show brave --json
  workbench show brave --spec      # the job file, as it ran
  workbench show brave --diff      # what of its code was not committed
"""

import argparse
from typing import TYPE_CHECKING

from workbench.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from workbench.view.run_page import RunPage


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench show`."""
    parser.add_argument("run", metavar="RUN", help="the run's name, or an unambiguous prefix of it")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--spec", action="store_true", help="only the job file as YAML, paths absolute")
    kind.add_argument("--diff", action="store_true", help="only what the code had that its commit had not")
    kind.add_argument("--json", action="store_true", help="everything as JSON; fields are in docs/cli.md")


def run(arguments: argparse.Namespace) -> int:
    """Print the run."""
    from workbench_store.errors import NotFound
    from workbench_store.store import Store
    from workbench_store.workspace import open_workspace

    from workbench.cli.output import emit_json, emit_text
    from workbench.cli.run_report import print_page
    from workbench.cli.waiting import up_to_date
    from workbench.view.run_page import run_page, to_json_dict

    layout = open_workspace(explicit=arguments.workspace, create=False)
    store = Store(layout)
    up_to_date(layout, store)
    page = run_page(layout, store, store.resolve(arguments.run))
    if arguments.json:
        emit_json(to_json_dict(page))
    elif arguments.spec:
        if not page.spec:
            raise NotFound(f"{page.record.name} was opened by a script: it has no job file")
        emit_text(page.spec.rstrip("\n"))
    elif arguments.diff:
        _print_diff(page)
    else:
        print_page(page)
    return ExitCode.COMPLETED


def _print_diff(page: "RunPage") -> None:
    """The diff on stdout. Raises NotFound where git knew nothing of the code."""
    from workbench_store.errors import NotFound
    from workbench_store.layout import RunLayout
    from workbench_store.redaction import redacted

    from workbench.cli.output import emit_text, narrate
    from workbench.view.git import read_diff

    if page.detail.git is None:
        raise NotFound(f"the code of {page.record.name} was not in git, so there is no diff")
    diff = read_diff(page.folder)
    if not diff:
        narrate(f"{page.record.name}: nothing was changed since commit {page.detail.git.commit}")
        return
    shown = redacted(diff)
    if shown != diff:
        narrate(f"what looks like a secret is cut out; the whole diff is in {RunLayout(page.folder).git_diff}")
    emit_text(shown.rstrip("\n"))
