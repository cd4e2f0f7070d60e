"""Light pulses on recorded channels and in protocols."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.optogenetics.abf_protocol import FORMAT as PROTOCOL
from bergmann.optogenetics.abf_protocol import AbfProtocol
from bergmann.optogenetics.abf_protocol import read as read_protocol
from bergmann.optogenetics.channel import FORMAT, LightChannel, read
from bergmann.records import Channel, CommandPulses, Recording
from bergmann.timing.times import ExplicitTimes

RATE = 1000.0


def recording(
    samples: NDArray[Any], *, kind: Any = "analog", unit: str = "V", lengths: Any = None, starts: Any = (0.0,), commands: Any = ()
) -> Recording:
    return Recording(
        files=(Path("daq.h5"),),
        rate=RATE,
        sweep_starts=ExplicitTimes(np.array(starts, dtype=float)),
        sweep_lengths=np.array(lengths or [len(samples)], dtype=np.int64),
        channels=(Channel(name="Laser", kind=kind, unit=unit, samples=samples),),
        commands=tuple(commands),
    )


def pulsed(n: int, first: int, *, level: float = 5.0, length: int = 1000, width: int = 2, period: int = 10) -> NDArray[np.float64]:
    """Zero, with `n` pulses of `width` samples every `period` samples from sample `first` on."""
    samples = np.zeros(length)
    for index in range(n):
        samples[first + index * period : first + index * period + width] = level
    return samples


def channel(**says: Any) -> LightChannel:
    return LightChannel.model_validate({"of": "daq/Laser", **says})


def test_29_pulses_of_a_command_are_29_pulses_of_light() -> None:
    record = read(channel(), {"of": recording(pulsed(29, 100))})
    assert record.times.seconds == pytest.approx(0.1 + np.arange(29) / 100)
    assert record.durations == pytest.approx(np.full(29, 0.002))
    assert record.command is not None
    assert record.command.tolist() == [5.0] * 29
    assert (record.command_unit, record.power, record.resolution) == ("V", None, 0.001)
    assert record.basis.startswith("recorded on daq/Laser, threshold 2.5 V")


def test_a_digital_line_has_no_level() -> None:
    samples = pulsed(29, 100, level=1).astype(np.uint8)
    record = read(channel(), {"of": recording(samples, kind="digital", unit="n.a.")})
    assert len(record.times) == 29
    assert record.command is None
    assert record.basis == "recorded on daq/Laser, digital line"
    with pytest.raises(SourceError, match="a digital line is 0 or 1"):
        read(channel(threshold="2 V"), {"of": recording(samples, kind="digital", unit="n.a.")})


def test_thresholds_are_stated_in_any_unit_of_the_channel() -> None:
    samples = pulsed(5, 100, level=5.0) + pulsed(5, 500, level=1.0)
    assert len(read(channel(threshold="2000 mV", hysteresis="100 mV"), {"of": recording(samples)}).times) == 5
    assert len(read(channel(threshold="0.5 V"), {"of": recording(samples)}).times) == 10
    with pytest.raises(SourceError, match="the channel is in V; state it in V"):
        read(channel(threshold="2 mW"), {"of": recording(samples)})


def test_weaker_pulses_are_not_lost_without_a_word() -> None:
    samples = pulsed(60, 100, length=2000) + pulsed(20, 1500, level=1.0, length=2000)
    with pytest.raises(SourceError, match=r"daq\.h5: channel Laser: 20 stretches beside 60 pulses .*weaker.*`threshold:`"):
        read(channel(), {"of": recording(samples)})
    assert len(read(channel(threshold="0.5 V"), {"of": recording(samples)}).times) == 80


def test_slow_edges_and_ripple_are_no_weaker_pulses() -> None:
    samples = np.convolve(pulsed(20, 100, width=24, period=40), np.full(3, 1 / 3), "same") + 0.1 * np.sin(np.arange(1000))
    assert len(read(channel(), {"of": recording(samples)}).times) == 20


def test_short_pulses_are_left_out_as_stated_and_counted() -> None:
    samples = pulsed(3, 100, width=5) + pulsed(2, 500, width=1)
    record = read(channel(minimum_width="2 ms"), {"of": recording(samples)})
    assert len(record.times) == 3
    assert record.basis.endswith("2 pulses shorter than 2 ms left out, as stated")


def test_a_pulse_cut_by_the_edge_is_a_stated_choice() -> None:
    cut = {"of": recording(pulsed(4, 0))}
    with pytest.raises(SourceError, match=r"pulse 1 of channel Laser .* \(1 of 4 pulses\)\. State `cut: leave out` or `cut: keep`"):
        read(channel(), cut)
    left, kept = read(channel(cut="leave out"), cut), read(channel(cut="keep"), cut)
    assert left.times.seconds == pytest.approx([0.01, 0.02, 0.03])
    assert left.basis.endswith("the 1 cut pulses are left out, as stated")
    assert len(kept.times) == 4
    assert "kept with the part of them that was recorded" in kept.basis


def test_pulses_of_every_sweep_are_on_the_recordings_clock() -> None:
    samples = np.concatenate([pulsed(3, 100), pulsed(3, 100)])
    record = read(channel(), {"of": recording(samples, lengths=[1000, 1000], starts=[10.0, 30.0])})
    assert record.times.seconds == pytest.approx([10.1, 10.11, 10.12, 30.1, 30.11, 30.12])


def test_what_cannot_be_light_is_refused() -> None:
    flat = {"of": recording(np.zeros(1000))}
    with pytest.raises(SourceError, match=r"no pulse on channel Laser .*state another `threshold:`, or `absent: <reason>`"):
        read(channel(threshold="1 V"), flat)
    with pytest.raises(SourceError, match=r"names no channel; write `daq/CHANNEL` with one of: Laser"):
        read(channel(of="daq"), flat)
    with pytest.raises(SourceError, match="no channel 'Lasr'; it has: Laser"):
        read(channel(of="daq/Lasr"), flat)


def command(epoch: str, output: str = "digital 4", n: int = 3) -> CommandPulses:
    times = ExplicitTimes(np.arange(float(n)))
    return CommandPulses(output=output, unit="V", times=times, durations=np.full(n, 0.002), levels=np.full(n, 5.0), epoch=epoch)


def protocol(**says: Any) -> AbfProtocol:
    return AbfProtocol.model_validate({"of": "patch", **says})


def test_commanded_pulses_say_that_they_were_not_recorded() -> None:
    record = read_protocol(protocol(), {"of": recording(np.zeros(10), commands=[command("B")])})
    assert record.times.seconds.tolist() == [0, 1, 2]
    assert record.basis == "commanded by the protocol, not recorded: epoch B of output digital 4 of patch"


def test_several_commands_are_a_choice() -> None:
    source = {"of": recording(np.zeros(10), commands=[command("B"), command("D", n=7), command("D", "Cmd 0")])}
    with pytest.raises(SourceError, match=r"several .*: output 'digital 4', epoch 'B' \(3 pulses of 2 ms\); output"):
        read_protocol(protocol(), source)
    assert len(read_protocol(protocol(epoch="D", output="digital 4"), source).times) == 7
    assert len(read_protocol(protocol(of="patch/Cmd 0"), source).times) == 3
    with pytest.raises(SourceError, match="no pulses of output any, epoch C; its protocol commands:"):
        read_protocol(protocol(epoch="C"), source)
    with pytest.raises(SourceError, match="its protocol commands no pulses"):
        read_protocol(protocol(), {"of": recording(np.zeros(10))})


def test_the_real_protocol_commands_three_sweeps_of_50_pulses(real: Callable[[str], Path]) -> None:
    """Header of the recording: epoch B, 5 s at 10 Hz, 2 ms; independently read with pyABF here."""
    import pyabf

    from bergmann.registry import load_formats

    path = real("axon_abf/opto_aps_good_units.abf")
    abf = next(one for one in load_formats() if one.key == "abf")
    record = read_protocol(protocol(), {"of": abf.read(abf.source.model_validate({"path": path}), {})})
    assert len(record.times) == 3 * 50
    theirs = pyabf.ABF(str(path), loadData=False)
    by_sweep = record.times.seconds.reshape(3, 50)
    assert np.diff(by_sweep, axis=1) == pytest.approx(np.full((3, 49), 2000 / theirs.dataRate))
    assert record.durations == pytest.approx(np.full(150, 40 / theirs.dataRate))
    assert by_sweep[:, 0] - by_sweep[0, 0] == pytest.approx(np.arange(3) * theirs.sweepIntervalSec)


def test_every_spike_of_the_real_recording_follows_its_pulse(real: Callable[[str], Path]) -> None:
    """The cell fires once to each pulse: so the light was where the protocol puts it, behind the first 64th of each sweep.

    In the table of epochs it begins 5 s after the first, which begins 0.3125 s into a sweep of 20 s.
    """
    import pyabf

    from bergmann.registry import load_formats

    path = real("axon_abf/opto_aps_good_units.abf")
    abf = next(one for one in load_formats() if one.key == "abf")
    record = read_protocol(protocol(), {"of": abf.read(abf.source.model_validate({"path": path}), {})})
    theirs = pyabf.ABF(str(path))
    for sweep, onsets in enumerate(record.times.seconds.reshape(3, 50)):
        theirs.setSweep(sweep)
        above = theirs.sweepY > 0
        spikes = np.flatnonzero(above[1:] & ~above[:-1]) / theirs.dataRate + sweep * theirs.sweepIntervalSec
        latencies = spikes - onsets
        assert ((latencies > 0.002) & (latencies < 0.005)).all()
        assert onsets - sweep * theirs.sweepIntervalSec == pytest.approx(5.3125 + np.arange(50) / 10, abs=1e-9)


# --- what else light can be -------------------------------------------------------------------------------------------


def test_continuous_light_is_one_pulse() -> None:
    record = read(channel(), {"of": recording(pulsed(1, 100, length=70_000, width=60_000))})
    assert (record.times.seconds.tolist(), record.durations.tolist()) == ([0.1], [60.0])
    assert not record.is_varying


def test_light_that_was_on_all_the_time_is_one_pulse_if_both_are_stated() -> None:
    always = {"of": recording(np.full(5000, 3.0))}
    with pytest.raises(SourceError, match="no two levels"):
        read(channel(), always)
    record = read(channel(threshold="1 V", cut="keep"), always)
    assert (record.times.seconds.tolist(), record.durations.tolist()) == ([0.0], [5.0])


def test_light_that_frames_blank_is_a_pulse_for_each_gap_between_them() -> None:
    """1 s of light that is off in each of 30 frames of 25 ms, which begin every 33 ms: 30 pulses of 8 ms."""
    samples = np.zeros(2000)
    samples[500:1490] = 5.0
    for frame in range(30):
        samples[500 + 33 * frame : 525 + 33 * frame] = 0.0
    record = read(channel(), {"of": recording(samples)})
    assert record.times.seconds == pytest.approx(0.525 + np.arange(30) * 0.033)
    assert record.durations == pytest.approx(np.full(30, 0.008))
    assert not record.is_varying


def ramps(n: int = 4, low: float = 1.0, high: float = 5.0, *, noise: float = 0.0) -> NDArray[np.float64]:
    """`n` pulses of 100 ms whose level goes from `low` to `high`."""
    samples = np.random.default_rng(2).normal(0, noise, 2000)
    for index in range(n):
        samples[200 + 400 * index : 300 + 400 * index] += np.linspace(low, high, 100)
    return samples


def test_a_ramp_is_refused_or_kept_without_a_level() -> None:
    ramp = {"of": recording(ramps())}
    with pytest.raises(SourceError, match=r"the level of pulse 1 \(at 0\.200000 s\) changes while it is on \(4 of 4 pulses\)"):
        read(channel(threshold="0.5 V"), ramp)
    kept = read(channel(threshold="0.5 V", ramps="keep"), ramp)
    assert kept.times.seconds == pytest.approx(0.2 + 0.4 * np.arange(4))
    assert kept.durations == pytest.approx(np.full(4, 0.1))
    assert kept.is_varying
    assert kept.command is None
    assert kept.basis.endswith("the level changes within 4 of 4 pulses: it is what was recorded on daq/Laser")


@pytest.mark.parametrize("high", [5.0, 4.8])
def test_noise_and_droop_are_no_ramp(high: float) -> None:
    record = read(channel(threshold="2 V"), {"of": recording(ramps(low=5.0, high=high, noise=0.2))})
    assert not record.is_varying


def test_two_steps_in_a_pulse_are_a_change() -> None:
    samples = pulsed(1, 100, width=100) + pulsed(1, 150, level=-2.0, width=50)
    with pytest.raises(SourceError, match="changes while it is on"):
        read(channel(threshold="1 V"), {"of": recording(samples)})


def test_changes_are_seen_in_every_sweep() -> None:
    samples = np.concatenate([pulsed(3, 100, width=20, period=40), pulsed(3, 100, width=20, period=40)])
    samples[1140:1160] = np.linspace(1, 5, 20)
    says = {"of": recording(samples, lengths=[1000, 1000], starts=[10.0, 30.0])}
    with pytest.raises(SourceError, match=r"pulse 5 \(at 30\.140000 s\) changes while it is on \(1 of 6 pulses\)"):
        read(channel(threshold="0.5 V"), says)


def test_the_formats_say_what_they_are() -> None:
    assert (FORMAT.key, FORMAT.chosen_by, FORMAT.reads_values) == ("channel", "site", True)
    assert (PROTOCOL.key, PROTOCOL.chosen_by, PROTOCOL.reads_values) == ("abf_protocol", None, False)
    assert not [*FORMAT.find(Path()), *PROTOCOL.find(Path())]
