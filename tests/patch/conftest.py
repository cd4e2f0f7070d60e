"""A session of an animal with receptors, vectors, procedures and drugs, a video and notes, converted once, and its copies."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bergmann.convert import convert_session
from bergmann.rig.video import write_video

LAB = """\
time_zone: Asia/Seoul
experimenter: ["Surname, Given"]
institution: Example University
lab: Example Lab
keywords: [pain, glia]
related_publications: ["doi:10.1000/xyz"]
populations:
  bg: {cell_type: Bergmann glial cell, location: "CUL4, 5", identified_by: gfaABC1D promoter}
  lc: {cell_type: noradrenergic neuron, location: LC}
vectors:
  shrna: {construct: AAV5-shRNA, titre: 6e12 vg/mL, manufacturer: unknown}
"""

SESSION = """\
format_version: 1
use: [lab.yaml]
session: {id: s1, start: 2024-05-17 10:30:57, description: "Made by a test, to be mended."}
subject:
  id: BG042
  species: Mus musculus
  sex: F
  born: 2024-02-28
  genotype: Dbh-Cre/wt
  weight: 21.4 g
receptors:
  adra1a: {receptor: Adra1a, population: bg, status: knocked_down, by: shRNA, vector: shrna}
procedures:
  virus: {kind: injection, date: 2024-04-19, vectors: [shrna], location: "CUL4, 5",
          sites: [{side: left, reference: bregma, ap: -6.0 mm, ml: 0.8 mm, dv: -0.3 mm, volume: 0.3 uL}]}
  sni: {kind: nerve injury, model: spared nerve injury, nerve: sciatic, side: left, date: 2024-05-10}
  window: {kind: cranial window, date: 2024-04-19}
expression:
  qpcr: {receptor: adra1a, assay: RT-qPCR, value: 0.31, unit: fraction of control, sample: same cohort}
sources:
  cam: {format: video, path: cam.avi, starts: start of session}
  quiet: {format: intervals, path: notes.csv, columns: {label: what, start: from, stop: to}, unit: s, starts: start of session}
drugs:
  prazosin: {action: antagonist, dose: 10 uM, route: bath, from: 5 s after session, to: 9 s after session, receptors: [adra1a]}
  capsaicin: {action: stimulus, dose: 10 ug, volume: 10 uL, route: intraplantar, site: left hind paw, at: "10:31:09 +- 2 s"}
  later: {compound: capsaicin, action: stimulus, dose: 20 ug, route: intraplantar, at: unknown}
  early: {compound: saline, action: vehicle, route: intraperitoneal, at: 3 d after sni}
"""


@dataclass(frozen=True)
class Lab:
    """A folder with a session file and the dandiset that was made of it."""

    path: Path

    @property
    def session(self) -> Path:
        """The session file."""
        return self.path / "rig" / "session.yaml"

    @property
    def file(self) -> Path:
        """The NWB file."""
        return self.path / "out" / "sub-BG042" / "sub-BG042_ses-s1_image.nwb"

    @property
    def video(self) -> Path:
        """The video beside it."""
        (video,) = self.file.with_suffix("").iterdir()
        return video

    def hidden(self) -> list[str]:
        """Temporaries that are left."""
        return [one.name for one in (self.path / "out").rglob(".*")]


def draw(frame: int) -> np.ndarray:
    return np.full((48, 64), 20 * frame, dtype=np.uint8)


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """To be copied, not altered."""
    folder = tmp_path_factory.mktemp("patched")
    (folder / "rig").mkdir()
    (folder / "rig" / "lab.yaml").write_text(LAB, encoding="utf-8")
    (folder / "rig" / "session.yaml").write_text(SESSION, encoding="utf-8")
    (folder / "rig" / "notes.csv").write_text("what,from,to\nquiet,0.5,4\ngrooming,6,7.25\n", encoding="utf-8")
    write_video(folder / "rig" / "cam.avi", draw, range(10), rate=5, codec="mjpeg")
    done = convert_session(folder / "rig" / "session.yaml", folder / "out")
    assert done.target is not None, [one.text for one in done.findings]
    lab = Lab(folder)
    assert done.target == lab.file
    return lab


@pytest.fixture
def lab(converted: Lab, tmp_path: Path) -> Lab:
    """A copy of it."""
    return Lab(Path(shutil.copytree(converted.path, tmp_path / "lab")))
