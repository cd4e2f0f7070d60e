"""WaveSurfer-style HDF5: one sweep of analog channels and digital lines.

Layout as WaveSurfer 0.97 and later write it: analog counts of 16 bits with the coefficients of a polynomial to volts at the
terminal, and a scale in volts a unit; digital lines as the bits of one word, the first line lowest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.rig.truth import Floats

COEFFICIENTS = (-5.04247e-03, 3.22398746e-04, 0.0, 0.0)
"""Volts = c0 + c1 n + c2 n^2 + c3 n^3 for n counts, about what a 16-bit converter of +-10 V states."""


@dataclass(frozen=True)
class Line:
    """One pulse line or level that the DAQ records.

    Attributes
    ----------
    name : str
    onsets, lengths, levels : np.ndarray, shape (n_pulses,)
        Seconds, seconds, and volts (for a digital line above 0).
    digital : bool
    """

    name: str
    onsets: Floats
    lengths: Floats
    levels: Floats
    digital: bool = False

    def volts(self, rate: float, n_samples: int) -> Floats:
        """The line sampled, shape (n_samples,)."""
        trace = np.zeros(n_samples)
        first = np.ceil(np.round(self.onsets * rate, 6)).astype(int)
        last = np.maximum(np.ceil(np.round((self.onsets + self.lengths) * rate, 6)).astype(int), first + 1)
        for start, stop, level in zip(first, last, self.levels, strict=True):
            trace[start:stop] = level
        return trace


def write_wavesurfer(path: Path, lines: Iterable[Line], *, rate: float, n_samples: int, start: datetime, seed: int) -> Path:
    """Write one sweep of `n_samples`; analog lines get a noise of about a millivolt.

    Parameters
    ----------
    path : Path
    lines : iterable of Line
    rate : float
        Samples per second.
    n_samples : int
    start : datetime
        Local wall-clock time of the first sample, without a zone, as WaveSurfer writes it.
    seed : int
        Of the noise.
    """
    import h5py

    lines = tuple(lines)
    analog = [line for line in lines if not line.digital]
    digital = [line for line in lines if line.digital]
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", libver="earliest", track_order=False) as file:
        _write_group(file, "header", _header(analog, digital, rate, n_samples, start))
        file.create_dataset("sweep_0001/analogScans", data=_counts(analog, rate, n_samples, seed), track_times=False)
        if digital:
            file.create_dataset("sweep_0001/digitalScans", data=_word(digital, rate, n_samples), track_times=False)
        file.create_dataset("sweep_0001/timestamp", data=np.zeros((1, 1)), track_times=False)
    return path


def _counts(lines: list[Line], rate: float, n_samples: int, seed: int) -> NDArray[np.int16]:
    rng = np.random.default_rng([seed, 2])
    counts = np.empty((len(lines), n_samples), dtype=np.int16)
    for row, line in zip(counts, lines, strict=True):
        volts = line.volts(rate, n_samples) + 0.001 * rng.standard_normal(n_samples, dtype=np.float32)
        row[:] = np.rint((volts - COEFFICIENTS[0]) / COEFFICIENTS[1])
    return counts


def _word(lines: list[Line], rate: float, n_samples: int) -> NDArray[np.uint8]:
    word = np.zeros((1, n_samples), dtype=np.uint8)
    for bit, line in enumerate(lines):
        word[0] |= (line.volts(rate, n_samples) > 0).astype(np.uint8) << bit
    return word


def _header(analog: list[Line], digital: list[Line], rate: float, n_samples: int, start: datetime) -> dict[str, Any]:
    """The header of WaveSurfer 1.0, as far as a reader needs it; numbers are 1 x 1 matrices as MATLAB has them."""
    clock = [start.year, start.month, start.day, start.hour, start.minute, start.second + start.microsecond * 1e-6]
    n_analog, n_digital = len(analog), len(digital)
    return {
        "VersionString": ["1.0.6"],
        "AcquisitionSampleRate": rate,
        "ExpectedSweepScanCount": float(n_samples),
        "AreSweepsContinuous": 0.0,
        "AreSweepsFiniteDuration": 1.0,
        "SweepDuration": n_samples / rate,
        "NSweepsPerRun": 1.0,
        "ClockAtRunStart": np.array(clock)[:, None],
        "PrimaryDeviceName": ["Dev1"],
        "NAIChannels": float(n_analog),
        "AIChannelNames": [line.name for line in analog],
        "AIChannelScales": np.ones((n_analog, 1)),
        "AIChannelUnits": ["V"] * n_analog,
        "AIChannelDeviceNames": ["Dev1"] * n_analog,
        "AIChannelTerminalNames": [f"AI{number}" for number in range(n_analog)],
        "AIChannelTerminalIDs": np.arange(float(n_analog))[:, None],
        "AIScalingCoefficients": np.tile(COEFFICIENTS, (n_analog, 1)),
        "IsAIChannelActive": np.ones((n_analog, 1)),
        "NDIChannels": float(n_digital),
        "DIChannelNames": [line.name for line in digital],
        "DIChannelDeviceNames": ["Dev1"] * n_digital,
        "DIChannelTerminalNames": [f"P0.{number}" for number in range(n_digital)],
        "DIChannelTerminalIDs": np.arange(float(n_digital))[:, None],
        "IsDIChannelActive": np.ones((n_digital, 1)),
        "DataFileBaseName": ["session"],
        "DataFileLocation": [r"C:\Users\rig\Desktop"],
        "StimulusLibrary": {"NStimuli": 0.0, "NMaps": 0.0},
    }


def _write_group(parent: Any, name: str, content: Mapping[str, Any]) -> None:
    group = parent.create_group(name)
    for key, value in sorted(content.items()):
        if isinstance(value, Mapping):
            _write_group(group, key, value)
        elif isinstance(value, float):
            group.create_dataset(key, data=np.array([[value]]), track_times=False)
        elif isinstance(value, list):
            group.create_dataset(key, data=np.array(value, dtype="S"), track_times=False)
        else:
            group.create_dataset(key, data=value, track_times=False)
