"""Two trains of the same events: matched where that is unique, refused with the evidence where it is not, never silently wrong."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

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
