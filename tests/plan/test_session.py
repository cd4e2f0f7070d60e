"""A session file loaded: what it holds, and everything that can be wrong with it, at once and with its place."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest

from bergmann.moments import Moment
from bergmann.plan.session import LoadedSession, StartFrom, dependencies, load_session
from bergmann.stated import Quantity, Ref

from .conftest import COMPLETE

Load = Callable[..., LoadedSession]


def said(loaded: LoadedSession) -> list[str]:
    return [finding.text for finding in loaded.findings]


def test_a_complete_session_has_no_findings(load: Load, tmp_path: Path) -> None:
    loaded = load()
    assert not said(loaded)
    assert loaded.head is not None
    assert loaded.head.session.start == StartFrom("daq")
    assert loaded.head.session.start_from == "daq"
    assert loaded.head.session.tolerance.to("s") == 120
    assert loaded.head.subject.born == date(2024, 2, 28)
    assert loaded.head.time_zone == "Asia/Seoul"
    movie = loaded.sources["movie"]
    assert movie.clock == Ref("daq", "FrameClock")
    assert movie.stated.model_dump() == {"plane": "bg"}
    assert movie.format.key == "scope"
    assert loaded.collections["planes"]["bg"].excitation == Quantity(920, "nm")  # type: ignore[attr-defined]
    assert loaded.collections["drugs"] == {}
    assert loaded.origin("planes.bg.excitation").text == "session.yaml:6 planes.bg.excitation"
    assert loaded.place("planes.bg.nothing.here") == "session.yaml:6 planes.bg.nothing.here"


def test_overlays_give_the_same_session(load: Load, tmp_path: Path) -> None:
    lab = "time_zone: Asia/Seoul\ndevices: {scope: {model: Example 2P}}\nplanes: {bg: {device: scope, excitation: 920 nm}}"
    session = "use: lab.yaml\n" + "\n".join(
        line for line in COMPLETE.splitlines() if line.split(":")[0] not in lab and "bg:" not in line
    )
    loaded = load(session, lab=lab)
    assert not said(loaded)
    assert [path.name for path in loaded.documents] == ["lab.yaml", "session.yaml"]
    assert loaded.origin("devices.scope").text == "lab.yaml:2 devices.scope"
    whole = load()
    assert loaded.head == whole.head
    assert loaded.collections == whole.collections
    assert loaded.sources == whole.sources


def test_paths_are_relative_to_the_document_that_states_them(load: Load, tmp_path: Path) -> None:
    (tmp_path / "rigs").mkdir()
    calibration = "calibrations: {laser: {file_path: 'cal\\laser.csv', date: 2024-05-02}}"
    (tmp_path / "rigs" / "lab.yaml").write_text(calibration, encoding="utf-8")
    session = f"use: rigs/lab.yaml\n{COMPLETE}".replace("daq/bg042.h5", "..\\<subject_id>\\<session_id>_*.h5")
    loaded = load(session.replace("movie.tif", str(tmp_path / "elsewhere" / "movie.tif")))
    assert not said(loaded)
    calibrations = loaded.collections["calibrations"]
    assert calibrations["laser"].file_path == tmp_path / "rigs" / "cal" / "laser.csv"  # type: ignore[attr-defined]
    assert loaded.sources["daq"].source.path == tmp_path / ".." / "BG042" / "pod7_*.h5"  # type: ignore[attr-defined]
    assert loaded.sources["movie"].source.path == tmp_path / "elsewhere" / "movie.tif"  # type: ignore[attr-defined]


def test_a_placeholder_that_stands_for_nothing_is_refused(load: Load) -> None:
    loaded = load(COMPLETE.replace("daq/bg042.h5", "<animal>.h5"))
    assert said(loaded) == [
        "error: session.yaml:8 sources.daq.path: `<animal>` stands for nothing (placeholders are <subject_id> and <session_id>)"
    ]


@pytest.mark.skipif(os.name == "nt", reason="a drive is a place there")
def test_a_drive_of_another_computer_is_refused(load: Load) -> None:
    (text,) = said(load(COMPLETE.replace("daq/bg042.h5", "D:\\data\\bg042.h5")))
    assert text.startswith("error: session.yaml:8 sources.daq.path: `D:\\data\\bg042.h5` is on a drive of another computer")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # gaps
        ("id: pod7, ", "", "session.yaml:1 session.id: `id` is missing: name of the session"),
        ("id: pod7", "id: ???", "session.yaml:1 session.id: `???` stands here; it is still to be stated"),
        ("sex: F", "sex: ", "session.yaml:2 subject.sex: nothing stands here; it is still to be stated"),
        (
            "excitation: 920 nm",
            "excitation: ???",
            "session.yaml:6 planes.bg.excitation: `???` stands here; it is still to be stated: Wavelength of the light that "
            "excites (`unknown` may be stated, too)",
        ),
        (
            'description: "Light, then capsaicin."',
            "description: ???",
            "session.yaml:1 session.description: `???` stands here; it is still to be stated: what was done in this session, in a "
            "sentence",
        ),
        ("plane: bg", "plane: ???", "session.yaml:9 sources.movie.plane: `???` stands here; it is still to be stated (one of: bg)"),
        (", born: 2024-02-28", "", "session.yaml:2 subject.born: neither `born` nor `age` is stated"),
        ("time_zone: Asia/Seoul\n", "", "session.yaml:1 time_zone: `time_zone` is missing: where the clocks stood"),
        (
            ", excitation: 920 nm",
            "",
            "session.yaml:6 planes.bg.excitation: `excitation` is missing: Wavelength of the light that excites.",
        ),
        (", path: daq/bg042.h5", "", "session.yaml:8 sources.daq.path: `path` is missing: the file of the recording"),
        (", plane: bg", "", "session.yaml:9 sources.movie.plane: `plane` is missing"),
        ("format: daq, ", "", "session.yaml:8 sources.daq.format: `format` is missing: what wrote the files"),
        # values
        ("Asia/Seoul", "KST", "session.yaml:3 time_zone: `KST` is not a time zone by its IANA name"),
        (
            "Asia/Seoul",
            "Asia/Seol",
            "session.yaml:3 time_zone: `Asia/Seol` is not a time zone by its IANA name; did you mean `Asia/Seoul`?",
        ),
        (
            "Mus musculus",
            "mouse",
            "session.yaml:2 subject.species: `mouse` is not a species as DANDI takes it; write its Latin name, such as `Mus",
        ),
        ("sex: F", "sex: girl", "session.yaml:2 subject.sex: `girl` is not a sex as NWB has it; write M, F, U"),
        (
            "2024-02-28",
            "28.02.2024",
            "session.yaml:2 subject.born: `28.02.2024`: day and month cannot be told apart; write it as 2024-05-17",
        ),
        ("from daq", "10:30", "session.yaml:1 session.start: `10:30` is not a start; write `from daq`"),
        (
            "920 nm",
            "920",
            "session.yaml:6 planes.bg.excitation: `920` has no unit; write it behind the number, such as",
        ),
        ("920 nm", "920 mW", "session.yaml:6 planes.bg.excitation: `920 mW` is not a length"),
        ("920 nm", "[a]", "session.yaml:6 planes.bg.excitation: expected a number with its unit"),
        ("start: from daq}", "start: from daq, tolerance: 5}", "session.yaml:1 session.tolerance: `5` has no unit"),
        ("path: movie.tif", "path: [movie.tif]", "session.yaml:9 sources.movie.path: a list is not "),
        (
            "path: movie.tif",
            "path: movie.tif, unit: volts",
            "session.yaml:9 sources.movie.unit: `volts` is not `frames` or `seconds`",
        ),
        ("plane: bg", "plane: bg, starts: 600", "session.yaml:9 sources.movie.starts: `600` is not a time: a bare number"),
        ("plane: bg", "plane: bg, frames: 0-7", "session.yaml:9 sources.movie.frames: `0-7` is not a range of frames"),
        ("{model: Example 2P}", "Example 2P", "session.yaml:4 devices.scope: this is not a map of keys"),
        ("devices: {scope: {model: Example 2P}}", "devices: [scope]", "session.yaml:4 devices: this is not a map by name"),
        # keys
        ("time_zone: ", "timezone: ", "session.yaml:3 timezone: there is no key `timezone` (did you mean `time_zone`?"),
        ("sex: F", "sex: F, wieght: 20 g", "session.yaml:2 subject.wieght: there is no key `wieght` (did you mean `weight`?"),
        ("model: Ex", "modle: Ex", "session.yaml:4 devices.scope.modle: there is no key `modle` (did you mean `model`?"),
        (
            "plane: bg",
            "plain: bg",
            "session.yaml:9 sources.movie.plain: there is no key `plain` for Scope file (did you mean `plane`?",
        ),
        ("format: scope", "format: scop", "session.yaml:9 sources.movie.format: there is no format `scop` (did you mean `scope`?"),
        ("sex: F", "sex: F, weight: 21 mm", "session.yaml:2 subject.weight: `21 mm` is not a mass; expected a unit such as g"),
        # references
        ("plane: bg", "plane: gb", "session.yaml:9 sources.movie.plane: `gb`: there is no `gb` in planes (known: bg)"),
        (
            "devices: {scope: {model: Example 2P}}",
            "devices: {}",
            "session.yaml:6 planes.bg.device: `scope`: there is no `scope` in devices "
            "(none is stated yet, here or in a file of `use:`)",
        ),
        (
            "device: scope",
            "device: scop",
            "session.yaml:6 planes.bg.device: `scop`: there is no `scop` in devices (did you mean `scope`?",
        ),
        (
            "daq/FrameClock",
            "dac/FrameClock",
            "session.yaml:9 sources.movie.clock: `dac/FrameClock`: there is no `dac` in sources (did you mean",
        ),
        (
            "daq/FrameClock",
            "FrameClock",
            "session.yaml:9 sources.movie.clock: `FrameClock`: a clock is a channel of a recording, and there is no `FrameClock` "
            "in sources (write `<recording>/FrameClock` if it is a channel, such as `daq/FrameClock`)",
        ),
        (
            "daq/FrameClock",
            "movie/1",
            "session.yaml:9 sources.movie.clock: `movie/1`: a recording must be named here, and movie is none (it is read as Scope",
        ),
        ("from daq", "from dak", "session.yaml:1 session.start: `from dak`: there is no `dak` in sources (did you mean `daq`?"),
        ("from daq", "2024-05-17 10:30", None),
    ],
)
def test_a_mistake_is_said_with_its_place_and_what_to_do(load: Load, old: str, new: str, expected: str | None) -> None:
    assert old in COMPLETE
    found = said(load(COMPLETE.replace(old, new)))
    if expected is None:
        assert not found
    else:
        assert any(text.startswith(f"error: {expected}") for text in found), found


@pytest.mark.parametrize(
    ("stated", "key"), [("born: unknown", "born"), ("age: unknown", "age"), ("born: unknown, age: unknown", "born")]
)
def test_an_animal_of_unknown_age_is_accepted_with_a_warning(load: Load, stated: str, key: str) -> None:
    loaded = load(COMPLETE.replace("born: 2024-02-28", stated))
    assert loaded.head is not None
    assert said(loaded) == [
        f"warning: session.yaml:2 subject.{key}: neither date of birth nor age is known, and DANDI refuses such a file "
        "(state `born` or `age`, such as `age: 11 weeks`, if anyone knows it)"
    ]


def test_an_age_is_enough_where_the_birth_is_unknown(load: Load) -> None:
    assert not said(load(COMPLETE.replace("born: 2024-02-28", "born: unknown, age: 11 weeks")))


@pytest.mark.parametrize("name", ["arms", "sessions"])
def test_a_reserved_key_is_one_clear_finding(load: Load, name: str) -> None:
    loaded = load(f"{COMPLETE}{name}: {{base: {{movie: a, daq: ???}}}}\n")
    assert said(loaded) == [
        f"error: session.yaml:10 {name}: `{name}:` is reserved and not read by this version yet (leave it out for now)"
    ]
    assert loaded.head is not None


def test_a_session_says_why_it_is_not_to_be_used_also_where_it_has_gaps(load: Load) -> None:
    loaded = load(COMPLETE.replace("id: pod7", "id: pod7, exclude: focus lost"))
    assert not loaded.findings
    assert (load().excluded, loaded.excluded) == (None, "focus lost")
    with_gap = load(COMPLETE.replace("id: pod7", "id: ???, exclude: focus lost"))
    assert (with_gap.head, with_gap.excluded) == (None, "focus lost")
    blank = load(COMPLETE.replace("id: pod7", "id: pod7, exclude: ???"))
    assert (blank.excluded, [finding.check for finding in blank.findings]) == (None, ["gap"])


def test_everything_that_is_wrong_is_said_at_once(load: Load) -> None:
    loaded = load(
        """\
