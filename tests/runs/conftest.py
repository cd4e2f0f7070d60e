"""Three recordings of a slice experiment: Axon files with a frame clock, puffs, light and tags, Bruker folders, and ROIs."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

RATE = 1000
"""Samples per second of each channel of the Axon files."""

SESSION = """\
format_version: 1
use: [lab.yaml]
session: {id: s2c1, start: from base_abf, description: "Slice; phenylephrine puffs before, during and after prazosin."}
subject: {id: "518", species: Mus musculus, sex: unknown, born: 2019-01-01}
runs:
  base: {movie: TSeries-1395, patch: 19125000.abf}
  praz: {movie: TSeries-1398, patch: 19125001.abf}
  wash: {movie: TSeries-1401, patch: 19125002.abf}
sources:
  movie: {format: bruker, plane: slice_plane, clock: patch/IN 1}
  patch: {format: abf, channels: {IN 0: {records: membrane current}}}
  puffs: {format: channel, of: patch/IN 2, event: puff}
drugs:
  phenylephrine: {action: agonist, dose: 10 uM, route: puff, at: each event of puffs, receptors: [adra1a_bg]}
  prazosin: {action: antagonist, dose: 1 uM, route: bath, receptors: [adra1a_bg],
             from: tag "+praz" of patch in praz, to: tag "-praz" of patch in wash}
"""

LAB = """\
time_zone: Asia/Seoul
devices: {scope: {model: Example 2P}, laser: {wavelength: 473 nm}}
light_sites: {lc: {location: vermis, effector: ChR2, laser: laser}}
populations: {bg: {cell_type: Bergmann glial cell, location: cerebellar vermis}}
receptors: {adra1a_bg: {receptor: Adra1a, population: bg, status: endogenous}}
planes:
  slice_plane: {device: scope, population: bg, location: vermis, excitation: 920 nm,
                channels: {1: {label: GCaMP6f, emission: 525 nm}}}
