"""Equal trains of equal pulses, as protocols state them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Trains:
    """Pulses in trains.

    Attributes
    ----------
    pulses : int
        Pulses in one train.
    width : float
        Of a pulse, in seconds.
    period : float
        From the start of a pulse to the start of the next, in seconds.
    trains : int
    interval : float
        From the start of a train to the start of the next, in seconds.
    start : float
        When the first pulse begins, in seconds.
    """

    pulses: int
    width: float
    period: float
    trains: int = 1
    interval: float = 0.0
    start: float = 0.0

    @property
    def onsets(self) -> NDArray[np.float64]:
        """Onset of each pulse, shape (pulses * trains,), in seconds, train by train.

        Each is a product, not a sum of periods: 28 periods of 10 ms are 0.28 s.
        """
        starts = np.arange(self.trains) * self.interval
        onsets: NDArray[np.float64] = (starts[:, np.newaxis] + np.arange(self.pulses) * self.period).ravel() + self.start
        return onsets

    def __str__(self) -> str:
        pulses = f"{self.pulses} pulse{'' if self.pulses == 1 else 's'} of {self.width * 1000:g} ms"
        rate = f" at {1 / self.period:g} Hz" if self.pulses > 1 else ""
        trains = f", {self.trains} times every {self.interval:g} s" if self.trains > 1 else ""
        return f"{pulses}{rate}{trains}"
