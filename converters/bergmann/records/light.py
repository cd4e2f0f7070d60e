"""Pulses of light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.records.base import Record, agree
from bergmann.timing.times import ExplicitTimes


@dataclass(frozen=True, kw_only=True, eq=False)
class LightPulses(Record):
    """Pulses of light, one row each; nothing here is rounded to a train.

    Attributes
    ----------
    times : ExplicitTimes, n_pulses
        Onset of each pulse, in seconds.
    durations : np.ndarray, shape (n_pulses,), float64
        In seconds.
    power : np.ndarray, shape (n_pulses,), float64, optional
        In watts, where the source itself states power; None if only a command or nothing is known.
    command : np.ndarray, shape (n_pulses,), float64, optional
        Level commanded or recorded, in `command_unit`.
    command_unit : str
        Unit of `command`, e.g. ``"V"``.
    wavelength : np.ndarray, shape (n_pulses,), float64, optional
        In metres, where the source states it.
    basis : str
        How the pulses are known, e.g. ``"recorded on daq/LaserCmd, threshold 2.5 V, hysteresis 0.5 V"``.
    power_basis : str
        Who says `power`.
    resolution : float
        Spacing of the times that an edge can have (one sample, one frame), in seconds; 0 if the source states them exactly.
    is_recorded : bool
        Whether the pulses were recorded as they were given, not planned or commanded.
    is_varying : bool
        Whether the level changes within pulses (ramps), so that a pulse has no one level.
    confirmed_by : mapping of str to np.ndarray, shape (n_pulses,), bool
        Which pulses are in each other account of the same light, by its name.
    """

    times: ExplicitTimes
    durations: NDArray[np.float64]
    power: NDArray[np.float64] | None = None
    command: NDArray[np.float64] | None = None
    command_unit: str = ""
    wavelength: NDArray[np.float64] | None = None
    basis: str
    power_basis: str = "stated for each pulse by the source"
    resolution: float = 0.0
    is_recorded: bool = False
    is_varying: bool = False
    confirmed_by: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.times)
        for name in ("durations", "power", "command", "wavelength"):
            values = getattr(self, name)
            if values is not None:
                agree(f"values of {name}", len(values), n, "light pulses")
        for name, values in self.confirmed_by.items():
            agree(f"marks of {name}", len(values), n, "light pulses")
        if n and not (np.isfinite(self.durations).all() and (self.durations > 0).all()):
            raise SourceError("a light pulse has no duration above 0")
        overlaps = np.flatnonzero(self.times.seconds[:-1] + self.durations[:-1] > self.times.seconds[1:] + 1e-9)
        if len(overlaps):
            index = int(overlaps[0])
            raise SourceError(
                f"light pulse {index + 1} ends at {self.times.seconds[index] + self.durations[index]:.6f} s, after pulse "
                f"{index + 2} begins at {self.times.seconds[index + 1]:.6f} s"
            )

    @property
    def span(self) -> tuple[float, float] | None:
        return (self.times.first, self.times.last + float(self.durations[-1])) if len(self.times) else None
