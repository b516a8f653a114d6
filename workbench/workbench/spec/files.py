"""Job files and the files they name, read without trusting what is there."""

import os
import stat
from pathlib import Path
from typing import NamedTuple

from workbench_store.interrupts import load_whole

from workbench.spec.problems import Problem
from workbench.spec.tree import Node

MOST_BYTES = 1024 * 1024


class Unreadable(Exception):
    """A file cannot be read as a spec; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class YamlText(NamedTuple):
    """YAML that was read: its text, its tree, and what is wrong with single keys of it, which are left out."""

    text: str
    tree: Node | None
    problems: list[Problem]


def read_yaml_file(path: Path) -> tuple[str, Node | None]:
    """The text and the tree of a YAML file. Raises Unreadable, also for a key that is given twice."""
    text, tree, problems = parse_yaml_file(path)
    if problems:
        raise Unreadable(problems[0])
    return text, tree


def parse_yaml_file(path: Path) -> YamlText:
    """A YAML file as far as it can be read. Raises Unreadable."""
    return parse_yaml_text(_read(path), str(path))


def parse_yaml_text(data: bytes | str, name: str) -> YamlText:
    """YAML that was read already, as far as it makes sense. Raises Unreadable, which calls it `name`."""
    # Only files need a parser: what reads spec.json does without the cost of loading one.
    load_whole("yaml")
    from workbench.spec.yamltext import BadYaml, parse_yaml

    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1 if isinstance(data, bytes) else 0
        raise _unreadable(name, f"not UTF-8 text: byte {error.start} cannot be decoded", line) from error
    if "\0" in text:
        raise _unreadable(name, "not text: it contains null characters")
    try:
        return YamlText(text, *parse_yaml(text, name))
    except BadYaml as error:
        raise Unreadable(error.problem) from error


def _read(path: Path) -> bytes:
    """The bytes of a regular file of at most MOST_BYTES; O_NONBLOCK so that a pipe cannot hold us up."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError as error:
        raise _unreadable(str(path), "no such file") from error
    except (OSError, ValueError) as error:
        raise _unreadable(str(path), f"cannot be opened: {reason(error)}") from error
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise _unreadable(str(path), f"is {kind_of(mode)}, not a file")
        with open(handle, "rb", closefd=False) as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise _unreadable(str(path), f"cannot be read: {reason(error)}") from error
    finally:
        os.close(handle)
    if len(data) > MOST_BYTES:
        raise _unreadable(str(path), f"larger than {MOST_BYTES // 1024} KiB, which no job file is")
    return data


def _unreadable(name: str, message: str, line: int = 0) -> Unreadable:
    return Unreadable(Problem(name, line, 1 if line else 0, "", message))


def reason(error: OSError | ValueError) -> str:
    """Why the system refused, without the path."""
    return getattr(error, "strerror", None) or str(error)


def kind_at(path: str | Path) -> str | None:
    """What is at a path, links followed: `a file`, `a folder`, `a pipe` ...; None if nothing can be found there."""
    try:
        return kind_of(os.stat(path).st_mode)
    except (OSError, ValueError):
        return None


def kind_of(mode: int) -> str:
    """What a file mode says a thing is."""
    kinds = {
        stat.S_IFREG: "a file",
        stat.S_IFDIR: "a folder",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
    }
    return kinds.get(stat.S_IFMT(mode), "something else")
