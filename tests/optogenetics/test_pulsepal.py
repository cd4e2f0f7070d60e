"""Light that Pulse Pal was told to give, compared with the light that was recorded: each kind of stimulation that labs use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.optogenetics import channel, pulsepal
from bergmann.optogenetics._accounts import confirm_light
from bergmann.optogenetics.power import power_of
from bergmann.optogenetics.stated import AccountStated, LightStated, resolve_power
from bergmann.records import Channel, LightPulses, Recording
from bergmann.registry import Confirmed, Entry, Source
from bergmann.timing.times import ExplicitTimes

RATE = 10000.0
TRAIN = {"phase1Duration": 0.002, "interPulseInterval": 0.008, "pulseTrainDuration": 0.29}
"""29 pulses of 2 ms at 100 Hz."""


def settings(path: Path, *others: dict[str, float], **first: float) -> Path:
    """Settings of the first output, and of the others (as the first where none are given), as JSON."""
    plain: dict[str, float] = {"isBiphasic": 0, "phase1Voltage": 2.5, "phase2Voltage": 0, "restingVoltage": 0}
    plain |= {"interPhaseInterval": 0, "phase2Duration": 0, "burstDuration": 0, "interBurstInterval": 0, "pulseTrainDelay": 0}
    plain |= {"linkTriggerChannel1": 1, "linkTriggerChannel2": 0, "customTrainID": 0, "customTrainTarget": 0, "customTrainLoop": 0}
    outputs = [{**plain, **TRAIN, **first}]
    outputs += [{**outputs[0], **(others[index] if index < len(others) else {})} for index in range(3)]
    found = {name: [one[name] for one in outputs] for name in outputs[0]}
    path.write_text(json.dumps({**found, "triggerMode": [0, 0]}), encoding="utf-8")
    return path


def daq(seconds: float, **lines: NDArray[np.float64]) -> Recording:
    """A recording of volts at 10 kHz; each line is given by its samples."""
    count = round(seconds * RATE)
    return Recording(
        files=(Path("daq.h5"),), rate=RATE, sweep_starts=ExplicitTimes(np.zeros(1)), sweep_lengths=np.array([count]),
        channels=tuple(Channel(name=name, kind="analog", unit="V", samples=volts[:count]) for name, volts in lines.items()),
    )  # fmt: skip


def line(seconds: float, onsets: Any, width: float, level: float = 2.5) -> NDArray[np.float64]:
    volts = np.zeros(round(seconds * RATE))
    for onset in np.atleast_1d(onsets):
        volts[round(onset * RATE) : round((onset + width) * RATE)] = level
    return volts


def planned(path: Path, recording: Recording | None = None, **keys: Any) -> LightPulses:
    of = {} if recording is None else {"of": "daq/Trigger"}
    source = pulsepal.PulsePalLight.model_validate({"path": path, "channel": 1, **of, **keys})
    return pulsepal.read(source, {} if recording is None else {"of": recording})


def shone(recording: Recording, name: str = "Laser", **keys: Any) -> LightPulses:
    return channel.read(channel.LightChannel.model_validate({"of": f"daq/{name}", **keys}), {"of": recording})


def compare(light: LightPulses, plan: LightPulses, *, is_placed: bool = True, **stated: Any) -> Confirmed:
    says = LightStated.model_validate({"site": "lc", **stated})
    entries = (
        Entry(name="light", record=light, stated=says, source=Source()),
        Entry(name="planned", record=plan, stated=AccountStated(), source=Source()),
    )
    return confirm_light(*entries, is_placed=is_placed)


def said(found: Confirmed) -> list[str]:
    return [one.message for one in found.findings]


ONSETS = 12.1 + np.arange(29) / 100
TRIGGER = line(15, 12.1, 0.001, 5.0)


@pytest.mark.parametrize("by", ["trigger", "stated", "shift"])
def test_a_plan_of_29_pulses_of_which_28_were_recorded(by: str, tmp_path: Path) -> None:
    recording = daq(15, Laser=line(15, np.delete(ONSETS, 19), 0.002), Trigger=TRIGGER)
    path = settings(tmp_path / "pp.json")
    keys = {"trigger": {"recording": recording}, "stated": {"triggers": ["12.1 s"]}, "shift": {}}[by]
    found = compare(shone(recording), planned(path, **keys), is_placed=by != "shift")
    assert said(found) == ["planned has 29 pulses, light 28; missing in light: 12.290 s"]
    light: Any = found.record
    assert light.confirmed_by["planned"].tolist() == [True] * 28
    assert light.times.seconds == pytest.approx(np.delete(ONSETS, 19))


def test_levels_and_widths_that_differ_are_said(tmp_path: Path) -> None:
    recording = daq(15, Laser=line(15, ONSETS, 0.001, 5.0), Trigger=TRIGGER)
    found = said(compare(shone(recording), planned(settings(tmp_path / "pp.json"), recording)))
    first = "at 12.100 s, 12.110 s, 12.120 s, 12.130 s, 12.140 s and 24 more"
    assert found == [
        f"the widths of 29 of 29 pulses differ: 2 ms in planned, 1 ms in light, {first}",
        f"the levels of 29 of 29 pulses differ: 2.5 V in planned, 5 V in light, {first}",
    ]


def test_a_digital_line_takes_the_levels_of_the_plan(tmp_path: Path) -> None:
    recording = daq(15, Trigger=TRIGGER)
    ttl = Channel(name="Laser", kind="digital", unit="n.a.", samples=(line(15, ONSETS, 0.002) > 0).astype(np.uint8))
    both = Recording(
        files=recording.files, rate=RATE, sweep_starts=recording.sweep_starts, sweep_lengths=recording.sweep_lengths,
        channels=(ttl, *recording.channels),
    )  # fmt: skip
    light: Any = compare(shone(both), planned(settings(tmp_path / "pp.json"), both)).record
    assert light.command.tolist() == [2.5] * 29
    assert light.command_unit == "V"


def test_sham_light_was_commanded_and_gave_no_power(tmp_path: Path) -> None:
    recording = daq(15, Laser=line(15, ONSETS, 0.002), Trigger=TRIGGER)
    found = compare(shone(recording), planned(settings(tmp_path / "pp.json"), recording), sham=True)
    assert said(found) == []
    power, how = resolve_power(found.record, LightStated(site="lc", sham=True), {})  # type: ignore[arg-type]
    assert power.tolist() == [0.0] * 29
    assert "sham" in how


def test_continuous_light_is_one_pulse_of_its_whole_length(tmp_path: Path) -> None:
    recording = daq(15, Laser=line(15, 2.0, 10.0), Trigger=line(15, 2.0, 0.001, 5.0))
    path = settings(tmp_path / "pp.json", phase1Duration=10.0, interPulseInterval=0.001, pulseTrainDuration=10.0)
    found = compare(shone(recording), planned(path, recording))
    assert said(found) == []
    light: Any = found.record
    assert (light.times.seconds.tolist(), light.durations.tolist()) == ([2.0], [10.0])


def test_continuous_light_that_went_off_early_is_said(tmp_path: Path) -> None:
    recording = daq(15, Laser=line(15, 2.0, 8.0), Trigger=line(15, 2.0, 0.001, 5.0))
    path = settings(tmp_path / "pp.json", phase1Duration=10.0, interPulseInterval=0.001, pulseTrainDuration=10.0)
    assert said(compare(shone(recording), planned(path, recording))) == [
        "the widths of 1 of 1 pulses differ: 10 s in planned, 8 s in light, at 2.000 s"
    ]


def test_a_ramp_is_one_pulse_without_a_level_in_both(tmp_path: Path) -> None:
    steps = np.linspace(0.5, 5.0, 10)
    table = tmp_path / "ramp.csv"
    table.write_text("time,voltage\n" + "".join(f"{n / 100},{v}\n" for n, v in enumerate(steps)), encoding="utf-8")
    volts = sum(line(15, 2.0 + n / 100, 0.01, v) for n, v in enumerate(steps))
    recording = daq(15, Laser=np.asarray(volts), Trigger=line(15, 2.0, 0.001, 5.0))
    path = settings(tmp_path / "pp.json", phase1Duration=0.01, customTrainID=1)
    with pytest.raises(SourceError, match="the voltage of 1 of 1 pulses changes without a rest"):
        planned(path, recording, custom_train=table)
    plan = planned(path, recording, custom_train=table, ramps="keep")
    assert (plan.is_varying, plan.command) == (True, None)
    found = compare(shone(recording, threshold="0.25 V", ramps="keep"), plan, power="unknown")
    assert said(found) == []
    light: Any = found.record
    assert light.durations == pytest.approx([0.1])
    assert light.is_varying


def test_light_between_the_lines_of_each_frame_is_compared_frame_by_frame(tmp_path: Path) -> None:
    """Blanking: each frame's clock pulse starts one pulse of 3 ms, 28 ms later, while nothing is scanned; one frame lacks it."""
    frames = 1.0 + np.arange(200) / 30
    given = np.round((frames + 0.028) * RATE) / RATE
    recording = daq(10, Laser=line(10, np.delete(given, 77), 0.003), Trigger=line(10, frames, 0.005, 5.0))
    path = settings(tmp_path / "pp.json", phase1Duration=0.003, pulseTrainDuration=0.003, pulseTrainDelay=0.028)
    plan = planned(path, recording)
    assert plan.times.seconds == pytest.approx(given, abs=1e-4)
    assert said(compare(shone(recording), plan)) == [f"planned has 200 pulses, light 199; missing in light: {given[77]:.3f} s"]


