"""Write a note about a run, or print the one it has.

examples:
  workbench note brave "diverged after the learning rate was raised"
  workbench note brave                 # print it
  workbench note brave ""              # take it away
  git log -1 | workbench note brave -  # from standard input
"""

import argparse
import sys

from workbench.cli.exit_codes import ExitCode


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench note`."""
    parser.add_argument("run", metavar="RUN", help="the run's name, or an unambiguous prefix of it")
    parser.add_argument("text", nargs="?", metavar="TEXT", help="the note; `-` reads it from standard input")


def run(arguments: argparse.Namespace) -> int:
    """Write or print."""
    from workbench.cli.output import emit_text, narrate
    from workbench.lifecycle import edit_note
    from workbench.workspace import Workspace

    workspace = Workspace(arguments.workspace, create=False)
    found = workspace.run(arguments.run)
    if arguments.text is None:
        note = found.record().note
        if note is None:
            narrate(f"{found.name} has no note")
        else:
            emit_text(note)
        return ExitCode.COMPLETED
    text = sys.stdin.read() if arguments.text == "-" else arguments.text
    if arguments.text == "-" and not text.strip():
        from workbench_store.errors import UsageError

        raise UsageError("nothing came in to be written", remedy=f"To take a note away: workbench note {found.name} ''")
    edit_note(workspace.layout, found.name, text)
    narrate(f"{found.name}: note {'written' if text.strip() else 'taken away'}")
    return ExitCode.COMPLETED
