"""pip's lines, of a conda file or a requirements file: requirements, options, constraints and local packages."""

import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, field
from workbench_store.errors import EnvironmentFailed

from workbench.environment.local_packages import fingerprint
from workbench.environment.pip_options import NOT_APPLIED, options_of
from workbench.spec.files import kind_at

_LONG = re.compile(r"(--[a-z-]+)(?:\s*=\s*|\s+|$)(.*)")
_SHORT = re.compile(r"(-[a-zA-Z])\s*(.*)")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://|git\+")
_NAMED_FILE = re.compile(r"(?P<name>[A-Za-z0-9._-]+\s*(?:\[[^\]]*\])?)\s*@\s*file:(?P<path>.*)")
#: A path, its extras, and what follows it: a marker or hashes.
_PATH = re.compile(r"(?P<path>[^;\[]+?)(?P<more>\s*(?:\[[^\]]*\])?\s*(?:;.*|\s--hash.*)?)")
_ARCHIVE = re.compile(r"\S+\.(?:whl|zip|tar\.gz)(?:\s.*)?")


class PipLines(Struct):
    """What was read: requirements as pip writes them, with absolute paths (an editable one after `-e`), options,
    constraints, what was changed on the way, and each local package's path with what hashes its content."""

    requirements: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    local: dict[str, str] = field(default_factory=dict)

    def read(self, line: str, folders: tuple[Path, ...], inside: tuple[Path, ...] = ()) -> None:
        """Take a line in. Paths are relative to the first folder, that of the file it stands in, or else to a later
        one; `inside` are the files that are being read. Raises EnvironmentFailed."""
        line = re.sub(r"(^|\s)#.*$", "", line).strip()
        if not line:
            return
        if not line.startswith("-"):
            if "--hash" in line and "==" not in line.partition("--hash")[0] and "@" not in line:
                raise EnvironmentFailed(
                    f"the line {line.split(' --hash')[0]!r} has a hash and no version, so nothing says what it is of",
                    remedy="Pin the version with ==, as `pip-compile --generate-hashes` does.",
                )
            self.requirements.append(self._requirement(line, folders))
            return
        try:
            options = options_of(line)
        except ValueError as error:
            raise EnvironmentFailed(
                f"the line {line!r} cannot be understood: {error}", remedy="Mend the pip lines of the environment."
            ) from error
        for name, value in options:
            self._option(name, value, line, folders, inside)

    def _option(self, name: str, value: str, line: str, folders: tuple[Path, ...], inside: tuple[Path, ...]) -> None:
        if name == "--requirement":
            path = _file(value, folders, line, inside)
            for inner in joined(path):
                self.read(inner, (path.parent, *folders), (*inside, path))
        elif name == "--constraint" and not _ADDRESS.match(value):
            self._constrain(value, folders, line, inside)
        elif name == "--editable":
            self._editable(value, folders)
        elif name == "--find-links" and not _ADDRESS.match(value):
            self.options.append(f"--find-links {self._path(value, folders, shallow=True)}")
        else:
            if name in NOT_APPLIED:
                self.changes.append(f"pip's {name} is left out: uv, which installs here, has nothing like it")
            self.options.append(f"{name} {value}".strip())

    def _constrain(self, value: str, folders: tuple[Path, ...], line: str, inside: tuple[Path, ...]) -> None:
        path = _file(value, folders, line, inside)
        for inner in joined(path):
            inner = re.sub(r"(^|\s)#.*$", "", inner).strip()
            match = _LONG.fullmatch(inner) or _SHORT.fullmatch(inner)
            if match and match[1] in ("-c", "--constraint"):
                self._constrain(match[2], (path.parent, *folders), inner, (*inside, path))
            elif match:
                raise EnvironmentFailed(
                    f"the constraints file {path} has the line {inner!r}, which constrains no package",
                    remedy="Put it into the requirements.",
                )
            elif inner:
                self.constraints.append(self._requirement(inner, (path.parent, *folders)))

    def _editable(self, value: str, folders: tuple[Path, ...]) -> None:
        if _ADDRESS.match(value) and not value.startswith("file:"):
            self.changes.append(f"{value} is installed, but not editable: local compute keeps no copy of its source")
            self.requirements.append(value)
            return
        bare = value.partition("#")[0].removeprefix("file://").removeprefix("file:")
        self.requirements.append(f"-e {self._placed(bare, folders)}")

    def _requirement(self, line: str, folders: tuple[Path, ...]) -> str:
        """With an absolute path, if it has one: the installer runs elsewhere."""
        named = _NAMED_FILE.fullmatch(line)
        if named:
            return f"{named['name']} @ {self._file_address(named['path'], folders)}"
        if line.startswith("file:"):
            return self._file_address(line.removeprefix("file:"), folders)
        local = line.startswith((".", "/")) or (_ARCHIVE.fullmatch(line) and "@" not in line)
        return self._placed(line, folders) if local and not _ADDRESS.match(line) else line

    def _file_address(self, text: str, folders: tuple[Path, ...]) -> str:
        path = re.sub(r"^//(localhost)?(?=/)", "", text)
        bare, mark, more = path.partition("#")
        return f"file://{self._placed(bare, folders)}{mark}{more}"

    def _placed(self, text: str, folders: tuple[Path, ...]) -> str:
        match = _PATH.fullmatch(text)
        if match is None:
            raise EnvironmentFailed(f"the local package {text!r} cannot be understood", remedy="Write it as ./folder.")
        return f"{self._path(match['path'].strip(), folders)}{match['more']}"

    def _path(self, text: str, folders: tuple[Path, ...], shallow: bool = False) -> Path:
        path = _there(text, folders).resolve()
        self.local[str(path)] = fingerprint(path, shallow)
        return path


def joined(path: Path) -> Iterator[str]:
    """The lines of a requirements file, those joined that a backslash continues; no comment is continued."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentFailed(f"the requirements file {path} cannot be read: {error}") from error
    return joined_lines(text)


def joined_lines(text: str) -> Iterator[str]:
    """The lines of such a file's text."""
    parts: list[str] = []
    for line in text.splitlines():
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            parts.append(line.rstrip("\\").strip())
            continue
        yield " ".join([*parts, line.strip()])
        parts = []
    if parts:
        yield " ".join(parts)


def _file(name: str, folders: tuple[Path, ...], line: str, inside: tuple[Path, ...]) -> Path:
    if _ADDRESS.match(name):
        raise EnvironmentFailed(
            f"the line {line!r} names a file elsewhere, of which nobody knows when it changes",
            remedy="Save it beside the conda file, and name it there.",
        )
    path = _there(name, folders).resolve()
    if path in inside:
        raise EnvironmentFailed(f"the requirements file {path} includes itself", remedy="Take that line out.")
    return path


def _there(name: str, folders: tuple[Path, ...]) -> Path:
    for folder in folders:
        kind = kind_at(folder / name)
        if kind in ("a file", "a folder"):
            return folder / name
        if kind is not None:
            raise EnvironmentFailed(
                f"the conda file names {name}, and {folder / name} is {kind}", remedy="Name a file or a folder."
            )
    raise EnvironmentFailed(
        f"the conda file names {name}, which is not at {folders[0] / name}",
        remedy="Paths are relative to the file that they stand in.",
    )
