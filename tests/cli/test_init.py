"""`bergmann init`, as it is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bergmann.cli import main
from bergmann.rig import Rig, simulate

RIG = Rig(n_frames=64, powers=(5e-3,), repeats=1, first_train=2.0, spacing=5.0, n_shocks=1, capsaicin=12.0)

LAB = """\
time_zone: Asia/Seoul
devices:
  scope: {model: simulated two-photon microscope, manufacturer: none (simulated)}
planes:
  bg_plane: {device: scope, location: "CUL4, 5", excitation: 920 nm,
             channels: {1: {label: GCaMP6f, emission: 525 nm}, 2: {label: mCherry, emission: 610 nm}}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A rig's folder beside a lab file, seen from above."""
    simulate(tmp_path / "rig", RIG)
    (tmp_path / "lab.yaml").write_text(LAB, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "rig"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    return int(stop.value.code or 0)


@pytest.mark.usefixtures("folder")
def test_it_says_where_the_draft_is_what_is_in_it_and_what_is_next(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("init", "rig", "--use", "lab.yaml") == 0
    path = Path("rig") / "session.yaml"
    assert capsys.readouterr().out.splitlines() == [
        f"{path}: written",
        "  8 sources, 8 blanks (???) to fill, 1 file of no source",
        f"  next: fill the blanks in an editor, then  bergmann check {path}",
    ]
    assert "use: ['../lab.yaml']" in path.read_text(encoding="utf-8")


@pytest.mark.usefixtures("folder")
def test_a_second_run_says_that_nothing_is_new(capsys: pytest.CaptureFixture[str]) -> None:
    run("init", "rig", "--use", "lab.yaml")
    before = (Path("rig") / "session.yaml").read_bytes()
    capsys.readouterr()
    assert run("init", "rig") == 0
    assert capsys.readouterr().out.startswith(f"{Path('rig') / 'session.yaml'}: nothing new\n")
    assert (Path("rig") / "session.yaml").read_bytes() == before


def test_a_path_with_a_space_is_quoted_in_the_next_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "쥐 42"
    folder.mkdir()
    assert run("init", str(folder)) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(f'  bergmann check "{folder / "session.yaml"}"')


def test_a_file_without_blanks_is_not_asked_to_be_filled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "session.yaml"
    path.write_text("time_zone: Asia/Seoul\nsources: {}\n", encoding="utf-8")
    assert run("init", str(tmp_path)) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{path}: nothing new",
        "  0 sources, 0 blanks (???) to fill, 0 files of no source",
        f"  next: bergmann check {path}",
    ]


@pytest.mark.usefixtures("folder")
def test_one_bad_folder_does_not_stop_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("init", "nowhere", "rig", "--use", "lab.yaml", "--json") == 2
    first, second = json.loads(capsys.readouterr().out)
    assert first == {"folder": "nowhere", "error": "nowhere: is not there; name the folder that the rig left behind"}
    assert second["is_new"]
    assert second["sources"] == 8
    assert second["blanks"] == 8
    assert second["unclaimed"] == ["notes.csv"]
    assert second["added"] == ["daq", "movie", "rois", "face_cam", "paw_cam", "paw", "LaserCmd", "ShockTTL"]


def test_a_session_file_that_cannot_be_read_is_said_with_a_way_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "session.yaml").write_text("sources: {a: 1\n", encoding="utf-8")
    assert run("init", "rig") == 2
    said = capsys.readouterr().out
    assert said.startswith("rig: no draft was written\n")
    assert "session.yaml:" in said
    assert "move the file away and run `bergmann init` again; nothing was changed" in said
    assert (folder / "session.yaml").read_text(encoding="utf-8") == "sources: {a: 1\n"


def test_the_draft_is_what_check_takes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("init", str(folder), "--use", "lab.yaml")
    capsys.readouterr()
    assert run("check", str(folder / "session.yaml"), "--json") == 1
    (document,) = json.loads(capsys.readouterr().out)
    assert {finding["check"] for finding in document["findings"] if finding["severity"] == "error"} == {"gap"}


def test_a_page_of_the_draft_shows_each_blank_beside_its_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = folder.parent / "page.html"
    assert run("init", "rig", "--page", "page.html") == 0
    assert "  page: page.html" in capsys.readouterr().out.splitlines()
    made = page.read_text(encoding="utf-8")
    lines = (folder / "session.yaml").read_text(encoding="utf-8").splitlines()
    blank = [number for number, line in enumerate(lines, start=1) if "???" in line.partition("#")[0]]
    for number in blank:
        assert f'id="line-0-{number}"' in made
        assert f"session.yaml:{number} " in made
    assert made.count('class="line marked"') == len(set(blank))
    for said in ("Mean picture of movie, channel 1, with outlines: rois", "First frame of face_cam", "FrameClock"):
        assert said in made


def test_the_page_of_a_movie_without_rate_and_plane_shows_it_and_no_times(tmp_path: Path) -> None:
    import numpy as np
    import tifffile

    tifffile.imwrite(tmp_path / "movie.tif", np.arange(5 * 6 * 9, dtype=np.uint16).reshape(5, 6, 9), photometric="minisblack")
    assert run("init", str(tmp_path), "--page", str(tmp_path / "page.html")) == 0
    made = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Mean picture of movie, channel 1" in made
    assert "to be read when its blanks are filled" in made
    assert "could not be read" not in made
    assert "a second" not in made


def test_a_page_is_of_one_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("init", "rig", str(folder), "--page", "page.html") == 2
    assert "--page is of one folder, and 2 are named" in capsys.readouterr().err
    assert not (folder / "session.yaml").exists()


@pytest.mark.usefixtures("folder")
def test_a_page_that_cannot_be_written_is_said_and_the_draft_stays(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("init", "rig", "--page", "page.txt", "--json") == 2
    (document,) = json.loads(capsys.readouterr().out)
    assert document["page_error"] == "page.txt: a page is an .html file; write `--page page.html`"
    assert (Path("rig") / "session.yaml").exists()
    assert not Path("page.txt").exists()
