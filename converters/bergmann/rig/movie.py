"""The pixels of the simulated movie, a block of frames at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bergmann.rig.truth import Floats, Truth

BLOCK = 1 << 19
"""Pixels of a channel made at a time, so that memory does not grow with the recording."""

NEUROPIL = 120.0
"""Counts of a pixel outside every process."""

GAIN = 12.0
"""Counts a photon."""

OUT_OF_FOCUS = 0.35
"""What is left of the light when the focus is lost."""


def movie_blocks(truth: Truth) -> Iterator[NDArray[np.int16]]:
    """Frames as the microscope stores them, displaced by the motion of the brain.

    Yields
    ------
    np.ndarray, shape (n, 2, height, width), int16
        Channel 1 is the calcium indicator, channel 2 the static label.
    """
    for start, still in _registered_blocks(truth):
        block = still.copy()
        for index in np.flatnonzero(truth.motion[start : start + len(block)].any(axis=1)):
            block[index] = np.roll(still[index], truth.motion[start + index], axis=(1, 2))
        yield block


def _registered_blocks(truth: Truth) -> Iterator[tuple[int, NDArray[np.int16]]]:
    rng = np.random.default_rng([truth.rig.seed, 1])
    rest, depth = _rest(truth), _depth(truth)
    label = _label(truth)
    n_together = max(1, BLOCK // rest.size)
    for start in range(0, truth.rig.n_frames, n_together):
        dff = truth.dff[start : start + n_together]
        light = focus(truth, start, len(dff))[:, None, None, None]
        rate = np.empty((len(dff), 2, *truth.rig.image_shape), dtype=np.float32)
        rate[:, 0] = rest * (1 + np.tensordot(dff, depth, axes=1))
        rate[:, 1] = label
        rate *= light / GAIN
        noise = rng.standard_normal(rate.shape, dtype=np.float32)
        counts = GAIN * (rate + np.sqrt(rate) * noise)
        yield start, np.clip(np.rint(counts), -2048, 32767).astype(np.int16)


def focus(truth: Truth, start: int, count: int) -> Floats:
    """Fraction of the light that is left in frames ``start`` to ``start + count``."""
    if truth.rig.focus_lost is None:
        return np.ones(count)
    times = truth.frame_times[start : start + count]
    lost = (times >= truth.rig.focus_lost[0]) & (times < truth.rig.focus_lost[1])
    return np.where(lost, OUT_OF_FOCUS, 1.0)


def _rest(truth: Truth) -> Floats:
    image = np.full(truth.rig.image_shape, NEUROPIL)
    for mask, resting in zip(truth.masks, truth.resting, strict=True):
        image[mask[:, 0], mask[:, 1]] = resting
    return image


def _depth(truth: Truth) -> Floats:
    """How much of each process's dF/F each pixel shows, shape (n_rois, height, width); neuropil shows a tenth of the mean."""
    n_rois = truth.rig.n_rois
    depth = np.full((n_rois, *truth.rig.image_shape), 0.1 / n_rois)
    for mask in truth.masks:
        depth[:, mask[:, 0], mask[:, 1]] = 0
    for index, mask in enumerate(truth.masks[:n_rois]):
        depth[index, mask[:, 0], mask[:, 1]] = 1
    return depth


def _label(truth: Truth) -> Floats:
    image = np.full(truth.rig.image_shape, 60.0)
    for mask in truth.masks[: truth.rig.n_rois]:
        image[mask[:, 0], mask[:, 1]] = 240.0
    return image
