"""Wrong input: a message worth reading, the exit status, and nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from bergmann.registry import load_formats

from ..conftest import Ran
from .conftest import Folder

Alter = Callable[[Folder], object]
Bergmann = Callable[..., Ran]


def stating(old: str, new: str) -> Alter:
    return lambda folder: folder.state(old, new)


def writing(name: str, content: str | bytes) -> Alter:
    content = content.encode() if isinstance(content, str) else content
    return lambda folder: (folder.path / name).write_bytes(content)


def truncate_the_last_file(folder: Folder) -> None:
    path = folder.path / "2p" / "bg042_00001_00002.tif"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


def put_another_tiff_there(folder: Folder) -> None:
    for path in (folder.path / "2p").iterdir():
        path.unlink()
    tifffile.imwrite(folder.path / "2p" / "bg042_00001_00001.tif", np.zeros((5, 8, 8), dtype=np.uint16))


def name_a_text_as_abf(folder: Folder) -> None:
    (folder.path / "patch.abf").write_text("time,voltage\n0,1\n", encoding="utf-8")
    folder.state("sources:\n", "sources:\n  patch:   {format: abf, path: patch.abf, starts: 0 s after daq}\n")


UNREADABLE: dict[str, tuple[Alter, str, str]] = {
    "a missing file": (
        stating("daq/bg042_0001.h5", "daq/bg042_0002.h5"),
        "session.yaml:18 sources.daq",
        "bg042_0002.h5: there is no 'bg042_0002.h5'; the folder 'daq' has: bg042_0001.h5",
    ),
    "a pattern of no file": (
        stating("cam/paw_*.avi", "cam/pow_*.avi"),
        "session.yaml:22 sources.paw_cam",
        "pow_*.avi: no file matches 'pow_*.avi'; the folder 'cam' has: face.mp4, paw_1.avi, paw_2.avi, pawDLC.csv",
    ),
    "a missing folder": (
        lambda folder: shutil.rmtree(folder.path / "2p"),
        "session.yaml:19 sources.movie",
        "bg042_00001_*.tif: there is no folder '2p'; the folder 'BG042' has: cam, daq, notes.csv, session.yaml, suite2p",
    ),
    "a truncated TIFF": (
        truncate_the_last_file,
        "session.yaml:19 sources.movie",
        "bg042_00001_00002.tif: cut short in the middle of a page; the files hold 53 complete frames. Copy it again if the "
        "original is longer. State `last_frame: 53` for this source to use the complete part.",
    ),
    "a TIFF that is not ScanImage's": (
        put_another_tiff_there,
        "session.yaml:19 sources.movie",
        "bg042_00001_00001.tif: not a ScanImage TIFF (its header is of tifffile.py); expected `SI.*` or `state.*` values. If "
        "ImageJ or another program saved it, state `format: tiff` and its `rate`.",
    ),
    "an ABF that is a text": (
        name_a_text_as_abf,
        "session.yaml:18 sources.patch",
        "patch.abf: not an Axon binary file, it begins with b'time'; expected 'ABF ' or 'ABF2'. Is it another file, renamed?",
    ),
    "a CSV without a column": (
        writing("notes.csv", "what,begin,to\nquiet,1,2\n"),
        "session.yaml:23 sources.notes",
        "notes.csv: no column 'from'; the columns are: what, begin, to",
    ),
    "a CSV with a word for a number": (
        writing("notes.csv", "what,from,to\nquiet,one,2\n"),
        "session.yaml:23 sources.notes",
        "notes.csv: column 'from', line 2: 'one' is not a number",
    ),
    "fewer pulses than frames": (
        stating("clock: daq/FrameClock", "clock: daq/ShockTTL"),
        "session.yaml:19 sources.movie",
        "movie: 64 frames, but 1 pulse on daq/ShockTTL; expected one pulse a frame. Was one of the two stopped early, or does the "
        "line tick for something else?",
    ),
    "more pulses than frames": (
        stating("clock: daq/FrameClock", "clock: daq/CamTTL"),
        "session.yaml:19 sources.movie",
        "movie: 64 frames, but 91 pulses on daq/CamTTL; expected one pulse a frame. The pulses are from 1.105 s to 19.106 s of a "
        "line that was recorded from 0.000 s to 20.370 s, one every 200 ms, and the frames come every 250 ms. Was one "
        "of the two stopped early, or does the line tick for something else?",
    ),
    "a video that is a text": (
        writing("cam/paw_1.avi", "no video"),
        "session.yaml:22 sources.paw_cam",
        "paw_1.avi: not a video that can be read, or cut off before its index was written (Invalid data found when processing "
        "input); expected a whole AVI, MP4, MOV or MKV file",
    ),
    "traces that are no array": (
        writing("suite2p/plane0/F.npy", b"xx"),
        "session.yaml:20 sources.rois",
        "plane0/F.npy: not a whole NumPy file of numbers; copy the folder again",
    ),
}


@pytest.mark.parametrize("wrong", UNREADABLE)
def test_what_cannot_be_read_is_said_where_it_is_stated(folder: Folder, bergmann: Bergmann, wrong: str) -> None:
    alter, location, message = UNREADABLE[wrong]
    alter(folder)
    ran = bergmann("convert", folder.session, "--out", folder.out)
    assert (ran.status, findings_of(ran)) == (2, [f"error  {location}", f"    {message}"])
    assert not folder.out.exists()


def put_a_short_calibration_there(folder: Folder) -> None:
    (folder.path / "laser.csv").write_text("V,mW\n0,0\n0.5,1\n", encoding="utf-8")
    curve = "{file_path: laser.csv, input: V, output: mW, measured_at: fibre tip, date: unknown}"
    folder.state("devices:\n", f"calibrations: {{curve: {curve}}}\ndevices:\n")
    folder.state("power: 5 mW", "calibration: curve")


REFUSED: dict[str, tuple[Alter, str, str, str]] = {
    "a calibration that ends below the command": (
        put_a_short_calibration_there,
        "session.yaml:22 sources.light.calibration",
        "laser.csv: measured from 0 to 0.5 V, and pulse 1 is commanded at 2.72519 V (20 of 20 pulses are outside). Measure the "
        "laser there, or state `power:` for this source without `calibration:`",
        "",
    ),
    "no time zone": (
        stating("time_zone: Asia/Seoul\n", ""),
        "session.yaml:1 time_zone",
        "`time_zone` is missing: where the clocks stood, such as Asia/Seoul",
        "state it",
    ),
    "an unknown time zone": (
        stating("Asia/Seoul", "Asia/Soul"),
        "session.yaml:2 time_zone",
        "`Asia/Soul` is not a time zone by its IANA name; did you mean `Asia/Seoul`?",
        "",
    ),
    "an unknown receptor": (
        stating("receptor: Adra1a", "receptor: Adra1e"),
        "session.yaml:11 receptors.adra1a.receptor",
        "'Adra1e' is not a receptor of the vocabulary; did you mean `Adra1d` or `Adra1b` or `Adra1a`?",
        "write it as `name [CURIE]`, or as `name [unlisted]` if it is meant as it stands",
    ),
    "a plane that is not stated": (
        stating("plane: bg_plane", "plane: bg_plain"),
        "session.yaml:19 sources.movie.plane",
        "`bg_plain`: there is no `bg_plain` in planes",
        "did you mean `bg_plane`? known: bg_plane",
    ),
    "a source that is not stated": (
        stating("clock: daq/FrameClock", "clock: dac/FrameClock"),
        "session.yaml:19 sources.movie.clock",
        "`dac/FrameClock`: there is no `dac` in sources",
        "did you mean `daq`? known: daq, movie, rois, light, paw_cam, notes",
    ),
    "a channel that is not recorded": (
        stating("clock: daq/FrameClock", "clock: daq/FrameClok"),
        "session.yaml:19 sources.movie.clock",
        "daq has no channel 'FrameClok'",
        "did you mean `daq/FrameClock`? channels: FrameClock, LaserCmd, CamTTL, ShockTTL",
    ),
    "a bare number for a time": (
        stating("at: 9 s after movie", "at: 540"),
        "session.yaml:25 drugs.capsaicin.at",
        "`540` is not a time: a bare number says neither a unit nor from when; write `540 s after movie`, say; examples: "
        "`10 min after movie`, `30 min before session`, `10:41 +- 30 s`, `2024-05-17 10:41`, `frame 19200 of movie`, "
        '`first pulse of daq/Inject`, `each event of puffs`, `tag "+TGOT" of patch`, `start of base`, `prazosin ends`, '
        "`7 d after sni`, `unknown`",
        "",
    ),
    "a bare number for a power": (
        stating("power: 5 mW", "power: 5"),
        "session.yaml:21 sources.light.power",
        "`5` has no unit; write it behind the number, such as `5 mW`; or write `unknown`",
        "",
    ),
    "a tab": (
        stating("  laser: {man", "\tlaser: {man"),
        "session.yaml:7",
        "a tab",
        "indent with spaces, and put spaces behind a colon; YAML takes no tabs",
    ),
    "a key that is there twice": (
        stating("subject: {", "session: {id: s2}\nsubject: {"),
        "session.yaml:4",
        "`session` stands here and in line 3 already",
        "keep one of the two, or give them two names",
    ),
    "two sources of one name": (
        stating("  rois: ", "  movie:"),
        "session.yaml:20",
        "`movie` stands here and in line 19 already",
        "keep one of the two, or give them two names",
    ),
    "two sources that write one name": (
        stating("sources:\n", "sources:\n  movie_ch1: {format: video, path: cam/face.mp4, clock: daq/CamTTL}\n"),
        "session.yaml:20 sources.movie",
        "movie writes an object 'movie_ch1', and so does movie_ch1",
        "give one of the two another name",
    ),
    "an unknown format": (
        stating("format: scanimage", "format: scanimag"),
        "session.yaml:19 sources.movie.format",
        "there is no format `scanimag`",
        f"did you mean `scanimage`? known: {', '.join(sorted({one.key for one in load_formats()}))}",
    ),
}


@pytest.mark.parametrize("wrong", REFUSED)
def test_what_is_stated_wrongly_is_refused_with_what_to_do(folder: Folder, bergmann: Bergmann, wrong: str) -> None:
    alter, location, message, remedy = REFUSED[wrong]
    alter(folder)
    ran = bergmann("convert", folder.session, "--out", folder.out)
    expected = [f"error  {location}", f"    {message}", *([f"    -> {remedy}"] if remedy else [])]
    assert (ran.status, findings_of(ran)) == (1, expected)
    assert not folder.out.exists()


def test_what_only_the_pulses_show_is_said_when_they_are_read(folder: Folder, bergmann: Bergmann) -> None:
    """Of light on a channel `check` has read no pulse."""
    folder.state("power: 5 mW", "power: 0.9 W")
    ran = bergmann("convert", folder.session, "--out", folder.out)
    assert ran.status == 0
    assert findings_of(ran)[:2] == [
        "warning  session.yaml:21 sources.light.power",
        "    light of 900 mW, more than tissue is given",
    ]


def test_power_that_no_source_has_is_an_error_of_the_file(folder: Folder, bergmann: Bergmann) -> None:
    folder.state("power: 5 mW", "power: 5 W")
    ran = bergmann("convert", folder.session, "--out", folder.out)
    assert ran.status == 1
    assert any("its power is 5 W" in line for line in findings_of(ran))


@pytest.mark.parametrize(
    ("at", "said"), [("end of session", False), ("90 s after session", True), ("90 s after session +- 90 s", False)]
)
def test_a_drug_after_all_recordings_is_doubted(folder: Folder, bergmann: Bergmann, at: str, said: bool) -> None:
    folder.state("at: 9 s after movie", f"at: {at}")
    found = findings_of(bergmann("convert", folder.session, "--out", folder.out))
    assert found[:1] == ["warning  session.yaml:25 drugs.capsaicin.at"] * said
    assert any("after the last recording ended" in line for line in found) == said


def findings_of(ran: Ran) -> list[str]:
    """What was printed above the table."""
    lines = ran.stdout.splitlines()
    header = next(index for index, line in enumerate(lines) if line.startswith("session  "))
    return lines[:header]


SESSION_FILES: dict[str, tuple[Alter, str, str]] = {
    "missing": (
        lambda folder: folder.session.rename(folder.path / "sesion.yaml"),
        "there is no such file",
        "its folder has: sesion.yaml",
    ),
    "a folder": (
        lambda folder: (folder.session.unlink(), folder.session.mkdir()),
        "this is a folder, not a file",
        "no YAML file is in that folder",
    ),
    "binary": (
        writing("session.yaml", bytes(range(256))),
        "this is no text but binary data",
        "name the YAML file of the session",
    ),
}


@pytest.mark.parametrize("command", ["check", "convert"])
@pytest.mark.parametrize("wrong", SESSION_FILES)
def test_a_session_file_that_cannot_be_read(folder: Folder, bergmann: Bergmann, wrong: str, command: str) -> None:
    alter, message, remedy = SESSION_FILES[wrong]
    alter(folder)
    ran = bergmann(command, folder.session, *(["--out", folder.out] if command == "convert" else []))
    assert ran.status == 2
    assert f"error  session.yaml\n    {message}\n    -> {remedy}\n" in ran.stdout
    assert not folder.out.exists()


# --- the output -------------------------------------------------------------------------------------------------------


def test_an_output_that_is_a_file_is_refused(folder: Folder, bergmann: Bergmann) -> None:
    folder.out.write_text("mine", encoding="utf-8")
    ran = bergmann("convert", folder.session, "--out", folder.out)
    assert ran.status == 2
    assert ran.stderr.endswith(f"Error: Invalid value for '--out': Directory '{folder.out}' is a file.\n")
    assert folder.out.read_text(encoding="utf-8") == "mine"


def test_an_output_below_a_file_is_refused(folder: Folder, bergmann: Bergmann) -> None:
    ran = bergmann("convert", folder.session, "--out", folder.path / "notes.csv" / "out")
    expected = ["error  session.yaml", f"    out: cannot be written: {os.strerror(20)}; name another folder"]
    assert (ran.status, findings_of(ran)) == (1, expected)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is read-only for root, and not by mode on Windows")
def test_a_read_only_output_is_refused(folder: Folder, bergmann: Bergmann) -> None:
    folder.out.mkdir(mode=0o500)
    ran = bergmann("convert", folder.session, "--out", folder.out)
    expected = ["error  session.yaml", "    out: cannot be written: Permission denied; name a folder that you may write to"]
    assert (ran.status, findings_of(ran)) == (1, expected)
    assert list(folder.out.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="a limit on file sizes stands for the full disk, in the words of Linux")
def test_a_full_output_is_said_and_leaves_nothing(folder: Folder) -> None:
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
        "from bergmann.cli import main; main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", limited, "convert", str(folder.session), "--out", str(folder.out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    message = "out: cannot be written: File too large; make room there, or name a folder on another disk"
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith(f"error  session.yaml\n    {message}\nsession "), done.stdout
    assert not folder.out.exists()


# --- several sessions, and twice --------------------------------------------------------------------------------------


ASSAY = """\
format_version: 1
time_zone: Asia/Seoul
session: {{id: {id}, start: 2024-05-17, description: Thresholds.}}
subject: {{id: BG042, species: Mus musculus, sex: F, born: 2024-02-28}}
sources:
  paw: {{format: assay, path: {table}, assay: von_frey, unit: g, columns: {{value: grams}}}}
