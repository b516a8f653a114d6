"""Write docs/sql.md from the views that users' SQL reads."""

from pathlib import Path

from generated import write_or_check
from workbench_store.user_sql.session import DEFAULT_SECONDS
from workbench_store.user_sql.views import VIEWS

TARGET = Path(__file__).parents[1] / "docs" / "sql.md"
HEAD = f"""# SQL over the runs

Made from the views by `make docs`; do not edit it.

    workbench sql "SELECT name, state, metrics.accuracy, params.lr FROM runs ORDER BY metrics.accuracy DESC LIMIT 10"
    workbench ls --where "metrics.accuracy > 0.9 and (params.lr < 0.1 or tags.team = 'vision')"

```python
from workbench import Workspace

workspace = Workspace()
workspace.runs("metrics.accuracy > 0.9")  # a condition, as behind WHERE
workspace.query("SELECT * FROM points WHERE key = 'loss'")  # .rows(), .arrow(), .pandas(), .polars()
```

The language is DuckDB's. The views below are a promise: their columns are only ever added to.

- **One SELECT**, which reads these views and nothing else: no file, no setting, no change; other statements and
  functions that read files are refused. It runs on the store opened for reading only, with 320 MB of memory.
- **A time limit** of {DEFAULT_SECONDS:g} s (`--timeout`, `seconds=`): then it is ended, and says so. What is new waits
  for it, and the runs go on: they write to journals, never to the store.
- **Keys**: `metrics.loss`, `params.lr`, `tags.team` in the view `runs` are a run's own; `metrics."val/loss"` where the
  name needs it, `params.model.depth` for a parameter `model.depth`. A key that no run has is an error that names the
  nearest. A run without it has NULL there, for which no comparison holds.
- **Parameters** are numbers where every run that has them gave a number, or text that is one to the letter (`2.10` is
  not), and wherever they are compared with one (a run with `lr=auto` is then never `< 0.1`); true and false where every
  run gave one of these; else text, as also where they are asked to be equal to a quoted text. Tags are text, and
  numbers where they are compared with one.
- **NaN** is no number that `metrics.loss` compares with: find it by `isnan(metrics.loss)`. What is compared otherwise
  (`value` and `last` of the views, `metrics['loss']`, names given by `AS`) follows DuckDB, to which it is greater than
  every number: add `AND NOT isnan(value)`. `ORDER BY` has it above every
  number (`ls --sort` has it last). `--csv` writes `nan`, `inf` and
  `-inf`, and nothing for NULL; in `--json`, which has no word for them, all are `null`.
- **Archived runs** are in the views; `ls --where` leaves them out unless the condition names `archived`.
- An error shows the line with a mark below the offending place. Times are with zone; `--json` and `--csv`
  print them in UTC. One outside of the years 1 to 9999 (from a writer that is not ours) is NULL.
"""


def reference() -> str:
    """The whole document."""
    parts = [HEAD]
    for view in VIEWS:
        rows = [f"| `{name}` | {what.replace('|', chr(92) + '|')} |" for name, what in view.columns]
        parts.append("\n".join([f"## {view.name}: {view.row}", "", "| column | |", "|---|---|", *rows, ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    write_or_check(TARGET, reference())
