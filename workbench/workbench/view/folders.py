"""Showing a folder in the desktop's file manager."""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def open_folder(folder: Path) -> bool:
    """Ask the desktop to show the folder; False where there is no desktop to ask."""
    program = "open" if sys.platform == "darwin" else "xdg-open"
    on_screen = sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    if not on_screen or shutil.which(program) is None:
        return False
    try:
        subprocess.Popen(
            [program, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    return True
