"""Show which run made what from what, backward and forward, from a run, a data asset or a model.

examples:
  workbench lineage brave_heron_x1
  workbench lineage rain:2
  workbench lineage digits --json
"""

import argparse
import sys
from typing import TYPE_CHECKING

from workbench.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from workbench.view.lineage import Lineage, Step


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench lineage`."""
    parser.add_argument("name", metavar="NAME", help="a run, or an asset: NAME (its latest version) or NAME:VERSION")
    parser.add_argument("--json", action="store_true", help="as JSON; fields are in docs/cli.md")


def run(arguments: argparse.Namespace) -> int:
    """Print the lineage."""
    from workbench_store.store import Store
    from workbench_store.workspace import open_workspace

    from workbench.cli.output import emit_json
    from workbench.cli.waiting import up_to_date
    from workbench.view.lineage import lineage, to_json_dict

    layout = open_workspace(explicit=arguments.workspace, create=False)
    store = Store(layout)
    up_to_date(layout, store)
    found = lineage(layout, store, arguments.name)
    if arguments.json:
        emit_json(to_json_dict(found))
    else:
        _print(found)
    return ExitCode.COMPLETED


def _print(found: "Lineage") -> None:
    from workbench.cli.output import emit, styled
    from workbench.view.format import safe_text

    thing = found.thing
    emit(f"{thing.kind} {styled(safe_text(thing.name), 'bold', sys.stdout)}  {safe_text(found.detail)}")
    for title, steps in (("made from", found.made_from), ("led to", found.led_to)):
        emit(f"  {styled(title, 'dim', sys.stdout)}" + ("" if steps else "  nothing that is recorded"))
        _print_steps(steps, 2)


def _print_steps(steps: "tuple[Step, ...]", depth: int) -> None:
    from workbench.cli.output import emit, styled
    from workbench.view.format import safe_text

    for step in steps:
        name = styled(safe_text(step.thing.name), "bold", sys.stdout)
        via = f"  as {safe_text(step.via)}" if step.via else ""
        detail = f"  {styled(safe_text(step.detail), 'dim', sys.stdout)}" if step.detail else ""
        more = "  (see above)" if step.repeated else ""
        emit(f"{'  ' * depth}{step.thing.kind} {name}{via}{detail}{more}")
        _print_steps(step.steps, depth + 1)
