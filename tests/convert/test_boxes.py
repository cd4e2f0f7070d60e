"""A behaviour box and a stimulator beside a DAQ: the box on the DAQ's clock, and both as accounts of the recorded light."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pynwb import read_nwb

from bergmann.convert.align import align
from bergmann.convert.session import convert_session
from bergmann.plan.resolve import make_plan
from bergmann.pulses import recorded_pulses

from ..conftest import Ran
from .conftest import Folder

RATE, OFFSET = 1 + 80e-6, 0.75  # the box's clock runs 80 ppm fast, and was at 0 when the DAQ's was at -0.75 s


def on_box(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times of the DAQ on the clock of the box."""
    return (seconds + OFFSET) * RATE


def recorded(folder: Folder) -> tuple[Any, NDArray[np.float64], NDArray[np.float64]]:
    """The light, and the rises and falls of the camera's line, on the DAQ's clock."""
    records: Any = align(make_plan(folder.session)).records
    camera = recorded_pulses(records["daq"], "CamTTL")
    return records["light"], camera.times.seconds, camera.times.seconds + camera.durations


def write_box(folder: Folder, *, extra: int = 0) -> NDArray[np.float64]:
    """One trial of Bpod that saw the camera's line, and was in a state while the light was on; since when, on the DAQ's clock."""
    light, rises, falls = recorded(folder)
    onsets = np.append(light.times.seconds, light.times.seconds[-1] + 0.05 * np.arange(1, extra + 1))
    zero, last = float(on_box(rises[:1])[0]) - 0.5, float(on_box(falls[-1:])[0]) + 0.5

    def within(seconds: NDArray[np.float64]) -> list[float]:
        return [round(float(one) - zero, 4) for one in on_box(seconds)]

    edges = sorted({0.0, *within(onsets), *within(onsets + 0.01), round(last - zero, 4)})
    lit = set(within(onsets))
    states: dict[str, list[tuple[float, float]]] = {"Wait": [], "Light": []}
    for start, stop in pairwise(edges):
        states["Light" if start in lit else "Wait"].append((start, stop))
    times = {"Trial start timestamp": zero, "Trial end timestamp": zero + round(last - zero, 4)}
    events = {"BNC1High": within(rises), "BNC1Low": within(falls), "Tup": edges[1:]}
    found = {**times, "States timestamps": states, "Events timestamps": events}
    line = json.dumps({"init_datetime": "2024-05-17T10:31:02", "behavior_data": found})
    (folder.path / "box.jsonable").write_text(line + "\n", encoding="utf-8")
    folder.state("  paw_cam:", "  trials: {format: bpod, path: box.jsonable, pulses: BNC1, clock: daq/CamTTL}\n  paw_cam:")
    return onsets


def write_stimulator(folder: Folder, **settings: float) -> None:
    """Settings of Pulse Pal for the light of the rig: 20 pulses of 10 ms at 20 Hz."""
    light = recorded(folder)[0]
    found: dict[str, float] = {"phase1Duration": 0.01, "interPhaseInterval": 0.0, "phase2Duration": 0.0, "interPulseInterval": 0.04}
    found |= {"burstDuration": 0, "interBurstInterval": 0, "pulseTrainDuration": 1.0, "pulseTrainDelay": 0.0, "isBiphasic": 0}
    found |= {"phase1Voltage": round(float(np.median(light.command)), 3), "phase2Voltage": -5, "restingVoltage": 0}
    found |= {"linkTriggerChannel1": 1, "linkTriggerChannel2": 0, "customTrainID": 0, "customTrainTarget": 0, "customTrainLoop": 0}
    lists = {name: [value] * 4 for name, value in {**found, **settings}.items()}
    (folder.path / "stimulator.json").write_text(json.dumps({**lists, "triggerMode": [0, 0]}), encoding="utf-8")


def with_plan(folder: Folder, more: str = "") -> None:
    entry = f"  planned: {{format: pulsepal, path: stimulator.json, channel: 1, confirms: light{more}}}\n"
    folder.state("  paw_cam:", f"{entry}  paw_cam:")


