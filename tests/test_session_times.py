"""Times that a person states, on the clock of a whole session: wall clocks, pulses of a line, and what is invalid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from bergmann.convert import Conversion, convert_session
from bergmann.convert.align import Aligned, align, fit_clock
from bergmann.convert.provenance import relative_name
from bergmann.errors import SourceError
from bergmann.imaging.stated import MovieStated
from bergmann.imaging.tiff import FORMAT, Tiff
from bergmann.moments import Moment
from bergmann.plan.resolve import Plan, make_plan
from bergmann.plan.session import LoadedSession
from bergmann.plan.sources import SourceEntry
from bergmann.records import Channel, Movie, MovieChannel, Recording
from bergmann.stated import Ref
from bergmann.timing.times import ExplicitTimes, RegularTimes

SESSION = """\
session: {id: s1, description: Frames and notes., start: "2024-03-31 01:30:00"}
subject: {id: BG042, species: Mus musculus, sex: F, born: 2024-02-28}
time_zone: Europe/Berlin
devices: {scope: {model: Example 2P}}
planes: {bg: {device: scope, location: cortex, excitation: 920 nm, channels: {1: {label: GCaMP6f, emission: 525 nm}}}}
sources:
  movie: {format: tiff, path: movie.tif, rate: 10 Hz, plane: bg}
  notes: {format: intervals, path: notes.csv, of: movie, columns: {label: what, start: from, stop: to}, unit: s}
