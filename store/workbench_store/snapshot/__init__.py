"""Snapshots of code: taken by the ignore rules, stored once, brought back verified."""

from workbench_store.snapshot.manifest import Entry as Entry
from workbench_store.snapshot.manifest import Snapshot as Snapshot
from workbench_store.snapshot.manifest import Taken as Taken
from workbench_store.snapshot.manifest import read_snapshot as read_snapshot
from workbench_store.snapshot.preview import Preview as Preview
from workbench_store.snapshot.preview import preview as preview
from workbench_store.snapshot.stage import stage_snapshot as stage_snapshot
from workbench_store.snapshot.stage import verify_snapshot as verify_snapshot
from workbench_store.snapshot.stage import zip_snapshot as zip_snapshot
from workbench_store.snapshot.take import take_snapshot as take_snapshot
