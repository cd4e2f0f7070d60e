"""What is placed on the time axis before the conversion, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bergmann.convert.align import align
from bergmann.plan.resolve import make_plan
from bergmann.report import placing
from bergmann.report.placing import place
from bergmann.report.timeline import clock

from .conftest import Element, parse


def test_sources_are_placed_where_the_conversion_puts_them(rig_folder: Path) -> None:
    plan = make_plan(rig_folder / "session.yaml")
    found, aligned = place(plan), align(plan)
    assert found.reasons == {}
    assert list(found.aligned.records) == list(aligned.records)
    for name, record in aligned.records.items():
        assert found.aligned.records[name].span == record.span


def test_a_line_that_is_too_long_is_not_read_through(rig_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "MOST_SAMPLES", 1000)
    found = place(make_plan(rig_folder / "session.yaml"))
    assert list(found.aligned.records) == ["daq"]
    assert (
        found.reasons["movie"] == "the conversion will find its times on daq/FrameClock, which is too long to be read through here"
    )
    assert found.reasons["rois"] == "movie, which says its times, is not placed either"


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    """A session of one movie of two planes with a stated start, and the folder of Suite2p of the second plane's two ROIs."""
    import tifffile

    frames = np.random.default_rng(4).integers(0, 500, (30, 2, 8, 12), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "movie.tif", frames, imagej=True, metadata={"axes": "TZYX", "finterval": 0.5})
    for plane in range(2):
        folder = tmp_path / "suite2p" / f"plane{plane}"
        folder.mkdir(parents=True)
        masks = [(np.array([1, 1, 2]), np.array([3, 4, 3])), (np.array([5]), np.array([9 + plane]))]
        stat = [{"ypix": y, "xpix": x, "lam": np.ones(len(y), dtype=np.float32)} for y, x in masks]
        np.save(folder / "stat.npy", np.array(stat, dtype=object), allow_pickle=True)
        np.save(folder / "ops.npy", np.array({"Ly": 8, "Lx": 12, "fs": 2.0, "nframes": 30}, dtype=object), allow_pickle=True)
        np.save(folder / "F.npy", np.zeros((2, 30), dtype=np.float32))
        np.save(folder / "iscell.npy", np.array([[1, 0.9], [0, 0.1]]))
    path = tmp_path / "session.yaml"
    path.write_text(
        "time_zone: UTC\n"
        "session: {id: s, description: d, start: 2024-05-17 10:00:00}\n"
        "subject: {id: M1, species: Mus musculus, sex: U, born: unknown}\n"
        "devices: {scope: {model: unknown, manufacturer: unknown}}\n"
        "planes: {p: {device: scope, location: unknown, excitation: unknown, channels: {1: {label: unknown, emission: unknown}}}}\n"
        "sources:\n"
        "  movie: {format: tiff, path: movie.tif, plane: p, starts: 2 s after session}\n"
        "  rois: {format: suite2p, path: suite2p, of: movie}\n",
        encoding="utf-8",
    )
    return path


def test_a_session_with_a_stated_start_is_placed_and_its_planes_are_drawn(
    volumes: Path, page_of: Callable[[Path], Element]
) -> None:
    page = page_of(volumes)
    assert "Ready to convert" in page.one("header").text
    assert "Not on the axis" not in page.text
    figures = page.one("section", id="imaging").all("figure")
    assert [one.one("strong").text for one in figures] == ["movie, channel 1, plane 0", "movie, channel 1, plane 1"]
    assert "mean of volumes 1 to 30" in figures[0].text
    outlines = [one.all("path")[1].attributes["d"] for one in figures]
    assert outlines == ["M9 5h1M9 6h1M9 5v1M10 5v1", "M10 5h1M10 6h1M10 5v1M11 5v1"]  # row 5, columns 9 and 10
    assert all("2 ROIs, 1 of them cells (whole line), 1 not (broken line)" in one.text for one in figures)
    movie = next(row for row in page.one("section", id="time").one("table").all("tr") if row.text.startswith("movie"))
    assert movie.text == "movie30 volumes0:02 (2.000 s)0:16.5 (16.500 s)stated: starts 2 s after session"


def test_times_are_written_as_on_a_clock() -> None:
    written = {0: "0:00", 9.96: "0:10", 65.25: "1:05.2", -90: "\N{MINUS SIGN}1:30", 3723: "1:02:03", -0.01: "0:00"}
    assert {seconds: clock(seconds) for seconds in written} == written


def test_parse_is_strict() -> None:
    with pytest.raises(AssertionError):
        parse("<p><b></p></b>")
