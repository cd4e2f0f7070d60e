"""The names that `check` compares are those that the rooms write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bergmann.plan.resolve import make_plan
from bergmann.registry import Entry, load_names, load_stated
from bergmann.report.dry_run import dry_run
from bergmann.report.placing import place
from bergmann.signals.stated import pulses_name

Edited = Callable[..., Path]


def test_every_kind_of_record_has_names() -> None:
    assert set(load_names()) == set(load_stated())


@pytest.mark.parametrize("name", ["session.yaml", "vonfrey-pod7.yaml"])
def test_each_source_is_written_under_its_names(rig_folder: Path, name: str) -> None:
    plan = make_plan(rig_folder / name)
    placement = place(plan)
    run = dry_run(placement)
    assert run is not None
    assert run.findings == ()
    for source, entry in plan.loaded.sources.items():
        record = None if entry.format.reads_values else placement.aligned.records[source]
        asked = Entry[Any, Any](name=source, record=record, stated=entry.stated, source=entry.source)
        said = {f"{place}/{written}" for place, written in load_names()[entry.format.record](asked)}
        for other in plan.loaded.sources.values():  # the pulses of a line that times another source are written with it
            if other.clock is not None and other.clock.name == source:
                said.add(f"events/{pulses_name(source, record, other.clock.part)}")
        made = {one.path.replace("stimulus/presentation", "stimulus") for one in run.of_source[source]}
        # what all poses share, and what is said of ROIs beside them, has names that no source could have
        assert said == {one for one in made if not one.startswith(("cell_annotations_", "processing/behavior/Skeletons"))}, source


@pytest.mark.parametrize(
    ("added", "message"),
    [
        (
            "movie_ch1: {format: video, path: cam/face.mp4, clock: daq/CamTTL}",
            "movie writes an object 'movie_ch1', and so does movie_ch1",
        ),
        (
            "light_pulses: {format: intervals, path: notes.csv, of: movie, columns: {label: what, start: from, stop: to}, unit: s}",
            "light writes an object 'light_pulses', and so does light_pulses",
        ),
        (
            "daq_CamTTL: {format: video, path: cam/face.mp4, clock: daq/CamTTL}",
            "daq writes an object 'daq_CamTTL', and so does daq_CamTTL",
        ),
    ],
)
def test_two_sources_under_one_name_are_found_at_check(edited: Edited, added: str, message: str) -> None:
    found = make_plan(edited(("sources:", f"sources:\n  {added}\n  #"))).findings
    (text,) = [one.message for one in found if one.severity == "error"]
    assert text == message
