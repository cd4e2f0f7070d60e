"""Times that no clock shows are found; a channel, a movie, a camera and events that fit together are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from .nwb_files import add_movie, cells_movie, check_written, make_nwbfile, write

TIMES = 0.5 + np.arange(60) / 10


def good_file(tmp_path: Path) -> Path:
    from pynwb import TimeSeries
    from pynwb.event import EventsTable
    from pynwb.image import ImageSeries

    nwbfile = make_nwbfile()
    add_movie(nwbfile, cells_movie()[0], series={"timestamps": TIMES})
    nwbfile.add_acquisition(TimeSeries(name="daq_laser", data=np.zeros(7000), unit="V", rate=1000.0, starting_time=0.0))
    video = ImageSeries(
        name="camera", external_file=["camera.avi"], format="external", dimension=[8, 8], unit="n.a.", rate=30.0, num_samples=200
    )
    nwbfile.add_acquisition(video)
    (tmp_path / "camera.avi").write_bytes(b"a video")
    events = EventsTable(name="licks", description="licks")
    events.add_column(name="duration", description="duration", col_cls=duration_column())
    for time in (1.0, 2.0, 3.0):
        events.add_row(timestamp=time, duration=0.1)
    nwbfile.add_events_table(events)
    nwbfile.add_epoch(1.0, 2.0, ["a"])
    nwbfile.add_epoch(3.0, 4.0, ["b"])
    return write(nwbfile, tmp_path)


def duration_column() -> Any:
    from pynwb.event import DurationVectorData

    return DurationVectorData


def found_in(tmp_path: Path, damage: Callable[[h5py.File], None]) -> dict[str, str]:
    path = good_file(tmp_path)
    with h5py.File(path, "r+") as file:
        damage(file)
    return {one.check: f"{one.location.removeprefix('file.nwb:/')}: {one.message}" for one in check_written(path)}


def put(name: str, values: Any) -> Callable[[h5py.File], None]:
    """Replace a dataset, with its attributes."""

    def damage(file: h5py.File) -> None:
        attributes = dict(file[name].attrs)
        del file[name]
        file[name] = values
        file[name].attrs.update(attributes)

    return damage


def edit(name: str, rows: Any, value: Any) -> Callable[[h5py.File], None]:
    """Change some values of a dataset."""

    def damage(file: h5py.File) -> None:
        values = file[name][...]
        values[rows] = value
        file[name][...] = values

    return damage


def say(name: str, attribute: str, value: Any) -> Callable[[h5py.File], None]:
    return lambda file: file[name].attrs.__setitem__(attribute, value)


MOVIE = "acquisition/movie/timestamps"


def test_times_that_fit_together_are_not_found(tmp_path: Path) -> None:
    assert found_in(tmp_path, lambda file: None) == {}


@pytest.mark.parametrize(
    ("damage", "check", "message"),
    [
        (
            put("acquisition/daq_laser/starting_time", -500.0),
            "time_data_inside_session",
            "acquisition/daq_laser: it begins 500 s before",
        ),
        (
            put(MOVIE, TIMES + 1.7e9),
            "time_data_inside_session",
            "it ends 1.7e+09 s after the session's start: are these seconds since 1970?",
        ),
        (
            edit(MOVIE, [20, 21], TIMES[[21, 20]]),
            "time_monotonic",
            "timestamp 21 is 2.5 s, after 2.6 s (1 steps of 59 run backwards)",
        ),
        (edit(MOVIE, 20, np.nan), "time_monotonic", "timestamp 20 is nan (1 of 60 are no numbers)"),
        (put(MOVIE, TIMES[::-1].copy()), "time_monotonic", "(59 steps of 59 run backwards)"),
        (edit(MOVIE, slice(0, 5), TIMES[4]), "time_no_plateaus", "its first 5 samples are all at 0.9 s"),
        (edit(MOVIE, slice(50, 60), TIMES[50]), "time_no_plateaus", "its last 10 samples are all at 5.5 s"),
        (put("acquisition/camera/starting_time", 3600.0), "time_streams_overlap", "it is recorded from 3600 to 3606.63 s"),
        (edit("events/licks/timestamp", [0, 1], [2.0, 1.0]), "time_events_sorted", "row 1 is before row 0"),
        (edit("events/licks/duration", 2, np.nan), "time_last_event_duration", "the duration of its last event (row 2) is NaN"),
        (edit("events/licks/duration", 1, -1.0), "time_intervals_ordered", "the duration of row 1 is -1 s"),
        (
            edit("intervals/epochs/stop_time", 1, 2.5),
            "time_intervals_ordered",
            "row 1 stops at 2.5 s and starts at 3 s (1 of 2 rows)",
        ),
        (edit("intervals/epochs/stop_time", [0, 1], 0.5), "time_intervals_ordered", "(2 of 2 rows): are these durations?"),
        (put("session_start_time", "2024-05-17T10:30:57"), "time_start_has_zone", "it is 2024-05-17T10:30:57, without a zone"),
        (
            put("session_start_time", "1970-01-01T00:00:00+00:00"),
            "time_start_plausible",
            "it is 1970-01-01T00:00:00+00:00, which a program",
        ),
        (put("session_start_time", "2124-05-17T10:30:57+00:00"), "time_start_plausible", "and the file was made on 20"),
        (say("acquisition/daq_laser/starting_time", "rate", 0.001), "time_rate_plausible", "its 7000 samples last 81 days"),
        (say("acquisition/daq_laser/starting_time", "rate", np.nan), "time_rate_plausible", "its rate is nan Hz"),
        (
            put(MOVIE, np.append(TIMES[:30], TIMES[30:] + 0.1)),
            "time_frames_dropped",
            "1 interval of two or more frames, the first at 3.4 s, 0.2 s",
        ),
    ],
)
def test_a_strange_time_is_found(tmp_path: Path, damage: Callable[[h5py.File], None], check: str, message: str) -> None:
    assert message in found_in(tmp_path, damage)[check]


def test_two_cameras_away_from_everything_else_are_found(tmp_path: Path) -> None:
    def damage(file: h5py.File) -> None:
        file.copy("acquisition/camera", "acquisition/other")
        file["acquisition/other"].attrs["object_id"] = "another"
        for name in ("camera", "other"):
            put(f"acquisition/{name}/starting_time", 3600.0)(file)

    found = found_in(tmp_path, damage)
    assert "from 3600 to 3606.63 s, 3593 s from everything else" in found["time_streams_overlap"]


def test_a_clock_worse_than_its_samples_is_found(tmp_path: Path) -> None:
    from ndx_bergmann import Clock, make_conversion_record

    nwbfile = make_nwbfile()
    add_movie(nwbfile, cells_movie()[0])
    clock = Clock("movie", "daq/frames", "offset", 0.0, n_pulses=60, n_events=60, residual_in_seconds=0.9)
    nwbfile.add_lab_meta_data(make_conversion_record(software="test 1", clocks=[clock]))
    (found,) = check_written(write(nwbfile, tmp_path))
    assert (found.check, found.message) == ("time_residuals_small", "movie is off by 0.9 s, and its samples are 0.1 s apart")
