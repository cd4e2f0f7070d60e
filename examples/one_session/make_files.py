"""Make the raw files of this folder's session, with the session file beside them: python make_files.py FOLDER [control]."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import tifffile

from bergmann.rig import Rig, simulate
from bergmann.rig.assay import write_von_frey
from bergmann.rig.boris import write_boris

HERE = Path(__file__).parent


def make(folder: Path, arm: str = "knockdown") -> Path:
    """Simulate the rig into a folder; gives the session file there."""
    truth = simulate(folder, Rig(n_frames=256, powers=(5e-3,), repeats=1, n_shocks=1, capsaicin=45.0))
    write_boris(folder / "licking.boris", [truth], n_observations=2)
    write_von_frey(folder / "von_frey.csv", [truth])
    noradrenaline = np.arange(20 * 4 * 6, dtype=np.uint16).reshape(20, 4, 6)
    tifffile.imwrite(folder / "na.tif", noradrenaline, photometric="minisblack")
    (folder / "cells.csv").write_text("ROI,type,cell\n0,endfoot,1\n1,PC,2\n", encoding="utf-8")
    shutil.copyfile(HERE / f"{arm}.yaml", folder / "arm.yaml")
    return Path(shutil.copyfile(HERE / "session.yaml", folder / "session.yaml"))


if __name__ == "__main__":
    print(make(Path(sys.argv[1]), *sys.argv[2:3]))
