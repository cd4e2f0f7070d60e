"""Where in a TDMS file the samples of each channel are; the metadata are read by npTDMS.

Samples are read here and not by npTDMS, which reads the whole chunk of a channel for any part of it, and a file that was written
at once has one chunk. The layout is that of NI's description of the format (TDMS File Format Internal Structure): a segment has a
lead-in, metadata, and chunks; in a chunk the values of one channel stand behind those of the other, or interleaved, or (DAQmx) in
the interleaved buffers of the boards.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import MissingExtraError, SourceError

TAG = b"TDSm"
BIG_ENDIAN, INTERLEAVED = 1 << 6, 1 << 5
NUMBERS = "biuf"
"""Kinds of type (numpy's letters) that are samples."""

UNKNOWN_SIZE = 2**64 - 1
"""What stands for the size of a segment that was still being written."""

WAVEFORM = ("wf_start_time", "wf_increment", "wf_start_offset")
"""Properties that say when the samples of a channel were taken."""


@dataclass(frozen=True)
class Run:
    """Chunks of one segment that hold values of a channel.

    Attributes
    ----------
    first : int
        Number of its first value in the channel.
    per_chunk, n_chunks : int
        Values in each chunk, and chunks.
    n_values : int
        Values in all of them; the last chunk may have fewer.
    at : int
        Byte of the file at which the first value is.
    chunk_bytes, stride : int
        Bytes from one chunk to the next, and from one value to the next.
    dtype : np.dtype
        As stored, with its order of bytes.
    """

    first: int
    per_chunk: int
    n_chunks: int
    n_values: int
    at: int
    chunk_bytes: int
    stride: int
    dtype: np.dtype[Any]

    def read(self, file: BinaryIO, start: int, stop: int) -> Iterator[NDArray[Any]]:
        """The values ``start`` to ``stop`` of the run: of parts of chunks, and of whole chunks at once."""
        while start < stop:
            chunk, within = divmod(start, self.per_chunk)
            whole = (stop - start) // self.per_chunk if within == 0 else 0
            if whole:
                yield self._strided(file, self.at + chunk * self.chunk_bytes, whole, self.per_chunk)
                start += whole * self.per_chunk
            else:
                count = min(self.per_chunk - within, stop - start)
                yield self._strided(file, self.at + chunk * self.chunk_bytes + within * self.stride, 1, count)
                start += count

    def _strided(self, file: BinaryIO, at: int, n_chunks: int, count: int) -> NDArray[Any]:
        n_bytes = (n_chunks - 1) * self.chunk_bytes + (count - 1) * self.stride + self.dtype.itemsize
        file.seek(at)
        content = file.read(n_bytes)
        if len(content) != n_bytes:
            raise SourceError(f"{Path(file.name).name}: it ends before byte {at + n_bytes}; the file was cut, copy it again")
        values: NDArray[Any] = np.ndarray(
            (n_chunks, count), self.dtype, buffer=content, strides=(self.chunk_bytes, self.stride)
        ).reshape(-1)
        return values


@dataclass(frozen=True, eq=False)
class Stored:
    """Values of a channel as they are stored, shape (n_samples,), in the machine's order of bytes.

    Attributes
    ----------
    path : Path
    runs : tuple of Run
        In order.
    dtype : np.dtype
    """

    path: Path
    runs: tuple[Run, ...]
    dtype: np.dtype[Any]

    @cached_property
    def firsts(self) -> NDArray[np.int64]:
        """Number of the first value of each run, shape (n_runs,)."""
        return np.array([run.first for run in self.runs], dtype=np.int64)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.runs[-1].first + self.runs[-1].n_values,)

    def __getitem__(self, block: slice, /) -> NDArray[Any]:
        start, stop, _ = block.indices(self.shape[0])
        parts: list[NDArray[Any]] = [np.empty(0, self.dtype)]
        if start < stop:
            low, high = (int(np.searchsorted(self.firsts, at, side="right")) for at in (start, stop - 1))
            with self.path.open("rb") as file:
                for run in self.runs[low - 1 : high]:
                    parts += run.read(file, max(start - run.first, 0), min(stop - run.first, run.n_values))
        return np.concatenate([part.astype(self.dtype, copy=False) for part in parts])


