"""The environments of this machine's cache beside the runs of a workspace that used them."""

from typing import TYPE_CHECKING

from workbench.environment import KeptEnvironment

if TYPE_CHECKING:
    from workbench_store.store import Store


def runs_of(store: "Store", kept: list[KeptEnvironment]) -> dict[str, list[str]]:
    """The names of the runs that used each environment, newest first, by the environment's place."""
    by_key: dict[str, list[KeptEnvironment]] = {}
    found: dict[str, list[str]] = {str(one.place): [] for one in kept}
    for one in kept:
        by_key.setdefault(one.key, []).append(one)
    for name, key in store.environment_keys().items():
        for one in by_key.get(key[: len(kept[0].key)], ()) if kept else ():
            if len(by_key[one.key]) == 1 or _had(store, name, one):
                found[str(one.place)].append(name)
    return found


def _had(store: "Store", name: str, one: KeptEnvironment) -> bool:
    """Whether the run's Python is this environment's, where several have one key."""
    environment = store.detail(name).environment
    return environment is not None and str(environment.python).startswith(f"{one.place}/")