session: {description: x}
subject: {id: ???, species: mouse, sex: F, born: 2024-02-28, colour: black}
devices: {scope: {NA: big}}
planes: {bg: {device: scop}}
sources:
  daq: {format: dac}
  movie: {format: scope, plane: bh, clock: daq/x, starts: 10}
  light: {format: channel, of: movie/1}
drugs: {c: {at: soon, dose: 3}}
arm: ???
"""
    )
    assert {finding.location.split()[1] for finding in loaded.findings} == {
        "session.id", "subject.id", "subject.species", "subject.colour", "time_zone", "devices.scope.NA", "planes.bg.excitation",
        "sources.daq.format", "sources.movie.path", "sources.movie.starts", "sources.light", "drugs.c.at", "drugs.c.dose", "arm",
    }  # fmt: skip
    assert len(loaded.findings) == 14
    assert loaded.head is None
    assert not loaded.sources


def test_an_empty_file_lacks_everything(load: Load) -> None:
    places = {finding.location for finding in load("use: lab.yaml", lab="arm: shrna").findings}
    assert {
        "session.yaml:1 session.id",
        "session.yaml:1 subject.species",
        "session.yaml:1 time_zone",
        "session.yaml:1 sources",
    } <= places


def test_nothing_else_is_judged_while_a_document_cannot_be_read(load: Load) -> None:
    loaded = load("use: [lab.yaml]\nsession: {}", lab="a: [")
    assert [finding.location for finding in loaded.findings] == ["lab.yaml:1"]
    assert loaded.head is None


def test_a_source_that_is_absent_is_said_and_nothing_refers_to_it(load: Load) -> None:
    absent = COMPLETE.replace("{format: daq, path: daq/bg042.h5}", "{absent: disk full}")
    loaded = load(absent)
    assert loaded.absent == {"daq": "disk full"}
    assert list(loaded.sources) == ["movie"]
    assert {finding.location for finding in loaded.findings} == {
        "session.yaml:9 sources.movie.clock",
        "session.yaml:1 session.start",
    }
    assert all("daq is absent (disk full)" in finding.message for finding in loaded.findings)


def test_a_format_is_chosen_by_the_key_that_is_there(load: Load) -> None:
    loaded = load(
        COMPLETE
        + "  light: {format: channel, of: daq/Laser, site: lc}\n"
        + "  shocks: {format: channel, of: daq/Shock, event: shock}\n"
        + "  both: {format: channel, of: daq/Shock, event: shock, site: lc}\n"
        + "  none: {format: channel, of: daq/Shock}\n"
    )
    assert loaded.sources["light"].format.record.__name__ == "LightPulses"
    assert loaded.sources["shocks"].format.record.__name__ == "Events"
    assert [finding.location for finding in loaded.findings] == ["session.yaml:12 sources.both", "session.yaml:13 sources.none"]
    assert "says several of: `site` (LightChannel file), `event` (EventChannel file)" in loaded.findings[0].message


def test_a_key_that_the_format_has_is_the_formats(load: Load) -> None:
    loaded = load(f"{COMPLETE}  rois: {{format: follower, of: movie, frames: 6-9, plane: bg}}\n")
    assert not said(loaded)
    assert loaded.sources["rois"].source.frames == "6-9"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("plane: bg, frames: 2-7, last_frame: 7, c", "conflict: sources.movie.frames: `frames` and `last_frame` both say"),
        ("plane: bg, starts: 2 s after daq, c", "conflict: sources.movie.starts: `clock` and `starts` both say when it began"),
    ],
)
def test_a_key_that_would_change_nothing_is_refused(load: Load, stated: str, expected: str) -> None:
    (finding,) = load(COMPLETE.replace("plane: bg, c", stated)).findings
    assert f"{finding.check}: {finding.location.split(' ')[1]}: {finding.message}".startswith(expected)


@pytest.mark.parametrize("word", ["frames: 2-7", "last_frame: 7"])
def test_frames_are_of_what_has_frames(load: Load, word: str) -> None:
    (finding,) = load(COMPLETE.replace("path: daq/bg042.h5", f"path: daq/bg042.h5, {word}")).findings
    key = word.split(":")[0]
    assert finding.text == (
        f"error: session.yaml:8 sources.daq.{key}: `{key}` is not read for Daq file: all of it would be converted (leave it out)"
    )


@pytest.mark.parametrize(("word", "frames"), [("frames: 2-7", (2, 7)), ("last_frame: 7", (1, 7)), ("", None)])
def test_a_movie_says_which_of_its_frames_are_used(load: Load, word: str, frames: tuple[int, int] | None) -> None:
    loaded = load(COMPLETE.replace("path: movie.tif", f"path: movie.tif, {word}".rstrip(", ")))
    assert not said(loaded)
    assert (loaded.sources["movie"].frames, loaded.sources["movie"].is_cut) == (frames, frames is not None)


@pytest.mark.parametrize("stated", ["starts: 5 s after daq", "clock: daq/FrameClock"])
def test_a_derived_source_has_no_times_of_its_own(load: Load, stated: str) -> None:
    (finding,) = load(f"{COMPLETE}  rois: {{format: follower, of: movie, {stated}, plane: bg}}\n").findings
    assert (finding.check, finding.location) == ("conflict", f"session.yaml:10 sources.rois.{stated.split(':')[0]}")
    assert "and `of: movie` both say its times; it takes those of the latter" in finding.message


def test_sources_come_behind_those_that_they_need(load: Load) -> None:
    loaded = load(
        """\