"""


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """The file of a session that starts half an hour before the clocks are put forward."""
    tifffile.imwrite(tmp_path / "movie.tif", np.zeros((20, 4, 6), np.uint16), photometric="minisblack")
    (tmp_path / "notes.csv").write_text("what,from,to\nquiet,0,1\n", encoding="utf-8")
    path = tmp_path / "session.yaml"
    path.write_text(SESSION, encoding="utf-8")
    return path


# --- wall clocks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("01:40", 600), ("03:30", 3600), ("2024-03-30 01:30", -86400), ("2024-04-01 01:30", 82800), ("2024-03-31", 34200)],
)
def test_an_hour_that_the_clocks_leave_out_is_no_time(session: Path, text: str, seconds: float) -> None:
    (when,) = align(make_plan(session)).when(Moment(text))
    assert when.seconds == seconds


def test_a_wall_clock_time_that_never_was_is_refused(session: Path) -> None:
    with pytest.raises(SourceError, match="2024-03-31 02:30:00 is twice or never"):
        align(make_plan(session)).when(Moment("02:30"))


# --- pulses -----------------------------------------------------------------------------------------------------------


def aligned_to(line: Any) -> Aligned:
    """A session whose ``daq`` has one line ``Clock`` of 1 kHz."""
    channel = Channel(name="Clock", kind="analog", unit="V", samples=np.asarray(line, dtype=float))
    starts, lengths = ExplicitTimes(np.zeros(1)), np.array([len(line)])
    daq = Recording(files=(Path("daq.h5"),), rate=1000.0, sweep_starts=starts, sweep_lengths=lengths, channels=(channel,))
    return Aligned(Plan(LoadedSession(path=Path("session.yaml")), reference="daq"), {"daq": daq})


def clock_line(first: int) -> Any:
    """Ten pulses of 5 ms, 100 ms apart, the first from sample `first` on."""
    line = np.zeros(1000)
    for onset in range(first, 1000, 100):
        line[max(onset, 0) : onset + 5] = 5
    return line


def fit(aligned: Aligned) -> float:
    frames = MovieChannel(number=1, name="1", frames=np.zeros((10, 2, 2), np.uint16))
    movie = Movie(files=(Path("m.tif"),), channels=(frames,), times=RegularTimes(0.0, 10.0, 10))
    entry = SourceEntry(
        name="movie", format=FORMAT, source=Tiff(path=Path("m.tif")), stated=MovieStated(plane="bg"), clock=Ref("daq", "Clock")
    )
    return fit_clock(aligned, "movie", entry, movie).offset


def test_a_clock_line_that_is_on_at_its_first_sample_says_no_start() -> None:
    assert fit(aligned_to(clock_line(20))) == pytest.approx(0.02)
    with pytest.raises(
        SourceError, match=r"daq/Clock: on at its first sample, so when the first frame of movie began is not known"
    ):
        fit(aligned_to(clock_line(-2)))


@pytest.mark.parametrize("text", ["first pulse of daq/Clock", "each pulse of daq/Clock"])
def test_a_pulse_of_a_line_is_a_time_only_if_it_is_seen_to_begin(text: str) -> None:
    assert aligned_to(clock_line(20)).when(Moment(text))[0].seconds == pytest.approx(0.02)
    with pytest.raises(SourceError, match="daq/Clock: on when the recording"):
        aligned_to(clock_line(-2)).when(Moment(text))
    weaker = clock_line(20)
    weaker[5:10] = 1
    with pytest.raises(SourceError, match=r"channel Clock: 1 stretches beside 10 pulses .*`event of` that source"):
        aligned_to(weaker).when(Moment(text))


# --- what is invalid --------------------------------------------------------------------------------------------------


@pytest.fixture
def converted(session: Path) -> Callable[[str], Conversion]:
    """Convert the session with an invalid interval."""

    def convert(interval: str) -> Conversion:
        session.write_text(f"{SESSION}invalid: {{drift: {{{interval}, why: focus lost}}}}\n", encoding="utf-8")
        return convert_session(session, session.parent / "out")

    return convert


def test_an_invalid_interval_names_what_has_no_time_series(converted: Callable[[str], Conversion]) -> None:
    from pynwb import NWBHDF5IO

    target = converted("from: 0.5 s after movie, to: 1 s after movie, of: [notes]").target
    assert target is not None
    with NWBHDF5IO(target, "r") as io:
        table = io.read().invalid_times
        assert list(table["tags"][0]) == ["drift", "focus lost", "of notes"]
        assert (table["start_time"][0], table["stop_time"][0]) == (0.5, 1.0)


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ("from: 1 s after movie, to: 0.5 s after movie", "drift: it ends (0.5 s after movie, 0.5 s) before it begins"),
        ("from: unknown, to: 1 s after movie", "drift.from: `unknown` is not known; expected one time that is known"),
        ("from: 0 s after movie, to: frame 99 of movie", "drift.to: movie has 20 frames; there is no frame 99"),
    ],
)
def test_an_invalid_interval_is_from_one_time_to_a_later_one(
    converted: Callable[[str], Conversion], interval: str, text: str
) -> None:
    done = converted(interval)
    assert (done.result, done.target) == ("refused", None)
    (finding,) = [one for one in done.findings if one.severity == "error"]
    assert f"session.yaml:9 invalid.{text}" in finding.text


# --- names of files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/data/bg042/s1/daq/a.h5", "daq/a.h5"),
        ("/data/bg042/cohort.csv", "../cohort.csv"),
        ("/data/anna/a.h5", "a.h5"),
        ("/home/anna/a.h5", "a.h5"),
    ],
)
def test_a_file_is_named_without_the_folders_of_the_machine(path: str, name: str) -> None:
    assert relative_name(Path(path), Path("/data/bg042/s1")) == name


def test_no_folder_of_the_root_is_named() -> None:
    assert relative_name(Path("/home/anna/a.h5"), Path("/s1")) == "a.h5"


def test_a_link_is_named_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna" / "x.h5").write_bytes(b"x")
    (tmp_path / "s1").mkdir()
    link = tmp_path / "s1" / "a.h5"
    try:
        link.symlink_to(tmp_path / "anna" / "x.h5")
    except OSError:
        pytest.skip("links cannot be made here")
    assert relative_name(link, tmp_path / "s1") == "a.h5"
