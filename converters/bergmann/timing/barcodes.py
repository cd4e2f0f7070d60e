"""Barcodes on a line: words of bits that say by themselves which pulse is which, on whatever clock they are recorded.

A generator (an Arduino, mostly) sends a number every few seconds to all recorders. Which word is which needs no guess about when a
recorder began, and a word that one of them lost does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.timing.clock_map import Floats
from bergmann.timing.match import MOST_DRIFT, Indices

_BLOCK = 1 << 14
_STRETCH = 0.005
"""How far the generator's own clock may be off: boards with a ceramic resonator are within half a percent."""


@dataclass(frozen=True, kw_only=True)
class BarcodeLayout:
    """How a word is sent: a lead, the bits (the lowest first, on for 1), a tail; then the line is off.

    Attributes
    ----------
    bits : int
        How many bits, at most 62.
    bar : float
        How long a bit lasts, in seconds.
    lead, tail : tuple of float
        How long the line is on, off, on, ... before and behind the bits, in seconds.
    """

    bits: int = 32
    bar: float
    lead: tuple[float, ...]
    tail: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 62:
            raise SourceError(f"barcodes of {self.bits} bits; expected 2 to 62")
        if not self.lead or min(self.bar, *self.lead, *self.tail) <= 0:
            raise SourceError("a barcode without a lead, or with a part of no length; expected seconds above 0")

    @property
    def boundaries(self) -> Floats:
        """Where the line may turn on or off, in seconds after the word's begin, shape (n_parts + 1,)."""
        return np.cumsum([0.0, *self.lead, *[self.bar] * self.bits, *self.tail])

    @property
    def margin(self) -> float:
        """How far from there it may do so at the word's begin, in seconds: a quarter of the shortest part."""
        return min(self.bar, *self.lead, *self.tail) / 4


LAYOUTS = {
    "open ephys": BarcodeLayout(bar=0.029, lead=(0.02, 0.02)),
    "one core": BarcodeLayout(bar=0.03, lead=(0.01, 0.01, 0.01), tail=(0.01, 0.01, 0.01)),
}
"""As two public generators send them: github.com/open-ephys/sync-barcodes (arduino-barcodes.ino: on and off for 20 ms, then 32 bits
of (30 - 1) * 32 / 32 ms), and that of the Optogenetics and Neural Engineering Core of the University of Colorado
(arduino_barcodes.ino: on, off, on for 10 ms each before and behind 32 bits of 30 ms)."""


@dataclass(frozen=True, eq=False)
class Barcodes:
    """Words found on a line.

    Attributes
    ----------
    values : np.ndarray, shape (n_words,), int64
    first, behind : np.ndarray, shape (n_words,), int64
        Number of the first pulse of each word, and of that behind its last.
    n_other : int
        Pulses that are in no whole word: of words that the recording's ends cut, glitches, words with a pulse lost.
    """

    values: Indices
    first: Indices
    behind: Indices
    n_other: int

    def __len__(self) -> int:
        return len(self.values)


def read_barcodes(onsets: Floats, offsets: Floats, layout: BarcodeLayout) -> Barcodes:
    """Read the words among the pulses of a line; what is not exactly one is left out and counted.

    Parameters
    ----------
    onsets, offsets : np.ndarray, shape (n_pulses,), float64
        When the line turned on and off, in seconds, ascending.
    layout : BarcodeLayout

    Returns
    -------
    Barcodes
    """
    edges = np.column_stack([onsets, offsets]).ravel()
    parts = [_words_from(edges, start, layout) for start in range(0, len(onsets), _BLOCK)]
    first, behind, values = (np.concatenate([np.empty(0, dtype=np.int64), *(one[which] for one in parts)]) for which in range(3))
    apart = _apart(first, behind)
    first, behind, values = first[apart], behind[apart], values[apart]
    return Barcodes(values, first, behind, int(len(onsets) - (behind - first).sum()))


def _apart(first: Indices, behind: Indices) -> NDArray[np.bool_]:
    """Which words begin behind the one before: where bits look like a lead, a word seems to begin within another."""
    kept = np.zeros(len(first), dtype=np.bool_)
    free = 0
    for number, (start, stop) in enumerate(zip(first.tolist(), behind.tolist(), strict=True)):
        if start >= free:
            kept[number], free = True, stop
    return kept


