"""How long a question to many small sessions takes, and its rival: opening each file with pynwb.

Run by hand: ``python tests/ask/benchmark_find.py [NUMBER]`` (1000 sessions if not stated) prints a table. Each time is that of a
whole command, with its start; the ratio is of processor times, which other programs change less. All files are in the
memory of the system before; *cold* is without what `find` has kept, *warm* with it. The rival opens 100 of them, and its time is
scaled to all. A wrong answer of either ends the measurement.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click
import h5py
from pynwb import NWBHDF5IO

from conftest import BG, PC, Said, adra1a, build

SAMPLE = 100
QUESTION = ["--gene", "Adra1a", "--status", "knocked_down", "--cell-type", "astrocyte", "--indicator", "GCaMP"]

RIVAL = """
import sys
from pathlib import Path
from pynwb import NWBHDF5IO

found = 0
for path in sorted(Path(sys.argv[1]).rglob("*.nwb"))[: int(sys.argv[2])]:
    with NWBHDF5IO(path, "r") as io:
        nwbfile = io.read()
        glial = nwbfile.lab_meta_data["glial_receptor_metadata"]
        populations, receptors = glial.cell_populations, glial.receptors
        shown = {
            int(number)
            for table in glial.cell_annotations_tables.values()
            for source, number in zip(table["source"].data[:], table["population"].data[:])
            if "GCaMP" in table["source"].table.imaging_plane.indicator
        }
        for row in range(len(receptors)):
            number = int(receptors["population"].data[row])
            found += (
                receptors["gene_symbol"][row] == "Adra1a"
                and receptors["genetic_status"][row] == "knocked_down"
                and populations["cell_type"][number] in ("astrocyte", "Bergmann glial cell")
                and number in shown
            )
print(found)
"""


def make(folder: Path, number: int) -> None:
    """Write so many sessions, of which every second has the knockdown."""
    first = folder / "first.nwb"
    said = Said(
        populations=[BG, PC],
        receptors=[adra1a(0, "knocked_down", construct="AAV5-shRNA(Adra1a)"), adra1a(1, "endogenous")],
        planes={"plane": ("GCaMP6f", "CUL4, 5", "plane")},
        rois={"rois": ("plane", 20, [0] * 20)},
        procedures=[
            {
                "label": "sni",
                "kind": "nerve_injury",
                "model": "spared nerve injury",
                "date": "2024-05-10",
                "days_before_session": 7.0,
            }
        ],
        drugs=[
            {
                "timestamp": 213.0,
                "compound": "capsaicin",
                "action": "stimulus",
                "route": "intraplantar",
                "timestamp_basis": "notebook",
            }
        ],
        states=[{"start_time": 0.0, "stop_time": 213.0, "state": "baseline", "basis": "before", "receptors": [0]}],
    )
    with NWBHDF5IO(first, "w") as io:
        io.write(build("first", said))
    for index in range(number):
        path = folder / f"sub-{index // 10:03d}" / f"ses-{index:04d}.nwb"
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(first, path)
        with h5py.File(path, "r+") as file:
            file["general/session_id"][()] = f"{index:04d}"
            file["general/subject/subject_id"][()] = f"m{index // 10:03d}"
            if index % 2:
                file["general/glial_receptor_metadata/receptors/genetic_status"][0] = "control"
    first.unlink()


def timed(command: Sequence[str], cache: Path) -> tuple[float, float, int]:
    """Seconds that a command takes by the clock and by the processor, and the number that its last line begins with."""
    begin, before = time.perf_counter(), os.times()
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=True, env={**os.environ, "XDG_CACHE_HOME": str(cache)}
    )
    wall, after = time.perf_counter() - begin, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, used, int(done.stdout.splitlines()[-1].split()[0])


def main(number: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder, cache = Path(place) / "sessions", Path(place) / "cache"
        folder.mkdir()
        make(folder, number)
        time.sleep(3)  # a file that was written a moment ago is not kept
        find = ["-m", "bergmann", "find", str(folder), *QUESTION]
        rows = {"find, cold": timed(find, cache), "find, warm": timed(find, cache)}
        asked = min(number, SAMPLE)
        wall, used, found = timed(["-c", RIVAL, str(folder), str(asked)], cache)
        rows[f"pynwb, {asked} of them"] = rival = (wall * number / asked, used * number / asked, found)
        assert found == (asked + 1) // 2
        assert {answer for _, _, answer in list(rows.values())[:2]} == {(number + 1) // 2}
        size = next(folder.rglob("*.nwb")).stat().st_size / 1e3
        click.echo(f"{number} sessions of {size:.0f} kB\n\n{'':22}{'clock (s)':>12}{'processor (s)':>15}{'ratio':>8}")
        for name, (wall, used, _) in rows.items():
            click.echo(f"{name:22}{wall:12.1f}{used:15.1f}{rival[1] / used:8.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
