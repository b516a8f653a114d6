"""How long whoever waits for news of a run does not look: short after news, ever longer without."""

SHORTEST_SECONDS = 0.01
_LONGEST_SECONDS = 0.1


def longer(pause: float) -> float:
    """The pause after one of `pause` seconds that brought no news, in seconds."""
    return min(1.5 * pause, _LONGEST_SECONDS)
