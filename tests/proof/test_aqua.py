"""The second reading of AQuA's results and tables, on files whose events are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bergmann.proof.readers import NotReadError, aqua
from bergmann.proof.said import Columns
from bergmann.rig.aqua import Event, Run, write_features, write_result
from bergmann.segmentation.aqua import AquaSource1
from bergmann.segmentation.aqua2 import Aqua2Source

FLARE = Event(pixels=((3, 5), (3, 6), (4, 5), (3, 7)), first=4, last=6, peak=5, dff=1.5, seconds=1.0, grown=(1.0, 0.5, 0.25, 0.0))
WAVE = Event(pixels=((7, 14),), first=19, last=30, peak=28, dff=0.75, seconds=2.5, grown=(0.0, 0.0, 0.0, 8.0))
RUN = Run(events=(FLARE, Event(), WAVE), shape=(12, 20), n_frames=30, gap=2, more={"evtSelectedList": np.array([[3.0]])})

both = pytest.mark.parametrize("program", ["AQuA", "AQuA2"])


def read(path: Path, program: Any, **keys: Any) -> Columns:
    model, reader = (Aqua2Source, aqua.read_aqua2) if program == "AQuA2" else (AquaSource1, aqua.read_aqua)
    source = model.model_validate({"path": path, "of": "movie", **keys})
    return reader(SimpleNamespace(name="events", source=source), {})


@both
@pytest.mark.parametrize("version", ["7.3", "5"])
def test_a_result_says_frames_numbers_and_pixels(program: Any, version: Any, tmp_path: Path) -> None:
    write_result(tmp_path / "a.mat", replace(RUN, program=program), version=version)
    said = read(tmp_path / "a.mat", program, begins_at_frame=11)
    frames = {path: values.tolist() for path, values in said.frames.items()}
    assert frames == {"events/events/timestamp": [13, 28], "events/events/peak_time": [14, 37]}  # from 0, and 10 before the run
    ((path, (first, behind)),) = said.spans.items()
    assert (path, first.tolist(), behind.tolist()) == ("events/events/duration", [13, 28], [16, 40])
    columns = {path.removeprefix("events/events/"): values.tolist() for path, values in said.columns.items()}
    assert columns["event_number"] == [1, 3]
    assert columns["peak_amplitude"] == [1.5, 0.75]
    assert columns["area_in_um2"] == [1.0, 0.25]
    assert columns["width_50_to_50_in_s"] == [1.0, 2.5]
    assert columns["propagation_distance_in_um"] == [1.75, 8.0]
    assert columns["onset_distance_right_in_um"] == [0.0, 8.0]
    assert "decay_tau_in_s" not in columns  # NaN of every event
    masks = [list(zip(y.tolist(), x.tolist(), weight.tolist(), strict=True)) for x, y, weight in said.masks["events/events"]]
    assert masks == [[(3, 5, 1.0), (3, 6, 1.0), (4, 5, 1.0), (3, 7, 1.0)], [(7, 14, 1.0)]]


def test_what_was_selected_is_compared(tmp_path: Path) -> None:
    write_result(tmp_path / "a.mat", replace(RUN, program="AQuA"))
    assert read(tmp_path / "a.mat", "AQuA").columns["events/events/is_selected"].tolist() == [False, True]


@both
def test_a_table_says_the_same_but_for_pixels(program: Any, tmp_path: Path) -> None:
    write_features(tmp_path / "a.csv", replace(RUN, program=program))
    said = read(tmp_path / "a.csv", program, frame_interval="0.5 s", pixel_size="0.5 um")
    assert said.frames["events/events/timestamp"].tolist() == [3, 18]
    assert [values.tolist() for values in said.spans["events/events/duration"]] == [[3, 18], [6, 30]]
    assert said.columns["events/events/propagation_distance_in_um"].tolist() == [1.75, 8.0]
    assert said.masks == {}


def test_the_other_channel_of_aqua2_is_read_where_it_is_chosen(tmp_path: Path) -> None:
    from bergmann.rig.aqua import structure

    res = structure(replace(RUN, events=(WAVE,)))
    write_result(tmp_path / "a.mat", replace(RUN, more={"evt2": res["evt1"], "fts2": res["fts1"]}))
    with pytest.raises(NotReadError, match="in both"):
        read(tmp_path / "a.mat", "AQuA2")
    assert read(tmp_path / "a.mat", "AQuA2", channel=2).columns["events/events/peak_amplitude"].tolist() == [0.75]


def test_numbers_that_the_converter_multiplies_are_left_to_its_own_reader(tmp_path: Path) -> None:
    write_result(tmp_path / "a.mat", replace(RUN, program="AQuA"))
    with pytest.raises(NotReadError, match="multiplied"):
        read(tmp_path / "a.mat", "AQuA", scale="movie")
