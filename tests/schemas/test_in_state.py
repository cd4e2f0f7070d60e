"""Signals and events by the state of receptors: what is in an interval, to the last sample, and no more is read than that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynwb import NWBHDF5IO, NWBFile, TimeSeries
from pynwb.event import EventsTable
from pynwb.ophys import Fluorescence, ImageSegmentation, OpticalChannel, PlaneSegmentation, RoiResponseSeries

from ndx_glial_receptors import (
    CellAnnotationsTable,
    CellPopulationsTable,
    DrugAdministrationsTable,
    GlialEventsTable,
    GlialReceptorMetadata,
    ReceptorsTable,
    ReceptorStateIntervals,
)
from ndx_glial_receptors.in_state import events_in_state, signals_in_state

States = Sequence[tuple[str, float, float, list[int]]]


def empty() -> NWBFile:
    return NWBFile(session_description="d", identifier="i", session_start_time=datetime(2024, 5, 17, tzinfo=UTC))


def with_states(nwbfile: NWBFile, states: States) -> NWBFile:
    """Two populations, ``bg`` and ``pc``, with one receptor each, and state intervals."""
    populations = CellPopulationsTable(description="cells")
    receptors = ReceptorsTable(description="receptors", target_tables={"population": populations})
    for number, label in enumerate(("bg", "pc")):
        populations.add_row(label=label, cell_type=label, location="CUL4, 5")
        name, gene = (("α1A-adrenoceptor", "Adra1a"), ("hM4Di", "CHRM4"))[number]
        receptors.add_row(
            label=f"r_{label}", receptor_name=name, gene_symbol=gene, role="native", genetic_status="unknown", population=number
        )
    nwbfile.add_lab_meta_data(GlialReceptorMetadata(cell_populations=populations, receptors=receptors))
    table = ReceptorStateIntervals(name="receptor_states", description="states", target_tables={"receptors": receptors})
    for state, start, stop, cited in states:
        table.add_row(start_time=start, stop_time=stop, state=state, basis="stated", receptors=cited)
    nwbfile.add_time_intervals(table)
    return nwbfile


def with_rois(nwbfile: NWBFile, data: Any, of: Sequence[int] | None, *, rois: Sequence[int] | None = None, **times: Any) -> NWBFile:
    """A series of ROIs, annotated as of those populations."""
    plane = nwbfile.create_imaging_plane(
        name="plane",
        optical_channel=OpticalChannel(name="c", description="d", emission_lambda=525.0),
        description="d",
        device=nwbfile.create_device(name="scope"),
        excitation_lambda=920.0,
        indicator="GCaMP6f",
        location="CUL4, 5",
    )
    segmentation = ImageSegmentation()
    table = PlaneSegmentation(name="rois", description="d", imaging_plane=plane)
    shown = list(range(np.shape(data)[1] if np.ndim(data) > 1 else 1)) if rois is None else list(rois)
    for index in range(max([*shown, len(of or ()) - 1]) + 1):
        table.add_roi(pixel_mask=[(index, 0, 1.0)])
    segmentation.add_plane_segmentation(table)
    region = table.create_roi_table_region(region=shown, description="d")
    series = RoiResponseSeries(name="dff", data=data, rois=region, unit="n.a.", **times)
    module = nwbfile.create_processing_module(name="ophys", description="d")
    module.add(segmentation)
    fluorescence = Fluorescence()
    module.add(fluorescence)
    fluorescence.add_roi_response_series(series)
    metadata = nwbfile.lab_meta_data["glial_receptor_metadata"]
    if of is not None:
        targets = {"source": table, "population": metadata.cell_populations}
        annotations = CellAnnotationsTable(name="cell_annotations_rois", description="d", target_tables=targets)
        for index, population in enumerate(of):
            annotations.add_row(source=index, population=population, compartment="process")
        metadata.add_cell_annotations_tables(annotations)
    return nwbfile


def column(number: int, n: int) -> np.ndarray:
    return np.arange(n) + 100.0 * number


def traces(n: int, n_rois: int) -> np.ndarray:
    return np.stack([column(number, n) for number in range(n_rois)], axis=1)


# --- which samples ------------------------------------------------------------------------------------------------------


def test_an_interval_holds_its_start_and_not_its_end() -> None:
    nwbfile = with_states(empty(), [("baseline", 1.0, 2.0, [0]), ("blocked", 2.0, 3.5, [0])])
    with_rois(nwbfile, traces(10, 1), None, rate=2.0, starting_time=0.0)
    (before,), (during,) = signals_in_state(nwbfile, state="baseline"), signals_in_state(nwbfile, state="blocked")
    assert before.times.tolist() == [1.0, 1.5]
    assert during.times.tolist() == [2.0, 2.5, 3.0]
    assert before.samples.tolist() == [[2.0], [3.0]]
    assert (during.name, during.start, during.stop, during.first, during.last) == ("dff", 2.0, 3.5, 4, 7)


@given(
    n=st.integers(0, 60),
    rate=st.floats(1e-3, 1e5, allow_nan=False),
    start=st.floats(-1e4, 1e4, allow_nan=False),
    edges=st.lists(st.one_of(st.integers(-2, 62), st.floats(-5.0, 65.0, allow_nan=False)), min_size=2, max_size=2),
)
def test_samples_of_a_rate_are_those_whose_time_is_in_the_interval(n: int, rate: float, start: float, edges: list[float]) -> None:
    """Whole edges lie on a sample's very time."""
    begin, end = sorted(edge / rate + start for edge in edges)
    series = TimeSeries(name="s", data=np.arange(n), unit="V", rate=rate, starting_time=start)
    nwbfile = with_states(empty(), [("blocked", begin, end, [0])])
    (piece,) = signals_in_state(nwbfile, state="blocked", series=series)
    times = series.get_timestamps()
    inside = (times >= begin) & (times < end)
    np.testing.assert_array_equal(piece.samples, np.arange(n)[inside])
    np.testing.assert_array_equal(piece.times, times[inside])


