"""Filters turned round among options: which word is what."""

import pytest
from workbench.cli.main import build_parser

LS = [
    (["-name~run1"], ["-name~run1"]),
    (["-note:x"], ["-note:x"]),
    (["-n_estimators=100"], ["-n_estimators=100"]),
    (["-num_leaves<31", "-n", "5"], ["-num_leaves<31"]),
    (["-solver~sgd"], ["-solver~sgd"]),
    (["--", "-wine"], ["-wine"]),
    (["state:failed", "--json", "-nested.a=1"], ["state:failed", "-nested.a=1"]),
    (["-n5", "-tag:old"], ["-tag:old"]),
    (["-n=5", "a"], ["a"]),
    (["--limit", "5", "--", "--odd"], ["--odd"]),
]


@pytest.mark.parametrize(("words", "filter"), LS)
def test_words_of_a_filter(words: list[str], filter: list[str]) -> None:
    found = build_parser("ls").parse_args(["ls", *words])
    assert found.filter == filter
    assert found.limit == (5 if "5" in "".join(words) else None)


@pytest.mark.parametrize("command", ["rm", "tag", "archive"])
@pytest.mark.parametrize("filter", ["-tag:keep", "-n_layers>3", '-"val loss"<1', "-a>1 b<2"])
def test_filters_behind_an_option(command: str, filter: str) -> None:
    found = build_parser(command).parse_args([command, "--all", filter])
    assert found.all == filter


@pytest.mark.parametrize(
    "words",
    [
        ["ls", "-json"],
        ["ls", "-srt", "x"],
        ["ls", "-nx"],
        ["ls", "-a"],
        ["ls", "-ltr"],
        ["ls", "-wine"],
        ["archive", "--all", "-n"],
        ["rm", "--all", "-f"],
        ["rm", "--all", "-force"],
        ["rm", "--all", "-yes"],
        ["rm", "--all", "--yes"],
        ["rm", "-x"],
    ],
)
def test_slips_of_options_stay_errors(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser(words[0]).parse_args(words)
    assert "usage: workbench" in capsys.readouterr().err