session: {id: pod7, description: x, start: 2024-05-17}
subject: {id: BG042, species: NCBITaxon:10090, sex: unknown, age: 11 weeks}
time_zone: Asia/Seoul
devices: {scope: {}}
planes: {bg: {device: scope, excitation: unknown}}
sources:
  rois: {format: follower, of: movie, plane: bg}
  late: {format: scope, path: b.tif, plane: bg, starts: 2 s after movie ends}
  movie: {format: scope, path: a.tif, plane: bg, clock: daq/FrameClock}
  daq: {format: daq, path: a.h5}
"""
    )
    assert not said(loaded)
    assert loaded.order == ("daq", "movie", "rois", "late")
    assert dependencies(loaded.sources["late"]) == ("movie",)
    assert loaded.head is not None
    assert loaded.head.session.start_day == date(2024, 5, 17)
    assert loaded.head.session.start_at is None
    assert (loaded.head.subject.species, loaded.head.subject.age) == ("http://purl.obolibrary.org/obo/NCBITaxon_10090", "P11W")


def test_a_circle_of_sources_is_refused(load: Load) -> None:
    loaded = load(f"{COMPLETE}  a: {{format: follower, of: b, plane: bg}}\n  b: {{format: follower, of: a, plane: bg}}\n")
    (finding,) = loaded.findings
    assert finding.message in {
        "a circle: sources.a needs sources.b needs sources.a",
        "a circle: sources.b needs sources.a needs sources.b",
    }
    assert loaded.order == ("daq", "movie")


def test_a_start_that_counts_from_a_drug_or_a_procedure_loses_no_source(load: Load) -> None:
    sources = (
        "  late: {format: scope, path: b.tif, plane: bg, starts: 2 s after capsaicin}\n"
        "  later: {format: scope, path: c.tif, plane: bg, starts: 7 d after sni}\n"
    )
    drugs = "drugs: {capsaicin: {at: 5 min after saline}, saline: {at: 1 min after movie}}\nprocedures: {sni: {name: x}}\n"
    loaded = load(f"{COMPLETE}{sources}{drugs}")
    assert not said(loaded)
    assert loaded.order == ("daq", "later", "movie", "late")


def test_a_circle_through_a_drug_is_refused(load: Load) -> None:
    late = "  late: {format: scope, path: b.tif, plane: bg, starts: 2 s after saline}\n"
    (finding,) = load(f"{COMPLETE}{late}drugs: {{saline: {{at: 1 min after late}}}}\n").findings
    assert finding.message in {
        "a circle: sources.late needs drugs.saline needs sources.late",
        "a circle: drugs.saline needs sources.late needs drugs.saline",
    }


def test_a_circle_of_drugs_is_refused(load: Load) -> None:
    (finding,) = load(f"{COMPLETE}drugs: {{a: {{at: 5 min after b}}, b: {{at: 5 min after a}}}}\n").findings
    assert "a circle: drugs." in finding.message


@pytest.mark.parametrize(
    "text", ["10 min after movie", "5 min after saline", "7 d after sni", "1 h before session", "10:41", "unknown"]
)
def test_a_time_may_refer_to_sources_drugs_procedures_and_the_session(load: Load, text: str) -> None:
    loaded = load(f"{COMPLETE}procedures: {{sni: {{name: x}}}}\ndrugs: {{saline: {{}}, c: {{at: '{text}'}}}}\n")
    assert not said(loaded)
    assert loaded.collections["drugs"]["c"].at == Moment(text)  # type: ignore[attr-defined]


def test_a_time_that_refers_to_nothing_lists_what_there_is(load: Load) -> None:
    (text,) = said(load(f"{COMPLETE}drugs: {{c: {{at: 10 min after movi}}}}\n"))
    assert text.startswith(
        "error: session.yaml:10 drugs.c.at: `10 min after movi`: there is no `movi` in sources or drugs or procedures "
    )
    assert "did you mean `movie`? known: daq, movie, c" in text


def test_a_name_that_two_things_have_is_not_guessed(load: Load) -> None:
    (text,) = said(load(f"{COMPLETE}drugs: {{movie: {{}}, c: {{at: 10 min after movie}}}}\n"))
    assert text == (
        "error: session.yaml:10 drugs.c.at: `10 min after movie`: `movie` is in sources and in drugs; which is meant? "
        "(give one of them another name)"
    )
    assert not said(load(f"{COMPLETE}drugs: {{movie: {{}}, c: {{at: frame 3 of movie}}}}\n"))


@pytest.mark.parametrize("name", ["paw/left", "paw:left", " ", "."])
def test_a_name_that_no_object_can_have_is_refused(load: Load, name: str) -> None:
    found = said(load(f"{COMPLETE}  '{name}': {{format: daq, path: b.h5}}\n"))
    assert any(f"`{name}` cannot be the name of an object in the NWB file" in text for text in found), found
    assert not said(load(f"{COMPLETE}  'left µ paw': {{format: daq, path: b.h5}}\n"))


def test_names_inside_lists_and_maps_are_checked(load: Load) -> None:
    channels = "excitation: 920 nm, channels: {1: {indicator: gcamp, emission: 525 nm}, 2: {emission: 610 nm}}"
    loaded = load(COMPLETE.replace("excitation: 920 nm", channels) + "drugs: {c: {sites: [a]}}\n")
    assert [finding.location for finding in loaded.findings] == [
        "session.yaml:6 planes.bg.channels.1.indicator",
        "session.yaml:10 drugs.c.sites.0",
    ]


def test_what_is_invalid_is_an_interval_of_named_sources(load: Load) -> None:
    invalid = "invalid:\n  z: {from: 21 min after movie, to: 22 min 30 s after movie, of: [movie, rois], why: focus lost}\n"
    loaded = load(COMPLETE + invalid)
    assert [finding.location for finding in loaded.findings] == ["session.yaml:11 invalid.z.of.1"]
    interval = loaded.invalid["z"]
    assert (interval.from_, interval.why) == (Moment("21 min after movie"), "focus lost")
    (finding,) = load(COMPLETE + invalid.replace("from: 21 min after movie, ", "").replace(", rois", "")).findings
    assert finding.location == "session.yaml:11 invalid.z.from"


def test_two_sources_of_one_name_are_refused(load: Load) -> None:
    (finding,) = load(f"{COMPLETE}  daq: {{format: daq, path: b.h5}}\n").findings
    assert finding.text.startswith("error: session.yaml:10: `daq` stands here and in line 8 already")


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("2024-05-17 10:30:57", datetime(2024, 5, 17, 10, 30, 57)),
        ("2024-05-17T10:30", datetime(2024, 5, 17, 10, 30)),
        ("2024-05-17", date(2024, 5, 17)),
        ("from movie", StartFrom("movie")),
    ],
)
def test_a_start_is_a_source_a_time_or_a_day(load: Load, text: str, start: object) -> None:
    head = load(COMPLETE.replace("from daq", text)).head
    assert head is not None
    assert head.session.start == start
    assert type(head.session.start) is type(start)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("11 weeks", "P11W"),
        ("P90D", "P90D"),
        ("90 d", "P90D"),
        ("3 months", "P3M"),
        ("P8W/P10W", "P8W/P10W"),
        ("unknown", "unknown"),
    ],
)
def test_an_age_is_kept_as_iso(load: Load, text: str, iso: str) -> None:
    head = load(COMPLETE.replace("born: 2024-02-28", f"age: {text}")).head
    assert head is not None
    assert head.subject.age == iso


def test_loading_imports_neither_pynwb_nor_neuroconv(load: Load, tmp_path: Path) -> None:
    load()
    code = (
        "import sys; from pathlib import Path; from bergmann.plan.session import load_session, Vocabulary\n"
        f"loaded = load_session(Path({str(tmp_path / 'session.yaml')!r}), Vocabulary(formats=(), stated={{}}, collections={{}}))\n"
        "assert loaded.findings\n"
        "print(sorted({'pynwb', 'neuroconv', 'hdmf', 'h5py', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_blank_name_says_what_an_entry_of_an_empty_collection_needs(load: Load) -> None:
    (text,) = said(
        load(COMPLETE.replace("planes:\n  bg: {device: scope, excitation: 920 nm}\n", "").replace("plane: bg", "plane: ???"))
    )
    assert text.endswith("(none of `planes` is stated yet, here or in a file of `use:`; an entry of it needs device, excitation)")


def test_a_source_with_a_blank_names_its_files_already(load: Load) -> None:
    loaded = load(COMPLETE.replace("plane: bg", "plane: ???"))
    assert loaded.blanks == {"sources.movie.plane"}
    movie = loaded.sources["movie"]
    assert (movie.is_finished, movie.source.path.name, str(movie.clock)) == (False, "movie.tif", "daq/FrameClock")
    assert loaded.sources["daq"].is_finished


def test_limits_and_empty_lists_are_said_in_words(tmp_path: Path) -> None:
    session = tmp_path / "session.yaml"
    session.write_text(
        "sources: {flares: {format: aqua2, path: a.mat, of: movie, channel: 3}}\n"
        "states: {silent: {state: activated, receptors: [], from: start of movie, to: end of movie, basis: pilot}}\n",
        encoding="utf-8",
    )
    found = [one.text for one in load_session(session).findings]
    assert any("sources.flares.channel: `3` is not a number of at most 2" in text for text in found)
    assert any("states.silent.receptors: an empty list is not a list of one or more, such as [a, b]" in text for text in found)


def test_what_may_be_written_for_a_blank_is_said_once(load: Load) -> None:
    (text,) = said(load(COMPLETE.replace("born: 2024-02-28", "born: ???")))
    assert text == (
        "error: session.yaml:2 subject.born: `???` stands here; it is still to be stated: date of birth, as 2024-02-28, or unknown"
    )
