"""A word to the person who runs a script, on stderr; never an error of its own. (Python 3.8.)"""

import sys


def warn(text: str) -> None:
    """One line on stderr, if there is one."""
    try:
        sys.stderr.write(text + "\n")
    except (OSError, ValueError, AttributeError):
        pass
