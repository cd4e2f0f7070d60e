"""Where files may be in a dandiset, and the files that an NWB file names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bergmann.publish.paths import External, check_externals, check_paths, read_externals, taken_path

from .small_dandisets import add_video, make_session, write

ARCHIVE = re.compile(r"^([A-Za-z0-9(),&\s#+~_=-]?\/?\.?[A-Za-z0-9(),&\s#+~_=-])+$")
"""The archive's own rule (dandi-archive, ``asset.py``), but for the five signs between Z and a that its ``A-z`` lets through."""


def said(*paths: str) -> list[str]:
    return [one.text for one in check_paths(paths)]


def test_usual_paths_are_taken() -> None:
    assert (
        said("sub-m1/sub-m1_ses-base_ophys.nwb", "sub-m1/sub-m1_ses-base_ophys/0_external_file_0.mp4", "notes (1) #2,&+~=.txt")
        == []
    )


@pytest.mark.parametrize(
    ("path", "better"),
    [
        ("sub-m1/sub-m1_ses-10:30.nwb", "sub-m1/sub-m1_ses-10-30.nwb"),
        ("sub-José/sub-José_ses-base.nwb", "sub-Jose/sub-Jose_ses-base.nwb"),
        ("sub-생쥐/sub-생쥐_ses-b.nwb", None),
        ("sub-m1/sub-m1_ses-a@b.nwb", "sub-m1/sub-m1_ses-a-b.nwb"),
        ("sub-m1/sub-m1_ses-a..nwb", "sub-m1/sub-m1_ses-a.nwb"),
        ("sub-m1//sub-m1_ses-a.nwb", "sub-m1/sub-m1_ses-a.nwb"),
        ("sub-m1/sub-m1_ses-a.nwb.", "sub-m1/sub-m1_ses-a.nwb"),
    ],
)
def test_a_refused_path_is_offered_as_the_archive_takes_it(path: str, better: str | None) -> None:
    (text,) = said(path)
    offered = text.rpartition("rename it to ")[2].rstrip(")")
    assert text.startswith(f"error: {path}: the archive takes no path")
    assert ARCHIVE.match(offered)
    assert better is None or offered == better


def test_the_session_is_always_in_the_name() -> None:
    assert said("sub-m1/sub-m1_ophys.nwb") == [
        "error: sub-m1/sub-m1_ophys.nwb: its name does not tell the session, so a second session of this subject would have the "
        "same (rename it to sub-m1/sub-m1_ses-<session>_ophys.nwb)"
    ]


def test_paths_that_some_disks_take_for_one_are_refused() -> None:
    found = said("sub-a/sub-a_ses-b.nwb", "sub-A/sub-A_ses-b.nwb")
    assert found[0].startswith("error: sub-a/sub-a_ses-b.nwb: sub-A/sub-A_ses-b.nwb and sub-a/sub-a_ses-b.nwb differ only in")
    assert found[1].startswith("error: sub-a: sub-A and sub-a differ only in")
    (clash,) = said("x_ses-1.nwb", "X_ses-1.nwb/video.mp4")
    assert "it would be a file and a folder of the dandiset at once" in clash


def test_a_path_is_not_too_long() -> None:
    (text,) = said(f"{'a' * 510}.mp4")
    assert "it has 514 characters, and the archive takes up to 512" in text


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_what_is_offered_is_taken(text: str) -> None:
    offered = taken_path(f"sub-{text}/x_ses-1.nwb")
    assert ARCHIVE.match(offered)
    assert not [one for one in check_paths([offered]) if "takes no path" in one.message]


def externals(folder: Path, written: str) -> tuple[list[str], list[str]]:
    nwbfile = make_session()
    add_video(nwbfile, written)
    path = write(nwbfile, folder / "sub-m1" / "sub-m1_ses-base.nwb")
    found, findings = check_externals(path, folder, read_externals(path))
    return sorted(found), [one.text for one in findings]


def test_a_video_beside_the_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a.mp4").write_bytes(b"video")
    assert externals(tmp_path, "./../videos/a.mp4") == (["videos/a.mp4"], [])


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("/home/jane/a.mp4", "`/home/jane/a.mp4` is a path of one computer"),
        ("C:/videos/a.mp4", "`C:/videos/a.mp4` is a path of one computer"),
        ("videos\\a.mp4", "`videos\\a.mp4` has `\\` between folders"),
        ("https://example.org/a.mp4", "is an address"),
        ("../../a.mp4", "`../../a.mp4` leads out of the dandiset"),
        ("b.mp4", "`b.mp4` is not there"),
        ("A.MP4", "`A.MP4` is written `a.mp4` on the disk"),
        ("empty.mp4", "`empty.mp4` is empty"),
        ("folder", "`folder` is a folder, not a file"),
        ("a.webm", "`a.webm` is of a kind that DANDI does not know"),
        ("a.mp4/b.mp4", "`a.mp4/b.mp4` is not there"),
    ],
)
def test_a_video_that_cannot_travel_is_named(tmp_path: Path, written: str, message: str) -> None:
    here = tmp_path / "sub-m1"
    (here / "folder").mkdir(parents=True)
    for name, content in (("a.mp4", b"video"), ("empty.mp4", b""), ("a.webm", b"video")):
        (here / name).write_bytes(content)
    found, (text,) = externals(tmp_path, written)
    assert not found
    assert text.startswith("error: sub-m1/sub-m1_ses-base.nwb:/acquisition/video: ")
    assert message in text


def test_an_empty_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sub-m1_ses-base.nwb"
    _, (finding,) = check_externals(path, tmp_path, [External("acquisition/video", " ")])
    assert finding.message == "the name is empty"
