"""What a small session costs, beside NeuroConv, and how fast commands answer: ``python tests/small_sessions.py FOLDER``.

In the folder it simulates a rig, and takes of one session what NeuroConv reads, too: its ScanImage movie (two files) and the ROIs
of Suite2p. Each command is a process of its own, as a user runs it, with compiled modules as an installation has them; all commands
run one after the other in each round, and every ratio is of one round. Printed are medians, wall and processor time. The tables are
kept in ``small_sessions.md``.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

ROUNDS = int(os.environ.get("BERGMANN_ROUNDS", "5"))

SESSION = """\
format_version: 1
use: [../lab.yaml, ../arms/shrna.yaml, BG042.yaml, nerve-injury.yaml]
session:
  id: small
  description: a movie and its regions of interest
  start: from movie
subject: {weight: 21.4 g}
sources:
  movie: {format: scanimage, path: "2p/bg042_00001_*.tif", plane: bg_plane}
  rois: {format: suite2p, path: suite2p, of: movie, population: bg, compartment: process}
"""

WITH_NEUROCONV = """\
import sys
from datetime import datetime, timezone
from pathlib import Path
from neuroconv import ConverterPipe
from neuroconv.datainterfaces import ScanImageImagingInterface, Suite2pSegmentationInterface

folder, target = Path(sys.argv[1]), Path(sys.argv[2])
files = sorted((folder / "2p").glob("*.tif"))
movie = ScanImageImagingInterface(file_path=None, file_paths=files, channel_name="Channel 1")
rois = Suite2pSegmentationInterface(folder_path=folder / "suite2p")
pipe = ConverterPipe({"movie": movie, "rois": rois})
metadata = pipe.get_metadata()
metadata["NWBFile"].update(session_id="small", session_start_time=datetime(2024, 5, 17, 10, 31, 4, tzinfo=timezone.utc))
metadata["Subject"] = dict(subject_id="BG042", species="Mus musculus", sex="F", age="P11W")
target.parent.mkdir(parents=True, exist_ok=True)
pipe.run_conversion(nwbfile_path=target, metadata=metadata, overwrite=True)
"""


def spent(commands: Iterable[list[str]], environment: dict[str, str]) -> tuple[float, float]:
    """Wall and processor seconds of commands, one after the other."""
    begun, before = time.perf_counter(), os.times()
    for command in commands:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            raise RuntimeError(f"{command}: {done.stdout}\n{done.stderr}")
    after = os.times()
    return time.perf_counter() - begun, sum(after[2:4]) - sum(before[2:4])


def table(title: str, times: dict[str, list[tuple[float, float]]], base: str) -> None:
    """Print the medians, and the ratios of the same rounds to one of the commands."""
    sys.stdout.write(f"\n| {title} | wall, s | processor, s | wall / {base} | processor / {base} |\n|---|---|---|---|---|\n")
    for name, runs in times.items():
        medians = [statistics.median(run[index] for run in runs) for index in (0, 1)]
        ratios = [
            statistics.median(run[index] / other[index] for run, other in zip(runs, times[base], strict=True)) for index in (0, 1)
        ]
        sys.stdout.write(f"| {name} | {medians[0]:.2f} | {medians[1]:.2f} | {ratios[0]:.2f} | {ratios[1]:.2f} |\n")


def measure(commands: dict[str, list[list[str]]], environment: dict[str, str]) -> dict[str, list[tuple[float, float]]]:
    """The times of all commands, interleaved; a first round, in which modules are compiled, is not counted."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for number in range(ROUNDS + 1):
        for name, parts in commands.items():
            one = spent(parts, environment)
            sys.stderr.write(f"round {number}: {name}: {one[0]:.2f} s, processor {one[1]:.2f} s\n")
            if number:
                times[name].append(one)
    return times


def main(folder: Path) -> None:
    """Print both tables."""
    from bergmann.rig import simulate_demo

    folder = folder.resolve()
    rig = folder / "rig"
    if not rig.exists():
        simulate_demo(rig)
    animal = rig / "BG042"
    (animal / "small.yaml").write_text(SESSION, encoding="utf-8")
    (folder / "with_neuroconv.py").write_text(WITH_NEUROCONV, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPYCACHEPREFIX": str(folder / "compiled"), "DANDI_CACHE": "ignore", "DANDI_NO_ET": "1"}
    python, ours = [sys.executable], [sys.executable, "-m", "bergmann"]
    check = {
        "import pynwb": [[*python, "-c", "import pynwb"]],
        "bergmann --help": [[*ours, "--help"]],
        "bergmann check, an assay day": [[*ours, "check", str(animal / "vonfrey-pod7.yaml")]],
        "bergmann check, a session of 11 sources": [[*ours, "check", str(animal / "session.yaml")]],
    }
    table("start", measure(check, environment), "import pynwb")
    theirs = folder / "theirs" / "sub-BG042" / "sub-BG042_ses-small.nwb"
    run = [*python, str(folder / "with_neuroconv.py"), str(animal), str(theirs)]
    checks = [
        [
            *python,
            "-c",
            "from nwbinspector._nwbinspector_cli import _nwbinspector_cli; _nwbinspector_cli()",
            str(theirs),
            "--config",
            "dandi",
        ],
        [*python, "-c", "from dandi.cli.command import main; main()", "validate", str(theirs)],
    ]
    convert = [*ours, "convert", "--overwrite", "--out", str(folder / "ours")]
    days = sorted(str(path) for path in rig.glob("BG04*/vonfrey*.yaml"))
    sessions = {
        "bergmann convert": [[*convert, str(animal / "small.yaml")]],
        "NeuroConv's run_conversion alone": [run],
        "NeuroConv, nwbinspector, dandi validate": [run, *checks],
        f"bergmann convert, {len(days)} assay days in one process": [[*convert, *days]],
        "one of these days": [[*convert, days[0]]],
    }
    table("a small session", measure(sessions, environment), "bergmann convert")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
