"""Drafts: filled in they give what a person wrote by hand; brought up to date they keep every byte of it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bergmann.errors import SessionError, SourceError, WriteError
from bergmann.find.draft import SCHEMA, draft_session
from bergmann.findings import Finding
from bergmann.plan.schema import render, session_schema
from bergmann.plan.session import LoadedSession, load_session

DESCRIPTION = "What the simulated rig recorded."
ANSWERS = {
    "session.id": "sni-pod7-capsaicin",
    "session.description": DESCRIPTION,
    "sources.rois.compartment": "process",
    "sources.LaserCmd": "{format: channel, of: daq/LaserCmd, site: lc_terminals, calibration: laser_473, threshold: 0.5 V}",
    "sources.ShockTTL": "{format: channel, of: daq/ShockTTL, event: noxious shock, amplitude: 1 mA, location: left hind paw}",
}
"""What a person writes in place of the blanks of the rig's draft."""

RENAMED = {"LaserCmd": "light", "ShockTTL": "shocks"}
"""Names of sources are the person's."""

BESIDES = """\
use: [more.yaml, ../lab.yaml, ../arms/shrna.yaml, BG042.yaml, nerve-injury.yaml]
"""

MORE = """\
subject: {weight: 21.4 g}
sources:
  paw_cam: {device: camera, description: left hind paw from the side}
  face_cam: {device: camera, description: face}
  licking: {format: boris, path: ../cohort/licking.boris, observation: "BG042 POD7", of: face_cam}
  notes: {format: intervals, path: notes.csv, of: movie, columns: {label: what, start: from, stop: to}, unit: frames}
  pupil: {absent: camera not running}
drugs:
  capsaicin: {action: stimulus, dose: 10 ug, volume: 10 uL, vehicle: 0.9 % saline, route: intraplantar, site: left hind paw,
              at: "10:34:30 +- 10 s"}
"""
"""What no folder says: what was added beside the blanks."""


def blanks(path: Path) -> dict[str, Finding]:
    """The gaps of blanks that stand in a session file, by dotted key."""
    found = load_session(path).findings
    return {one.location.partition(" ")[2]: one for one in found if one.check == "gap" and "`???` stands here" in one.message}


