"""Running commands in processes of their own, and waiting for those that a fault point kills."""

import os
import subprocess
from pathlib import Path

from tests.lifecycle.launched import wait_until
from tests.torture.world import World


def run_command(world: World, words: tuple[str, ...], **environ: str) -> "subprocess.CompletedProcess[str]":
    """The command in the world's folder, to its end, whatever that is."""
    return subprocess.run(
        words,
        cwd=world.here,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def reached(trace: Path) -> list[tuple[str, str]]:
    """The fault points that were reached, and what happened there, in order."""
    lines = trace.read_text().splitlines() if trace.exists() else []
    return [(point, what) for point, what in map(str.split, lines)]


def wait_for_death(trace: Path, armed: str) -> None:
    """Until a process has died at the point that is armed, or has met the error that is."""
    place, _, error = armed.partition("!")
    happened = (place.partition(":")[0], error or "SIGKILL")
    wait_until(lambda: happened in reached(trace), f"a death at {armed}")
