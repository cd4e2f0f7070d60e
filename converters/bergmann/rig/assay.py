"""Tables of a cohort's von Frey test, and the other small tables that people keep: calibration and notes."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from bergmann.rig.truth import Calibration, Truth

N_TRIALS = 5


def write_von_frey(path: Path, truths: Iterable[Truth]) -> Path:
    """Write withdrawal thresholds of an electronic von Frey test: five trials a paw and day, all animals in one table.

    The mean of the trials on a log scale is exactly the true threshold, to the three digits that are written.
    """
    rows = []
    for truth in truths:
        for number, ((day, side), threshold) in enumerate(sorted(truth.von_frey.items())):
            spread = np.random.default_rng([truth.rig.seed, 6, number]).normal(0, 0.15, N_TRIALS)
            for trial, factor in enumerate(np.exp(spread - spread.mean()), start=1):
                rows.append((truth.rig.animal, day, side, trial, f"{threshold * factor:.3g}"))
    return _write(path, ("Animal", "Day", "Paw", "Trial", "Threshold (g)"), rows)


def write_von_frey_scores(path: Path) -> Path:
    """Write pain scores of von Frey hairs as a cohort table that names animals by cage and days by weeks."""
    rows = [
        ("C57_injured", f"Cage1, Animal {animal}", f"{hair} VFH", score, week)
        for week, sensitive in (("Baseline", 0), ("Week 1", 2), ("Week 2", 2))
        for hair, strong in ((0.07, 0), (0.4, 1), (1.4, 2))
        for animal, score in ((1, sensitive + strong), (2, max(0, sensitive + strong - 1)))
    ]
    return _write(path, ("Genotype (I.D.)", "Animal", "Stimulus", "Pain Score", "TIME"), rows)


def write_calibration(path: Path, calibration: Calibration) -> Path:
    """Write the power measured at each command."""
    rows = [(f"{volts:.2f}", f"{power:.2f}") for volts, power in zip(calibration.volts, calibration.milliwatts, strict=True)]
    return _write(path, ("command (V)", "power (mW)"), rows)


def write_notes(path: Path, truth: Truth) -> Path:
    """Write what the experimenter noted, from which frame of the movie to which, counted from 1."""
    rig = truth.rig

    def frame(time: float) -> int:
        return int(np.searchsorted(truth.frame_times, time)) + 1

    causes = [flare.cause for flare in truth.flares]
    onsets = [flare.onset for flare in truth.flares]
    first_light, first_shock = onsets[causes.index("light")], onsets[causes.index("shock")]
    rows = [
        ("baseline", 1, frame(first_light) - 1),
        ("light series", frame(first_light), frame(first_shock) - 1),
        ("shocks", frame(first_shock), frame(rig.capsaicin) - 1),
        ("after capsaicin", frame(rig.capsaicin), rig.n_frames),
    ]
    return _write(path, ("what", "from", "to"), rows)


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path
