"""A private key that a job printed stands in several lines of its log: what follows its first line is cut out too."""

import re
from collections.abc import Sequence

from workbench_store.redaction import REDACTED

#: In a line, as bytes: where a key begins, and where it ends.
_MARK = b"PRIVATE"
_BEGIN = re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
#: What steers a terminal, so that a key in colours looks like one.
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,12}[A-Za-z]")
#: What a line of a key has, of 64 letters as a rule, whatever stands before and behind it: a date, a frame, quotes.
_BODY = re.compile(r"(?<![\w.+/-])[A-Za-z0-9+/]{40,}={0,2}(?![\w.+/-])")
#: The last line, which is shorter: it stands alone, or ends as only such a text does.
_LAST = re.compile(r"^\s*[A-Za-z0-9+/]{1,76}={0,2}\s*$|(?<![\w.+/-])[A-Za-z0-9+/]{2,76}={1,2}(?![\w.+/-])")
#: So many lines that are no key's may stand between two that are: of other processes, or the head of a key.
_BETWEEN = 20
#: More lines no key has, of 16,384 bits either.
_MOST = 400


class KeyLines:
    """Follows a log line by line, in order."""

    def __init__(self) -> None:
        self._left = 0
        self._lines = 0
        self._after_body = False

    @property
    def within(self) -> bool:
        """Whether the next line may be one of a key."""
        return self._left > 0

    def skipped(self, batch: Sequence[bytes]) -> None:
        """These lines are not shown, but may begin a key, or go on with one."""
        marked = _marked(batch) if _MARK in b"\n".join(batch) else []
        for line in batch[marked[-1] :] if marked else batch:
            if not marked and not self.within:
                return
            self._shown(line.decode("utf-8", "replace"), "")

    def shown(self, written: Sequence[str], lines: Sequence[str]) -> list[str]:
        """Lines without those of keys, given as the job wrote them and without other secrets."""
        return [self._shown(*pair) for pair in zip(written, lines, strict=True)]

    def _shown(self, written: str, line: str) -> str:
        plain = _COLOUR.sub("", written) if "\x1b" in written else written
        if _is_mark(plain):
            begins, ends = (max((one.end() for one in marks.finditer(plain)), default=0) for marks in (_BEGIN, _END))
            self._left, self._lines, self._after_body = (_BETWEEN if begins > ends else 0), _MOST, False
            return line
        if not self.within:
            return line
        self._lines -= 1
        if not self._lines:
            self._left = 0
            return line
        found = _BODY.search(plain)
        if found is None and self._after_body and _LAST.search(plain):
            self._after_body = False
            return _LAST.sub(REDACTED, _COLOUR.sub("", line))
        self._left, self._after_body = (self._left - 1, False) if found is None else (_BETWEEN, True)
        return line if found is None else _BODY.sub(REDACTED, _COLOUR.sub("", line))


def _marked(batch: Sequence[bytes]) -> list[int]:
    lines = ((number, line.decode("utf-8", "replace")) for number, line in enumerate(batch) if _MARK in line)
    return [number for number, line in lines if _is_mark(_COLOUR.sub("", line))]


def _is_mark(plain: str) -> bool:
    return "PRIVATE KEY" in plain and (_BEGIN.search(plain) or _END.search(plain)) is not None
