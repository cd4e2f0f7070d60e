"""Two trains of the same events as rigs record them, with the truth; run it for a table of what is made of many.

``python tests/timing/random_rigs.py`` draws the 10,000 rigs of ``random_rigs.md``, which has the last run; a number behind it draws
so many. Each rig is drawn from its kind and its number alone.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.timing.barcodes import LAYOUTS, BarcodeLayout, match_barcodes, read_barcodes
from bergmann.timing.clock_map import fit_map
from bergmann.timing.match import Anchor, match_events
from bergmann.timing.wraps import unwrap

Floats = NDArray[np.float64]
Kind = Literal["random", "waiting", "bursts", "wrapped", "all runs", "barcodes", "anchored", "regular", "one run"]
Outcome = Literal["solved", "refused", "wrong"]


@dataclass(frozen=True)
class Stratum:
    """One kind of rig.

    Attributes
    ----------
    said : str
    n : int
        How many of the 10,000.
    expected : {"solved", "refused"}
        Whether the events tell by themselves which is which.
    """

    said: str
    n: int
    expected: Literal["solved", "refused"]


STRATA: dict[Kind, Stratum] = {
    "random": Stratum("intervals between half and one and a half of the mean", 1600, "solved"),
    "waiting": Stratum("waiting times (exponential) behind a dead time", 1600, "solved"),
    "bursts": Stratum("regular bursts of 5 to 40 events, with pauses of random length", 1600, "solved"),
    "wrapped": Stratum("random intervals, and the one clock is a counter that starts again 2 to 4 times", 800, "solved"),
    "all runs": Stratum("2 to 4 runs of the same random train, and both clocks saw all of them", 800, "solved"),
    "barcodes": Stratum("barcodes of 32 bits, of two generators, pulses of a word lost or added", 1200, "solved"),
    "anchored": Stratum("regular, and a start known to a fifth of the period", 800, "solved"),
    "regular": Stratum("regular, and nothing says when either began", 800, "refused"),
    "one run": Stratum("2 to 4 runs of the same random train, and the one clock saw one of them", 800, "refused"),
}


@dataclass(frozen=True, eq=False)
class Trains:
    """What two clocks have seen of the same events.

    Attributes
    ----------
    own, other : np.ndarray
        Times on either clock, in seconds; of barcodes, on and off by turns.
    labels : np.ndarray
        Of each event of `other`, which of `own` it is; -1 for a spurious one.
    true : np.ndarray
        When each event of `own` was on the other clock.
    jitter : float
        Standard deviation of the scatter of `other`, in seconds.
    sample : float
        Time between samples of the other clock's recorder, in seconds; `other` is in whole samples.
    step_at : float or None
        When the drift changed, on the source's clock.
    anchor : Anchor or None
    period : float or None
        After how long the source's counter starts again, in seconds.
    layout : BarcodeLayout or None
    """

    own: Floats
    other: Floats
    labels: NDArray[np.int64]
    true: Floats
    jitter: float
    sample: float
    step_at: float | None = None
    anchor: Anchor | None = None
    period: float | None = None
    layout: BarcodeLayout | None = None


# --- drawing ----------------------------------------------------------------------------------------------------------


def draw(kind: Kind, seed: int, *, most_events: int = 2000) -> Trains:
    """Draw a rig: 5 Hz to 1 kHz, drift to 200 ppm either way, with a step in half of them.

    In half of them 20 % of the events are missing and 5 % spurious, in the others fewer. In half of them the other train begins
    late and stops early, but where runs repeat.
    """
    random = np.random.default_rng((list(STRATA).index(kind), seed))
    if kind == "barcodes":
        return _barcodes(random)
    rate = 10 ** random.uniform(np.log10(5), 3)
    fewest = 250 if kind == "bursts" else 100  # so that a dozen pauses and more are among them
    n = int(10 ** random.uniform(np.log10(fewest), np.log10(most_events)))
    own = random.uniform(0, 100) + np.cumsum(_intervals(kind, n, random)) / rate
    trains = _seen(own, 1 / rate, random, ends="run" not in kind)
    if kind == "wrapped":
        period = float(own[-1] - own[0]) / random.uniform(1.5, 4.5)
        first = own[0] - own[0] % period
        bend = None if trains.step_at is None else trains.step_at - first
        return replace(trains, own=own % period, period=period, step_at=bend)
    if kind == "one run":
        return _one_of(trains, n, random)
    if kind == "anchored":
        offset = float(trains.true[0] - own[0]) + random.uniform(-0.1, 0.1) / rate
        return replace(trains, anchor=Anchor(offset, 0.2 / rate, at=float(own[0])))
    return trains


def _intervals(kind: Kind, n: int, random: np.random.Generator) -> Floats:
    """Intervals between events, in units of the mean or of the period."""
    if kind in ("random", "wrapped"):
        return random.uniform(0.5, 1.5, n)
    if kind == "waiting":
        return 0.3 + 0.7 * random.exponential(1, n)
    if kind in ("all runs", "one run"):
        n_runs = int(random.integers(2, 5))
        run = random.uniform(0.5, 1.5, max(n // n_runs, 30))
        pauses = random.uniform(5, 60, n_runs)
        return np.concatenate([np.concatenate([[pause], run[1:]]) for pause in pauses])
    intervals = np.ones(n)
    if kind == "bursts":
        begins = np.cumsum(random.integers(5, 40, n))
        begins = begins[begins < n]
        intervals[begins] = random.uniform(5, 60, len(begins))
    return intervals


def _map(own: Floats, random: np.random.Generator) -> tuple[Floats, float | None]:
    """When the times of the source are on the other clock, and when the drift changed."""
    first, second = random.uniform(-200, 200, 2) * 1e-6
    at = float(own[0] + random.uniform(0.2, 0.8) * (own[-1] - own[0])) if random.random() < 0.5 else None
    bent = 0.0 if at is None else np.maximum(own - at, 0) * (second - first)
    return own * (1 + first) + bent + random.uniform(-100, 100), at


def _seen(own: Floats, mean: float, random: np.random.Generator, *, ends: bool) -> Trains:
    """What the other clock has seen of the events of a source."""
    n = len(own)
    true, step_at = _map(own, random)
    is_worst = random.random() < 0.5
    missing, spurious = (0.2, 0.05) if is_worst else (random.uniform(0, 0.2), random.uniform(0, 0.05))
    seen = random.random(n) > missing
    if ends and random.random() < 0.5:
        seen[: random.integers(0, n // 4 + 1)] = False
        seen[n - random.integers(0, n // 4 + 1) :] = False
    jitter = random.uniform(0, 0.02) * mean
    sample = min(1 / random.choice([1000, 5000, 10_000, 30_000]), mean / 20)
    events = np.flatnonzero(seen)
    extra = random.uniform(true[0], true[-1], int(spurious * n))
    times = np.concatenate([true[events] + random.normal(0, jitter, len(events)), extra])
    labels = np.concatenate([events, np.full(len(extra), -1)])
    samples = np.round(times / sample).astype(np.int64)
    samples, index = np.unique(samples, return_index=True)
    return Trains(own, samples * sample, labels[index], true, jitter, sample, step_at)


def _one_of(trains: Trains, n: int, random: np.random.Generator) -> Trains:
    """The same, but the source saw only one of the runs, all of which the other clock saw."""
    gaps = np.flatnonzero(np.diff(trains.own) > 3 * np.median(np.diff(trains.own))) + 1
    bounds = [0, *gaps.tolist(), len(trains.own)]
    run = int(random.integers(0, len(bounds) - 1))
    part = slice(bounds[run], bounds[run + 1])
    labels = np.where((trains.labels >= part.start) & (trains.labels < part.stop), trains.labels - part.start, -1)
    return replace(trains, own=trains.own[part], true=trains.true[part], labels=labels)


def send(value: int, layout: BarcodeLayout) -> Floats:
    """When the line turns on and off by turns as a word is sent, in seconds after its begin."""
    ons = [part % 2 == 0 for part in range(len(layout.lead))]
    ons += [bool(value >> bit & 1) for bit in range(layout.bits)]
    ons += [part % 2 == 0 for part in range(len(layout.tail))]
    turns = np.flatnonzero(np.diff(np.array([False, *ons, False]).astype(np.int8)))
    return layout.boundaries[turns]


def _barcodes(random: np.random.Generator) -> Trains:
    """Words that count up, every 5 to 30 s; either recorder loses or adds a pulse in some."""
    layout = LAYOUTS[str(random.choice(list(LAYOUTS)))]
    first, n = int(random.integers(0, 1 << 32)), int(random.integers(10, 120))
    every, stretch = random.uniform(5, 30), 1 + random.uniform(-3e-3, 3e-3)
    words = [send((first + word) % (1 << 32), layout) + every * word for word in range(n)]
    sent = np.concatenate(words) * stretch + random.uniform(0, 100)
    true, step_at = _map(sent, random)
    jitter, sample = random.uniform(0, 5e-4), 1 / float(random.choice([1000, 5000, 10_000, 30_000]))
    pulses = np.arange(len(sent) // 2)
    seen = random.random(len(pulses)) > random.uniform(0, 0.02)
    if random.random() < 0.5:
        seen[: random.integers(0, len(seen) // 4 + 1)] = False
        seen[len(seen) - random.integers(0, len(seen) // 4 + 1) :] = False
    kept = pulses[seen]
    edges = np.sort(true[np.stack([2 * kept, 2 * kept + 1])] + random.normal(0, jitter, (2, len(kept))), axis=0)
    glitch = random.uniform(true[0], true[-1], int(random.uniform(0, 0.05) * n))
    between = np.searchsorted(edges.ravel(order="F"), glitch)
    free = np.unique(between[between % 2 == 0], return_index=True)[1]
    glitch = glitch[np.flatnonzero(between % 2 == 0)[free]]
    ons = np.concatenate([edges[0], glitch])
    offs = np.concatenate([edges[1], np.minimum(glitch + 1e-3, _next_on(edges[0], glitch))])
    order = np.argsort(ons)
    labels = np.concatenate([kept, np.full(len(glitch), -1)])[order]
    other = np.round(np.stack([ons[order], offs[order]]) / sample) * sample
    apart = np.concatenate([[True], other[0, 1:] > other[1, :-1]]) & (other[1] > other[0])
    return Trains(sent, other[:, apart].ravel(order="F"), labels[apart], true, jitter, sample, step_at, layout=layout)


def _next_on(ons: Floats, times: Floats) -> Floats:
    return np.append(ons, np.inf)[np.searchsorted(ons, times)] - 1e-6


# --- solving and judging ----------------------------------------------------------------------------------------------


def pairs(trains: Trains) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Times of the source's events, and which of them is which of the other train.

    Raises
    ------
    SourceError
        If that is refused.
    """
    if trains.layout is not None:
        (mine, my_ends), (theirs, their_ends) = ((times[::2], times[1::2]) for times in (trains.own, trains.other))
        words = [read_barcodes(ons, offs, trains.layout) for ons, offs in ((mine, my_ends), (theirs, their_ends))]
        return mine, *match_barcodes(words[0], mine, words[1], theirs, within=trains.layout.margin)
    own = trains.own if trains.period is None else unwrap(trains.own, period=trains.period)
    match = match_events(own, trains.other, anchor=trains.anchor)
    return own, match.own, match.other


