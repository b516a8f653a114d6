"""The time that records bear: the machine's, which goes on from the latest where the clock is set back. (Python 3.8.)

What came later must look later, whichever process recorded it: between journals times alone tell the order. Once the
clock has caught up, it counts again.
"""

from __future__ import annotations

#: Later by so much, in seconds: floats tell such times apart until the year 2250.
_LATER_SECONDS = 1e-6


class Onward:
    """A clock that never says the same twice; `latest` is what it said last, or what it has to be later than, in UTC
    epoch seconds."""

    def __init__(self, latest: float = 0.0) -> None:
        self.latest = latest
        self._ahead = 0.0

    def stamp(self, now: float) -> float:
        """The time to be recorded, where the machine's clock says `now`."""
        if now > self.latest:
            self._ahead = 0.0
        else:
            if now + self._ahead <= self.latest:
                self._ahead = self.latest - now + _LATER_SECONDS
            now += self._ahead
        self.latest = now
        return now
