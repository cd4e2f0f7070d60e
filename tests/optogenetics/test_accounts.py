"""Several accounts of the same light: what agrees is one light, what does not is said with its times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from bergmann.errors import SourceError
from bergmann.optogenetics._accounts import confirm_light
from bergmann.optogenetics.power import Curve
from bergmann.optogenetics.power import power_of as watts_of
from bergmann.optogenetics.stated import AccountStated, LightStated
from bergmann.optogenetics.stated_train import FORMAT, StatedTrain, read
from bergmann.records import LightPulses
from bergmann.registry import Confirmed, Entry, Source
from bergmann.timing.times import ExplicitTimes

TRAIN = 12.1 + np.arange(29) / 100


def light(onsets: Any, durations: Any = 0.002, *, recorded: bool = True, **more: Any) -> LightPulses:
    times = np.asarray(onsets, dtype=float)
    return LightPulses(
        files=(Path("daq.h5"),), times=ExplicitTimes(times), durations=np.broadcast_to(durations, times.shape).astype(float),
        basis="recorded on daq/Laser" if recorded else "table plan.csv", is_recorded=recorded,
        resolution=1e-4 if recorded else 0.0, **more,
    )  # fmt: skip


def plan(onsets: Any, durations: Any = 0.002, **more: Any) -> LightPulses:
    return light(onsets, durations, recorded=False, **more)


def compare(recorded: LightPulses, planned: LightPulses, *, is_placed: bool = True, gives: Any = (), **stated: Any) -> Confirmed:
    says = LightStated.model_validate({"site": "lc", **stated})
    source = Source()
    return confirm_light(
        Entry(name="light", record=recorded, stated=says, source=source),
        Entry(name="planned", record=planned, stated=AccountStated.model_validate({"gives": gives}), source=source),
        is_placed=is_placed,
    )


def said(found: Confirmed) -> list[tuple[str, str]]:
    return [(one.severity, one.message) for one in found.findings]


def test_what_agrees_is_written_once_and_nothing_is_said() -> None:
    found = compare(light(TRAIN), plan(TRAIN))
    record: Any = found.record
    assert said(found) == []
    assert record.times.seconds.tolist() == TRAIN.tolist()
    assert record.confirmed_by["planned"].tolist() == [True] * 29
    assert record.basis == "recorded on daq/Laser; planned (table plan.csv) has 29 pulses, 29 of them these, onsets within 0 ms"


@pytest.mark.parametrize("is_placed", [True, False])
def test_a_lost_pulse_is_said_with_its_time(is_placed: bool) -> None:
    planned = plan(TRAIN if is_placed else TRAIN - 12.1)
    found = compare(light(np.delete(TRAIN, 19)), planned, is_placed=is_placed)
    assert said(found) == [("warning", "planned has 29 pulses, light 28; missing in light: 12.290 s")]
    record: Any = found.record
    assert len(record.times) == 28
    assert record.basis.endswith("missing here 12.290 s")
    account: Any = found.account
    assert account.times.seconds == pytest.approx(TRAIN)
    if not is_placed:
        assert found.fit is not None
        assert (found.fit.offset, found.fit.n_pulses, found.fit.n_events) == (pytest.approx(12.1), 28, 29)
        assert found.fit.residual_median <= found.fit.residual_most <= found.fit.residual < 1e-9


def test_an_extra_pulse_is_said_with_its_time_and_stays() -> None:
    found = compare(light(np.sort([*TRAIN, 13.0])), plan(TRAIN))
    assert said(found) == [("warning", "planned has 29 pulses, light 30; not in planned: 13.000 s")]
    record: Any = found.record
    assert len(record.times) == 30
    assert record.confirmed_by["planned"].tolist() == [True] * 29 + [False]


def test_many_are_counted_and_the_first_are_named() -> None:
    found = compare(light(TRAIN[::2]), plan(TRAIN))
    assert found.findings[0].message == (
        "planned has 29 pulses, light 15; missing in light: 12.110 s, 12.130 s, 12.150 s, 12.170 s, 12.190 s and 9 more"
    )


def test_widths_that_differ_are_said_and_the_recorded_are_written_unless_a_person_says_otherwise() -> None:
    found = compare(light(TRAIN, 0.001), plan(TRAIN, 0.005))
    assert said(found) == [
        (
            "warning",
            "the widths of 29 of 29 pulses differ: 5 ms in planned, 1 ms in light, at 12.100 s, 12.110 s, 12.120 s, 12.130 s, "
            "12.140 s and 24 more",
        )
    ]
    assert "`gives: widths` for planned" in found.findings[0].remedy
    kept: Any = found.record
    assert kept.durations.tolist() == [0.001] * 29
    given: Any = compare(light(TRAIN, 0.001), plan(TRAIN, 0.005), gives="widths")
    assert said(given) == []
    assert given.record.durations.tolist() == [0.005] * 29
    assert given.record.basis.endswith("widths of planned, as stated")
    assert given.record.times.seconds.tolist() == TRAIN.tolist()


def test_widths_within_the_sampling_are_the_same() -> None:
    assert said(compare(light(TRAIN, 0.0021), plan(TRAIN, 0.002))) == []


def test_a_width_that_no_account_gives_is_refused() -> None:
    with pytest.raises(SourceError, match=r"`gives: widths`, and planned has no pulse at 13\.000 s, where light has one"):
        compare(light(np.sort([*TRAIN, 13.0])), plan(TRAIN), gives=["widths"])


def test_power_and_command_come_from_the_account_that_has_them() -> None:
    extra = np.sort([*TRAIN, 13.0])
    found: Any = compare(light(extra), plan(TRAIN, power=np.full(29, 0.005), command=np.full(29, 2.0), command_unit="V"))
    np.testing.assert_array_equal(found.record.power, [0.005] * 29 + [np.nan])
    np.testing.assert_array_equal(found.record.command, [2.0] * 29 + [np.nan])
    assert found.record.command_unit == "V"
    power, how = watts_of(found.record, stated=None, is_unknown=False, curve=None)
    assert how == "stated for each pulse by planned"
    np.testing.assert_array_equal(power, [0.005] * 29 + [np.nan])
    five = LightStated.model_validate({"site": "lc", "power": "5 mW"}).power
    power, _ = watts_of(found.record, stated=five, is_unknown=False, curve=None)  # type: ignore[arg-type]
    assert power.tolist() == [0.005] * 30


def test_two_powers_are_one_too_many() -> None:
    with pytest.raises(SourceError, match=r"power of the pulse at 12\.100 s: 10 mW in planned, 5 mW stated for each pulse by"):
        compare(light(TRAIN, power=np.full(29, 0.005)), plan(TRAIN, power=np.full(29, 0.01)))
    found: Any = compare(light(TRAIN), plan(TRAIN, power=np.full(29, 0.01)))
    five: Any = LightStated.model_validate({"site": "lc", "power": "5 mW"}).power
    with pytest.raises(SourceError, match=r"10 mW \(stated for each pulse by planned\) against 5 mW \(stated for all pulses\)"):
        watts_of(found.record, stated=five, is_unknown=False, curve=None)


def test_levels_that_differ_are_a_question_where_a_calibration_makes_power_of_them() -> None:
    ttl = light(TRAIN, command=np.full(29, 5.0), command_unit="V")
    command = plan(TRAIN, command=np.full(29, 2000.0), command_unit="mV")
    found: Any = compare(ttl, command)
    assert found.findings[0].message.startswith("the levels of 29 of 29 pulses differ: 2 V in planned, 5 V in light, at 12.100 s")
    assert found.record.command.tolist() == [5.0] * 29
    with pytest.raises(SourceError, match=r"Which of them does the calibration turn into power\? State `gives: levels`"):
        compare(ttl, command, calibration="laser")
    given: Any = compare(ttl, command, calibration="laser", gives="levels")
    curve = Curve("laser.csv", np.array([0.0, 4.0]), np.array([0.0, 0.008]), "V")
    power, _ = watts_of(given.record, stated=None, is_unknown=False, curve=curve)
    assert power == pytest.approx(np.full(29, 0.004))


def test_what_was_recorded_is_written_and_not_the_plan() -> None:
    with pytest.raises(
        SourceError, match=r"planned was recorded and light was not .*State `site` for planned, and `confirms: planned`"
    ):
        compare(plan(TRAIN), light(TRAIN))


def test_other_light_is_no_account() -> None:
    with pytest.raises(SourceError, match=r"0 of its 29 pulses are in light, which has 29; \+3\.5000 s later 29 would be"):
        compare(light(TRAIN), plan(TRAIN - 3.5))
    with pytest.raises(SourceError, match=r"which pulses of light are which of its own is not known: .*State when it started"):
        compare(light(TRAIN[:-1]), plan(TRAIN - 12.1), is_placed=False)


def test_onsets_that_wander_are_a_note() -> None:
    jitter = np.where(np.arange(29) == 7, 0.0021, 0.0)
    found = compare(light(TRAIN + jitter), plan(TRAIN))
    assert said(found) == [("note", "onsets differ from those of light by up to 2.1 ms (at 12.172 s)")]


def test_two_accounts_leave_their_marks_beside_each_other() -> None:
    first: Any = compare(light(np.delete(TRAIN, 3)), plan(TRAIN)).record
    sheet = Entry[Any, Any](name="sheet", record=plan(TRAIN[5:]), stated=AccountStated(), source=Source())
    both: Any = confirm_light(
        Entry(name="light", record=first, stated=LightStated.model_validate({"site": "lc"}), source=Source()), sheet, is_placed=True
    ).record
    assert both.confirmed_by["planned"].sum() == 28
    assert both.confirmed_by["sheet"].tolist() == [False] * 4 + [True] * 24


# --- the protocol sheet -----------------------------------------------------------------------------------------------


def train(**says: Any) -> LightPulses:
    return read(StatedTrain.model_validate(says), {})


def test_29_pulses_at_100_hz_are_29_pulses() -> None:
    record = train(pulses="29", rate="100 Hz", width="2 ms", power="5 mW")
    assert record.times.seconds.tolist() == (np.arange(29) * 0.01).tolist()
    assert record.durations.tolist() == [0.002] * 29
    assert record.power is not None
    assert record.power == pytest.approx(np.full(29, 0.005))
    assert record.basis == "stated by a person as 29 pulses of 2 ms at 100 Hz; nothing recorded it"
    assert not record.is_recorded


def test_trains_repeat() -> None:
    record = train(pulses=2, rate="10 Hz", width="5 ms", trains=3, every="1 min")
    assert record.times.seconds == pytest.approx([0, 0.1, 60, 60.1, 120, 120.1])
    assert "2 pulses of 5 ms at 10 Hz, 3 times every 60 s" in record.basis


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ({"pulses": 29, "width": "2 ms"}, "29 need `rate`"),
        ({"pulses": 1, "width": "2 ms", "trains": 3}, "3 need `every`"),
        ({"pulses": 2, "width": "2 ms", "rate": "0 Hz"}, "`rate: 0 Hz`; expected more than 0"),
        ({"pulses": 1, "width": "0 ms"}, "`width: 0 ms`; expected more than 0"),
        ({"pulses": 1, "width": "2 ms", "power": "-1 mW"}, "is below 0"),
        ({"pulses": 1, "width": "2 mV"}, "is not a time"),
    ],
)
def test_a_train_that_is_none_is_refused(says: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        StatedTrain.model_validate(says)


def test_pulses_that_last_into_the_next_are_refused() -> None:
    with pytest.raises(SourceError, match="pulse 2 begins 10 ms after pulse 1"):
        train(pulses=3, rate="100 Hz", width="12 ms")
    with pytest.raises(SourceError, match="pulses of 2 ms would last into the next"):
        train(pulses=3, rate="10 Hz", width="2 ms", trains=2, every="100 ms")


def test_the_format_says_what_it_is() -> None:
    assert (FORMAT.key, FORMAT.record, FORMAT.reads_values) == ("stated_train", LightPulses, False)
    assert not [*FORMAT.find(Path())]
