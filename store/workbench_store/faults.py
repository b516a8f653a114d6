"""Fault points: the places where a death hurts most, so that tests can cause it there. (Python 3.8.)

WORKBENCH_FAULT=NAME kills the process that gets to that point, NAME:3 the one that gets there for the third time;
NAME!ENOSPC raises that OSError there instead. WORKBENCH_FAULT_TRACE=FILE gets a line for each point that is reached.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict

VARIABLE = "WORKBENCH_FAULT"
TRACE = "WORKBENCH_FAULT_TRACE"

#: Each point, and what is half done there.
POINTS: Dict[str, str] = {
    "workspace.drafted": "a new workspace is whole, under another name",
    # the store
    "journal.opened": "a journal's file is there, with nothing in it",
    "write.before-commit": "a transaction is open, with all that it brings",
    "write.committed": "a transaction is committed; the file is still attached",
    "store.drafted": "a new store file is whole, under another name",
    "migration.before-commit": "a step of the schema is made, not committed",
    "migration.committed": "a step of the schema is committed; the next ones are not made",
    "ingest.offsets": "the journals' new offsets are written; what was read up to there is not",
    "ingest.events": "events are written; the runs' rows and the points are not",
    "ingest.points": "points are written; their summaries are not",
    "ingest.committed": "a batch is in the store; this process does not know it",
    "rebuild.filled": "the new store is whole beside the old one",
    "rebuild.log-removed": "the old store has lost its log",
    "rebuild.replaced": "the new store is in its place; its log, if it has one, is not",
    "tidy.copied": "points are there twice, in an open transaction",
    "tidy.gathered": "a run's points lie side by side; its journals are as they were",
    "tidy.packed": "a run's journals are compressed; that is not written down",
    "pack.written": "a journal's compressed form is whole, under another name",
    "pack.renamed": "a journal is there in both forms",
    "pack.removed": "a journal is there in its compressed form only",
    "blob.drafted": "content is written under another name, not synced",
    "blob.synced": "content is synced under another name",
    "blob.kept": "a blob is stored that no snapshot names yet",
    "stat-cache.drafted": "the stat cache is written under another name",
    "manifest.drafted": "a snapshot's blobs are stored, its manifest is under another name",
    "manifest.kept": "a snapshot is stored that no run names yet",
    "snapshot.staged-file": "a part of a snapshot is unpacked",
    # removing runs
    "trash.moved": "a run's folder is in the trash; the store has the run",
    "purge.begun": "a run is out of the trash, with all its files",
    "purge.emptied": "a run's files are removed for good; that is not recorded",
    "purge.recorded": "a run's removal is recorded; the store may have the run, and its name is taken",
    "purge.forgotten": "nothing is left of a run but that its name is taken",
    # a script's own run
    "script.drafted": "a run is whole under another name, and held",
    "script.shown": "a run can be seen; its journal says what it is, and no state",
    "artifact.drafted": "a logged file is copied under another name",
    # submitting
    "submit.folder-made": "the run's folder is under another name, with nothing in it",
    "submit.supervisor-started": "a supervisor is on its way; the run's folder is not filled",
    "submit.recorded": "the run's journal says what it is; its plan is not written",
    "submit.identity-written": "the run's folder is whole but for its state",
    "submit.before-shown": "the supervisor holds the run; nobody sees it yet",
    "submit.shown": "the run can be seen; the supervisor has not got the word",
    "file.drafted": "a control file is written under another name",
    "bundle.drafted": "the in-job client is whole, under another name",
    # the supervisor
    "supervisor.locked": "a supervisor holds the run, and nobody can tell who it is",
    "supervisor.signed": "a supervisor holds the run; who started it has not been told",
    "supervisor.going": "a supervisor is on its own; nothing is done",
    "stage.snapshot.started": "a submitter has begun the snapshot",
    "stage.snapshot.over": "a submitter has taken the snapshot",
    "stage.environment.started": "a supervisor has begun the environment",
    "stage.environment.over": "a supervisor has prepared the environment",
    "stage.provision.started": "a supervisor has begun to wait for a slot",
    "stage.provision.over": "a supervisor has a slot",
    "stage.stage.started": "a supervisor has begun to stage",
    "stage.stage.over": "a supervisor has staged code and inputs",
    "stage.run.started": "a supervisor is about to start the command",
    "stage.run.over": "the command has ended",
    "stage.finalize.started": "a supervisor has begun to save",
    "stage.finalize.over": "outputs are saved; temporary storage is still there",
    "stage.release.started": "a supervisor has begun to remove temporary storage",
    "stage.release.over": "temporary storage is removed; the run has no final state",
    "staging.unpacked": "the snapshot is unpacked; ./outputs and ./logs do not lead out of it",
    "job.prepared": "the job's parent is there, and waits for the word to start the job",
    "job.spawned": "the job's parent has the word; this supervisor has not recorded that",
    "job.ended": "the job has ended; what it left behind has not",
    "supervisor.before-final": "all is done but for the final state",
    "supervisor.after-final": "the final state is recorded, not synced",
    "supervisor.ended": "the run is over; its heartbeat is still there",
    # the job's parent
    "parent.begun": "the job's parent runs; nothing is written",
    "parent.announced": "the job's parent is known; the command is not started",
    "parent.spawned": "the command runs; its PID is not written",
    "parent.named": "the command runs, and its PID is written",
    "parent.before-exit-status": "the command has ended; how is not written",
    "parent.after-exit-status": "how the command ended is written; its parent is still there",
    # collection
    "save.rescued": "what the job put in the place of ./outputs is moved",
    "move.entry": "a part of a folder is moved",
    "bring.copied": "what a link led to is copied under another name",
    "bring.unlinked": "a link is gone, and what takes its place is under another name",
    "publish.drafted": "a file of an output is copied to the user's folder under another name",
    "save.published": "outputs are where they are kept; nothing of that is recorded",
    "save.artifact": "a part of the artifacts is recorded",
    "save.recorded": "all artifacts are recorded; it is not written down that outputs are safe",
    "save.collected": "it is written down that outputs are safe",
    "register.added": "an output is a data asset; its run does not say so",
    "release.links-removed": "links of inputs are removed; temporary storage is there",
    "collect.held": "a collection after the run's end has begun",
    "collect.over": "a collection after the run's end is done, and not told",
}

#: How often each point has been reached in this process.
_reached: Dict[str, int] = {}
_watched = VARIABLE in os.environ or TRACE in os.environ


def fault(point: str) -> None:
    """Say that the point is reached. Nothing happens unless a test has armed it."""
    if _watched:
        _reach(point)


def _reach(point: str) -> None:
    _reached[point] = _reached.get(point, 0) + 1
    armed, _, error = os.environ.get(VARIABLE, "").partition("!")
    name, _, count = armed.partition(":")
    due = name == point and _reached[point] == int(count or 1)
    _trace("{} {}\n".format(point, (error or "SIGKILL") if due else "passed"))
    if due and error:
        import errno

        number = getattr(errno, error)
        raise OSError(number, os.strerror(number))
    if due:
        import signal

        os.kill(os.getpid(), signal.SIGKILL)


def _trace(line: str) -> None:
    place = os.environ.get(TRACE)
    if place:
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(descriptor, line.encode())
        os.close(descriptor)
