"""Windows, macOS and clouds, as far as they can be had here: what they give is simulated at the seams."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bergmann import disk
from bergmann.errors import SourceError, WriteError
from bergmann.find.draft import draft_session
from bergmann.find.listing import list_folder
from bergmann.plan.resolve import make_plan
from bergmann.registry import expand

SESSION = """\
format_version: 1
time_zone: UTC
session: {id: s1, description: Notes., start: 2024-05-17 10:30:57}
subject: {id: m1, species: Mus musculus, sex: F, age: 11 weeks}
sources:
  notes: {format: intervals, path: "PATH", columns: {label: what, start: from, stop: to}, unit: s}
"""
NOTES = "what,from,to\nquiet,0.5,4\ngrooming,6,7.25\n"


def status(**more: Any) -> Any:
    """What ``os.stat`` says of a file on another system."""
    return SimpleNamespace(**{"st_size": 12, "st_mode": 0o100666, **more})


@pytest.fixture
def session(tmp_path: Path) -> Callable[..., Path]:
    """Write a session of one table in a folder, which is made."""

    def write(folder: Path | None = None, path: str = "notes.csv", content: bytes = NOTES.encode()) -> Path:
        here = folder or tmp_path / "rig"
        here.mkdir(parents=True, exist_ok=True)
        if "*" not in path:
            (here / path).write_bytes(content)
        (here / "session.yaml").write_text(SESSION.replace("PATH", path), encoding="utf-8")
        return here / "session.yaml"

    return write


def said(path: Path) -> list[str]:
    return [finding.message for finding in make_plan(path).findings if finding.severity == "error"]


# --- files that only the cloud has ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marks", "is_away"),
    [
        ({}, False),
        ({"st_file_attributes": 0x20}, False),  # archive
        ({"st_file_attributes": 0x20 | 0x1000}, True),  # offline
        ({"st_file_attributes": 0x400000 | 0x200}, True),  # recall on data access, sparse: OneDrive
        ({"st_file_attributes": 0x40000}, True),  # recall on open
        ({"st_file_attributes": 0x80000}, False),  # pinned: always kept on this device
        ({"st_flags": 0x40000000}, True),  # dataless: iCloud
        ({"st_flags": 0x8000}, False),  # hidden
    ],
)
def test_a_placeholder_is_known_by_what_its_system_marks(marks: dict[str, int], is_away: bool) -> None:
    assert disk.is_only_in_cloud(status(**marks)) is is_away


@pytest.fixture
def placeholders(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make the files of a name placeholders of OneDrive, as Windows tells it."""

    def mark(name: str) -> None:
        real = Path.stat

        def stat(self: Path, *arguments: Any, **more: Any) -> Any:
            found = real(self, *arguments, **more)
            if self.name != name:
                return found
            return SimpleNamespace(
                **{key: getattr(found, key) for key in dir(found) if key.startswith("st_")}, st_file_attributes=0x400000
            )

        monkeypatch.setattr(Path, "stat", stat)
        monkeypatch.setattr(disk, "_MARKED", True)

    return mark


def test_check_says_that_a_placeholder_is_not_on_this_disk(
    session: Callable[..., Path], placeholders: Callable[[str], None]
) -> None:
    path = session()
    placeholders("notes.csv")
    assert said(path) == [
        "notes.csv: this file is in the cloud and not on this disk; let the cloud program fetch it (`Always keep on this device`, "
        "`Download now`), then run this again"
    ]


def test_a_draft_opens_no_placeholder_and_notes_it(
    tmp_path: Path, placeholders: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "away.csv").write_text(NOTES, encoding="utf-8")
    placeholders("away.csv")
    opened: list[str] = []
    real = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: opened.append(self.name) or real(self, *a, **k))
    listing = list_folder(tmp_path)
    assert [path.name for path in listing.away] == ["away.csv"]
    assert listing.opened == ()
    (note,) = draft_session(tmp_path).notes
    assert note.startswith("only in the cloud, not on this disk, and not looked at: 1 file: away.csv; have the cloud program fetch")
    assert "away.csv" not in opened


def test_an_empty_file_in_a_clouds_folder_may_be_one_that_was_not_fetched(session: Callable[..., Path], tmp_path: Path) -> None:
    (message,) = said(session(tmp_path / "OneDrive - KRIBB" / "rig", content=b""))
    assert message.startswith(
        "notes.csv: this file has no bytes, and lies in OneDrive - KRIBB: it may not be on this disk; let the"
    )
    (message,) = said(session(tmp_path / "rig", content=b""))
    assert "cloud" not in message


