"""Bpod: trials, states and events, and the same as lines that clocks, events and light can refer to."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from bergmann.behavior import bpod, channel_events, nwb
from bergmann.behavior._state_lines import Trial, channels, rises, series
from bergmann.behavior.stated import StateMachineStated, check_state_machine
from bergmann.errors import SourceError
from bergmann.pulses import recorded_pulses
from bergmann.records import StateMachine
from bergmann.registry import Entry
from bergmann.timing.clock_map import ClockMap

REAL = "pybpod_ibl/raw_behavior_data/_iblrig_taskData.raw.jsonable"
NEVER = [[float("nan"), float("nan")]]

STATES = [
    {"Wait": [[0.0, 0.25], [0.35, 0.4]], "Light": [[0.25, 0.35]], "Lost": NEVER},
    {"Wait": [[0.0, 0.5]], "Light": [[0.5, 0.6]], "Lost": NEVER},
]
EVENTS = [
    {"BNC1High": [[0.1, 0.3]], "BNC1Low": [[0.12, 0.33]], "Tup": [[0.25, 0.35, 0.4]], "Serial1_3": [[0.2]]},
    {"BNC1High": [[0.2]], "BNC1Low": [[0.25]], "Tup": [[0.5, 0.6]]},
]


def session(**more: Any) -> dict[str, Any]:
    trials = np.empty((1, len(STATES)), dtype=object)
    for number, (states, events) in enumerate(zip(STATES, EVENTS, strict=True)):
        trials[0, number] = {"States": states, "Events": events}
    info = {
        "BpodSoftwareVersion": "1.8.1",
        "StateMachineVersion": "Bpod 2.0-2.5",
        "SessionDate": "17-May-2024",
        "SessionStartTime_UTC": "10:31:02",
    }
    return {
        "Info": info,
        "nTrials": 2,
        "RawEvents": {"Trial": trials},
        "RawData": {"StateMachineErrorCodes": 0},
        "TrialStartTimestamp": [[1.5, 3.0]],
        "TrialEndTimestamp": [[1.9, 3.6]],
        "TrialTypes": [[1, 2]],
        "SettingsFile": {"reward": 3},
        **more,
    }


def write_old(path: Path, found: dict[str, Any]) -> Path:
    savemat(path, {"SessionData": found})
    return path


def write_hdf5(path: Path, found: dict[str, Any]) -> Path:
    """As MATLAB's ``save`` with ``-v7.3`` does: structures are groups, cells references, axes reversed."""

    def put(at: h5py.Group, name: str, value: Any) -> h5py.Group | h5py.Dataset:
        if isinstance(value, dict):
            made = at.create_group(name)
            for key, one in value.items():
                put(made, key, one)
            kind = "struct"
        elif isinstance(value, np.ndarray) and value.dtype == object:
            refs = at.file.require_group("#refs#")
            cells = [put(refs, f"c{len(refs)}", one).ref for one in value.ravel(order="F")]
            made = at.create_dataset(name, data=np.array(cells, dtype=h5py.ref_dtype).reshape(value.T.shape), dtype=h5py.ref_dtype)
            kind = "cell"
        elif isinstance(value, str):
            made, kind = at.create_dataset(name, data=np.array([[ord(sign)] for sign in value], dtype=np.uint16)), "char"
        else:
            made, kind = at.create_dataset(name, data=np.atleast_2d(np.asarray(value, dtype=np.float64)).T), "double"
        made.attrs["MATLAB_class"] = np.bytes_(kind)
        return made

    with h5py.File(path, "w", userblock_size=512) as file:
        put(file, "SessionData", found)
    return path