def outcome(trains: Trains) -> tuple[Outcome, float]:
    """What is made of two trains, and the largest error of the fitted map at the source's own events, as a share of what it may be.

    It may be one sample of the recorder, or four times the standard error that the jitter leaves in a fit to the events that both
    saw, whichever is larger; at events within the time that both saw. The fit is to a line, and where the drift changed to one with
    a bend there, whose time is fitted, too: nothing tells it. A bend that the fit has added by itself earns it no allowance.
    """
    try:
        own, mine, theirs = pairs(trains)
    except SourceError:
        return "refused", np.nan
    share = _share(trains, own, mine, theirs)
    right = float((trains.labels[theirs] == mine).mean())
    return ("solved" if right > 0.95 and share <= 1 else "wrong"), share


def _share(trains: Trains, own: Floats, mine: NDArray[np.int64], theirs: NDArray[np.int64]) -> float:
    """The largest error of the map that is fitted to pairs, as a share of what it may be."""
    other = trains.other if trains.layout is None else trains.other[::2]
    true = trains.true if trains.layout is None else trains.true[::2]
    fitted, _ = fit_map(own[mine], other[theirs], resolution=trains.sample)
    inside = fitted.outside(own) == 0
    error = np.abs(fitted.apply(own[inside]) - true[inside])
    bends = np.array([] if trains.step_at is None else [trains.step_at])
    allowed = np.maximum(trains.sample, 4 * _standard_error(trains, own, own[trains.labels[trains.labels >= 0]], bends)[inside])
    return float((error / allowed).max())


