"""What the 32-bit files of CED Spike2 (.smr) hold: channels as chains of blocks.

The layout is that of CED's SON library (*The SON filing system*), as the sources of neo (``rawio/spike2rawio.py``) and of the SON
library for MATLAB of King's College London state it too: a file header of 512 bytes, 140 bytes for each channel, and blocks of a
channel, each of which says where the next one is. Times are counts of one clock of the file.

Read here and not by neo, which cuts a file into segments by the pauses of its sampled channels: it leaves out events that are
outside of all of them, cannot read a file whose channels pause differently, and counts blocks and bytes in signed numbers that long
recordings exceed.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError

SIGNATURE = b"(C) CED 87"
"""Bytes 2 to 11 of a file."""

FILE_HEADER, CHANNEL_HEADER, BLOCK_HEADER = 512, 140, 20
TICK_IN_SECONDS_FROM, LARGE = 6, 9
"""Versions of the format: from which on a file says the unit of its clock, and which counts places in blocks of 512 bytes."""

ADC, FALLING, RISING, LEVEL, MARKER, ADC_MARK, REAL_MARK, TEXT_MARK, REAL_WAVE = range(1, 10)
SAMPLED: Mapping[int, np.dtype[Any]] = {ADC: np.dtype("<i2"), REAL_WAVE: np.dtype("<f4")}
MOST_CHANNELS = 1000

COUNTS_PER_UNIT = 6553.6
"""Counts of the converter per unit of `scale` (5 V are 32768)."""


@dataclass(frozen=True)
class Spike2Channel:
    """One channel of a file.

    Attributes
    ----------
    number : int
        Counted from 1.
    title, unit, comment : str
    kind : int
    scale, offset : float
        Of a channel of counts.
    interval : int
        Ticks from one sample to the next; 0 for a channel of events.
    n_extra : int
        Bytes that stand behind the time and the code of each marker.
    before : int
        Samples before the trigger, of marked waveforms.
    starts_low : bool
        Of a channel of levels: whether it was low when the recording began.
    places, counts, starts : np.ndarray, shape (n_blocks,), int64
        Of each block: the byte at which its values begin, how many there are, and the tick of the first.
    """

    number: int
    title: str
    unit: str
    comment: str
    kind: int
    scale: float
    offset: float
    interval: int
    n_extra: int
    before: int
    starts_low: bool
    places: NDArray[np.int64]
    counts: NDArray[np.int64]
    starts: NDArray[np.int64]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a value as stored."""
        if self.kind in SAMPLED:
            return SAMPLED[self.kind]
        if self.kind in {FALLING, RISING, LEVEL}:
            return np.dtype([("tick", "<i4")])
        return np.dtype([("tick", "<i4"), ("codes", "u1", 4), ("extra", f"V{self.n_extra}")])


@dataclass(frozen=True)
class Spike2Contents:
    """What the headers of a file say.

    Attributes
    ----------
    path : Path
    version : int
        Of the format.
    tick : float
        Seconds of a tick of its clock.
    last_tick : int
        When the last event or sample was.
    start : datetime or None
        When the recording began, by the computer's clock.
    comments : tuple of str
    channels : tuple of Spike2Channel
        Those that were not switched off.
    """

    path: Path
    version: int
    tick: float
    last_tick: int
    start: datetime | None
    comments: tuple[str, ...]
    channels: tuple[Spike2Channel, ...]


@dataclass(frozen=True, eq=False)
class Blocks:
    """Samples of a channel as they are stored, shape (n_samples,)."""

    path: Path
    channel: Spike2Channel

    @property
    def shape(self) -> tuple[int, ...]:
        return (int(self.channel.counts.sum()),)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.channel.dtype

    def __getitem__(self, block: slice, /) -> NDArray[Any]:
        start, stop, _ = block.indices(self.shape[0])
        parts: list[NDArray[Any]] = [np.empty(0, self.dtype)]
        ends = np.cumsum(self.channel.counts)
        with self.path.open("rb") as file:
            for index in range(int(np.searchsorted(ends, start, side="right")), len(ends) if stop > start else 0):
                first = int(ends[index] - self.channel.counts[index])
                if first >= stop:
                    break
                low, high = max(start - first, 0), min(stop - first, int(self.channel.counts[index]))
                parts.append(_values(file, int(self.channel.places[index]) + low * self.dtype.itemsize, high - low, self.dtype))
        return np.concatenate(parts)


def read_all(path: Path, channel: Spike2Channel) -> NDArray[Any]:
    """All values of a channel of events, shape (n_events,), with the fields ``tick``, ``codes`` and ``extra``."""
    return Blocks(path, channel)[0:]