@given(
    times=st.lists(st.floats(-1e6, 1e6, allow_nan=False), max_size=50).map(sorted),
    edges=st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=2, max_size=2).map(sorted),
    on=st.integers(0, 49),
)
def test_samples_with_timestamps_are_those_whose_time_is_in_the_interval(times: list[float], edges: list[float], on: int) -> None:
    begin, end = sorted([times[on], edges[1]]) if on < len(times) else edges
    series = TimeSeries(name="s", data=np.arange(len(times)), unit="V", timestamps=times)
    nwbfile = with_states(empty(), [("blocked", begin, end, [0])])
    (piece,) = signals_in_state(nwbfile, state="blocked", series=series)
    assert piece.samples.tolist() == [index for index, time in enumerate(times) if begin <= time < end]


@given(cuts=st.lists(st.integers(0, 400), min_size=1, max_size=6, unique=True).map(sorted))
def test_no_sample_is_lost_or_doubled_where_states_follow_each_other(cuts: list[int]) -> None:
    edges = [-1.0, *(cut / 10 for cut in cuts), 1e3]
    nwbfile = with_states(empty(), [("other", begin, end, [0]) for begin, end in pairwise(edges)])
    series = TimeSeries(name="s", data=np.arange(400), unit="V", rate=10.0)
    pieces = signals_in_state(nwbfile, state="other", series=series)
    assert [len(piece.times) for piece in pieces] == np.diff([0, *cuts, 400]).tolist()
    assert np.concatenate([piece.samples for piece in pieces]).tolist() == list(range(400))


@given(spans=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), min_size=1, max_size=8))
def test_no_sample_counts_twice_where_intervals_overlap(spans: list[tuple[int, int]]) -> None:
    nwbfile = with_states(empty(), [("blocked", float(start), float(start + length), [0]) for start, length in spans])
    series = TimeSeries(name="s", data=np.arange(80), unit="V", rate=1.0)
    pieces = signals_in_state(nwbfile, state="blocked", series=series)
    inside = sorted({second for start, length in spans for second in range(start, start + length)})
    assert [sample for piece in pieces for sample in piece.samples.tolist()] == inside
    assert sorted(row for piece in pieces for _, row in piece.interval.rows) == list(range(len(spans)))


