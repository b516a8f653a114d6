"""Small files by which processes on one host steer each other: written whole or not at all."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write the object to a temporary name and rename it into place."""
    write_text(path, json.dumps(content, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write the text to a temporary name, readable by its owner only, and rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name(f".{path.name}.{os.getpid()}")
    hidden.touch(mode=0o600)
    hidden.write_text(text, encoding="utf-8", errors="surrogatepass")
    hidden.replace(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in the file; None when it is not there, is damaged or is no object."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
