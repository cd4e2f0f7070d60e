import numpy as np
import pytest
from pydantic import ValidationError

from bergmann.behavior import nwb
from bergmann.behavior.intervals import IntervalsSource, read
from bergmann.behavior.stated import IntervalsStated
from bergmann.errors import SourceError
from bergmann.records import Intervals, Movie, MovieChannel, Recording
from bergmann.timing.times import ExplicitTimes, RegularTimes

COLUMNS = {"label": "what", "start": "from", "stop": "to"}
TICKS = np.array([5.0, 5.1, 5.3, 5.4, 5.6])


def notes(tmp_path, *rows):
    path = tmp_path / "notes.csv"
    path.write_text("\n".join(["what,from,to,who", *rows]) + "\n", encoding="utf-8")
    return path


def movie(tmp_path, times):
    frames = np.zeros((len(times), 2, 3), dtype=np.uint16)
    return Movie(files=(tmp_path / "m.tif",), channels=(MovieChannel(number=1, name="1", frames=frames),), times=times)


def recording(tmp_path):
    return Recording(
        files=(tmp_path / "daq.h5",),
        rate=10.0,
        sweep_starts=ExplicitTimes(np.array([3.0])),
        sweep_lengths=np.array([100]),
        channels=(),
    )


def test_times_may_count_from_a_recording(tmp_path):
    source = IntervalsSource(path=notes(tmp_path, "a,1,2,me"), columns=COLUMNS, unit="s", of="daq")
    intervals = read(source, {"of": recording(tmp_path)})
    np.testing.assert_allclose((intervals.starts.seconds[0], intervals.stops[0]), (4.0, 5.0))


def test_frames_are_counted_from_one_and_the_last_belongs_to_the_interval(tmp_path):
    source = IntervalsSource(path=notes(tmp_path, "drift,1,2,me", "still,3,5,me"), columns=COLUMNS, unit="frames", of="movie")
    explicit = read(source, {"of": movie(tmp_path, ExplicitTimes(TICKS))})
    np.testing.assert_allclose(explicit.starts.seconds, [5.0, 5.3])
    np.testing.assert_allclose(explicit.stops, [5.3, 5.6 + 0.15])  # 0.15 s: the median interval
    regular = read(source, {"of": movie(tmp_path, RegularTimes(2.0, 10.0, 5))})
    np.testing.assert_allclose(regular.starts.seconds, [2.0, 2.2])
    np.testing.assert_allclose(regular.stops, [2.2, 2.5])
    assert explicit.columns == {"label": ["drift", "still"]}


def test_frames_may_be_counted_from_zero(tmp_path):
    path = notes(tmp_path, "drift,0,1,me")
    source = IntervalsSource(path=path, columns=COLUMNS, unit="frames", of="movie", first_frame="0")
    intervals = read(source, {"of": movie(tmp_path, ExplicitTimes(TICKS))})
    np.testing.assert_allclose(intervals.starts.seconds, [5.0])
    np.testing.assert_allclose(intervals.stops, [5.3])


@pytest.mark.parametrize(("unit", "start", "stop"), [("s", "90", "120"), ("ms", "90000", "120000"), ("min", "1.5", "2")])
def test_times_count_from_the_movie_or_from_their_own_zero(tmp_path, unit, start, stop):
    path = notes(tmp_path, f"drift,{start},{stop},me")
    own = read(IntervalsSource(path=path, columns={**COLUMNS, "noted_by": "who"}, unit=unit), {})
    np.testing.assert_allclose(own.starts.seconds, [90.0])
    assert own.columns == {"label": ["drift"], "noted_by": ["me"]}
    of_movie = read(
        IntervalsSource(path=path, columns=COLUMNS, unit=unit, of="movie"), {"of": movie(tmp_path, ExplicitTimes(TICKS))}
    )
    np.testing.assert_allclose((of_movie.starts.seconds[0], of_movie.stops[0]), (95.0, 125.0))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["drift,0,2,me"], r"column 'from', line 2: no frame 0 in movie; its frames are 1 to 5 \(`first_frame: 1`\)"),
        (["a,1,2,me", "drift,3,6,me"], r"column 'to', line 3: no frame 6 in movie"),
        (["drift,1.5,2,me"], r"no frame 1\.5"),
        (["drift,1,,me"], r"column 'to', line 2: an empty cell"),
        (["a,3,4,me", "b,1,2,me"], r"line 3: begins before the line above; sort the rows"),
        (["a,4,2,me"], r"notes\.csv: column 'to', line 2: 2 is before the start of the line, 4; are the two exchanged\?"),
        ([], r"1 lines with content"),
    ],
)
def test_wrong_rows_are_refused(tmp_path, rows, message):
    source = IntervalsSource(path=notes(tmp_path, *rows), columns=COLUMNS, unit="frames", of="movie")
    with pytest.raises(SourceError, match=message):
        read(source, {"of": movie(tmp_path, ExplicitTimes(TICKS))})


def test_frames_need_a_movie_and_columns_their_meaning(tmp_path):
    with pytest.raises(SourceError, match="frames of which movie"):
        read(IntervalsSource(path=notes(tmp_path, "a,1,2,me"), columns=COLUMNS, unit="frames"), {})
    source = IntervalsSource(path=notes(tmp_path, "a,1,2,me"), columns=COLUMNS, unit="frames", of="daq")
    with pytest.raises(SourceError, match="daq has no frames; name a movie or a video"):
        read(source, {"of": recording(tmp_path)})
    with pytest.raises(ValidationError, match="`tags` is a column that NWB gives a meaning of its own"):
        IntervalsSource(path="a.csv", columns={**COLUMNS, "tags": "who"}, unit="s")
    with pytest.raises(ValidationError, match="must also name stop"):
        IntervalsSource(path="a.csv", columns={"label": "what", "start": "from"}, unit="s")


def test_the_intervals_reach_the_file(tmp_path, nwbfile, entry, placed, written):
    source = IntervalsSource(path=notes(tmp_path, "drift,1,2,me", "still,3,5,you"), columns=COLUMNS, unit="frames", of="movie")
    intervals = read(source, {"of": movie(tmp_path, ExplicitTimes(TICKS))})
    nwb.ADD[Intervals](nwbfile, entry("notes", intervals, IntervalsStated(), of="movie"), placed())
    with written(nwbfile, tmp_path / "out.nwb") as reader:
        table = reader.read().intervals["notes"]
        np.testing.assert_array_equal(table["start_time"][:], intervals.starts.seconds)
        np.testing.assert_array_equal(table["stop_time"][:], intervals.stops)
        assert list(table["label"][:]) == ["drift", "still"]
