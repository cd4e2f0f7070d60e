"""Compare every frame of a written file with the TIFF, by readers that are not ours: ``python checking.py SOURCE TARGET``.

``--read`` measures reading instead: one JSON object of medians, in seconds of processor time.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tifffile

_REPEATS = 5
_LOOPED = 60


def movie_of(file: h5py.File) -> Any:
    """The one movie of a file."""
    found: list[h5py.Dataset] = []

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim == 3 and name.startswith("acquisition/"):
            found.append(item)

    file.visititems(note)
    (movie,) = found
    return movie


def compare(source: Path, target: Path) -> None:
    """Raise ValueError if any frame differs."""
    with tifffile.TiffFile(source) as tiff, h5py.File(target) as file:
        movie = movie_of(file)
        _expect(movie.shape[0], len(tiff.pages), "frames")
        step = movie.chunks[0] if movie.chunks else 1
        for start in range(0, len(movie), step):
            for number, frame in enumerate(movie[start : start + step], start):
                page = tiff.pages[number].asarray()
                if frame.dtype != page.dtype or not np.array_equal(frame, page.T):
                    raise ValueError(f"{target.name}: frame {number} differs")


def _expect(found: int, expected: int, what: str) -> None:
    if found != expected:
        raise ValueError(f"{found} {what}, expected {expected}")


def measure(target: Path) -> dict[str, float]:
    """Seconds of processor to open the file and read a frame, a region's trace, 100 frames, and each frame of a loop."""
    with h5py.File(target) as file:
        length, width, height = movie_of(file).shape
    middle = slice(width // 2, width // 2 + 10), slice(height // 2, height // 2 + 10)
    number = length // 2
    return {
        "frame": _median(target, lambda movie: movie[number]),
        "trace of a region": _median(target, lambda movie: movie[(slice(None), *middle)], repeats=3),
        "100 frames": _median(target, lambda movie: movie[number : number + 100]),
        "each frame of a loop": _median(target, lambda movie: [movie[n] for n in range(min(_LOOPED, length))], repeats=3)
        / min(_LOOPED, length),
    }


def _median(target: Path, read: Callable[[Any], Any], repeats: int = _REPEATS) -> float:
    taken = []
    for _ in range(repeats):
        begun = time.process_time()  # of one thread, from files in the system's memory: the clock would tell what else runs
        with h5py.File(target) as file:
            read(movie_of(file))
        taken.append(time.process_time() - begun)
    return statistics.median(taken)


if __name__ == "__main__":
    with contextlib.suppress(ImportError):
        import hdf5plugin  # noqa: F401  for files in zstd
    if sys.argv[1] == "--read":
        print(json.dumps(measure(Path(sys.argv[2]))))
    else:
        compare(Path(sys.argv[1]), Path(sys.argv[2]))
