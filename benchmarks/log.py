"""One `log` of five scalars, against one os.write of the same values formatted as a text line."""

import os

from common import Result, interleaved, own_folder, tell

CALLS = 50_000


def main() -> None:
    folder = own_folder()
    os.environ["WORKBENCH_CACHE"] = str(folder / "cache")
    import workbench

    run = workbench.start_run(experiment="bench", workspace=folder, system_metrics=False)
    text = os.open(folder / "text.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def ours() -> None:
        for step in range(CALLS):
            run.log({"loss": 0.123456, "accuracy": 0.98765, "lr": 0.001, "grad": 1.5, "time": 0.25}, step=step)

    def floor() -> None:
        for step in range(CALLS):
            values = {"loss": 0.123456, "accuracy": 0.98765, "lr": 0.001, "grad": 1.5, "time": 0.25}
            line = f"{step} " + " ".join(f"{key}={value}" for key, value in values.items()) + "\n"
            os.write(text, line.encode())

    measured = interleaved(ours, floor, 7)
    run.end()
    micro = 1e6 / CALLS
    what = "one `log` of 5 scalars, durable to kill -9"
    tell([Result(what, measured[0] * micro, measured[1] * micro, "us", "<= 1.0 x", "os.write of the same as text")])


if __name__ == "__main__":
    main()
