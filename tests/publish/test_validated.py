"""A file that was validated is not validated again while it, and what judges it, stay what they are."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from bergmann.findings import Finding
from bergmann.publish import validated
from bergmann.publish.assets import Prepared
from bergmann.publish.local import publish_local
from bergmann.publish.placing import stamp_of
from bergmann.publish.preflight import prepare
from bergmann.publish.validated import Remembered, judges, note_digest

from .small_dandisets import add_video, make_dandiset, make_session, write

FOUND = [Finding(severity="warning", check="some check", location="a.nwb:/units", message="há 2 units", remedy="look", why="so")]
BASE, POD7 = "sub-m1/sub-m1_ses-base.nwb", "sub-m1/sub-m1_ses-pod7_image.nwb"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with a video, in a dandiset, that has lain still for long enough."""
    nwbfile = make_session()
    add_video(nwbfile, "../videos/camera.mp4")
    (tmp_path / "lab" / "videos").mkdir(parents=True)
    (tmp_path / "lab" / "videos" / "camera.mp4").write_bytes(b"video")
    (tmp_path / "lab" / "dandiset.yaml").write_text("identifier: REQUIRED\n", encoding="utf-8")
    path = write(nwbfile, tmp_path / "lab" / "sub-m1" / "sub-m1_ses-base.nwb")
    time.sleep(2.1)
    return path


@pytest.fixture
def ask(file: Path, tmp_path: Path) -> Callable[..., int]:
    """Ask for what is found in the file, check that it is what looking finds, and give how often it was looked at."""

    def asked(profile: Any = "archive", found: list[Finding] = FOUND) -> int:
        looks: list[Path] = []
        remembered = Remembered(profile, tmp_path / "cache")

        def look() -> list[Finding]:
            looks.append(file)
            return found

        assert remembered(file, look) == found
        assert len(list(remembered.notes(tmp_path))) == 1 - len(looks)
        return len(looks)

    return asked


def test_what_was_found_is_remembered_whole(ask: Callable[..., int]) -> None:
    assert [ask(), ask(), ask()] == [1, 0, 0]
    assert [ask("draft"), ask()] == [1, 1]  # one entry a file: of the profile that was asked for last


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a file's entry does not say when it was changed")
def test_a_changed_file_is_validated_again_even_with_its_old_time(ask: Callable[..., int], file: Path) -> None:
    ask()
    before = file.stat()
    with h5py.File(file, "r+") as opened:
        opened["session_description"][()] = "another"
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, ask()) == (before.st_size, 1)


def test_a_file_of_other_times_is_the_same_by_its_digest(ask: Callable[..., int], file: Path, tmp_path: Path) -> None:
    ask()
    stamp, sha256 = stamp_of(file), hashlib.sha256(file.read_bytes()).hexdigest()
    note_digest(file, (stamp[0], stamp[1] + 1, stamp[2]), "0" * 64, tmp_path / "cache")  # of the file as it was not
    note_digest(file, stamp, sha256, tmp_path / "cache")
    os.utime(file)
    assert [ask(), ask()] == [0, 0]
    with h5py.File(file, "r+") as opened:
        opened["session_description"][()] = "another"
    assert ask() == 1


@pytest.mark.parametrize("content", [None, b"another video"])
def test_a_video_that_is_gone_or_another_has_its_file_validated_again(
    ask: Callable[..., int], file: Path, content: bytes | None
) -> None:
    ask()
    video = file.parents[1] / "videos" / "camera.mp4"
    video.unlink()
    if content is not None:
        video.write_bytes(content)
    assert ask() == 1


def test_a_file_that_is_in_no_dandiset_any_more_is_validated_again(ask: Callable[..., int], file: Path) -> None:
    ask()
    (file.parents[1] / "dandiset.yaml").unlink()
    assert ask() == 1