"""


@dataclass(frozen=True)
class Run:
    """One recording.

    Attributes
    ----------
    number : int
        Of its files.
    start : datetime or None
        As the header of the Axon file says it.
    seconds : float
        How long it is.
    puffs, light : sequence of float
        Seconds after its start.
    tags : mapping of str to float
        Seconds after its start, by text.
    first_frame : float
        Seconds after its start.
    n_frames : int
        Ten a second.
    """

    number: int
    start: datetime | None
    seconds: float = 8.0
    puffs: Sequence[float] = ()
    light: Sequence[float] = ()
    tags: Mapping[str, float] = field(default_factory=dict)
    first_frame: float = 1.5
    n_frames: int = 20

    @property
    def abf(self) -> str:
        """Name of the Axon file."""
        return f"1912500{self.number}.abf"

    @property
    def series(self) -> str:
        """Name of the folder of the T-series."""
        return f"TSeries-{1395 + 3 * self.number}"

    def pixels(self) -> NDArray[np.uint16]:
        """The frames, shape (n_frames, 6, 9); no two pixels of the three runs are equal."""
        shape = (self.n_frames, 6, 9)
        return (np.arange(np.prod(shape)).reshape(shape) + self.number * int(np.prod(shape))).astype(np.uint16)


BASE = Run(0, datetime(2019, 1, 25, 10, 46, 0, 250_000), puffs=(2.0, 4.0), light=(5.0, 5.5, 6.0))
PRAZ = Run(1, datetime(2019, 1, 25, 10, 56, 0, 750_000), puffs=(3.0,), tags={"+praz": 2.5})
WASH = Run(
    2,
    datetime(2019, 1, 25, 11, 16, 0, 125_000),
    puffs=(1.0, 5.0),
    light=(6.0, 6.5, 7.0),
    tags={"-praz": 3.25, "+TTX": 6.0},
    n_frames=30,
)
"""They start 0 s, 600.5 s and 1799.875 s after the first."""


def write_slice(folder: Path, runs: Sequence[Run] = (BASE, PRAZ, WASH)) -> Path:
    """Write the files of the runs, and the session file beside them."""
    for run in runs:
        write_recording(folder / run.abf, run)
        write_series(folder / run.series, run)
        write_rois(folder / f"rois{run.number}.hdf5", run)
    (folder / "lab.yaml").write_text(LAB, encoding="utf-8")
    path = folder / "session.yaml"
    path.write_text(SESSION, encoding="utf-8")
    return path


@pytest.fixture
def session(tmp_path: Path) -> Callable[..., Path]:
    """Write a slice experiment: ``session(("old", "new"), ..., runs=(BASE, PRAZ))``, with parts of the session file replaced."""

    def write(*changes: tuple[str, str], runs: Sequence[Run] = (BASE, PRAZ, WASH)) -> Path:
        path = write_slice(tmp_path, runs)
        text = path.read_text(encoding="utf-8")
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in the session file"
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def write_recording(path: Path, run: Run) -> None:
    """An Axon file (1.8, gap-free) of four channels of +-10 V: a ramp; pulses for frames (5 ms), puffs (50 ms), light (10 ms)."""
    n_samples = round(run.seconds * RATE)
    volts = np.zeros((n_samples, 4))
    volts[:, 0] = np.linspace(-1, 1, n_samples)
    for channel, length, onsets in (
        (1, 5, [run.first_frame + 0.1 * frame for frame in range(run.n_frames)]),
        (2, 50, run.puffs),
        (3, 10, run.light),
    ):
        for onset in onsets:
            volts[round(onset * RATE) : round(onset * RATE) + length, channel] = 5
    samples = np.round(volts * 32768 / 10).astype("<i2").tobytes()
    blocks = -(-len(samples) // 512)
    tags = b"".join(struct.pack("<i56sh2x", round(second * RATE), text.encode().ljust(56), 1) for text, second in run.tags.items())
    header = bytearray(8192)
    struct.pack_into("<4sfh", header, 0, b"ABF ", 1.8, 3)
    for at, kind, value in (
        (10, "i", 4 * n_samples),
        (16, "i", 1),
        (40, "i", 16),
        (44, "i", 16 + blocks if tags else 0),
        (48, "i", len(tags) // 64),
        (120, "h", 4),
        (122, "f", 1e6 / RATE / 4),
        (130, "f", 1e6 / RATE),
        (138, "i", 4 * n_samples),
        (244, "f", 10.0),
        (252, "i", 32768),
    ):
        struct.pack_into(f"<{kind}", header, at, value)
    if run.start is not None:
        midnight = datetime.combine(run.start.date(), datetime.min.time())
        struct.pack_into("<ii", header, 20, int(f"{run.start:%Y%m%d}"), int((run.start - midnight).total_seconds()))
        struct.pack_into("<h", header, 366, run.start.microsecond // 1000)
    for channel in range(16):
        struct.pack_into("<h", header, 378 + 2 * channel, channel)
        struct.pack_into("<h", header, 410 + 2 * channel, channel if channel < 4 else -1)
        struct.pack_into("<10s", header, 442 + 10 * channel, f"IN {channel}".encode().ljust(10))
        struct.pack_into("<8s", header, 602 + 8 * channel, b"V".ljust(8))
        for at in (730, 922, 1050):
            struct.pack_into("<f", header, at + 4 * channel, 1.0)
    path.write_bytes(bytes(header) + samples.ljust(512 * blocks, b"\0") + tags.ljust(512, b"\0"))


def write_series(folder: Path, run: Run) -> None:
    """A T-series of one channel, one page a file."""
    folder.mkdir(parents=True)
    begun = (run.start or datetime(2019, 1, 25, 10, 46)) + timedelta(seconds=run.first_frame)
    said = []
    for index, page in enumerate(run.pixels()):
        name = f"{folder.name}_Cycle00001_Ch1_{index + 1:06}.ome.tif"
        tifffile.imwrite(folder / name, page, metadata=None)
        file = f'<File channel="1" channelName="Ch1" filename="{name}" />'
        said.append(f'<Frame relativeTime="{index / 10}" absoluteTime="{2 + index / 10}" index="{index + 1}">{file}</Frame>')
    (folder / f"{folder.name}.xml").write_text(
        f"""<?xml version="1.0" encoding="utf-8"?><PVScan version="5.6.64.400" date="{begun:%m/%d/%Y %I:%M:%S %p}" notes="">
        <Sequence type="TSeries Timed Element" cycle="1" time="{begun:%H:%M:%S.%f}0">{"".join(said)}</Sequence></PVScan>""",
        encoding="utf-8",
    )


def write_rois(path: Path, run: Run) -> None:
    """Results of CaImAn: two components in images of 6 x 9 pixels; the first trace counts the frames."""
    with h5py.File(path, "w") as file:
        file["estimates/C"] = np.stack([np.arange(run.n_frames) + 0.5, np.full(run.n_frames, float(run.number))])
        sparse = {"data": [0.5, 0.25, 1.0], "indices": [4, 5, 14], "indptr": [0, 2, 3], "shape": [54, 2]}
        for name, numbers in sparse.items():
            file[f"estimates/A/{name}"] = np.array(numbers)
        file["estimates/b"] = file["estimates/f"] = "NoneType"
        file["estimates/dims"] = np.array([6, 9])
        file["params/data/fr"] = 10