@dataclass(eq=False)
class TdmsChannel:
    """One channel of a file.

    Attributes
    ----------
    group, name : str
    properties : mapping
        As the last segment that states them says.
    kind : str
        Name of the type of its values, as npTDMS calls it.
    n_values : int
        How many values of any kind it has.
    runs : dict of int to list of Run
        By number of the DAQmx scaler; 0 for the values of any other channel.
    bit : int or None
        Of a DAQmx digital line: which bit of the stored value it is.
    changes : list of (int, mapping)
        What is stated of its times, each with the number of the value from which on it holds.
    """

    group: str
    name: str
    properties: dict[str, Any]
    kind: str
    n_values: int
    runs: dict[int, list[Run]] = field(default_factory=dict)
    bit: int | None = None
    changes: list[tuple[int, dict[str, Any]]] = field(default_factory=list)

    @property
    def n_samples(self) -> int:
        """How many numbers it has."""
        return max((runs[-1].first + runs[-1].n_values for runs in self.runs.values() if runs), default=0)

    def stored(self, path: Path) -> dict[int, Stored]:
        """Its values, by number of the DAQmx scaler."""
        return {number: Stored(path, tuple(runs), runs[0].dtype.newbyteorder("=")) for number, runs in self.runs.items() if runs}


@dataclass(frozen=True, eq=False)
class TdmsContents:
    """What the metadata of a file say.

    Attributes
    ----------
    properties : mapping
        Of the file.
    groups : mapping of str to mapping
        Properties of each group.
    channels : tuple of TdmsChannel
    is_unfinished : bool
        Whether the last segment was still being written when its program ended.
    """

    properties: dict[str, Any]
    groups: dict[str, dict[str, Any]]
    channels: tuple[TdmsChannel, ...]
    is_unfinished: bool


def read_contents(path: Path) -> TdmsContents:
    """Read the metadata of a file, not those of an index beside it.

    Raises
    ------
    SourceError
        If it is not a TDMS file, damaged or cut.
    MissingExtraError
        If npTDMS is not installed.
    """
    with path.open("rb") as file:
        tag = file.read(4)
        if tag != TAG:
            found = f"it begins with {tag!r}" if tag else "it is empty"
            hint = "; the file of the recording ends in .tdms" if tag == b"TDSh" else ""
            raise SourceError(f"{path.name}: not a TDMS file, {found}; expected {TAG!r}{hint}. Is it another file, renamed?")
        file.seek(0)
        try:
            return _contents(path, file)
        except SourceError:
            raise
        except ImportError as error:
            raise MissingExtraError(extra="tdms", needed_for=f"{path.name}: a TDMS file") from error
        except Exception as error:  # npTDMS raises bare ones, among others
            raise SourceError(f"{path.name}: its metadata cannot be read ({error}); is the file damaged or cut?") from error


def _contents(path: Path, file: BinaryIO) -> TdmsContents:
    from nptdms.common import ObjectPath
    from nptdms.log import log_manager
    from nptdms.reader import TdmsReader

    log_manager.set_level("ERROR")  # what it would print as warnings is refused or noted here
    reader = TdmsReader(file)
    changes = _note_changes(reader)
    reader.read_metadata(require_segment_indexes=True)
    is_unfinished = _check_whole(path, file, reader)
    groups: dict[str, dict[str, Any]] = {}
    channels: dict[str, TdmsChannel] = {}
    for key, found in reader.object_metadata.items():
        place = ObjectPath.from_string(key)
        if place.is_channel:
            kind = getattr(found.data_type, "__name__", "Void")
            channels[key] = TdmsChannel(
                place.group, place.channel, dict(found.properties), kind, int(found.num_values), changes=changes.get(key, [])
            )
            groups.setdefault(place.group, {})
        elif place.is_group:
            groups[place.group] = dict(found.properties)
    for segment in reader._segments:
        _add_runs(path, segment, channels)
    root = reader.object_metadata.get("/")
    return TdmsContents(dict(root.properties) if root else {}, groups, tuple(channels.values()), is_unfinished)


def _note_changes(reader: Any) -> dict[str, list[tuple[int, dict[str, Any]]]]:
    """Let a reader note what each segment says of times; it keeps only what the last one says."""
    changes: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    read_segment = reader._read_segment_metadata

    def noting(*args: Any) -> Any:
        segment, properties = read_segment(*args)
        for key, stated in (properties or {}).items():
            said = {name: value for name, value in stated if name in WAVEFORM}
            if said:
                before = reader.object_metadata.get(key)
                changes.setdefault(key, []).append((0 if before is None else int(before.num_values), said))
        return segment, properties

    reader._read_segment_metadata = noting
    return changes