def _words_from(edges: Floats, start: int, layout: BarcodeLayout) -> tuple[Indices, Indices, Indices]:
    """The words that begin at some of the pulses: first pulse, pulse behind the last, value."""
    boundaries, n_lead = layout.boundaries, len(layout.lead)
    middles = (boundaries[:-1] + boundaries[1:]) / 2
    first = np.arange(start, min(start + _BLOCK, len(edges) // 2))
    for part in range(n_lead):
        first = first[_is_on(edges, edges[2 * first] + middles[part]) == (part % 2 == 0)]
    begin = edges[2 * first]
    quiet = np.where(first > 0, begin - edges[np.maximum(2 * first - 1, 0)], np.inf) >= layout.bar
    behind = np.searchsorted(edges, begin + boundaries[-1] * (1 + _STRETCH) + layout.margin)
    following = np.where(behind < len(edges), edges[np.minimum(behind, len(edges) - 1)] - begin - boundaries[-1], np.inf)
    whole = quiet & (behind % 2 == 0) & (following >= layout.bar / 2)
    first, begin, behind = first[whole], begin[whole], behind[whole]
    tail = np.array([_is_on(edges, begin + middles[n_lead + layout.bits + part]) for part in range(len(layout.tail))])
    expected = np.arange(len(layout.tail))[:, np.newaxis] % 2 == 0
    kept = _on_grid(edges, first, behind, layout) & ((tail == expected).all(axis=0) if len(layout.tail) else True)
    first, begin, behind = first[kept], begin[kept], behind[kept]
    bits = [_is_on(edges, begin + middles[n_lead + bit]).astype(np.int64) << bit for bit in range(layout.bits)]
    return first, behind // 2, np.sum(bits, axis=0, dtype=np.int64)


def _is_on(edges: Floats, times: Floats) -> NDArray[np.bool_]:
    on: NDArray[np.bool_] = np.searchsorted(edges, times, side="right") % 2 == 1
    return on


def _on_grid(edges: Floats, first: Indices, behind: Indices, layout: BarcodeLayout) -> NDArray[np.bool_]:
    """Whether each edge of each word is where the layout has a boundary."""
    counts = behind - 2 * first
    if not len(counts):
        return np.zeros(0, dtype=np.bool_)
    word = np.repeat(np.arange(len(first)), counts)
    starts = np.cumsum(counts) - counts
    after = edges[2 * first[word] + np.arange(len(word)) - starts[word]] - edges[2 * first[word]]
    boundaries = layout.boundaries
    right = np.clip(np.searchsorted(boundaries, after), 1, len(boundaries) - 1)
    apart = np.minimum(np.abs(after - boundaries[right - 1]), np.abs(after - boundaries[right]))
    near: NDArray[np.bool_] = np.logical_and.reduceat(apart <= layout.margin + _STRETCH * after, starts)
    return near


def match_barcodes(
    own: Barcodes, own_onsets: Floats, other: Barcodes, other_onsets: Floats, *, within: float, most_drift: float = MOST_DRIFT
) -> tuple[Indices, Indices]:
    """Which pulses of two lines are the same, by the values of the words that they are in.

    Values that a line has more than once say nothing and are left out. As most generators count, a word that lost a bit may
    have the value of another; such pairs are left out because the others say another shift.

    Parameters
    ----------
    own, other : Barcodes
    own_onsets, other_onsets : np.ndarray, float64
        Onsets of all pulses of either line, in seconds.
    within : float
        How far a pulse may be from where the shift of its word's first puts it, in seconds.
    most_drift : float
        How far the clocks' rates may be apart.

    Returns
    -------
    own, other : np.ndarray, shape (n_matched,), int64
        Numbers of the pulses on either line, ascending.

    Raises
    ------
    SourceError
        If fewer than two words are on both lines, or their shifts do not agree; the message has the counts.
    """
    one, two = _pairs(own.values, other.values)
    seen = f"{len(own)} and {len(other)} barcodes were read"
    if len(one) < 2:
        raise SourceError(
            f"{seen}, and {len(one)} of them are on both lines; expected at least 2. Are both lines of one generator, and did the "
            "recordings overlap?"
        )
    at = own_onsets[own.first[one]]
    shifts = other_onsets[other.first[two]] - at
    middle = int(np.argsort(shifts)[len(shifts) // 2])
    agree = np.abs(shifts - shifts[middle]) <= within + most_drift * np.abs(at - at[middle])
    if agree.sum() < 2 or 2 * agree.sum() <= len(agree):
        raise SourceError(
            f"{seen}, {len(one)} of them are on both lines, and only {int(agree.sum())} of these say the same shift between the "
            f"clocks ({float(shifts.min()):+.3f} to {float(shifts.max()):+.3f} s); was the generator started again in between?"
        )
    pairs = [
        _pulses_of(own_onsets, own.first[i], own.behind[i], other_onsets, other.first[j], other.behind[j], within)
        for i, j in zip(one[agree], two[agree], strict=True)
    ]
    mine, theirs = (np.concatenate([pair[which] for pair in pairs]) for which in (0, 1))
    return mine, theirs


def _pairs(own: Indices, other: Indices) -> tuple[Indices, Indices]:
    """Numbers of the words whose value each side has once, in the order of the first."""
    once = [np.unique(values, return_index=True, return_counts=True) for values in (own, other)]
    (mine, my_index, _), (theirs, their_index, _) = (
        (values[counts == 1], index[counts == 1], counts) for values, index, counts in once
    )
    _, i, j = np.intersect1d(mine, theirs, assume_unique=True, return_indices=True)
    order = np.argsort(my_index[i])
    return my_index[i][order], their_index[j][order]


def _pulses_of(
    own: Floats, first: int, behind: int, other: Floats, their_first: int, their_behind: int, within: float
) -> tuple[Indices, Indices]:
    """The pulses of one word on both lines; words of one value have equally many, and one that is too far off is no good."""
    mine, theirs = np.arange(first, behind), np.arange(their_first, their_behind)
    if len(mine) != len(theirs):
        return mine[:1], theirs[:1]
    apart = np.abs((other[theirs] - other[their_first]) - (own[mine] - own[first]))
    return mine[apart <= within], theirs[apart <= within]