def _standard_error(trains: Trains, at: Floats, seen: Floats, bends: Floats) -> Floats:
    """Of a line with some bends at unknown times, fitted to the events that both clocks saw, at some times."""
    scatter = np.hypot(trains.jitter, trains.sample / np.sqrt(12))
    scale = float(np.ptp(at)) or 1.0
    design, wanted = (
        np.column_stack(
            [
                np.ones_like(times),
                (times - at[0]) / scale,
                *(np.maximum(times - bend, 0) / scale for bend in bends),
                *((times > bend).astype(np.float64) for bend in bends),  # how the line changes as the time of the bend does
            ]
        )
        for times in (seen, at)
    )
    _, sizes, basis = np.linalg.svd(design, full_matrices=False)
    kept = sizes > 1e-9 * sizes[0]
    error: Floats = scatter * np.sqrt(np.square(wanted @ basis[kept].T / sizes[kept]).sum(axis=1))
    return error


# --- all of them ------------------------------------------------------------------------------------------------------


def judged(rig: tuple[Kind, int]) -> tuple[Kind, int, Outcome, float, float]:
    """The outcome of one rig, its error as a share of what it may be, and how long it took, in seconds."""
    trains = draw(*rig)
    begun = time.perf_counter()
    found, share = outcome(trains)
    return *rig, found, share, time.perf_counter() - begun


