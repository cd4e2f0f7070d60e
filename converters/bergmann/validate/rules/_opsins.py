"""By which light opsins are excited."""

from __future__ import annotations

import re

TWO_PHOTON_NM = (800.0, 1200.0)
"""Tuning range of the lasers that excite by two photons; within it, no opsin is doubted."""

_RANGES: tuple[tuple[str, tuple[float, float]], ...] = (
    # Limits of ours for a warning, not measurements: the colour that each is commonly driven with, and some 80 nm on both sides.
    # They were not read off published action spectra.
    (r"chr2|channelrhodopsin-?2|h134r|cheta|cheriff|chronos|chief|ssfo|soul|cochr|sdchr", (380, 560)),
    (r"reachr|breaches|c1v1|vchr1", (470, 660)),
    (r"chrimson|chrmine", (440, 700)),
    (r"nphr|halorhodopsin", (530, 650)),
    (r"\be?arch|archaerhodopsin", (480, 640)),
    (r"jaws", (530, 690)),
    (r"gtacr1", (420, 600)),
    (r"gtacr2|ic\+\+|swichr", (380, 540)),
    (r"opn3|\bppo\b|opn4|melanopsin", (350, 570)),
)


def excited_by(opsin: str) -> tuple[tuple[float, float], ...]:
    """The wavelengths at which an opsin is not doubted, in nm; none if it is not known here."""
    for pattern, found in _RANGES:
        if re.search(pattern, opsin, re.IGNORECASE):
            return ((float(found[0]), float(found[1])), TWO_PHOTON_NM)
    return ()
