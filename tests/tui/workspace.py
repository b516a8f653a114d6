"""A workspace whose runs never change: every time, name and number in it is fixed, so that pictures of it are."""

import json
from pathlib import Path
from typing import Any

from workbench.client.media.png import encode_png
from workbench_store.journal.encoding import PointsEncoder, encode_event
from workbench_store.layout import WorkspaceLayout
from workbench_store.workspace import open_workspace

#: The moment at which the pictures are taken, in UTC epoch seconds.
NOW = 1_790_000_000.0
_SPEC = "type: command\ncommand: python train.py\n# $schema: commandJob.schema.json\n"


class Run:
    """A run in the making: each call appends to its journal."""

    def __init__(self, layout: WorkspaceLayout, name: str, began: float, **identity: Any) -> None:
        self.files = layout.run(name)
        self.files.journals.mkdir(parents=True)
        self.files.user_log.parent.mkdir(parents=True)
        self._path = self.files.journals / "supervisor-r0-1-00000000.wbj"
        self._began = began
        self._seq = 0
        fields: dict[str, Any] = {"name": name, "id": name, "kind": "job", "experiment": "digits", "compute": "local"}
        fields.update(user="ada", host="elsewhere", created=began, command="python train.py", notes=[], properties={})
        fields.update(identity)
        # Of another host: nobody here may judge it, so that its state stays what it is.
        self.files.identity.write_text(json.dumps(fields))
        self.files.job_yaml.write_text(_SPEC)
        self.event(0, "open", writer="supervisor", rank=0, pid=1, host="elsewhere", boot="", version=1)
        self.event(0, "run", **fields)

    def _append(self, data: bytes) -> None:
        with self._path.open("ab") as file:
            file.write(data)

    def event(self, after: float, event: str, /, **fields: Any) -> None:
        self._append(encode_event(event, self._began + after, fields))

    def state(self, after: float, state: str, reason: str | None = None, exit_code: int | None = None) -> None:
        self._seq += 1
        self.event(
            after, "state", state=state, generation=1, judged=False, seq=self._seq, reason=reason, exit_code=exit_code
        )

    def stage(self, after: float, stage: str, seconds: float | None, status: str = "done") -> None:
        self.event(after, "stage", stage=stage, status="started", seconds=None, detail={})
        if seconds is not None:
            self.event(after + seconds, "stage", stage=stage, status=status, seconds=seconds, detail={})

    def points(self, count: int, rank: int = 0, **shapes: float) -> None:
        encoder, keys = PointsEncoder(rank), tuple(shapes)
        for step in range(count):
            values = [scale / (1 + step / 3) for scale in shapes.values()]
            self._append(encoder.encode(self._began + 10 + step, step, keys, values))

    def series(self, key: str, values: list[float]) -> None:
        """Points of one metric, a step each."""
        encoder = PointsEncoder(0)
        for step, value in enumerate(values):
            self._append(encoder.encode(self._began + 10 + step, step, (key,), [value]))

    def media(self, kind: str, key: str, step: int, *, data: bytes | None = None, **fields: Any) -> None:
        """One logged thing, in a file if there is data."""
        if data is not None:
            path = self.files.media_file(kind, str(len(list(self.files.root.glob("media/*/*")))), f"{step}")
            path.parent.mkdir(parents=True)
            path.write_bytes(data)
            fields.update(path=path.relative_to(self.files.root).as_posix(), size=len(data))
        self.event(20 + step, "media", kind=kind, key=key, step=step, rank=0, **{"format": "", "detail": {}, **fields})


def log_media(run: Run) -> None:
    """One of each kind, and what a foreign writer might have logged."""
    for step in range(3):
        pixels = bytes(part for y in range(30) for x in range(40) for part in (6 * x, 8 * y, 100 * step))
        data = encode_png(40, 30, 3, pixels)
        detail = {"width": 40, "height": 30}
        run.media("image", "val/sample", step, data=data, format="png", detail=detail, caption=f"[b]epoch[/b] {step}")
    counts = [number * (20 - number) for number in range(21)]
    content = {"edges": [number / 10 - 1 for number in range(22)], "counts": counts, "left_out": 2, "mean": 0.05}
    run.media("histogram", "weights", 5, content=content)
    columns = [{"name": "image", "type": "text"}, {"name": "[red]p[/red]", "type": "number"}]
    rows = [["a.png", 0.9876], ["b.png\x1b[2J", "NaN"], ["c.png", None], ["d.png"]]
    run.media("table", "worst", 5, data=json.dumps({"columns": columns, "rows": rows}).encode())
    run.media("text", "words\x1b[31m", 7, content="All is \x1b[31mwell[/red]\n" + "and on " * 30)
    run.media("image", "zz-not-there", 0, path="../../../etc/passwd", format="png")
    run.media("image", "zz-torn", 0, data=encode_png(9, 9, 1, bytes(81))[:44], format="png")
    run.media("hologram", "zz-unknown", 0, content={"a": 1})


def fixed_workspace(place: Path) -> WorkspaceLayout:
    """A workspace with a run in each of the states that matter."""
    layout = open_workspace(explicit=str(place))
    done = Run(layout, "brave-heron", NOW - 7200, description="The baseline.")
    done.event(0, "params", params={"lr": 0.01, "hidden": 64})
    done.event(0, "tags", set={"team": "vision"}, remove=[])
    done.event(0, "snapshot", snapshot="0" * 32, files=3, bytes=4096, upstream_hash=None, excluded={})
    done.event(
        1,
        "environment",
        key="ab" * 32,
        label="digits",
        found="built",
        python="/env/bin/python",
        python_version="3.11.7",
        substituted=["image python:3.11 is not used by local compute"],
        missed="no environment with this key was made here before, or it was removed",
        seconds=4.0,
        anonymous_version=None,
    )
    for after, stage, seconds in ((0, "snapshot", 0.2), (1, "environment", 4.0), (5, "stage", 0.5), (6, "run", 60.0)):
        done.stage(after, stage, seconds)
    done.state(6, "Running")
    done.points(50, loss=1.0, accuracy=0.5)
    done.event(66, "artifact", path="outputs/model.pkl", kind="output", size=161_234, hash="c" * 32)
    done.state(67, "Completed", exit_code=0)
    log_media(done)
    done.files.user_log.write_text(
        "".join(f"epoch {n}: loss {1 / (n + 1):.4f}\n" for n in range(20)) + "bye \x1b[31m[red]\n"
    )
    running = Run(layout, "calm-otter", NOW - 300)
    running.event(0, "params", params={"lr": 0.1, "hidden": 8})
    running.stage(0, "environment", 2.0)
    running.stage(3, "run", None)
    running.state(3, "Running")
    running.points(20, loss=2.0, accuracy=0.25)
    failed = Run(layout, "dim-lynx", NOW - 3600)
    failed.event(0, "params", params={"lr": 10, "hidden": 8})
    failed.state(1, "Running")
    failed.state(3, "Failed", "the command ended with exit code 1", 1)
    lost = Run(layout, "eager-wolf", NOW - 90_000, experiment="[bold]markup[/bold]")
    lost.state(1, "Running")
    lost.state(100, "NotResponding", "its supervisor (PID 7) is gone")
    queued = Run(layout, "fair-hawk", NOW - 30)
    queued.state(1, "Queued")
    return layout
