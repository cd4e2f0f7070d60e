"""A session file with the headers of its sources: what contradicts only when both are known."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from bergmann.plan.resolve import Plan, make_plan

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

Make = Callable[..., Plan]


@pytest.fixture
def plan(tmp_path: Path) -> Make:
    """The plan of the session with parts of its file replaced."""
    tifffile.imwrite(tmp_path / "movie.tif", np.zeros((20, 4, 6), np.uint16), photometric="minisblack")
    for name, text in {"notes": "what,from,to\nquiet,0,1\n", "scores": "g\n0.4\n"}.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")

    def made(*changes: tuple[str, str]) -> Plan:
        text = SESSION
        for old, new in changes:
            assert text.count(old) == 1
            text = text.replace(old, new)
        (tmp_path / "session.yaml").write_text(text, encoding="utf-8")
        return make_plan(tmp_path / "session.yaml")

    return made


def said(plan: Plan) -> list[str]:
    return [finding.text for finding in plan.findings]


def test_a_complete_session_has_no_findings(plan: Make) -> None:
    assert said(plan()) == []
    assert plan().reference == "movie"


def test_a_stated_start_of_the_sessions_own_clock_is_refused(plan: Make) -> None:
    found = said(
        plan(('start: "2024-03-31 01:30:00"', "start: from movie"), ("rate: 10 Hz", "rate: 10 Hz, starts: 5 s after session"))
    )
    assert any(
        "sources.movie.starts: `starts` says when movie began, and the session itself starts from it" in text for text in found
    )


def test_a_source_with_a_stated_start_is_not_the_sessions_clock(plan: Make) -> None:
    made = plan(("rate: 10 Hz", "rate: 10 Hz, starts: 5 s after session"))
    assert (said(made), made.reference) == ([], None)


def test_a_source_without_times_has_no_start(plan: Make) -> None:
    scores = "scores: {format: assay, path: scores.csv, assay: von_frey, unit: g, columns: {value: g}, starts: 5 s after movie}"
    (text,) = said(plan(("sources:\n", f"sources:\n  {scores}\n")))
    assert "sources.scores.starts: scores has no times that `starts` could be of" in text


def test_a_part_that_is_not_there_is_refused(plan: Make) -> None:
    assert any(
        "sources.notes.of: movie has no channel '7' (channels: 1)" in text for text in said(plan(("of: movie", "of: movie/7")))
    )
    assert said(plan(("of: movie", "of: movie/1"))) == []


def test_an_animal_is_born_before_its_session(plan: Make) -> None:
    (text,) = said(plan(("born: 2024-02-28", "born: 2024-04-01")))
    assert text == (
        "error: session.yaml:2 subject.born: 2024-04-01 is after the session (2024-03-31) (which of the two dates is wrong?)"
    )


def test_a_stated_offset_does_not_change_where_the_clocks_stood(plan: Make) -> None:
    start = plan(("2024-03-31 01:30:00", "2024-03-30 23:30:00+00:00")).start
    assert start is not None
    assert (start.isoformat(), str(start.tzinfo)) == ("2024-03-31T00:30:00+01:00", "Europe/Berlin")


@pytest.mark.parametrize(("offset", "hours"), [("+02:00", 2), ("+01:00", 1)])
def test_an_hour_that_is_there_twice_is_told_by_its_offset(plan: Make, offset: str, hours: int) -> None:
    twice = ("2024-03-31 01:30:00", "2024-10-27 02:30:00")
    assert any("is twice or never in Europe/Berlin" in text for text in said(plan(twice)))
    made = plan((twice[0], f"{twice[1]}{offset}"))
    assert said(made) == []
    assert made.start is not None
    assert made.start.utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ([("rate: 10 Hz", "rate: ???")], "sources.movie.rate"),
        ([("plane: bg", "plane: ???")], "sources.movie.plane"),
        ([('start: "2024-03-31 01:30:00"', "start: ???")], "session.start"),
        (
            [('start: "2024-03-31 01:30:00"', "start: from other"), ("rate: 10 Hz", "rate: 10 Hz, starts: ???")],
            "sources.movie.starts",
        ),
    ],
)
def test_a_blank_is_said_once(plan: Make, changes: list[tuple[str, str]], key: str) -> None:
    other = "other: {format: tiff, path: movie.tif, rate: 10 Hz, plane: bg}"
    two = [("sources:\n", f"sources:\n  {other}\n")] if "other" in str(changes) else []
    errors = [one for one in plan(*changes, *two).findings if one.severity == "error"]
    blank = [one for one in errors if "`???` stands here" in one.message]
    assert [one.location.partition(" ")[2] for one in blank] == [key]
    assert [one for one in errors if one not in blank and "movie" in one.location + one.message] == []


def test_rois_with_a_blank_plane_are_asked_for_it_once(plan: Make, tmp_path: Path, small_lab: Any) -> None:
    shutil.copy(small_lab.keys["caiman"]["path"], tmp_path / "rois.hdf5")
    rois = "rois: {format: caiman, path: rois.hdf5, plane: ???, starts: 0 s after movie}"
    (text,) = [one for one in said(plan(("sources:\n", f"sources:\n  {rois}\n"))) if one.startswith("error")]
    assert "sources.rois.plane: `???` stands here" in text


def test_the_header_of_a_source_with_a_blank_is_read(plan: Make) -> None:
    made = plan(("plane: bg", "plane: ???"))
    assert len(made.headers["movie"].clock_times or ()) == 20
    assert "notes" in made.headers
    assert not made.is_complete


def test_an_empty_file_is_said_to_be_empty(plan: Make, tmp_path: Path) -> None:
    (tmp_path / "empty.tif").touch()
    (text,) = [one for one in said(plan(("path: movie.tif", "path: empty.tif"))) if "empty" in one]
    assert text == (
        "error: session.yaml:7 sources.movie: empty.tif: the file is empty (0 bytes); was the recording or a copy of it broken off?"
    )


def test_a_second_source_without_a_clock_is_told_what_the_sessions_clock_is(plan: Make) -> None:
    other = "other: {format: tiff, path: movie.tif, rate: 10 Hz, plane: bg}"
    texts = [one for one in said(plan(("sources:\n", f"sources:\n  {other}\n"))) if "how the clock of other" in one]
    assert len(texts) == 1
    assert "relates to the session's (that of its stated start)" in texts[0]
    assert "or let the session start from it, `start: from other`" in texts[0]


def test_a_file_that_cannot_be_read_confuses_no_other_clock(plan: Make, tmp_path: Path) -> None:
    (tmp_path / "cut.tif").write_bytes(b"II")
    other = "other: {format: tiff, path: cut.tif, rate: 10 Hz, plane: bg}"
    (text,) = said(plan(("sources:\n", f"sources:\n  {other}\n")))
    assert "sources.other: cut.tif: not a TIFF file, whatever its name says" in text


# --- stated times -----------------------------------------------------------------------------------------------------

SCORES = "scores: {format: assay, path: scores.csv, assay: von_frey, unit: g, columns: {value: g}, timepoint: TIME}"
INJURY = "procedures: {sni: {kind: nerve injury, model: SNI, nerve: sciatic, side: left, date: DATE}}\nsources:\n"


@pytest.mark.parametrize(
    ("timepoint", "day", "apart"),
    [
        ("7 d after sni", "2024-03-24", None),
        ("1 week after sni", "2024-03-24", None),
        ("7 d after sni", "unknown", None),
        ("8 d after sni", "2024-03-24", "1 day before"),
        ("7 d after sni", "2024-03-20", "4 days after"),
    ],
)
def test_a_time_point_agrees_with_the_dates(plan: Make, timepoint: str, day: str, apart: str | None) -> None:
    found = said(plan(("sources:\n", INJURY.replace("DATE", day) + f"  {SCORES.replace('TIME', timepoint)}\n")))
    message = f"the session (2024-03-31) is {apart} `{timepoint}` by the dates that are stated"
    assert [text for text in found if "sources.scores.timepoint" in text and message in text] == found[:1] * (apart is not None)
    assert len(found) == (apart is not None)


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ("frame 20 of movie", None),
        ("frame 21 of movie", "movie has 20 frames; there is no frame 21"),
        ("frame 1 of notes", "notes has no frames"),
    ],
)
def test_a_time_names_a_frame_that_is_there(plan: Make, at: str, message: str | None) -> None:
    drug = f"drugs: {{capsaicin: {{action: stimulus, dose: 10 ug, route: intraplantar, at: {at}}}}}\nsources:\n"
    found = said(plan(("sources:\n", drug)))
    assert len(found) == (message is not None)
    assert all(f"drugs.capsaicin.at: {message}" in text for text in found)


def test_every_file_that_is_missing_is_said_also_behind_a_missing_clock(plan: Make) -> None:
    recording = "daq: {format: wavesurfer, path: daq.h5}\n  "
    moved = ("movie: {format: tiff, path: movie.tif,", f"{recording}movie: {{format: tiff, path: moved.tif, clock: daq/FrameClock,")
    found = [text for text in said(plan(moved)) if "there is no 'moved.tif'" in text or "there is no 'daq.h5'" in text]
    assert [text.split(":")[0] for text in found] == ["error", "error"]


def test_a_start_in_utc_is_put_in_the_sessions_zone(plan: Make, small_lab: Any, tmp_path: Path) -> None:
    pytest.importorskip("nptdms")
    shutil.copy(small_lab.keys["tdms"]["path"], tmp_path)
    made = plan(
        ('start: "2024-03-31 01:30:00"', "start: from board"),
        ("sources:\n", "sources:\n  board: {format: tdms, path: board.tdms}\n"),
        ("rate: 10 Hz", "rate: 10 Hz, starts: 5 s after board"),
    )
    assert said(made) == []
    assert made.start is not None
    assert made.start.isoformat() == "2024-05-17T10:30:57.250000+02:00"  # 8:30:57.25 UTC


def test_a_finding_of_a_source_names_its_key(plan: Make, tmp_path: Path) -> None:
    scores = SCORES.replace(", timepoint: TIME", "")
    (tmp_path / "scores.csv").write_text("g\n-0.4\n", encoding="utf-8")
    (text,) = said(plan(("sources:\n", f"sources:\n  {scores}\n")))
    assert "session.yaml:7 sources.scores.columns.value: scores.csv: -0.4 is below zero" in text


OF_TWO_YEARS = """\
format_version: 1
session: {{id: y, description: Two recordings., start: from a}}
subject: {{id: M1, species: Mus musculus, sex: F, born: 2017-06-01}}
time_zone: Europe/Zurich
sources:
  a: {{format: abf, path: {a}}}
  b: {{format: abf, path: {b}, starts: 2.5 s after a}}
"""


def test_a_stated_start_does_not_hide_that_a_file_is_of_another_day(real: Callable[[str], Path], tmp_path: Path) -> None:
    a, b = (real(f"axon_abf/{name}").as_posix() for name in ("opto_aps_good_units.abf", "17o05028_ic_steps.abf"))
    path = tmp_path / "session.yaml"
    path.write_text(OF_TWO_YEARS.format(a=a, b=b), encoding="utf-8")
    (text,) = said(make_plan(path))
    assert "sources.b: its own clock says 2017-10-05 14:42:46, -678 d from the start of the session" in text
    assert "and it is stated that it starts 2.5 s after a" in text
    path.write_text(OF_TWO_YEARS.format(a=a, b=a), encoding="utf-8")
    assert said(make_plan(path)) == []
