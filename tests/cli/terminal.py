"""A `workbench` command in the hands of a test."""

import subprocess
from collections.abc import Callable

Workbench = Callable[..., subprocess.CompletedProcess[str]]
