"""What may come next on a command line: found from the parsers and, for names, from files; no database is opened."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from workbench.cli.completion.values import Candidate, Values, values_for

_FLAGS = ("store_true", "store_false", "store_const", "help", "version", "count")


class Completions(NamedTuple):
    """What fits the word that is being typed, and whether these are paths."""

    paths: bool
    items: tuple[Candidate, ...]


class _Place:
    """Where on the line the word that is being typed stands: in which parser, and what was given so far."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser
        self.positionals = _positionals(parser)
        self.given: set[str] = set()
        self.workspace: str | None = None
        self.waiting: argparse.Action | None = None
        self.only_positionals = False


def completions(parser: argparse.ArgumentParser, commands: Mapping[str, str], words: Sequence[str]) -> Completions:
    """What fits the last of `words`, which are those behind `workbench`. `parser` knows at least the command among
    them; `commands` has the summary of each."""
    place = _Place(parser)
    for word in words[:-1]:
        _take(place, word)
    current = words[-1] if words else ""
    found = _next(place, commands, current)
    fitting = sorted({one for one in found.items if one.value.startswith(current)})
    return Completions(found.paths, tuple(fitting))


def _take(place: _Place, word: str) -> None:
    """Go on behind a word that is complete."""
    if place.waiting is not None:
        if place.waiting.dest == "workspace":
            place.workspace = word
        place.waiting = None
    elif word == "--":
        place.only_positionals = True
    elif word.startswith("-") and len(word) > 1 and not place.only_positionals:
        name, _, value = word.partition("=")
        option = place.parser._option_string_actions.get(name)
        if option is None:
            return
        place.given.add(option.dest)
        if option.dest == "workspace" and value:
            place.workspace = value
        if option.nargs != 0 and "=" not in word:
            place.waiting = option
    elif place.positionals:
        _take_positional(place, word)


def _take_positional(place: _Place, word: str) -> None:
    action = place.positionals[0]
    if isinstance(action, argparse._SubParsersAction):
        # Behind a word that is none of the choices nothing is known.
        place.parser = action.choices[word] if word in action.choices else argparse.ArgumentParser(add_help=False)
        place.positionals = _positionals(place.parser)
        return
    place.given.add(action.dest)
    if action.nargs not in ("*", "+", argparse.REMAINDER):
        place.positionals.pop(0)


def _positionals(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if not action.option_strings]


def _next(place: _Place, commands: Mapping[str, str], current: str) -> Values:
    if place.waiting is not None:
        return values_for(place.parser, place.waiting, current, place.workspace)
    if current.startswith("-") and not place.only_positionals:
        name, equals, value = current.partition("=")
        option = place.parser._option_string_actions.get(name)
        if equals and option is not None:
            return _behind(f"{name}=", values_for(place.parser, option, value, place.workspace))
        return Values(False, tuple(_options(place)))
    if not place.positionals:
        return Values(False, ())
    action = place.positionals[0]
    if isinstance(action, argparse._SubParsersAction):
        summaries = {choice.dest: choice.help or "" for choice in action._choices_actions}
        known = commands if action.dest == "command" else {name: summaries.get(name, "") for name in summaries}
        return Values(False, tuple(Candidate(name, text) for name, text in known.items()))
    return values_for(place.parser, action, current, place.workspace)


def _behind(start: str, found: Values) -> Values:
    return Values(found.paths, tuple(Candidate(start + one.value, one.text) for one in found.items))


def _options(place: _Place) -> Iterator[Candidate]:
    """The options that may still be given, each by its longest name."""
    for action in place.parser._actions:
        again = isinstance(action, argparse._AppendAction)
        if action.option_strings and action.help != argparse.SUPPRESS and (again or action.dest not in place.given):
            yield Candidate(max(action.option_strings, key=len), action.help or "")
