"""The slice session of the contract, with recordings made for it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from pynwb import NWBHDF5IO

from bergmann.convert import convert_session
from bergmann.convert.align import align
from bergmann.moments import Moment
from bergmann.plan.resolve import make_plan

from .conftest import BASE, PRAZ, WASH, write_recording, write_series

CONTRACT = Path(__file__).resolve().parents[3] / "shared" / "session"

OVERLAY = """\
planes:
  slice_plane: {device: scope, population: bg, location: cerebellar cortex, excitation: 920 nm,
                channels: {1: {indicator: gcamp, emission: 525 nm}}}
receptors: {adra1a_bg: {receptor: Adra1a, population: bg, status: endogenous}}
"""
"""What the contract's file leaves to other files."""


STATES = ("state", "start_time", "stop_time")


def test_it_is_converted_with_its_runs(tmp_path: Path) -> None:
    if not CONTRACT.is_dir():
        pytest.skip("needs ../shared/session, which is absent here")
    for name in ("lab.yaml", "slice.yaml"):
        shutil.copyfile(CONTRACT / name, tmp_path / name)
    (tmp_path / "overlay.yaml").write_text(OVERLAY, encoding="utf-8")
    (tmp_path / "whole.yaml").write_text("use: [overlay.yaml, slice.yaml]\n", encoding="utf-8")
    for run in (replace(BASE, tags={"baseline": 1.0}), PRAZ, replace(WASH, seconds=700.0)):
        write_recording(tmp_path / run.abf, run)
        write_series(tmp_path / run.series.replace("TSeries-", "TSeries-01252019-1046-"), run)
    plan = make_plan(tmp_path / "whole.yaml")
    assert [one.text for one in plan.findings if one.severity == "error"] == []
    assert plan.reference == "base_patch"
    aligned = align(plan)
    assert [name for name in aligned.records if name.startswith("wash")] == ["wash_patch", "wash_movie", "wash_puffs"]
    times = {
        "each event of puffs": [2.0, 4.0, 603.5, 1800.875, 1804.875],
        'tag "+praz" of patch in praz': [603.0],
        'tag "-praz" of patch in wash': [1803.125],
        "start of base": [0.0],
        "end of base": [7.999],
        "10 min after prazosin": [1203.0],
        "prazosin ends": [1803.125],
        "10 min after prazosin ends": [2403.125],
        "end of wash": [2499.874],
    }
    assert {text: [one.seconds for one in aligned.when(Moment(text))] for text in times} == {
        text: pytest.approx(seconds, abs=1e-9) for text, seconds in times.items()
    }
    done = convert_session(tmp_path / "whole.yaml", tmp_path / "out")
    assert [one.text for one in done.findings if one.severity == "error"] == []
    with NWBHDF5IO(done.target, "r") as io:
        nwbfile = io.read()
        assert nwbfile.epochs["start_time"][:].tolist() == [0.0, 600.5, 1799.875]
        states = nwbfile.intervals["receptor_states"]
        found = {state: (start, stop) for state, start, stop in zip(*(states[key][:] for key in STATES), strict=True)}
        assert found == {
            "baseline": pytest.approx((0.0, 7.999)),
            "blocked": pytest.approx((1203.0, 1803.125)),
            "washout": pytest.approx((2403.125, 2499.874)),
        }
