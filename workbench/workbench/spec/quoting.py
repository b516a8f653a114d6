"""Paths put into a shell command: as one word, wherever in the command they stand.

Azure ML's paths never hold a blank, so commands are written without quotation marks around them; here a folder may be
called anything.
"""

import re
import shlex

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]*")
_MEANT_IN_DOUBLE = re.compile(r'(["\\$`])')
_MEANT_IN_DOCUMENT = re.compile(r"([\\$`])")
_DOCUMENT = re.compile(r"<<(-?)\s*(['\"]?)([A-Za-z0-9_.-]+)\2")
_WORD_BEGINS = " \t\n;&|("
#: Where a text ends, as `Place` has it: in no quotation marks, in a here-document that expands variables, in one that
#: does not.
BARE, DOCUMENT, PLAIN_DOCUMENT = "", "<<", "<<'"


def in_place(path: str, before: str) -> str:
    """The path as the shell must read it after the text `before`: unchanged if nothing in it means anything to one."""
    if _PLAIN.fullmatch(path):
        return path
    place = place_after(before)
    if place == "'":
        return path.replace("'", "'\\''")
    if place == '"':
        return _MEANT_IN_DOUBLE.sub(r"\\\1", path)
    if place == DOCUMENT:
        return _MEANT_IN_DOCUMENT.sub(r"\\\1", path)
    return path if place == PLAIN_DOCUMENT else shlex.quote(path)


def place_after(text: str) -> str:
    """What the end of a shell command's text is in: `'` or `"`, or BARE, DOCUMENT or PLAIN_DOCUMENT."""
    return _Scanner(text).run()


class _Scanner:
    """Walks over the text of a command as a shell would (POSIX, Shell Command Language, 2.2 and 2.7.4)."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        #: What is open, the innermost last: quotation marks, `(` of substitutions and subshells, backquotes.
        self._open: list[str] = []
        #: Here-documents whose bodies come after the line: whether tabs go, whether they are quoted, what ends them.
        self._documents: list[tuple[bool, bool, str]] = []

    @property
    def _inside(self) -> str:
        return self._open[-1] if self._open else ""

    def run(self) -> str:
        """Walk to the end; what that is in."""
        while self._at < len(self._text):
            if self._text[self._at] == "\n" and self._documents and self._inside not in ("'", '"'):
                place = self._skip_documents()
                if place is not None:
                    return place
            else:
                self._step(self._text[self._at])
        return self._inside if self._inside in ("'", '"') else BARE

    def _step(self, letter: str) -> None:
        inside = self._inside
        if inside == "'":
            self._close_at(letter == "'")
        elif letter == "\\":
            self._at += 2
        elif letter == '"':
            self._toggle('"')
        elif letter == "`":
            self._toggle("`")
        elif self._text.startswith("$(", self._at):
            self._open.append("(")
            self._at += 2
        elif inside == '"':
            self._at += 1
        else:
            self._bare_step(letter)

    def _bare_step(self, letter: str) -> None:
        found = _DOCUMENT.match(self._text, self._at)
        if letter == "'":
            self._open.append("'")
        elif letter == "(":
            self._open.append("(")
        elif letter == ")" and self._inside == "(":
            self._open.pop()
        elif letter == "#" and (self._at == 0 or self._text[self._at - 1] in _WORD_BEGINS):
            end = self._text.find("\n", self._at)
            self._at = len(self._text) if end < 0 else end
            return
        elif found and not self._text.startswith("<<<", self._at):
            self._documents.append((bool(found[1]), bool(found[2]), found[3]))
            self._at = found.end()
            return
        self._at += 1

    def _close_at(self, closes: bool) -> None:
        if closes:
            self._open.pop()
        self._at += 1

    def _toggle(self, mark: str) -> None:
        if self._inside == mark:
            self._open.pop()
        else:
            self._open.append(mark)
        self._at += 1

    def _skip_documents(self) -> str | None:
        """Go behind the bodies that begin with the next line; what the text ends in, if it ends in one."""
        for strips, quoted, ending in self._documents:
            while True:
                start = self._at + 1
                end = self._text.find("\n", start)
                if end < 0:
                    return PLAIN_DOCUMENT if quoted else DOCUMENT
                self._at = end
                line = self._text[start:end]
                if (line.lstrip("\t") if strips else line) == ending:
                    break
        self._documents.clear()
        return None
