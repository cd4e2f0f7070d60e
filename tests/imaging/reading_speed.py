"""What it costs to count the pages of movies and to read their frames: ``python tests/imaging/reading_speed.py FOLDER``.

Makes the movies in the folder (about 1 GB), and measures each in a process of its own, several times, with the files in the
system's memory: processor time to count the pages, processor time to read all frames in blocks of 5 MB, and the largest memory of
the process beyond its imports. Beside it, the same bytes read by `numpy.fromfile` in blocks: what no reader can beat by much. The
table is kept in ``reading_speed.md``.
"""

from __future__ import annotations

import json
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

ROUNDS = 5
BLOCK = 5_000_000
MOVIES: dict[str, tuple[int, int, str, dict[str, Any]]] = {
    "70,000 pages of 64 x 64, 8 bit": (70_000, 64, "u1", {}),
    "1,000 pages of 512 x 512, 16 bit": (1_000, 512, "<i2", {}),
    "the same, big-endian": (1_000, 512, ">i2", {}),
    "4,000 pages of 128 x 128, 16 bit, two channels in turns": (4_000, 128, "<i2", {"axes": "TCYX", "channels": 2}),
}
"""How many pages, their side and type, and what is stated of them."""


def make(path: Path, count: int, side: int, kind: str) -> None:
    """A BigTIFF whose directories lie before their pixels, at equal distances."""
    dtype = np.dtype(kind)
    order = ">" if dtype.byteorder == ">" else "<"
    size = side * side * dtype.itemsize
    sample = 2 if dtype.kind == "i" else 1
    tags = [(256, side), (257, side), (258, 8 * dtype.itemsize), (259, 1), (262, 1), (273, 0), (277, 1), (278, side), (279, size)]
    tags.append((339, sample))
    length = 8 + 20 * len(tags) + 8
    pixels = np.random.default_rng(1).poisson(80, side * side).astype(dtype).tobytes()
    with path.open("wb") as file:
        file.write({"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HHHQ", 43, 8, 0, 16))
        for index in range(count):
            at = 16 + index * (length + size)
            entries = [struct.pack(f"{order}HHQQ", tag, 16, 1, at + length if tag == 273 else value) for tag, value in tags]
            follower = at + length + size if index + 1 < count else 0
            file.write(struct.pack(f"{order}Q", len(tags)) + b"".join(entries) + struct.pack(f"{order}Q", follower) + pixels)


def largest_memory() -> float:
    """The largest memory of this process so far, in MB; 0 where the system does not say it."""
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def measure(path: Path, stated: dict[str, Any]) -> dict[str, float]:
    """Count and read one movie."""
    from bergmann.imaging.tiff import Tiff, read

    source = Tiff.model_validate({"path": path, "rate": "30 Hz"} | stated)
    before = largest_memory()
    begun = time.process_time()
    movie = read(source, {})
    counted = time.process_time()
    n_bytes = 0
    for channel in movie.channels:
        frames = channel.frames
        many = max(1, BLOCK // frames[0:1].nbytes)
        for start in range(0, frames.shape[0], many):
            n_bytes += frames[start : start + many].nbytes
    done = time.process_time()
    with path.open("rb") as file:
        while np.fromfile(file, np.uint8, BLOCK).size:
            pass
    plain = time.process_time() - done
    return {
        "count": counted - begun,
        "read": done - counted,
        "plain": plain,
        "memory": largest_memory() - before,
        "MB": n_bytes / 1e6,
    }


def main(folder: Path) -> None:
    """Print the table."""
    titles = ["movie", "counting, us a page", "reading, ms a MB", "`fromfile`, ms a MB", "memory beyond imports, MB"]
    sys.stdout.write(f"| {' | '.join(titles)} |\n{'|---' * len(titles)}|\n")
    for name, (count, side, kind, stated) in MOVIES.items():
        path = folder / f"{count}_{side}_{np.dtype(kind).str.replace('|', 'u').replace('<', 'l').replace('>', 'b')}.tif"
        if not path.exists():
            make(path, count, side, kind)
        runs = [
            json.loads(subprocess.run([sys.executable, __file__, "--one", path, json.dumps(stated)], check=True, stdout=-1).stdout)
            for _ in range(ROUNDS)
        ]
        middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        per_mb = [f"{1e3 * middle[key] / middle['MB']:.2f}" for key in ("read", "plain")]
        cells = [name, f"{1e6 * middle['count'] / count:.1f}", *per_mb, f"{middle['memory']:.0f}"]
        sys.stdout.write(f"| {' | '.join(cells)} |\n")


if __name__ == "__main__":
    if sys.argv[1] == "--one":
        sys.stdout.write(json.dumps(measure(Path(sys.argv[2]), json.loads(sys.argv[3]))))
    else:
        main(Path(sys.argv[1]))
