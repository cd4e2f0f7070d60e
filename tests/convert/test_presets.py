"""How arrays are stored is chosen at the command line, and decides what can be taken over from an earlier file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile

from bergmann.writing import CHUNKINGS, COMPRESSIONS

from ..conftest import Ran

SESSION = """\
format_version: 1
session: {id: s1, description: Frames., start: "2024-05-17 10:30:57"}
subject: {id: BG042, species: Mus musculus, sex: F, born: 2024-02-28}
time_zone: Europe/Berlin
devices: {scope: {model: Example 2P}}
planes: {bg: {device: scope, location: cortex, excitation: 920 nm, channels: {1: {label: GCaMP6f, emission: 525 nm}}}}
sources:
  movie: {format: tiff, path: movie.tif, rate: 10 Hz, plane: bg}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    frames = np.random.default_rng(1).integers(0, 999, (40, 128, 160)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "movie.tif", frames, photometric="minisblack")
    (tmp_path / "session.yaml").write_text(SESSION, encoding="utf-8")
    return tmp_path


def convert(bergmann: Callable[..., Ran], folder: Path, *options: str) -> tuple[Path, bool]:
    """The file, and whether the movie was taken over from the one that was replaced."""
    ran = bergmann("convert", folder / "session.yaml", "--out", folder / "out", "--overwrite", "--json", *options)
    (document,) = json.loads(ran.stdout)
    assert document["file"] is not None, ran.stdout
    return Path(document["file"]), any(one["check"] == "kept" for one in document["findings"])


def stored(path: Path) -> tuple[tuple[int, ...], list[int], Any]:
    with h5py.File(path) as file:
        movie = file["acquisition/movie/data"]
        made = movie.id.get_create_plist()
        return movie.chunks, [made.get_filter(number)[0] for number in range(made.get_nfilters())], movie[()]


def test_presets_are_followed_and_only_arrays_stored_alike_are_taken_over(folder: Path, bergmann: Callable[..., Ran]) -> None:
    pytest.importorskip("hdf5plugin", reason="zstd needs the extra `zstd`")
    frames = tifffile.imread(folder / "movie.tif").transpose(0, 2, 1)
    expected: list[tuple[tuple[str, ...], tuple[int, ...], list[int], bool]] = [
        ((), (40, 160, 128), [2, 1], False),
        (("--chunking", "frames"), (24, 160, 128), [2, 1], False),
        (("--chunking", "frames"), (24, 160, 128), [2, 1], True),
        (("--chunking", "frames", "--compression", "zstd"), (24, 160, 128), [2, 32015], False),
        (("--chunking", "frames", "--compression", "zstd"), (24, 160, 128), [2, 32015], True),
        (("--chunking", "traces", "--compression", "none"), (32, 128, 128), [], False),
        (("--chunking", "traces", "--compression", "none"), (32, 128, 128), [], False),  # nothing tells whether it is whole
    ]
    for options, chunks, filters, is_kept in expected:
        path, kept = convert(bergmann, folder, *options)
        found = stored(path)
        assert (found[:2], kept) == ((chunks, filters), is_kept), options
        np.testing.assert_array_equal(found[2], frames)


def test_the_help_explains_each_preset(bergmann: Callable[..., Ran]) -> None:
    said = " ".join(bergmann("convert", "--help").stdout.split())
    for name, explained in {**CHUNKINGS, **COMPRESSIONS}.items():
        assert f"{name} {explained}" in said


_WITHOUT = """
import sys
sys.modules[{name!r}] = None
from bergmann.cli import main
main(["convert", "session.yaml", "--json", *{options!r}])
"""


@pytest.mark.parametrize(
    ("name", "options", "result", "said"),
    [
        ("hdf5plugin", ["--compression", "zstd"], "unreadable", "pip install 'bergmann[zstd]'"),
        ("isal", [], "written", "the fast compressor is not installed"),
    ],
)
def test_what_is_not_installed_is_said(folder: Path, name: str, options: list[str], result: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT.format(name=name, options=options)],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    (document,) = json.loads(done.stdout)
    assert document["result"] == result
    assert any(said in one["message"] for one in document["findings"])
