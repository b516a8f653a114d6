"""The filter language of lists: `state:failed exp:digits lr<0.1 -tag:old | name~heron`.

Words are joined by "and", `|` by "or"; `-` before a word turns it round. A bare word looks at name, experiment, tags.
`field:value` and `field=value` compare with a field (state, exp, name, display_name, compute, kind, user, host, env,
created, duration, note), `tag:name` and `tag.name=value` with tags; any other name with `=`, `!=`, `<`, `<=`, `>`, `>=`
or `~` (holds) is a metric or a parameter, and blanks may stand around these; `metric.NAME` and `param.NAME` (also
metrics., params., tags.) say which. Quotation marks keep blanks and signs, in names as in values: `"val loss"<1`,
`tags."my team"="a b"`. Archived runs are left out unless `archived:yes` (only those) or `archived:all` is among the
words, or among those of an alternative.
"""

import re
import time

from msgspec import Struct
from workbench_store.errors import UsageError
from workbench_store.records import Condition, Operator, Subject
from workbench_store.states import RunState

from workbench.spec.problems import nearest_name
from workbench.view.filter_words import BAR, OPERATORS, filter_words

#: What may stand in a filter for a column of the list.
FIELDS = {
    "state": "state",
    "status": "state",
    "exp": "experiment",
    "experiment": "experiment",
    "name": "name",
    "display_name": "display_name",
    "compute": "compute",
    "kind": "kind",
    "user": "user",
    "host": "host",
    "env": "environment",
    "environment": "environment",
    "created": "created",
    "started": "started",
    "ended": "ended",
    "duration": "duration",
    "exit": "exit_code",
    "note": "note",
}
#: Fields of text, in which `:` asks for a part of it.
_PARTIAL = frozenset({"name", "display_name", "experiment", "compute", "user", "host", "environment", "note"})
_TEST = re.compile(rf'(?P<name>(?:"[^"]+"|[^:=<>!~\s"])+)(?P<operator>{OPERATORS}|:)(?P<value>.*)', re.S)
_AGO = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d|w)")
#: What other languages write, and how it is written here.
_WRITTEN_OTHERWISE = {"=>": ">=", "=<": "<=", "<>": "!=", "=!": "!=", "=~": "~", "~=": "~"}
_ARCHIVED = {
    **{"archived:yes": True, "archived:no": False, "archived:all": None},
    **{"-archived:yes": False, "-archived:no": True},
}
_ORDERS = frozenset({"<", "<=", ">", ">="})
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


class Filter(Struct, frozen=True):
    """A parsed filter: alternatives joined by "or", each of conditions joined by "and". `archived` is as a query's;
    where the alternatives differ in it, it is None, and a condition of each."""

    text: str
    alternatives: tuple[tuple[Condition, ...], ...]
    archived: bool | None = False


def parse_filter(text: str, now: float | None = None) -> Filter:
    """The filter that the text says; an empty one lets every run pass. Raises UsageError, naming the word."""
    moment = time.time() if now is None else now
    alternatives = [_Alternative()]
    for word in filter_words(text):
        if word == BAR:
            alternatives.append(_Alternative())
        elif word.removeprefix("-").startswith("archived:"):
            alternatives[-1].archived, alternatives[-1].is_said = _archived(word), True
        else:
            alternatives[-1].conditions.append(_condition(word, moment))
    given = [one for one in alternatives if one.conditions or one.is_said]
    kinds = {one.archived for one in given} or {False}
    archived = kinds.pop() if len(kinds) == 1 else None
    asked = [(*one.conditions, *one.of_archived(archived)) for one in given]
    return Filter(text, tuple(asked) if all(asked) else (), archived)


class _Alternative(Struct):
    """What stands between two bars."""

    conditions: list[Condition] = []
    archived: bool | None = False
    is_said: bool = False

    def of_archived(self, whole: bool | None) -> list[Condition]:
        """What it says of archived runs, where the filter as a whole does not say that."""
        if self.archived is None or self.archived is whole:
            return []
        return [Condition("column", "archived", "=", str(self.archived))]


def _archived(word: str) -> bool | None:
    if word not in _ARCHIVED:
        raise UsageError(f"the filter's {word!r} is none of archived:yes, archived:no and archived:all")
    return _ARCHIVED[word]


