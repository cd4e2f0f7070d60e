"""Light that Pulse Pal was told to give, from its settings and its triggers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np

from bergmann.records import LightPulses
from bergmann.registry import Format, Inputs
from bergmann.stimulators.pulsepal import PulsePalSource, commanded
from bergmann.timing.times import ExplicitTimes


class PulsePalLight(PulsePalSource):
    """Light that an output of Pulse Pal was told to give; nothing here recorded that it was.

    Its settings, triggers and custom train are stated as `PulsePalSource` says.
    """

    format: Literal["pulsepal"] = "pulsepal"


def find(folder: Path) -> Iterable[PulsePalLight]:  # noqa: ARG001
    """Nothing: which output drove light, and what triggered it, only a person can say."""
    return ()


def read(source: PulsePalLight, inputs: Inputs) -> LightPulses:
    """The pulses that were commanded, in volts.

    Raises
    ------
    SourceError
        As `bergmann.stimulators.pulsepal.commanded`.
    """
    found = commanded(source, inputs)
    varying = bool(np.isnan(found.levels).any())
    return LightPulses(
        files=found.files,
        times=ExplicitTimes(found.onsets),
        durations=found.durations,
        command=None if varying else found.levels,
        command_unit="" if varying else "V",
        basis=found.basis,
        resolution=found.resolution,
        is_varying=varying,
    )


FORMAT = Format(
    source=PulsePalLight,
    record=LightPulses,
    label="light commanded by Pulse Pal",
    find=find,
    read=read,
    chosen_by="site",
)
