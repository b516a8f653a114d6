"""The bundle: what `import workbench` finds in a job whose environment has nothing of ours.

A folder with the packages `workbench` and `workbench_store`, reduced to what logging needs, made once for each
version of its content and put at the end of the job's PYTHONPATH.
"""

import hashlib
import os
import shutil
import uuid
from functools import cache
from pathlib import Path

import workbench_store
from workbench_store.faults import fault
from workbench_store.layout import WorkspaceLayout

_ROOTS = {
    "workbench": Path(__file__).resolve().parents[2],
    "workbench_store": Path(str(workbench_store.__file__)).resolve().parents[1],
}
_PARTS = (
    "workbench/__init__.py",
    "workbench/_version.py",
    "workbench/client/*.py",
    "workbench/client/media/*.py",
    "workbench_store/__init__.py",
    "workbench_store/descriptors.py",
    "workbench_store/errors.py",
    "workbench_store/held_back.py",
    "workbench_store/faults.py",
    "workbench_store/states.py",
    "workbench_store/layout.py",
    "workbench_store/workspace.py",
    "workbench_store/cache_root.py",
    "workbench_store/known.py",
    "workbench_store/locks.py",
    "workbench_store/moved.py",
    "workbench_store/no_room.py",
    "workbench_store/open_run.py",
    "workbench_store/processes.py",
    "workbench_store/redaction.py",
    "workbench_store/run_ids.py",
    "workbench_store/secret_forms.py",
    "workbench_store/secrets.py",
    "workbench_store/words.py",
    "workbench_store/journal/__init__.py",
    "workbench_store/journal/ahead.py",
    "workbench_store/journal/decoding.py",
    "workbench_store/journal/encoding.py",
    "workbench_store/journal/file.py",
    "workbench_store/journal/former.py",
    "workbench_store/journal/lost.py",
    "workbench_store/journal/onward.py",
    "workbench_store/journal/replaced.py",
    "workbench_store/journal/retired.py",
    "workbench_store/journal/waiting.py",
    "workbench_store/journal/waiting_note.py",
    "workbench_store/journal/writer.py",
)
_NOT_FOR_JOBS = frozenset({"bundle.py", "bundle_entry.py"})
_ENTRY = "_bundle_entry.py"
_BODY = "_bundle_body.py"
_INIT = """# The bundle's door: see _bundle_entry.py; what the package is, is in _bundle_body.py.
from {0}._bundle_entry import installed_instead

if not installed_instead({0!r}, __file__):
    from {0} import _bundle_body

    def __getattr__(name):
        return getattr(_bundle_body, name)
"""


def bundle_files() -> "dict[str, bytes]":
    """The bundle's files by path."""
    files = {}
    for part in _PARTS:
        package = part.split("/")[0]
        root = _ROOTS[package]
        for path in sorted(root.glob(part)):
            if path.name not in _NOT_FOR_JOBS:
                files[path.relative_to(root).as_posix()] = path.read_bytes()
    entry = Path(__file__).with_name("bundle_entry.py").read_bytes()
    for package in ("workbench", "workbench_store"):
        files["{}/{}".format(package, _ENTRY)] = entry
        files["{}/{}".format(package, _BODY)] = files["{}/__init__.py".format(package)]
        files["{}/__init__.py".format(package)] = _INIT.format(package).encode()
    return files


def ensure_bundle(layout: WorkspaceLayout) -> Path:
    """The bundle's folder in the workspace, made if it is not there yet."""
    version, files = loaded_bundle()
    target = layout.client / version
    if not target.is_dir():
        write_bundle(target, files)
    return target


@cache
def loaded_bundle() -> "tuple[str, dict[str, bytes]]":
    """The bundle's version and its files, as they were when this process first asked: an upgrade may replace them."""
    files = bundle_files()
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update("{}\0{}\0".format(name, len(content)).encode() + content)
    return digest.hexdigest()[:16], files


def write_bundle(target: Path, files: "dict[str, bytes]") -> None:
    """Write the files beside `target` and rename them into place; another process may do the same."""
    draft = target.with_name("{}.{}.new".format(target.name, uuid.uuid4().hex[:8]))
    for name, content in files.items():
        path = draft / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    fault("bundle.drafted")
    try:
        os.rename(str(draft), str(target))
    except OSError:
        shutil.rmtree(str(draft), ignore_errors=True)
        if not target.is_dir():
            raise
