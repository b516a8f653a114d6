"""Every file name inside a workspace, in one place. (Python 3.8: the in-job client uses it.)

Nothing here touches the disk.
"""

from __future__ import annotations

from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional, Union

FORMAT_VERSION = 1
WORKSPACE_DIR = ".workbench"
#: A file's name has 255 bytes at most, and what stands for a run on its way has more around its name.
LONGEST_RUN_NAME = 240


def may_name_a_run(text: str) -> bool:
    """Whether a run may be called so: joined to a folder, a path would lead to somewhere else, and with a dot begin the
    drafts of runs."""
    return bool(text) and text[0] != "." and "/" not in text and "\0" not in text


class _At:
    """A file or folder below the root of a layout, made when it is first asked for: most are not."""

    def __init__(self, *parts: str) -> None:
        self._parts = parts
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, layout: "Union[RunLayout, WorkspaceLayout]", owner: type) -> Path:
        path: Path = layout.__dict__.setdefault(self._name, layout.root.joinpath(*self._parts))
        return path


class RunLayout:
    """The files of one run, below `runs/<name>/`."""

    #: Written once, atomically, when the run is made: what the run is (name, id, kind, host, created).
    identity = _At("run.json")
    #: Journals, one file per writing process: `<writer>.wbj`.
    journals = _At("journal")
    #: The resolved spec as JSON, and the job file as YAML with comments gone and paths absolute.
    spec = _At("spec.json")
    job_yaml = _At("job.yml")
    logs = _At("logs")
    #: The job's stdout and stderr together, where Azure ML puts them.
    user_log = _At("logs", "user_logs", "std_log.txt")
    environment_log = _At("logs", "system_logs", "environment.log")
    supervisor_log = _At("logs", "system_logs", "supervisor.log")
    #: What the job sees as ./outputs, and its named outputs.
    outputs = _At("outputs")
    named_outputs = _At("named-outputs")
    #: What was logged by key and step and is too large for a record: images, tables, long texts, figures.
    media = _At("media")
    #: What git would not find again in the commit: the changes of tracked files, the names of others.
    git_diff = _At("git.diff")
    #: Small files by which processes on one host find and steer each other.
    control = _At("control")
    supervisor_lock = _At("control", "supervisor.lock")
    script_lock = _At("control", "script.lock")
    #: The script's process, and how the run ended where a full disk did not take that into the journal.
    script_process = _At("control", "script.json")
    #: What the supervisor is to do, made whole by submit.
    plan = _At("control", "plan.json")
    supervisor_process = _At("control", "supervisor.json")
    job_process = _At("control", "job.json")
    exit_status = _At("control", "exit.json")
    cancel_request = _At("control", "cancel")
    #: Its age tells of a living supervisor; it is removed when the run is final.
    heartbeat = _At("control", "heartbeat")
    #: One helper at a time samples the machine; the other says at which step it is.
    sampler_lock = _At("control", "sampler.lock")
    sampler_step = _At("control", "sampler.step")
    #: What was left out of the middle of the user's log, if it grew too large; other ranks' are beside it.
    log_shape = _At("control", "log.json")
    #: Held by the process of a script that cuts its log.
    log_lock = _At("control", "log.lock")
    #: Outputs that came with the snapshot, so that they are not taken for the job's.
    outputs_before = _At("control", "outputs-before.json")
    #: The links of a `path_on_compute` that the run made, each by what tells it from one made by another later.
    links_made = _At("control", "links.json")
    #: When and as what the run was removed; only in the trash.
    removal = _At("control", "removal.json")
    #: Of a run that was resumed or forked: which journals were there then, and which steps follow on them.
    past = _At("control", "past.json")
    #: Made when outputs and logs are saved and recorded: only then may temporary storage go.
    collected = _At("control", "collected")

    def __init__(self, root: Path) -> None:
        self.root = root
        self.name = root.name

    def moved(self, root: Path) -> None:
        """The folder is there now, for all that have this layout of it."""
        self.__dict__ = {"root": root, "name": root.name}  # in one step, as threads read it

    def rank_log(self, rank: int) -> Path:
        """What one rank writes to stdout and stderr; rank 0 writes the run's own log."""
        return self.user_log if rank == 0 else self.user_log.with_name("std_log_process_{}.txt".format(rank))

    def rank_log_shape(self, rank: int) -> Path:
        """What was left out of the middle of that rank's log, if it grew too large."""
        return self.log_shape if rank == 0 else self.control / "log-{}.json".format(rank)

    def media_file(self, kind: str, folder: str, file: str) -> Path:
        """One thing that was logged, below `media/`. `folder` stands for its key, `file` for its step."""
        return self.media / kind / folder / file

    def model(self, name: str) -> Path:
        """The folder of a logged model, which is an output."""
        return self.outputs / "models" / name

    def model_card(self, name: str) -> Path:
        """What is said of a logged model, beside its folder."""
        return self.outputs / "models" / (name + ".model.json")


