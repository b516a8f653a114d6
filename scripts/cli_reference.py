"""Write docs/cli-reference.md from the parsers of the commands: what is there is what `--help` says."""

import argparse
from pathlib import Path

from generated import write_or_check
from workbench.cli.groups import grouped
from workbench.cli.main import COMMANDS, build_parser
from workbench.cli.parsers import actions_of

TARGET = Path(__file__).parents[1] / "docs" / "cli-reference.md"
HEAD = """# Command reference

Made from the commands' own help by `make docs`; do not edit it. [cli.md](cli.md) has exit codes, signals, the filter
language and the fields of `--json`. Every command takes `--workspace DIR`.
"""


def reference() -> str:
    """The whole document."""
    parser = build_parser()
    (commands,) = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    parts = [HEAD]
    for title, names in grouped(COMMANDS).items():
        parts.append(f"## {title}\n")
        parts += [_command(name, commands.choices[name]) for name in names]
    return "\n".join(parts)


def _command(name: str, parser: argparse.ArgumentParser) -> str:
    text, _, examples = (parser.description or "").strip().partition("\n\nexample")
    lines = [f"### workbench {name}", "", _escaped(text), ""]
    actions = list(actions_of(parser))
    shown = [(action, summary, one) for action, summary, one in actions if summary]
    if shown:
        lines += [_usage(f"workbench {name}", parser)]
        for action, summary, one in shown:
            lines += ["", f"**`workbench {name} {action}`**: {_escaped(summary)}", ""]
            lines += [_usage(f"workbench {name} {action}", one), *_arguments(one)]
    else:
        lines += [_usage(f"workbench {name}", parser), *_arguments(parser)]
    if examples:
        body = examples.partition("\n")[2]
        lines += ["", "```", *(line.removeprefix("  ") for line in body.rstrip().splitlines()), "```"]
    return "\n".join([*lines, ""])


def _usage(start: str, parser: argparse.ArgumentParser) -> str:
    """The line of usage; argparse's own differs from one Python to the next."""
    options = any(action.option_strings for action in _own(parser))
    required = [
        f"{action.option_strings[0]} {_value(action)}"
        for action in _own(parser)
        if action.required and action.option_strings
    ]
    positionals = [_positional(action) for action in _own(parser) if not action.option_strings]
    return f"    {' '.join([start, *(['[options]'] if options else []), *required, *positionals])}"


def _own(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    hidden = ("help", "workspace")
    return [action for action in parser._actions if action.dest not in hidden and action.help != argparse.SUPPRESS]


def _positional(action: argparse.Action) -> str:
    name = str(action.metavar or action.dest)
    return {"?": f"[{name}]", "*": f"[{name} ...]", "+": f"{name} [{name} ...]"}.get(str(action.nargs), name)


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.choices is not None and action.metavar is None:
        return "|".join(str(choice) for choice in action.choices)
    return str(action.metavar or action.dest.upper())


def _arguments(parser: argparse.ArgumentParser) -> list[str]:
    rows = []
    for action in _own(parser):
        if isinstance(action, argparse._SubParsersAction):
            continue
        names = ", ".join(action.option_strings) or str(action.metavar or action.dest)
        value = _value(action) if action.option_strings else ""
        rows.append(
            f"| `{_cell(f'{names} {value}'.strip())}` | {_escaped(_cell((action.help or '') % vars(action)))} |"
        )
    return ["", "| argument | |", "|---|---|", *rows] if rows else []


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*")


if __name__ == "__main__":
    write_or_check(TARGET, reference())
