"""Files written to a hidden name and renamed into place, so that nobody sees half of one. (Python 3.8.)"""

from __future__ import annotations

import os
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable


def replace_file(target: Path, write: Callable[[Path], object]) -> None:
    """Have `write` make a file beside the target, and let it take the target's place. Raises OSError, and then the
    target is as it was and nothing is beside it."""
    draft = target.with_name(".{}.part".format(os.urandom(8).hex()))
    try:
        write(draft)
        os.replace(str(draft), str(target))
    except OSError:
        try:
            os.unlink(str(draft))
        except OSError:
            pass
        raise


def make_folder_below(root: Path, folder: Path) -> None:
    """Make a folder that is `root` or below it. Raises OSError, also where `root` itself is gone: whoever removed a run
    or its workspace does not want an empty one back."""
    os.stat(str(root))
    folder.mkdir(parents=True, exist_ok=True)