@pytest.mark.parametrize("what", ["__version__", "VALIDATED_AS", "distributions"])
def test_another_version_validates_again(ask: Callable[..., int], monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    ask()
    before = judges("archive")
    other = {"__version__": "99.0", "VALIDATED_AS": -1, "distributions": lambda: ()}
    monkeypatch.setattr(validated, what, other[what])
    assert judges("archive") != before
    assert ask() == 1


def test_all_that_judges_a_file_is_named() -> None:
    said = judges("archive")
    for part in ("bergmann ", "pynwb ", "nwbinspector ", "dandi ", "dandischema ", "hdmf ", "ndx-pose ", "profile archive"):
        assert part in said


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"judged": {}, "when": 0, "findings": []}', b"\xff\xfe"])
def test_a_damaged_entry_is_as_none(ask: Callable[..., int], tmp_path: Path, damage: bytes) -> None:
    ask()
    (entry,) = (tmp_path / "cache" / "validated").iterdir()
    entry.write_bytes(damage)
    assert [ask(), ask()] == [1, 0]


def test_an_entry_is_for_the_user_alone_and_ends_after_a_month(
    ask: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask()
    if os.name == "posix":
        assert (tmp_path / "cache" / "validated").stat().st_mode & 0o077 == 0
    now = time.time()
    for days, looks in ((29, 0), (31, 1), (-1, 1)):
        monkeypatch.setattr(time, "time", lambda days=days: now + days * 86_400)
        assert ask() == looks


def test_a_place_that_cannot_be_written_is_no_error(ask: Callable[..., int], tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be", encoding="utf-8")
    assert [ask(), ask()] == [1, 1]


def test_a_file_changed_a_moment_ago_and_one_not_looked_at_to_its_end_are_not_remembered(
    ask: Callable[..., int], file: Path
) -> None:
    cut = [Finding(severity="error", check="unreadable", location="a.nwb", message="it could not be looked at to its end")]
    assert [ask(found=cut), ask(found=cut)] == [1, 1]
    os.utime(file)
    assert [ask(), ask()] == [1, 1]


def test_a_file_that_leans_on_another_is_not_remembered(ask: Callable[..., int], file: Path) -> None:
    with h5py.File(file, "r+") as opened:
        opened["scratch/elsewhere"] = h5py.ExternalLink("other.h5", "/somewhere")
    time.sleep(2.1)
    assert [ask(), ask()] == [1, 1]


WAIVERS = """\
waivers:
  no proof is needed:
    check: {check}
    reason: it is a test
    who: A. Person
    date: 2026-11-20
"""


def not_validated(prepared: Prepared) -> set[str]:
    return {one.location for one in prepared.findings if one.check == "validated before"}


def test_a_second_look_at_a_folder_validates_what_changed_says_so_and_heeds_new_waivers(tmp_path: Path) -> None:
    folder = make_dandiset(tmp_path / "dandiset")
    time.sleep(2.1)
    steps: list[tuple[int, int]] = []
    first = prepare(folder, on_step=lambda done, total: steps.append((done, total)))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert not_validated(first) == set()

    second = prepare(folder)
    assert not_validated(second) == {BASE, POD7}
    assert [one for one in second.findings if one.check != "validated before"] == list(first.findings)
    said = next(one for one in second.findings if one.check == "validated before")
    assert (said.severity, "has not changed since it was validated on 20" in said.message) == ("note", True)

    warned = next(one.check for one in first.findings if one.severity == "warning" and one.check.startswith("check_"))
    (tmp_path / "waivers.yaml").write_text(WAIVERS.format(check=warned), encoding="utf-8")
    third = prepare(folder)
    assert not_validated(third) == {BASE, POD7}
    assert {one.severity for one in third.findings if one.check == warned} == {"note"}

    (folder / BASE).touch()
    assert not_validated(prepare(folder)) == {POD7}


def test_what_was_published_into_a_folder_which_links_it_is_not_validated_again(tmp_path: Path) -> None:
    folder = make_dandiset(tmp_path / "dandiset")
    time.sleep(2.1)
    publish_local(prepare(folder), tmp_path / "published")
    assert not_validated(prepare(folder)) == {BASE, POD7}
