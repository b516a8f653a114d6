"""Where uv keeps things when we call it: in our cache folder, so that nothing is written elsewhere."""

from collections.abc import Mapping
from pathlib import Path

from workbench_store.cache_root import cache_root


def uv_folders(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables for uv. Credentials that the user has stored with it are used where they are; else it would make a
    folder for them in the user's home."""
    cache = cache_root() / "uv"
    found = {"UV_CACHE_DIR": str(cache)}
    if not (_users_credentials(environ) / "credentials.toml").exists():
        found["UV_CREDENTIALS_DIR"] = str(cache / "credentials")
    return found


def _users_credentials(environ: Mapping[str, str]) -> Path:
    """Where uv keeps the user's own."""
    named, data = environ.get("UV_CREDENTIALS_DIR"), environ.get("XDG_DATA_HOME")
    if named:
        return Path(named)
    home = environ.get("HOME")
    share = Path(data) if data else Path(home) / ".local/share" if home else Path.home() / ".local/share"
    return share / "uv" / "credentials"
