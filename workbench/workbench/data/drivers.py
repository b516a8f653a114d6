"""What fetching from a place needs that may not be installed; told without loading any of it."""

import sys
from importlib.util import find_spec

from workbench_store.errors import DataError

from workbench.data.urls import fsspec_url, is_web
from workbench.spec.problems import nearest_name

INSTALL = "pip install 'experiment-workbench[data]'"


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
