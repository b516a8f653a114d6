"""Where a script's code is, and whether that is in git, by a look at the disk. (Python 3.8.)"""

from __future__ import annotations

import sys
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional


def code_folder() -> Path:
    """Where the script is; the current folder where there is no script, as in a notebook."""
    script = Path(sys.argv[0] if sys.argv else "").absolute()
    return script.parent if script.is_file() else Path.cwd()


def git_root(folder: Path) -> Optional[Path]:
    """The root of the working copy that the folder is in; None outside of git."""
    for place in (folder, *folder.parents):
        mark = place / ".git"
        if (mark / "HEAD").exists() or mark.is_file():
            return place
    return None
