"""What decides the values of an array is in its recipe, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from bergmann.convert.align import align
from bergmann.convert.provenance import digests_of_sources
from bergmann.convert.recipes import Recipes, name_arrays
from bergmann.convert.session import build_nwbfile
from bergmann.plan.resolve import make_plan
from bergmann.writing import Streams

SESSION = """\
session: {id: s1, description: Frames., start: "2024-05-17 10:30:57"}
subject: {id: BG042, species: Mus musculus, sex: F, born: 2024-02-28}
time_zone: Europe/Berlin
devices: {scope: {model: Example 2P}}
planes: {bg: {device: scope, location: cortex, excitation: 920 nm, channels: {1: {label: GCaMP6f, emission: 525 nm}}}}
sources:
  movie: {format: tiff, path: movie.tif, rate: 10 Hz, plane: bg}
"""


def recipe(folder: Path, old: str = "", new: str = "") -> str:
    """The recipe of the movie of a session in which one text is replaced."""
    assert not old or SESSION.count(old) == 1
    (folder / "session.yaml").write_text(SESSION.replace(old, new) if old else SESSION, encoding="utf-8")
    aligned, streams = align(make_plan(folder / "session.yaml")), Streams()
    nwbfile, _ = build_nwbfile(aligned, streams)
    (array,) = name_arrays(nwbfile, streams, Recipes(aligned, digests_of_sources(aligned)))
    movie = nwbfile.acquisition["movie"]
    assert (array.source, array.holder, array.field) == ("movie", movie.object_id, "data")
    assert [one.recipe for one in streams.pending] == [array.recipe]
    return array.recipe


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A movie of more than a megabyte, which is written a block at a time."""
    frames = np.random.default_rng(1).integers(0, 999, (40, 128, 128)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "movie.tif", frames, photometric="minisblack")
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("920 nm", "900 nm"),
        ("born: 2024-02-28", "age: 11 weeks"),
        ("s1", "s2"),
        ("10:30:57", "11:30:57"),
        ("path: movie.tif", "path: ./movie.tif"),
    ],
)
def test_what_decides_no_value_leaves_the_recipe(folder: Path, old: str, new: str) -> None:
    assert recipe(folder, old, new) == recipe(folder)


@pytest.mark.parametrize(("old", "new"), [("rate: 10 Hz", "rate: 20 Hz"), ("plane: bg}", "plane: bg, frames: 1-36}")])
def test_what_is_stated_for_reading_changes_it(folder: Path, old: str, new: str) -> None:
    assert recipe(folder, old, new) != recipe(folder)


def test_one_bit_of_a_file_changes_it(folder: Path) -> None:
    before = recipe(folder)
    content = bytearray((folder / "movie.tif").read_bytes())
    content[-1] ^= 1
    (folder / "movie.tif").write_bytes(content)
    assert recipe(folder) != before
