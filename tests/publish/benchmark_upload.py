"""Measure the sending of one file: bergmann beside the released dandi client, to the test archive with parts of 64 MiB.

    python tests/publish/benchmark_upload.py [--mib 512] [--rounds 3]

Each run is a process of its own with an empty home, and a new archive and file. Said are seconds of the clock and of processors
and the most memory; the server's share of the machine is the same for both.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ARCHIVE = Path(__file__).resolve().parents[1] / "archive"
sys.path.insert(0, str(ARCHIVE))

from loopback.folders import nwb_path, state_dandiset  # noqa: E402 - beside this script, which is run by itself
from loopback.site import Site  # noqa: E402

OURS = """
import sys
from pathlib import Path
from bergmann.cli.remote import open_client
from bergmann.publish.assets import Asset
from bergmann.publish.comparing import compare
from bergmann.publish.prediction import asset_metadata
from bergmann.publish.uploading import upload
folder, dandiset, api, name = Path(sys.argv[1]), *sys.argv[2:]
path = folder / name
client = open_client(api, patience=60, timeout=60)
asset = Asset(path, name, asset_metadata(path, name), path.stat().st_size)
report = upload(compare([asset], client, dandiset), client, dandiset, jobs=5)
sys.exit(not report.good)
"""
"""What `bergmann publish` does after it has looked through the files, which the released client is told to skip."""

WRITE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from loopback.folders import write_nwb
write_nwb(Path(sys.argv[2]), "1", "a", int(sys.argv[3]))
"""

THEIRS = "from dandi.cli.command import main; main()"


def measured(words: list[str], environment: dict[str, str], folder: Path) -> tuple[float, float, float]:
    """Seconds of the clock and of processors, and the most MB of memory, of a process."""
    began = time.monotonic()
    with subprocess.Popen(words, env=environment, cwd=folder, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{words[2][:40]} failed")
    return time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000


def main() -> None:
    """Run both in turn, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    rows: dict[str, list[tuple[float, float, float]]] = {"bergmann": [], "dandi": []}
    for _ in range(asked.rounds):
        for client in rows:
            with tempfile.TemporaryDirectory() as place:
                rows[client].append(_round(client, asked.mib, Path(place)))
    lines = ["| client | seconds, best (all) | processor seconds, best | most memory, MB |", "|---|---|---|---|"]
    for client, runs in rows.items():
        clock = ", ".join(f"{run[0]:.1f}" for run in runs)
        best = f"{min(run[0] for run in runs):.1f} ({clock})"
        lines.append(f"| {client} | {best} | {min(run[1] for run in runs):.1f} | {max(run[2] for run in runs):.0f} |")
    sys.stdout.write("\n".join(lines) + "\n")


def _round(client: str, mib: int, place: Path) -> tuple[float, float, float]:
    server = subprocess.Popen([sys.executable, str(ARCHIVE / "serve.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        told = json.loads(server.stdout.readline() if server.stdout else "")
        site = Site(told["api"], told["token"])
        folder = place / told["dandiset"]
        state_dandiset(folder, told["dandiset"])
        # In a process of its own: Linux counts the memory of a parent to the most that its child ever had.
        subprocess.run([sys.executable, "-c", WRITE, str(ARCHIVE), str(folder / nwb_path("1", "a")), str(mib * 2**20)], check=True)
        home = place / "home"
        home.mkdir()
        words = {
            "bergmann": [sys.executable, "-c", OURS, str(folder), told["dandiset"], site.api_url, nwb_path("1", "a")],
            "dandi": [sys.executable, "-c", THEIRS, "upload", "-i", site.api_url, "--validation", "skip", str(folder)],
        }
        return measured(words[client], site.environment(home), folder)
    finally:
        if server.stdin:
            server.stdin.close()
        server.wait()


if __name__ == "__main__":
    main()
