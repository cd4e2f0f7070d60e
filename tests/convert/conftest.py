"""A small session of the simulated rig, and the command line run inside the test."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from bergmann.rig import Rig, simulate

RIG = Rig(n_frames=64, powers=(5e-3,), repeats=1, first_train=2.0, spacing=5.0, n_shocks=1, capsaicin=12.0)

SESSION = """\
format_version: 1
time_zone: Asia/Seoul
session: {id: s1, start: from daq, description: "Simulated, to be altered."}
subject: {id: BG042, species: Mus musculus, sex: F, born: 2024-02-28}
devices:
  scope: {model: simulated two-photon microscope, manufacturer: none (simulated)}
  laser: {manufacturer: unknown, wavelength: 473 nm}
populations:
  bg: {cell_type: Bergmann glial cell, location: "CUL4, 5"}
receptors:
  adra1a: {receptor: Adra1a, population: bg, status: endogenous}
planes:
  bg_plane: {device: scope, population: bg, location: "CUL4, 5", excitation: 920 nm,
             channels: {1: {label: GCaMP6f, emission: 525 nm}, 2: {label: mCherry, emission: 610 nm}}}
light_sites:
  lc_terminals: {location: "CUL4, 5", effector: ChR2, laser: laser}
sources:
  daq:     {format: wavesurfer, path: daq/bg042_0001.h5}
  movie:   {format: scanimage, path: "2p/bg042_00001_*.tif", plane: bg_plane, clock: daq/FrameClock}
  rois:    {format: suite2p, path: suite2p, of: movie}
  light:   {format: channel, of: daq/LaserCmd, site: lc_terminals, power: 5 mW}
  paw_cam: {format: video, path: cam/paw_*.avi, clock: daq/CamTTL}
  notes:   {format: intervals, path: notes.csv, of: movie, columns: {label: what, start: from, stop: to}, unit: s}
drugs:
  capsaicin: {action: stimulus, dose: 10 ug, route: intraplantar, at: 9 s after movie}
"""

NOTES = "what,from,to\nquiet,0.5,4\ngrooming,6,7.25\n"


@dataclass(frozen=True)
class Folder:
    """A rig folder with its session file, to be altered."""

    path: Path

    @property
    def session(self) -> Path:
        """The session file."""
        return self.path / "session.yaml"

    @property
    def out(self) -> Path:
        """Where the dandiset is to be."""
        return self.path / "out"

    def state(self, old: str, new: str) -> None:
        """Replace a part of the session file."""
        text = self.session.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in the session file"
        self.session.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="session")
def rig_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the simulated rig left behind; to be copied, not altered."""
    folder = tmp_path_factory.mktemp("rig") / "BG042"
    simulate(folder, RIG)
    (folder / "notes.csv").write_text(NOTES, encoding="utf-8")
    (folder / "session.yaml").write_text(SESSION, encoding="utf-8")
    return folder


@pytest.fixture
def folder(rig_folder: Path, tmp_path: Path) -> Folder:
    """A copy of the rig folder."""
    return Folder(Path(shutil.copytree(rig_folder, tmp_path / "BG042")))
