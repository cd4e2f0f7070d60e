"""What the proof costs: ``python tests/proof/cost.py [MEGABYTES]`` writes ``cost.md``.

A ScanImage movie of that size is converted, and the processes of the proof are timed beside a bare read of the NWB file by h5py
and a bare read of the source files, each in a process of its own, in turns, in one run. POSIX only.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from bergmann.convert.align import align
from bergmann.convert.session import _write
from bergmann.plan.resolve import make_plan
from bergmann.proof.proving import Prover
from bergmann.writing import Streams

SESSION = """\
format_version: 1
time_zone: Asia/Seoul
session: {id: s1, start: 2024-05-17 10:30:57, description: "Simulated."}
subject: {id: BG042, species: Mus musculus, sex: F, born: 2024-02-28}
devices: {scope: {manufacturer: unknown}}
planes:
  plane: {device: scope, location: "CUL4, 5", excitation: 920 nm, channels: {1: {label: GCaMP6f, emission: 525 nm}}}
sources:
  movie: {format: scanimage, path: movie.tif, plane: plane, starts: start of session}
"""

HEADER = (
    "SI.VERSION_MAJOR = 2021\nSI.hChannels.channelSave = 1\nSI.hRoiManager.scanFrameRate = 30\nSI.hStackManager.enable = false\n"
)

READ_NWB = """
import h5py, sys
with h5py.File(sys.argv[1], "r") as file:
    for name in ("acquisition/movie/data",):
        data = file[name]
        for start in range(0, data.shape[0], data.chunks[0]):
            data[start : start + data.chunks[0]]
"""
READ_SOURCES = """
import sys
with open(sys.argv[1], "rb") as file:
    while file.read(1 << 20):
        pass
"""
NOTHING = "import h5py"


def write_movie(path: Path, megabytes: int) -> None:
    """A movie of photon noise, 512 x 512 pixels, as ScanImage writes it."""
    import tifffile

    generator = np.random.default_rng(0)
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        for number in range(megabytes * 2):
            said = f"frameNumbers = {number + 1}\nacquisitionNumbers = 1\nframeNumberAcquisition = {number + 1}\n"
            said += f"frameTimestamps_sec = {number / 30:.9f}\nepoch = [2024 5 17 10 30 57.000]\n"
            frame = generator.poisson(30, (512, 512)).astype(np.int16)
            file.write(frame, description=said, software=HEADER, metadata=None, contiguous=False)


@dataclass(frozen=True)
class Cost:
    """Seconds of a process: on the clock, and of the processor."""

    wall: float
    cpu: float


def cost(command: list[str], order: str = "") -> Cost:
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, input=order, text=True, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def middle(costs: list[Cost]) -> Cost:
    return Cost(median(one.wall for one in costs), median(one.cpu for one in costs))


def less(one: Cost, other: Cost) -> Cost:
    """Without the start of the process."""
    return Cost(one.wall - other.wall, one.cpu - other.cpu)


def main(megabytes: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_movie(folder / "movie.tif", megabytes)
        (folder / "session.yaml").write_text(SESSION, encoding="utf-8")
        session = folder / "session.yaml"
        with Prover(session) as prover:
            target = _write(align(make_plan(session)), folder / "out", Streams(), False, None, False, prover).target
        python, proof = [sys.executable, "-c"], [sys.executable, "-m", "bergmann.proof"]
        of_file, of_sources = json.dumps({"file": str(target)}), json.dumps({"file": str(target), "session": str(session)})
        tasks = {
            "h5py": ([*python, READ_NWB, str(target)], "", [*python, NOTHING], ""),
            "sources": ([*python, READ_SOURCES, str(folder / "movie.tif")], "", [*python, "pass"], ""),
            "digests": ([*proof, "digests"], of_file, [*proof, "digests"], ""),
            "second": ([*proof, "second"], of_sources, [*proof, "second"], ""),
        }
        found: dict[str, list[Cost]] = {key: [] for key in tasks}
        for _ in range(5):
            for key, (command, order, empty, nothing) in tasks.items():
                found[key].append(less(cost(command, order), cost(empty, nothing)))
        each = {key: middle(costs) for key, costs in found.items()}
        bare = Cost(*(getattr(each["h5py"], key) + getattr(each["sources"], key) for key in ("wall", "cpu")))
        slower = max((each["digests"], each["second"]), key=lambda one: one.cpu)
        rows = [
            ("bare read of the NWB file by h5py", each["h5py"]),
            ("bare read of the source", each["sources"]),
            ("both, one after the other", bare),
            ("proof, first process: digests of all that the file holds, by h5py", each["digests"]),
            ("proof, second process: SHA-256 of the source, second reading by tifffile, its digests", each["second"]),
        ]
        lines = [f"| {what} | {one.cpu:.2f} | {one.wall:.2f} |" for what, one in rows]
        text = f"""\
# What the proof costs

Made by `python tests/proof/cost.py {megabytes}`: a ScanImage movie of {megabytes} MB of photon noise, {os.cpu_count()} cores,
medians of five, in turns, each without the start of its process (which is made ready while the file is written). The load of
the machine was {os.getloadavg()[0]:.1f} at the end: other work makes the seconds on the clock larger, and leaves those of the
processor.

| what | processor, s | clock, s |
|---|---|---|
{chr(10).join(lines)}

The two processes run at the same time: on two free cores the proof takes as long as the slower,
**{slower.cpu / bare.cpu:.2f} times** both bare reads.
"""
        Path(__file__).with_name("cost.md").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 512)
