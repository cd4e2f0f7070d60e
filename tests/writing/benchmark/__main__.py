"""The fast writer beside NeuroConv, pynwb and a mere copy: ``python tests/writing/benchmark [OPTIONS]``, run by hand.

Makes the movies, runs every contender in a process of its own, interleaved, several rounds, compares every frame of every file
outside of the timed part, measures reading, and prints the tables; with ``--out FOLDER`` also ``benchmark.json``, ``.txt`` and
``.png``. Needs some three times the largest size on the disk; everything that was made is removed.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from measuring import run
from tables import RIVAL, draw, reading_table, writing_table

HERE = Path(__file__).parent
ALONE = ("copy", "neuroconv", "pynwb", "neuroconv+write", "bergmann")
WHOLE = ("neuroconv, validated", "bergmann convert")
PARTS = ("neuroconv", "written", "+ hashes", "+ proof", "bergmann convert")
THREADS = ("neuroconv", "bergmann 1 thread", "bergmann 2 threads", "bergmann 4 threads")
PRESETS = ("neuroconv", "bergmann", "bergmann frames", "bergmann traces", "bergmann streaming", "bergmann zstd", "bergmann none")
NOT_COMPARED = {"copy"}
SLOWEST_UP_TO = 1.5  # GiB; beyond, pynwb and the presets are left out
FINDINGS = (0, 1)  # exit statuses of what validates, too: the movie's metadata are few


def _python(script: str, *arguments: object) -> list[str]:
    return [sys.executable, str(HERE / script), *map(str, arguments)]


def _rounds(
    names: Sequence[str], source: Path, folder: Path, rounds: int, read: dict[str, Any]
) -> dict[str, list[dict[str, float]]]:
    """Run each contender once a round, in turns that begin with another one each time."""
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for number in range(rounds):
        turn = number % len(names)
        for name in (*names[turn:], *names[:turn]):
            target = folder / "written.nwb"
            target.unlink(missing_ok=True)
            if hasattr(os, "sync"):
                os.sync()  # what others have not yet put on the disk is none of its business
            found = run(_python("contenders.py", name, source, target), allowed=FINDINGS if name in WHOLE else (0,))
            taken[name].append({**asdict(found), "size": target.stat().st_size})
            click.echo(f"  {name}: {found.wall:.1f} s", err=True)
            if name not in NOT_COMPARED:
                subprocess.run(_python("checking.py", source, target), check=True)
                if number == 0 and name not in read and name not in (*WHOLE, *PARTS[1:]):
                    read[name] = json.loads(
                        subprocess.run(_python("checking.py", "--read", target), check=True, capture_output=True).stdout
                    )
            target.unlink()
            for left in folder.glob("written-session"):
                _remove(left)
    return taken


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder)


def _circumstances() -> dict[str, Any]:
    from importlib.metadata import version

    libraries = ("neuroconv", "pynwb", "hdmf", "h5py", "roiextractors", "isal", "numpy")
    return {
        "processors": os.cpu_count(),
        "load before": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "system": platform.system(),
        **{name: version(name) for name in libraries},
    }


def _print(document: Mapping[str, Any]) -> str:
    parts = [", ".join(f"{key} {value}" for key, value in document["circumstances"].items()) + "\n"]
    titles = {"writing": ("Writing alone", RIVAL), "whole": ("The whole command, with validation", WHOLE[0])}
    titles |= {"parts": ("What of bergmann convert takes how long, beside NeuroConv without any of it", RIVAL)}
    titles |= {"threads": ("Threads", RIVAL), "presets": ("Presets", RIVAL)}
    for key, (title, rival) in titles.items():
        parts += [writing_table(title, one["runs"], one["raw"], rival) for one in document.get(key, ())]
    for size, found in document["reading"].items():
        parts.append(reading_table(f"Reading (processor), {size}", found))
    return "\n".join(parts)


@click.command()
@click.option(
    "--gib", "sizes", multiple=True, type=float, default=(0.25, 1.0), show_default=True, help="Sizes of the movies; several."
)
@click.option("--rounds", default=3, show_default=True)
@click.option("--kind", type=click.Choice(["synthetic", "real"]), default="synthetic", show_default=True)
@click.option("--side", default=512, show_default=True, help="Pixels a side.")
@click.option("--whole/--alone", default=False, help="Also the whole commands, with their validation, at the smallest size.")
@click.option("--presets/--no-presets", default=False, help="Also threads and presets, at the smallest size.")
@click.option("--without", multiple=True, help="A contender to leave out; several.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Where the movies are made.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for benchmark.json, .txt and .png.")
def main(
    sizes: Sequence[float],
    rounds: int,
    kind: str,
    side: int,
    whole: bool,
    presets: bool,
    without: Sequence[str],
    folder: Path | None,
    out: Path | None,
) -> None:
    """Measure, print, and remove what was made."""
    if not hasattr(os, "wait4"):
        raise click.UsageError("the processor time of a child is asked for with wait4, which this system does not have")
    document: dict[str, Any] = {"circumstances": _circumstances(), "kind": kind, "writing": [], "reading": {}}
    with tempfile.TemporaryDirectory(dir=folder) as made:
        for size in sorted(sizes):
            n_frames = max(1, round(size * (1 << 30) / (2 * side * side)))
            source = Path(made) / f"movie_{n_frames}.tif"
            subprocess.run(_python("inputs.py", kind, source, n_frames, side), check=True)
            raw, read = 2 * side * side * n_frames, {}
            click.echo(f"{size} GiB, {kind}", err=True)
            left_out = {*without, *(() if size <= SLOWEST_UP_TO else ("pynwb",))}
            names = tuple(name for name in ALONE if name not in left_out)
            document["writing"].append({"raw": raw, "runs": _rounds(names, source, Path(made), rounds, read)})
            if size == min(sizes):
                for key, group, is_wanted in (
                    ("whole", WHOLE, whole),
                    ("parts", PARTS, whole),
                    ("threads", THREADS, presets),
                    ("presets", PRESETS, presets),
                ):
                    group = tuple(name for name in group if name not in left_out)
                    if is_wanted and len(group) > 1:
                        document[key] = [{"raw": raw, "runs": _rounds(group, source, Path(made), rounds, read)}]
            document["reading"][f"{size} GiB"] = read
            source.unlink()
    text = _print(document)
    click.echo(text)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "benchmark.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
        (out / "benchmark.txt").write_text(text, encoding="utf-8")
        draw(document, out / "benchmark.png")


if __name__ == "__main__":
    main()
