"""Barcodes: each word is read as it was sent, and what is not one is left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bergmann.errors import SourceError
from bergmann.timing.barcodes import LAYOUTS, BarcodeLayout, match_barcodes, read_barcodes

from .random_rigs import Floats, send

layouts = st.one_of(
    st.sampled_from(list(LAYOUTS.values())),
    st.just(BarcodeLayout(bits=12, bar=0.05, lead=(0.1, 0.1))),
    st.just(BarcodeLayout(bits=16, bar=0.03, lead=(0.01, 0.01, 0.01), tail=(0.01, 0.01, 0.01))),
)


def sent(values: list[int], layout: BarcodeLayout, every: float = 5.0, begin: float = 2.0) -> tuple[Floats, Floats]:
    """When the line turns on and off as words are sent."""
    edges = np.concatenate([send(value % (1 << layout.bits), layout) + begin + every * word for word, value in enumerate(values)])
    return edges[::2], edges[1::2]


@given(values=st.lists(st.integers(0, (1 << 32) - 1), min_size=1, max_size=8), layout=layouts, stretch=st.floats(0.997, 1.003))
def test_words_are_read_as_they_were_sent_whatever_the_clock(values, layout, stretch):
    onsets, offsets = sent(values, layout)
    words = read_barcodes(onsets * stretch, offsets * stretch, layout)
    assert words.values.tolist() == [value % (1 << layout.bits) for value in values]
    assert words.n_other == 0
    assert (onsets[words.first] == 2.0 + 5.0 * np.arange(len(values))).all()


@given(
    value=st.integers(0, (1 << 32) - 1),
    layout=st.sampled_from(list(LAYOUTS.values())),
    at=st.floats(0.0, 1.1),
    width=st.floats(0.0005, 0.004),
)
def test_a_glitch_in_a_word_never_gives_another_word(value, layout, at, width):
    """The word is read as it was sent, or left out."""
    onsets, offsets = sent([value, value + 1], layout)
    assume(not ((onsets <= 2.0 + at + width) & (offsets >= 2.0 + at)).any())
    order = np.argsort(np.append(onsets, 2.0 + at))
    ons, offs = np.append(onsets, 2.0 + at)[order], np.append(offsets, 2.0 + at + width)[order]
    read = read_barcodes(ons, offs, layout).values.tolist()
    assert set(read) <= {value, (value + 1) % (1 << 32)}


def test_words_that_the_recording_cuts_are_left_out_and_counted():
    layout = LAYOUTS["open ephys"]
    onsets, offsets = sent([5, 6, 7], layout)
    words = read_barcodes(onsets[1:], offsets[1:], layout)
    assert (words.values.tolist(), words.n_other) == ([6, 7], 2)


def test_words_are_matched_by_their_numbers_and_one_that_lost_a_bit_is_let_go():
    layout = LAYOUTS["open ephys"]
    onsets, offsets = sent(list(range(4, 24)), layout)
    mine = read_barcodes(onsets, offsets, layout)
    last_bit = next(i for i in range(len(onsets)) if i > int(mine.first[1]))  # the lowest bit of word 5: 4 is left
    gone = np.delete(np.arange(len(onsets)), [*range(int(mine.first[0]), int(mine.behind[0])), last_bit])
    other_on, other_off = onsets[gone] - 1.5, offsets[gone] - 1.5
    other = read_barcodes(other_on, other_off, layout)
    assert other.values.tolist()[0] == 4  # what is left of 5
    one, two = match_barcodes(mine, onsets, other, other_on, within=layout.margin)
    assert np.allclose(onsets[one] - other_on[two], 1.5)
    assert len(one) == len(gone) - (int(mine.behind[1] - mine.first[1]) - 1)


def test_lines_of_two_generators_are_refused_with_the_counts():
    layout = LAYOUTS["one core"]
    trains = [sent([first + word for word in range(9)], layout) for first in (100, 900)]
    words = [read_barcodes(*train, layout) for train in trains]
    with pytest.raises(SourceError, match="9 and 9 barcodes were read, and 0 of them are on both lines; expected at least 2"):
        match_barcodes(words[0], trains[0][0], words[1], trains[1][0], within=layout.margin)


def test_numbers_that_came_again_are_refused():
    layout = LAYOUTS["one core"]
    onsets, offsets = sent([7, 900, 8, 901, 9], layout)
    again, again_off = sent([900, 7, 901, 8, 9], layout)
    words = read_barcodes(onsets, offsets, layout), read_barcodes(again, again_off, layout)
    with pytest.raises(SourceError, match=r"only 2 of these say the same shift between the clocks|was the generator started again"):
        match_barcodes(words[0], onsets, words[1], again, within=layout.margin)


def test_a_layout_that_cannot_be_is_refused():
    with pytest.raises(SourceError, match="barcodes of 80 bits; expected 2 to 62"):
        BarcodeLayout(bits=80, bar=0.03, lead=(0.01,))
    with pytest.raises(SourceError, match="without a lead"):
        BarcodeLayout(bar=0.03, lead=())
