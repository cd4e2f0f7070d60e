"""A session of three runs, converted: times against stated numbers, and what several runs share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pynwb import NWBHDF5IO

from bergmann.convert import Conversion, convert_session
from bergmann.findings import has_errors

from .conftest import BASE, PRAZ, SESSION, WASH, write_slice

MORE = (
    SESSION.replace("19125000.abf}", "19125000.abf, rois: rois0.hdf5, cells: cells.csv}")
    .replace("19125001.abf}", "19125001.abf, cells: more.csv, light: {absent: laser off}}")
    .replace("19125002.abf}", "19125002.abf, rois: {path: rois2.hdf5, description: after the wash}}")
    .replace(
        "drugs:",
        "  rois:  {format: caiman, of: movie, population: bg, compartment: process}\n"
        "  light: {format: channel, of: patch/IN 3, site: lc, power: 5 mW}\n"
        "  cells: {format: spikes, of: patch, unit: s}\n"
        "invalid:\n"
        "  drift: {from: 5 s after praz, to: 6 s after praz, of: [patch, puffs], why: bath moved}\n"
        "  noise: {from: 1 s after base, to: 2 s after base, of: [patch in base], why: noise}\n"
        "drugs:",
    )
)
"""Light in two of the runs, ROIs in two, one of them with a word of its own."""

OFFSETS = {"base": 0.0, "praz": 600.5, "wash": 1799.875}


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Conversion:
    folder = tmp_path_factory.mktemp("slice")
    path = write_slice(folder)
    (folder / "cells.csv").write_text("pc1,pc2\n0.5,1.25\n2.5,\n", encoding="utf-8")
    (folder / "more.csv").write_text("pc1\n3\n", encoding="utf-8")
    path.write_text(MORE, encoding="utf-8")
    done = convert_session(path, folder / "out")
    assert not has_errors(done.findings), [one.text for one in done.findings]
    return done


@pytest.fixture
def nwbfile(converted: Conversion) -> Iterator[Any]:
    with NWBHDF5IO(converted.target, "r") as io:
        yield io.read()


def test_the_runs_are_epochs_that_pynwb_alone_shows(nwbfile: Any) -> None:
    table = nwbfile.epochs.to_dataframe()
    assert table["tags"].tolist() == [["base"], ["praz"], ["wash"]]
    assert table["start_time"].tolist() == [0.0, 600.5, 1799.875]
    np.testing.assert_allclose(table["stop_time"], [7.999, 608.499, 1807.874], rtol=0, atol=1e-9)
    assert table["sources"].tolist()[1] == "praz_movie, praz_patch, praz_puffs, praz_cells"
    assert "gap in time" in nwbfile.epochs.description


def test_frames_and_samples_are_at_their_times_and_nothing_lies_between(nwbfile: Any) -> None:
    for run in (BASE, PRAZ, WASH):
        name = {0: "base", 1: "praz", 2: "wash"}[run.number]
        movie, patch = nwbfile.acquisition[f"{name}_movie"], nwbfile.acquisition[f"{name}_patch_IN 0"]
        expected = OFFSETS[name] + run.first_frame + 0.1 * np.arange(run.n_frames)
        np.testing.assert_allclose(movie.timestamps[:], expected, rtol=0, atol=1e-9)
        np.testing.assert_array_equal(movie.data[:], run.pixels().transpose(0, 2, 1))
        assert (patch.starting_time, patch.rate, len(patch.data)) == (OFFSETS[name], 1000.0, 8000)
    assert not {"movie", "patch_IN 0", "puffs"} & {*nwbfile.acquisition, *nwbfile.events}


def test_events_and_tags_are_one_table_a_run(nwbfile: Any) -> None:
    events = {name: table.to_dataframe() for name, table in nwbfile.events.items()}
    lines = {f"{run}_patch_IN 1_pulses" for run in ("base", "praz", "wash")}
    assert set(events) == {
        "drug_administrations", "base_puffs", "praz_puffs", "wash_puffs", "praz_patch_tags", "wash_patch_tags", *lines
    }  # fmt: skip
    np.testing.assert_allclose(
        events["wash_patch_IN 1_pulses"]["timestamp"], nwbfile.acquisition["wash_movie"].timestamps[:], rtol=0, atol=1e-3
    )
    assert "frame_of_wash_movie" in events["wash_patch_IN 1_pulses"]
    assert events["praz_puffs"]["timestamp"].tolist() == [603.5]
    assert events["wash_puffs"]["timestamp"].tolist() == [1800.875, 1804.875]
    tags = events["wash_patch_tags"]
    assert list(zip(tags["annotation"], tags["timestamp"], strict=True)) == [("-praz", 1803.125), ("+TTX", 1805.875)]


def test_drugs_are_given_in_the_runs_that_they_name(nwbfile: Any) -> None:
    drugs = nwbfile.events["drug_administrations"]
    rows = list(zip(drugs["compound"][:], drugs["timestamp"][:], drugs["duration"][:], strict=True))
    puffs = [second for name, second, _ in rows if name == "phenylephrine"]
    assert puffs == [2.0, 4.0, 603.5, 1800.875, 1804.875]
    assert [row[1:] for row in rows if row[0] == "prazosin"] == [(603.0, pytest.approx(1200.125))]


def test_light_of_several_runs_is_one_table_of_epochs_in_order_of_time(nwbfile: Any) -> None:
    epochs = nwbfile.intervals["optogenetic_epochs"].to_dataframe()
    assert epochs["start_time"].tolist() == [5.0, 1805.875]
    assert epochs["stop_time"].tolist() == pytest.approx([6.01, 1806.885], abs=1e-9)
    assert set(nwbfile.stimulus) == {"base_light", "wash_light"}
    assert nwbfile.intervals["wash_light_pulses"]["start_time"][:].tolist() == [1805.875, 1806.375, 1806.875]
    assert "praz_light (laser off)" in nwbfile.notes


def test_rois_are_one_table_a_run_on_the_clock_of_its_movie(nwbfile: Any) -> None:
    ophys = nwbfile.processing["ophys"]
    assert set(ophys["ImageSegmentation"].plane_segmentations) == {"base_rois", "wash_rois"}
    traces = ophys["Fluorescence"].roi_response_series
    np.testing.assert_allclose(traces["wash_rois_denoised"].timestamps[:], 1801.375 + 0.1 * np.arange(30), rtol=0, atol=1e-9)
    assert traces["base_rois_denoised"].rois.table.reference_images[0].name == "base_movie"
    np.testing.assert_array_equal(traces["wash_rois_denoised"].data[:, 0], np.arange(30) + 0.5)
    assert "after the wash" in ophys["ImageSegmentation"]["wash_rois"].description
    assert "after the wash" not in ophys["ImageSegmentation"]["base_rois"].description


def test_units_of_the_first_run_are_the_files_and_of_others_named_after_them(nwbfile: Any) -> None:
    assert [list(one) for one in nwbfile.units["spike_times"][:]] == [[0.5, 2.5], [1.25]]
    assert "base_cells" in nwbfile.units.description
    assert [list(one) for one in nwbfile.processing["ecephys"]["praz_cells"]["spike_times"][:]] == [[603.5]]


def test_what_is_invalid_names_what_was_recorded_then(nwbfile: Any) -> None:
    invalid = nwbfile.invalid_times
    found = {
        tags[0]: (start, stop, list(tags))
        for start, stop, tags in zip(invalid["start_time"][:], invalid["stop_time"][:], invalid["tags"][:], strict=True)
    }
    assert found["drift"] == (605.5, 606.5, ["drift", "bath moved", "of praz_patch", "of praz_puffs"])
    assert found["noise"] == (1.0, 2.0, ["noise", "noise", "of base_patch"])
    names = [{one.timeseries.name for one in row} for row in invalid["timeseries"][:]]
    assert {f"praz_patch_IN {number}" for number in range(4)} in names


def test_the_record_says_how_the_runs_were_placed_and_where_it_was_stated(nwbfile: Any) -> None:
    record = nwbfile.lab_meta_data["bergmann_conversion"]
    clocks = record.clocks.to_dataframe().set_index("source")
    assert clocks.loc["wash_patch", "offset_in_seconds"] == 1799.875
    assert "no common signal" in clocks.loc["wash_patch", "method"]
    assert clocks.loc["wash_movie", "reference"] == "wash_patch/IN 1"
    statements = {row.key: (row.value, row.origin) for row in record.statements.to_dataframe().itertuples()}
    assert statements["runs.wash.rois.description"] == ("after the wash", "session.yaml:8")
    assert statements["sources.movie.clock"] == ("patch/IN 1", "session.yaml:10")
    assert not [key for key in statements if key in {"runs.base.movie", "runs.praz.patch", "runs.wash.rois.path"}]  # paths
    files = record.source_files.to_dataframe()
    assert "praz_patch" in set(files["source"])


def test_the_file_is_valid_and_whole_for_pynwb_alone(converted: Conversion, read_clean: Callable[..., Any]) -> None:
    assert converted.target is not None
    failures, objects = read_clean(converted.target)
    assert failures == []
    assert list(objects.values()).count("TwoPhotonSeries") == 3


def test_a_session_that_is_refused_leaves_nothing(session: Callable[..., Path], tmp_path: Path) -> None:
    late = "{path: 19125001.abf, starts: 5 s after patch in base}"  # only seen when all has been read
    done = convert_session(session(("19125001.abf", late)), tmp_path / "out")
    assert done.result == "refused"
    assert any("the runs base and praz overlap in time" in one.message for one in done.findings)
    assert not list(tmp_path.rglob("*.nwb"))
