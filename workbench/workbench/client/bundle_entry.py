"""Stands at the head of each package of the bundle: an installed one of that name wins. (Python 3.8.)

The bundle is on PYTHONPATH, which comes before what the job's environment has installed. So the bundle's packages
look along the rest of the path first, and step aside for a package of their name found there.
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path


def installed_instead(name: str, file: str) -> bool:
    """Whether an installed package took this one's place; then the bundle's folder has left the path."""
    bundle = str(Path(file).resolve().parents[1])
    rest = [entry for entry in sys.path if not _same(entry, bundle)]
    spec = PathFinder.find_spec(name, rest)
    if spec is None or spec.loader is None or not spec.origin:
        return False
    sys.path[:] = rest
    for loaded in [module for module in sys.modules if module.split(".")[0] in ("workbench", "workbench_store")]:
        del sys.modules[loaded]
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return True


def _same(entry: str, bundle: str) -> bool:
    try:
        return bool(entry) and str(Path(entry).resolve()) == bundle
    except OSError:
        return False
