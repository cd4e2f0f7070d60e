"""The same rig gives the same bytes; another seed gives others."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import av
import numpy as np

from bergmann.rig import Truth, demo_rigs, simulate, simulate_demo

VIDEOS = {".avi", ".mp4"}


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each file; of a video, of its decoded frames."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): digest(path) for path in files}


def digest(path: Path) -> str:
    if path.suffix not in VIDEOS:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    found = hashlib.sha256()
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            found.update(frame.to_ndarray(format="gray").tobytes())
    return found.hexdigest()


def test_the_same_bytes_for_the_same_seed(demo: tuple[Path, Mapping[str, Truth]], tmp_path: Path) -> None:
    folder, _ = demo
    simulate_demo(tmp_path)
    assert digests(tmp_path) == digests(folder)


def test_other_bytes_for_another_seed(knockdown: tuple[Path, Truth], tmp_path: Path) -> None:
    folder, truth = knockdown
    simulate(tmp_path, replace(truth.rig, seed=truth.rig.seed + 1))
    before, after = digests(folder), digests(tmp_path)
    assert {name for name in after if after[name] != before[name]} >= {
        "2p/bg042_00001_00001.tif",
        "daq/bg042_0001.h5",
        "suite2p/plane0/F.npy",
        "cam/pawDLC.csv",
    }


def test_the_demo_is_a_few_megabytes(demo: tuple[Path, Mapping[str, Truth]]) -> None:
    folder, _ = demo
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 12e6


def test_nothing_says_where_it_was_made(demo: tuple[Path, Mapping[str, Truth]]) -> None:
    folder, _ = demo
    here = str(folder).encode()
    for path in folder.rglob("*"):
        assert not path.is_file() or here not in path.read_bytes()


def test_the_two_animals_differ_in_arm_seed_and_clocks() -> None:
    knockdown, control = demo_rigs()
    assert (knockdown.arm, control.arm) == ("shrna", "scrambled")
    assert knockdown.seed != control.seed
    assert np.sign(knockdown.microscope.drift_ppm) != np.sign(knockdown.camera.drift_ppm)