def test_two_lasers_of_one_stimulator_are_two_plans(tmp_path: Path) -> None:
    """Blue at one site and red at another, by one trigger: the outputs are read apart, and compared with their own lines."""
    red = {
        "phase1Duration": 0.02,
        "interPulseInterval": 0.08,
        "pulseTrainDuration": 1.0,
        "phase1Voltage": 4.0,
        "pulseTrainDelay": 0.5,
    }
    path = settings(tmp_path / "pp.json", red)
    onsets = 12.6 + np.arange(10) / 10
    recording = daq(15, Blue=line(15, ONSETS, 0.002), Red=line(15, onsets, 0.02, 4.0), Trigger=TRIGGER)
    for name, number, expected in (("Blue", 1, ONSETS), ("Red", 2, onsets)):
        found = compare(shone(recording, name), planned(path, recording, channel=number))
        light: Any = found.record
        assert said(found) == []
        assert light.times.seconds == pytest.approx(expected)
    with pytest.raises(SourceError, match="of its 10 pulses are in light, which has 29"):
        compare(shone(recording, "Blue"), planned(path, recording, channel=2))


def test_a_plan_alone_is_light_whose_power_is_that_of_its_volts(tmp_path: Path) -> None:
    found = planned(settings(tmp_path / "pp.json"))
    assert not found.is_recorded
    power, how = power_of(found, stated=None, is_unknown=True, curve=None)
    assert np.isnan(power).all()
    assert how
    assert (found.command_unit, len(found.times)) == ("V", 29)


