"""Events of glia from a lab's own table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from bergmann.arrays import LazyArray
from bergmann.errors import SourceError
from bergmann.records import GlialEvents, Movie, MovieChannel, RoiPlane, Segmentation
from bergmann.segmentation.glial_events import GlialEventsSource, find, read
from bergmann.timing.times import ExplicitTimes

TIMES = np.array([5.0, 5.5, 6.0, 6.75, 7.5, 8.0])
MASK = np.dtype([("y", np.uint32), ("x", np.uint32), ("weight", np.float32)])


def movie() -> Movie:
    frames: LazyArray = np.zeros((len(TIMES), 4, 9), dtype=np.uint16)
    channel = MovieChannel(number=1, name="Ch1", frames=frames)
    return Movie(files=(Path("movie.tif"),), channels=(channel,), times=ExplicitTimes(TIMES))


def rois() -> Segmentation:
    masks = tuple(np.array([(0, n, 1.0)], dtype=MASK) for n in range(3))
    plane = RoiPlane(name="plane0", image_shape=(4, 9), masks=masks, traces={})
    return Segmentation(files=(Path("stat.npy"),), planes=(plane,), times=ExplicitTimes(TIMES))


def listed(folder: Path, text: str, inputs: dict[str, Any] | None = None, **keys: Any) -> GlialEvents:
    path = folder / "events.csv"
    path.write_text(text, encoding="utf-8")
    inputs = {"of": movie()} if inputs is None else inputs
    named = {key: {"of": "movie", "rois": "rois"}[key] for key in inputs}
    return read(GlialEventsSource.model_validate({"path": path, "unit": "frames", **named, **keys}), inputs)


def test_frames_are_times_of_the_movie(tmp_path: Path) -> None:
    """The last frame of an event belongs to it; nothing is sorted."""
    columns = {"onset": "from", "end": "to", "peak": "max"}
    events = listed(tmp_path, "from,to,max\n4,4,4\n1,3,\n", columns=columns)
    np.testing.assert_array_equal(events.onsets, [6.75, 5.0])
    np.testing.assert_allclose(events.durations, [0.75, 1.75])
    np.testing.assert_array_equal(events.peaks, [6.75, np.nan])
    zero = listed(tmp_path, "from,to,max\n3,3,3\n0,2,\n", columns=columns, first_frame="0")
    np.testing.assert_array_equal(zero.onsets, events.onsets)


def test_a_duration_in_frames_is_measured_by_the_clock(tmp_path: Path) -> None:
    events = listed(tmp_path, "from,n\n3,1\n4,1\n6,2\n2,\n", columns={"onset": "from", "duration": "n"})
    np.testing.assert_allclose(events.durations, [0.75, 0.75, 1.0, np.nan])  # behind the end at the usual interval of 0.5 s


def test_seconds_count_from_the_movie_or_from_a_stated_start(tmp_path: Path) -> None:
    keys: dict[str, Any] = {"columns": {"onset": "t", "duration": "d"}, "unit": "ms"}
    assert listed(tmp_path, "t,d\n250,100\n", **keys).onsets.tolist() == [5.25]
    alone = listed(tmp_path, "t,d\n250,100\n", {}, **keys)
    assert (alone.onsets.tolist(), alone.durations.tolist()) == ([0.25], [0.1])  # type: ignore[union-attr]
    assert alone.aligned(2.0).span == (2.25, 2.35)


def test_what_an_event_is_keeps_its_name_and_its_unit(tmp_path: Path) -> None:
    events = listed(
        tmp_path,
        "t,a,A,d,k,p,quality,note\n1,1.5,0.002,3,flare,bg,0.5,left\n2,,0.001,4,wave,na,,right\n",
        columns={
            "onset": "t",
            "amplitude": "a",
            "area": "A",
            "distance": "d",
            "type": "k",
            "population": "p",
            "quality": "quality",
            "note": "note",
        },
        units={"amplitude": "dF/F", "area": "mm2", "distance": "um"},
    )
    np.testing.assert_array_equal(events.amplitudes, [1.5, np.nan])
    np.testing.assert_allclose(events.areas_um2, [2000, 1000])
    assert (events.amplitude_unit, events.distances_um.tolist()) == ("dF/F", [3, 4])  # type: ignore[union-attr]
    assert (events.kinds, events.populations) == (("flare", "wave"), ("bg", "na"))
    quality, note = events.features
    np.testing.assert_array_equal(quality.values, [0.5, np.nan])
    assert (note.name, note.values.tolist()) == ("note", ["left", "right"])
    assert events.durations is events.peaks is events.rois is events.footprints is None


def test_rois_are_those_of_another_source(tmp_path: Path) -> None:
    keys: dict[str, Any] = {"columns": {"onset": "t", "roi": "r"}, "first_roi": "1"}
    inputs = {"of": movie(), "rois": rois()}
    assert listed(tmp_path, "t,r\n1,2; 3\n2,\n3,1\n", inputs, **keys).rois == ((1, 2), (), (0,))
    with pytest.raises(SourceError, match=r"line 2: no ROI 4 in rois; its ROIs are 1 to 3 \(`first_roi: 1`\)"):
        listed(tmp_path, "t,r\n1,4\n", inputs, **keys)


def test_footprints_vary_in_size(tmp_path: Path) -> None:
    (tmp_path / "pixels.csv").write_text("event,x,y,weight\nb,8,3,0.5\na,1,0,1\nb,7,2,0.25\n", encoding="utf-8")
    keys: dict[str, Any] = {"columns": {"onset": "t", "event": "name"}, "footprints": tmp_path / "pixels.csv", "first_pixel": "0"}
    events = listed(tmp_path, "t,name\n1,a\n2,none\n3,b\n", **keys)
    masks = [[tuple(pixel) for pixel in mask.tolist()] for mask in events.footprints or ()]
    assert masks == [[(1, 0, 1.0)], [], [(8, 3, 0.5), (7, 2, 0.25)]]
    assert [path.name for path in events.files] == ["events.csv", "pixels.csv"]
    assert events.features[0].values.tolist() == ["a", "none", "b"]
    with pytest.raises(SourceError, match="two events are called 'a'"):
        listed(tmp_path, "t,name\n1,a\n2,a\n3,b\n", **keys)
    with pytest.raises(SourceError, match=r"pixels.csv: column 'event', line 2: there is no event 'b'"):
        listed(tmp_path, "t,name\n1,a\n", **keys)
    (tmp_path / "pixels.csv").write_text("event,x,y\na,3,8\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"line 2: no row 8 in the movie; rows are 0 to 3 .*exchanged"):
        listed(tmp_path, "t,name\n1,a\n", **keys)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t,e\n7,7\n", r"line 2: no frame 7 in movie; its frames are 1 to 6"),
        ("t,e\n1.5,2\n", "no frame 1.5"),
        ("t,e\n,2\n", "line 2: no onset"),
        ("t,e\n3,1\n", "line 2: the event ends before it begins"),
        ("t,e\nx,1\n", "'x' is not a number"),
        ("t,f\n1,1\n", "no column 'e'"),
    ],
)
def test_a_wrong_cell_is_refused_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=message):
        listed(tmp_path, text, columns={"onset": "t", "end": "e"})


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"columns": {"end": "e"}}, "must name the column of the onset"),
        ({"columns": {"onset": "t", "end": "e", "duration": "d"}}, "say the same"),
        ({"columns": {"onset": "t", "peak_time": "p"}}, "NWB gives a meaning of its own"),
        ({"columns": {"onset": "t", "area": "a"}}, "`columns.area` and its unit go together: `units: {area: um2}`"),
        ({"columns": {"onset": "t"}, "units": {"area": "um2"}}, "go together"),
        ({"columns": {"onset": "t", "area": "a"}, "units": {"area": "um"}}, "is not a quantity in"),
        ({"columns": {"onset": "t", "roi": "r"}}, "`first_roi: 0`"),
        ({"columns": {"onset": "t"}, "rois": "rois"}, "needs the column"),
        ({"columns": {"onset": "t"}, "unit": "frames"}, "`of: movie`"),
        ({"columns": {"onset": "t"}, "footprints": "p.csv"}, "`first_pixel: 0`"),
    ],
)
def test_half_a_statement_is_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        GlialEventsSource.model_validate({"path": "events.csv", "unit": "s", **keys})


def test_nothing_is_found(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("t\n1\n", encoding="utf-8")
    assert list(find(tmp_path)) == []
