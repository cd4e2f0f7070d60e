"""The one grammar of times: what it reads, what it refuses, and when that was."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time
from math import nan
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from bergmann.errors import SourceError
from bergmann.moments import HALF_A_DAY, Moment, Reference, When, day_difference, in_run, names, parse_delay, resolve


@dataclass(frozen=True)
class Afternoon:
    """A session that started 2024-05-17 10:30:57, with a movie from 2 s to 100 s, and a drug, a nerve injury and tags."""

    tagged: tuple[tuple[str, float], ...] = (("+TGOT", 173.98), ("-TGOT", 294.86))
    pulse_times: tuple[float, ...] = (5.0, 6.0, 7.5)
    session_date: date = date(2024, 5, 17)
    procedures: dict[str, date | Literal["unknown"]] = field(default_factory=lambda: {"sni": date(2024, 5, 10), "virus": "unknown"})

    def span(self, reference: Reference) -> tuple[When, When]:
        spans = {
            "movie": (When(2.0, "recorded"), When(100.0, "recorded")),
            "base": (When(0.0, "recorded"), When(60.0, "recorded")),
            "prazosin": (When(173.98, "tag", 5.0), When(294.86, "tag")),
            "bolus": (When(10.0, "notebook"), When(nan, "unknown")),
            "movie in praz": (When(1200.0, "recorded"), When(1300.0, "recorded")),
        }
        if str(reference) not in spans:
            raise SourceError(f"nothing is called {reference}")
        return spans[str(reference)]

    def date_of_procedure(self, name: str) -> date | Literal["unknown"] | None:
        return self.procedures.get(name)

    def frame_time(self, reference: Reference, number: int) -> float:
        return 2.0 + (number - 1) / 30

    def pulses(self, reference: Reference) -> NDArray[np.float64]:
        return np.array(self.pulse_times)

    def events(self, reference: Reference) -> NDArray[np.float64]:
        return np.array(self.pulse_times) + 1

    def tags(self, reference: Reference) -> Sequence[tuple[str, float]]:
        return self.tagged

    def wall_clock(self, at: time | datetime) -> float:
        local = at if isinstance(at, datetime) else datetime.combine(self.session_date, at)
        return (local - datetime(2024, 5, 17, 10, 30, 57)).total_seconds()


NOON_OF_SNI = -(7 * 86400) + 89 * 60 + 3  # 2024-05-10 12:00:00, from 2024-05-17 10:30:57


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10 min after movie", When(602.0, "recorded")),
        ("22 min 30 s after movie", When(1352.0, "recorded")),
        ("1.5 s before movie ends", When(98.5, "recorded")),
        ("10 min after movie in praz", When(1800.0, "recorded")),
        ("10 min after movie in praz ends", When(1900.0, "recorded")),
        ("movie ends in praz", When(1300.0, "recorded")),
        ("start of movie in praz", When(1200.0, "recorded")),
        ("frame 19200 of movie", When(2.0 + 19199 / 30, "recorded")),
        ("first pulse of daq/Inject", When(5.0, "recorded")),
        ("last pulse of daq/Inject", When(7.5, "recorded")),
        ("first event of puffs", When(6.0, "recorded")),
        ("start of base", When(0.0, "recorded")),
        ("end of base", When(60.0, "recorded")),
        ('tag "+TGOT" of patch', When(173.98, "tag")),
        ("tag “-TGOT” of patch +- 2 s", When(294.86, "tag", 2.0)),
        ("prazosin ends", When(294.86, "tag")),
        ("10 min after prazosin", When(773.98, "tag", 5.0)),
        ("10 min after prazosin ends", When(894.86, "tag")),
        ("10:41", When(603.0, "notebook")),
        ("10:41 +- 30 s", When(603.0, "notebook", 30.0)),
        ("10:41:05 ± 1 min", When(608.0, "notebook", 60.0)),
        ("2024-05-17 10:41", When(603.0, "notebook")),
        ("2024-05-16T10:30:57", When(-86400.0, "notebook")),
        ("30 min before session", When(-1800.0, "protocol")),
        ("1 d before session", When(-86400.0, "protocol", HALF_A_DAY)),
        ("1 d before session +- 2 h", When(-86400.0, "protocol", 7200.0)),
        ("7 d after sni", When(89 * 60 + 3.0, "protocol", HALF_A_DAY)),
        ("1 h after sni", When(NOON_OF_SNI + 3600.0, "protocol", HALF_A_DAY)),
        ("2024-05-10", When(float(NOON_OF_SNI), "notebook", HALF_A_DAY)),
    ],
)
def test_a_time_is_resolved_with_how_it_is_known(text: str, expected: When) -> None:
    (found,) = resolve(Moment(text), Afternoon())
    assert found.seconds == pytest.approx(expected.seconds, abs=1e-9)
    assert found.basis == expected.basis
    assert found.uncertainty == pytest.approx(expected.uncertainty, nan_ok=True)


@pytest.mark.parametrize("text", ["unknown", "3 d after virus", "bolus ends"])
def test_a_time_that_nobody_knows_stays_unknown(text: str) -> None:
    (found,) = resolve(Moment(text), Afternoon())
    assert np.isnan(found.seconds)
    assert found.basis == "unknown"


def test_each_event_is_as_many_times() -> None:
    assert [when.seconds for when in resolve(Moment("each event of puffs"), Afternoon())] == [6.0, 7.0, 8.5]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("600", "a bare number says neither a unit nor from when"),
        ("-3.5", "a bare number"),
        ("", "it is empty"),
        ("10 min", "from when? Write `10 min after movie`"),
        ("10,5 min after movie", "has a decimal comma"),
        ("10 after movie", "`10` has no unit"),
        ("10 m after movie", "is `m` minutes, months or metres?"),
        ("10 parsec after movie", "`parsec` is not a unit of time"),
        ("soon after movie", "is not a stretch of time"),
        ("10:41 pm", "write the time of day with 24 hours"),
        ("25:10", "hour must be in 0..23"),
        ("17/05/2024", "day and month cannot be told apart"),
        ("frame 0 of movie", "there is no frame 0"),
        ("tag +TGOT of patch", "write the tag in quotes"),
        ("first pulse of daq/", "is not a name such as"),
        ("10:41 +- 30", "`30` has no unit"),
        ("after lunch", "it is not one of the forms"),
    ],
)
def test_what_is_no_time_is_refused_with_the_reason_and_examples(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match="is not a time") as refused:
        Moment(text)
    assert reason in str(refused.value)
    assert "`first pulse of daq/Inject`" in str(refused.value)


def test_a_number_that_is_not_text_is_refused_in_a_model() -> None:
    with pytest.raises(ValidationError, match="is not a time"):
        TypeAdapter(Moment).validate_python(600)
    assert TypeAdapter(Moment).validate_python("10:41").text == "10:41"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10 min after movie", ["movie"]),
        ("10 min after prazosin ends", ["prazosin"]),
        ("first pulse of patch/IN 2", ["patch/IN 2"]),
        ('tag "+praz" of patch in praz', ["patch in praz"]),
        ("first pulse of patch/IN 2 in base", ["patch/IN 2 in base"]),
        ("each event of puffs in wash", ["puffs in wash"]),
        ("frame 200 of movie in praz", ["movie in praz"]),
        ("start of base", ["base"]),
        ("30 min before session", ["session"]),
        ("10:41 +- 30 s", []),
        ("unknown", []),
    ],
)
def test_a_time_says_what_it_refers_to(text: str, expected: list[str]) -> None:
    assert [str(one) for one in names(Moment(text))] == expected


def test_the_run_stands_behind_a_name_and_may_be_a_part_of_one() -> None:
    (of,) = names(Moment("first pulse of patch/IN 2 in base"))
    assert (of.name, of.part, of.run) == ("patch", "IN 2", "base")
    assert (of.undivided.name, of.undivided.part, of.undivided.run) == ("patch", "IN 2 in base", None)
    (of,) = names(Moment("10 min after movie in praz"))
    assert (of.undivided.name, of.undivided.run) == ("movie in praz", None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2.5 s after patch", "2.5 s after patch in base"),
        ("2.5 s after patch ends", "2.5 s after patch in base ends"),
        ("2.5 s after end of patch ± 1 s", "2.5 s after end of patch in base +- 1 s"),
        ("5 s after s ends +- 2 s", "5 s after s in base ends +- 2 s"),
        ("first pulse of patch/IN 2", "first pulse of patch/IN 2 in base"),
        ('tag "patch +- 1" of patch +- 3 s', 'tag "patch +- 1" of patch in base +- 3 s'),
        ("frame 7 of s", "frame 7 of s in base"),
        ("2.5 s after patch in praz", "2.5 s after patch in praz"),  # says its run
        ("10 min after prazosin", "10 min after prazosin"),  # no source of the run
        ("10 min before session", "10 min before session"),
        ("10:41 +- 30 s", "10:41 +- 30 s"),
        ("soon", "soon"),
    ],
)
def test_a_time_is_meant_in_a_run(text: str, expected: str) -> None:
    assert in_run(text, "base", {"patch", "s"}) == expected


def test_only_a_tag_may_hold_the_sign_of_a_half_width() -> None:
    (found,) = resolve(Moment('tag "drug +- 1" of patch'), Afternoon(tagged=(("drug +- 1", 3.0),)))
    assert found == When(3.0, "tag", found.uncertainty)
    assert np.isnan(found.uncertainty)


def test_a_tag_that_is_not_there_lists_what_is() -> None:
    with pytest.raises(SourceError, match=r'no tag of that text; patch has: "\+TGOT" at 173.98 s, "-TGOT" at 294.86 s'):
        resolve(Moment('tag "+praz" of patch'), Afternoon())


def test_a_tag_that_is_there_twice_is_refused() -> None:
    with pytest.raises(SourceError, match="2 tags of that text"):
        resolve(Moment('tag "wash" of patch'), Afternoon(tagged=(("wash", 1.0), ("wash", 9.0))))


def test_a_pulse_of_a_silent_line_is_refused() -> None:
    with pytest.raises(SourceError, match="there is no pulse in daq/Inject"):
        resolve(Moment("first pulse of daq/Inject"), Afternoon(pulse_times=()))


@pytest.mark.parametrize(
    ("text", "days"),
    [("7 d after sni", 0), ("1 week after sni", 0), ("6 d after sni", 1), ("8 d after sni", -1), ("2024-05-16", 1)],
)
def test_a_time_point_is_compared_with_the_date_of_the_session(text: str, days: int) -> None:
    assert day_difference(Moment(text), Afternoon()) == days


@pytest.mark.parametrize("text", ["7 d after virus", "10 min after movie", "unknown", "1 h after sni"])
def test_a_time_point_that_says_no_day_cannot_be_compared(text: str) -> None:
    assert day_difference(Moment(text), Afternoon()) is None


@given(st.integers(0, 10_000), st.integers(0, 59), st.sampled_from(["s", "sec", "seconds"]))
def test_minutes_and_seconds_add_up(minutes: int, seconds: int, word: str) -> None:
    assert parse_delay(f"{minutes} min {seconds} {word}").seconds == pytest.approx(minutes * 60 + seconds)


@given(st.integers(1, 400))
def test_days_are_days(days: int) -> None:
    delay = parse_delay(f"{days} d")
    assert delay.in_days
    assert delay.days == days


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert Moment(text).text == text
