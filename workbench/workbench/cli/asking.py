"""Asking before something is removed: only a terminal's yes or --yes is one."""

import argparse
import sys

from workbench.cli.output import narrate


def agreed(arguments: argparse.Namespace, question: str) -> bool:
    """Whether to go on. `arguments` has `yes` and `preview`; without a terminal nobody can be asked, so --yes is."""
    if arguments.yes:
        return True
    if arguments.preview:
        return False
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        narrate("nothing was removed; --yes removes it")
        return False
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    narrate("nothing was removed")
    return False
