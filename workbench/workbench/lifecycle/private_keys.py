"""A private key that a job printed stands in several lines of its log: what follows its first line is cut out too."""

import re
from collections.abc import Sequence

from workbench_store.redaction import REDACTED

#: In a line, as bytes: where a key begins, and where it ends.
MARK = b"PRIVATE KEY-----"
_BEGIN, _END = "-----BEGIN ", "-----END "
_COLOUR = r"\x1b\[[0-9;]{0,12}m"
#: What a line of a key is, be it behind a date, a name or a colour: of 64 letters as a rule, the last one shorter.
_BODY = re.compile(
    rf"(.*(?:[^A-Za-z0-9+/=]|{_COLOUR}))?[A-Za-z0-9+/]{{16,100}}={{0,2}}(?:\s|{_COLOUR})*"
    r"|\s*[A-Za-z0-9+/]{1,100}={0,2}\s*"
)
_LONGEST_LINE = 1000
#: A key of 16,384 bits has some 200 lines. What follows is something else, though no end was seen.
_LONGEST = 400


class KeyLines:
    """Follows a log line by line, in order."""

    def __init__(self) -> None:
        self._left = 0

    def skipped(self, batch: Sequence[bytes]) -> None:
        """These lines are not shown, but may begin a key."""
        joined = b"\n".join(batch)
        place = joined.rfind(MARK)
        if place < 0:
            self._left = max(0, self._left - len(batch))
            return
        line = joined[joined.rfind(b"\n", 0, place) + 1 : place].decode("utf-8", "replace")
        self._look_at(line + MARK.decode())
        self._left = max(0, self._left - joined.count(b"\n", place))

    def shown(self, raw: Sequence[str], lines: Sequence[str]) -> list[str]:
        """Lines as they are shown, given as the job wrote them and without their secrets: without those of keys."""
        return [self._shown(as_written, line) for as_written, line in zip(raw, lines, strict=True)]

    @property
    def within(self) -> bool:
        """Whether the next line may be one of a key."""
        return self._left > 0

    def _shown(self, as_written: str, line: str) -> str:
        within = self._left > 0
        self._left -= within
        if MARK.decode() in as_written:
            self._look_at(as_written)
            return line
        found = _BODY.fullmatch(as_written) if within and len(as_written) <= _LONGEST_LINE else None
        return line if found is None else (found[1] or "") + REDACTED

    def _look_at(self, line: str) -> None:
        begins, ends = line.rfind(_BEGIN), line.rfind(_END)
        self._left = _LONGEST if begins > ends else 0
