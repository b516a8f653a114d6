"""How many processes a job is, in numbers, and where each rank belongs."""

from typing import Literal

from msgspec import Struct


class Processes(Struct, frozen=True):
    """The processes of a job. An instance of Azure ML is a group of processes on this machine.

    kind: who starts them and tells them of each other; `plain` processes know only which instance they are.
    total: all of them; servers: how many of these, the last ones, are TensorFlow's parameter servers.
    """

    kind: Literal["plain", "pytorch", "tensorflow", "mpi"] = "plain"
    instances: int = 1
    total: int = 1
    servers: int = 0

    @property
    def workers(self) -> int:
        """How many do the work, and end the job when they end."""
        return self.total - self.servers

    def instance_of(self, rank: int) -> int:
        """Which instance a rank belongs to: they are spread evenly, in order."""
        return rank * self.instances // self.total

    def local_rank(self, rank: int) -> int:
        """The place of a rank among those of its instance."""
        first = next(one for one in range(self.total) if self.instance_of(one) == self.instance_of(rank))
        return rank - first
