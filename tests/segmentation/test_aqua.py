"""Events of AQuA and AQuA2, on files in the layout of the programs' source."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bergmann.errors import MissingExtraError, SourceError
from bergmann.matlab import fields_of
from bergmann.records import GlialEvents, Movie, MovieChannel
from bergmann.registry import expand
from bergmann.rig.aqua import Event, Run, structure, write_features, write_result
from bergmann.segmentation import aqua, aqua2
from bergmann.stated import Ref
from bergmann.timing.times import ExplicitTimes

HEIGHT, WIDTH, N_FRAMES = 12, 20, 30
TIMES = np.cumsum(np.r_[10.0, np.full(19, 0.5), np.full(10, 0.4)])  # the microscope slowed down: no rate would do

FLARE = Event(pixels=((3, 5), (3, 6), (4, 5), (3, 7)), first=4, last=6, peak=5, dff=1.5, seconds=1.0, grown=(1.0, 0.5, 0.25, 0.0))
WAVE = Event(pixels=((7, 14),), first=19, last=30, peak=28, dff=0.75, seconds=2.5, grown=(0.0, 0.0, 0.0, 8.0))
RUN = Run(events=(FLARE, WAVE), shape=(HEIGHT, WIDTH), n_frames=N_FRAMES, gap=2)


def movie(n_frames: int = N_FRAMES, *, shape: tuple[int, int] = (HEIGHT, WIDTH), pixel_um: float | None = 0.5) -> Movie:
    frames = np.zeros((n_frames, *shape), dtype=np.uint16)
    return Movie(
        files=(Path("movie.tif"),),
        channels=(MovieChannel(number=1, name="Ch1", frames=frames),),
        times=ExplicitTimes(TIMES[:n_frames]),
        pixel_size=None if pixel_um is None else (pixel_um * 1e-6,) * 2,
    )


def result(folder: Path, run: Run = RUN, **options: Any) -> Path:
    path = folder / f"cell_{run.program}.mat"
    write_result(path, run, **options)
    return path


def read(path: Path, of: Movie | None = None, **keys: Any) -> GlialEvents:
    is_second = keys.pop("is_second", "AQuA2" in path.name)
    model, reader = (aqua2.Aqua2Source, aqua2.read) if is_second else (aqua.AquaSource1, aqua.read)
    if of is not None:
        keys["of"] = "movie"
    return reader(model.model_validate({"path": path, **keys}), {"of": of} if of is not None else {})  # type: ignore[arg-type]


both = pytest.mark.parametrize("run", [RUN, replace(RUN, program="AQuA")], ids=["AQuA2", "AQuA"])
each_version = pytest.mark.parametrize("version", ["7.3", "5"])


@both
@each_version
def test_frames_are_times_of_the_movie(run: Run, version: Any, tmp_path: Path) -> None:
    """Frame 4 is the fourth; an event lasts until the frame after its last begins, also after the last of the movie."""
    events = read(result(tmp_path, run, version=version), movie())
    np.testing.assert_allclose(events.onsets, [TIMES[3], TIMES[18]])
    np.testing.assert_allclose(events.durations, [TIMES[6] - TIMES[3], TIMES[29] + 0.5 - TIMES[18]])  # the usual interval is 0.5 s
    np.testing.assert_allclose(events.peaks, [TIMES[4], TIMES[27]])


@both
@each_version
def test_features_keep_their_numbers(run: Run, version: Any, tmp_path: Path) -> None:
    events = read(result(tmp_path, run, version=version), movie())
    assert events.amplitudes is not None
    assert (events.amplitudes.tolist(), events.amplitude_unit) == ([1.5, 0.75], "dF/F")
    assert (events.areas_um2.tolist(), events.distances_um.tolist()) == ([1.0, 0.25], [1.75, 8.0])  # type: ignore[union-attr]
    columns = {one.name: one.values.tolist() for one in events.features}
    assert columns["event_number"] == [1, 2]
    assert columns["width_50_to_50_in_s"] == [1.0, 2.5]
    assert columns["onset_distance_anterior_in_um"] == [1.0, 0.0]
    assert columns["onset_distance_right_in_um"] == [0.0, 8.0]


@both
def test_what_an_export_lacks_is_absent_and_never_zero(run: Run, tmp_path: Path) -> None:
    bare = replace(run, events=tuple(replace(one, grown=None) for one in run.events))
    events = read(result(tmp_path, bare), movie())
    assert events.distances_um is None
    assert not {"perimeter_in_um", "max_df", "decay_tau_in_s"} & {one.name for one in events.features}
    assert events.notes["without a value in any event"] == "curve.decayTau"


def test_a_number_that_is_not_known_stays_so(tmp_path: Path) -> None:
    res = structure(RUN)
    res["fts1"]["curve"]["rise19"] = np.array([[0.5, np.nan]])
    path = result(tmp_path, replace(RUN, more={"fts1": res["fts1"]}))
    (rise,) = (one.values for one in read(path, movie()).features if one.name == "rise_10_to_90_in_s")
    np.testing.assert_array_equal(rise, [0.5, np.nan])


@both
@each_version
def test_pixels_lie_where_they_were_in_the_whole_frame(run: Run, version: Any, tmp_path: Path) -> None:
    """An L of four pixels: a transposed or shifted reading gives another figure."""
    events = read(result(tmp_path, run, version=version), movie())
    assert events.footprints is not None
    masks = list(events.footprints)
    assert [(int(y), int(x)) for x, y, _ in masks[0]] == list(FLARE.pixels)
    assert [(int(y), int(x), float(w)) for x, y, w in masks[1]] == [(7, 14, 1.0)]


@each_version
def test_an_event_that_was_emptied_is_no_event(version: Any, tmp_path: Path) -> None:
    run = replace(RUN, events=(FLARE, Event(), WAVE, Event()))
    res = structure(run)
    curve = {key: values[:, :3] if values.shape[0] == 1 else values for key, values in res["fts1"]["curve"].items()}
    path = result(tmp_path, replace(run, more={"fts1": {**res["fts1"], "curve": curve}}), version=version)
    events = read(path, movie())
    np.testing.assert_allclose(events.onsets, [TIMES[3], TIMES[18]])
    assert events.features[0].values.tolist() == [1, 3]
    assert events.notes["events left out"] == "2 that have neither pixels nor frames"
    assert [len(mask) for mask in events.footprints or ()] == [4, 1]


def test_events_that_were_kept_and_marked_are_said(tmp_path: Path) -> None:
    events = read(
        result(tmp_path, replace(RUN, more={"evtSelectedList1": np.array([[2.0]]), "evtFavList1": np.zeros((0, 0))})), movie()
    )
    assert {one.name: one.values.tolist() for one in events.features}["is_selected"] == [False, True]
    assert "is_favourite" not in {one.name for one in events.features}
    with pytest.raises(SourceError, match="lists an event that is not there"):
        read(result(tmp_path, replace(RUN, more={"evtSelectedList1": np.array([[7.0]])})), movie())


def test_channels_are_asked_for(tmp_path: Path) -> None:
    res = structure(replace(RUN, events=(WAVE,)))
    path = result(tmp_path, replace(RUN, more={"evt2": res["evt1"], "fts2": res["fts1"]}))
    with pytest.raises(SourceError, match="events in two channels; state `channel: 1` or `channel: 2`"):
        read(path, movie())
    assert read(path, movie(), channel="2").amplitudes.tolist() == [0.75]  # type: ignore[union-attr]
    with pytest.raises(SourceError, match="no events in channel 2"):
        read(result(tmp_path), movie(), channel="2")


def test_global_events_are_a_source_of_their_own(tmp_path: Path) -> None:
    res = structure(replace(RUN, events=(WAVE,)))
    path = result(tmp_path, replace(RUN, more={"gloEvt1": res["evt1"], "ftsGlo1": res["fts1"]}))
    assert len(read(path, movie()).onsets) == 2
    assert read(path, movie(), kind="global").amplitudes.tolist() == [0.75]  # type: ignore[union-attr]
    with pytest.raises(SourceError, match=r"no features .*ftsGlo1"):
        read(result(tmp_path), movie(), kind="global")


def test_without_a_movie_the_rate_is_what_the_program_was_told(tmp_path: Path) -> None:
    events = read(result(tmp_path))
    np.testing.assert_allclose(events.onsets, [1.5, 9.0])
    np.testing.assert_allclose(events.aligned(100.0).onsets, [101.5, 109.0])
    np.testing.assert_allclose(events.aligned(100.0).peaks, [102.0, 113.5])
    assert events.span == (1.5, 15.0)


def test_a_run_on_a_part_of_the_movie_is_stated(tmp_path: Path) -> None:
    path = result(tmp_path, replace(RUN, n_frames=20, events=(FLARE,)))
    with pytest.raises(SourceError, match=r"AQuA2 has 20 frames, and the movie movie.tif has 30; .*`begins_at_frame`"):
        read(path, movie())
    np.testing.assert_allclose(read(path, movie(), begins_at_frame="11").onsets, [TIMES[13]])
    with pytest.raises(SourceError, match=r"has 20 frames from frame 12, and the movie movie.tif has 30"):
        read(path, movie(), begins_at_frame="12")


# --- what the program was told, against the movie ---------------------------------------------------------------------


def test_what_was_told_otherwise_than_the_movie_says_is_a_conflict(tmp_path: Path) -> None:
    path = result(tmp_path, replace(RUN, interval=1.0, pixel_um=0.4))
    (interval, remedy), (pixel, _) = read(path, movie()).conflicts
    assert "told 1 s from frame to frame, and the movie's frames are 0.5 s apart" in interval
    assert "told pixels of 0.4 um, and the movie's are 0.5 x 0.5 um" in pixel
    assert "scale: movie" in remedy
    assert read(path, movie(pixel_um=None)).conflicts == ((interval, remedy),)
    assert read(result(tmp_path), movie()).conflicts == ()


def test_numbers_are_multiplied_to_the_movie_if_that_is_stated(tmp_path: Path) -> None:
    events = read(result(tmp_path, replace(RUN, interval=1.0, pixel_um=0.25)), movie(), scale="movie")
    assert events.areas_um2.tolist() == [1.0, 0.25]  # type: ignore[union-attr]
    assert events.distances_um.tolist() == [3.5, 16.0]  # type: ignore[union-attr]
    assert {one.name: one.values.tolist() for one in events.features}["width_50_to_50_in_s"] == [0.5, 1.25]
    assert (events.conflicts, events.pixel_size_um) == ((), 0.5)
    assert [len(mask) for mask in events.footprints or ()] == [4, 1]
    with pytest.raises(SourceError, match="does not say the size of its pixels"):
        read(result(tmp_path), movie(pixel_um=None), scale="movie")


def test_what_is_stated_may_not_contradict_the_result(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"says 0.5 .*frameRate.*, and `frame_interval` is stated as 0.4"):
        read(result(tmp_path), movie(), frame_interval="400 ms")
    path = result(tmp_path, replace(RUN, settings={"spatialRes": np.array([[np.nan]])}))
    with pytest.raises(SourceError, match=r"does not say its pixel size .*state `pixel_size`"):
        read(path, movie())
    assert read(path, movie(), pixel_size="500 nm").pixel_size_um == 0.5


# --- where pixels cannot be placed ------------------------------------------------------------------------------------


def test_pixels_of_another_frame_are_refused(tmp_path: Path) -> None:
    registered = replace(RUN, settings={"registrateCorrect": np.array([[2.0]])})
    wider = movie(shape=(HEIGHT + 3, WIDTH))
    with pytest.raises(SourceError, match=r"registered the movie and cut off more on some side.*`footprints: none`"):
        read(result(tmp_path, registered), wider)
    with pytest.raises(SourceError, match=r"images of 8 x 16 with 2 pixels cut off .* 15 x 20: is `of` the movie"):
        read(result(tmp_path), wider)
    events = read(result(tmp_path, registered), wider, footprints="none")
    assert events.footprints is None
    assert "registration" in events.notes
    assert read(result(tmp_path, registered), movie()).footprints is not None
    with pytest.raises(SourceError, match="name it as `of`"):
        read(result(tmp_path, registered))


def test_pixels_warped_to_another_session_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="warped to those of another session"):
        read(result(tmp_path, replace(RUN, more={"dffAlignedMat1": np.zeros((2, 111))})), movie())


@pytest.mark.parametrize(
    ("pixels", "message"),
    [([[0.0]], "not in its images"), ([[129.0]], "not in its images"), ([[1.0], [2.0]], "2 pixels of 0.5 um and an area of 1 um2")],
)
def test_pixels_that_do_not_fit_are_refused(pixels: Any, message: str, tmp_path: Path) -> None:
    res = structure(RUN)
    res["fts1"]["loc"]["xSpa"][0] = np.array(pixels)
    events = read(result(tmp_path, replace(RUN, more={"fts1": res["fts1"]})), movie())
    with pytest.raises(SourceError, match=message):
        list(events.footprints or ())


# --- tables -----------------------------------------------------------------------------------------------------------

TOLD = {"frame_interval": "0.5 s", "pixel_size": "0.5 um"}


@both
@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_table_says_what_its_result_says(run: Run, suffix: str, tmp_path: Path) -> None:
    """Two paths to the same numbers, an event that was emptied included."""
    run = replace(run, events=(FLARE, Event(), WAVE))
    table = tmp_path / f"cell_{run.program}_Ch1{suffix}"
    write_features(table, run)
    one, other = read(result(tmp_path, run), movie()), read(table, movie(), **TOLD)
    for key in ("onsets", "durations", "amplitudes", "areas_um2", "distances_um"):
        np.testing.assert_allclose(getattr(one, key), getattr(other, key), err_msg=key)
    there = {feature.name: feature.values for feature in one.features}
    for feature in other.features:
        if feature.name in there:
            np.testing.assert_allclose(feature.values, there[feature.name], err_msg=feature.name)
    assert {"event_number", "width_50_to_50_in_s"} <= {feature.name for feature in other.features} & set(there)
    assert other.footprints is None
    assert other.peaks is None
    assert other.notes["without a value in any event"] == "Curve - Decay tau"


def test_what_a_table_does_not_say_is_asked_for(tmp_path: Path) -> None:
    table = tmp_path / "cell_AQuA2_Ch1.csv"
    write_features(table, RUN)
    with pytest.raises(SourceError, match="state `of`, `frame_interval`, `pixel_size`"):
        read(table)
    with pytest.raises(SourceError, match="state `pixel_size`"):
        read(table, movie(), frame_interval="0.5 s")
    with pytest.raises(SourceError, match=r"event 1 lasts 1.5 s, which is no whole number of frames of 0.4 s"):
        read(table, movie(), frame_interval="0.4 s", pixel_size="0.5 um")
    with pytest.raises(SourceError, match=r"events until frame 30, and the movie movie.tif has 20"):
        read(table, movie(20), **TOLD)


def test_a_table_of_the_other_program_is_refused(tmp_path: Path) -> None:
    """Circularity is the other way round in them."""
    table = tmp_path / "cell_AQuA_Ch1.csv"
    write_features(table, RUN)
    with pytest.raises(SourceError, match=r"no row 'Basic - Perimeter', .*other version"):
        read(table, movie(), is_second=False, **TOLD)


def test_rows_that_are_no_documented_features_are_listed(tmp_path: Path) -> None:
    table = tmp_path / "cell_AQuA2_Ch1.csv"
    write_features(table, RUN)
    text = table.read_text(encoding="utf-8") + "Mine,1,2\nLandmark - event minimum distance - landmark 1,3.5,NaN\n"
    table.write_text(text, encoding="utf-8")
    events = read(table, movie(), **TOLD)
    assert events.notes["not converted"] == "Mine"
    np.testing.assert_array_equal(events.features[-1].values, [3.5, np.nan])
    assert events.features[-1].name == "landmark_1_smallest_distance_in_um"


def test_a_table_with_a_cell_too_much_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "cell_AQuA2_Ch1.csv"
    write_features(table, RUN)
    table.write_text(table.read_text(encoding="utf-8").replace("Curve - Max Dff,", "Curve - Max Dff,9,"), encoding="utf-8")
    with pytest.raises(SourceError, match="row 'Curve - Max Dff', line 6: 3 cells for 2 events"):
        read(table, movie(), **TOLD)


# --- what is no result ------------------------------------------------------------------------------------------------


def test_volumes_are_refused(tmp_path: Path) -> None:
    path = result(tmp_path, replace(RUN, settings={"sz": np.array([[8.0, 16.0, 3.0, 30.0]])}))
    with pytest.raises(SourceError, match="volumes of 3 planes"):
        read(path, movie())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"opts": {}}, r"does not say how many pixels|shape \(\)"),
        ({"fts1": np.zeros((0, 0))}, "no features .res.fts1."),
        ({"opts": np.zeros((0, 0))}, "no settings"),
    ],
)
def test_a_result_without_its_parts_is_refused(more: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=message):
        read(result(tmp_path, replace(RUN, more=more)), movie())


def test_durations_of_another_frame_rate_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"an event of 3 frames lasts 1.5 s, and there are 0.4 s from frame to frame"):
        read(result(tmp_path, replace(RUN, settings={"frameRate": np.array([[0.4]])})), movie())


def test_features_of_other_events_are_refused(tmp_path: Path) -> None:
    res = structure(RUN)
    res["fts1"]["curve"]["dffMax"] = np.array([[1.0, 2.0, 3.0]])
    with pytest.raises(SourceError, match=r"3 values of fts.curve.dffMax for 2 events"):
        read(result(tmp_path, replace(RUN, more={"fts1": res["fts1"]})), movie())


def test_frames_outside_the_run_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="event 1 begins at frame 0 of 30"):
        read(result(tmp_path, replace(RUN, events=(replace(FLARE, first=0),))), movie())
    with pytest.raises(SourceError, match="event 1 ends at frame 31 of 30"):
        read(result(tmp_path, replace(RUN, events=(replace(FLARE, last=31),))), movie())


def test_an_older_file_needs_its_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    path = result(tmp_path, version="5")
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(MissingExtraError, match=r"bergmann\[matlab\]"):
        read(path, movie())
    assert fields_of(path, "res") >= {"opts", "evt1", "fts1"}


@both
@each_version
def test_results_are_found_and_their_tables_left_alone(run: Run, version: Any, tmp_path: Path) -> None:
    path = result(tmp_path, run, version=version)
    write_features(tmp_path / "cell_Ch1.csv", run)
    (tmp_path / "Regions").mkdir()
    write_features(tmp_path / "Regions" / "cell_Ch1_region_1.xlsx", run)
    mine, other = (aqua2, aqua) if run.program == "AQuA2" else (aqua, aqua2)
    assert [source.path for source in mine.find(tmp_path)] == [path]
    assert list(other.find(tmp_path)) == []
    path.unlink()
    assert [source.path.name for source in mine.find(tmp_path)] == ["cell_Ch1.csv"]
    assert list(other.find(tmp_path)) == []


def test_other_matlab_files_are_not_claimed(real: Any) -> None:
    """Of the program's own repository: an intermediate result called `res`, and a picture."""
    folder = real("aqua")
    assert {path.suffix for path in folder.iterdir()} == {".mat", ".csv"}
    assert list(aqua.find(folder)) == list(aqua2.find(folder)) == []
    with pytest.raises(SourceError, match=r"560_res.mat: no structure `res`"):
        aqua2.read(aqua2.Aqua2Source(path=folder / "aqua2_560_res.mat"), {})


