"""What PrairieView commanded: Mark Points and Voltage Output, by numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bergmann.errors import SourceError
from bergmann.optogenetics.bruker_markpoints import BrukerMarkPoints
from bergmann.optogenetics.bruker_markpoints import read as read_points
from bergmann.optogenetics.bruker_voltage_output import BrukerVoltageOutput
from bergmann.optogenetics.bruker_voltage_output import read as read_output
from bergmann.records import LightPulses

ROW = """<PVMarkPointElement Repetitions="{repetitions}" UncagingLaser="{laser}" UncagingLaserPower="{power}"
TriggerFrequency="{trigger}"><PVGalvoPointElement InitialDelay="{delay}" InterPointDelay="{gap}" Duration="{width}"
SpiralRevolutions="5" AllPointsAtOnce="{at_once}" Points="Group 1" Indices="{indices}" /></PVMarkPointElement>"""
DEFAULT: dict[str, Any] = {
    "repetitions": 1, "laser": "Fidelity", "power": "1.5", "trigger": "None", "delay": "0.12", "gap": 40, "width": 10,
    "at_once": "False", "indices": "1",
}  # fmt: skip


def row(**says: Any) -> str:
    return ROW.format(**{**DEFAULT, **says})


def points(tmp_path: Path, *rows: str, root: str = "PVMarkPointSeriesElements", series: str = "", **says: Any) -> LightPulses:
    path = tmp_path / "T-001_MarkPoints.xml"
    series = series or 'Iterations="1" IterationDelay="0.00"'
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<{root} {series}>{"".join(rows)}</{root}>', encoding="utf-8")
    return read_points(BrukerMarkPoints.model_validate({"path": path, **says}), {})


def test_repetitions_are_a_duration_and_a_gap_apart(tmp_path: Path) -> None:
    record = points(tmp_path, row(repetitions=3))
    assert record.times.seconds == pytest.approx([0.00012, 0.05012, 0.10012])
    assert record.durations == pytest.approx([0.01] * 3)
    assert record.command is not None
    assert (record.command.tolist(), record.command_unit, record.power) == ([1.5] * 3, "", None)
    assert record.basis == "commanded by Mark Points (T-001_MarkPoints.xml, laser Fidelity, 1 rows, 1 iterations), not recorded"


def test_points_follow_each_other_unless_they_are_lit_at_once(tmp_path: Path) -> None:
    assert points(tmp_path, row(indices="1-4,7", delay=0)).times.seconds == pytest.approx(np.arange(5) * 0.05)
    assert points(tmp_path, row(indices="1-4,7", at_once="True")).times.seconds == pytest.approx([0.00012])


def test_iterations_begin_anew_behind_their_delay(tmp_path: Path) -> None:
    record = points(tmp_path, row(repetitions=2, delay=100), series='Iterations="2" IterationDelay="500.00"')
    # an iteration lasts 100 + 10 + 40 + 10 = 160 ms
    assert record.times.seconds == pytest.approx([0.1, 0.15, 0.76, 0.81])


def test_rows_follow_each_other_and_each_laser_is_a_source(tmp_path: Path) -> None:
    rows = (row(delay=0, width=10), row(delay=5, width=20, laser="Satsuma", power=3), row(delay=5, power=2))
    with pytest.raises(SourceError, match=r"several lasers; make each a source .*`laser:` one of: Fidelity, Satsuma"):
        points(tmp_path, *rows)
    first, other = (points(tmp_path, *rows, laser=name) for name in ("Fidelity", "Satsuma"))
    assert first.times.seconds == pytest.approx([0.0, 0.04])
    assert first.command is not None
    assert first.command.tolist() == [1.5, 2.0]
    assert (other.times.seconds.tolist(), other.durations.tolist()) == (pytest.approx([0.015]), pytest.approx([0.02]))
    with pytest.raises(SourceError, match="no row uses a laser 'Fidelty'; it has: Fidelity, Satsuma"):
        points(tmp_path, *rows, laser="Fidelty")


def test_a_saved_protocol_is_a_series(tmp_path: Path) -> None:
    assert len(points(tmp_path, row(repetitions=7), root="PVSavedMarkPointSeriesElements").times) == 7


def test_what_a_trigger_times_is_not_in_the_file(tmp_path: Path) -> None:
    assert len(points(tmp_path, row(trigger="FirstRepetition")).times) == 1
    for rows in ((row(trigger="EveryPoint"),), (row(), row(trigger="FirstRepetition"))):
        with pytest.raises(SourceError, match=r"waits for a trigger .*`format: channel`"):
            points(tmp_path, *rows)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "a Mark Points series without a row"),
        ([row(width=0)], "Duration is 0"),
        ([row(width="ten")], "row 1: Duration is 'ten'; expected a number"),
        ([row(delay="-1")], "row 1: InitialDelay is -1; expected no time below 0"),
        ([row(repetitions="1.5")], "Repetitions is 1.5; expected a whole number"),
        ([row(repetitions="0")], "0 points or repetitions"),
        ([row(indices="some")], "Indices are 'some'"),
        ([row().replace("InterPointDelay", "Other")], "InterPointDelay is missing"),
        (["<PVMarkPointElement Repetitions='1' />"], "it has no points"),
    ],
)
def test_points_that_say_too_little_are_refused(tmp_path: Path, rows: list[str], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        points(tmp_path, *rows)


TRAIN: dict[str, Any] = {
    "PulseCount": 3, "PulseWidth": "0.3", "PulseSpacing": "49.7", "PulsePotentialStart": 5, "PulsePotentialDelta": 0,
    "RestPotential": 0, "FirstPulseDelay": 20, "Repetitions": 1, "DelayBetweenReps": 2000,
}  # fmt: skip


def waveform(
    name: str = "LED", *, enabled: str = "true", units: str = "V", scale: str = "1", kind: str = "PulseTrain", **says: Any
) -> str:
    train = "".join(f"<{key}>{value}</{key}>" for key, value in {**TRAIN, **says}.items() if value is not None)
    return (
        f"<Waveform><Name>{name}</Name><Enabled>{enabled}</Enabled><Units>{units}</Units><UnitScaleFactor>{scale}</UnitScaleFactor>"
        f"<WaveformComponent_{kind}>{train}</WaveformComponent_{kind}></Waveform>"
    )


def output(tmp_path: Path, *waveforms: str, **says: Any) -> LightPulses:
    path = tmp_path / "T-001_VoltageOutput_001.xml"
    path.write_text(f"<?xml version='1.0'?><Experiment>{''.join(waveforms)}</Experiment>", encoding="utf-8")
    return read_output(BrukerVoltageOutput.model_validate({"path": path, **says}), {})


def test_spacing_is_from_the_end_of_a_pulse(tmp_path: Path) -> None:
    record = output(tmp_path, waveform("patch", enabled="false"), waveform())
    assert record.times.seconds == pytest.approx([0.02, 0.07, 0.12])
    assert record.durations == pytest.approx([0.0003] * 3)
    assert record.command is not None
    assert (record.command.tolist(), record.command_unit) == ([5.0] * 3, "V")
    assert record.basis.endswith("not recorded: 3 pulses of 0.3 ms at 20 Hz")


def test_repetitions_begin_behind_their_delay_with_the_first_delay_again(tmp_path: Path) -> None:
    record = output(tmp_path, waveform(PulseCount=2, PulseWidth=10, PulseSpacing=40, Repetitions=2, DelayBetweenReps=100))
    # a repetition lasts 20 + 10 + 40 + 10 = 80 ms
    assert record.times.seconds == pytest.approx([0.02, 0.07, 0.2, 0.25])


def test_each_pulse_has_its_level_and_one_at_rest_is_none(tmp_path: Path) -> None:
    record = output(tmp_path, waveform(PulsePotentialStart=0, PulsePotentialDelta="0.5", scale="2"))
    assert record.command is not None
    assert record.command.tolist() == [1.0, 2.0]
    assert record.times.seconds == pytest.approx([0.07, 0.12])


def test_outputs_are_chosen(tmp_path: Path) -> None:
    both = (waveform("LED"), waveform("shutter", PulseCount=1), waveform("patch", enabled="false"))
    with pytest.raises(SourceError, match=r"several outputs are enabled; choose with `output:` one of: LED, shutter"):
        output(tmp_path, *both)
    assert len(output(tmp_path, *both, output="shutter").times) == 1
    with pytest.raises(SourceError, match=r"no enabled output 'patch' \(patch is there and not enabled\); enabled: LED, shutter"):
        output(tmp_path, *both, output="patch")


@pytest.mark.parametrize(
    ("waveforms", "message"),
    [
        ([], "no output is enabled"),
        ([waveform(enabled="false")], r"no output is enabled \(LED\)"),
        ([waveform(kind="Ramp")], "its waveform has the components Ramp; only one train of pulses is read"),
        ([waveform().replace("</Waveform>", "<WaveformComponent_PulseTrain /></Waveform>")], "PulseTrain, PulseTrain; only one"),
        ([waveform(PulseSpacing=None)], "output LED: PulseSpacing is missing"),
        ([waveform(PulseWidth=0)], "3 pulses of 0 ms, 1 times, are no light"),
        ([waveform(PulsePotentialStart=0)], "none of its 3 pulses leaves the resting level"),
    ],
)
def test_outputs_that_are_no_pulses_are_refused(tmp_path: Path, waveforms: list[str], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        output(tmp_path, *waveforms)


def test_another_file_is_named_as_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "T-001.xml"
    path.write_text('<?xml version="1.0"?><PVScan version="5.6" />', encoding="utf-8")
    with pytest.raises(SourceError, match=r"T-001\.xml: the XML of a 'PVScan'; expected a Voltage Output of PrairieView"):
        read_output(BrukerVoltageOutput(path=path), {})
    with pytest.raises(SourceError, match=r"T-001\.xml: the XML of a 'PVScan'; expected a Mark Points series"):
        read_points(BrukerMarkPoints(path=path), {})


def test_xml_of_version_1_1_and_utf_16_is_read(tmp_path: Path) -> None:
    path = tmp_path / "points.xml"
    text = f'<?xml version="1.1"?><PVMarkPointSeriesElements Iterations="1">{row()}</PVMarkPointSeriesElements>'
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        path.write_text(text, encoding=encoding)
        assert len(read_points(BrukerMarkPoints(path=path), {}).times) == 1