def _check_whole(path: Path, file: BinaryIO, reader: Any) -> bool:
    """Whether the last segment was never closed; one that was and is not whole is refused."""
    size = file.seek(0, 2)
    if not reader._segments:
        raise SourceError(f"{path.name}: {size} bytes, and its first segment is not whole; was the file cut?")
    last = reader._segments[-1]
    if last.next_segment_pos != size:
        raise SourceError(
            f"{path.name}: {size - last.next_segment_pos} bytes at its end are no segment; the file was cut, copy it again"
        )
    if not last.segment_incomplete:
        return False
    file.seek(last.position + 12)
    (stated,) = struct.unpack(">Q" if last.toc_mask & BIG_ENDIAN else "<Q", file.read(8))
    if stated != UNKNOWN_SIZE:
        needed = last.position + 28 + stated
        raise SourceError(f"{path.name}: {size} bytes, and its last segment ends at {needed}; the file was cut, copy it again")
    return True


def _add_runs(path: Path, segment: Any, channels: dict[str, TdmsChannel]) -> None:
    """Add the runs of a segment to its channels."""
    objects = [one for one in segment.ordered_objects if one.has_data]
    if not objects or not segment.num_chunks:
        return
    is_in_rows = segment._have_daqmx_objects() or segment.toc_mask & INTERLEAVED
    if segment.final_chunk_lengths_override is not None and not segment.segment_incomplete and not is_in_rows:
        raise SourceError(f"{path.name}: the segment at byte {segment.position} does not hold whole chunks; is the file damaged?")
    for place in _places(segment, objects):
        channel = channels[place.path]
        runs = channel.runs.setdefault(place.scaler, [])
        channel.bit = place.bit
        short = segment.final_chunk_lengths_override
        last = place.per_chunk if short is None else int(short.get(place.path, 0))
        n_values = place.per_chunk * (segment.num_chunks - 1) + last
        if n_values:
            first = runs[-1].first + runs[-1].n_values if runs else 0
            runs.append(_run(place, first, n_values, segment.num_chunks, int(segment._get_chunk_size())))


@dataclass(frozen=True)
class _Place:
    """Where in the chunks of a segment the values of a channel are."""

    path: str
    at: int
    per_chunk: int
    stride: int
    dtype: np.dtype[Any]
    scaler: int = 0
    bit: int | None = None


def _run(place: _Place, first: int, n_values: int, n_chunks: int, chunk_bytes: int) -> Run:
    """The run of a place; chunks that go on as they begin are one chunk."""
    per_chunk, stride = place.per_chunk, place.stride
    if per_chunk == 1:
        stride = chunk_bytes
    if per_chunk * stride == chunk_bytes:
        per_chunk, n_chunks = n_values, 1
    return Run(first, per_chunk, n_chunks, n_values, place.at, chunk_bytes, stride, place.dtype)


def _places(segment: Any, objects: list[Any]) -> Iterator[_Place]:
    order = ">" if segment.toc_mask & BIG_ENDIAN else "<"
    if segment._have_daqmx_objects():
        yield from _daqmx_places(segment, objects, order)
        return
    sizes = [one.data_type.size for one in objects]
    is_interleaved = segment.toc_mask & INTERLEAVED and None not in sizes
    at = segment.data_position
    for one, size in zip(objects, sizes, strict=True):
        kind = one.data_type.nptype
        if kind is not None and size and np.dtype(kind).kind in NUMBERS:
            stride = sum(sizes) if is_interleaved else size
            stored = np.dtype(np.uint8) if kind == np.bool_ else np.dtype(kind).newbyteorder(order)
            yield _Place(one.path, at, int(one.number_values), stride, stored)
        at += size if is_interleaved else int(one.data_size)


def _daqmx_places(segment: Any, objects: list[Any], order: str) -> Iterator[_Place]:
    """Places in the buffers of the boards, one behind the other in a chunk; a line is a bit of its byte."""
    from nptdms.daqmx import get_buffer_dimensions

    buffers = [(int(count), int(width)) for count, width in get_buffer_dimensions(objects)]
    begins = np.cumsum([0, *(count * width for count, width in buffers)]).tolist()
    for one in objects:
        for scaler in one.daqmx_metadata.scalers:
            number = scaler.raw_buffer_index
            bits = getattr(scaler, "raw_bit_offset", None)
            yield _Place(
                path=one.path,
                at=segment.data_position + begins[number] + scaler.byte_offset(),
                per_chunk=int(one.number_values),
                stride=buffers[number][1],
                dtype=np.dtype(scaler.data_type.nptype).newbyteorder(order),
                scaler=scaler.scale_id,
                bit=None if bits is None else bits % 8,
            )
