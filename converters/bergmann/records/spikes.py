"""Spikes of single units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.records.base import Record, agree


@dataclass(frozen=True, kw_only=True, eq=False)
class SpikeTimes(Record):
    """When each unit fired.

    Attributes
    ----------
    units : tuple of str
        What the source calls each unit.
    spikes : tuple of np.ndarray, each of shape (n_spikes,), float64
        Times of each unit, in seconds, ascending; none for a unit that never fired.
    columns : mapping of str to np.ndarray (float64) or tuple of str, each of n_units
        What else the source says of each unit, e.g. ``quality``.
    observed : np.ndarray, shape (n_sweeps, 2), optional
        Start and end of what was recorded, in seconds.
    resolution : float, optional
        Smallest difference of two times, in seconds.
    basis : str
        How the times are known.
    """

    units: tuple[str, ...]
    spikes: tuple[NDArray[np.float64], ...]
    columns: Mapping[str, Any] = field(default_factory=dict)
    observed: NDArray[np.float64] | None = None
    resolution: float | None = None
    basis: str = ""

    def __post_init__(self) -> None:
        agree("lists of spikes", len(self.spikes), len(self.units), "units")
        for name, values in self.columns.items():
            agree(f"values of {name}", len(values), len(self.units), "units")
        for unit, times in zip(self.units, self.spikes, strict=True):
            if not np.isfinite(times).all() or (np.diff(times) < 0).any():
                raise SourceError(f"{self.files[0].name}: the spikes of unit {unit} are not finite times that ascend")

    def aligned(self, offset: float) -> Self:
        observed = None if self.observed is None else self.observed + offset
        return replace(self, spikes=tuple(times + offset for times in self.spikes), observed=observed)

    @property
    def parts(self) -> tuple[str, ...]:
        return self.units

    @property
    def span(self) -> tuple[float, float] | None:
        fired = [times for times in self.spikes if len(times)]
        return (min(float(one[0]) for one in fired), max(float(one[-1]) for one in fired)) if fired else None
