"""pip's settings for package indexes, as uv's variables: a machine that is set up for one is set up for both."""

import subprocess
import sys
from collections.abc import Mapping, Sequence

_OF_UV = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_CONFIG_FILE", "UV_OFFLINE")


def index_variables(environ: Mapping[str, str], trusted: Sequence[str] = ()) -> dict[str, str]:
    """Variables for uv that make it do as pip would: from pip's configuration, unless uv has been told itself which
    indexes there are. `trusted` are hosts that an environment itself says are."""
    # pip takes the best version of all indexes; uv would take the first index that knows the name.
    found = {} if environ.get("UV_INDEX_STRATEGY") else {"UV_INDEX_STRATEGY": "unsafe-best-match"}
    if not any(environ.get(name) for name in _OF_UV):
        found.update(_of_pip(environ))
    if trusted:
        hosts = (found.get("UV_INSECURE_HOST") or environ.get("UV_INSECURE_HOST", "")).split()
        found["UV_INSECURE_HOST"] = " ".join(dict.fromkeys([*hosts, *trusted]))
    return found


def _of_pip(environ: Mapping[str, str]) -> dict[str, str]:
    settings = _pip_settings(environ)
    found = {}
    if settings.get("index-url"):
        found["UV_DEFAULT_INDEX"] = settings["index-url"]
    if settings.get("extra-index-url"):
        found["UV_INDEX"] = " ".join(settings["extra-index-url"].split())
    if settings.get("trusted-host"):
        found["UV_INSECURE_HOST"] = " ".join(settings["trusted-host"].split())
    if settings.get("find-links"):
        found["UV_FIND_LINKS"] = ",".join(settings["find-links"].split())
    if settings.get("cert") and not environ.get("SSL_CERT_FILE"):
        found["SSL_CERT_FILE"] = settings["cert"]
    return found


def _pip_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """What `pip config list` tells, then PIP_ variables, which count for more."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip", "config", "list"],
            capture_output=True,
            text=True,
            timeout=30,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
        )
        lines = done.stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        lines = []
    settings = {}
    for line in lines:
        name, _, value = line.partition("=")
        section, _, key = name.strip().partition(".")
        if section in ("global", "install", ":env:"):
            settings[key] = value.strip().strip("'\"").replace("\\n", " ")
    for name, value in environ.items():
        if name.startswith("PIP_") and value:
            settings[name[4:].lower().replace("_", "-")] = value
    return settings