def write_messages(path: Path, *, cut: bool = False, named: bool = True) -> Path:
    """The same two trials as pybpod writes them; with ``cut``, a third that was stopped."""
    clock = iter(f"2024-05-17 10:31:{second:06.3f}" for second in np.arange(3.5, 50, 0.25))
    lines = ["__DEF-TEXT__;This file contains data recorded during a session from the PyBpod system", ""]
    lines += ["TYPE;PC-TIME;BPOD-INITIAL-TIME;BPOD-FINAL-TIME;MSG;+INFO"]
    lines += ["INFO;2024-05-17 10:31:01.100;;;BPOD-API-VERSION;1.8.2", "INFO;2024-05-17 10:31:01.200;;;SUBJECT-NAME;['x']"]
    for states, events, start, stop in zip(STATES, EVENTS, (1.5, 3.0), (1.9, 3.6), strict=True):
        lines.append(f"TRIAL;{next(clock)};;;New trial;")
        found = sorted((time, name) for name, times in events.items() for time in times[0])
        lines += [f"EVENT;{next(clock)};{time};;{number};{name}" for number, (time, name) in enumerate(found)]
        lines.append(f"END-TRIAL;{next(clock)};;;The trial ended;")
        if named:
            lines.append(f"INFO;{next(clock)};{start};{stop};TRIAL-BPOD-TIME;{stop - start}")
        lines += [f"STATE;{next(clock)};{a};{b};{name};{b - a}" for name, spans in states.items() for a, b in spans]
        lines += [f'stdout;{next(clock)};;;"reward;|";']
    if cut:
        lines += [f"TRIAL;{next(clock)};;;New trial;", f"EVENT;{next(clock)};0.1;;7;BNC1High"]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def write_json(path: Path) -> Path:
    lines = []
    for states, events, start, stop in zip(STATES, EVENTS, (1.5, 3.0), (1.9, 3.6), strict=True):
        found = {
            "Bpod start timestamp": 1.5,
            "Trial start timestamp": start,
            "Trial end timestamp": stop,
            "States timestamps": {**states, "Lost": [[None, None]]},
            "Events timestamps": {name: times[0] for name, times in events.items()},
        }
        lines.append(json.dumps({"init_datetime": "2024-05-17T10:31:02", "contrast": 0.5, "path": "C:\\x", "behavior_data": found}))
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


WRITERS: dict[str, Callable[[Path], Path]] = {
    "old.mat": lambda path: write_old(path, session()),
    "new.mat": lambda path: write_hdf5(path, session()),
    "messages.csv": write_messages,
    "trials.jsonable": write_json,
}
each_writer = pytest.mark.parametrize("name", WRITERS)


def read(path: Path, **keys: Any) -> StateMachine:
    return bpod.read(bpod.BpodSource(path=path, **keys), {})


@each_writer
def test_every_file_says_the_same(name: str, tmp_path: Path) -> None:
    record = read(WRITERS[name](tmp_path / name))
    assert record.start == datetime(2024, 5, 17, 10, 31, 2)
    assert record.rate == 10000
    assert record.starts.seconds.tolist() == [1.5, 3.0]
    assert record.stops.tolist() == [1.9, 3.6]
    found = {one.name: (one.times.seconds.round(9).tolist(), one.columns["trial"].tolist()) for one in record.series}
    assert found == {
        "Wait": ([1.5, 1.85, 3.0], [1, 1, 2]),
        "Light": ([1.75, 3.5], [1, 2]),
        "BNC1High": ([1.6, 1.8, 3.2], [1, 1, 2]),
        "BNC1Low": ([1.62, 1.83, 3.25], [1, 1, 2]),
        "Serial1_3": ([1.7], [1]),
        "Tup": ([1.75, 1.85, 1.9, 3.5, 3.6], [1, 1, 1, 2, 2]),
    }
    durations = {one.name: None if one.durations is None else one.durations.round(9).tolist() for one in record.series}
    assert durations["Wait"] == [0.25, 0.05, 0.5]
    assert durations["Tup"] is None
    assert "in steps of 0.1 ms; states that it never was in: Lost" in record.basis


def test_what_matlab_says_of_the_session(tmp_path: Path) -> None:
    record = read(write_old(tmp_path / "a.mat", session()))
    assert record.notes == {"software": "Bpod 1.8.1", "machine": "Bpod 2.0-2.5"}
    assert {name: column.tolist() for name, column in record.columns.items()} == {"TrialTypes": [1.0, 2.0]}
    assert record.basis == (
        "logged by Bpod 1.8.1 on Bpod 2.0-2.5 in steps of 0.1 ms; states that it never was in: Lost; in the file and not in here: "
        "SettingsFile"
    )


