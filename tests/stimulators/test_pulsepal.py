"""Pulse Pal: settings from each of its files, and what they and the triggers give."""

from __future__ import annotations

import csv
import json
import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from pydantic import ValidationError
from scipy.io import savemat

from bergmann.errors import SourceError
from bergmann.records import Channel, Recording
from bergmann.stimulators.program import Output
from bergmann.stimulators.pulsepal import Commanded, PulsePalSource, commanded
from bergmann.stimulators.pulsepal_files import read_custom, read_program
from bergmann.timing.times import ExplicitTimes

NAMES = (
    "is Biphasic", "Phase1Voltage", "Phase2Voltage", "Phase1Duration", "Inter-phase Interval", "Phase2Duration",
    "Inter-pulse Interval", "Burst Duration", "Burst Interval", "Stimulus Train Duration", "Stimulus Train Delay",
    "Responds to trigger Ch1", "Responds to trigger Ch2", "UsesCustomTrain(0 1 or 2)", "CustomStimTarget (0=pulses 1=bursts)",
    "CustomStimLoop", "RestingVoltage",
)  # fmt: skip
PYTHON = (
    "isBiphasic", "phase1Voltage", "phase2Voltage", "phase1Duration", "interPhaseInterval", "phase2Duration", "interPulseInterval",
    "burstDuration", "interBurstInterval", "pulseTrainDuration", "pulseTrainDelay", "linkTriggerChannel1", "linkTriggerChannel2",
    "customTrainID", "customTrainTarget", "customTrainLoop", "restingVoltage",
)  # fmt: skip
PLAIN = (0, 5, -5, 0.01, 0.001, 0.001, 0.04, 0, 0, 0.2, 0, 1, 0, 0, 0, 0, 0)
"""Four pulses of 10 ms at 20 Hz, of 5 V, started by trigger channel 1."""
SECOND = (0, 2.5, -5, 0.002, 0.001, 0.001, 0.008, 0, 0, 0.05, 0.1, 0, 1, 0, 0, 0, 0)
"""Five pulses of 2 ms at 100 Hz, of 2.5 V, 100 ms after trigger channel 2."""


def columns(**changed: Any) -> list[list[float]]:
    """The settings of four channels, by row; `changed` are those of the first, as Python names them."""
    first = [changed.get(name, value) for name, value in zip(PYTHON, PLAIN, strict=True)]
    return [list(row) for row in zip(first, SECOND, PLAIN, PLAIN, strict=True)]


def matrix(modes: tuple[int, int] = (0, 0), **changed: Any) -> list[list[Any]]:
    head = ["Output Channel Params", *(f"Channel {n}" for n in range(1, 5)), "", "Trigger Channel Params", "Channel 1", "Channel 2"]
    rows = [[name, *values, "", "", "", ""] for name, values in zip(NAMES, columns(**changed), strict=True)]
    rows[0][6:9] = ["TriggerMode (0=normal 1=toggle 2=button-gated", *modes]
    return [head, *rows]


def write_mat(path: Path, modes: tuple[int, int] = (0, 0), **changed: Any) -> Path:
    cells = np.empty((18, 9), dtype=object)
    for index, row in enumerate(matrix(modes, **changed)):
        for column, value in enumerate(row):
            cells[index, column] = value if value != "" else np.empty((0, 0))
    savemat(path, {"ParameterMatrix": cells})
    return path


def write_mat_73(path: Path) -> Path:
    with h5py.File(path, "w", userblock_size=512) as file:
        refs = np.empty((18, 9), dtype=h5py.ref_dtype)
        for index, row in enumerate(matrix()):
            for column, value in enumerate(row):
                name, kind = f"#refs#/{index}_{column}", "char" if isinstance(value, str) and value else "double"
                number = [[ord(sign)] for sign in value] if kind == "char" else [[0]] if value == "" else [[value]]
                file[name] = np.array(number, dtype=np.uint16 if kind == "char" else np.float64)
                file[name].attrs["MATLAB_class"] = np.bytes_(kind)
                if value == "":
                    file[name].attrs["MATLAB_empty"] = 1
                refs[index, column] = file[name].ref
        file.create_dataset("ParameterMatrix", data=refs.T, dtype=h5py.ref_dtype).attrs["MATLAB_class"] = np.bytes_("cell")
    return path


