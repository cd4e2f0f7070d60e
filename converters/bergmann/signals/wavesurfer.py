"""WaveSurfer recordings (HDF5), from version 0.74 on.

The layout is that of the files themselves and of WaveSurfer's own readers: a group ``header``, and a group ``sweep_0001``
(``trial_0001`` in the oldest versions) with ``analogScans`` (channel, sample), ``digitalScans`` (1, sample) with one bit a line,
and ``timestamp``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.records import Channel, Recording
from bergmann.registry import Format, Inputs, Source, expand, natural_order
from bergmann.signals._names import distinct_names, repeats_note
from bergmann.timing.times import ExplicitTimes

VOLTS_PER_COUNT = 10 / 2**15
"""Of versions that store no scaling coefficients: a range of 10 V in 16 bits (WaveSurfer's reader of those versions)."""

TIMEBASE = 100e6
"""Ticks per second of the boards' clock; versions before 0.913 state the rate asked for, not the one that it allows."""

_SWEEP = re.compile(r"^(sweep|trial)_\d+$")
_KEYS = {
    "rate": ("AcquisitionSampleRate", "Acquisition/SampleRate"),
    "names": ("AIChannelNames", "Acquisition/AnalogChannelNames", "Acquisition/ChannelNames"),
    "units": ("AIChannelUnits", "Acquisition/AnalogChannelUnits", "Acquisition/ChannelUnits"),
    "scales": ("AIChannelScales", "Acquisition/AnalogChannelScales", "Acquisition/ChannelScales"),
    "active": ("IsAIChannelActive", "Acquisition/IsAnalogChannelActive", "Acquisition/IsChannelActive"),
    "coefficients": ("AIScalingCoefficients", "Acquisition/AnalogScalingCoefficients"),
    "digital names": ("DIChannelNames", "Acquisition/DigitalChannelNames"),
    "digital active": ("IsDIChannelActive", "Acquisition/IsDigitalChannelActive"),
}
"""Where the header of each version, newest first, holds what."""


class WaveSurferSource(Source):
    """A recording of WaveSurfer, one HDF5 file."""

    format: Literal["wavesurfer"] = "wavesurfer"
    path: Path


@dataclass(frozen=True)
class Sweeps:
    """The sweeps of a file, and how to read a stretch that may span several of them.

    Attributes
    ----------
    path : Path
    groups : tuple of str
        Groups of the sweeps, in order.
    lengths : tuple of int
        Samples of each.
    """

    path: Path
    groups: tuple[str, ...]
    lengths: tuple[int, ...]

    @property
    def n_samples(self) -> int:
        """Samples of all sweeps."""
        return sum(self.lengths)

    def read(self, dataset: str, row: int, block: slice, dtype: np.dtype[Any]) -> NDArray[Any]:
        """One row of a dataset, all sweeps behind each other; the file is open only meanwhile."""
        import h5py

        start, stop, _ = block.indices(self.n_samples)
        parts: list[NDArray[Any]] = [np.empty(0, dtype)]
        first = 0
        with h5py.File(self.path, "r") as file:
            for group, length in zip(self.groups, self.lengths, strict=True):
                low, high = max(start - first, 0), min(stop - first, length)
                if low < high:
                    parts.append(file[f"{group}/{dataset}"][row, low:high])
                first += length
        return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class Counts:
    """Stored values of an analog channel, shape (n_samples,)."""

    sweeps: Sweeps
    row: int
    dtype: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.sweeps.n_samples,)

    def __getitem__(self, block: slice, /) -> NDArray[Any]:
        return self.sweeps.read("analogScans", self.row, block, self.dtype)


@dataclass(frozen=True, eq=False)
class Polynomial:
    """Counts of an analog channel through the polynomial of its digitiser, shape (n_samples,), in the unit of the channel.

    Attributes
    ----------
    counts : Counts
    coefficients : tuple of float
        Volts at the input for powers 0, 1, 2, ... of the counts.
    scale : float
        Volts per unit of the channel.
    """

    counts: Counts
    coefficients: tuple[float, ...]
    scale: float

    @property
    def shape(self) -> tuple[int, ...]:
        return self.counts.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float64)

    def __getitem__(self, block: slice, /) -> NDArray[np.float64]:
        counts = self.counts[block].astype(np.float64)
        return np.asarray(np.polynomial.polynomial.polyval(counts, self.coefficients) / self.scale, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Bit:
    """One digital line of the packed scans: 0 or 1, uint8, shape (n_samples,)."""

    sweeps: Sweeps
    bit: int
    packed: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.sweeps.n_samples,)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8)

    def __getitem__(self, block: slice, /) -> NDArray[np.uint8]:
        scans = self.sweeps.read("digitalScans", 0, block, self.packed)
        line: NDArray[np.uint8] = ((scans >> self.packed.type(self.bit)) & self.packed.type(1)).astype(np.uint8)
        return line