def test_the_time_of_day_is_the_computers_own_and_exact_where_matlab_kept_it(tmp_path: Path) -> None:
    info = {**session()["Info"], "SessionStartTime_MATLAB": 739389.4382260417}
    assert read(write_old(tmp_path / "a.mat", session(Info=info))).start == datetime(2024, 5, 17, 10, 31, 2, 730000)


def test_a_clock_that_was_not_set_to_zero_says_no_start(tmp_path: Path) -> None:
    late = session(TrialStartTimestamp=[[4001.5, 4003.0]], TrialEndTimestamp=[[4001.9, 4003.6]])
    assert read(write_old(tmp_path / "a.mat", late)).start is None


def test_texts_of_a_trial_are_named_and_not_kept(tmp_path: Path) -> None:
    record = read(write_json(tmp_path / "a.jsonable"))
    assert {name: column.tolist() for name, column in record.columns.items()} == {"contrast": [0.5, 0.5]}
    assert record.basis.endswith("in the file and not in here: path")


def test_a_trial_that_was_stopped_is_said(tmp_path: Path) -> None:
    record = read(write_messages(tmp_path / "a.csv", cut=True))
    assert len(record.starts) == 2
    assert record.basis.endswith("the last trial was stopped and has no times: 2 messages of it are not in here")


def test_trials_without_their_time_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"a\.csv: a trial before the last has no TRIAL-BPOD-TIME"):
        read(write_messages(tmp_path / "a.csv", named=False))


# --- lines ------------------------------------------------------------------------------------------------------------


@each_writer
def test_inputs_and_states_are_lines(name: str, tmp_path: Path) -> None:
    record = read(WRITERS[name](tmp_path / name))
    assert record.parts == ("Wait", "Light", "BNC1", "Serial1_3", "Tup")
    found = recorded_pulses(record, "BNC1")
    assert found.times.seconds == pytest.approx([1.6, 1.8, 3.2], abs=1e-9)
    assert found.durations == pytest.approx([0.02, 0.03, 0.05], abs=1e-9)
    light = recorded_pulses(record, "Light")
    assert light.times.seconds == pytest.approx([1.75, 3.5], abs=1e-9)
    assert light.durations == pytest.approx([0.1, 0.1], abs=1e-9)
    assert not (light.on_at_start | light.on_at_end).any()


def test_a_state_from_the_start_to_the_end_of_a_trial_is_whole() -> None:
    trials = [Trial(2.0, 2.5, {"All": [(0.0, 0.5)]}, {}, {})]
    found = recorded_pulses(_recording(trials), "All")
    assert found.times.seconds == pytest.approx([2.0])
    assert found.durations == pytest.approx([0.5])
    assert not (found.on_at_start | found.on_at_end).any()


def test_an_input_that_was_high_between_trials_is_cut_and_not_closed() -> None:
    whole = {"A": [(0.0, 1.0)]}
    trials = [Trial(0.0, 1.0, whole, {"Wire1High": [0.5]}, {}), Trial(2.0, 3.0, whole, {"Wire1Low": [0.25]}, {})]
    found = recorded_pulses(_recording(trials), "Wire1")
    assert found.times.seconds == pytest.approx([0.5, 1.9999])
    assert found.on_at_end.tolist() == [True, False]
    assert found.on_at_start.tolist() == [False, True]


def test_an_input_that_changed_between_trials_begins_at_its_level() -> None:
    trials = [Trial(0.0, 1.0, {}, {"BNC2High": [0.5]}, {}), Trial(2.0, 3.0, {}, {"BNC2High": [0.5], "BNC2Low": [0.75]}, {})]
    found = recorded_pulses(_recording(trials), "BNC2")
    assert found.times.seconds == pytest.approx([0.5, 2.5])
    assert found.on_at_end.tolist() == [True, False]
    assert not found.on_at_start.any()


