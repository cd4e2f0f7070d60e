"""Results as text and as a picture."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MIB = 1 << 20
RIVAL = "neuroconv"

Run = Mapping[str, float]
"""What one run took: wall, cpu, peak, tree, size, of one round."""


def median(runs: Sequence[Run], key: str) -> float:
    return statistics.median(run[key] for run in runs)


def ratio(mine: Sequence[Run], theirs: Sequence[Run], key: str) -> float:
    """Median of theirs by mine, each of the same round."""
    return statistics.median(other[key] / one[key] for one, other in zip(mine, theirs, strict=True))


def writing_table(title: str, runs: Mapping[str, Sequence[Run]], raw: int, rival: str) -> str:
    """One row a contender: medians, and by how many times it is quicker than the rival in the same round."""
    head = ("", "wall s", "CPU s", "MB/s", "peak MiB", "tree MiB", "size MB", "wall x", "CPU x", "size x")
    rows = [head]
    for name, mine in runs.items():
        theirs = runs[rival]
        rows.append(
            (
                name,
                f"{median(mine, 'wall'):.2f}",
                f"{median(mine, 'cpu'):.2f}",
                f"{raw / median(mine, 'wall') / 1e6:.0f}",
                f"{median(mine, 'peak') / MIB:.0f}",
                f"{median(mine, 'tree') / MIB:.0f}",
                f"{median(mine, 'size') / 1e6:.1f}",
                f"{ratio(mine, theirs, 'wall'):.2f}",
                f"{ratio(mine, theirs, 'cpu'):.2f}",
                f"{1 / ratio(mine, theirs, 'size'):.3f}",
            )
        )
    n_rounds = len(next(iter(runs.values())))
    said = f"{title}: {raw / (1 << 30):.2f} GiB, medians of {n_rounds} interleaved rounds; x: against {rival} of the same round"
    return f"{said}\n\n{_columns(rows)}\n"


def reading_table(title: str, found: Mapping[str, Mapping[str, float]]) -> str:
    """Milliseconds of processor of each way to read, one row a file."""
    keys = list(next(iter(found.values())))
    rows = [(title, *(f"{key}, ms" for key in keys))]
    rows += [(name, *(f"{1e3 * one[key]:.1f}" for key in keys)) for name, one in found.items()]
    return _columns(rows) + "\n"


def _columns(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for first, *rest in rows:
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        lines.append("  ".join((first.ljust(widths[0]), *cells)))
    return "\n".join(lines)


def draw(document: Mapping[str, Any], path: Path) -> None:
    """Draw wall time, memory and size of the contenders of the last size, and wall time by size."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    last = document["writing"][-1]
    figure, axes = pyplot.subplots(1, 4, figsize=(15, 3.6))
    panels = (("wall", "seconds", 1.0), ("peak", "MiB of the largest process", MIB), ("size", "MB on disk", 1e6))
    for axis, (key, label, unit) in zip(axes, panels, strict=False):
        names = list(last["runs"])
        axis.barh(names, [median(last["runs"][name], key) / unit for name in names], color=[_colour(name) for name in names])
        axis.invert_yaxis()
        axis.set_xlabel(f"{label}, {last['raw'] / (1 << 30):.2f} GiB")
    for name in last["runs"]:
        sizes = [(one["raw"] / (1 << 30), median(one["runs"][name], "wall")) for one in document["writing"] if name in one["runs"]]
        axes[3].plot(*zip(*sizes, strict=True), "o-", label=name, color=_colour(name))
    axes[3].set(xlabel="GiB of frames", ylabel="seconds", yscale="log")
    axes[3].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _colour(name: str) -> str:
    return "#c44e52" if "bergmann" in name else "#dd8452" if "write" in name else "#4c72b0" if name != "copy" else "#999999"
