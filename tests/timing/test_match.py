"""Two trains of the same events: matched where that is unique, refused with the evidence where it is not, never silently wrong."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bergmann.errors import SourceError
from bergmann.timing.match import Anchor, match_events

from .random_rigs import STRATA, Kind, judged, rigs

RIGS = 12


@pytest.mark.parametrize("kind", STRATA)
def test_trains_are_matched_or_refused_as_their_kind_is_and_never_wrongly(kind: Kind) -> None:
    found = [judged((kind, seed))[2] for seed in range(20_000, 20_000 + RIGS)]
    assert found == [STRATA[kind].expected] * RIGS


@pytest.mark.slow
def test_all_of_the_random_rigs() -> None:
    """What ``random_rigs.md`` says, on all 10,000; some twenty minutes on two cores."""
    with ProcessPoolExecutor() as pool:
        found = list(pool.map(judged, rigs(10_000), chunksize=20))
    assert [one for one in found if one[2] == "wrong"] == []
    for kind, stratum in STRATA.items():
        as_expected = [one[2] == stratum.expected for one in found if one[0] == kind]
        assert len(as_expected) == stratum.n
        assert np.mean(as_expected) >= (0.99 if stratum.expected == "solved" else 1.0), kind


@settings(max_examples=40, deadline=None)
@given(
    intervals=st.lists(st.sampled_from([1.0, 1.0, 1.3, 0.7, 2.1]), min_size=12, max_size=60),
    lost=st.sets(st.integers(0, 59), max_size=12),
    added=st.lists(st.floats(0.05, 0.95), max_size=3),
    shift=st.floats(-50, 50),
    ppm=st.floats(-200, 200),
)
def test_no_pair_of_a_match_is_wrong(intervals: list[float], lost: set[int], added: list[float], shift: float, ppm: float) -> None:
    """Whatever the train, so that hypothesis finds the shortest one that is matched wrongly; a refusal is always right here."""
    own = np.cumsum(np.array(intervals))
    true = own * (1 + ppm * 1e-6) + shift
    kept = np.array([number for number in range(len(own)) if number not in lost])
    extra = true[0] + np.array(added) * (true[-1] - true[0])
    extra = extra[[bool(np.abs(true - one).min() > 0.2) for one in extra]] if len(added) else extra
    other = np.concatenate([true[kept], extra])
    order = np.argsort(other)
    labels = np.concatenate([kept, np.full(len(extra), -1)])[order]
    assume(len(kept) > 2 and (np.diff(other[order]) > 0).all())
    try:
        match = match_events(own, other[order])
    except SourceError:
        return
    assert labels[match.other].tolist() == match.own.tolist()


def test_a_long_regular_train_is_refused_though_not_every_way_to_lay_it_is_followed() -> None:
    own = np.arange(5000) / 100
    seen = np.random.default_rng(2).random(5000) > 0.2
    with pytest.raises(SourceError, match="too regular to tell which"):
        match_events(own, own[seen] * (1 + 50e-6) + 3)


def test_a_run_that_was_given_twice_is_refused_where_only_one_was_seen() -> None:
    run = np.cumsum(np.random.default_rng(6).uniform(0.5, 1.5, 60))
    twice = np.concatenate([run, run + 90.0])
    with pytest.raises(SourceError, match=r"more than once: .* was the same run given again|several ways"):
        match_events(run, np.delete(twice, [3, 70, 71, 72, 80, 81, 82, 83, 90, 91, 92]))
    assert len(match_events(twice, np.delete(twice, [3, 70]) + 5)) == 118


def test_the_refusal_has_the_evidence() -> None:
    own = np.arange(100) / 10
    with pytest.raises(
        SourceError, match=r"several ways: with the second .* s later \d+ events agree, with .* s \d+; .*too regular"
    ):
        match_events(own, own[20:80] + 3)


def test_an_anchor_tells_which_it_is() -> None:
    own = np.arange(100) / 10
    match = match_events(own, own[20:80] + 3, anchor=Anchor(offset=3.02, within=0.04))
    assert match.own.tolist() == list(range(20, 80))
    assert match.other.tolist() == list(range(60))
    assert (match.n_missing, match.n_spurious) == (0, 0)


def test_an_anchor_holds_where_it_was_stated_though_the_clocks_drift() -> None:
    own = 5000 + np.arange(300) / 10
    other = own[40:] * (1 + 200e-6) + 3
    at = float(own[0])
    match = match_events(own, other, anchor=Anchor(offset=float(at * 200e-6 + 3.02), within=0.04, at=at))
    assert match.own.tolist() == list(range(40, 300))


def test_missing_and_spurious_events_are_counted_between_the_first_and_the_last() -> None:
    random = np.random.default_rng(4)
    own = np.cumsum(random.uniform(0.5, 1.5, 60))
    other = np.sort(np.concatenate([np.delete(own, [10, 11, 30]) - 7.5, [own[40] - 7.5 + 0.21]]))
    match = match_events(own, other)
    assert sorted(set(range(60)) - set(match.own.tolist())) == [10, 11, 30]
    assert (len(match), match.n_missing, match.n_spurious) == (57, 3, 1)
    assert match.evidence > 14


def test_trains_of_other_events_are_no_match() -> None:
    random = np.random.default_rng(5)
    with pytest.raises(SourceError, match=r"are they the same events|too regular"):
        match_events(np.cumsum(random.uniform(0.5, 1.5, 200)), np.cumsum(random.uniform(0.5, 1.5, 200)))


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (np.array([1.0, 2.0]), "the first train has 2 events; expected at least 3"),
        (np.array([1.0, 3.0, 2.0, 4.0]), "the times of the first train do not ascend"),
        (np.array([1.0, 2.0, np.nan, 4.0]), "the times of the first train do not ascend"),
    ],
)
def test_what_is_no_train_is_refused(own: np.ndarray[tuple[int], np.dtype[np.float64]], said: str) -> None:
    with pytest.raises(SourceError, match=said):
        match_events(own, np.cumsum(np.array([0.5, 1.1, 0.7, 0.9])))
