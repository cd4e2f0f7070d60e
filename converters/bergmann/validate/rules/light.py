"""Light of optogenetics: what no laser and no protocol can be."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bergmann.validate.checking import Problem, check
from bergmann.validate.reading import Reading

MOST_POWER_W = 1.0
"""More than any laser or LED delivers at the tissue: optogenetic experiments use 1e-4 to 1e-1 W at the fibre's tip."""


@check(
    severity="error",
    why="A power that no source has is nearly always one in another unit, and every dose computed from it is wrong.",
    remedy="write watts (1 mW is 0.001); where the power was not measured, write the command in volts and no power",
)
def light_power_plausible(reading: Reading) -> Iterator[Problem]:
    """Power that is negative, not a number, or more than any source has."""
    for series in reading.objects("OptogeneticSeries"):
        for start, watts in reading.blocks(series.data):
            wrong = ~((watts >= 0) & (watts <= MOST_POWER_W))
            if wrong.any():
                index = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
                message = f"its power is {watts[index]:g} W at sample {start + index[0]}; expected 0 to {MOST_POWER_W:g} W"
                yield Problem(series, message)
                break
