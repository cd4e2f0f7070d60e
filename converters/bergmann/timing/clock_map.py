"""The map from one clock to another, fitted to events that both have seen."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError

Floats = NDArray[np.float64]
Model = Literal["offset", "offset and rate", "piecewise linear", "pulse by pulse"]

MOST_KNOTS = 24
"""A clock whose rate changes more often than this in one recording is no clock."""

MOST_CHANGE = 1e-3
"""How much the rate of one clock may change in a recording, as a share: warming up moves a quartz by some 1e-5."""

_MOST_SEARCHED = 20_000
"""Events among which changes of the rate are searched one by one."""

_USUAL_CHANGE = 2e-4
"""How much a rate changes at most, mostly: few events near an end, whose noise says more, bend the map hardly further than that."""

_RATE_IS_WORTH = 2.0
_KNOT_IS_WORTH = 12.0
"""By how much, in units of the noise's variance, a rate (a bend, which is searched for) must lower the squared residuals.

A clock always drifts, so that leaving a rate out that can hardly be seen errs more than keeping it; by chance, the best of all
bends lowers them by more than 12 in a few trains of a hundred."""

_NEAR_AN_END = 0.25
"""Share of the events on one side of a bend below which it must be worth more: near an end the noise of few events makes one."""

_STRAY = 4.5
"""An event that is further off than so many times the noise, and alone in it, makes no bend."""


@dataclass(frozen=True, eq=False)
class ClockMap:
    """A continuous, piecewise linear map from the times of one clock to those of another.

    Attributes
    ----------
    model : {"offset", "offset and rate", "piecewise linear", "pulse by pulse"}
        The last has a knot at each event: no smooth map is near them.
    own : np.ndarray, shape (n_knots,), float64
        Times on the source's clock between which the map is a line, ascending; the first and the last are those of the first and
        the last event that both clocks have seen.
    other : np.ndarray, shape (n_knots,), float64
        The same times on the other clock.
    standard_error : float
        Largest standard error of the map between its first and last knot, in seconds; NaN if it rests on too few events.
    """

    model: Model
    own: Floats
    other: Floats
    standard_error: float = float("nan")

    @property
    def rate_ratio(self) -> float:
        """Seconds of the other clock for one second of the source's, over the whole map; 1 for an offset."""
        span = float(self.own[-1] - self.own[0])
        return 1.0 if self.model == "offset" or span == 0 else float(self.other[-1] - self.other[0]) / span

    @property
    def is_steady(self) -> bool:
        """Whether it is one line: a constant rate stays one."""
        return self.model in ("offset", "offset and rate")

    @property
    def offset(self) -> float:
        """What the other clock shows when the source's shows zero, in seconds."""
        return float(self.apply(np.zeros(1))[0])

    @property
    def inverse(self) -> ClockMap:
        """The map the other way round."""
        return ClockMap(self.model, self.other, self.own, self.standard_error)

    def apply(self, times: Floats) -> Floats:
        """Times of the source's clock on the other; before the first and behind the last knot the nearest line goes on.

        Parameters
        ----------
        times : np.ndarray, shape (n,), float64
            In seconds.

        Returns
        -------
        np.ndarray, shape (n,), float64
            Never clamped; `outside` says which lie beyond what was fitted.
        """
        times = np.asarray(times, dtype=np.float64)
        if len(self.own) == 1 or self.model == "offset":
            shifted: Floats = times + (self.other[0] - self.own[0])
            return shifted
        segment = np.clip(np.searchsorted(self.own, times, side="right") - 1, 0, len(self.own) - 2)
        slopes = np.diff(self.other) / np.diff(self.own)
        mapped: Floats = self.other[segment] + (times - self.own[segment]) * slopes[segment]
        return mapped

    def outside(self, times: Floats) -> Floats:
        """How far beyond the fitted events each time is, in seconds of the source's clock; 0 inside.

        Parameters
        ----------
        times : np.ndarray, shape (n,), float64
        """
        beyond: Floats = np.maximum(np.maximum(self.own[0] - times, times - self.own[-1]), 0.0)
        return beyond


@dataclass(frozen=True, kw_only=True)
class Residuals:
    """How far the events are from a fitted map.

    Attributes
    ----------
    median, most, largest : float
        Median, 95th percentile and largest absolute deviation, in seconds.
    left_out : float
        Root mean square deviation of events from a map fitted without them, in seconds; NaN if there are too few.
    """

    median: float
    most: float
    largest: float
    left_out: float


