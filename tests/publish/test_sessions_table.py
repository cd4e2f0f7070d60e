"""The table of sessions for the analyst."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bergmann.errors import SourceError
from bergmann.publish.sessions_table import read_line, sessions_table, write_sessions_table

from .small_dandisets import START, add_video, make_session, write


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines(), delimiter="\t"))


def test_a_line_says_what_the_file_says(tmp_path: Path) -> None:
    nwbfile: Any = make_session()
    add_video(nwbfile, "a.mp4")
    nwbfile.add_invalid_time_interval(start_time=0.0, stop_time=12.5, tags=["focus", "lost\there"])
    nwbfile.add_invalid_time_interval(start_time=20.0, stop_time=21.0, tags=[])
    (row,) = rows(sessions_table([read_line(write(nwbfile, tmp_path / "a.nwb"), "sub-m1/a.nwb")]))
    assert row == {
        "session": "base",
        "subject": "m1",
        "arm": "n/a",
        "control": "n/a",
        "start": "2024-05-17T10:30:57+00:00",
        "species": "Mus musculus",
        "drugs": "n/a",
        "streams": "signal (TimeSeries); video (ImageSeries)",
        "exclusions": "0-12.5 s: focus, lost here; 20-21 s",
        "file": "sub-m1/a.nwb",
    }


def test_lines_stand_by_subject_and_start_whatever_the_order_of_the_files(tmp_path: Path) -> None:
    made = [("m2", "a", 0), ("m1", "late", 5), ("m1", "early", 1)]
    lines = []
    for number, (subject, session, days) in enumerate(made):
        nwbfile = make_session(subject, session, session_start_time=START + timedelta(days=days))
        lines.append(read_line(write(nwbfile, tmp_path / f"{number}.nwb"), f"{number}.nwb"))
    text = sessions_table(lines)
    assert sessions_table(reversed(lines)) == text
    assert [(row["subject"], row["session"]) for row in rows(text)] == [("m1", "early"), ("m1", "late"), ("m2", "a")]


def test_a_text_that_a_spreadsheet_would_compute_stays_text(tmp_path: Path) -> None:
    (row,) = rows(sessions_table([read_line(write(make_session(session="=1+1"), tmp_path / "a.nwb"), "a.nwb")]))
    assert row["session"] == "'=1+1"


def test_the_table_is_written_whole_and_only_when_it_is_another(tmp_path: Path) -> None:
    path, target = write(make_session(), tmp_path / "a.nwb"), tmp_path / "sessions.tsv"
    write_sessions_table([("a.nwb", path)], target)
    before = target.stat().st_mtime_ns
    write_sessions_table([("a.nwb", path)], target)
    assert target.stat().st_mtime_ns == before
    path.write_bytes(b"cut")
    with pytest.raises(SourceError, match=r"^a.nwb: "):
        write_sessions_table([("a.nwb", path)], target)
    assert rows(target.read_text(encoding="utf-8"))[0]["session"] == "base"
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []
