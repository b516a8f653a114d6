"""Expressions are replaced literally; what has no value is said or, in `$[[ ]]`, dropped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workbench.spec import literal_text, references, resolve_command
from workbench_store.errors import SpecError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("python t.py --lr ${{inputs.lr}}", "python t.py --lr 0.1"),
        ("${{ inputs.lr }}${{inputs.lr}}", "0.10.1"),
        ("cp ${{inputs.data}} ${{ outputs.model }}/x", "cp /d a b /o/model/x"),
        ("echo '${{inputs.data}}'", "echo '/d a b'"),
        ("echo $HOME $[1+1] ${x} {{y}}", "echo $HOME $[1+1] ${x} {{y}}"),
        ("if [[ -f ${{inputs.data}} ]]; then ls; fi", "if [[ -f /d a b ]]; then ls; fi"),
        ("run $[[--lr ${{inputs.lr}}]]", "run --lr 0.1"),
        ("run $[[--limit ${{inputs.limit}}]] end", "run  end"),
        ("run $[[--a ${{inputs.lr}} --b ${{inputs.none}}]]", "run "),
        ("run $[[always]]", "run always"),
    ],
)
def test_resolving(text: str, expected: str) -> None:
    inputs = {"lr": "0.1", "data": "/d a b"}
    assert resolve_command(text, inputs, {"model": "/o/model"}) == expected


def test_a_reference_without_a_value() -> None:
    with pytest.raises(SpecError, match=r"\$\{\{inputs.x\}\}, which has no value"):
        resolve_command("echo ${{inputs.x}}", {}, {})


def test_a_value_is_not_resolved_again() -> None:
    assert resolve_command("echo ${{inputs.a}}", {"a": "${{inputs.b}} \\1", "b": "no"}, {}) == "echo ${{inputs.b}} \\1"


def test_references_in_order() -> None:
    found = references("${{outputs.b}} $[[x ${{inputs.a}}]] ${{ search_space.lr }}")
    assert [(item.scope, item.name, item.optional) for item in found] == [
        ("outputs", "b", False),
        ("inputs", "a", True),
        ("", "search_space.lr", False),
    ]


@pytest.mark.parametrize(("value", "text"), [(True, "True"), (1, "1"), (0.001, "0.001"), ("007", "007")])
def test_literals_as_text(value: str | int | float | bool, text: str) -> None:
    assert literal_text(value) == text


@given(st.text(max_size=60))
def test_text_without_expressions_is_left_alone(text: str) -> None:
    if "${{" not in text and "$[[" not in text:
        assert resolve_command(text, {}, {}) == text
