"""Axon Binary Format (pCLAMP), versions 1 and 2, headers through pyabf, samples as stored."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.records import Channel, Recording
from bergmann.registry import Format, Inputs, Source, expand, natural_order
from bergmann.signals._names import distinct_names, repeats_note
from bergmann.signals._protocol import command_pulses
from bergmann.timing.times import ExplicitTimes

SIGNATURES = (b"ABF ", b"ABF2")
VARIABLE_LENGTH, GAP_FREE = 1, 3
EXTERNAL_TAG = 2
SIZE_OF_LONG_HEADER = 6144


class AbfSource(Source):
    """A recording of Clampex, one .abf file."""

    format: Literal["abf"] = "abf"
    path: Path


@dataclass(frozen=True, eq=False)
class Interleaved:
    """One channel of samples that are stored sample by sample, shape (n_samples,).

    Attributes
    ----------
    path : Path
    first_byte : int
        Where the samples begin.
    n_samples : int
        Of each channel.
    n_channels, channel : int
    dtype : np.dtype
    """

    path: Path
    first_byte: int
    n_samples: int
    n_channels: int
    channel: int
    dtype: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n_samples,)

    def __getitem__(self, block: slice, /) -> NDArray[Any]:
        start, stop, _ = block.indices(self.n_samples)
        n_values = max(stop - start, 0) * self.n_channels
        first = self.first_byte + start * self.n_channels * self.dtype.itemsize
        values = np.fromfile(self.path, dtype=self.dtype, count=n_values, offset=first)
        if len(values) != n_values:
            raise SourceError(
                f"{self.path.name}: {len(values)} values from sample {start} on, expected {n_values}; it is truncated"
            )
        return values[self.channel :: self.n_channels].copy()


def find(folder: Path) -> Iterator[AbfSource]:
    """Find the Axon files in a folder and the folders below."""
    for path in sorted(folder.rglob("*.[aA][bB][fF]"), key=natural_order):
        if path.is_file():
            with path.open("rb") as file:
                is_axon = file.read(4) in SIGNATURES
            if is_axon:
                yield AbfSource(path=path)


def read(source: AbfSource, inputs: Inputs) -> Recording:  # noqa: ARG001
    """Read the header of a recording; samples stay in the file, as stored.

    Sweeps begin where the file's table of sweeps says; the pulses that the protocol commands are in ``commands``, and what of
    the protocol is not among them in ``notes["commands left out"]``.

    Raises
    ------
    SourceError
        If the file is missing, not an Axon file, truncated, or of a kind that cannot be read.
    """
    paths = expand(source.path)
    if len(paths) > 1:
        raise SourceError(f"{source.path.name}: {len(paths)} files; a recording is one file, name each as a source of its own")
    path = paths[0]
    abf = _open(path)
    rate, n_channels = _rate(abf), int(abf.channelCount)
    dtype = np.dtype(f"<{'i2' if abf._nDataFormat == 0 else 'f4'}")
    _check_size(path, abf, dtype)
    starts, lengths = _sweeps(path, abf, rate)
    tags, tag_times = _tags(path, abf, rate)
    notes = _notes(abf)
    commands: tuple[Any, ...] = ()
    if len(set(lengths.tolist())) == 1:
        commands, left_out = command_pulses(abf, path, rate, starts, int(lengths[0]))
        notes |= {"commands left out": left_out} if left_out else {}
    names = [name or f"ADC {number}" for number, name in enumerate(_clean(abf.adcNames))]
    distinct = distinct_names(names)
    units = [unit or "unknown" for unit in _clean(abf.adcUnits)]
    channels = tuple(
        Channel(
            name=name,
            kind="analog",
            unit=units[number],
            samples=Interleaved(path, int(abf.dataByteStart), int(lengths.sum()), n_channels, number, dtype),
            conversion=_gain(abf, number) if dtype.kind == "i" else 1.0,
            offset=float(abf._dataOffset[number]) if dtype.kind == "i" else 0.0,
        )
        for number, name in enumerate(distinct)
    )
    return Recording(
        files=(path,),
        start=_start(abf),
        notes={**notes, **repeats_note(names, distinct)},
        rate=rate,
        sweep_starts=ExplicitTimes(starts),
        sweep_lengths=lengths,
        channels=channels,
        tags=tags,
        tag_times=ExplicitTimes(tag_times),
        commands=commands,
    )


def _open(path: Path) -> Any:
    """The headers as pyabf reads them."""
    import pyabf

    with path.open("rb") as file:
        signature = file.read(4)
    if signature not in SIGNATURES:
        hint = "an ATF text file" if signature[:3] == b"ATF" else "not an Axon binary file"
        raise SourceError(
            f"{path.name}: {hint}, it begins with {signature!r}; expected 'ABF ' or 'ABF2'. Is it another file, renamed?"
        )
    try:
        return pyabf.ABF(path, loadData=False)
    except (
        ValueError,
        NotImplementedError,
        struct.error,
        LookupError,
        ArithmeticError,
        OSError,
        TypeError,
        AttributeError,
    ) as error:
        said = "it ends where a value is expected" if isinstance(error, struct.error) else str(error)
        raise SourceError(f"{path.name}: its header cannot be read ({said}); is the file truncated? Copy it again") from error


def _decimal(value: float) -> float:
    """The shortest decimal that is this single-precision number: 33.3 and not 33.29999924."""
    return float(str(np.float32(value)))


def _rate(abf: Any) -> float:
    """Samples per second of each channel (pyabf's is cut to a whole number)."""
    if abf.abfVersion["major"] == 1:
        return 1e6 / (_decimal(abf._headerV1.fADCSampleInterval) * int(abf.channelCount))
    return 1e6 / _decimal(abf._protocolSection.fADCSequenceInterval)


def _has_short_header(abf: Any) -> bool:
    """Whether the samples begin where ABF 1.6 has more header: pyabf then reads samples as header."""
    return bool(abf.abfVersion["major"] == 1 and abf._headerV1.lDataSectionPtr * 512 < SIZE_OF_LONG_HEADER)


def _gain(abf: Any, number: int) -> float:
    """Unit of a channel per stored count; the gain of a telegraph is part of it, and only of the long header."""
    gain = float(abf._dataGain[number])
    if _has_short_header(abf):
        adc = abf._headerV1.nADCSamplingSeq[number]
        if abf._headerV1.nTelegraphEnable[adc] == 1:
            gain *= abf._headerV1.fTelegraphAdditGain[adc]
    return gain


def _check_size(path: Path, abf: Any, dtype: np.dtype[Any]) -> None:
    needed = int(abf.dataByteStart) + int(abf.dataPointCount) * dtype.itemsize
    size = path.stat().st_size
    if not abf.dataPointCount or not abf.channelCount:
        raise SourceError(f"{path.name}: no samples; was the recording aborted?")
    if size < needed:
        raise SourceError(f"{path.name}: {size} bytes, and its header promises {needed}; the file is truncated, copy it again")
    if abf.dataPointCount % abf.channelCount:
        raise SourceError(f"{path.name}: {abf.dataPointCount} values for {abf.channelCount} channels; the last sample is not whole")


def _tick(abf: Any, rate: float) -> float:
    """Seconds per count of the times of sweeps and tags: ``fSynchTimeUnit`` in microseconds, or, if 0, one value of one channel."""
    header = abf._headerV1 if abf.abfVersion["major"] == 1 else abf._protocolSection
    if header.fSynchTimeUnit:
        return _decimal(header.fSynchTimeUnit) / 1e6
    return 1 / (rate * int(abf.channelCount))


def _sweeps(path: Path, abf: Any, rate: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """When each sweep began, in seconds from the start of the recording, and its samples."""
    n_samples = int(abf.dataPointCount) // int(abf.channelCount)
    if abf.nOperationMode == GAP_FREE:
        return np.zeros(1), np.array([n_samples])
    table = _sweep_table(path, abf)
    if len(table) == abf.sweepCount:
        starts: NDArray[np.float64] = table[:, 0] * np.float64(_tick(abf, rate))
        lengths = table[:, 1] // int(abf.channelCount)
        if lengths.sum() != n_samples:
            raise SourceError(f"{path.name}: its table of sweeps has {lengths.sum()} samples, and the file {n_samples}")
        return starts, lengths
    if abf.nOperationMode == VARIABLE_LENGTH:
        raise SourceError(f"{path.name}: event-driven with sweeps of any length, and {len(table)} of {abf.sweepCount} in its table")
    lengths = np.full(abf.sweepCount, n_samples // abf.sweepCount)
    if lengths.sum() != n_samples:
        raise SourceError(f"{path.name}: {n_samples} samples in {abf.sweepCount} sweeps; expected sweeps of one length")
    interval = max(float(abf.sweepIntervalSec), float(lengths[0]) / rate)
    return np.arange(abf.sweepCount, dtype=np.float64) * interval, lengths


def _sweep_table(path: Path, abf: Any) -> NDArray[np.int64]:
    """Start (in ticks) and length (in values of all channels) of each sweep, shape (n_sweeps, 2)."""
    if abf.abfVersion["major"] == 2:
        section = abf._synchArraySection
        return np.array([section.lStart, section.lLength], dtype=np.int64).T.reshape(-1, 2)
    header = abf._headerV1
    count = max(int(header.lSynchArraySize), 0) if header.lSynchArrayPtr > 0 else 0
    values = (
        np.fromfile(path, dtype="<i4", count=2 * count, offset=512 * int(header.lSynchArrayPtr)) if count else np.empty(0, "<i4")
    )
    return values.astype(np.int64).reshape(-1, 2)


def _tags(path: Path, abf: Any, rate: float) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Comments and when they were typed, in seconds from the start of the recording (pyabf's times are rounded)."""
    if abf.abfVersion["major"] == 1:
        section = abf._headerV1
        comments, kinds, ticks = section.sTagComment, section.nTagType, section.lTagTime
    else:
        from pyabf.abf2.tagSection import TagSection

        with path.open("rb") as file:
            section = TagSection(file)
        comments, kinds, ticks = section.sComment, section.nTagType, section.lTagTime
    seconds = np.array(ticks, dtype=np.float64) * _tick(abf, rate)
    order = np.argsort(seconds, kind="stable")
    texts = [_tag_text(comments[index], kinds[index]) for index in order]
    return tuple(texts), seconds[order]


def _tag_text(comment: str | bytes, kind: int) -> str:
    (text,) = _clean([comment])
    return text or ("external tag" if kind == EXTERNAL_TAG else "tag without a comment")


def _start(abf: Any) -> datetime | None:
    """Local wall-clock time; None where the file has none (pyabf then gives the file's own date, or the year 1)."""
    stated = abf._headerV1.lFileStartDate if abf.abfVersion["major"] == 1 else abf._headerV2.uFileStartDate
    start: datetime = abf.abfDateTime
    return start if stated and start.year > 1 else None


def _notes(abf: Any) -> dict[str, str]:
    """Software and protocol; of the protocol's path only the name."""
    is_short = _has_short_header(abf)
    comment = abf._headerV1.sFileCommentOld if is_short else abf.abfFileComment
    software, protocol, comment = _clean([abf.creator, "" if is_short else abf.protocol, comment])
    notes = {"software": software, "format version": str(abf.abfVersionString)}
    if protocol and protocol != "None":
        notes["protocol"] = protocol
    if comment:
        notes["comment"] = comment
    return notes


def _clean(texts: list[Any]) -> list[str]:
    """Texts of the header without padding; pyabf gives ``"?"`` for an empty one."""
    plain = [text.decode("latin-1") if isinstance(text, bytes) else str(text or "") for text in texts]
    return ["" if text == "?" else text.replace("\0", " ").strip() for text in plain]


FORMAT = Format(source=AbfSource, record=Recording, label="Axon ABF", find=find, read=read)