def fit_map(own: Floats, other: Floats, *, resolution: float = 0.0) -> tuple[ClockMap, Residuals]:
    """Fit the simplest map that the events allow: an offset, else an offset and a rate, else a rate that changes.

    A richer model is taken only where it lowers the squared residuals far beyond noise, and moves some event by more than half of
    what the sampling resolves: sampling makes a slow saw-tooth of regular events, which is no drift.

    Parameters
    ----------
    own, other : np.ndarray, shape (n_events,), float64
        Times of the same events on both clocks, in seconds, `own` ascending.
    resolution : float
        Time between samples of the coarser recording, in seconds; 0 if events are timed finer than they scatter.

    Returns
    -------
    ClockMap
    Residuals

    Raises
    ------
    SourceError
        If there is no event, or the numbers differ.
    """
    if not len(own) or len(own) != len(other):
        raise SourceError(f"{len(own)} and {len(other)} times of the same events; expected as many, and at least one")
    zero = float(own[0])
    times, shift = own - zero, other - own
    noise = max(_noise(shift), resolution / np.sqrt(12), 1e-12)
    design = np.ones((len(own), 1))
    model: Model = "offset"
    knots: list[float] = []
    if len(own) >= 3 and times[-1] > 0:
        line = np.column_stack([design, times])
        knots = _find_knots(times, shift, noise, resolution)
        if knots:
            design, model = _columns(times, knots), "piecewise linear"
        elif _is_better(shift, design, line, noise, resolution, _RATE_IS_WORTH):
            design, model = line, "offset and rate"
    edges = np.unique(np.concatenate([[0.0, times[-1]], knots]))
    at_edges = _columns(edges, knots)[:, : design.shape[1]]
    coefficients, leverage, error = _solve(shift, design, at_edges, noise)
    fitted = ClockMap(model, edges + zero, edges + zero + at_edges @ coefficients, error)
    return fitted, _residuals(shift - design @ coefficients, leverage)


def _noise(shift: Floats) -> float:
    """Standard deviation of the scatter, whatever the drift: from the differences of neighbours (zero for fewer than three)."""
    if len(shift) < 3:
        return 0.0
    steps = np.diff(shift)
    spread = 1.4826 * float(np.median(np.abs(steps - np.median(steps))))
    return float((spread or float(np.std(steps))) / np.sqrt(2))


def _columns(times: Floats, knots: list[float]) -> Floats:
    """The design of a continuous piecewise linear function: 1, t, and a hinge at each knot."""
    columns = [np.ones_like(times), times, *(np.maximum(times - knot, 0.0) for knot in knots)]
    return np.column_stack(columns)


def _is_better(shift: Floats, plain: Floats, richer: Floats, noise: float, resolution: float, worth: float) -> bool:
    """Whether the richer of two models is worth its parameters, by the noise or, if that is more, by what it leaves itself."""
    fits = [design @ np.linalg.lstsq(design, shift, rcond=None)[0] for design in (plain, richer)]
    left = [float(np.square(shift - fit).sum()) for fit in fits]
    variance = max(noise**2, left[1] / max(len(shift) - richer.shape[1], 1))
    moved = float(np.abs(fits[1] - fits[0]).max())
    return bool((left[0] - left[1]) / variance > worth and moved > resolution / 2)