def write_params(path: Path) -> Path:
    titles = {name: name[0].upper() + name[1:] for name in PYTHON}
    found = {titles[name]: np.array([values], dtype=float) for name, values in zip(PYTHON, columns(), strict=True)}
    savemat(path, {"PulsePalSystem": {"Params": {**found, "TriggerMode": [[0.0, 0.0]]}, "OS": "Microsoft Windows"}})
    return path


def write_csv(path: Path) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(matrix())
    return path


def write_json(path: Path) -> Path:
    found = {name: [None, *values] if name == "isBiphasic" else values for name, values in zip(PYTHON, columns(), strict=True)}
    path.write_text(json.dumps({**found, "triggerMode": [None, 0, 0]}), encoding="utf-8")
    return path


def write_card(path: Path) -> Path:
    content = b""
    for channel in range(4):
        of = {name: values[channel] for name, values in zip(PYTHON, columns(), strict=True)}
        times = (*PYTHON[3:11],)
        content += struct.pack("<8I", *(round(of[name] * 20000) for name in times)) + struct.pack("<B", int(of["isBiphasic"]))
        volts = [int(np.ceil((of[name] + 10) / 20 * 65535)) for name in ("phase1Voltage", "phase2Voltage", "restingVoltage")]
        content += struct.pack("<3H3B", *volts, *(int(of[name]) for name in PYTHON[13:16]))
    links = [bytes(int(value) for value in columns()[row]) for row in (11, 12)]
    path.write_bytes(content + b"\0" + links[0] + b"\0" + links[1] + bytes([252]))
    return path


WRITERS = {
    "matrix.mat": write_mat,
    "new.mat": write_mat_73,
    "params.mat": write_params,
    "matrix.csv": write_csv,
    "object.json": write_json,
    "default.pps": write_card,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_file_says_the_same(name: str, tmp_path: Path) -> None:
    program = read_program(WRITERS[name](tmp_path / name))
    assert program.modes == ("normal", "normal")
    assert program.outputs[0] == program.outputs[2] == program.outputs[3]
    assert program.outputs[1] == Output(
        is_biphasic=False, phase1_voltage=2.5, phase2_voltage=-5, resting_voltage=0, phase1_duration=0.002,
        inter_phase_interval=0.001, phase2_duration=0.001, inter_pulse_interval=0.008, burst_duration=0, inter_burst_interval=0,
        train_duration=0.05, train_delay=0.1, links=(False, True), custom_train=0, custom_target=0, custom_loop=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b"[1]", r"a\.json: no settings by their names"),
        ("a.json", b"{", r"a\.json: no whole JSON"),
        ("a.json", b"{}", r"a\.json: no is biphasic, phase1 voltage, .* in it; expected all settings"),
        ("a.csv", b"is Biphasic,0,0,0,x\n", r"a\.csv: a setting of Pulse Pal is no number"),
        ("a.csv", b"Phase1Voltage,5,5,5,5\n", r"a\.csv: no is biphasic"),
        ("a.pps", b"\0" * 178, r"a\.pps: 178 bytes; expected the 179 of a settings file of Pulse Pal 2"),
    ],
)
def test_files_that_are_no_settings_are_refused(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message):
        read_program(tmp_path / name)


def test_another_matlab_file_is_refused(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"other": 1})
    with pytest.raises(
        SourceError, match=r"a\.mat: neither `ParameterMatrix` nor a structure of Pulse Pal's settings; it has: other"
    ):
        read_program(tmp_path / "a.mat")


def test_a_mode_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"trigger modes \[3\.0, 0\.0\]; expected 0 \(normal\)"):
        read_program(write_mat(tmp_path / "a.mat", (3, 0)))