def rigs(n: int) -> list[tuple[Kind, int]]:
    """So many rigs, of all kinds in their shares, so mixed that any first part of them has these shares, too."""
    numbered = [
        ((seed + 0.5) / stratum.n, kind, seed)
        for kind, stratum in STRATA.items()
        for seed in range(max(1, round(stratum.n * n / 10_000)))
    ]
    return [(kind, seed) for _, kind, seed in sorted(numbered)]


def rows(found: list[tuple[Kind, int, Outcome, float, float]]) -> Iterator[str]:
    """The table, a row a kind."""
    yield "| trains | to be | rigs | solved | refused | wrong | largest error as a share of what it may be | s a rig |"
    yield "|---|---|---|---|---|---|---|---|"
    for kind, stratum in STRATA.items():
        mine = [one for one in found if one[0] == kind]
        counts = Counter(one[2] for one in mine)
        shares = [one[3] for one in mine if one[2] != "refused"]
        each = " | ".join(str(counts[one]) for one in ("solved", "refused", "wrong"))
        largest = f"{max(shares):.2f}" if shares else ""
        seconds = np.mean([one[4] for one in mine])
        yield f"| {stratum.said} | {stratum.expected} | {len(mine)} | {each} | {largest} | {seconds:.2f} |"


if __name__ == "__main__":
    drawn = rigs(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
    results = []
    with ProcessPoolExecutor(int(sys.argv[2]) if len(sys.argv) > 2 else None) as pool:
        for result in pool.map(judged, drawn, chunksize=10):
            results.append(result)
            if result[2] != STRATA[result[0]].expected or len(results) % 500 == 0:
                sys.stderr.write(f"{len(results)}: {result}\n")
    for line in rows(results):
        sys.stdout.write(f"{line}\n")
