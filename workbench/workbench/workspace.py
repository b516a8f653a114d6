"""A workspace as a Python object: submit jobs to it, find its runs."""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench_store.errors import UsageError
from workbench_store.workspace import open_workspace

from workbench.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench_store.store import Store
    from workbench_store.user_sql.result import QueryResult

    from workbench.spec import CommandJob
    from workbench.view.compare import Comparison

__all__ = ["Run", "Workspace"]

_CONDITIONS = "A condition is SQL, such as params.lr < 0.1; `filter` takes words, such as state:failed."


class Workspace:
    """The workspace at `path`, or the one found from the current folder upward.

    It is made on first use, unless `create` is False; WorkspaceError says why it cannot be found, made or opened.
    """

    def __init__(self, path: "str | PathLike[str] | None" = None, *, create: bool = True) -> None:
        self.layout = open_workspace(explicit=path, create=create)
        self._store: Store | None = None

    def __repr__(self) -> str:
        return f"Workspace({str(self.layout.root)!r})"

    @property
    def path(self) -> Path:
        """The `.workbench` folder."""
        return self.layout.root

    @property
    def store(self) -> "Store":
        """The embedded store, opened when first asked for."""
        if self._store is None:
            from workbench_store.store import Store

            self._store = Store(self.layout)
        return self._store

    def submit(
        self,
        job: "CommandJob | str | Path | Any",
        *,
        compute: str | None = None,
        narrate: "Callable[[str], None] | None" = None,
        **options: Any,
    ) -> Run:
        """Submit a job, or the job file at that path, or azure-ai-ml's `Command` or `CommandJob`, and return its run,
        which goes on by itself.

        Raises SpecErrors, SnapshotError, ComputeError or WorkspaceError before anything has started.
        """
        from workbench.lifecycle import submit
        from workbench.spec import CommandJob, load_job
        from workbench.spec.azure_objects import is_azure_object
        from workbench.spec.builder import checked

        spec = load_job(job) if isinstance(job, str | Path) or is_azure_object(job) else job
        if not isinstance(spec, CommandJob):
            raise UsageError(f"a job is wanted, not {spec!r}", remedy="Make one with command() or load_job().")
        if compute is not None and not isinstance(compute, str):
            raise UsageError(f"compute is a name, not {compute!r}")
        job = checked(spec)
        return Run(self.layout, self.store, submit(self.layout, job, compute=compute, narrate=narrate, **options))

    def run(self, name: str) -> Run:
        """The run of that name, or whose name alone begins so. Raises NotFound."""
        from workbench.view.fresh import refresh_or_warn

        _check_name(name)
        refresh_or_warn(self.layout, self.store)
        return self._known(name)

    def _known(self, name: str) -> Run:
        return Run(self.layout, self.store, self.store.resolve(name))

    def compare(self, *names: "str | Run", baseline: "str | Run | None" = None) -> "Comparison":
        """Runs side by side, the first as the baseline unless another is named. Raises NotFound and UsageError."""
        from workbench.view.compare import compare
        from workbench.view.fresh import refresh_or_warn

        for name in (*names, baseline):
            if name is not None and not isinstance(name, Run):
                _check_name(name)
        refresh_or_warn(self.layout, self.store)
        found = [name if isinstance(name, Run) else self._known(name) for name in names]
        base = self._known(baseline).name if isinstance(baseline, str) else baseline.name if baseline else None
        return compare(self.layout, self.store, [one.name for one in found], baseline=base)

    def runs(self, where: str = "", *, filter: str = "", limit: int | None = None) -> list[Run]:
        """The runs, newest first, for which a condition in SQL holds: `metrics.accuracy > 0.9 and params.lr < 0.1`.

        `filter` is what the dashboard's filter takes, for example `state:failed lr<0.1`. Raises QueryError for a
        condition and UsageError for a filter that cannot be understood.
        """
        from workbench.view import run_list
        from workbench.view.fresh import refresh_or_warn

        for text in (where, filter):
            if not isinstance(text, str):
                raise UsageError(f"which runs are wanted is said by text, not {text!r}", remedy=_CONDITIONS)
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
            raise UsageError(f"limit is a number of runs, not {limit!r}")
        refresh_or_warn(self.layout, self.store)
        names = run_list.matching_names(self.store, filter, where=where.strip(), limit=limit)
        return [Run(self.layout, self.store, name) for name in names]

    def query(self, sql: str, *, seconds: float = 10.0) -> "QueryResult":
        """What one SELECT gives over the views runs, metrics, points, params, tags ...: see docs/sql.md.

        The result has `.rows()`, and `.arrow()`, `.pandas()` or `.polars()` where these packages are installed. Raises
        QueryError for SQL that is wrong, is refused or takes longer than `seconds`.
        """
        from workbench.view.fresh import refresh_or_warn

        if not isinstance(sql, str):
            raise UsageError(f"a query is SQL, as text, not {sql!r}", remedy="Write for example: SELECT * FROM runs")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
            raise UsageError(f"seconds is how long the query may take, not {seconds!r}")
        refresh_or_warn(self.layout, self.store)
        return self.store.query(sql, seconds)


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise UsageError(f"a run's name is text, not {name!r}")