def test_names_of_features_are_those_of_the_program(real: Any) -> None:
    """Each row that is converted is in the list of features that AQuA2 itself has."""
    from bergmann.segmentation._aqua_features import DIRECTIONS, DURATION, START, features

    listed = [line.split(",")[0] for line in real("aqua/aqua2_userFeatures2.csv").read_text(encoding="utf-8").splitlines()[1:]]
    rows = {one.row for one in features(aqua2.PROGRAM.perimeter, 1) if one.row} | {START, DURATION, "Channel", "Index"}
    plain = {row.removesuffix(" - landmark 1") for row in rows}
    for direction in DIRECTIONS:
        plain = {row.removesuffix(f" - {direction}") for row in plain}
    assert plain <= set(listed)
    assert set(listed) - plain == {"Basic - Surface Size (only for 3D video)"}


def test_a_folder_and_several_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="a folder"):
        read(tmp_path, movie(), is_second=True)
    for name in ("a.mat", "b.mat"):
        (tmp_path / name).touch()
    assert len(expand(tmp_path / "*.mat")) == 2
    with pytest.raises(SourceError, match="2 files match"):
        read(tmp_path / "*.mat", movie(), is_second=True)


def test_a_scale_needs_its_movie() -> None:
    with pytest.raises(ValueError, match="`scale: movie` needs the movie"):
        aqua2.Aqua2Source.model_validate({"path": "a.mat", "scale": "movie"})
    assert aqua2.Aqua2Source.model_validate({"path": "a.mat", "of": "movie/2"}).of == Ref("movie", "2")


def test_a_truncated_old_file_is_refused(tmp_path: Path) -> None:
    path = result(tmp_path, version="5")
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(SourceError, match="damaged"):
        read(path, movie())
    assert fields_of(tmp_path, "res") == frozenset()
