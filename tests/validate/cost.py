"""What validating a large file costs: ``python tests/validate/cost.py [GIB]`` writes ``cost.md``.

A ScanImage movie of that size is converted as the benchmark of the writer does; then every validator looks at the file, each a
process of its own as a user runs it, in turns, in one run. POSIX only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

BENCHMARK = Path(__file__).resolve().parents[1] / "writing" / "benchmark"
sys.path.insert(0, str(BENCHMARK))

from measuring import Taken, run  # noqa: E402 - a script beside the tests, of no package

ROUNDS = 3
MIB = 1 << 20
PYTHON = [sys.executable, "-c"]
BARE = """\
import sys
import h5py
with h5py.File(sys.argv[1], "r") as file:
    data = next(one for one in file["acquisition"].values())["data"]
    for start in range(0, data.shape[0], data.chunks[0]):
        data[start : start + data.chunks[0]]
"""
VALIDATORS = {
    "bergmann validate": [sys.executable, "-m", "bergmann", "validate"],
    "nwbinspector": [*PYTHON, "from nwbinspector._nwbinspector_cli import _nwbinspector_cli as main; main()", "--config", "dandi"],
    "dandi validate": [*PYTHON, "from dandi.cli.command import main; main()", "validate"],
    "a bare read by h5py": [*PYTHON, BARE],
}


def movie_in_nwb(folder: Path, gib: float) -> Path:
    """A converted movie of that size."""
    source, target = folder / "movie.tif", folder / "sub-M1_ses-s1_ophys.nwb"
    n_frames = round(gib * (1 << 30) / (2 * 512 * 512))
    subprocess.run([sys.executable, BENCHMARK / "inputs.py", "synthetic", source, str(n_frames), "512"], check=True)
    converted = [sys.executable, BENCHMARK / "contenders.py", "bergmann convert", source, target]
    done = subprocess.run(converted, check=False, capture_output=True, text=True)
    if not target.is_file():  # its status tells of findings, too
        raise RuntimeError(done.stdout + done.stderr)
    source.unlink()
    return target


def row(name: str, mine: list[Taken], ours: list[Taken]) -> str:
    """Medians, and by how many times it takes as long as ours in the same round."""
    wall, cpu, peak = (median(getattr(one, key) for one in mine) for key in ("wall", "cpu", "peak"))
    ratio = median(one.wall / other.wall for one, other in zip(mine, ours, strict=True))
    return f"| {name} | {wall:.1f} | {cpu:.1f} | {peak / MIB:.0f} | {ratio:.2f} |"


def main(gib: float) -> None:
    """Measure, and write the page."""
    with tempfile.TemporaryDirectory() as name:
        target = movie_in_nwb(Path(name), gib)
        size = target.stat().st_size
        taken: dict[str, list[Taken]] = {name: [] for name in VALIDATORS}
        for _ in range(ROUNDS):
            for name, command in VALIDATORS.items():
                taken[name].append(run([*command, str(target)], allowed=(0, 1)))
                sys.stderr.write(f"{name}: {taken[name][-1].wall:.1f} s\n")
    rows = "\n".join(row(name, mine, taken["bergmann validate"]) for name, mine in taken.items())
    text = f"""\
# What validating a large file costs

Made by `python tests/validate/cost.py {gib:g}`: a movie of {gib:g} GiB ({size / 1e6:.0f} MB in the file), {os.cpu_count()} cores,
medians of {ROUNDS} interleaved rounds. `bergmann validate` runs pynwb's validator, the NWB Inspector and dandi's checks, too, and
reads every frame for its own; it first goes through the file in a process of its own, which a damaged file may crash. The NWB
Inspector and dandi look at a sample of the frames.

| | clock, s | processor, s | peak, MiB | clock x |
|---|---|---|---|---|
{rows}
"""
    Path(__file__).with_name("cost.md").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
