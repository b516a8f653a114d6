"""What a filter says of metrics and parameters that no run has: a slip of the pen, most often."""

from collections.abc import Sequence

from workbench_store.records import Condition, RunQuery

from workbench.spec.problems import nearest_name

#: What the conditions that name a metric or a parameter ask for.
_ASKED_FOR = {"metric": "metric", "param": "parameter", "any": "metric or parameter"}


def named_conditions(asked: RunQuery) -> list[Condition]:
    """The conditions on a metric or a parameter."""
    return [one for alternative in asked.alternatives for one in alternative if one.kind in _ASKED_FOR]


def unknown_conditions(asked: RunQuery, metrics: Sequence[str], params: Sequence[str]) -> list[Condition]:
    """Those whose metric or parameter is not among what runs have."""
    return [one for one in named_conditions(asked) if one.name not in _known(one, metrics, params)]


def told(conditions: Sequence[Condition], metrics: Sequence[str], params: Sequence[str]) -> str:
    """That in words, with the names that may be meant; "" for no condition."""
    return "; ".join(dict.fromkeys(_told(one, _known(one, metrics, params)) for one in conditions))


def _known(condition: Condition, metrics: Sequence[str], params: Sequence[str]) -> Sequence[str]:
    return {"metric": metrics, "param": params, "any": [*metrics, *params]}[condition.kind]


def _told(condition: Condition, known: Sequence[str]) -> str:
    text = f"no run has a {_ASKED_FOR[condition.kind]} {condition.name!r}"
    meant = _meant(condition.name, known)
    return f"{text}; did you mean {meant}?" if meant else text


def _meant(name: str, known: Sequence[str]) -> str | None:
    """The known name that is near, or of which this is a word, as a filter writes it."""
    found = next((one for one in known if name in one.split()), None) or nearest_name(name, known)
    return f'"{found}"' if found and len(found.split()) > 1 else found
