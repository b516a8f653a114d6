"""How large a run's log may grow. (Python 3.8.)"""

import os

DEFAULT_CAP = 64 * 1024 * 1024
_LEAST_CAP = 64 * 1024


def cap_bytes() -> int:
    """The cap in bytes: WORKBENCH_LOG_CAP, or 64 MiB."""
    text = os.environ.get("WORKBENCH_LOG_CAP", "")
    return max(_LEAST_CAP, int(text)) if text.isdigit() else DEFAULT_CAP
