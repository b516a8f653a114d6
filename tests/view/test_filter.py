"""The filter language: what it means, and that nothing but a clear error comes of anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workbench.view.filter import parse_filter
from workbench_store.errors import UsageError
from workbench_store.records import Condition

NOW = 1_000_000.0


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("state:failed", Condition("column", "state", "=", "Failed")),
        ("state:notresp", Condition("column", "state", "=", "NotResponding")),
        ("state:canceled", Condition("column", "state", "=", "Canceled")),
        ("-state:completed", Condition("column", "state", "=", "Completed", True)),
        ("exp:digits", Condition("column", "experiment", "~", "digits")),
        ("exp=digits", Condition("column", "experiment", "=", "digits")),
        ("lr<0.1", Condition("any", "lr", "<", 0.1, written="0.1")),
        ("opt=adam", Condition("any", "opt", "=", "adam")),
        ("metric.loss>=1e-3", Condition("metric", "loss", ">=", 0.001, written="1e-3")),
        ("params.lr!=3", Condition("param", "lr", "!=", 3.0, written="3")),
        ("tag:best", Condition("tag", "best", "~", "")),
        ("tag:team=vision", Condition("tag", "team", "=", "vision")),
        ("tags.team=vision", Condition("tag", "team", "=", "vision")),
        ("heron", Condition("text", "", "~", "heron")),
        ('"two words"', Condition("text", "", "~", "two words")),
        ('name:"two words"', Condition("column", "name", "~", "two words")),
        ('"val loss"<1', Condition("any", "val loss", "<", 1.0, written="1")),
        ('-metric."val/f1 score">0.9', Condition("metric", "val/f1 score", ">", 0.9, True, written="0.9")),
        ('param."a<b"=1', Condition("param", "a<b", "=", 1.0, written="1")),
        ('tags."my team"="a b"', Condition("tag", "my team", "=", "a b")),
        ("tags.epoch>=11", Condition("tag", "epoch", ">=", 11.0)),
        ("tags.day>2026-11-02", Condition("tag", "day", ">", "2026-11-02")),
        ("tags.version=2.10", Condition("tag", "version", "=", "2.10")),
        ('"lr<0.1"', Condition("text", "", "~", "lr<0.1")),
        ('""', Condition("text", "", "~", "")),
        ("created<2h", Condition("column", "created", ">", NOW - 7200)),
        ("created < 2h", Condition("column", "created", ">", NOW - 7200)),
        ("lr < 0.1", Condition("any", "lr", "<", 0.1, written="0.1")),
        ("lr == 0.1", Condition("any", "lr", "=", 0.1, written="0.1")),
        ("name==a", Condition("column", "name", "=", "a")),
        ("lr <=0.1", Condition("any", "lr", "<=", 0.1, written="0.1")),
        ("-lr= 0.1", Condition("any", "lr", "=", 0.1, True, written="0.1")),
        ("tag:team = c", Condition("tag", "team", "=", "c")),
        ("-tag:team =c", Condition("tag", "team", "=", "c", True)),
        ("display_name~sgd", Condition("column", "display_name", "~", "sgd")),
        ('tags."my team" = "a b"', Condition("tag", "my team", "=", "a b")),
        ('note=""', Condition("column", "note", "=", "")),
        ('"or"', Condition("text", "", "~", "or")),
        ("duration>10m", Condition("column", "duration", ">", 600.0)),
    ],
)
def test_one_word(text: str, condition: Condition) -> None:
    assert parse_filter(text, NOW).alternatives == ((condition,),)


def test_names_that_are_near_a_field_are_those_of_parameters() -> None:
    for name in ("seed", "step", "stage", "rate", "node", "cost"):
        assert parse_filter(f"{name}:1").alternatives == ((Condition("any", name, "=", 1.0, written="1"),),)


def test_words_and_alternatives() -> None:
    found = parse_filter("a b | c", NOW).alternatives
    assert [[one.value for one in conditions] for conditions in found] == [["a", "b"], ["c"]]
    assert parse_filter("", NOW).alternatives == () == parse_filter(" | ", NOW).alternatives


def test_an_operator_takes_no_word_that_compares_itself() -> None:
    (found,) = parse_filter("note= state:failed acc > 2 heron", NOW).alternatives
    assert [(one.name, one.value) for one in found] == [("note", ""), ("state", "Failed"), ("acc", 2.0), ("", "heron")]


@pytest.mark.parametrize(
    "text",
    [
        '"open',
        "a or b",
        "state:failed AND lr<1",
        "NOT lr<1",
        "< 3",
        "a | <3",
        "acc => 0.5",
        "acc=<0.5",
        "acc <> 0.5",
        "name=~a",
        "lr<0.1 && opt=adam",
        "!state:failed",
        "- tag:keep",
        "tag:epoch>9",
        "state : failed",
        "exp :digits",
        "lr <",
        "state:sleeping",
        "stat:failed",
        "state:canc",
        "state:c",
        "lr<",
        "created<soon",
        "created~1h",
        "n<abc",
        "metric.loss>=x",
        "lr<<(",
        "state<failed",
        "exit>x",
        "name<b",
    ],
)
def test_what_means_nothing_is_explained(text: str) -> None:
    with pytest.raises(UsageError):
        parse_filter(text, NOW)


@given(st.text(max_size=60))
def test_anything_else_is_a_filter_or_a_usage_error(text: str) -> None:
    try:
        parse_filter(text, NOW)
    except UsageError as error:
        assert error.message


AWAY, HERE = (Condition("column", "archived", "=", value) for value in ("True", "False"))
ONE, TWO = (Condition("text", "", "~", word) for word in ("one", "two"))


@pytest.mark.parametrize(
    ("text", "alternatives", "archived"),
    [
        ("one | two", ((ONE,), (TWO,)), False),
        ("archived:yes", (), True),
        ("-archived:no", (), True),
        ("-archived:yes", (), False),
        ("one archived:all | two archived:all", ((ONE,), (TWO,)), None),
        ("one archived:yes | two -archived:no", ((ONE,), (TWO,)), True),
        ("one | archived:yes", ((ONE, HERE), (AWAY,)), None),
        ("one archived:yes | two", ((ONE, AWAY), (TWO, HERE)), None),
        ("one archived:all | two", ((ONE,), (TWO, HERE)), None),
        ("one | archived:all", (), None),
        ("one archived:yes | archived:yes", (), True),
        ("one archived:yes | archived:no |", ((ONE, AWAY), (HERE,)), None),
    ],
)
def test_each_alternative_says_which_archived_runs_it_means(
    text: str, alternatives: tuple[tuple[Condition, ...], ...], archived: bool | None
) -> None:
    found = parse_filter(text, NOW)
    assert (found.alternatives, found.archived) == (alternatives, archived)
