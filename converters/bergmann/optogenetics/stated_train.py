"""Light as the protocol sheet states it: a train, or equal trains at equal distances."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from bergmann.errors import SourceError
from bergmann.optogenetics._trains import Trains
from bergmann.records import LightPulses
from bergmann.registry import Format, Inputs, Source
from bergmann.stated import Duration, Frequency, Power
from bergmann.timing.times import ExplicitTimes


class StatedTrain(Source):
    """Pulses as a person states them; nothing here recorded that they were given.

    Attributes
    ----------
    pulses : int
        Pulses in one train.
    width : Duration
        Of a pulse.
    rate : Frequency, optional
        Pulses per second in a train; needed for several pulses.
    trains : int
        How many trains.
    every : Duration, optional
        From the start of a train to the start of the next; needed for several trains.
    power : Power, optional
        Of every pulse.
    """

    format: Literal["stated_train"] = "stated_train"
    pulses: int = Field(ge=1)
    width: Duration
    rate: Frequency | None = None
    trains: int = Field(default=1, ge=1)
    every: Duration | None = None
    power: Power | None = None

    @model_validator(mode="after")
    def _whole(self) -> StatedTrain:
        for several, word, spacing in ((self.pulses, "rate", self.rate), (self.trains, "every", self.every)):
            if several > 1 and spacing is None:
                raise ValueError(f"{several} need `{word}`: how far they are apart")
            if spacing is not None and spacing.value <= 0:
                raise ValueError(f"`{word}: {spacing}`; expected more than 0")
        if self.width.value <= 0:
            raise ValueError(f"`width: {self.width}`; expected more than 0")
        if self.power is not None and self.power.value < 0:
            raise ValueError(f"`power: {self.power}` is below 0")
        return self


def find(folder: Path) -> Iterable[StatedTrain]:  # noqa: ARG001
    """Nothing: what a protocol sheet says, only a person can state."""
    return ()


def read(source: StatedTrain, inputs: Inputs) -> LightPulses:  # noqa: ARG001
    """The pulses that are stated, the first at 0 s.

    Raises
    ------
    SourceError
        If a pulse would last into the next.
    """
    trains = Trains(
        pulses=source.pulses,
        width=source.width.to("s"),
        period=1 / source.rate.to("Hz") if source.rate is not None else 0.0,
        trains=source.trains,
        interval=source.every.to("s") if source.every is not None else 0.0,
    )
    onsets = trains.onsets
    if len(onsets) > 1 and (np.diff(onsets) < trains.width).any():
        index = int(np.argmin(np.diff(onsets)))
        raise SourceError(
            f"pulses of {source.width} would last into the next: pulse {index + 2} begins {np.diff(onsets)[index] * 1000:g} ms "
            f"after pulse {index + 1}. Are `width`, `rate` and `every` right?"
        )
    return LightPulses(
        files=(),
        times=ExplicitTimes(onsets),
        durations=np.full(len(onsets), trains.width),
        power=np.full(len(onsets), source.power.to("W")) if source.power is not None else None,
        power_basis="stated for the train",
        basis=f"stated by a person as {trains}; nothing recorded it",
    )


FORMAT = Format(source=StatedTrain, record=LightPulses, label="light as a protocol sheet states it", find=find, read=read)
