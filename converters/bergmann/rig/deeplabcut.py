"""A DeepLabCut table: x, y and likelihood of each body part in each frame of the paw's video."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bergmann.rig.physiology import KEYPOINTS
from bergmann.rig.truth import Truth

SCORER = "DLC_resnet50_HindPawMay2shuffle1_100000"


def write_deeplabcut(path: Path, truth: Truth) -> Path:
    """Write the true pose as DeepLabCut's csv; the toe is less sure where it moves."""
    rng = np.random.default_rng([truth.rig.seed, 5])
    speed = np.abs(np.diff(truth.paw[:, :, 1], axis=0, prepend=truth.paw[:1, :, 1]))
    likelihood = np.clip(0.99 - 0.02 * speed - 0.01 * rng.random(speed.shape), 0.05, 1)
    values = np.concatenate([truth.paw, likelihood[:, :, None]], axis=2).reshape(len(truth.paw), -1)
    heads = [
        ["scorer", *[SCORER] * 3 * len(KEYPOINTS)],
        ["bodyparts", *(part for part in KEYPOINTS for _ in range(3))],
        ["coords", *["x", "y", "likelihood"] * len(KEYPOINTS)],
    ]
    rows = [[str(index), *(f"{value:.4f}" for value in row)] for index, row in enumerate(values)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(",".join(line) + "\n" for line in [*heads, *rows]), encoding="utf-8", newline="\n")
    return path