class WorkspaceLayout:
    """The files of one workspace, below `.workbench/`."""

    #: What the names of folders below `tmp` begin with that hold the result of a query for a moment.
    QUERIES = "query-"

    identity = _At("workspace.json")
    gitignore = _At(".gitignore")
    readme = _At("README.md")
    #: Held by the one process that tidies; its time tells when that was done last.
    tidy_lock = _At("tidy.lock")
    #: Held by a backup, from when it begins to wait for tidying: what tidies in the background gives way.
    backup_lock = _At("backup.lock")
    #: Journals of users' edits (tag, note, compute, view), one file per writing process.
    journals = _At("journal")
    #: Held while a name is given to a version of data or a model, so that no two get the same number.
    names_lock = _At("names.lock")
    #: The datastores that are there from the start, a folder for each.
    datastores = _At("datastores")
    runs = _At("runs")
    #: Which run each script's process has open, where there can be no cache to keep that in.
    scripts = _At("scripts")
    #: Runs that were removed, until `gc` or `restore`: each folder as it was below `runs/`, with `removal` in it.
    trash = _At("trash")
    #: Held by those who add content and by whoever removes what nothing refers to.
    content_lock = _At("content.lock")
    blobs = _At("blobs")
    snapshots = _At("snapshots")
    computes = _At("computes")
    caches = _At("caches")
    #: Temporary storage of local compute, `staging/<run>/`.
    staging = _At("staging")
    stat_cache = _At("stat-cache")
    #: Copies of the in-job client, `client/<hash>/`, put on the PYTHONPATH of jobs.
    client = _At("client")
    rebuild_lock = _At("tmp", "rebuild.lock")

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = root / "store.duckdb"
        self.store_lock = root / "store.lock"
        self.writer_lock = root / "store.writer.lock"
        self.tmp = root / "tmp"
        #: A new store while it is made.
        self.store_draft = self.tmp / "store.duckdb.new"

    def rebuilding(self, place: Optional[Path] = None) -> "WorkspaceLayout":
        """The same workspace with a store of its own beside the real one, which goes on being read; or in `place`,
        with all that is temporary."""
        other = WorkspaceLayout(self.root)
        folder = place or self.tmp / "rebuild"
        other.tmp = place or self.tmp
        other.store = folder / self.store.name
        other.store_lock = folder / self.store_lock.name
        other.writer_lock = folder / self.writer_lock.name
        other.store_draft = folder / self.store_draft.name
        return other

    def run(self, name: str) -> RunLayout:
        """The files of the run of that name."""
        return RunLayout(self.runs / name)

    def trashed(self, name: str) -> RunLayout:
        """The files of the removed run of that name."""
        return RunLayout(self.trash / name)

    def purged(self, name: str) -> Path:
        """What is left of a run that is being removed for good; while it is there, its name is taken."""
        return self.tmp / "purged-{}".format(name)

    def staged(self, name: str) -> Path:
        """The temporary storage of the run of that name."""
        return self.staging / name