def find(folder: Path) -> Iterator[WaveSurferSource]:
    """Find the WaveSurfer files in a folder and the folders below."""
    import h5py

    for path in sorted(folder.rglob("*.h5"), key=natural_order):
        if path.is_file() and h5py.is_hdf5(path):
            try:
                with h5py.File(path, "r") as file:
                    found = _is_wavesurfer(file)
            except OSError:
                continue
            if found:
                yield WaveSurferSource(path=path)


def _is_wavesurfer(file: Any) -> bool:
    return "header" in file and any(f"header/{key}" in file for key in _KEYS["rate"]) and any(map(_SWEEP.match, file))


def read(source: WaveSurferSource, inputs: Inputs) -> Recording:  # noqa: ARG001
    """Read the header of a recording; samples stay in the file.

    Analog samples whose scaling is linear stay as stored, with their conversion and offset; else they are the float64 values of the
    digitiser's polynomial. Only active channels are recorded. Bit 0 of the digital scans is the first active line.

    Raises
    ------
    SourceError
        If the file is missing, is not WaveSurfer's, is truncated, or its header contradicts its samples.
    """
    import h5py

    paths = expand(source.path)
    if len(paths) > 1:
        raise SourceError(f"{source.path.name}: {len(paths)} files; a recording is one file, name each as a source of its own")
    path = paths[0]
    try:
        with h5py.File(path, "r") as file:
            if not _is_wavesurfer(file):
                raise SourceError(f"{path.name}: an HDF5 file without WaveSurfer's header and sweeps; what wrote it?")
            return _Reader(path, file).recording()
    except OSError as error:
        raise SourceError(f"{path.name}: not a readable HDF5 file ({error}); is it truncated or of another format?") from error