def _values(file: BinaryIO, at: int, count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    file.seek(at)
    content = file.read(count * dtype.itemsize)
    if len(content) != count * dtype.itemsize:
        end = at + count * dtype.itemsize
        raise SourceError(f"{Path(file.name).name}: it ends before byte {end}; the file was cut, copy it again")
    return np.frombuffer(content, dtype)


def is_spike2(path: Path) -> bool:
    """Whether a file begins as a 32-bit file of Spike2 does."""
    with path.open("rb") as file:
        return file.read(12)[2:] == SIGNATURE


def read_contents(path: Path) -> Spike2Contents:
    """Read the headers of a file, and where the blocks of each channel are.

    Raises
    ------
    SourceError
        If it is not such a file, damaged or cut.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        header = file.read(FILE_HEADER)
        if header[2:12] != SIGNATURE:
            of_64_bits = path.suffix.lower() == ".smrx"
            hint = "; save a recording of 64 bits (.smrx) as .smr in Spike2 (Export, 32-bit)" if of_64_bits else ""
            raise SourceError(f"{path.name}: not a 32-bit file of Spike2, which has {SIGNATURE!r} at its beginning{hint}")
        if len(header) < FILE_HEADER:
            raise SourceError(f"{path.name}: {size} bytes, less than its header; the file was cut, copy it again")
        version, micros, per_adc, n_channels, last_tick, base = struct.unpack("<h18xhh6xh8xid", header[:52])
        base = base if version >= TICK_IN_SECONDS_FROM else 1e-6
        if micros < 1 or not 0 < base < 1 or not 0 < n_channels <= MOST_CHANNELS:
            raise SourceError(
                f"{path.name}: its header says {micros} x {base:g} s a tick and {n_channels} channels; is the file damaged?"
            )
        chains = _Chains(path, file, size, version)
        channels = (_channel(chains, number, per_adc) for number in range(1, n_channels + 1))
        return Spike2Contents(
            path=path,
            version=version,
            tick=float(f"{micros * base:.15g}"),
            last_tick=last_tick,
            start=_start(header[52:60]),
            comments=tuple(text for at in range(112, FILE_HEADER, 80) if (text := _pascal(header[at : at + 80]))),
            channels=tuple(one for one in channels if one is not None),
        )


@dataclass(frozen=True)
class _Chains:
    """An open file, and what is needed to follow the blocks of its channels."""

    path: Path
    file: BinaryIO
    size: int
    version: int

    def read(self, at: int, n_bytes: int, what: str) -> bytes:
        self.file.seek(at)
        content = self.file.read(n_bytes)
        if len(content) < n_bytes:
            raise SourceError(
                f"{self.path.name}: {what} ends at byte {at + n_bytes} of {self.size}; the file was cut, copy it again"
            )
        return content


def _channel(chains: _Chains, number: int, per_adc: int) -> Spike2Channel | None:
    """One channel; None if it was switched off."""
    at = FILE_HEADER + CHANNEL_HEADER * (number - 1)
    header = chains.read(at, CHANNEL_HEADER, f"the header of channel {number}")
    first, last, n_blocks, n_extra, before, upper = struct.unpack_from("<iiHHhH", header, 6)
    kind = header[122]
    if not kind:
        return None
    if kind > REAL_WAVE:
        raise SourceError(f"{chains.path.name}: channel {number} is of kind {kind}, which is none of Spike2; is the file damaged?")
    divide, interval = struct.unpack_from("<h", header, 138)[0], struct.unpack_from("<i", header, 102)[0]
    scale, offset = struct.unpack_from("<ff", header, 124) if kind in {ADC, ADC_MARK} else (1.0, 0.0)
    places, counts, starts = _blocks(chains, number, first, last, n_blocks | upper << 16)
    channel = Spike2Channel(
        number=number,
        title=_pascal(header[108:118]),
        unit=_pascal(header[132:138]) if kind in {ADC, ADC_MARK, REAL_MARK, REAL_WAVE} else "",
        comment=_pascal(header[26:98]),
        kind=kind,
        scale=float(scale),
        offset=float(offset),
        interval=(interval if chains.version >= TICK_IN_SECONDS_FROM else divide * per_adc) if kind in SAMPLED else 0,
        n_extra=n_extra if kind >= ADC_MARK and kind not in SAMPLED else 0,
        before=before if kind == ADC_MARK else 0,
        starts_low=bool(header[124]),
        places=places,
        counts=counts,
        starts=starts,
    )
    ends = places + counts * channel.dtype.itemsize
    if len(ends) and ends.max() > chains.size:
        raise SourceError(
            f"{chains.path.name}: channel {number} has values up to byte {ends.max()} of {chains.size}; the file was cut, copy it "
            "again"
        )
    return channel


def _blocks(
    chains: _Chains, number: int, first: int, last: int, n_blocks: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Places, counts and starts of the blocks of a channel, by following them from the first."""
    unit = 512 if chains.version >= LARGE else 1
    found: list[tuple[int, int, int]] = []
    at, is_last = first, first < 0 or n_blocks == 0
    while not is_last:
        header = chains.read(at * unit, BLOCK_HEADER, f"a block of channel {number}")
        _, successor, start, _, channel, count = struct.unpack("<iiiiHH", header)
        if channel & 0xFF != number & 0xFF or len(found) * BLOCK_HEADER > chains.size:  # the upper byte holds flags
            raise SourceError(
                f"{chains.path.name}: byte {at * unit} should begin block {len(found) + 1} of channel {number}, and does not; is "
                "the file damaged?"
            )
        found.append((at * unit + BLOCK_HEADER, count, start))
        is_last, at = at == last or successor < 0, successor
    if len(found) & 0xFFFF != n_blocks & 0xFFFF:  # what is above it is stored from version 9 on
        raise SourceError(
            f"{chains.path.name}: channel {number} has {len(found)} blocks, and its header counts {n_blocks}; is the file damaged?"
        )
    places, counts, starts = np.array(found, dtype=np.int64).reshape(-1, 3).T
    return places, counts, starts


def _pascal(field: bytes) -> str:
    """A text of which the first byte says the length; empty where that cannot be."""
    length = field[0]
    text = field[1 : length + 1].decode("latin-1").strip()
    return text if length < len(field) and text.isprintable() else ""


def _start(field: bytes) -> datetime | None:
    """When a recording began: hundredths, seconds, minutes, hours, day, month, year; None where that is no date."""
    hundredths, second, minute, hour, day, month, year = struct.unpack("<6BH", field)
    try:
        return datetime(year, month, day, hour, minute, second, 10_000 * hundredths)
    except ValueError:
        return None
