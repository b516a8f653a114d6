"""Which script this is, where its code is, and whether that is in git, by a look at the disk. (Python 3.8.)"""

from __future__ import annotations

import os
import sys
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional


def is_prompt() -> bool:
    """Whether no file is being run: in a notebook, at a prompt, by `python -c`. (What shows the prompt, IPython or a
    notebook's kernel, is a file too, but not the one that runs as `__main__`.)"""
    return (getattr(sys.modules.get("__main__"), "__file__", None) or "<stdin>") == "<stdin>"


def code_folder() -> Path:
    """Where the user's script really is; the current folder at a prompt, and for a program that was installed."""
    script = Path(os.path.abspath(sys.argv[0] if sys.argv else ""))
    if is_prompt() or not script.is_file() or _is_installed(script):
        return Path.cwd()
    return Path(os.path.realpath(script)).parent


def _is_installed(script: Path) -> bool:
    """Whether it is Python's own, a package's, or a command that a package has put beside Python."""
    library = Path(os.path.abspath(os.__file__)).parent
    commands = Path(os.path.abspath(sys.executable)).parent
    packages = {"site-packages", "dist-packages"}
    return script.parent == commands or library in script.parents or not packages.isdisjoint(script.parts)


def git_root(folder: Path) -> Optional[Path]:
    """The root of the working copy that the folder is in; None outside of git."""
    for place in (folder, *folder.parents):
        mark = place / ".git"
        if (mark / "HEAD").exists() or mark.is_file():
            return place
    return None