def _find_knots(times: Floats, shift: Floats, noise: float, resolution: float) -> list[float]:
    """Where the rate changes, ascending; of very many events, by the means of neighbours, which say as much in less time."""
    together = -(-len(times) // _MOST_SEARCHED)
    if together > 1:
        n_groups = len(times) // together
        times, shift = (values[: n_groups * together].reshape(n_groups, together).mean(axis=1) for values in (times, shift))
        noise = max(_noise(shift), noise / np.sqrt(together))
    return _add_knots(times, shift, _columns(times, []), noise, resolution)[0]


def _add_knots(times: Floats, shift: Floats, design: Floats, noise: float, resolution: float) -> tuple[list[float], Floats]:
    """Add the knot that lowers the residuals most, as long as it is worth it; then set each where it serves best."""
    knots: list[float] = []
    while len(knots) < MOST_KNOTS and len(times) >= 8 * (len(knots) + 1):
        knot = _best_knot(times, shift, design)
        if knot is None or any(abs(knot - one) <= 0 for one in knots):
            break
        richer = _columns(times, [*knots, knot])
        worth = _KNOT_IS_WORTH + (np.log(len(times)) if knots else 0.0)  # a second change is rarer than a first one
        worth += _worth_of_place(times, knot)
        heard = _without_stray(shift, design, richer, noise)
        is_better = _is_better(shift[heard], design[heard], richer[heard], noise, resolution, worth)
        if not is_better or not _is_of_a_clock(shift, richer):
            break
        knots, design = _settled(times, shift, [*knots, knot])
    return sorted(knots), _columns(times, sorted(knots)) if knots else design


def _worth_of_place(times: Floats, knot: float) -> float:
    """By how much more a bend must lower the squared residuals for being near an end, in units of the noise's variance."""
    before = float(np.mean(times < knot))
    return 2 * float(np.log(_NEAR_AN_END / min(before, 1 - before, _NEAR_AN_END)))


def _without_stray(shift: Floats, plain: Floats, richer: Floats, noise: float) -> NDArray[np.bool_]:
    """All events but the one that speaks most for the richer model, if the plain one is far off it."""
    off, left = (np.abs(shift - design @ np.linalg.lstsq(design, shift, rcond=None)[0]) for design in (plain, richer))
    most = int(np.argmax(off**2 - left**2))
    return np.asarray((np.arange(len(shift)) != most) | (off[most] <= _STRAY * noise))


def _is_of_a_clock(shift: Floats, design: Floats) -> bool:
    """Whether the rate of a fit changes no more than that of a clock does."""
    rates = np.cumsum(np.linalg.lstsq(design, shift, rcond=None)[0][1:])
    return bool(np.ptp(rates) <= MOST_CHANGE)


def _settled(times: Floats, shift: Floats, knots: list[float]) -> tuple[list[float], Floats]:
    """Move each knot in turn to where it serves best beside the others."""
    if len(knots) == 1:
        return knots, _columns(times, knots)
    for number in range(len(knots)):
        others = knots[:number] + knots[number + 1 :]
        better = _best_knot(times, shift, _columns(times, others))
        if better is not None and better not in others:
            knots = [*others[:number], better, *others[number:]]
    return knots, _columns(times, knots)


def _best_knot(times: Floats, shift: Floats, design: Floats) -> float | None:
    """The time at which a hinge lowers the squared residuals most, with memory that is linear in the events.

    For a hinge h the gain is (h r)^2 / (h h - |Q'h|^2), with r the residuals and Q an orthonormal basis of the design; all the
    products are sums over the events behind it. The best event is found first, then the best time in the gaps beside it: a clock
    does not wait for an event to change its rate.
    """
    basis, _ = np.linalg.qr(design)
    left = shift - basis @ (basis.T @ shift)
    gains = _Gains(times, left, basis)
    margin = max(5, len(times) // 100)
    if len(times) <= 2 * margin:
        return None
    events = np.arange(margin, len(times) - margin)
    gain = gains.of(times[events], events)
    best = int(np.argmax(gain))
    if gain[best] <= 0:
        return None
    around = times[int(events[best]) - 1 : int(events[best]) + 2]
    for _ in range(4):  # to a millionth of the gap
        finer = np.unique(np.concatenate([np.linspace(start, stop, 33) for start, stop in pairwise(around.tolist())]))
        most = int(np.clip(np.argmax(gains.of(finer, np.searchsorted(times, finer))), 1, len(finer) - 2))
        around = finer[most - 1 : most + 2]
    return float(around[1])


class _Gains:
    """By how much a hinge lowers the squared residuals: from sums over the events behind each event."""

    def __init__(self, times: Floats, left: Floats, basis: Floats) -> None:
        self.left = self._sums(left, times)
        self.basis = [self._sums(column, times) for column in basis.T]
        self.ones = self._sums(np.ones_like(times), times)
        self.squares = self._behind(times**2)
        self.floor = 1e-9 * float(np.square(times).sum())

    @staticmethod
    def _behind(values: Floats) -> Floats:
        return np.concatenate([np.cumsum(values[::-1])[::-1], [0.0]])

    def _sums(self, values: Floats, times: Floats) -> tuple[Floats, Floats]:
        return self._behind(values), self._behind(values * times)

    def of(self, hinges: Floats, first: NDArray[np.int64]) -> Floats:
        """The gain of a hinge at each time; `first` is the number of the first event at or behind it."""

        def product(sums: tuple[Floats, Floats]) -> Floats:
            multiplied: Floats = sums[1][first] - hinges * sums[0][first]
            return multiplied

        norm = self.squares[first] - 2 * hinges * self.ones[1][first] + hinges**2 * self.ones[0][first]
        for sums in self.basis:
            norm = norm - product(sums) ** 2
        usable = norm > self.floor
        gain: Floats = np.where(usable, product(self.left) ** 2 / np.where(usable, norm, 1.0), -1.0)
        return gain


def _solve(shift: Floats, design: Floats, at_edges: Floats, noise: float) -> tuple[Floats, Floats, float]:
    """Coefficients, the leverage of each event, and the largest standard error of the map at its edges."""
    n_bends = max(design.shape[1] - 2, 0)
    held = np.eye(design.shape[1])[design.shape[1] - n_bends :] * (noise / _USUAL_CHANGE)
    basis, triangle = np.linalg.qr(np.vstack([design, held]))
    basis = basis[: len(shift)]
    coefficients: Floats = np.linalg.solve(triangle, basis.T @ shift)
    leverage: Floats = np.square(basis).sum(axis=1)
    free = len(shift) - design.shape[1]
    if free < 1:
        return coefficients, leverage, float("nan")
    spread = max(float(np.sqrt(np.square(shift - design @ coefficients).sum() / free)), noise)
    edges = np.linalg.solve(triangle.T, at_edges.T)
    return coefficients, leverage, spread * float(np.sqrt(np.square(edges).sum(axis=0)).max())


def _residuals(left: Floats, leverage: Floats) -> Residuals:
    size = np.abs(left)
    without = left / np.where(leverage < 1 - 1e-9, 1 - leverage, np.nan)
    return Residuals(
        median=float(np.median(size)),
        most=float(np.percentile(size, 95)),
        largest=float(size.max()),
        left_out=float(np.sqrt(np.mean(np.square(without)))) if np.isfinite(without).all() else float("nan"),
    )
