"""Makes the movie of this example, with which a rig would begin: ``python make_movie.py`` writes the folder ``rig``."""

from __future__ import annotations

from pathlib import Path

from bergmann.rig import Rig, simulate


def main(folder: Path = Path("rig")) -> None:
    """Write a ScanImage movie of 256 frames in two channels (and the other files of a small experiment)."""
    simulate(folder, Rig(n_frames=256, image_shape=(128, 160), powers=(5e-3,), repeats=1, n_shocks=1, capsaicin=45.0))


if __name__ == "__main__":
    main()
