"""Data-parallel training without a framework: each rank has half of the points, and they share their gradients.

The ranks find each other by the variables that PyTorch's launcher would set: RANK, WORLD_SIZE, MASTER_ADDR and
MASTER_PORT.
"""

import argparse
import json
import os
import random
import socket
import time

import workbench


class Group:
    """All ranks, joined by sockets: rank 0 adds up what each sends, and gives all of them the sum."""

    def __init__(self):
        self.rank, self.size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        address = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
        if self.rank == 0:
            with socket.create_server(address) as server:
                self.files = [server.accept()[0].makefile("rw") for _ in range(self.size - 1)]
        else:
            self.files = [_connect(address).makefile("rw")]

    def sum(self, numbers):
        if self.rank == 0:
            parts = [numbers] + [json.loads(file.readline()) for file in self.files]
            numbers = [sum(column) for column in zip(*parts)]  # noqa: B905 (Python 3.8)
            for file in self.files:
                _send(file, numbers)
            return numbers
        _send(self.files[0], numbers)
        return json.loads(self.files[0].readline())


def _connect(address):
    for _ in range(600):
        try:
            return socket.create_connection(address)
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise SystemExit("rank 0 does not answer")


def _send(file, numbers):
    file.write(json.dumps(numbers) + "\n")
    file.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40)
    steps = parser.parse_args().steps
    group = Group()
    dice = random.Random(group.rank)
    points = [(x, 3.0 * x - 1.0 + dice.gauss(0, 0.1)) for x in (dice.uniform(-1, 1) for _ in range(500))]
    slope = offset = 0.0
    for step in range(steps):
        errors = [(slope * x + offset - y, x) for x, y in points]
        loss = sum(error * error for error, _ in errors) / len(points)
        mine = [sum(error * x for error, x in errors), sum(error for error, _ in errors), len(points)]
        by_slope, by_offset, count = group.sum(mine)
        slope, offset = slope - 0.5 * by_slope / count, offset - 0.5 * by_offset / count
        workbench.log({"loss": loss, "slope": slope, "offset": offset}, step=step)
    print(f"rank {group.rank} of {group.size}: y = {slope:.2f} x + {offset:.2f}")


if __name__ == "__main__":
    main()
