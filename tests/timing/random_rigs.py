"""Two trains of the same events as rigs record them, with the truth; run it for a table of what the matcher makes of many.

``python tests/timing/random_rigs.py 1000`` draws as many rigs of each kind, a second each; ``random_rigs.md`` has the last run.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.timing.clock_map import fit_map
from bergmann.timing.match import match_events

Kind = Literal["random", "waiting", "bursts", "regular"]
KINDS: dict[Kind, str] = {
    "random": "intervals between half and one and a half of the mean",
    "waiting": "waiting times (exponential) behind a dead time",
    "bursts": "regular bursts of 5 to 40 events, with pauses of random length",
    "regular": "regular, and nothing says when either began",
}
Outcome = Literal["solved", "refused", "wrong"]


@dataclass(frozen=True, eq=False)
class Trains:
    """What two clocks have seen of the same events.

    Attributes
    ----------
    own, other : np.ndarray
        Times on either clock, in seconds.
    labels : np.ndarray
        Of each event of `other`, which of `own` it is; -1 for a spurious one.
    true : np.ndarray
        When each event of `own` was on the other clock.
    jitter : float
        Standard deviation of the scatter of `other`, in seconds.
    """

    own: NDArray[np.float64]
    other: NDArray[np.float64]
    labels: NDArray[np.int64]
    true: NDArray[np.float64]
    jitter: float


def draw(kind: Kind, seed: int, *, most_events: int = 4000) -> Trains:
    """Draw a rig: 5 Hz to 1 kHz, drift to 200 ppm, up to 20 % missing and 5 % spurious.

    Half of them have a step of the drift, and half begin late and stop early.
    """
    random = np.random.default_rng((list(KINDS).index(kind), seed))
    rate = 10 ** random.uniform(np.log10(5), 3)
    n = int(10 ** random.uniform(2, np.log10(most_events)))
    own = np.cumsum(_intervals(kind, n, random)) / rate
    step = random.uniform(-200, 200) if random.random() < 0.5 else 0.0
    at = random.uniform(0.2, 0.8) * own[-1]
    true = own * (1 + random.uniform(-200, 200) * 1e-6) + np.maximum(own - at, 0) * step * 1e-6 + random.uniform(-100, 100)
    seen = random.random(n) > random.uniform(0, 0.2)
    if random.random() < 0.5:
        seen[: random.integers(0, n // 4 + 1)] = False
        seen[n - random.integers(0, n // 4 + 1) :] = False
    jitter = random.uniform(0, 0.02) / rate
    events = np.flatnonzero(seen)
    spurious = random.uniform(true[0], true[-1], int(random.uniform(0, 0.05) * n))
    times = np.concatenate([true[events] + random.normal(0, jitter, len(events)), spurious])
    labels = np.concatenate([events, np.full(len(spurious), -1)])
    order = np.argsort(times)
    apart = np.concatenate([[True], np.diff(times[order]) > 1e-9])
    return Trains(own, times[order][apart], labels[order][apart], true, jitter)


def _intervals(kind: Kind, n: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Intervals between events, in units of the mean or of the period."""
    if kind == "random":
        return random.uniform(0.5, 1.5, n)
    if kind == "waiting":
        return 0.3 + 0.7 * random.exponential(1, n)
    intervals = np.ones(n)
    if kind == "bursts":
        begins = np.cumsum(random.integers(5, 40, n))
        begins = begins[begins < n]
        intervals[begins] = random.uniform(5, 60, len(begins))
    return intervals


def outcome(trains: Trains) -> Outcome:
    """What the matcher makes of two trains: wrong if a fitted time is further from the truth than any scatter explains."""
    try:
        match = match_events(trains.own, trains.other)
    except SourceError:
        return "refused"
    fitted, _ = fit_map(trains.own[match.own], trains.other[match.other])
    inside = fitted.outside(trains.own) == 0
    error = np.abs(fitted.apply(trains.own[inside]) - trains.true[inside]).max()
    pairs = float((trains.labels[match.other] == match.own).mean())
    return "solved" if pairs > 0.95 and error <= max(4 * trains.jitter, 1e-4) else "wrong"


def rows(n_rigs: int) -> Iterator[str]:
    """The table, a row a kind."""
    yield "| trains | rigs | solved | refused | wrong | s a rig |"
    yield "|---|---|---|---|---|---|"
    for kind, said in KINDS.items():
        begun = time.perf_counter()
        counts = Counter(outcome(draw(kind, seed)) for seed in range(n_rigs))
        each = (time.perf_counter() - begun) / n_rigs
        yield f"| {said} | {n_rigs} | {counts['solved']} | {counts['refused']} | {counts['wrong']} | {each:.2f} |"


if __name__ == "__main__":
    for line in rows(int(sys.argv[1])):
        sys.stdout.write(f"{line}\n")