def test_a_stub_of_icloud_is_named_by_the_file_that_it_stands_for(session: Callable[..., Path], tmp_path: Path) -> None:
    path = session()
    (path.parent / "notes.csv").rename(path.parent / ".notes.csv.icloud")
    assert said(path) == ["notes.csv: this file is in iCloud and not on this disk; download it, then run this again"]
    path.unlink()
    (note,) = draft_session(path.parent).notes
    assert "1 file: notes.csv; have the cloud program fetch" in note


def test_a_pattern_does_not_pass_over_a_file_that_is_in_icloud(tmp_path: Path) -> None:
    for name in ("bg_1.tif", "bg_2.tif", ".bg_3.tif.icloud"):
        (tmp_path / name).touch()
    with pytest.raises(SourceError, match=r"^bg_3\.tif: this file is in iCloud and not on this disk"):
        expand(tmp_path / "bg_*.tif")
    assert [path.name for path in expand(tmp_path / "bg_[12].tif")] == ["bg_1.tif", "bg_2.tif"]


# --- what systems leave behind ----------------------------------------------------------------------------------------


LITTER = ("Thumbs.db", "desktop.ini", ".DS_Store", "._bg_1.tif", "~$bg.tif", ".~lock.bg.tif#", ".hidden.tif")


def test_a_pattern_takes_nothing_that_systems_left_there(tmp_path: Path) -> None:
    for name in (*LITTER, "bg_1.tif"):
        (tmp_path / name).touch()
    assert [path.name for path in expand(tmp_path / "*")] == ["bg_1.tif"]
    assert [path.name for path in expand(tmp_path / "*.tif")] == ["bg_1.tif"]
    assert [path.name for path in expand(tmp_path / "*bg*")] == ["bg_1.tif"]


def test_a_listing_has_nothing_that_systems_left_there(tmp_path: Path) -> None:
    for name in (*LITTER, "bg_1.tif"):
        (tmp_path / name).touch()
    assert [path.name for path in list_folder(tmp_path).files] == ["bg_1.tif"]


# --- files that another program holds ---------------------------------------------------------------------------------


def sharing_violation(*_: Any, **__: Any) -> None:
    """What Windows gives when Excel has a table open: the C library's number, without Windows' own."""
    raise PermissionError(13, "Permission denied")


def test_a_table_that_excel_holds_open_is_said_so(session: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = session()
    real = Path.open
    held = "notes.csv"
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: sharing_violation() if self.name == held else real(self, *a, **k))
    assert said(path) == ["notes.csv: you may not read it; ask whoever manages this computer, or copy it to a folder of yours"]
    monkeypatch.setattr(disk, "WINDOWS", True)
    (message,) = said(path)
    assert message.startswith("notes.csv: another program has it open, or you may not read it; close it there (a table in Excel, ")


