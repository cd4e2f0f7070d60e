"""A Suite2p folder: what Suite2p would have found in the simulated movie, given the true masks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.rig.truth import Floats, Truth

NEUROPIL_COEFFICIENT = 0.7
TAU = 2.0
"""Suite2p's decay time of the indicator, in seconds."""


class Extraction:
    """Traces and mean images of the registered movie, gathered while its frames pass by.

    Attributes
    ----------
    raw : np.ndarray, shape (n_rois + 1, n_frames), float32
        Mean of the pixels of each mask in channel 1.
    neuropil : np.ndarray, shape (n_rois + 1, n_frames), float32
        Mean of the pixels outside all masks, the same for each ROI.
    """

    def __init__(self, truth: Truth) -> None:
        rig = truth.rig
        self.truth = truth
        self.raw = np.zeros((len(truth.masks), rig.n_frames), dtype=np.float32)
        self.neuropil = np.zeros_like(self.raw)
        self._sums = np.zeros((2, *rig.image_shape))
        self._done = 0
        self._outside = np.ones(rig.image_shape, dtype=bool)
        for mask in truth.masks:
            self._outside[mask[:, 0], mask[:, 1]] = False

    def watch(self, blocks: Iterable[NDArray[np.int16]]) -> Iterator[NDArray[np.int16]]:
        """Pass blocks of frames on as they are, each of shape (n, 2, height, width)."""
        for block in blocks:
            self._take(block)
            yield block

    def _take(self, block: NDArray[np.int16]) -> None:
        first, self._done = self._done, self._done + len(block)
        still = block.copy()
        for index in np.flatnonzero(self.truth.motion[first : self._done].any(axis=1)):
            still[index] = np.roll(block[index], -self.truth.motion[first + index], axis=(1, 2))
        for row, mask in zip(self.raw, self.truth.masks, strict=True):
            row[first : self._done] = still[:, 0, mask[:, 0], mask[:, 1]].mean(axis=1)
        self.neuropil[:, first : self._done] = still[:, 0, self._outside].mean(axis=1)
        self._sums += still.sum(axis=0)

    @property
    def mean_images(self) -> Floats:
        """Mean registered frame of each channel, shape (2, height, width)."""
        return self._sums / self._done


def write_suite2p(folder: Path, extraction: Extraction, *, filelist: Iterable[str]) -> Path:
    """Write ``plane0`` with F, Fneu, spks, stat, ops and iscell.

    Frames of other recordings (``rig.frames_before``, ``rig.frames_after``) are ROIs at rest.

    Parameters
    ----------
    folder : Path
        Becomes the ``suite2p`` folder.
    extraction : Extraction
        Which has seen the whole movie.
    filelist : iterable of str
        Names of the movie's files.
    """
    truth = extraction.truth
    plane = folder / "plane0"
    plane.mkdir(parents=True, exist_ok=True)
    raw = _joined(truth, extraction.raw, stream=3)
    neuropil = _joined(truth, extraction.neuropil, stream=4)
    is_cell = np.array([[1.0, 0.94 - 0.03 * index] for index in range(truth.rig.n_rois)] + [[0.0, 0.11]])
    np.save(plane / "F.npy", raw)
    np.save(plane / "Fneu.npy", neuropil)
    np.save(plane / "spks.npy", _deconvolved(raw - NEUROPIL_COEFFICIENT * neuropil, truth.rig.frame_rate))
    np.save(plane / "iscell.npy", is_cell)
    np.save(plane / "stat.npy", _stat(truth), allow_pickle=True)
    np.save(plane / "ops.npy", np.array(_ops(extraction, tuple(filelist), raw.shape[1]), dtype=object), allow_pickle=True)
    return folder


def _joined(truth: Truth, traces: NDArray[np.float32], stream: int) -> NDArray[np.float32]:
    """The traces between those of the other recordings of the run, shape (n_rois + 1, all frames)."""
    rng = np.random.default_rng([truth.rig.seed, stream])
    level = np.percentile(traces, 20, axis=1).astype(np.float32)[:, None]

    def at_rest(count: int) -> NDArray[np.float32]:
        noise = rng.standard_normal((len(traces), count), dtype=np.float32)
        return np.asarray(level + np.sqrt(level) * noise, dtype=np.float32)

    before, after = at_rest(truth.rig.frames_before), at_rest(truth.rig.frames_after)
    return np.concatenate([before, traces, after], axis=1)


def _deconvolved(traces: NDArray[np.float32], rate: float) -> NDArray[np.float32]:
    """What is new in each sample once the decay of the last is taken off, never below 0."""
    kept = np.float32(np.exp(-1 / (TAU * rate)))
    fresh = np.diff(traces, axis=1, prepend=traces[:, :1]) + (1 - kept) * (traces - np.median(traces, axis=1, keepdims=True))
    return np.maximum(fresh, 0).astype(np.float32)


def _stat(truth: Truth) -> NDArray[Any]:
    stat = np.empty(len(truth.masks), dtype=object)
    for index, mask in enumerate(truth.masks):
        stat[index] = {
            "ypix": mask[:, 0].astype(np.int32),
            "xpix": mask[:, 1].astype(np.int32),
            "lam": np.full(len(mask), 1 / len(mask), dtype=np.float32),
            "med": [float(np.median(mask[:, 0])), float(np.median(mask[:, 1]))],
            "npix": len(mask),
            "radius": float(np.sqrt(len(mask) / np.pi)),
            "overlap": np.zeros(len(mask), dtype=bool),
        }
    return stat


def _ops(extraction: Extraction, filelist: tuple[str, ...], n_frames: int) -> dict[str, Any]:
    rig = extraction.truth.rig
    height, width = rig.image_shape
    motion = np.zeros((n_frames, 2))
    motion[rig.frames_before : rig.frames_before + rig.n_frames] = extraction.truth.motion
    save_path = f"D:\\rig\\{rig.animal}\\suite2p\\plane0"
    green, red = extraction.mean_images
    return {
        "suite2p_version": "0.14.4",
        "nplanes": 1,
        "nchannels": 2,
        "functional_chan": 1,
        "align_by_chan": 2,
        "tau": TAU,
        "fs": rig.frame_rate,
        "do_registration": 1,
        "nonrigid": False,
        "neucoeff": NEUROPIL_COEFFICIENT,
        "Ly": height,
        "Lx": width,
        "yrange": [0, height],
        "xrange": [0, width],
        "nframes": n_frames,
        "frames_per_file": np.array([rig.n_frames // rig.n_files] * rig.n_files, dtype=np.int32),
        "data_path": [f"D:\\rig\\{rig.animal}\\2p"],
        "filelist": [f"D:\\rig\\{rig.animal}\\2p\\{name}" for name in filelist],
        "save_path": save_path,
        "save_path0": f"D:\\rig\\{rig.animal}",
        "reg_file": f"{save_path}\\data.bin",
        "meanImg": green,
        "meanImg_chan2": red,
        "refImg": np.rint(red).astype(np.int16),
        "yoff": motion[:, 0].astype(np.int32),
        "xoff": motion[:, 1].astype(np.int32),
        "badframes": np.zeros(n_frames, dtype=bool),
    }