def fill(path: Path, answers: Mapping[str, str]) -> None:
    """Write answers in place of blanks, as a person would in an editor."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for key, answer in answers.items():
        above = -1
        for depth, word in enumerate(key.split(".")):
            above = next(i for i, line in enumerate(lines) if i > above and line.startswith(f"{'  ' * depth}{word}:"))
        assert "???" in lines[above]
        lines[above] = lines[above].partition("???")[0] + answer
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def errors(loaded: LoadedSession) -> list[str]:
    return [finding.text for finding in loaded.findings if finding.severity == "error"]


def folder_of(tmp_path: Path, *names: str) -> Path:
    """A folder with a small table of intervals under each name, which is of no format, and a video under those that end so."""
    folder = tmp_path / "rig"
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("what,from,to\n", encoding="utf-8")
    return folder


# --- a new draft ------------------------------------------------------------------------------------------------------


def test_a_draft_says_where_it_is_and_what_is_in_it(rig: Any) -> None:
    drafted = draft_session(rig.folder, rig.use)
    assert drafted.path == rig.folder / "session.yaml"
    assert drafted.is_new
    assert drafted.n_sources == 8
    assert drafted.n_blanks == len(ANSWERS)
    assert [path.name for path in drafted.unclaimed] == ["notes.csv"]
    text = drafted.path.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=.bergmann/session.schema.json\n")
    assert "#   notes.csv  87 B  a table with the columns what, from, to: " in text
    assert (rig.folder / SCHEMA).read_text(encoding="utf-8") == render(session_schema())
    assert not list(rig.folder.rglob("*.partial"))


def test_the_blanks_are_the_gaps_and_say_what_they_mean(rig: Any) -> None:
    drafted = draft_session(rig.folder, rig.use)
    gaps = blanks(drafted.path)
    assert set(gaps) == set(ANSWERS)
    assert gaps["session.id"].message == (
        "`???` stands here; it is still to be stated: name of the session, unique for its subject; part of the file's name"
    )
    assert "Which part of the cells" in gaps["sources.rois.compartment"].message
    assert "what this is: `{format: ..., path: ...}`" in gaps["sources.LaserCmd"].message


def test_an_ordinary_folder_with_a_lab_file_has_at_most_fifteen_blanks(rig: Any) -> None:
    assert draft_session(rig.folder, [rig.use[0]]).n_blanks <= 15


def test_without_a_lab_file_every_blank_is_a_gap_too(rig: Any) -> None:
    drafted = draft_session(rig.folder)
    assert drafted.n_blanks == len(blanks(drafted.path))
    assert set(blanks(drafted.path)) >= {
        "time_zone",
        "subject.id",
        "subject.species",
        "subject.sex",
        "planes.imaging_plane.location",
    }


def test_a_filled_draft_says_what_was_written_by_hand(rig: Any) -> None:
    drafted = filled(rig)
    by_hand = rig.folder / "by-hand.yaml"
    shutil.copy(rig.by_hand, by_hand)
    mine, theirs = load_session(drafted), load_session(by_hand)
    assert errors(mine) == errors(theirs) == []
    assert set(mine.sources) == set(theirs.sources)
    for name, entry in theirs.sources.items():
        assert mine.sources[name].source == entry.source
        assert mine.sources[name].stated == entry.stated
        assert (mine.sources[name].clock, mine.sources[name].starts) == (entry.clock, entry.starts)
    assert mine.collections == theirs.collections
    assert mine.absent == theirs.absent
    assert mine.head is not None
    assert theirs.head is not None
    assert mine.head.subject == theirs.head.subject
    assert mine.head.session == theirs.head.session.model_copy(update={"description": DESCRIPTION})


def filled(rig: Any) -> Path:
    """The draft of the rig's folder, filled in."""
    path = draft_session(rig.folder, rig.use).path
    fill(path, ANSWERS)
    text = re.sub(r"^use: .*\n", BESIDES, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for old, new in RENAMED.items():
        text = text.replace(f"\n  {old}: ", f"\n  {new}: ")
    path.write_text(text, encoding="utf-8")
    (rig.folder / "more.yaml").write_text(MORE, encoding="utf-8")
    return path


def test_a_filled_draft_converts_to_the_same_file(rig: Any, tmp_path: Path) -> None:
    from bergmann.convert import convert_session

    by_hand = rig.folder / "by-hand.yaml"
    by_hand.write_text(rig.by_hand.read_text(encoding="utf-8"), encoding="utf-8")
    mine = convert_session(filled(rig), tmp_path / "mine")
    theirs = convert_session(by_hand, tmp_path / "theirs")
    assert mine.is_good
    assert theirs.is_good

    one, other = contents(mine.target), contents(theirs.target)
    assert len(other) > 100
    assert set(one) == set(other)
    assert [key for key in other if one[key] != other[key]] == []


TOLD_APART = ("file_create_date", "identifier", "session_description", "specifications", "conversion", "external_file")
"""What differs between two files of one session: when each was made, its own ids, and from which lines."""


def contents(path: Path) -> dict[str, str]:
    """Every value of an NWB file as text, by its path."""
    import h5py

    found: dict[str, str] = {}

    def keep(name: str, one: Any) -> None:
        if isinstance(one, h5py.Dataset) and not any(word in name for word in TOLD_APART):
            values = one[()]
            is_reference = one.dtype.kind == "O" and h5py.check_ref_dtype(one.dtype) is not None
            found[name] = str(one.shape) if is_reference or one.dtype.names else repr(getattr(values, "tolist", lambda: values)())

    with h5py.File(path, "r") as file:
        file.visititems(keep)
    return found


# --- a second run -----------------------------------------------------------------------------------------------------


def test_a_second_run_changes_no_byte(rig: Any) -> None:
    path = draft_session(rig.folder, rig.use).path
    before = path.read_bytes()
    again = draft_session(rig.folder)
    assert path.read_bytes() == before
    assert not again.is_new
    assert again.added == ()
    assert again.notes == ()


def test_what_a_person_wrote_stays_and_new_finds_are_appended(rig: Any) -> None:
    face = rig.folder / "cam" / "face.mp4"
    late = rig.folder.parent / "face.mp4"
    face.rename(late)
    path = filled(rig)
    text = path.read_text(encoding="utf-8").replace("\n  daq:", "\n\n  # mine, with 한글 and   spaces\n  daq:", 1)
    text = text.replace("  daq:\n", "  rig_daq:   # renamed\n").replace("daq/", "rig_daq/").replace("path: rig_daq/", "path: daq/")
    text = text.replace("start: from daq", "start:   from rig_daq")
    path.write_text(text, encoding="utf-8", newline="\r\n")
    before = path.read_bytes()
    late.rename(face)
    drafted = draft_session(rig.folder)
    assert drafted.added == ("face_cam_2",)  # more.yaml says something of face_cam already
    after = path.read_bytes()
    cut = after.index(b"  # cam/face.mp4")
    new = after[cut : cut + len(after) - len(before)]
    assert after.replace(new, b"", 1) == before
    assert b"\r\n    clock: rig_daq/CamTTL  # 1,291 pulses at 5 Hz = frames of face_cam_2\r\n" in new
    assert load_session(path).sources["face_cam_2"].clock is not None


def test_what_was_taken_out_stays_out(rig: Any) -> None:
    path = draft_session(rig.folder, rig.use).path
    text = path.read_text(encoding="utf-8")
    kept = re.sub(r"\n  # daq/ShockTTL(?:.*\n)*?  ShockTTL: \?\?\?\n", "\n", text)
    assert kept != text
    path.write_text(kept, encoding="utf-8")
    drafted = draft_session(rig.folder)
    assert path.read_text(encoding="utf-8") == kept
    assert drafted.notes == ("taken out before, and left out: ShockTTL",)
    renamed = kept.replace("  daq:\n", "  rig_daq:\n").replace(": daq/", ": rig_daq/").replace("path: rig_daq/", "path: daq/")
    path.write_text(renamed, encoding="utf-8")
    assert draft_session(rig.folder).added == ()


def test_new_files_of_no_format_are_listed_behind_the_old(rig: Any) -> None:
    path = draft_session(rig.folder, rig.use).path
    before = path.read_bytes()
    (rig.folder / "late.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    draft_session(rig.folder)
    assert path.read_bytes().startswith(before)
    assert path.read_bytes()[len(before) :].decode().count("late.csv") == 1
    assert "notes.csv" not in path.read_bytes()[len(before) :].decode()


@pytest.mark.parametrize(
    "text",
    [
        "sources: {}\n",
        "sources: {daq: {format: wavesurfer, path: daq/bg042_0001.h5}}\n",
        "{sources: {}}\n",
    ],
)
def test_sources_in_braces_are_left_alone_and_the_lines_are_given(rig: Any, text: str) -> None:
    path = rig.folder / "session.yaml"
    path.write_text(text, encoding="utf-8")
    drafted = draft_session(rig.folder)
    assert path.read_text(encoding="utf-8") == text
    assert "  movie:\n    format: scanimage\n" in drafted.to_paste


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment",
        "time_zone: Asia/Seoul",
        "sources:\n  pupil: {absent: camera not running}",
        "sources:\n    pupil:\n        absent: >-\n            camera\n\n            not running\n\ntime_zone: Asia/Seoul\n",
        "sources:\n  pupil:\n    absent: |\n      not\n\n\n# end\nkeywords:\n- a\n",
        "\ufeffsources:\n  pupil: {absent: no,\n    }  # behind\n# far behind\n",
    ],
)
def test_sources_are_appended_to_files_of_any_shape(rig: Any, text: str) -> None:
    path = rig.folder / "session.yaml"
    path.write_text(text, encoding="utf-8")
    before = load_session(path)
    drafted = draft_session(rig.folder)
    assert drafted.to_paste == ""
    assert "movie" in drafted.added
    after = load_session(path)
    assert after.absent == before.absent
    assert all(line in path.read_text(encoding="utf-8").splitlines() for line in text.splitlines())
    assert draft_session(rig.folder).added == ()


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"sources: {a: 1", b"a: \xff\n", b"\xff\xfea\x00", b"use: [not there.yaml]\n"])
def test_a_session_file_that_cannot_be_read_is_left_as_it_is(rig: Any, content: bytes) -> None:
    path = rig.folder / "session.yaml"
    path.write_bytes(content)
    with pytest.raises(SessionError):
        draft_session(rig.folder)
    assert path.read_bytes() == content
    assert not (rig.folder / ".bergmann").exists()


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"^nowhere: is not there; name the folder that the rig left behind$"):
        draft_session(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match=r"^file: is a file; name the folder that the rig left behind$"):
        draft_session(tmp_path / "file")