def test_pieces_stay_apart_and_a_pause_within_one_shows_in_its_times() -> None:
    nwbfile = with_states(empty(), [("activated", 0.0, 3.0, [0]), ("baseline", 3.0, 5.0, [0]), ("activated", 5.0, 30.0, [0])])
    series = TimeSeries(name="s", data=np.arange(6), unit="V", timestamps=[0.0, 1.0, 4.0, 6.0, 7.0, 20.0])
    first, second = signals_in_state(nwbfile, state="activated", series=series)
    assert (first.times.tolist(), second.times.tolist()) == ([0.0, 1.0], [6.0, 7.0, 20.0])


def test_an_interval_without_samples_gives_an_empty_piece() -> None:
    nwbfile = with_rois(with_states(empty(), [("blocked", 100.0, 200.0, [0])]), traces(10, 2), None, rate=1.0)
    (piece,) = signals_in_state(nwbfile, state="blocked")
    assert piece.samples.shape == (0, 2)
    assert piece.times.shape == (0,)


# --- whose signal ---------------------------------------------------------------------------------------------------------


def test_rois_are_those_of_the_population_in_the_order_of_the_series() -> None:
    """The series shows ROIs 4, 0 and 3 of five, of which 0, 2 and 4 are of Bergmann glia."""
    nwbfile = with_states(empty(), [("blocked", 2.0, 4.0, [0])])
    with_rois(nwbfile, traces(10, 3), [0, 1, 0, 1, 0], rois=[4, 0, 3], rate=1.0)
    (bg,) = signals_in_state(nwbfile, state="blocked", population="bg")
    (pc,) = signals_in_state(nwbfile, state="blocked", population="pc")
    assert (bg.rois, bg.samples.tolist()) == ((4, 0), [[2.0, 102.0], [3.0, 103.0]])
    assert (pc.rois, pc.samples.tolist()) == ((3,), [[202.0], [203.0]])


def test_a_population_without_rois_in_an_annotated_series_gives_no_column() -> None:
    nwbfile = with_rois(with_states(empty(), [("blocked", 2.0, 4.0, [0])]), traces(10, 2), [0, 0], rate=1.0)
    (piece,) = signals_in_state(nwbfile, state="blocked", population="pc")
    assert piece.samples.shape == (2, 0)


def test_a_series_of_one_roi_without_a_second_axis_is_a_column() -> None:
    nwbfile = with_rois(with_states(empty(), [("blocked", 2.0, 4.0, [0])]), column(0, 10), [1], rate=1.0)
    (piece,) = signals_in_state(nwbfile, state="blocked", population="pc")
    assert piece.samples.tolist() == [[2.0], [3.0]]


def test_only_intervals_that_cite_the_receptor_count() -> None:
    states = [("blocked", 0.0, 2.0, [0]), ("blocked", 4.0, 6.0, [1]), ("blocked", 8.0, 9.0, [0, 1])]
    nwbfile = with_rois(with_states(empty(), states), traces(10, 1), None, rate=1.0)

    def starts(receptor: str | None) -> list[float]:
        return [piece.start for piece in signals_in_state(nwbfile, state="blocked", receptor=receptor)]

    assert starts("Adra1a") == starts("r_bg") == starts("α1A-adrenoceptor") == starts("ADRA1A") == [0.0, 8.0]
    assert starts("hM4Di") == [4.0, 8.0]
    assert starts(None) == [0.0, 4.0, 8.0]
    assert signals_in_state(nwbfile, state="washout") == ()


def test_samples_are_in_the_unit_of_the_series() -> None:
    nwbfile = with_states(empty(), [("blocked", 1.0, 3.0, [0])])
    stored = TimeSeries(name="s", data=np.arange(5, dtype=np.int16), unit="V", rate=1.0)
    scaled = TimeSeries(name="t", data=np.arange(5, dtype=np.int16), unit="V", rate=1.0, conversion=0.5, offset=10.0)
    assert signals_in_state(nwbfile, state="blocked", series=stored)[0].samples.dtype == np.int16
    assert signals_in_state(nwbfile, state="blocked", series=scaled)[0].samples.tolist() == [10.5, 11.0]


