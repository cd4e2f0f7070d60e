"""Makes the small files of this example, with which a rig would begin: ``python make_files.py`` writes the folder ``rig``.

bergmann's simulated rig gives the movie, its ROIs and the DAQ recording. Beside them lies the log of FicTrac, which watched the
ball that the mouse ran on, with a frame at each pulse of the DAQ's line CamTTL.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bergmann.rig import Rig, Truth, simulate

COLUMNS = 25  # of a FicTrac log; the 17th is the heading in radians, the 22nd the time in milliseconds


def write_ball(path: Path, truth: Truth) -> None:
    """Write a FicTrac log: the mouse turns at a quarter radian a second, and the computer's clock stamps the frames with jitter."""
    times = truth.camera_times - truth.camera_times[0]
    rows = np.zeros((len(times), COLUMNS))
    rows[:, 0] = rows[:, 22] = np.arange(len(times))
    rows[:, 16] = 0.25 * times % (2 * np.pi)
    rows[:, 21] = 1000 * (times + np.random.default_rng(5).uniform(0, 0.004, len(times))) + 1
    np.savetxt(path, rows, fmt="%.6f", delimiter=", ")


def main(folder: Path = Path("rig")) -> Truth:
    """Write everything; gives the truth of the simulation."""
    truth = simulate(folder, Rig(n_frames=256, powers=(5e-3,), repeats=1, n_shocks=1, capsaicin=45.0))
    write_ball(folder / "ball.dat", truth)
    return truth


if __name__ == "__main__":
    main()
