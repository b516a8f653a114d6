"""Making the store again from the journals, which are the record."""

from workbench_store.errors import WorkspaceError
from workbench_store.layout import WorkspaceLayout
from workbench_store.lease import lease_of
from workbench_store.records import Refresh
from workbench_store.store import Store, damaged_files


def rebuild(layout: WorkspaceLayout) -> Refresh:
    """Ingest every journal into a new store file; the old one goes only once the new one is whole.

    Raises WorkspaceError when the folder cannot be written or StoreBusy when another program holds on to the file.
    """
    aside = []
    with lease_of(layout).without_file():
        for path in damaged_files(layout):
            if path.is_dir():
                raise WorkspaceError(f"{path} is a folder", remedy="Move it away, then rebuild again.")
            old = layout.tmp / f"{path.name}.old"
            layout.tmp.mkdir(mode=0o700, exist_ok=True)
            path.replace(old)
            aside.append(old)
    report = Store(layout).refresh()
    for old in aside:
        old.unlink(missing_ok=True)
    return report