def test_an_input_whose_fall_is_never_logged_is_events_alone() -> None:
    trials = [Trial(0.0, 1.0, {}, {"BNC1High": [0.5], "GlobalCounter1_End": [0.6]}, {})]
    assert [(one.name, one.is_momentary) for one in channels(trials, 10000)] == [("BNC1High", True), ("GlobalCounter1_End", True)]


def test_a_timer_is_a_line() -> None:
    trials = [Trial(0.0, 1.0, {}, {"GlobalTimer1_Start": [0.25], "GlobalTimer1_End": [0.75]}, {})]
    found = recorded_pulses(_recording(trials), "GlobalTimer1")
    assert (found.times.seconds.tolist(), found.durations.tolist()) == ([pytest.approx(0.25)], [pytest.approx(0.5)])


def test_a_name_for_two_things_is_refused() -> None:
    with pytest.raises(SourceError, match="a state and an input are both called 'BNC1'"):
        channels([Trial(0.0, 1.0, {"BNC1": [(0.0, 1.0)]}, {"BNC1High": [0.5], "BNC1Low": [0.6]}, {})], 10000)


def test_messages_are_events_without_a_length(tmp_path: Path) -> None:
    record = read(write_old(tmp_path / "a.mat", session()))
    source = channel_events.ChannelEventsSource(of="box/Serial1_3", event="puff")
    (puffs,) = channel_events.read(source, {"of": record}).series
    assert puffs.times.seconds == pytest.approx([1.7])
    assert puffs.durations is None
    states = channel_events.read(channel_events.ChannelEventsSource(of="box/Light", event="light"), {"of": record})
    assert states.basis == "visits of the state box/Light, digital line"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["trials"], [1.5, 3.0]),
        (["Light"], [1.75, 3.5]),
        (["BNC1"], [1.6, 1.8, 3.2]),
        (["Serial1_3"], [1.7]),
        (["Wait", "Light"], [1.5, 3.0]),  # without a gap, one pulse
        (["Light", "Serial1_3"], [1.7, 1.75, 3.5]),
    ],
)
def test_what_another_instrument_recorded_of_it(names: list[str], expected: list[float], tmp_path: Path) -> None:
    record = read(write_old(tmp_path / "a.mat", session()), pulses=names)
    assert record.clock_times is not None
    assert record.clock_times.seconds == pytest.approx(expected, abs=1e-9)


def test_a_line_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    expected = "a.mat: no state, input or event 'BNC3'; there are: trials, Wait, Light, BNC1, BNC1High, BNC1Low, Serial1_3, Tup"
    with pytest.raises(SourceError) as refused:
        read(write_old(tmp_path / "a.mat", session()), pulses="BNC3")
    assert str(refused.value) == expected


def test_without_pulses_nothing_ticks(tmp_path: Path) -> None:
    assert read(write_old(tmp_path / "a.mat", session())).clock_times is None


def _recording(trials: list[Trial]) -> Any:
    from bergmann.behavior._state_lines import sweep_lengths
    from bergmann.timing.times import ExplicitTimes

    starts = np.array([one.start for one in trials])
    return StateMachine(
        files=(Path("a.mat"),), rate=10000.0, sweep_starts=ExplicitTimes(starts - 1e-4), sweep_lengths=sweep_lengths(trials, 10000),
        channels=channels(trials, 10000), starts=ExplicitTimes(starts), stops=np.array([one.stop for one in trials]),
        series=series(trials), basis="",
    )  # fmt: skip


# --- clocks and what is written ---------------------------------------------------------------------------------------


