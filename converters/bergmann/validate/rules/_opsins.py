"""By which light opsins are excited."""

from __future__ import annotations

import re

TWO_PHOTON_NM = (800.0, 1200.0)
"""Two photons of half the energy each excite every opsin of this list somewhere in this range."""

_RANGES: tuple[tuple[str, tuple[float, float]], ...] = (
    # the range in which the response is more than about a fifth of its maximum; from the action spectra of the cited first reports
    (
        r"chr2|channelrhodopsin-?2|h134r|cheta|cheriff|chronos|ochief|chief|ssfo|soul|coChR|sdchr|pschr",
        (380, 560),
    ),  # Mattis 2012, Klapoetke 2014
    (r"reachr|breaches|c1v1|vchr1|vchr2|mchr1", (470, 660)),  # Lin 2013, Yizhar 2011
    (r"chrimson|chrmine|rschrmine|bichr", (440, 700)),  # Klapoetke 2014, Marshel 2019: blue light excites them, too
    (r"enphr|nphr|halorhodopsin|halo\b", (530, 650)),  # Gradinaru 2010
    (r"\be?arch|archt|archaerhodopsin|earch", (480, 640)),  # Chow 2010
    (r"jaws", (530, 690)),  # Chuong 2014
    (r"gtacr1", (420, 600)),  # Govorunova 2015
    (r"gtacr2|ic\+\+|ic1c2|icaC|swichr", (380, 540)),  # Govorunova 2015, Berndt 2016
    (r"eopn3|ppo\b|opn3|opn4|melanopsin", (350, 570)),  # Mahn 2021, Copits 2021
)


def excited_by(opsin: str) -> tuple[tuple[float, float], ...]:
    """The ranges of wavelength that excite an opsin, in nm; none if it is not known here."""
    for pattern, found in _RANGES:
        if re.search(pattern, opsin, re.IGNORECASE):
            return ((float(found[0]), float(found[1])), TWO_PHOTON_NM)
    return ()