def differences(done: Any) -> list[str]:
    return [one.message for one in done.findings if one.check == "accounts differ" and one.severity == "warning"]


# --- the box ----------------------------------------------------------------------------------------------------------


def test_the_box_is_on_the_clock_of_the_line_that_both_saw(folder: Folder) -> None:
    onsets = write_box(folder)
    done = convert_session(folder.session, folder.out)
    assert done.is_good, done.findings
    file = read_nwb(done.target)
    clocks = file.lab_meta_data["bergmann_conversion"].clocks.to_dataframe().set_index("source")
    assert clocks.loc["trials", "reference"] == "daq/CamTTL"
    assert clocks.loc["trials", "rate_ratio"] == pytest.approx(1 / RATE, abs=5e-6)
    assert clocks.loc["trials", "residual_in_seconds"] < 1.5e-3
    light = file.events["trials_Light"]
    assert light["timestamp"][:] == pytest.approx(onsets, abs=2e-3)
    assert light["duration"][:] == pytest.approx(np.full(20, 0.01), abs=2e-4)
    assert set(file.events) >= {"trials_Wait", "trials_Light", "trials_BNC1High", "trials_BNC1Low", "trials_Tup"}
    assert len(file.trials) == 1
    assert "in steps of 0.1 ms" in file.trials.description


def test_a_line_of_the_box_is_a_clock_for_others(folder: Folder) -> None:
    write_box(folder)
    before: Any = align(make_plan(folder.session)).records["paw_cam"]
    folder.state("cam/paw_*.avi, clock: daq/CamTTL", "cam/paw_*.avi, clock: trials/BNC1")
    aligned = align(make_plan(folder.session))
    after: Any = aligned.records["paw_cam"]
    assert aligned.fits["paw_cam"].reference == "trials/BNC1"
    assert after.times.seconds == pytest.approx(before.times.seconds, abs=2e-3)


@pytest.mark.parametrize("extra", [0, 1])
def test_a_state_of_the_box_is_an_account_of_the_light(folder: Folder, extra: int) -> None:
    onsets = write_box(folder, extra=extra)
    folder.state("  paw_cam:", "  told: {format: channel, of: trials/Light, confirms: light}\n  paw_cam:")
    aligned: Any = align(make_plan(folder.session))
    assert aligned.records["light"].confirmed_by["told"].tolist() == [True] * 20
    found = [one.message for one in aligned.differences["told"] if one.severity == "warning"]
    assert len(found) == extra
    for one in found:
        said, _, at = one.rpartition(" in light: ")
        assert said == "told has 21 pulses, light 20; missing"
        assert float(at.removesuffix(" s")) == pytest.approx(onsets[-1], abs=2e-3)


def test_a_state_of_the_box_is_light_where_nothing_recorded_it(folder: Folder) -> None:
    onsets = write_box(folder)
    folder.state("{format: channel, of: daq/LaserCmd,", "{format: channel, of: trials/Light,")
    done = convert_session(folder.session, folder.out)
    assert done.is_good, done.findings
    file = read_nwb(done.target)
    assert file.intervals["light_pulses"]["start_time"][:] == pytest.approx(onsets, abs=2e-3)
    assert "commanded, not recorded: the time in the state trials/Light" in file.stimulus["light"].description
    folder.state("  paw_cam:", "  copy: {format: channel, of: daq/LaserCmd, confirms: light}\n  paw_cam:")
    refused = convert_session(folder.session, folder.out, overwrite=True)
    assert any("copy was recorded and light was not" in one.message for one in refused.findings)


def test_events_of_the_box_are_events_of_the_lab(folder: Folder) -> None:
    write_box(folder)
    folder.state("  paw_cam:", "  puffs: {format: channel, of: trials/Light, event: air puff}\n  paw_cam:")
    puffs: Any = align(make_plan(folder.session)).records["puffs"]
    assert [len(one.times) for one in puffs.series] == [20]
    assert puffs.basis == "visits of the state trials/Light, digital line"


