"""Small JSON files by which processes on one host tell each other something. (Python 3.8.)"""

import json
import os
from pathlib import Path
from typing import Any, Dict, Mapping, Optional


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write the object to a temporary name and rename it into place. Raises OSError."""
    draft = path.with_name(".{}.{}".format(path.name, os.getpid()))
    draft.write_text(json.dumps(value))
    os.replace(str(draft), str(path))


def read_json(path: Path) -> Optional[Dict[str, Any]]:
    """The object in the file; None when it is not there, is damaged or is no object."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
