"""What is to be kept of one logged thing, before it has a step and a place. (Python 3.8.)"""

from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional


class Item(NamedTuple):
    """`data` goes into a file, or `source` is copied into one, or `content` (JSON) goes into the record itself.

    `format` is the ending of the file's name; `detail` is what is worth knowing without opening it; `size` is in bytes,
    where the thing is kept elsewhere.
    """

    format: str
    detail: Dict[str, Any]
    data: Optional[bytes] = None
    source: Optional[Path] = None
    content: Any = None
    size: int = 0
