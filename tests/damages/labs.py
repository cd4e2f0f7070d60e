"""Rig folders with a file of every format, and sessions of a few of their sources."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bergmann.rig import Rig, simulate

HEAD = """\
format_version: 1
time_zone: Asia/Seoul
session: {id: s1, start: 2024-05-17 10:30:57, description: "Simulated, to be damaged."}
subject: {id: BG042, species: Mus musculus, sex: F, born: 2024-02-28}
devices:
  scope: {model: simulated two-photon microscope, manufacturer: none (simulated)}
  laser: {manufacturer: unknown, wavelength: 473 nm}
calibrations:
  laser: {file_path: calibration.csv, input: V, output: mW, measured_at: fibre tip, date: 2024-05-02}
planes:
  bg_plane: {device: scope, location: "CUL4, 5", excitation: 920 nm,
             channels: {1: {label: GCaMP6f, emission: 525 nm}, 2: {label: mCherry, emission: 610 nm}}}
  other: {device: scope, location: "CUL4, 5", excitation: 920 nm,
             channels: {1: {label: GCaMP6f, emission: 525 nm}, 2: {label: mCherry, emission: 610 nm}}}
light_sites:
  lc_terminals: {location: "CUL4, 5", effector: ChR2, laser: laser}
sources:
"""

SOURCES = {
    "daq": "format: wavesurfer, path: daq/bg042_0001.h5, starts: start of session",
    "movie": 'format: scanimage, path: "2p/bg042_00001_*.tif", plane: bg_plane, clock: daq/FrameClock',
    "rois": "format: suite2p, path: suite2p, of: movie",
    "light": "format: channel, of: daq/LaserCmd, site: lc_terminals, threshold: 0.5 V, calibration: laser",
    "shocks": "format: channel, of: daq/ShockTTL, event: noxious shock",
    "paw_cam": "format: video, path: cam/paw_*.avi, clock: daq/CamTTL",
    "face_cam": "format: video, path: cam/face.mp4, clock: daq/CamTTL",
    "paw": "format: deeplabcut, path: cam/pawDLC.csv, of: paw_cam",
    "licking": 'format: boris, path: cohort/licking.boris, observation: "BG042 POD7", of: face_cam',
    "notes": "format: intervals, path: notes.csv, of: movie, columns: {label: what, start: from, stop: to}, unit: frames",
    "von_frey": "format: assay, path: cohort/von_frey.csv, assay: von_frey, unit: g, side: left, timepoint: unknown, "
    'columns: {value: "Threshold (g)", day: Day}, rows: {Animal: BG042}',
    "prairie": "format: bruker, path: TSeries-001/TSeries-001.xml, plane: other, starts: 1 s after session",
    "stack": "format: tiff, path: stack/stack.tif, plane: other, starts: 1 s after session",
    "cnmf": "format: caiman, path: caiman/rois.hdf5, plane: other, starts: 1 s after session",
    "patch": "format: abf, path: patch.abf, starts: 1 s after session",
    "fiber": "format: pyphotometry, path: fiber.ppd, starts: 1 s after session",
    "board": "format: tdms, path: board.tdms, starts: 1 s after session",
    "lines": "format: signal_table, path: lines.csv, columns: {time: t, laser: v, lick: ttl}, "
    "units: {time: s, laser: V, lick: digital}, starts: 1 s after session",
    "arrays": "format: signal_numpy, path: lines.npz, columns: {time: t, laser: 'v:2'}, units: {time: s, laser: V}, "
    "time_axis: last, starts: 1 s after session",
    "chart": "format: labchart, path: chart.txt, starts: 1 s after session",
    "face": "format: lightningpose, path: cam/face.csv, of: face_cam",
    "sleap": "format: sleap, path: cam/face.analysis.h5, of: face_cam, individual: mouse",
    "wheel": "format: encoder, path: wheel.txt, columns: {time: '1', position: '2'}, units: {time: ms, position: ticks}, "
    "header: none, starts: 1 s after session",
    "units": "format: spikes, path: spikes.npz, columns: {unit: clusters, time: samples}, unit: samples, first_sample: 0, of: daq",
    "waves": "format: glial_events, path: waves.csv, unit: frames, of: movie, "
    "columns: {onset: start, end: stop, amplitude: dff, area: um2}, units: {amplitude: dF/F, area: um2}",
    "flares": "format: aqua, path: events/old_AQuA.mat, of: movie",
    "sparks": "format: aqua2, path: events/new_AQuA2.mat, of: movie",
    "table": "format: pulse_table, path: pulses.csv, site: lc_terminals, power: 5 mW, "
    'columns: {onset: "on (ms)", duration: width}, '
    "units: {onset: ms, duration: ms}, starts: 1 s after session",
}

NEEDS = {
    "movie": ("daq",),
    "rois": ("daq", "movie"),
    "light": ("daq",),
    "shocks": ("daq",),
    "paw_cam": ("daq",),
    "face_cam": ("daq",),
    "paw": ("daq", "paw_cam"),
    "licking": ("daq", "face_cam"),
    "notes": ("daq", "movie"),
    "face": ("daq", "face_cam"),
    "sleap": ("daq", "face_cam"),
    "units": ("daq",),
    "waves": ("daq", "movie"),
    "flares": ("daq", "movie"),
    "sparks": ("daq", "movie"),
}
"""What else a source needs."""


@dataclass(frozen=True)
class Lab:
    """A folder with a file of every format."""

    folder: Path

    def session(self, *names: str, more: Mapping[str, str] | None = None) -> Path:
        """A session file of some sources, and of what they need; `more` adds keys to a source."""
        wanted = {one for name in names for one in (*NEEDS.get(name, ()), name)}
        lines = [
            f"  {name}: {{{text}{', ' + more[name] if more and name in more else ''}}}\n"
            for name, text in SOURCES.items()
            if name in wanted
        ]
        path = self.folder / f"session-{len(list(self.folder.glob('session-*.yaml')))}.yaml"
        path.write_text(HEAD + "".join(lines), encoding="utf-8")
        return path


@cache
def _conftest() -> Any:
    """The fixtures of all tests, whose smallest files these are."""
    spec = importlib.util.spec_from_file_location("conftest_of_all", Path(__file__).parents[1] / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def make_lab(folder: Path) -> Lab:
    """Write a file of every format into a folder."""
    from bergmann.rig.assay import write_calibration, write_von_frey
    from bergmann.rig.boris import write_boris

    smallest = _conftest()
    rig = Rig(n_frames=192, powers=(5e-3, 2e-3), repeats=1, first_train=2.0, spacing=8.0, n_shocks=2, capsaicin=30.0)
    truth = simulate(folder, rig)
    write_boris(folder / "cohort" / "licking.boris", [truth], n_observations=2)
    write_von_frey(folder / "cohort" / "von_frey.csv", [truth])
    write_calibration(folder / "calibration.csv", truth.rig.calibration)
    smallest._write_abf(folder / "patch.abf")
    smallest._write_ppd(folder / "fiber.ppd")
    smallest._write_tdms(folder / "board.tdms")
    smallest._write_tiff(folder / "stack" / "stack.tif")
    smallest._write_bruker(folder / "TSeries-001")
    smallest._write_caiman(folder / "caiman" / "rois.hdf5")
    smallest._write_lightning_pose(folder / "cam" / "face.csv", truth.rig.n_camera_frames)
    smallest._write_sleap(folder / "cam" / "face.analysis.h5", truth.rig.n_camera_frames)
    smallest._write_aqua(folder / "events", truth.rig)
    smallest._write_spikes(folder / "spikes.npz", folder / "units.csv")
    smallest._write_labchart(folder / "chart.txt")
    smallest._write_arrays(folder / "lines.npz", folder / "lines.mat")
    (folder / "notes.csv").write_text("what,from,to\nquiet,1,40\ngrooming,60,72\n", encoding="utf-8")
    (folder / "waves.csv").write_text("start,stop,dff,um2\n3,8,0.75,12.5\n20,24,1.5,3\n", encoding="utf-8")
    (folder / "wheel.txt").write_text("100 0 5 \n200 -1 5 \n301 -2 4 \n", encoding="utf-8")
    (folder / "pulses.csv").write_text("on (ms),width\n100,10\n200,10\n300,10\n", encoding="utf-8")
    (folder / "lines.csv").write_text("t,v,ttl\n" + "".join(f"{n / 100},{n % 7},{n % 2}\n" for n in range(300)), encoding="utf-8")
    return Lab(folder)