class _Reader:
    """Reads the headers of one open file."""

    def __init__(self, path: Path, file: Any) -> None:
        self.path = path
        self.file = file

    def found(self, what: str) -> NDArray[Any] | None:
        """The values that the header of any version holds under `what`."""
        for key in _KEYS[what]:
            if f"header/{key}" in self.file:
                return np.asarray(self.file[f"header/{key}"][()])
        return None

    def texts(self, what: str) -> list[str]:
        values = self.found(what)
        return [] if values is None else [_text(value) for value in values.ravel()]

    def flags(self, what: str, count: int) -> NDArray[np.bool_]:
        values = self.found(what)
        return np.ones(count, np.bool_) if values is None else values.ravel().astype(np.bool_)

    def recording(self) -> Recording:
        groups = sorted((name for name in self.file if _SWEEP.match(name)), key=lambda name: int(name.split("_")[1]))
        lengths = tuple(self.length(group) for group in groups)
        sweeps = Sweeps(self.path, tuple(groups), lengths)
        channels = [*self.analog(sweeps), *self.digital(sweeps)]
        names = [channel.name for channel in channels]
        distinct = distinct_names(names)
        version = self.version
        return Recording(
            files=(self.path,),
            start=self.start(),
            notes={"software": f"WaveSurfer {version}".strip(), **repeats_note(names, distinct)},
            rate=self.rate(),
            sweep_starts=ExplicitTimes(self.sweep_starts(groups)),
            sweep_lengths=np.array(lengths, dtype=np.int64),
            channels=tuple(_renamed(channel, name) for channel, name in zip(channels, distinct, strict=True)),
        )

    @property
    def version(self) -> str:
        """E.g. ``"0.933"``; empty in the oldest files."""
        return _text(self.file["header/VersionString"][()].ravel()[0]) if "header/VersionString" in self.file else ""

    def length(self, group: str) -> int:
        lengths = {self.file[f"{group}/{name}"].shape[1] for name in ("analogScans", "digitalScans") if name in self.file[group]}
        if len(lengths) != 1:
            there = ", ".join(self.file[group]) or "nothing"
            raise SourceError(f"{self.path.name}: {group} holds {there}; expected analogScans or digitalScans of one length")
        return int(lengths.pop())

    def rate(self) -> float:
        values = self.found("rate")
        rate = float(np.asarray(values).ravel()[0])
        old = re.match(r"0\.(\d+)", self.version or "0.0")
        if old and float(f"0.{old[1]}") < 0.913 and not (TIMEBASE / rate).is_integer():
            return TIMEBASE / math.floor(TIMEBASE / rate)
        return rate

    def start(self) -> datetime | None:
        """Wall-clock time of the start of the run, from year, month, day, hour, minute and second; old versions have none."""
        if "header/ClockAtRunStart" not in self.file:
            return None
        *date, seconds = self.file["header/ClockAtRunStart"][()].ravel().tolist()
        year, month, day, hour, minute = (int(part) for part in date)
        return datetime(year, month, day, hour, minute) + timedelta(seconds=seconds)

    def sweep_starts(self, groups: list[str]) -> NDArray[np.float64]:
        """Seconds from the start of the run to the start of each sweep."""
        missing = [group for group in groups if "timestamp" not in self.file[group]]
        if missing and len(groups) > 1:
            raise SourceError(f"{self.path.name}: {missing[0]} has no timestamp, so when it began after the first is unknown")
        if missing:
            return np.zeros(1)
        return np.array([float(self.file[f"{group}/timestamp"][()].ravel()[0]) for group in groups])

    def analog(self, sweeps: Sweeps) -> Iterator[Channel]:
        names, units = self.texts("names"), self.texts("units")
        active = np.flatnonzero(self.flags("active", len(names)))
        scales = self.found("scales")
        stored = self.file[sweeps.groups[0]].get("analogScans")
        n_rows = 0 if stored is None else stored.shape[0]
        if n_rows != len(active):
            raise SourceError(f"{self.path.name}: {n_rows} rows of analog samples for {len(active)} active channels")
        for row, index in enumerate(active):
            counts = Counts(sweeps, row, stored.dtype)
            scale = 1.0 if scales is None else float(scales.ravel()[index])
            if scale == 0:
                raise SourceError(f"{self.path.name}: channel {names[index]} has a scale of 0 volts per {units[index]}")
            unit = units[index] or "unknown"
            yield _analog(names[index], unit, counts, self.coefficients(row, int(index), len(active), len(names)), scale)

    def coefficients(self, row: int, index: int, n_active: int, n_channels: int) -> tuple[float, ...]:
        """Volts for powers of the counts; the header lists the active channels (or all of them)."""
        values = self.found("coefficients")
        if values is None:
            return (0.0, VOLTS_PER_COUNT)
        if values.ndim != 2 or values.shape[0] not in (n_active, n_channels):
            raise SourceError(f"{self.path.name}: scaling coefficients of shape {values.shape} for {n_active} active channels")
        return tuple(float(value) for value in values[row if values.shape[0] == n_active else index])

    def digital(self, sweeps: Sweeps) -> Iterator[Channel]:
        scans = self.file[sweeps.groups[0]].get("digitalScans")
        if scans is None:
            return
        names = self.texts("digital names")
        lines = [names[index] for index in np.flatnonzero(self.flags("digital active", len(names)))]
        if len(lines) > 8 * scans.dtype.itemsize:
            raise SourceError(f"{self.path.name}: {len(lines)} digital lines in scans of {8 * scans.dtype.itemsize} bits")
        for bit, name in enumerate(lines):
            yield Channel(name=name, kind="digital", unit="n.a.", samples=Bit(sweeps, bit, np.dtype(scans.dtype)))


def _analog(name: str, unit: str, counts: Counts, coefficients: tuple[float, ...], scale: float) -> Channel:
    """A channel as stored where its scaling is linear, else through its polynomial."""
    if np.issubdtype(counts.dtype, np.floating):  # versions that stored scaled samples
        return Channel(name=name, kind="analog", unit=unit, samples=counts)
    constant, linear, *higher = (*coefficients, 0.0, 0.0)[: max(2, len(coefficients))]
    if any(higher):
        return Channel(name=name, kind="analog", unit=unit, samples=Polynomial(counts, coefficients, scale))
    return Channel(name=name, kind="analog", unit=unit, samples=counts, conversion=linear / scale, offset=constant / scale)


def _renamed(channel: Channel, name: str) -> Channel:
    fields: Mapping[str, Any] = {**vars(channel), "name": name}
    return Channel(**fields)


def _text(value: object) -> str:
    text = value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
    return text.strip()


FORMAT = Format(source=WaveSurferSource, record=Recording, label="WaveSurfer HDF5", find=find, read=read)
