"""Small files by which processes on one host steer each other: written whole or not at all."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench_store.faults import fault

from workbench.client.json_files import read_json as read_json


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write the object to a temporary name and rename it into place."""
    write_text(path, json.dumps(content, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write the text to a temporary name, readable by its owner only, and rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name(f".{path.name}.{os.getpid()}")
    hidden.touch(mode=0o600)
    hidden.write_text(text, encoding="utf-8", errors="surrogatepass")
    fault("file.drafted")
    hidden.replace(path)