def test_a_session_file_or_a_calibration_that_is_held_open_is_said_so(
    session: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bergmann.optogenetics.power import read_curve

    path = session()
    (path.parent / "laser.csv").write_text("V,mW\n0,0\n1,2\n", encoding="utf-8")
    monkeypatch.setattr(Path, "read_bytes", sharing_violation)
    monkeypatch.setattr(disk, "WINDOWS", True)
    (message,) = said(path)
    assert message.startswith("another program has it open")
    with pytest.raises(SourceError, match=r"^laser\.csv: another program has it open"):
        read_curve(path.parent / "laser.csv", command_unit="V", power_unit="mW")


def test_windows_own_number_is_enough() -> None:
    error = PermissionError(13, "in use")
    error.winerror = 32  # type: ignore[attr-defined,unused-ignore]
    assert disk.why_closed(error).startswith("another program has it open")
    assert disk.why_closed(OSError(5, "Input/output error")) == "it cannot be opened (Input/output error)"


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """Let replacing a file that exists fail so many times, as on Windows while another program has it open."""

    def hold(times: int) -> list[int]:
        left = [times]
        real = Path.replace

        def replace(self: Path, target: Any) -> Path:
            if Path(target).exists() and left[0]:
                left[0] -= 1
                raise PermissionError(13, "Access is denied")
            return real(self, target)

        monkeypatch.setattr(disk, "WINDOWS", True)
        monkeypatch.setattr(Path, "replace", replace)
        return left

    return hold


def pair(folder: Path) -> tuple[Path, Path]:
    new, old = folder / "new.part", folder / "old.nwb"
    new.write_bytes(b"new")
    old.write_bytes(b"old")
    return new, old


def test_a_file_that_is_held_for_a_moment_is_replaced(tmp_path: Path, held: Callable[[int], list[int]]) -> None:
    new, old = pair(tmp_path)
    left, waited = held(3), []
    disk.replace_when_free(new, old, waited.append)
    assert (old.read_bytes(), new.exists(), left, waited) == (b"new", False, [0], [0.1, 0.2, 0.4])


def test_a_file_that_stays_open_is_named_and_both_are_kept(tmp_path: Path, held: Callable[[int], list[int]]) -> None:
    new, old = pair(tmp_path)
    held(99)
    waited: list[float] = []
    with pytest.raises(
        WriteError, match=r"^old\.nwb: cannot be replaced: another program has it open .* The older file is as it was"
    ):
        disk.replace_when_free(new, old, waited.append)
    assert (old.read_bytes(), new.read_bytes()) == (b"old", b"new")
    assert sum(waited) == pytest.approx(1.5)


def test_a_conversion_over_an_open_file_leaves_the_older_one_and_nothing_else(
    session: Callable[..., Path], tmp_path: Path, held: Callable[[int], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bergmann.convert import convert_session

    path, out = session(), tmp_path / "out"
    first = convert_session(path, out)
    assert first.is_good
    assert first.target is not None
    before = first.target.read_bytes()
    held(99)
    again = convert_session(path, out, overwrite=True)
    assert again.result == "failed"
    assert f"{first.target.name}: cannot be replaced: another program has it open" in again.findings[-1].message
    assert first.target.read_bytes() == before
    assert {one.name for one in out.rglob("*") if one.is_file()} == {first.target.name, "dandiset.yaml"}


def test_an_older_file_that_cannot_be_removed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "unlink", sharing_violation)
    with pytest.raises(
        WriteError, match=r"^a\.nwb: the new file of this session is in place, and this older one cannot be removed"
    ):
        disk.remove_older(tmp_path / "a.nwb")


def test_windows_makes_no_link_to_a_file_that_it_could_not_remove_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from bergmann.writing.videos import link_or_copy

    video = tmp_path / "paw.avi"
    video.write_bytes(b"RIFF")
    video.chmod(0o444)
    link_or_copy(video, tmp_path / "linked.avi")
    assert (tmp_path / "linked.avi").stat().st_ino == video.stat().st_ino
    monkeypatch.setattr(disk, "WINDOWS", True)
    link_or_copy(video, tmp_path / "copied.avi")
    assert (tmp_path / "copied.avi").stat().st_ino != video.stat().st_ino
    assert (tmp_path / "copied.avi").stat().st_mode & 0o200


# --- another drive ----------------------------------------------------------------------------------------------------


def test_a_video_on_another_drive_is_copied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from bergmann.writing.videos import link_or_copy

    def other_drive(*_: Any) -> None:
        raise OSError(17, "The system cannot move the file to a different disk drive")

    (tmp_path / "paw.avi").write_bytes(b"RIFF")
    monkeypatch.setattr(os, "link", other_drive)
    link_or_copy(tmp_path / "paw.avi", tmp_path / "copied.avi")
    assert (tmp_path / "copied.avi").read_bytes() == b"RIFF"


def test_a_file_on_another_drive_is_named_by_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from bergmann.convert.naming import relative_name

    def other_drive(*_: Any) -> None:
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr(os.path, "relpath", other_drive)
    assert relative_name(tmp_path / "Kim" / "movie.tif", tmp_path) == "movie.tif"


# --- names ------------------------------------------------------------------------------------------------------------


def test_files_that_windows_takes_for_one_are_refused(tmp_path: Path) -> None:
    (tmp_path / "BG_1.tif").touch()
    (tmp_path / "bg_1.TIF").touch()
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this disk takes the two names for one already")
    with pytest.raises(SourceError, match=r"there is .*, too; on Windows and macOS these are one name"):
        expand(tmp_path / "*")


@pytest.mark.parametrize(
    ("subject", "other", "named"),
    [("m1", ("M1", "s1"), "sub-m1"), ("m1", ("m1", "S1"), "sub-m1_ses-s1")],
    ids=["subject", "session"],
)
def test_a_session_whose_name_differs_in_case_only_is_refused_before_any_work(
    subject: str, other: tuple[str, str], named: str, session: Callable[..., Path], tmp_path: Path
) -> None:
    from bergmann.convert import convert_session

    path, out = session(), tmp_path / "out"
    first = convert_session(path, out)
    assert first.is_good
    assert first.target is not None
    before = first.target.read_bytes()
    text = path.read_text(encoding="utf-8").replace("{id: m1", f"{{id: {other[0]}").replace("{id: s1", f"{{id: {other[1]}")
    path.write_text(text, encoding="utf-8")
    for overwrite in (False, True):
        again = convert_session(path, out, overwrite=overwrite)
        assert again.result == "failed"
        message = again.findings[-1].message
        assert message.startswith(named)
        assert "differs from the name of this session only in capital and small letters" in message
    assert first.target.read_bytes() == before
    assert [one.name for one in out.rglob("*.nwb")] == [first.target.name]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_korean_name_is_found_in_the_form_that_another_system_gave_it(
    form: str, session: Callable[..., Path], tmp_path: Path
) -> None:
    path = session(path="기록.csv")
    there = path.parent / "기록.csv"
    there.rename(path.parent / unicodedata.normalize(form, "기록.csv"))
    folder = tmp_path / unicodedata.normalize(form, "실험")
    path.parent.rename(folder)
    assert said(folder / "session.yaml") == []
    assert [one.name for one in expand(tmp_path / "실험" / "기록.csv")] == [unicodedata.normalize(form, "기록.csv")]


def test_a_folder_that_may_not_be_listed_is_no_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "iterdir", sharing_violation)
    assert disk.same_letters(tmp_path / "기록.csv") is None
    assert disk.same_letters(tmp_path) == tmp_path


def test_a_pattern_finds_names_in_the_form_that_another_system_gave_them(tmp_path: Path) -> None:
    folder = tmp_path / unicodedata.normalize("NFD", "실험")
    folder.mkdir()
    for name in ("기록_1.csv", "기록_2.csv", "다른_1.csv"):
        (folder / unicodedata.normalize("NFD", name)).touch()
    found = expand(tmp_path / "실험" / "기록_*.csv")
    assert [unicodedata.normalize("NFC", path.name) for path in found] == ["기록_1.csv", "기록_2.csv"]
    assert all(path.is_file() for path in found)


@pytest.mark.parametrize(("text", "name"), [("CON", "CON"), ("a.", "a-"), ("nul.1 ", "nul-1-"), ("COM1", "COM1"), ("x_y", "x-y")])
def test_no_id_makes_a_file_name_that_windows_refuses(text: str, name: str) -> None:
    """Ids stand behind ``sub-`` and ``ses-``, so that none is a device's name; and no name ends with a dot or a space."""
    from bergmann.writing.naming import organized_id

    assert organized_id(text) == name
    assert not f"sub-{organized_id(text)}".endswith((".", " "))


# --- long paths -------------------------------------------------------------------------------------------------------


@pytest.fixture
def short_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Windows on which long paths are not switched on."""
    monkeypatch.setattr(disk, "longest_path", lambda: disk.LONGEST)


@pytest.mark.usefixtures("short_windows")
def test_a_path_that_windows_cannot_open_is_said_to_be_too_long(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120) / ("y" * 120) / "movie.tif"
    with pytest.raises(
        SourceError, match=rf"^movie\.tif: .* the path has {len(str(deep))} characters, and this Windows opens up to 259"
    ):
        expand(deep)
    with pytest.raises(SourceError, match=r"^movie\.tif: there is no"):
        expand(tmp_path / "movie.tif")


@pytest.mark.usefixtures("short_windows")
def test_an_output_that_would_be_too_long_is_refused_before_any_work(session: Callable[..., Path], tmp_path: Path) -> None:
    from bergmann.convert import convert_session

    done = convert_session(session(), tmp_path / ("x" * (259 - len(str(tmp_path)) - 60)))
    assert done.result == "failed"
    assert "the files of this session could not be written there: the path has" in done.findings[-1].message
    assert [one.name for one in tmp_path.iterdir()] == ["rig"]


# --- links ------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="making links needs a right on Windows that tests do not have")
@pytest.mark.parametrize("marked", [False, True], ids=["Linux", "macOS"])
def test_links_to_folders_above_and_in_circles_are_not_followed(
    marked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "_MARKED", marked)
    rig = tmp_path / "cohort" / "rig"
    rig.mkdir(parents=True)
    (tmp_path / "cohort" / "other.csv").write_text(NOTES, encoding="utf-8")
    (rig / "own.csv").write_text(NOTES, encoding="utf-8")
    (rig / "up").symlink_to(tmp_path / "cohort", target_is_directory=True)
    (rig / "self").symlink_to(rig, target_is_directory=True)
    (rig / "gone.csv").symlink_to(rig / "nowhere.csv")
    assert [path.name for path in list_folder(rig).files if path.exists()] == ["own.csv"]


def test_a_folder_that_cannot_be_looked_into_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rig" / "closed").mkdir(parents=True)
    real = os.scandir

    def scandir(path: Any) -> Any:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    (note,) = draft_session(tmp_path / "rig").notes
    assert note == "closed: cannot be looked into; may you read it?"


# --- spaces and Korean in paths, and consoles of other times ----------------------------------------------------------


def odd_folder(tmp_path: Path) -> Path:
    return tmp_path / "실험 1 µm"


def test_every_format_reads_below_a_folder_with_spaces_and_korean(small_lab: Any, tmp_path: Path) -> None:
    from bergmann import neuroconv_interfaces as interfaces

    pytest.importorskip("sleap_io")
    folder = odd_folder(tmp_path)
    shutil.copytree(small_lab.folder, folder)

    def moved(value: Any) -> Any:
        if isinstance(value, Path):
            return folder / value.relative_to(small_lab.folder)
        return {key: moved(one) for key, one in value.items()} if isinstance(value, dict) else value

    made = [getattr(interfaces, name) for name in interfaces.__all__ if name != "FormatInterface"]
    for interface in made:
        key = interface.format.key if interface.format.chosen_by is None else f"{interface.format.key}-{interface.format.chosen_by}"
        one = interface(**moved(small_lab.keys[key]))
        assert one.record.files or not {"path", "of"} & set(small_lab.keys[key])  # a protocol sheet has no file
        assert all(folder in file.parents for file in one.record.files), key
    assert len(made) == len(small_lab.keys)


def test_a_session_below_such_a_folder_is_converted(session: Callable[..., Path], tmp_path: Path) -> None:
    from bergmann.convert import convert_session

    done = convert_session(session(odd_folder(tmp_path)), odd_folder(tmp_path) / "dandiset 2")
    assert done.is_good, done.findings
    assert done.target is not None
    assert done.target.is_file()


@pytest.mark.parametrize(
    "content", [NOTES.replace("\n", "\r\n").encode("utf-8-sig"), NOTES.encode("utf-8-sig")], ids=["CRLF", "LF"]
)
def test_a_mark_at_the_beginning_and_line_ends_of_windows_change_nothing(content: bytes, session: Callable[..., Path]) -> None:
    path = session(content=content)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n").join([b"\xef\xbb\xbf", b""]))
    plan = make_plan(path)
    assert [one.message for one in plan.findings if one.severity == "error"] == []
    record = plan.headers["notes"]
    assert record.columns == {"label": ["quiet", "grooming"]}  # type: ignore[attr-defined]
    assert record.starts.seconds.tolist() == [0.5, 6.0]  # type: ignore[attr-defined]


@pytest.mark.parametrize("encoding", ["cp437", "cp949", "cp1252", "utf-8"])
def test_a_console_of_any_encoding_shows_text_and_gets_json_that_is_utf_8(
    encoding: str, session: Callable[..., Path], tmp_path: Path
) -> None:
    folder = odd_folder(tmp_path)
    path = session(folder)
    (folder / "notes.csv").unlink()
    environment = {**os.environ, "PYTHONIOENCODING": encoding}

    def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "bergmann", "check", str(path), *arguments], env=environment, capture_output=True, check=False
        )

    done = run()
    assert done.returncode == 2, done.stderr
    assert b"Traceback" not in done.stderr
    shown = done.stdout.decode(encoding)
    assert "notes.csv: there is no 'notes.csv'" in shown
    assert ("실험 1 µm" in shown) is (encoding == "utf-8") or encoding == "cp949"
    (document,) = json.loads(run("--json").stdout.decode("utf-8"))
    assert document["session"] == str(path)