def _condition(word: str, now: float) -> Condition:
    negated = word.startswith("-") and len(word) > 1
    body = word[1:] if negated else word
    match = _TEST.fullmatch(body)
    if match is None and re.match(OPERATORS, body):
        raise UsageError(f"the filter's {word!r} compares nothing", remedy="Write for example lr<0.1.")
    if match is None:
        return Condition("text", "", "~", _unquoted(body), negated)
    signs = body[match.start("operator") :][:2]
    if signs in _WRITTEN_OTHERWISE:
        raise UsageError(f"the filter's {word!r} is no condition: {signs} is written {_WRITTEN_OTHERWISE[signs]}")
    operator = "=" if match["operator"] == "==" else match["operator"]
    name, value = _unquoted(match["name"]), _unquoted(match["value"])
    if not value and operator != "=":
        raise UsageError(
            f"the filter's {word!r} compares with nothing", remedy="Write for example state:failed or lr<0.1."
        )
    kind, _, rest = name.partition(".")
    if kind in ("metric", "metrics", "param", "params") and rest:
        which: Subject = "metric" if kind[0] == "m" else "param"
        return _of_value(which, rest, word, operator, value, negated)
    if kind in ("tag", "tags"):
        return _tag(rest, word, operator, value, negated)
    if name.lower() in FIELDS:
        return _field(FIELDS[name.lower()], operator, value, negated, now)
    meant = nearest_name(name, FIELDS, 0.85) if operator == ":" else None
    if meant is not None:
        raise UsageError(
            f"the filter's {word!r} names no field; did you mean {meant!r}?",
            remedy=f"For a metric or a parameter write {name}={value}.",
        )
    return _of_value("any", name, word, operator, value, negated)


def _of_value(kind: Subject, name: str, word: str, operator: str, value: str, negated: bool) -> Condition:
    found = _comparable(word, operator, value)
    return Condition(kind, name, _operator(operator), found, negated, value if isinstance(found, float) else None)


def _comparable(word: str, operator: str, value: str) -> str | float:
    """The value as a number if it is one, which it must be where more and less are asked for."""
    found = _value(value)
    if operator in _ORDERS and isinstance(found, str):
        raise UsageError(f"the filter's {word!r} compares with {value!r}, which is no number")
    return found


def _unquoted(text: str) -> str:
    return text.replace('"', "")


def _operator(text: str) -> Operator:
    found: dict[str, Operator] = {":": "=", "=": "=", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "~": "~"}
    return found[text]


def _value(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def _tag(name: str, word: str, operator: str, value: str, negated: bool) -> Condition:
    """Tags are text, and numbers where more or less than a number is asked for."""
    if name:
        return Condition("tag", name, _operator(operator), _value(value) if operator in _ORDERS else value, negated)
    key, given, wanted = value.partition("=")
    meant = re.match(r"([^<>!~=]+)(<=|>=|!=|[<>~])", value)
    if meant is not None:
        raise UsageError(
            f"the filter's {word!r} names a tag by {value!r}", remedy=f"Write tags.{meant[1]}{value[len(meant[1]) :]}."
        )
    return Condition("tag", key, "=" if given else "~", wanted, negated)


def _field(column: str, operator: str, value: str, negated: bool, now: float) -> Condition:
    if operator in _ORDERS and column in (*_PARTIAL, "state", "kind"):
        raise UsageError(
            f"the filter cannot compare {column} with {operator!r}", remedy=f"Write for example {column}:{value}."
        )
    if column == "state":
        return Condition("column", "state", "=" if operator == ":" else _operator(operator), _state(value), negated)
    if column in ("created", "started", "ended", "duration"):
        return _moment(column, operator, value, negated, now)
    if operator == ":" and column in _PARTIAL:
        return Condition("column", column, "~", value, negated)
    typed = _comparable(f"exit{operator}{value}", operator, value) if column == "exit_code" else value
    return Condition("column", column, _operator(operator), typed, negated)


def _state(value: str) -> str:
    wanted = value.replace("_", "").replace("-", "").lower()
    fitting = [state for state in RunState if str(state).lower().startswith(wanted) and wanted]
    exact = [state for state in fitting if str(state).lower() == wanted]
    if len(exact or fitting) == 1:
        return str((exact or fitting)[0])
    if fitting:
        meant = " or ".join(str(state).lower() for state in fitting)
        raise UsageError(f"the filter's state {value!r} may be {meant}", remedy="Write more of it.")
    names = ", ".join(str(state).lower() for state in RunState if state is not RunState.UNKNOWN)
    raise UsageError(f"the filter's state {value!r} is none", remedy=f"States: {names}.")


def _moment(column: str, operator: str, value: str, negated: bool, now: float) -> Condition:
    """`created<2h`: less than two hours ago; durations are in seconds unless a unit is given."""
    match = _AGO.fullmatch(value)
    seconds = float(match[1]) * _SECONDS[match[2]] if match else _value(value)
    if isinstance(seconds, str):
        raise UsageError(
            f"the filter's {column} {value!r} is no time", remedy="Write for example created<2h or duration>10m."
        )
    if column == "duration":
        return Condition("column", column, _operator(operator), seconds, negated)
    turned: dict[str, Operator] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", ":": ">=", "=": "="}
    if operator not in turned:
        raise UsageError(f"the filter cannot compare {column} with {operator!r}")
    return Condition("column", column, turned[operator], now - seconds, negated)
