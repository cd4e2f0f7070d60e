"""Write what the simulated rig leaves behind: one animal's folder, the demo's animals, the contract's session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from bergmann.rig.assay import write_calibration, write_notes, write_von_frey, write_von_frey_scores
from bergmann.rig.boris import write_boris
from bergmann.rig.deeplabcut import write_deeplabcut
from bergmann.rig.movie import movie_blocks
from bergmann.rig.physiology import draw
from bergmann.rig.scanimage import write_scanimage
from bergmann.rig.sessions import write_sessions
from bergmann.rig.suite2p import Extraction, write_suite2p
from bergmann.rig.truth import Clock, Rig, Truth
from bergmann.rig.video import face_picture, parts, paw_picture, write_video
from bergmann.rig.wavesurfer import Line, write_wavesurfer

CALIBRATION = "calibration/laser473_2024-05-02.csv"


def demo_rigs() -> tuple[Rig, Rig]:
    """The two animals of the demo: alpha-1A adrenoceptor knocked down in Bergmann glia, and the scrambled control."""
    knockdown = Rig(animal="BG042", arm="shrna", seed=42)
    control = replace(
        knockdown,
        animal="BG043",
        arm="scrambled",
        seed=43,
        start=knockdown.start + timedelta(hours=2, minutes=31, seconds=14),
        microscope=Clock(start=2.8043, drift_ppm=35.0),
        camera=Clock(start=1.2986, drift_ppm=-60.0),
    )
    return knockdown, control


def simulate(folder: Path, rig: Rig) -> Truth:
    """Write one animal's raw folder and give back what is true of it.

    Parameters
    ----------
    folder : Path
        Gets ``daq``, ``2p``, ``suite2p``, ``cam`` and ``notes.csv``; files of the same names are replaced.
    rig : Rig
        The same rig gives the same bytes (of a video: the same decoded frames).

    Returns
    -------
    Truth
    """
    truth = draw(rig)
    _write_daq(folder / "daq" / f"{rig.stem}_0001.h5", truth)
    extraction = Extraction(truth)
    files = write_scanimage(
        folder / "2p",
        rig.stem,
        extraction.watch(movie_blocks(truth)),
        times=rig.microscope.shows(truth.frame_times),
        n_files=rig.n_files,
        frame_rate=rig.frame_rate,
        pixel_size=rig.pixel_size,
        start=rig.start + timedelta(milliseconds=round(1000 * (rig.microscope.start + rig.wall_error))),
    )
    write_suite2p(folder / "suite2p", extraction, filelist=(path.name for path in files))
    _write_videos(folder / "cam", truth)
    write_deeplabcut(folder / "cam" / "pawDLC.csv", truth)
    write_notes(folder / "notes.csv", truth)
    return truth


def simulate_demo(folder: Path, rigs: tuple[Rig, ...] | None = None) -> Mapping[str, Truth]:
    """Write the demo: a folder for each animal, what the cohort shares, and the session files.

    Parameters
    ----------
    folder : Path
    rigs : tuple of Rig, optional
        The animals; `demo_rigs` if left out. Session files are written for BG042 and BG043 only.

    Returns
    -------
    mapping of animal to Truth
    """
    truths = {rig.animal: simulate(folder / rig.animal, rig) for rig in rigs or demo_rigs()}
    write_boris(folder / "cohort" / "licking.boris", truths.values(), n_observations=8)
    write_von_frey(folder / "cohort" / "von_frey.csv", truths.values())
    write_calibration(folder / CALIBRATION, next(iter(truths.values())).rig.calibration)
    write_sessions(folder)
    return truths


def target_rig() -> Rig:
    """The rig of the contract's ``session.yaml``: 38 400 frames in four files, segmented with 6 000 of other recordings."""
    return Rig(
        seed=7,
        n_frames=38_400,
        n_files=4,
        frame_rate=25.0,
        image_shape=(16, 32),
        powers=(5e-3,),
        repeats=12,
        spacing=40.0,
        n_shocks=3,
        capsaicin=612.4,
        focus_lost=(2.3717 + 21 * 60, 2.3717 + 22.5 * 60),
        frames_before=6_000,
    )


def simulate_target(folder: Path) -> Truth:
    """Write the raw files of the contract's session: those that its ``session.yaml`` and ``vonfrey.yaml`` name.

    Parameters
    ----------
    folder : Path
        Where ``session.yaml`` lies; the cohort's tables go to ``../cohort``.

    Returns
    -------
    Truth
    """
    truth = simulate(folder, target_rig())
    cohort = folder.parent / "cohort"
    write_boris(cohort / "licking.boris", [truth], n_observations=12)
    write_von_frey_scores(cohort / "CCI injured paw.csv")
    write_calibration(folder / CALIBRATION, truth.rig.calibration)
    return truth


def _write_daq(path: Path, truth: Truth) -> None:
    rig = truth.rig
    light = np.array([rig.calibration.volts_for(power) for power in truth.pulse_powers])
    n_frames, n_camera, n_pulses, n_shocks = (
        len(times) for times in (truth.frame_times, truth.camera_times, truth.pulse_times, truth.shock_times)
    )
    lines = (
        Line("FrameClock", truth.frame_times, np.full(n_frames, 0.4 / rig.frame_rate), np.full(n_frames, 5.0)),
        Line("LaserCmd", truth.pulse_times, np.full(n_pulses, rig.pulse_length), light),
        Line("CamTTL", truth.camera_times, np.full(n_camera, 0.3 / rig.camera_rate), np.full(n_camera, 5.0), digital=True),
        Line("ShockTTL", truth.shock_times, np.full(n_shocks, rig.shock_length), np.full(n_shocks, 5.0), digital=True),
    )
    write_wavesurfer(path, lines, rate=rig.daq_rate, n_samples=rig.n_samples, start=rig.start, seed=rig.seed)


def _write_videos(folder: Path, truth: Truth) -> None:
    rig = truth.rig
    for number, frames in enumerate(parts(rig.n_camera_frames, 2), start=1):
        write_video(folder / f"paw_{number}.avi", paw_picture(truth), frames, rate=rig.camera_rate, codec="mjpeg")
    write_video(folder / "face.mp4", face_picture(truth), range(rig.n_camera_frames), rate=rig.camera_rate, codec="mpeg4")
