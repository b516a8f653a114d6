"""Readable unique names for runs, adjective_noun_suffix as Azure ML's clients make them. (Python 3.8.)"""

import os

_ADJECTIVES = (
    "amber ample azure bold brave bright brisk calm candid clear clever cool coral crisp daring deft eager early easy "
    "fair fine firm fleet fond frank fresh gentle glad golden grand green happy hardy honest humble ivory jolly keen "
    "kind lively loyal lucid lucky mellow merry mild misty modest neat nimble noble open patient placid plucky polite "
    "proud quick quiet rapid ready robust rosy sage serene sharp shiny silent silver simple sleek smart smooth snowy "
    "solid spry stable steady still strong sturdy sunny sure swift tidy tranquil true vivid warm wise witty zesty"
).split()
_NOUNS = (
    "acorn alder apple arrow aspen badger basin beacon beaver birch bison brook canyon cedar cliff cloud clover comet "
    "coral crane creek cricket delta dune eagle ember falcon fern finch fjord forest fox garden glade grove gull "
    "harbor hare hawk hazel heron hill horizon ibis iris island ivy jay kelp kestrel lagoon lake lark laurel lemon "
    "lily linden lion lotus lynx maple marsh meadow mesa mint moon moss oak ocean olive orchid otter owl peak pearl "
    "pebble pine plum pond poplar quail rain raven reef ridge river robin rose sage salmon seal shore sky sparrow "
    "spring spruce star stone stork sun swan thistle tiger trail tulip valley violet wave willow wind wolf wren"
).split()
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def generate_name() -> str:
    """A name such as brave_heron_x7kq2m; some 10^13 differ, and making the run's folder decides who has it."""
    numbers = int.from_bytes(os.urandom(12), "little")
    numbers, adjective = divmod(numbers, len(_ADJECTIVES))
    numbers, noun = divmod(numbers, len(_NOUNS))
    suffix = ""
    for _ in range(6):
        numbers, letter = divmod(numbers, len(_LETTERS))
        suffix += _LETTERS[letter]
    return "_".join((_ADJECTIVES[adjective], _NOUNS[noun], suffix))