def test_a_file_of_the_first_programs_rests_at_zero(tmp_path: Path) -> None:
    with (tmp_path / "old.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(matrix()[:-1])
    assert read_program(tmp_path / "old.csv").outputs[0].resting_voltage == 0
    assert give(tmp_path / "old.csv").basis.endswith(
        "the file states no resting voltage: 0 V, at which Pulse Pal rests unless told otherwise"
    )


def test_a_custom_train_is_a_table(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("time,voltage\n0,1\n0.5,2.5\n", encoding="utf-8")
    found = read_custom(tmp_path / "train.csv")
    assert (list(found.onsets), list(found.volts)) == ([0.0, 0.5], [1.0, 2.5])


# --- with triggers ----------------------------------------------------------------------------------------------------


def daq(triggers: list[tuple[int, int]], *, kind: str = "digital", momentary: bool = False) -> Recording:
    """Ten seconds at 1 kHz of a line that is on from and to each of these samples."""
    line = np.zeros(10000, dtype=np.uint8)
    for start, stop in triggers:
        line[start:stop] = 1
    channel = Channel(name="Trigger", kind="digital", unit="n.a.", samples=line, is_momentary=momentary)
    if kind == "analog":
        channel = Channel(name="Trigger", kind="analog", unit="V", samples=line * 5.0)
    return Recording(
        files=(Path("daq.h5"),), rate=1000.0, sweep_starts=ExplicitTimes(np.zeros(1)), sweep_lengths=np.array([10000]),
        channels=(channel,),
    )  # fmt: skip


def give(path: Path, recording: Recording | None = None, **keys: Any) -> Commanded:
    of = {} if recording is None else {"of": "daq/Trigger"}
    source = PulsePalSource.model_validate({"path": path, "channel": 1, **of, **keys})
    return commanded(source, {} if recording is None else {"of": recording})


def test_one_trigger_at_zero_where_none_is_stated(tmp_path: Path) -> None:
    found = give(write_mat(tmp_path / "a.mat"))
    assert found.onsets == pytest.approx([0, 0.05, 0.1, 0.15])
    assert found.durations == pytest.approx([0.01] * 4)
    assert found.levels.tolist() == [5.0] * 4
    assert (
        found.basis == "commanded on output 1 of Pulse Pal (a.mat), not recorded: 1 train at zero, triggered by channel 1, normal"
    )
    assert found.resolution == 0


def test_each_stated_trigger_starts_a_train(tmp_path: Path) -> None:
    found = give(write_mat(tmp_path / "a.mat"), channel=2, triggers=["1 s", "3 s"])
    assert found.onsets == pytest.approx([1.1, 1.11, 1.12, 1.13, 1.14, 3.1, 3.11, 3.12, 3.13, 3.14])
    assert found.levels.tolist() == [2.5] * 10
    assert "2 trains at the stated times, triggered by channel 2, normal; 100 ms after the trigger" in found.basis


@pytest.mark.parametrize(("kind", "keys"), [("digital", {}), ("analog", {}), ("analog", {"threshold": "2.5 V"})])
def test_each_rise_of_the_recorded_trigger_starts_a_train(kind: str, keys: dict[str, Any], tmp_path: Path) -> None:
    found = give(write_mat(tmp_path / "a.mat"), daq([(1000, 1005), (1100, 1105), (4000, 4005)], kind=kind), **keys)
    assert found.onsets == pytest.approx([1, 1.05, 1.1, 1.15, 4, 4.05, 4.1, 4.15])
    assert found.basis.endswith("1 trigger within a train started none")
    assert "2 trains at the rises of daq/Trigger" in found.basis
    assert found.resolution == 1e-3


def test_a_toggle_stops_the_train_and_a_gate_holds_it(tmp_path: Path) -> None:
    triggers = daq([(1000, 1053), (1105, 1110), (4000, 4058)])
    toggled = give(write_mat(tmp_path / "a.mat", (1, 0)), triggers)
    assert toggled.onsets == pytest.approx([1, 1.05, 1.1, 4, 4.05, 4.1, 4.15])
    assert toggled.durations == pytest.approx([0.01, 0.01, 0.005, 0.01, 0.01, 0.01, 0.01])
    gated = give(write_mat(tmp_path / "b.mat", (2, 0)), triggers)
    assert gated.onsets == pytest.approx([1, 1.05, 1.105, 4, 4.05])
    assert gated.durations == pytest.approx([0.01, 0.003, 0.005, 0.01, 0.008])


def test_ramps_are_refused_or_kept_without_a_level(tmp_path: Path) -> None:
    path = write_mat(tmp_path / "a.mat", customTrainID=1)
    (tmp_path / "ramp.csv").write_text("time,voltage\n0,1\n0.01,2\n0.02,3\n0.1,3\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"a\.mat, output 1: the voltage of 1 of 2 pulses changes without a rest .*`ramps: keep`"):
        give(path, custom_train=tmp_path / "ramp.csv")
    found = give(path, custom_train=tmp_path / "ramp.csv", ramps="keep")
    assert (found.onsets.tolist(), found.durations.tolist()) == ([0, 0.1], [pytest.approx(0.03), pytest.approx(0.01)])
    np.testing.assert_array_equal(found.levels, [np.nan, 3.0])
    assert found.files == (path, tmp_path / "ramp.csv")


def test_biphasic_pulses_are_asked_about(tmp_path: Path) -> None:
    path = write_mat(tmp_path / "a.mat", isBiphasic=1, pulseTrainDuration=0.1)
    with pytest.raises(SourceError, match=r"its pulses are biphasic \(5 V, then -5 V\); is the second phase a stimulus, too\?"):
        give(path)
    first, both = give(path, phases="first"), give(path, phases="both")
    assert (first.onsets.tolist(), first.levels.tolist()) == ([0, pytest.approx(0.052)], [5, 5])
    assert both.onsets == pytest.approx([0, 0.011, 0.052, 0.063])
    assert both.levels.tolist() == [5, -5, 5, -5]


def test_a_cut_pulse_is_asked_about(tmp_path: Path) -> None:
    path = write_mat(tmp_path / "a.mat", pulseTrainDuration=0.055)
    with pytest.raises(
        SourceError, match=r"its train ends within a pulse, 5 ms after it begins: .*`cut: keep` or `cut: leave out`"
    ):
        give(path)
    assert give(path, cut="keep").durations == pytest.approx([0.01, 0.005])
    assert give(path, cut="leave out").durations == pytest.approx([0.01])


@pytest.mark.parametrize(
    ("changed", "keys", "message"),
    [
        ({"linkTriggerChannel2": 1}, {}, "both trigger channels start it; state `trigger_channel: 1`, `2` or `software`"),
        ({}, {"trigger_channel": "2"}, r"trigger channel 2 does not start it \(channel 1 does\)"),
        ({"phase1Voltage": 0}, {}, "no pulse of it leaves the resting voltage"),
        ({}, {"custom_train": "x.csv"}, r"it plays no custom train, so `custom_train: x\.csv` says nothing"),
    ],
)
def test_what_is_not_known_is_asked(changed: dict[str, Any], keys: dict[str, Any], message: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("time,voltage\n0,1\n", encoding="utf-8")
    keys = {key: tmp_path / value if key == "custom_train" else value for key, value in keys.items()}
    with pytest.raises(SourceError, match=message):
        give(write_mat(tmp_path / "a.mat", **changed), **keys)


def test_a_message_of_the_computer_starts_what_no_channel_does(tmp_path: Path) -> None:
    path = write_mat(tmp_path / "a.mat", (2, 0), linkTriggerChannel1=0)
    assert "triggered by a message, normal" in give(path).basis
    with pytest.raises(
        SourceError, match=r"its trigger is gated: a train lasts no longer than the trigger\. Name its recorded line"
    ):
        give(write_mat(tmp_path / "b.mat", (2, 0)))


@pytest.mark.parametrize(
    ("recording", "mode", "message"),
    [
        (daq([]), 0, "no pulse on Trigger .* so nothing triggered Pulse Pal"),
        (daq([(0, 50)]), 0, r"Trigger was on at 0\.000000 s, when a sweep began or ended"),
        (daq([(50, 60), (9990, 10000)]), 2, r"Trigger was on at 9\.990000 s, when a sweep began or ended"),
        (daq([(50, 51)], momentary=True), 2, "Trigger only says when, and the trigger is gated"),
    ],
)
def test_a_line_that_does_not_say_when_is_refused(recording: Recording, mode: int, message: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=message):
        give(write_mat(tmp_path / "a.mat", (mode, 0)), recording)


def test_a_trigger_that_stops_each_train_at_once_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"each train was stopped before its first pulse \(gated trigger\)"):
        give(write_mat(tmp_path / "a.mat", (2, 0), pulseTrainDelay=0.1), daq([(1000, 1050)]))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"of": "daq/Trigger", "triggers": ["1 s"]}, "both say when it was triggered"),
        ({"triggers": ["1 s", "1 s"]}, "ascending"),
        ({"threshold": "2 V"}, "`threshold` is of a recorded line"),
        ({"channel": 5}, "less than or equal to 4"),
    ],
)
def test_what_contradicts_is_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        PulsePalSource.model_validate({"path": "a.mat", "channel": 1, **keys})