def test_the_page_has_the_trials_and_the_lines_of_the_box(folder: Folder, bergmann: Callable[..., Ran]) -> None:
    write_box(folder)
    page = folder.path / "page.html"
    assert bergmann("check", folder.session, "--page", page).status == 0
    shown = page.read_text(encoding="utf-8")
    assert f"1 trial; Wait: 21; Light: 20; BNC1High: {len(recorded(folder)[1])}" in shown
    assert "digital line: 20 pulses" in shown  # the state, drawn as other lines are


def test_without_what_it_showed_on_the_line_the_box_has_no_clock(folder: Folder) -> None:
    write_box(folder)
    folder.state("pulses: BNC1, ", "")
    done = convert_session(folder.session, folder.out)
    (found,) = (one for one in done.findings if one.severity == "error")
    assert "state `pulses:`, what of trials the line showed" in found.message


# --- the stimulator ---------------------------------------------------------------------------------------------------


def test_a_plan_of_pulse_pal_is_the_light_that_was_recorded(folder: Folder) -> None:
    write_stimulator(folder)
    with_plan(folder)
    done = convert_session(folder.session, folder.out)
    assert done.is_good, done.findings
    assert differences(done) == []
    file = read_nwb(done.target)
    assert file.intervals["light_pulses"]["in_planned"][:].tolist() == [True] * 20
    assert "planned (commanded on output 1 of Pulse Pal (stimulator.json), not recorded" in file.stimulus["light"].description
    listed = file.lab_meta_data["bergmann_conversion"].source_files.to_dataframe()
    assert "stimulator.json" in set(listed[listed["source"] == "planned"].iloc[:, 2])


def test_a_pulse_that_pulse_pal_was_told_and_that_was_not_recorded_is_said(folder: Folder) -> None:
    first = float(recorded(folder)[0].times.first)
    write_stimulator(folder, pulseTrainDuration=1.04)
    with_plan(folder, f", starts: {first:.4f} s after daq")
    done = convert_session(folder.session, folder.out)
    assert differences(done) == [f"planned has 21 pulses, light 20; missing in light: {first + 1.0:.3f} s"]
    assert done.is_good


def test_a_wrong_output_is_found_before_anything_is_converted(folder: Folder) -> None:
    write_stimulator(folder, phase1Voltage=0)
    with_plan(folder)
    findings = make_plan(folder.session).findings
    assert any("no pulse of it leaves the resting voltage" in one.message for one in findings if one.severity == "error")


def test_pulse_pal_alone_is_light_and_other_stimuli(folder: Folder) -> None:
    write_stimulator(folder)
    shocks = recorded_pulses(align(make_plan(folder.session)).records["daq"], "ShockTTL").times.seconds  # type: ignore[arg-type]
    entry = "  puffs: {format: pulsepal, path: stimulator.json, channel: 2, of: daq/ShockTTL, event: puff, trigger_channel: 1}\n"
    folder.state("  paw_cam:", f"{entry}  paw_cam:")
    folder.state(
        "light:   {format: channel, of: daq/LaserCmd,",
        "light:   {format: pulsepal, path: stimulator.json, channel: 1, triggers: [2 s, 5 s], starts: start of daq,",
    )
    done = convert_session(folder.session, folder.out)
    assert done.is_good, done.findings
    file = read_nwb(done.target)
    train = np.arange(20) * 0.05
    assert file.intervals["light_pulses"]["start_time"][:] == pytest.approx(np.concatenate([2 + train, 5 + train]))
    assert file.intervals["optogenetic_epochs"]["number_trains"][:].tolist() == [2]
    expected = (shocks[:, np.newaxis] + train).ravel()
    assert file.events["puffs"]["timestamp"][:] == pytest.approx(expected)
    assert "commanded on output 2 of Pulse Pal" in file.events["puffs"].source_description
