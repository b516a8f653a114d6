"""pip's options in a requirements file, as uv takes them: some on such lines too, some as words, some not at all."""

from collections.abc import Iterable

from msgspec import Struct, field

#: What a requirements file may say to pip (its "Requirements File Format") that uv has nothing like.
NOT_APPLIED = ("--prefer-binary", "--use-feature")


class UvOptions(Struct):
    """lines: those that uv reads from the requirements file as pip does. words: what its command line is to have more.
    hosts: those that are trusted without a certificate."""

    lines: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)


def for_uv(options: Iterable[str]) -> UvOptions:
    """pip's options, each a line, in uv's form."""
    found = UvOptions()
    for option in options:
        name, value = parted(option)
        if name == "--pre":
            found.words += ["--prerelease", "allow"]
        elif name == "--trusted-host":
            found.hosts.append(value)
        elif name not in NOT_APPLIED:
            found.lines.append(option)
    return found


def parted(option: str) -> tuple[str, str]:
    """An option's name and its value, behind a blank or an equals sign."""
    name, _, value = option.replace("=", " ", 1).partition(" ")
    return name, value.strip().strip("'\"")
