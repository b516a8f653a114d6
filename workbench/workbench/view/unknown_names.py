"""What a filter says of metrics and parameters that no run has: a slip of the pen, most often."""

from collections.abc import Sequence

from workbench_store.records import Condition, RunQuery

from workbench.spec.problems import nearest_name


def unknown_conditions(asked: RunQuery, metrics: Sequence[str], params: Sequence[str]) -> list[Condition]:
    """The conditions on a metric or parameter that is not among those that runs have."""
    known = {"metric": {*metrics}, "param": {*params}, "any": {*metrics, *params}}
    return [
        one
        for alternative in asked.alternatives
        for one in alternative
        if one.kind in known and one.name not in known[one.kind]
    ]


def told(conditions: Sequence[Condition], metrics: Sequence[str], params: Sequence[str]) -> str:
    """That in words, with the names that may be meant; "" for no condition."""
    return "; ".join(dict.fromkeys(_told(one, metrics, params) for one in conditions))


def _told(condition: Condition, metrics: Sequence[str], params: Sequence[str]) -> str:
    known = {"metric": metrics, "param": params}.get(condition.kind, [*metrics, *params])
    what = {"metric": "metric", "param": "parameter"}.get(condition.kind, "metric or parameter")
    text = f"no run has a {what} {condition.name!r}"
    meant = _meant(condition.name, known)
    return f"{text}; did you mean {meant}?" if meant else text


def _meant(name: str, known: Sequence[str]) -> str | None:
    """The known name that is near, or of which this is a word, as a filter writes it."""
    found = next((one for one in known if name in one.split()), None) or nearest_name(name, known)
    return f'"{found}"' if found and len(found.split()) > 1 else found
