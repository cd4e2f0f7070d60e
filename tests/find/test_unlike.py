"""Files whose names promise what their bytes do not keep are said to be so."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from bergmann.disk import why_closed
from bergmann.find.draft import draft_session
from bergmann.find.listing import list_folder
from bergmann.find.unlike import unlike_its_name


def half(path: Path, to: Path) -> Path:
    content = path.read_bytes()
    to.write_bytes(content[: len(content) // 2])
    return to


def test_whole_files_are_what_they_are_called(small_lab: Any) -> None:
    said = {path.name: unlike_its_name(path) for path in small_lab.folder.rglob("*") if path.is_file()}
    assert {name: text for name, text in said.items() if text} == {}


@pytest.mark.parametrize("name", ["movie.tif", "daq.h5", "patch.abf", "face.mp4", "table.csv", "scores.boris", "a.txt"])
def test_an_empty_file_is_said_to_be_empty(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert unlike_its_name(tmp_path / name).startswith("empty: was the recording or a copy of it broken off")


@pytest.mark.parametrize(
    ("name", "what"),
    [("m.tif", "a TIFF file"), ("d.h5", "an HDF5 file"), ("p.abf", "an Axon binary file"), ("t.xlsx", "an Excel workbook")],
)
def test_another_file_behind_a_name_is_said(tmp_path: Path, name: str, what: str) -> None:
    (tmp_path / name).write_bytes(b"time,value\n1,2\n")
    assert unlike_its_name(tmp_path / name) == f"not {what}, whatever its name says: was another file renamed?"


def test_half_a_file_is_said(tmp_path: Path, small_lab: Any) -> None:
    daq = half(small_lab.keys["wavesurfer"]["path"], tmp_path / "daq.h5")
    assert unlike_its_name(daq) == "an HDF5 file that is cut short: copy it again if the original is whole"
    face = half(small_lab.keys["video"]["path"], tmp_path / "face.mp4")
    assert unlike_its_name(face) == "a video that cannot be opened: was the recording or a copy of it broken off?"


def test_a_draft_says_what_is_wrong_with_files_that_it_leaves_out(tmp_path: Path, small_lab: Any) -> None:
    half(small_lab.keys["wavesurfer"]["path"], tmp_path / "daq.h5")
    (tmp_path / "movie.tif").touch()
    shutil.copy(small_lab.keys["video"]["path"], tmp_path / "face.mp4")
    text = draft_session(tmp_path).path.read_text(encoding="utf-8")
    assert "#   movie.tif  0 B  empty: " in text
    assert " kB  an HDF5 file that is cut short: copy it again if the original is whole\n" in text
    assert "path: face.mp4" in text


def test_a_file_that_cannot_be_opened_does_not_stop_the_draft(
    tmp_path: Path, small_lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where a program that writes a file may keep it to itself."""
    shutil.copy(small_lab.keys["wavesurfer"]["path"], tmp_path / "daq.h5")
    for name in ("patch.abf", "movie.tif", "table.csv"):
        (tmp_path / name).write_bytes(b"x")
    real = Path.open

    def held(path: Path, *arguments: Any, **keys: Any) -> Any:
        if path.name in {"patch.abf", "movie.tif", "table.csv"}:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **keys)

    monkeypatch.setattr(Path, "open", held)
    assert {path.name for path in list_folder(tmp_path).held} == {"patch.abf", "movie.tif", "table.csv"}
    drafted = draft_session(tmp_path)
    assert "daq" in drafted.added
    assert not {"patch", "movie", "table"} & set(drafted.added)
    why = why_closed(PermissionError(13, "Permission denied"))
    said = {note for note in drafted.notes if "may not read" in note}
    assert said == {f"{name}: {why}" for name in ("patch.abf", "movie.tif", "table.csv")}


def test_a_name_is_said_once(tmp_path: Path, small_lab: Any) -> None:
    half(small_lab.keys["abf"]["path"], tmp_path / "patch.abf")
    notes = [note for note in draft_session(tmp_path).notes if "patch" in note]
    assert [note.count("patch.abf") for note in notes] == [1]
