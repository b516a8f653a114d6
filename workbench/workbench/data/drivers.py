"""What fetching from a place needs that may not be installed; told without loading any of it."""

import sys
from importlib.util import find_spec

from workbench_store.errors import DataError, UsageError

from workbench.data.urls import fsspec_url, is_web
from workbench.spec.places import SCHEMES
from workbench.spec.problems import nearest_name

INSTALL = "pip install 'experiment-workbench[data]'"


def is_known(url: str) -> bool:
    """Whether the URL's scheme is one of those that can be read once what it needs is installed."""
    scheme = fsspec_url(url).partition(":")[0].lower()
    if scheme in SCHEMES or find_spec("fsspec") is None:
        return scheme in SCHEMES
    from importlib.metadata import entry_points

    from fsspec.registry import known_implementations, registry

    return any(scheme in names for names in (registry, known_implementations, entry_points(group="fsspec.specs").names))


def refuse_unknown(url: str) -> None:
    """Raises UsageError for a URL of a scheme that nothing is known to read."""
    if is_known(url):
        return
    scheme = url.partition(":")[0]
    nearest = nearest_name(scheme, SCHEMES)
    hint = f"Did you mean {nearest}:? " if nearest else ""
    others = f"with {INSTALL} wasbs:, abfss:, s3:, gs: and what else fsspec knows"
    raise UsageError(f"nothing reads {scheme}:", remedy=f"{hint}https: and http: are read, and {others}.")


def missing_driver(url: str) -> DataError | None:
    """The error for a URL that nothing installed can reach; None if it can be tried."""
    if is_web(url):
        return None
    scheme = fsspec_url(url).partition(":")[0].lower()
    if find_spec("fsspec") is None:
        return DataError(f"{scheme}: needs fsspec, which is not installed in {sys.prefix}", remedy=f"{INSTALL}")
    from importlib.metadata import entry_points

    from fsspec.registry import known_implementations, registry

    if scheme in registry or scheme in entry_points(group="fsspec.specs").names:
        return None
    if scheme not in known_implementations:
        nearest = nearest_name(scheme, known_implementations)
        hint = f"Did you mean {nearest}:? " if nearest else ""
        return DataError(f"{scheme}: is no scheme that fsspec knows", remedy=f"{hint}Or install what provides it.")
    package = str(known_implementations[scheme]["class"]).partition(".")[0]
    if find_spec(package) is None:
        needs = f"{INSTALL}, or pip install {package}"
        return DataError(f"{scheme}: needs the package {package}, which is not installed in {sys.prefix}", remedy=needs)
    return None
