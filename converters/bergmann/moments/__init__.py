"""The one grammar of times: ``10 min after movie``, ``7 d after sni``, ``tag "+TGOT" of patch``, ``10:41 +- 30 s``, ``unknown``."""

from bergmann.moments.grammar import Delay, Form, Moment, Reference, in_run, names, parse_delay
from bergmann.moments.resolving import HALF_A_DAY, Anchors, Basis, When, day_difference, resolve

__all__ = [
    "HALF_A_DAY",
    "Anchors",
    "Basis",
    "Delay",
    "Form",
    "Moment",
    "Reference",
    "When",
    "day_difference",
    "in_run",
    "names",
    "parse_delay",
    "resolve",
]
