"""Numbers of things in words. (Python 3.8, standard library.)"""


def counted(number: int, thing: str, plural: str = "") -> str:
    """`1 file`, `2 files`, `12,345 files`; `plural` where an s does not make it."""
    return "{:,} {}".format(number, thing if number == 1 else plural or thing + "s")
