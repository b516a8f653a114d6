"""A line is fitted to noisy points, and everything about it is logged. Runs by itself too, on the standard library.

`workbench media NAME` lists what there is; in the dashboard it is tab 7, where `[` and `]` go through the steps.
"""

import json
import math
import random
from pathlib import Path

import workbench

STEPS = 12
WIDTH, HEIGHT = 96, 64


def picture(points, slope, offset):
    """The points and the line as rows of (red, green, blue)."""
    rows = [[(18, 22, 30)] * WIDTH for _ in range(HEIGHT)]
    for column in range(WIDTH):
        row = HEIGHT - 1 - round((slope * column / WIDTH + offset) * HEIGHT)
        if 0 <= row < HEIGHT:
            rows[row][column] = (250, 190, 60)
    for x, y in points:
        row, column = HEIGHT - 1 - int(y * HEIGHT), int(x * WIDTH)
        if 0 <= row < HEIGHT:
            rows[row][column] = (90, 170, 250)
    return rows


def heat(step):
    """The surface of the loss around the present weights, as brightness from 0.0 to 1.0."""
    return [[math.exp(-((x - 2 * step) ** 2 + (y - 12) ** 2) / 60) for x in range(32)] for y in range(24)]


def main():
    dice = random.Random(7)
    points = [(x / 60, 0.7 * x / 60 + 0.15 + dice.gauss(0, 0.04)) for x in range(60)]
    slope = offset = 0.0
    with workbench.start_run(experiment="media") as run:
        for step in range(STEPS):
            errors = [y - slope * x - offset for x, y in points]
            paired = [(points[number], error) for number, error in enumerate(errors)]
            run.log({"loss": sum(error * error for error in errors) / len(errors)}, step=step)
            run.log_image(
                "fit", picture(points, slope, offset), step=step, caption="y = %.2f x + %.2f" % (slope, offset)
            )
            run.log_image("loss/surface", heat(step), step=step)
            run.log_histogram("errors", errors, step=step, bins=24)
            print("step %d: slope %.3f, offset %.3f" % (step, slope, offset))
            slope += 1.2 * sum(error * x for (x, _), error in paired) / len(errors)
            offset += 0.6 * sum(errors) / len(errors)
        worst = sorted(paired, key=lambda pair: -abs(pair[1]))[:15]
        run.log_table("worst", [{"x": x, "y": y, "error": error, "high": error > 0} for (x, y), error in worst])
        run.log_text(
            "summary", "The line is y = %.3f x + %.3f.\nThe points were made with 0.7 and 0.15." % (slope, offset)
        )
        model = Path("line.json")
        model.write_text(json.dumps({"slope": slope, "offset": offset}))
        run.log_model(str(model), "line", flavor="json", metadata={"points": len(points)})


if __name__ == "__main__":
    main()