def test_another_clock_moves_all_of_it(tmp_path: Path) -> None:
    record = read(write_old(tmp_path / "a.mat", session()), pulses="trials")
    clock = ClockMap("offset and rate", np.array([0.0, 10.0]), np.array([100.0, 120.0]))  # twice as slow, 100 s later
    moved = record.mapped(clock)
    assert moved.starts.seconds.tolist() == [103.0, 106.0]
    assert moved.stops.tolist() == pytest.approx([103.8, 107.2])
    assert moved.pulses is not None
    assert moved.pulses.seconds.tolist() == [103.0, 106.0]
    light = {one.name: one for one in moved.series}["Light"]
    assert light.times.seconds == pytest.approx([103.5, 107.0])
    assert light.durations == pytest.approx([0.2, 0.2])
    lines = recorded_pulses(moved, "Light")
    assert lines.times.seconds == pytest.approx([103.5, 107.0])
    assert lines.durations == pytest.approx([0.2, 0.2])
    shifted = record.aligned(100.0)
    assert shifted.span == pytest.approx((101.5, 103.6))
    assert {one.name: one for one in shifted.series}["Light"].times.seconds == pytest.approx([101.75, 103.5])
    assert recorded_pulses(shifted, "Light").times.seconds == pytest.approx([101.75, 103.5])


def _entry(record: StateMachine, name: str) -> Entry[Any, Any]:
    return Entry(name=name, record=record, stated=StateMachineStated(description="a task"), source=bpod.BpodSource(path="a.mat"))


@pytest.mark.parametrize(("name", "table"), [("trials", "trials"), ("box", "box_trials")])
def test_trials_states_and_events_are_tables(name: str, table: str, tmp_path: Path, nwbfile: Any) -> None:
    from pynwb import NWBHDF5IO

    from bergmann.registry import Placed

    record = read(write_old(tmp_path / "a.mat", session()))
    nwb.ADD[StateMachine](nwbfile, _entry(record, name), Placed(stream=np.asarray, collections={}))
    with NWBHDF5IO(tmp_path / "out.nwb", "w") as io:
        io.write(nwbfile)
    with NWBHDF5IO(tmp_path / "out.nwb", "r") as io:
        there = io.read()
        trials = there.trials if name == "trials" else there.intervals[table]
        assert trials["start_time"][:].tolist() == [1.5, 3.0]
        assert trials["stop_time"][:].tolist() == [1.9, 3.6]
        assert trials["TrialTypes"][:].tolist() == [1.0, 2.0]
        assert trials.description.startswith("a task. Trials, logged by Bpod 1.8.1 on Bpod 2.0-2.5 in steps of 0.1 ms")
        light = there.events[f"{name}_Light"]
        assert light["timestamp"][:].tolist() == pytest.approx([1.75, 3.5])
        assert light["duration"][:].tolist() == pytest.approx([0.1, 0.1])
        assert light["trial"][:].tolist() == [1, 2]
        assert set(there.events) == {f"{name}_{one.name}" for one in record.series}


def test_missed_cycles_are_a_finding(tmp_path: Path) -> None:
    record = read(write_old(tmp_path / "a.mat", session(TrialEndTimestamp=[[1.9, 3.6042]])))
    (found,) = check_state_machine(_entry(record, "box"), {})
    assert found.message == "a.mat: its clock and the cycles it counted differ: trial 2 by 4.2 ms"
    assert list(check_state_machine(_entry(read(write_old(tmp_path / "b.mat", session())), "box"), {})) == []


# --- what is wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"TrialStartTimestamp": [[1.5]]}, r"1 times in TrialStartTimestamp for 2 trials"),
        ({"TrialEndTimestamp": [[1.9]]}, r"1 times in TrialEndTimestamp for 2 trials"),
        ({"RawEvents": {"Trial": []}, "TrialStartTimestamp": [], "TrialEndTimestamp": []}, r"no trial in it"),
        ({"RawEvents": 3}, r"no structure `SessionData` with `RawEvents`"),
        (
            {"TrialStartTimestamp": [[3.0, 1.5]], "TrialEndTimestamp": [[3.4, 2.1]]},
            r"trial 2 begins at 1\.5000 s, before the last of trial 1 at 3\.4000 s",
        ),
    ],
)
def test_a_session_that_is_none_is_refused(more: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=rf"a\.mat: .*{message}"):
        read(write_old(tmp_path / "a.mat", session(**more)))


def one_trial(length: float) -> dict[str, Any]:
    trial = np.empty((1, 1), dtype=object)
    trial[0, 0] = {"States": {"Wait": [[0.0, length]]}, "Events": {"Tup": [[length]]}}
    return session(RawEvents={"Trial": trial}, TrialStartTimestamp=[[1.5]], TrialEndTimestamp=[[1.5 + length]])


