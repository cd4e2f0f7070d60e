"""Digital words: each line of them, and the values they take."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bergmann.errors import SourceError
from bergmann.timing.pulses import find_pulses
from bergmann.timing.words import bit_of, find_words


def reader(samples, dtype=np.uint16):
    samples = np.asarray(samples, dtype=dtype)
    return (lambda start, stop: samples[start:stop]), len(samples)


@given(lines=st.lists(st.lists(st.booleans(), min_size=30, max_size=30), min_size=3, max_size=3), block=st.integers(1, 40))
def test_each_line_of_a_word_has_its_own_pulses(lines, block):
    words = sum(np.array(line, dtype=np.uint16) << bit for bit, line in enumerate(lines))
    read, n = reader(words)
    for bit, line in enumerate(lines):
        of_word = find_pulses(bit_of(read, bit), n, threshold=0.5, block=block)
        of_line = find_pulses(*reader(line), threshold=0.5)
        assert of_word.onsets.tolist() == of_line.onsets.tolist()
        assert of_word.offsets.tolist() == of_line.offsets.tolist()


@given(samples=st.lists(st.integers(-3, 3), max_size=40), block=st.integers(1, 50))
def test_words_are_the_runs_of_equal_values_whatever_the_block(samples, block):
    found = find_words(*reader(samples, np.int16), block=block)
    runs = [value for value, _ in groupby(samples)]
    assert found.values.tolist() == runs
    assert all(samples[at] == value for at, value in zip(found.onsets.tolist(), runs, strict=True))
    assert len(found.passing_onsets) == 0


def test_a_value_that_is_passed_through_is_listed_and_the_next_begins_with_it():
    found = find_words(*reader([0, 0, 0, 4, 6, 7, 7, 7, 3, 0, 0, 0]), settle=3)
    assert (found.onsets.tolist(), found.values.tolist()) == ([0, 3, 8], [0, 7, 0])
    assert (found.passing_onsets.tolist(), found.passing_values.tolist()) == ([3, 4, 8], [4, 6, 3])


def test_a_flicker_back_to_the_same_value_is_no_change():
    found = find_words(*reader([5, 5, 5, 1, 5, 5, 5]), settle=2)
    assert (found.onsets.tolist(), found.values.tolist(), found.passing_values.tolist()) == ([0], [5], [1])


def test_the_highest_bit_of_a_signed_word_is_read():
    assert bit_of(reader([-1, 0, -32768], np.int16)[0], 15)(0, 3).tolist() == [1, 0, 1]


def test_what_is_no_word_is_refused():
    with pytest.raises(SourceError, match="bit 16 of words of 16 bits; expected 0 to 15"):
        bit_of(reader([1])[0], 16)(0, 1)
    with pytest.raises(SourceError, match="bit -1 of a word"):
        bit_of(reader([1])[0], -1)
    with pytest.raises(SourceError, match="words of type float64; expected whole numbers"):
        find_words(lambda start, stop: np.zeros(stop - start), 3)
