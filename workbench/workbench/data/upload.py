"""Bringing an output to a place that fsspec writes to."""

from pathlib import Path

from workbench_store.errors import DataError

from workbench.data.drivers import missing_driver
from workbench.data.hashing import hash_below
from workbench.data.secret_urls import without_secrets
from workbench.data.urls import fsspec_url, joined


def upload(source: Path, url: str) -> None:
    """Copy the file, or the files of the folder, to the URL, and see that each has its size there. Raises DataError."""
    import fsspec

    shown = without_secrets(url)
    missing = missing_driver(url)
    if missing:
        raise missing
    try:
        for file in hash_below(source):
            target = joined(url, file.path) if file.path else url
            system, path = fsspec.url_to_fs(fsspec_url(target))
            parent = path.rpartition("/")[0]
            if parent:
                system.makedirs(parent, exist_ok=True)
            system.put_file(str(source / file.path if file.path else source), path)
            there = system.size(path)
            if there != file.size:
                raise DataError(f"{shown}: {file.path or source.name} has {there} bytes there, and {file.size} here")
    except DataError:
        raise
    except Exception as error:  # file systems raise whatever their libraries do
        raise DataError(
            f"{source} cannot be written to {shown}: {type(error).__name__}: {error}",
            remedy="Check the place, the network, and the credentials in the environment.",
        ) from error