# --- a line that only says when ---------------------------------------------------------------------------------------


def messages(at: list[int]) -> Recording:
    """A line of messages (soft codes), each one sample at 10 kHz."""
    samples = np.zeros(20000, dtype=np.uint8)
    samples[at] = 1
    box = Channel(name="SoftCode1", kind="digital", unit="n.a.", samples=samples, is_momentary=True)
    return Recording(
        files=(Path("box.mat"),),
        rate=RATE,
        sweep_starts=ExplicitTimes(np.zeros(1)),
        sweep_lengths=np.array([20000]),
        channels=(box,),
    )


def test_a_message_is_light_of_the_width_that_is_stated() -> None:
    with pytest.raises(SourceError, match=r"box\.mat: SoftCode1 says when, and not how long; state `width:`"):
        shone(messages([1000, 5000]), "SoftCode1")
    found = shone(messages([1000, 5000]), "SoftCode1", width="20 ms")
    assert found.times.seconds.tolist() == [0.1, 0.5]
    assert found.durations.tolist() == [0.02, 0.02]
    assert found.basis.endswith("events of a line that only says when; each 20 ms long, as stated")


def test_a_width_of_a_line_that_says_it_is_refused() -> None:
    recording = daq(15, Laser=line(15, ONSETS, 0.002))
    with pytest.raises(SourceError, match=r"Laser says how long each pulse was; leave out `width: 20 ms`"):
        shone(recording, width="20 ms")
