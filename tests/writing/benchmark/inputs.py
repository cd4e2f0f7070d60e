"""Movies to convert, of any size: ``python inputs.py KIND TARGET FRAMES [SIDE]`` writes one ScanImage BigTIFF.

*synthetic* has Poisson photons over neuropil and cells with calcium transients, the spread of a photomultiplier's gain, and read
noise; *real* repeats the two-photon frames of ``../shared/data/large_movies``, four beside each other. Sixty-four frames are made;
where more are wanted, they return shifted, so that no compressor finds them again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from bergmann.rig.scanimage import write_scanimage

RATE = 30.0
"""Frames a second."""

DISTINCT, TOGETHER = 64, 16
PHOTON, SPREAD, READ_NOISE, OFFSET = 90.0, 40.0, 12.0, 5.0
"""Counts a photon, its standard deviation, that of the electronics, and the mean of darkness."""

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "large_movies"


def synthetic(side: int, rng: np.random.Generator) -> Any:
    """The distinct frames, shape (DISTINCT, side, side), int16."""
    y, x = np.mgrid[:side, :side].astype(np.float32)
    neuropil = 0.12 + 0.10 * np.exp(-((y - side / 2) ** 2 + (x - side / 2) ** 2) / (2 * (0.4 * side) ** 2))
    cells = [_cell(y, x, side, rng) for _ in range(max(1, side * side * 120 // 512**2))]
    decay = np.exp(-np.arange(60) / (0.6 * RATE))
    frames = np.empty((DISTINCT, side, side), np.int16)
    spikes = (rng.random((len(cells), DISTINCT)) < 0.2 / RATE) * rng.gamma(2, 1.0, (len(cells), DISTINCT))
    traces = [1 + np.convolve(train, decay)[:DISTINCT] for train in spikes]
    for number in range(DISTINCT):
        light = neuropil.copy()
        for shape, trace in zip(cells, traces, strict=True):
            light += shape * trace[number]
        photons = rng.poisson(light).astype(np.float32)
        counts = PHOTON * photons + SPREAD * np.sqrt(photons) * rng.standard_normal((side, side), dtype=np.float32)
        counts += READ_NOISE * rng.standard_normal((side, side), dtype=np.float32) + OFFSET
        frames[number] = np.clip(np.rint(counts), -2048, 8191).astype(np.int16)
    return frames


def _cell(y: Any, x: Any, side: int, rng: np.random.Generator) -> Any:
    """The light of one cell in every pixel."""
    cy, cx, radius, light = (*rng.uniform(0, side, 2), rng.uniform(4, 7), rng.uniform(0.3, 1.5))
    shape = light * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * radius**2))
    return np.where(shape > 1e-3, shape, 0).astype(np.float32)


def real(side: int, rng: np.random.Generator) -> Any:
    """Mosaics of four real frames of 256 x 256 pixels, shape (DISTINCT, 512, 512), int16."""
    import tifffile

    files = sorted(REAL.rglob("*.tif"))
    if not files or side != 512:
        raise SystemExit(f"the real frames are in {REAL.name}, which is absent here, and give 512 pixels a side")
    pages = np.stack([tifffile.imread(file) for file in files]).astype(np.int16)
    chosen = pages[rng.integers(0, len(pages), (DISTINCT, 2, 2))]
    return chosen.transpose(0, 1, 3, 2, 4).reshape(DISTINCT, 512, 512)


def blocks(distinct: Any, n_frames: int) -> Iterator[Any]:
    """As many frames as are wanted, in blocks of shape (n, 1, side, side)."""
    for start in range(0, n_frames, TOGETHER):
        numbers = range(start, min(start + TOGETHER, n_frames))
        yield np.stack([np.roll(distinct[n % DISTINCT], (3 * (n // DISTINCT), -2 * (n // DISTINCT)), (0, 1)) for n in numbers])[
            :, None
        ]


def main(kind: str, target: str, n_frames: int, side: int = 512) -> None:
    """Write the movie; one that is there is left."""
    path = Path(target)
    distinct = {"synthetic": synthetic, "real": real}[kind](side, np.random.default_rng(0))
    (made,) = write_scanimage(
        path.parent,
        path.stem,
        blocks(distinct, n_frames),
        times=np.arange(n_frames) / RATE,
        n_files=1,
        frame_rate=RATE,
        pixel_size=1e-6,
        start=datetime(2024, 3, 14, 10, 2, 33, 217000),
    )
    made.replace(path)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