def test_the_first_versions_counted_microseconds(tmp_path: Path) -> None:
    record = read(write_old(tmp_path / "a.mat", one_trial(0.250021)))
    assert record.rate == 1e6
    assert "in steps of 1 us" in record.basis
    found = recorded_pulses(record, "Wait")
    assert found.durations.tolist() == [pytest.approx(0.250021, abs=1e-9)]
    assert not (found.on_at_start | found.on_at_end).any()


def test_times_that_are_no_steps_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"a\.mat, trial 1: a time of 0\.25000333 s is no multiple of 1 us; Bpod counts in steps of 0\.1 ms"
    ):
        read(write_old(tmp_path / "a.mat", one_trial(0.25000333)))


def test_a_state_that_has_no_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"a\.mat, trial 1: a time of nan s is no multiple of 1 us"):
        read(write_old(tmp_path / "a.mat", one_trial(float("nan"))))


def test_numbers_of_trials_keep_their_type(tmp_path: Path) -> None:
    record = read(write_old(tmp_path / "a.mat", session(TrialTypes=np.array([[1, 2]], dtype=np.uint8), Side=[[0.5, 1.5]])))
    assert {name: column.dtype.kind for name, column in record.columns.items()} == {"TrialTypes": "i", "Side": "f"}


def test_only_sessions_are_found(tmp_path: Path) -> None:
    for name, write in WRITERS.items():
        write(tmp_path / name)
    savemat(tmp_path / "other.mat", {"SessionData": {"nTrials": 0}})
    (tmp_path / "other.csv").write_text("TYPE;PC-TIME\n1;2\n", encoding="utf-8")
    (tmp_path / "settings.jsonable").write_text('{"a": 1}\n', encoding="utf-8")
    assert {source.path.name for source in bpod.find(tmp_path)} == set(WRITERS)


# --- a real session ---------------------------------------------------------------------------------------------------


def test_a_real_session(real: Callable[[str], Path]) -> None:
    path = real(REAL)
    record = read(path, pulses="BNC2")
    lines = [json.loads(line)["behavior_data"] for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(record.starts) == len(lines) == 12
    assert record.starts.seconds.tolist() == [one["Trial start timestamp"] for one in lines]
    assert record.stops.tolist() == [one["Trial end timestamp"] for one in lines]
    assert record.start == datetime(2019, 7, 1, 12, 15, 16)
    assert "late" not in record.notes
    for one in record.series:  # each visit and each event of the file, and no other
        kind = "Events timestamps" if one.durations is None else "States timestamps"
        expected = [
            trial["Trial start timestamp"] + (time if one.durations is None else time[0])
            for trial in lines
            for time in trial[kind].get(one.name, [])
            if one.durations is None or time[0] == time[0]
        ]
        assert one.times.seconds.tolist() == expected
    assert sum(len(one.times) for one in record.series if one.durations is None) == sum(
        len(times) for trial in lines for times in trial["Events timestamps"].values()
    )
    sounds = recorded_pulses(record, "BNC2")
    rise, fall = (
        np.array([one["Trial start timestamp"] + time for one in lines for time in one["Events timestamps"][f"BNC2{end}"]])
        for end in ("High", "Low")
    )
    assert sounds.times.seconds == pytest.approx(rise, abs=1e-9)
    assert sounds.times.seconds + sounds.durations == pytest.approx(fall, abs=1e-9)
    assert record.clock_times is not None
    assert record.clock_times.seconds == pytest.approx(rise, abs=1e-9)
    assert bpod.read(bpod.BpodSource(path=path), {}).columns["trial_num"].tolist() == list(range(1, 13))


def test_unions_are_in_one_trial_only() -> None:
    trials = [Trial(0.0, 1.0, {"A": [(0.0, 1.0)]}, {}, {}), Trial(1.0, 2.0, {"A": [(0.0, 1.0)]}, {}, {})]
    assert rises(trials, ["A"]).seconds.tolist() == [0.0, 1.0]
