"""The parsers of the commands, with help that has its examples wherever it is asked for."""

import argparse
import importlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

from workbench._version import __version__
from workbench.cli.dashed import FILTER, is_turned_round, joined, nearest_option
from workbench.cli.exit_codes import MEANINGS
from workbench.cli.groups import grouped

_NAME_WIDTH = 13


class CommandParser(argparse.ArgumentParser):
    """The parser of a command or of one of its actions: what it does not know is told with its own usage."""

    _intermixing = False

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """As argparse's, but arguments may also stand behind options (`tag RUN --remove old new`); whatever is left
        over is an error here, not one of `workbench` as a whole."""
        args = list(joined(sys.argv[1:] if args is None else args, self._taking_filters(), self._option_string_actions))
        found, left = super().parse_known_args(args, namespace)
        if self._intermixing:
            return found, left
        if left and not any(self._is_option(word) for word in left) and self._can_intermix():
            if "--" in left:  # all of what stands behind it is an argument, and none looks like an option
                args.remove("--")
            self._intermixing = True
            try:
                found, left = self.parse_known_intermixed_args(args)
            finally:
                self._intermixing = False
        if left:
            self.error(self._unknown(left))
        return found, left

    def _parse_optional(self, arg_string: str) -> Any:
        """As argparse's, but where filters are taken one that is turned round is no option."""
        if self._takes_filters() and is_turned_round(arg_string, self._option_string_actions):
            return None
        return super()._parse_optional(arg_string)

    def _takes_filters(self) -> bool:
        return any(action.metavar == FILTER and not action.option_strings for action in self._actions)

    def _taking_filters(self) -> list[str]:
        """The options whose value is a filter."""
        return [name for name, action in self._option_string_actions.items() if action.metavar == FILTER]

    def _is_option(self, word: str) -> bool:
        return word.startswith("-") and word not in ("-", "--") and self._parse_optional(word) is not None

    def _can_intermix(self) -> bool:
        return not any(action.nargs in (argparse.PARSER, argparse.REMAINDER) for action in self._actions)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """As argparse's, but naming only what has a summary: the others are not for users."""
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:
            named = ", ".join(repr(choice.dest) for choice in action._choices_actions)
            raise argparse.ArgumentError(action, f"invalid choice: {value!r} (choose from {named})")
        super()._check_value(action, value)

    def _unknown(self, left: list[str]) -> str:
        options = [word.partition("=")[0] for word in left if word.startswith("-")]
        if not options:
            return f"too many arguments: {' '.join(left)}"
        near = nearest_option(options[0], self._option_string_actions)
        hint = f"did you mean {near}?" if near else f"see {self.prog} --help"
        if not near and self._takes_filters():
            hint += f", or write -name~{options[0].lstrip('-')} for runs that are not called so"
        return f"there is no option {options[0]}; {hint}"


def load_command(name: str) -> ModuleType:
    """The module of a command."""
    return importlib.import_module(f"workbench.cli.commands.{name}")


def build_parser(commands: Mapping[str, str], only: str | None = None) -> argparse.ArgumentParser:
    """The parser of all commands (name: summary), or of `only` one of them, which spares loading the others."""
    parser = argparse.ArgumentParser(
        prog="workbench",
        usage="workbench [--workspace DIR] COMMAND ...",
        description="Run Azure ML v2 command jobs on your own machine, record and watch them.",
        epilog=_overview(commands),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"workbench {__version__}")
    _common(parser, None)
    adding = parser.add_subparsers(
        dest="command", metavar="COMMAND", prog="workbench", help="one of those below", parser_class=CommandParser
    )
    for name in commands:
        if only is None or name == only:
            module = load_command(name)
            command = adding.add_parser(
                name,
                description=module.__doc__,
                formatter_class=argparse.RawDescriptionHelpFormatter,
                allow_abbrev=False,
            )
            _common(command, argparse.SUPPRESS)
            module.prepare_parser(command)
            _explain_actions(name, command, module.__doc__ or "")
    return parser


def _common(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "--workspace",
        metavar="DIR",
        default=default,
        help="the workspace: a .workbench folder, or the folder it is in (default: found from here upward)",
    )


def _overview(commands: Mapping[str, str]) -> str:
    lines = []
    for title, names in grouped(commands).items():
        lines += [f"{title}:", *(f"  {name:<{_NAME_WIDTH}}{commands[name]}" for name in names), ""]
    codes = [f"  {int(code):3d}  {meaning}" for code, meaning in MEANINGS.items()]
    examples = [
        "  workbench run job.yml                 # run a job and watch it",
        "  workbench                             # the dashboard",
        "  workbench ls 'state:failed created<2h'",
        "  workbench COMMAND --help              # arguments and examples of a command",
    ]
    return "\n".join([*lines, "examples:", *examples, "", "exit codes:", *codes])


def actions_of(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Name, summary and parser of each action of a command that has some (`workbench env ls`)."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            summaries = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, one in action.choices.items():
                yield name, summaries.get(name, ""), one


def _explain_actions(command: str, parser: argparse.ArgumentParser, text: str) -> None:
    """Give each action its summary as description, and those of the command's examples that are of it."""
    for name, summary, one in actions_of(parser):
        own = re.compile(rf"\bworkbench {command} {re.escape(name)}(?![\w-])")
        examples = [line for line in text.partition("\nexamples:\n")[2].splitlines() if own.search(line)]
        one.description = one.description or (f"{summary[:1].upper()}{summary[1:]}." if summary else None)
        one.formatter_class = argparse.RawDescriptionHelpFormatter
        if examples and not one.epilog:
            one.epilog = "\n".join(["examples:", *examples])
