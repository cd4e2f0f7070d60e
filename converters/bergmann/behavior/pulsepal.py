"""Shocks, puffs and other stimuli that Pulse Pal was told to give, from its settings and its triggers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np

from bergmann.records import Events, EventSeries
from bergmann.registry import Format, Inputs
from bergmann.stimulators.pulsepal import PulsePalSource, commanded
from bergmann.timing.times import ExplicitTimes


class PulsePalEvents(PulsePalSource):
    """Stimuli that an output of Pulse Pal was told to give; nothing here recorded that they were.

    Its settings, triggers and custom train are stated as `PulsePalSource` says.

    Attributes
    ----------
    event : str
        What each pulse is, e.g. ``noxious shock``.
    """

    format: Literal["pulsepal"] = "pulsepal"
    event: str


def find(folder: Path) -> Iterable[PulsePalEvents]:  # noqa: ARG001
    """Nothing: what an output drove, and what triggered it, only a person can say."""
    return ()


def read(source: PulsePalEvents, inputs: Inputs) -> Events:
    """The pulses that were commanded, each an event.

    Raises
    ------
    SourceError
        As `bergmann.stimulators.pulsepal.commanded`.
    """
    found = commanded(source, inputs)
    varying = bool(np.isnan(found.levels).any())
    series = EventSeries(
        name=source.event,
        times=ExplicitTimes(found.onsets),
        durations=found.durations,
        columns={} if varying else {"level": found.levels},
        column_descriptions={} if varying else {"level": "Level that was commanded, in V."},
        description=source.event,
    )
    return Events(files=found.files, series=(series,), basis=found.basis)


FORMAT = Format(
    source=PulsePalEvents,
    record=Events,
    label="stimuli commanded by Pulse Pal",
    find=find,
    read=read,
    chosen_by="event",
)