"""


@pytest.fixture
def assays(tmp_path: Path) -> Path:
    """Three sessions, the second one without its table."""
    (tmp_path / "table.csv").write_text("trial,grams\n1,0.6\n2,1\n", encoding="utf-8")
    for number, table in enumerate(["table.csv", "tabel.csv", "table.csv"], start=1):
        (tmp_path / f"day{number}.yaml").write_text(ASSAY.format(id=f"day{number}", table=table), encoding="utf-8")
    return tmp_path


def written(out: Path) -> list[str]:
    return sorted(path.name for path in out.rglob("*") if path.is_file())


def test_a_session_that_fails_does_not_stop_the_others_and_none_is_replaced_unasked(assays: Path, bergmann: Bergmann) -> None:
    out, sessions = assays / "out", [assays / f"day{number}.yaml" for number in (1, 2, 3)]
    ran = bergmann("convert", *sessions, "--out", out)
    assert ran.status == 2
    assert findings_of(ran) == [
        "error  day2.yaml:6 sources.paw",
        "    tabel.csv: there is no 'tabel.csv'; the folder '"
        + assays.name
        + "' has: day1.yaml, day2.yaml, day3.yaml, out, table.csv",
    ]
    lines = ran.stdout.splitlines()
    head = next(number for number, line in enumerate(lines) if line.split()[:2] == ["session", "result"])
    table = [line.split() for line in lines[head + 1 : head + 4]]
    assert [(Path(row[0]).name, row[1], row[2]) for row in table] == [
        ("day1.yaml", "written", "sub-BG042_ses-day1.nwb"),
        ("day2.yaml", "unreadable", "-"),
        ("day3.yaml", "written", "sub-BG042_ses-day3.nwb"),
    ]
    assert written(out) == ["dandiset.yaml", "sub-BG042_ses-day1.nwb", "sub-BG042_ses-day3.nwb"]

    before = (out / "sub-BG042" / "sub-BG042_ses-day1.nwb").read_bytes()
    again = bergmann("convert", sessions[0], "--out", out)
    message = "sub-BG042_ses-day1.nwb: this session is there already; say --overwrite to replace it, or convert into another folder"
    assert (again.status, findings_of(again)) == (1, ["error  day1.yaml", f"    {message}"])
    assert (out / "sub-BG042" / "sub-BG042_ses-day1.nwb").read_bytes() == before

    replaced = bergmann("convert", sessions[0], "--out", out, "--overwrite")
    assert replaced.status == 0
    assert (out / "sub-BG042" / "sub-BG042_ses-day1.nwb").read_bytes() != before  # another identifier, another time of making
    assert written(out) == ["dandiset.yaml", "sub-BG042_ses-day1.nwb", "sub-BG042_ses-day3.nwb"]


# --- check and --json -------------------------------------------------------------------------------------------------


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    found = {path: path.stat() for path in (folder, *folder.rglob("*"))}
    return {str(path): (stat.st_mtime_ns, stat.st_size) for path, stat in found.items()}


def test_check_writes_nothing(folder: Folder, bergmann: Bergmann, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.path)
    before = listing(folder.path)
    ran = bergmann("check", folder.session)
    assert (ran.status, ran.stderr) == (0, "")
    assert ran.stdout.splitlines()[-1] == f"ready: bergmann convert {folder.session}"
    folder.state("plane: bg_plane", "plane: bg_plain")
    before = listing(folder.path)
    assert bergmann("check", folder.session).status == 1
    assert listing(folder.path) == before


def test_check_says_everything_at_once(folder: Folder, bergmann: Bergmann) -> None:
    folder.state("time_zone: Asia/Seoul\n", "")
    folder.state("plane: bg_plane", "plane: bg_plain")
    folder.state("receptor: Adra1a", "receptor: Adra1e")
    folder.state("cam/paw_*.avi", "cam/pow_*.avi")
    ran = bergmann("check", "--json", folder.session)
    ((document),) = json.loads(ran.stdout)
    errors = [one["location"].partition(" ")[2] for one in document["findings"] if one["severity"] == "error"]
    assert sorted(errors) == ["receptors.adra1a.receptor", "sources.movie.plane", "sources.paw_cam", "time_zone"]


def test_json_is_one_document_and_nothing_else(assays: Path, bergmann: Bergmann) -> None:
    good, bad = assays / "day1.yaml", assays / "day2.yaml"
    formats = bergmann("formats", "--json")
    checked = bergmann("check", good, bad, "--json")
    converted = bergmann("convert", good, bad, "--out", assays / "out", "--json")
    validated = bergmann("validate", assays / "out", "--json")
    nothing = bergmann("validate", assays / "nowhere", "--json")
    demo = bergmann("demo", assays, "--json")
    assert [ran.status for ran in (formats, checked, converted, validated, nothing, demo)] == [0, 2, 2, 0, 2, 2]
    assert {one["format"] for one in json.loads(formats.stdout)} >= {"scanimage", "wavesurfer", "abf", "suite2p", "boris"}
    assert [Path(one["session"]).name for one in json.loads(checked.stdout)] == ["day1.yaml", "day2.yaml"]
    assert [one["result"] for one in json.loads(converted.stdout)] == ["written", "unreadable"]
    assert all(one["severity"] != "error" for one in json.loads(validated.stdout)["findings"])
    assert json.loads(nothing.stdout) == {"error": "nowhere: there is no such file or folder", "findings": []}
    assert json.loads(demo.stdout) == {
        "error": f"{assays} is there already and not empty; name another folder: bergmann demo FOLDER"
    }


def test_a_demo_that_cannot_be_made_where_it_should_says_why(bergmann: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    for folder, why in ((tmp_path / "file" / "demo", "cannot be made here"), (tmp_path, "is there already and not empty")):
        ran = bergmann("demo", folder)
        assert ran.status == 2
        assert f"{folder} {why}" in ran.stderr
        assert "name another folder: bergmann demo FOLDER" in ran.stderr
