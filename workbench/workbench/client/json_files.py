"""Small JSON files by which processes on one host tell each other something. (Python 3.8.)"""

from __future__ import annotations

import json
import os
from pathlib import Path

from workbench.client.replacing import replace_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Mapping, Optional


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write the object to a temporary name and rename it into place. Raises OSError."""
    replace_file(path, lambda draft: draft.write_text(json.dumps(value)))


def read_json(path: Path) -> Optional[Dict[str, Any]]:
    """The object in the file; None when it is not there, is no file, is damaged or is no object."""
    try:
        content = json.loads(path.read_bytes() if os.path.isfile(str(path)) else b"")
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
