"""pip's options in a requirements file: what they are, and what uv is told for them.

What such a file may say is in pip's documentation, "Requirements File Format".
"""

import shlex
from collections.abc import Iterable

from msgspec import Struct, field

_WITH_VALUE = {
    **{"-i": "--index-url", "-f": "--find-links", "-c": "--constraint", "-r": "--requirement", "-e": "--editable"},
    **{"--pypi-url": "--index-url", "--extra-index-url": "--extra-index-url", "--trusted-host": "--trusted-host"},
    **{"--no-binary": "--no-binary", "--only-binary": "--only-binary", "--use-feature": "--use-feature"},
}
_NAMES = {**_WITH_VALUE, **{long: long for long in _WITH_VALUE.values()}}
_FLAGS = frozenset({"--no-index", "--pre", "--prefer-binary", "--require-hashes"})
#: Those that uv has nothing like.
NOT_APPLIED = ("--prefer-binary", "--use-feature")
_LISTS = ("--no-binary", "--only-binary")


def options_of(line: str) -> list[tuple[str, str]]:
    """A line's options by their long names, each with its value ("" where it has none). Raises ValueError, in words."""
    found: list[tuple[str, str]] = []
    words = shlex.split(line)
    while words:
        name, mark, value = words.pop(0).partition("=")
        if not name.startswith("--") and len(name) > 2:  # -fhttps://...
            name, mark, value = name[:2], "=", name[2:] + mark + value
        if name in _FLAGS and not mark:
            found.append((name, ""))
            continue
        if name not in _NAMES:
            raise ValueError(f"{name} is no option of a requirements file")
        if not mark:
            rest = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
            value, words = " ".join(words[:rest]), words[rest:]
        if not value:
            raise ValueError(f"{name} is given no value")
        parts = value.split(",") if _NAMES[name] in _LISTS else [value]
        found += [(_NAMES[name], part.strip()) for part in parts]
    return found


class UvOptions(Struct):
    """lines: those that uv reads from the requirements file as pip does. words: what its command line is to have more.
    hosts: those that are trusted without a certificate."""

    lines: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)


def for_uv(options: Iterable[str]) -> UvOptions:
    """pip's options, each a line of its own, in uv's form."""
    found = UvOptions()
    for option in options:
        name, _, value = option.partition(" ")
        if name == "--pre":
            found.words += ["--prerelease", "allow"]
        elif name == "--trusted-host":
            found.hosts.append(value)
        elif name not in NOT_APPLIED:
            found.lines.append(option)
    return found
