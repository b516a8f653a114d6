"""Texts: short ones are kept in the record, long ones as files. (Python 3.8.)"""

from typing import Any

from workbench_store.errors import UsageError
from workbench_store.redaction import redacted

from workbench.client.media.item import Item

SHORT_CHARACTERS = 2_000
MOST_CHARACTERS = 8 * 1024 * 1024


def text_item(key: str, text: Any) -> Item:
    """What is kept of a text, without what looks like a secret. UsageError, which names the key, for what is none or is
    too long."""
    if not isinstance(text, str):
        raise UsageError("text {!r} is a {}".format(key, type(text).__name__), remedy="Pass str(...) of it.")
    if len(text) > MOST_CHARACTERS:
        raise UsageError(
            "text {!r} has {:,} characters; at most {:,} are kept".format(key, len(text), MOST_CHARACTERS),
            remedy="Log a part of it, or save it as a file with log_artifact.",
        )
    text = redacted(text)
    whole = text.encode("utf-8", "replace")
    detail = {"characters": len(text), "lines": text.count("\n") + 1}
    if len(text) <= SHORT_CHARACTERS:
        return Item("txt", detail, content=whole.decode("utf-8"))
    return Item("txt", detail, data=whole)
