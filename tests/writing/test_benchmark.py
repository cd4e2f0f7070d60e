"""The benchmark in its smallest form: it runs, compares every frame, and notices one that is wrong. No time is asserted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

BENCHMARK = Path(__file__).parent / "benchmark"
GIB = 20 * 2 * 64 * 64 / (1 << 30)  # twenty frames of 64 x 64 pixels


def script(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCHMARK / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="the benchmark asks for a child's processor time as POSIX has it")
def test_every_contender_writes_the_same_frames(tmp_path: Path) -> None:
    options = {"--gib": GIB, "--side": 64, "--rounds": 1, "--folder": tmp_path, "--out": tmp_path / "out"}
    done = script("", *(word for option in options.items() for word in option), "--presets")
    assert done.returncode == 0, done.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["out"]
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == ["benchmark.json", "benchmark.png", "benchmark.txt"]
    document = json.loads((tmp_path / "out" / "benchmark.json").read_text(encoding="utf-8"))
    assert set(document["writing"][0]["runs"]) == {"copy", "neuroconv", "pynwb", "neuroconv+write", "bergmann"}
    assert {"bergmann zstd", "bergmann none", "bergmann traces"} <= set(document["presets"][0]["runs"])
    assert document["writing"][0]["raw"] == 20 * 2 * 64 * 64
    for title in ("Writing alone", "Threads", "Presets", "Reading"):
        assert title in done.stdout


def test_a_frame_that_differs_is_found(tmp_path: Path) -> None:
    source, target = tmp_path / "movie.tif", tmp_path / "movie.nwb"
    assert script("inputs.py", "synthetic", source, 20, 64).returncode == 0
    assert script("contenders.py", "bergmann", source, target).returncode == 0
    assert script("checking.py", source, target).returncode == 0
    with h5py.File(target, "r+") as file:
        file["acquisition/movie/data"][17, 3, 5] += 1
    checked = script("checking.py", source, target)
    assert checked.returncode != 0
    assert "movie.nwb: frame 17 differs" in checked.stderr


def test_the_movie_is_of_the_size_that_was_asked_for_and_its_frames_are_not_alike(tmp_path: Path) -> None:
    import numpy as np
    import tifffile

    script("inputs.py", "synthetic", tmp_path / "movie.tif", 130, 64)
    frames = tifffile.imread(tmp_path / "movie.tif")
    assert (frames.shape, frames.dtype) == ((130, 64, 64), np.int16)
    assert len({frame.tobytes() for frame in frames}) == 130
