"""uv's cache of packages, which is ours alone: it lies in the user's cache folder of Workbench."""

import os
import subprocess

from workbench_store.cache_root import cache_root
from workbench_store.errors import EnvironmentFailed


def prune_uv_cache() -> None:
    """Let uv remove what no environment is linked to and nothing would be made of. Raises EnvironmentFailed."""
    import uv

    folder = cache_root() / "uv"
    if not folder.is_dir():
        return
    command = [uv.find_uv_bin(), "cache", "prune", "--no-config"]
    variables = {**os.environ, "UV_CACHE_DIR": str(folder), "NO_COLOR": "1"}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise EnvironmentFailed(
            f"uv cannot prune its cache in {folder}: {done.stderr.strip()[-300:]}",
            remedy="Try again when no environment is being made.",
        )
