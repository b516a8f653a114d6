"""Print a script that makes a shell complete commands, options, names of runs and computes, filters and job files.

examples:
  eval "$(workbench completion bash)"      # in ~/.bashrc, to have it in every bash
  eval "$(workbench completion zsh)"       # in ~/.zshrc
  workbench completion fish | source       # in ~/.config/fish/config.fish
"""

import argparse

from workbench.cli.exit_codes import ExitCode


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench completion`."""
    shells = parser.add_subparsers(dest="shell", required=True, metavar="SHELL")
    for name in ("bash", "zsh", "fish"):
        shells.add_parser(name, help=f"the script for {name}")
    # What the scripts ask; without `help` it is listed nowhere.
    asking = shells.add_parser("candidates")
    asking.add_argument("--line", help="the line up to the cursor, in place of WORD")
    asking.add_argument("--breaks", default="", help="characters at which the shell begins a new word by itself")
    asking.add_argument("words", nargs="*", metavar="WORD", help="words behind `workbench`; the last is being typed")


def run(arguments: argparse.Namespace) -> int:
    """Print the script, or what may come next."""
    if arguments.shell == "candidates":
        _candidates(arguments)
        return ExitCode.COMPLETED
    from importlib.resources import files

    from workbench.cli.output import emit

    script = files("workbench.cli.completion").joinpath(f"workbench.{arguments.shell}")
    emit(script.read_text(encoding="utf-8").rstrip("\n"))
    return ExitCode.COMPLETED


def _candidates(arguments: argparse.Namespace) -> None:
    """First `words` or `paths`, then a candidate a line, behind a tab what it is."""
    from workbench.cli.completion.candidates import completions
    from workbench.cli.completion.line import Typed, after_breaks, behind_program, typed_words
    from workbench.cli.main import COMMANDS, build_parser, named_command

    typed = Typed(["workbench", *arguments.words], False) if arguments.line is None else typed_words(arguments.line)
    words = behind_program(typed.words) or [""]
    # Within quotation marks a shell begins no word by itself.
    breaks = "" if typed.quoted else arguments.breaks
    # The command itself may be what is being typed.
    found = completions(build_parser(named_command(words[:-1]) or "run"), COMMANDS, words)
    print("paths" if found.paths else "words")
    for one in found.items:
        value = after_breaks(words[-1], one.value, breaks)
        if value.isprintable():
            print(f"{value}\t{one.text}" if one.text else value)
