"""Tests of permissions, which root does not feel."""

import os
import shutil

import pytest


def without_override() -> list[str]:
    """What takes root's rights over what is not its own away from a program, where this is root."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root reads everything, and there is no setpriv to do without")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--inh-caps=-all"]
