"""One `print` of a line in a script's own run, whose log hears it, against the same print without a run."""

import os
import sys

from common import Result, interleaved, own_folder, tell

CALLS = 50_000


def printing() -> None:
    for step in range(CALLS):
        print(f"step {step} loss 0.123")


def main() -> None:
    folder = own_folder()
    os.environ["WORKBENCH_CACHE"] = str(folder / "cache")
    import workbench

    shown = sys.stdout
    with open(os.devnull, "w") as nowhere:
        sys.stdout = nowhere

        def heard() -> None:
            with workbench.start_run(experiment="bench", workspace=folder, system_metrics=False):
                printing()

        took, floor = interleaved(heard, printing, 7)
        sys.stdout = shown
    micro = 1e6 / CALLS
    tell([Result("one `print` that a run hears", took * micro, floor * micro, "us", "<= floor + 10 us", "print alone")])


if __name__ == "__main__":
    main()
