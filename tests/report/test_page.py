"""The page of a session: what a person sees, and that nothing from a file is anything but text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bergmann.errors import WriteError
from bergmann.plan.resolve import make_plan
from bergmann.records import Recording
from bergmann.report.page import POLICY, make_page, write_page
from bergmann.timing.times import ExplicitTimes

from .conftest import Element, parse

PageOf = Callable[[Path], Element]
Edited = Callable[..., Path]


def section(page: Element, name: str) -> Element:
    return page.one("section", id=name)


def rows(table: Element) -> list[list[str]]:
    return [[cell.text for cell in row.all("th", "td")] for row in table.all("tr")]


# --- what it says -----------------------------------------------------------------------------------------------------


def test_the_head_says_whose_session_it_is_and_whether_it_is_ready(page: Element) -> None:
    head = page.one("header").text
    for said in ("BG042, sni-pod7-capsaicin", "2024-05-17 10:30:57 (Asia/Seoul, UTC+0900)", "daq: its clock", "Ready to convert"):
        assert said in head


def test_each_plane_and_channel_has_a_mean_picture_and_its_rois(page: Element) -> None:
    figures = section(page, "imaging").all("figure")
    assert len(figures) == 2
    captions = [one.one("figcaption").text for one in figures]
    assert all("mean of 64 frames, every 4th, from frame 1 to frame 253" in one for one in captions)
    assert all("32 x 12 pixels (column to the right, row down), 128 x 48 um" in one for one in captions)
    assert all("contrast stretched: black is" in one for one in captions)
    assert "rois: 7 ROIs, 6 of them cells (whole line), 1 not (broken line)" in captions[0]
    assert [len(one.all("path")) for one in figures] == [2, 0]
    assert figures[0].one("svg").attributes["viewbox"] == "0 0 32 12"
    assert all(one.one("image").attributes["href"].startswith("data:image/png;base64,") for one in figures)


def test_each_video_has_its_first_frame_with_the_pose_on_it(page: Element, rig_folder: Path) -> None:
    paw, face = section(page, "videos").all("figure")
    assert "paw_cam. Frame 1 of paw_1.avi, the first of 2 files; 64 x 48 pixels" in paw.one("figcaption").text
    assert "face_cam. Frame 1 of face.mp4" in face.one("figcaption").text
    first = (rig_folder / "cam" / "pawDLC.csv").read_text(encoding="utf-8").splitlines()[3].split(",")[1:]
    parts = {row[0]: (float(row[1]), float(row[2])) for row in rows(paw.one("table"))[1:]}
    stated = [(float(first[at]), float(first[at + 1])) for at in range(0, len(first), 3)]
    assert list(parts.values()) == [(pytest.approx(x, abs=0.06), pytest.approx(y, abs=0.06)) for x, y in stated]
    rings = [(float(one.attributes["cx"]), float(one.attributes["cy"])) for one in paw.all("circle") if one.has_class("point")]
    assert rings == [
        (pytest.approx(x + 0.5, abs=0.01), pytest.approx(y + 0.5, abs=0.01)) for x, y in sorted(stated, key=lambda one: one[1])
    ]


def test_each_channel_has_a_thumbnail_that_says_what_it_looks_like(page: Element) -> None:
    words = {one.one("strong").text: one.text for one in section(page, "channels").all("li")}
    assert list(words) == ["FrameClock", "LaserCmd", "CamTTL", "ShockTTL"]
    assert re.search(r"analog, -0\.\d+ to 5(\.0\d)? V, 256 pulses, usually 4 a second", words["FrameClock"])
    assert re.search(r"digital line: \d+ pulses, usually 5 a second", words["CamTTL"])
    assert "digital line: 1 pulse" in words["ShockTTL"]
    assert "used by paw_cam (clock), face_cam (clock)" in words["CamTTL"]
    assert all(one.one("path").attributes["d"] for one in section(page, "channels").all("svg"))


def test_all_sources_and_the_drug_are_on_one_time_axis(page: Element) -> None:
    time = section(page, "time")
    said = {row[0]: row[1:] for row in rows(time.all("table")[0])[1:]}
    names = ["daq", "movie", "light", "shocks", "paw_cam", "face_cam", "rois", "paw", "licking", "notes", "capsaicin"]
    assert list(said) == names
    assert "2.372 s" in said["movie"][1]  # when the rig's microscope starts
    assert "2.372 s" in said["rois"][1]
    assert said["light"][0] == "20 pulses"
    assert said["capsaicin"][1] == "3:33 (213.000 s)"  # 10:34:30, after 10:30:57
    assert "notebook" in said["capsaicin"][3]
    drawn = [one.one("title").text.split(":")[0] for one in time.all("svg")[0].all("g")]
    assert drawn == names
    assert "Not on the axis" not in time.text


def test_procedures_are_days_before_the_session(page: Element) -> None:
    said = {row[0]: row[3] for row in rows(section(page, "time").all("table")[1])[1:]}
    assert said == {"virus_cerebellum": "28", "virus_lc": "28", "window": "28", "sni": "7"}


def test_receptors_and_populations_are_drawn_and_said(page: Element) -> None:
    animal = section(page, "animal")
    drawn = " ".join(one.text for one in animal.one("svg").all("text"))
    for said in ("bg: Bergmann glial cell", "Adra1a", "knocked down by shRNA", "GCaMP6f", "ChR2", "capsaicin", "laser_473"):
        assert said in drawn
    words = [one.text for one in animal.all("li")]
    assert (
        "Population bg: Bergmann glial cell in CUL4, 5. In it: Adra1a (knocked down by shRNA, vector shrna); "
        "GCaMP6f (indicator, vector gcamp)."
    ) in words


def test_what_will_be_written_is_what_the_conversion_writes(page: Element, rig_folder: Path, tmp_path: Path) -> None:
    import h5py

    from bergmann.convert import convert_session

    said = {row[0].text: row[1:] for row in (line.all("th", "td") for line in section(page, "written").all("tr")[1:])}
    movie = [one.text for one in said["movie"][0].all("span")]
    assert movie[0] == "ScanImage TIFF"
    assert movie[1] == "256 frames of 32 x 12, 2 channels, 4 a second"
    assert "bg042_00001_00001.tif, bg042_00001_00002.tif" in movie[2]
    assert said["pupil"][0].text == "absent: camera not running"
    objects = {name: {one.one("code").text: one.text.split()[-1] for one in cells[1].all("li")} for name, cells in said.items()}
    assert list(objects["movie"]) == ["acquisition/movie_ch1", "acquisition/movie_ch2"]
    assert all(objects[name] for name in ("daq", "rois", "light", "shocks", "paw_cam", "face_cam", "paw", "licking", "notes"))
    done = convert_session(rig_folder / "session.yaml", tmp_path)
    assert done.target is not None, done.findings
    listed = {path: kind for found in objects.values() for path, kind in found.items() if "/" in path}
    with h5py.File(done.target, "r") as file:
        for path, kind in listed.items():
            assert file[path].attrs["neurodata_type"] == kind
        written = {
            f"{group}/{name}" for group in ("acquisition", "stimulus/presentation", "intervals", "events") for name in file[group]
        }
        written |= {f"processing/{name}/{one}" for name, module in file["processing"].items() for one in module}
    grouped = {"/".join(path.split("/")[:3]) if path.startswith("processing") else path for path in listed}
    assert grouped == written


def test_what_a_session_with_gaps_will_write_is_said_in_words(gaps: Element) -> None:
    said = {row[0]: row[1:] for row in rows(section(gaps, "written").one("table"))[1:]}
    assert "a TwoPhotonSeries for each channel, in acquisition" in said["movie"][1]
    assert "could not be read" in said["daq"][0]


def test_a_source_that_cannot_be_used_yet_is_not_forgotten(edited: Edited, page_of: PageOf) -> None:
    made = page_of(edited(("plane: bg_plane, ", "")))
    said = {row[0]: row[1] for row in rows(section(made, "written").one("table"))[1:]}
    assert said["movie"] == "not known yet: it has gaps, see the findings"
    waiting = [one.text for one in section(made, "time").all("li")]
    assert "rois: what it refers to is not there" in waiting


# --- findings ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def gaps(edited: Edited, page_of: PageOf) -> Element:
    """The page of a session with a blank, a missing file, a dangling name and a number without a unit."""
    path = edited(("daq/bg042_0001.h5", "daq/gone.h5"), ("weight: 21.4 g", "weight: 21.4"), ("dose: 10 ug", "dose: ???"))
    return page_of(path)


def test_each_finding_stands_below_its_line_and_is_linked_from_the_list(gaps: Element) -> None:
    assert "Not ready to convert (3 errors" in gaps.one("header").text
    errors = [one for one in section(gaps, "findings").all("li") if one.has_class("error")]
    assert len(errors) == 3
    listing = section(gaps, "documents").all("div", role="region")[0]
    blocks = [one for one in listing.children if isinstance(one, Element)]
    for entry in errors:
        link = entry.one("a")
        line = re.fullmatch(r"edited\.yaml:(\d+) (\S+)", link.text)
        assert line is not None
        at = next(index for index, one in enumerate(blocks) if one.attributes.get("id") == link.attributes["href"][1:])
        above = next(one for one in reversed(blocks[:at]) if one.has_class("line"))
        assert above.one("span").text == line[1]
        assert above.has_class("marked")
        assert line[2].rpartition(".")[2] in above.text  # the key that is to be edited
        assert line[2] in blocks[at].text


def test_what_can_be_shown_of_a_session_with_errors_is_shown(gaps: Element) -> None:
    assert gaps.one("h1").text == "BG042, sni-pod7-capsaicin"
    assert len(section(gaps, "imaging").all("figure")) == 2
    assert len(section(gaps, "videos").all("figure")) == 2
    waiting = [one.text for one in section(gaps, "time").all("li")]
    assert "daq: its files could not be read" in waiting
    assert any(one.startswith("movie: daq, which says its times, is not placed either") for one in waiting)


def test_a_file_that_is_no_yaml_still_has_a_page(rig_folder: Path, page_of: PageOf, tmp_path: Path) -> None:
    path = tmp_path / "session.yaml"
    path.write_text("session: {id: x\nsubject: [\n", encoding="utf-8")
    made = page_of(path)
    assert made.one("h1").text == "session.yaml"
    assert "Not ready" in made.one("header").text
    assert made.all("div", class_="line marked")


def test_a_session_file_that_is_not_there_has_a_page_that_says_so(page_of: PageOf, tmp_path: Path) -> None:
    made = page_of(tmp_path / "session.yaml")
    assert "there is no such file" in section(made, "findings").text


# --- blinding ---------------------------------------------------------------------------------------------------------


def test_nothing_on_the_page_of_a_blinded_session_tells_the_arm(edited: Edited, rig_folder: Path) -> None:
    """A document that tells the arm is not looked at, and the line that names it is shown without the name."""
    pages = []
    for arm in ("shrna", "scrambled"):
        path = edited(
            ("arms/shrna.yaml", f"arms/{arm}.yaml"),
            ("\nsubject:", "\narm: blinded\nfactors:\n  gene: adra1a\nsubject:"),
            name="blind.yaml",
        )
        pages.append(make_page(make_plan(path)))
    assert pages[0] == pages[1]
    made = parse(pages[0])
    assert "Armblinded" in made.one("header").text
    assert "use: [../lab.yaml, ../arms/blinded, BG042.yaml, nerve-injury.yaml]" in made.text
    for told in ("shrna.yaml", "gene: adra1a", "knock", "Adra1a)", "scrambled"):
        assert told not in made.text
    errors = [one.text for one in section(made, "findings").all("li") if one.has_class("error")]
    assert len(errors) == 2
    assert "blind.yaml:3 use: arm: blinded, and a document that is used here tells the arm" in errors[0]


def test_a_blinded_session_that_uses_no_such_document_is_shown_whole(edited: Edited, page_of: PageOf) -> None:
    common = (
        "vectors: {shrna: {construct: unknown, titre: unknown}}\n"
        "receptors: {adra1a_bg: {receptor: Adra1a, population: bg, status: unknown}}\n"
    )
    path = edited(("../arms/shrna.yaml, ", ""), ("\nsubject:", f"\narm: blinded\n{common}subject:"), name="blind.yaml")
    made = page_of(path)
    assert "Ready to convert" in made.one("header").text
    assert "Armblinded" in made.one("header").text
    assert "Adra1a" in section(made, "animal").text


# --- a page that is safe, whole and open to everybody -----------------------------------------------------------------

HOSTILE = "<script>alert(1)</script>\"><img src=x onerror=alert(1)>{{7*7}}=cmd()\x1b[31m'`"


def test_markup_formulas_and_escapes_are_text(edited: Edited, page_of: PageOf, rig_folder: Path) -> None:
    quoted = "'" + HOSTILE.replace("'", "''").replace("\x1b", "") + "'"
    path = edited(
        ("id: sni-pod7-capsaicin", f"id: {quoted}"),
        ("  pupil:    {absent: camera not running}", f"  pupil:    {{absent: {quoted}}}"),
        ("event: noxious shock", f"event: {quoted}"),
        ("  notes: ", f"  {quoted}: "),
        ("drugs:\n", f"drugs:\n  {quoted}: {{action: stimulus, dose: {quoted}, route: {quoted}, at: {quoted}}}\n"),
        ("\nsubject:", f"\nlab: {quoted}\npopulations:\n  bg: {{identified_by: {quoted}}}\nsubject:"),
    )
    made = page_of(path)
    assert not made.all("script", "img", "iframe", "object", "form", "link", "base")
    assert not [key for one in made for key in one.attributes if key.startswith("on")]
    assert "<script>alert(1)</script>" in made.text
    assert "{{7*7}}=cmd()" in made.text


def test_names_of_files_and_tags_are_text(tmp_path: Path, page_of: PageOf) -> None:
    import tifffile

    hostile = '<script>"><img onerror>{{ =cmd() \x1b[31m'
    try:
        tifffile.imwrite(tmp_path / f"{hostile}.tif", np.zeros((5, 4, 4), dtype=np.uint8), imagej=True, metadata={"axes": "TYX"})
    except OSError:
        pytest.skip("this file system takes no such name")
    path = tmp_path / "session.yaml"
    path.write_text('sources:\n  movie: {format: tiff, path: "*.tif", rate: 10 Hz, plane: p}\n', encoding="utf-8")
    made = page_of(path)
    assert not made.all("script", "img")
    assert "\x1b" not in made.text
    assert hostile.replace("\x1b", "␛") in section(made, "written").text


def test_tags_of_a_recording_are_on_the_time_axis(rig_folder: Path) -> None:
    plan = make_plan(rig_folder / "session.yaml")
    daq = plan.headers["daq"]
    assert isinstance(daq, Recording)
    tagged = replace(daq, tags=("+TGOT <script>", "wash \x1b[31m"), tag_times=ExplicitTimes(np.array([3.5, 60.0])))
    made = parse(make_page(replace(plan, headers={**plan.headers, "daq": tagged})))
    said = {row[0]: row[1:] for row in rows(section(made, "time").all("table")[0])[1:]}
    assert said["daq tags"][:3] == ["2 tags: “+TGOT <script>”, “wash ␛[31m”", "0:03.5 (3.500 s)", "1:00 (60.000 s)"]


def test_the_page_asks_the_network_for_nothing(page: Element, gaps: Element) -> None:
    for made in (page, gaps):
        policy = made.one("meta", **{"http-equiv": "Content-Security-Policy"})
        assert policy.attributes["content"] == POLICY
        assert "default-src 'none'" in POLICY
        for element in made:
            for key in ("src", "href", "srcset", "action", "data", "poster", "xlink:href"):
                assert element.attributes.get(key, "#").startswith(("#", "data:image/png;base64,")), element
        style = made.one("style").text
        assert "url(" not in style
        assert "@import" not in style
        assert not made.all("script")


def test_links_lead_somewhere_and_ids_are_one_each(page: Element, gaps: Element) -> None:
    for made in (page, gaps):
        ids = [one.attributes["id"] for one in made if "id" in one.attributes]
        assert len(ids) == len(set(ids))
        assert {one.attributes["href"][1:] for one in made.all("a")} <= set(ids)


def test_who_reads_by_ear_or_by_keyboard_gets_it_all(page: Element, gaps: Element) -> None:
    for made in (page, gaps):
        assert made.one("html").attributes["lang"] == "en"
        assert [len(made.all(name)) for name in ("header", "nav", "main", "footer", "h1")] == [1] * 5
        levels = [int(one.name[1]) for one in made.all("h1", "h2", "h3", "h4")]
        assert levels[0] == 1
        assert all(below - above <= 1 for above, below in pairwise(levels))
        for svg in made.all("svg"):
            assert svg.attributes["role"] == "img"
            assert svg.children[0].name == "title"
            assert svg.children[0].text
        for cell in made.all("th"):
            assert cell.attributes["scope"] in {"col", "row"}
        for table in made.all("table"):
            assert table.one("caption").text
        for box in made.all("input"):
            assert box.attributes["aria-label"]
        for region in made.all("div", role="region"):
            assert region.attributes["tabindex"] == "0"
            assert region.attributes["aria-label"]
        for finding in section(made, "findings").all("li"):  # severity is said, not only coloured
            assert finding.one("strong").text.split()[-1] in {"error", "warning", "note"}


def test_ink_and_paper_have_enough_contrast(page: Element) -> None:
    """4.5 to 1 for text (WCAG 2.1, 1.4.3), in the light and in the dark."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    blocks = re.findall(r":root \{(.*?)\}", page.one("style").text, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        pairs = [(ink, paper) for ink in ("ink", "soft", "accent") for paper in ("paper", "panel")]
        for kind in ("error", "warning", "note"):
            pairs += [(kind, f"{kind}-soft"), ("ink", f"{kind}-soft"), ("soft", f"{kind}-soft"), ("accent", f"{kind}-soft")]
        for ink, paper in [*pairs, ("good", "good-soft"), ("ink", "accent-soft")]:
            light, dark = sorted((luminance(colours[ink]), luminance(colours[paper])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, paper)


def test_the_page_says_nothing_of_the_machine(rig_folder: Path, page: Element) -> None:
    assert str(rig_folder.parent) not in page.text


def test_the_page_is_small_and_written_whole(rig_folder: Path, tmp_path: Path) -> None:
    plan, target = make_plan(rig_folder / "session.yaml"), tmp_path / "page.html"
    target.write_text("an older page", encoding="utf-8")
    write_page(plan, target)
    assert target.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert target.stat().st_size < 1_000_000
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("name", ["session.yaml", "page", "gone/page.html"])
def test_a_page_never_replaces_what_is_no_page(rig_folder: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(WriteError, match=r"\.html|is there a folder"):
        write_page(make_plan(rig_folder / "session.yaml"), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


# --- what only a look at the values shows -----------------------------------------------------------------------------


def test_a_clock_line_that_does_not_fit_is_a_finding_at_its_line(edited: Edited, tmp_path: Path) -> None:
    path, target = edited(("clock: daq/FrameClock", "clock: daq/ShockTTL")), tmp_path / "page.html"
    (found,) = write_page(make_plan(path), target)
    assert found.severity == "error"
    assert found.location.endswith(" sources.movie.clock")
    assert found.message.startswith("256 frames, but 1 pulse on daq/ShockTTL")
    made = parse(target.read_text(encoding="utf-8"))
    assert "Not ready to convert (1 error" in made.one("header").text
    assert found.message in section(made, "findings").text
    assert found.message in section(made, "documents").text


def test_what_cannot_be_written_together_is_a_finding(edited: Edited, tmp_path: Path) -> None:
    """A stretch of time that ends before it begins, which the clocks say."""
    path = edited(("sources:", "invalid: {drift: {from: 3 s after movie, to: 2 s after movie, why: focus}}\nsources:"))
    (found,) = write_page(make_plan(path), tmp_path / "page.html")
    assert found.location.endswith(" invalid.drift")
    assert "it ends (2 s after movie, " in found.message


def test_a_session_without_light_shows_no_light(rig_folder: Path, page_of: PageOf) -> None:
    animal = section(page_of(rig_folder / "vonfrey-pod7.yaml"), "animal").text
    assert "Adra1a (knocked down" in animal
    assert "laser_473" not in animal