# --- events -----------------------------------------------------------------------------------------------------------------


def with_events(nwbfile: NWBFile) -> NWBFile:
    populations = nwbfile.lab_meta_data["glial_receptor_metadata"].cell_populations
    flares = GlialEventsTable(name="flares", description="d", target_tables={"population": populations})
    for time, population in ((5.0, 0), (1.0, 0), (2.0, 1), (3.0, 0), (float("nan"), 0)):
        flares.add_row(timestamp=time, event_type="flare", population=population)
    licks = EventsTable(name="licks", description="d")
    licks.add_row(timestamp=2.5)
    drugs = DrugAdministrationsTable(name="drugs", description="d")
    drugs.add_row(timestamp=2.0, compound="ATP", action="agonist", route="puff", timestamp_basis="recorded")
    for table in (flares, licks, drugs):
        nwbfile.add_events_table(table)
    return nwbfile


def test_events_are_in_the_interval_of_their_onset() -> None:
    nwbfile = with_events(with_states(empty(), [("blocked", 1.0, 3.0, [0]), ("baseline", 3.0, 4.0, [0])]))
    blocked = {piece.name: piece for piece in events_in_state(nwbfile, state="blocked", receptor="Adra1a")}
    assert {name: piece.rows for name, piece in blocked.items()} == {"flares": (1, 2), "licks": (0,)}
    assert blocked["flares"].times.tolist() == [1.0, 2.0]
    assert blocked["flares"].frame["timestamp"].tolist() == [1.0, 2.0]
    (baseline,) = events_in_state(nwbfile, state="baseline", events="flares")
    assert baseline.rows == (3,)
    (drugs,) = events_in_state(nwbfile, state="blocked", events="drugs")
    assert drugs.rows == (0,)


def test_events_are_those_of_the_population() -> None:
    nwbfile = with_events(with_states(empty(), [("blocked", 0.0, 9.0, [0])]))
    (piece,) = events_in_state(nwbfile, state="blocked", population="bg")
    assert (piece.name, piece.rows) == ("flares", (0, 1, 3))
    with pytest.raises(ValueError, match="licks says of no event which population it is of; leave `population` out"):
        events_in_state(nwbfile, state="blocked", population="bg", events="licks")


def test_events_are_of_the_population_of_their_rois() -> None:
    nwbfile = with_rois(with_states(empty(), [("blocked", 0.0, 9.0, [0])]), traces(3, 3), [0, 1, 0], rate=1.0)
    rois = nwbfile.processing["ophys"]["ImageSegmentation"]["rois"]
    flares = GlialEventsTable(name="flares", description="d", target_tables={"rois": rois})
    for time, shown in ((1.0, [0, 1]), (2.0, [1]), (3.0, []), (4.0, [2])):
        flares.add_row(timestamp=time, event_type="flare", rois=shown)
    nwbfile.add_events_table(flares)
    assert [piece.rows for piece in events_in_state(nwbfile, state="blocked", population="bg")] == [(0, 3)]
    assert [piece.rows for piece in events_in_state(nwbfile, state="blocked", population="pc")] == [(0, 1)]


@given(
    times=st.lists(st.one_of(st.floats(-100, 100), st.just(float("nan"))), max_size=30),
    edges=st.lists(st.floats(-100, 100), min_size=2, max_size=2).map(sorted),
)
def test_events_need_no_order(times: list[float], edges: list[float]) -> None:
    nwbfile = with_states(empty(), [("blocked", edges[0], edges[1], [0])])
    table = EventsTable(name="e", description="d")
    for time in times:
        table.add_row(timestamp=time)
    (piece,) = events_in_state(nwbfile, state="blocked", events=table)
    assert list(piece.rows) == [row for row, time in enumerate(times) if edges[0] <= time < edges[1]]


