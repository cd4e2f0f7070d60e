"""Gaps by the numbers of samples, and stretches by their edges, as arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bergmann.errors import SourceError
from bergmann.signals import _numbers
from bergmann.signals._numbers import find_runs
from bergmann.signals._turns import take_turns


@given(st.integers(-1000, 1000), st.lists(st.integers(1, 3), max_size=60), st.integers(1, 7))
def test_runs_hold_every_sample_once(first, steps, block):
    numbers = np.cumsum([first, *steps])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_numbers, "BLOCK", block)
        firsts, lengths = find_runs(numbers, where="a")
    held = np.concatenate([np.arange(start, start + length) for start, length in zip(firsts, lengths, strict=True)])
    assert held.tolist() == numbers.tolist()
    assert len(firsts) == 1 + sum(step > 1 for step in steps)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=20), st.integers(0, 19), st.integers(-3, 0))
def test_numbers_that_do_not_go_forward_are_refused(steps, place, back):
    place %= len(steps)
    numbers = np.cumsum([0, *steps[:place], back, *steps[place + 1 :]])
    with pytest.raises(SourceError, match=f"a: sample {place + 2} has the number"):
        find_runs(numbers, where="a")


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.booleans())
def test_turns_are_the_stretches_of_the_line(steps, starts_on):
    """The line is seen at whole seconds; its edges are at these times, in turns."""
    edges = np.cumsum(steps).astype(float)
    ups, downs = (edges[1::2], edges[0::2]) if starts_on else (edges[0::2], edges[1::2])
    last = edges[-1] + 1
    turns = take_turns(ups, downs, first=0.0, last=last)
    assert turns is not None
    assert (turns.on_at_start, turns.on_at_end) == (starts_on, (len(edges) + starts_on) % 2 == 1)
    seen = np.arange(0, last) + 0.5
    changes = np.searchsorted(edges, seen)
    expected = (changes + starts_on) % 2 == 1
    found = ((turns.ups[:, None] <= seen) & (seen < turns.downs[:, None])).any(axis=0)
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("ups", "downs"), [([1, 2], [3]), ([1], [2, 3]), ([1, 5], [2, 3]), ([], [1, 2])], ids=["up lost", "down lost", "late", "no up"]
)
def test_edges_that_do_not_take_turns_are_none(ups, downs):
    assert take_turns(np.array(ups, float), np.array(downs, float), first=0.0, last=9.0) is None