def test_a_folder_that_cannot_be_written_is_said(rig: Any) -> None:
    (rig.folder / ".bergmann").write_text("a file where a folder is needed", encoding="utf-8")
    with pytest.raises(WriteError, match="cannot be written"):
        draft_session(rig.folder)
    assert not (rig.folder / "session.yaml").exists()


# --- names ------------------------------------------------------------------------------------------------------------

ODD = """two words|한글 영상|a[1]|b #2|key: value|*star|&and|{brace}|it's|say "x"|- dash|%per|@at|!x|0042|No|~|null
a, b|trailing.|xx: [y|e\u0301|?q|>g|=eq|10:31|#518""".replace("\n", "|").split("|")


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_quoted_right_and_load(demo_folder: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "odd" / name
    folder.mkdir(parents=True)
    shutil.copy(demo_folder / "BG042" / "cam" / "face.mp4", folder / f"{name}.mp4")
    shutil.copy(demo_folder / "BG042" / "daq" / "bg042_0001.h5", folder / f"{name}.h5")
    path = draft_session(tmp_path / "odd", [demo_folder / "lab.yaml"]).path
    loaded = load_session(path)
    assert {one.source.path for one in loaded.sources.values()} == {folder / f"{name}.h5", folder / f"{name}.mp4"}  # type: ignore[attr-defined]
    assert {finding.check for finding in loaded.findings if finding.severity == "error"} == {"gap"}


@pytest.mark.parametrize(
    "name", ["x\nsubject: {id: forged}\ny", "a\\b", "D:x", "<subject_id>", "x\x1b[31mred", "u\u2028v", "w\x85z"]
)
def test_names_that_no_session_file_can_hold_are_comments_of_one_line(demo_folder: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    shutil.copy(demo_folder / "BG042" / "cam" / "face.mp4", folder / f"{name}.mp4")
    (folder / f"{name}.txt").touch()
    drafted = draft_session(folder, [demo_folder / "lab.yaml"])
    text = drafted.path.read_text(encoding="utf-8")
    assert load_session(drafted.path).sources == {}
    assert "subject.id" in blanks(drafted.path)
    assert not {"\x1b", "\u2028", "\x85"} & set(text)
    assert sum("rename it" in line for line in text.split("\n")) == 1
    assert all(line.startswith("#") for line in text.split("\n") if "forged" in line)
    assert all("\x1b" not in note and "\n" not in note for note in drafted.notes)


def test_what_a_file_says_of_itself_stays_a_comment(tmp_path: Path, demo_folder: Path) -> None:
    folder = tmp_path / "forged"
    folder.mkdir()
    project = json.loads((demo_folder / "cohort" / "licking.boris").read_text(encoding="utf-8"))
    first = next(iter(project["observations"].values()))
    project["observations"] = {"x\nsubject: {id: forged}": first, "y": first}
    (folder / "p.boris").write_text(json.dumps(project), encoding="utf-8")
    drafted = draft_session(folder, [demo_folder / "lab.yaml"])
    assert "subject.id" in blanks(drafted.path)
    assert "\nsubject: {id: forged}" not in drafted.path.read_text(encoding="utf-8")


def test_other_overlays_at_a_second_run_are_not_taken_silently(rig: Any) -> None:
    path = draft_session(rig.folder, rig.use[:1]).path
    before = path.read_bytes()
    (note,) = draft_session(rig.folder, rig.use[:2]).notes
    assert note == "`use:` stays as you wrote it; add ../arms/shrna.yaml to it if the session is to be laid over that"
    assert path.read_bytes() == before


def test_without_a_lab_file_the_plane_of_the_only_movie_is_asked_for_key_by_key(rig: Any) -> None:
    path = draft_session(rig.folder).path
    gaps = set(blanks(path))
    channels = {f"planes.imaging_plane.channels.{number}.{key}" for number in (1, 2) for key in ("label", "emission")}
    assert {key for key in gaps if key.startswith(("planes", "devices"))} == channels | {
        "planes.imaging_plane.location",
        "planes.imaging_plane.excitation",
        "devices.microscope.model",
    }
    assert not [one for one in load_session(path).findings if one.check not in {"gap", "dangling reference"}]
    assert draft_session(rig.folder).added == ()


def taken_out(text: str) -> str:
    """The draft with the signs taken away from the lines that offer a plane, as its comment says."""
    head, offer = text.split("# devices:\n", 1)
    offered, _, rest = offer.partition("\n\n")
    return head + "\n".join(line.removeprefix("# ") for line in f"# devices:\n{offered}".splitlines()) + "\n" + rest


def test_where_no_plane_is_stated_one_is_offered_as_comments(tmp_path: Path, small_lab: Any) -> None:
    shutil.copytree(small_lab.folder / "stack", tmp_path / "a")
    shutil.copytree(small_lab.folder / "TSeries-001", tmp_path / "TSeries-001")
    drafted = draft_session(tmp_path)
    path = drafted.path
    assert {key for key in blanks(path) if "plane" in key} == {"sources.TSeries-001.plane", "sources.stack.plane"}
    assert drafted.n_blanks == len(blanks(path))
    (said,) = {one.remedy for key, one in blanks(path).items() if key.endswith(".plane")}
    assert said == (
        "none of `planes` is stated yet, here or in a file of `use:`; an entry of it needs device, location, excitation, channels"
    )

    text = path.read_text(encoding="utf-8")
    assert "# `plane: ???` asks for the name of an entry of `planes`" in text
    path.write_text(taken_out(text).replace("plane: ???", "plane: imaging_plane"), encoding="utf-8")
    channels = {f"planes.imaging_plane.channels.{number}.{key}" for number in (1, 2) for key in ("label", "emission")}
    assert {key for key in blanks(path) if key.startswith(("planes", "devices")) or key.endswith("plane")} == channels | {
        "planes.imaging_plane.location",
        "planes.imaging_plane.excitation",
        "devices.microscope.model",
    }
    assert {one.check for one in load_session(path).findings} == {"gap"}
    assert draft_session(tmp_path).added == ()


def test_a_plane_that_is_offered_names_the_only_device(tmp_path: Path, small_lab: Any) -> None:
    shutil.copytree(small_lab.folder / "caiman", tmp_path / "rois")
    lab = tmp_path / "lab.yaml"
    lab.write_text("devices: {scope: {model: Example 2P}}\n", encoding="utf-8")
    text = draft_session(tmp_path, [lab]).path.read_text(encoding="utf-8")
    assert "#     device: scope " in text
    assert "# devices:" not in text
    lab.write_text("devices: {scope: {model: Example 2P}, laser: {model: Example L}}\n", encoding="utf-8")
    (tmp_path / "session.yaml").unlink()
    text = draft_session(tmp_path, [lab]).path.read_text(encoding="utf-8")
    assert "#     device: ???      # one of: scope, laser\n" in text


def test_no_plane_is_offered_where_one_is_stated(rig: Any) -> None:
    assert "asks for the name of an entry" not in draft_session(rig.folder, rig.use).path.read_text(encoding="utf-8")
    assert "asks for the name of an entry" not in draft_session(rig.folder.parent / "arms").path.read_text(encoding="utf-8")


def test_a_text_with_commas_is_not_called_a_table(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("session 3, second mouse\nwater, 10:31, then nothing\nend\n", encoding="utf-8")
    (tmp_path / "scores.csv").write_text("동물,점수\n1,0.4\n2,0.6\n", encoding="utf-8")
    text = draft_session(tmp_path).path.read_text(encoding="utf-8")
    assert "#   notes.txt  55 B\n" in text
    assert "scores.csv  26 B  a table with the columns 동물, 점수: " in text