# --- what cannot be answered --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"state": "asleep"}, "there is no state 'asleep'; there are: baseline, activated, blocked, washout, other"),
        ({"receptor": "Adra1b"}, "no receptor of the file is 'Adra1b'; its labels are: r_bg, r_pc"),
        ({"receptor": ""}, "no receptor of the file is ''"),
        ({"population": "mli"}, "there is no population 'mli'; there are: bg, pc"),
        ({"series": "raw"}, "there is no series of ROIs 'raw'; there are: dff"),
        ({"population": "bg"}, "no ROI is annotated as of the population 'bg', so whose signal it is is not known: dff"),
    ],
)
def test_what_is_not_there_is_refused_with_what_there_is(asked: dict[str, str], said: str) -> None:
    nwbfile = with_rois(with_states(empty(), [("blocked", 0.0, 1.0, [0])]), traces(3, 1), None, rate=1.0)
    with pytest.raises(ValueError) as error:  # noqa: PT011 (the message is compared whole)
        signals_in_state(nwbfile, **{"state": "blocked", **asked})
    assert str(error.value).startswith(said)


@pytest.mark.parametrize(
    ("start", "stop", "said"),
    [
        (1.0, float("nan"), "row 0 of receptor_states has no end, so what is in it is not known"),
        (float("nan"), 1.0, "row 0 of receptor_states has no start"),
        (3.0, 1.0, "row 0 of receptor_states ends (1 s) before it begins (3 s)"),
    ],
)
def test_an_interval_that_is_not_known_is_refused(start: float, stop: float, said: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 (the message is compared)
        signals_in_state(with_states(empty(), [("blocked", start, stop, [0])]), state="blocked")
    assert str(error.value).startswith(said)


def test_times_that_do_not_fit_the_samples_are_refused(tmp_path: Path) -> None:
    nwbfile = with_states(empty(), [("blocked", 0.0, 1.0, [0])])
    nwbfile.add_acquisition(TimeSeries(name="s", data=np.arange(3), unit="V", timestamps=[0.0, 1.0, 2.0]))
    with NWBHDF5IO(tmp_path / "s.nwb", "w") as io:
        io.write(nwbfile)
    with h5py.File(tmp_path / "s.nwb", "r+") as file:
        del file["acquisition/s/data"]
        file["acquisition/s"].create_dataset("data", data=np.arange(2)).attrs["unit"] = "V"
    with NWBHDF5IO(tmp_path / "s.nwb", "r") as io:
        with pytest.warns(UserWarning, match="Length of data does not match"):
            opened = io.read()
        with pytest.raises(ValueError, match="s has 3 timestamps for 2 samples"):
            signals_in_state(opened, state="blocked", series=opened.acquisition["s"])


# --- from a file --------------------------------------------------------------------------------------------------------------


def test_of_a_file_only_the_samples_of_the_interval_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    n = 50_000
    nwbfile = with_states(empty(), [("blocked", 100.0, 110.0, [0])])
    with_rois(nwbfile, traces(n, 3), [0, 1, 0], timestamps=np.arange(n) / 10)
    with NWBHDF5IO(tmp_path / "s.nwb", "w") as io:
        io.write(with_events(nwbfile))
    read: list[int] = []
    get = h5py.Dataset.__getitem__

    def counted(self: h5py.Dataset, *arguments: Any, **keys: Any) -> Any:
        found = get(self, *arguments, **keys)
        read.append(np.size(found))
        return found

    with NWBHDF5IO(tmp_path / "s.nwb", "r") as io:
        opened = io.read()
        monkeypatch.setattr(h5py.Dataset, "__getitem__", counted)
        (piece,) = signals_in_state(opened, state="blocked", receptor="Adra1a", population="bg")
        assert max(read) <= 16
        samples, times = piece.samples, piece.times
        assert max(read) == samples.size == 200
        (flares,) = events_in_state(opened, state="blocked", events="flares")
    np.testing.assert_array_equal(samples, traces(n, 3)[1000:1100][:, [0, 2]])
    np.testing.assert_array_equal(times, np.arange(1000, 1100) / 10)
    assert flares.rows == ()
