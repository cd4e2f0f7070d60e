"""What a block of a TDT tank holds, from its index (.tsq).

The layout is that of TDT's published reader (the Python package ``tdt``, ``TDTbin2py.py``) and their description of tank files: a
record of 40 bytes for each piece of a stream, each epoc, scalar and snippet, with its time in seconds since 1970 in UTC; samples
are in the .tev file, at the byte that the record states. A mark of the start comes first and one of the end last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError

RECORD = np.dtype(
    [
        ("size", "<i4"),
        ("type", "<u4"),
        ("name", "V4"),
        ("channel", "<u2"),
        ("sort", "<u2"),
        ("seconds", "<f8"),
        ("place", "<i8"),
        ("format", "<i4"),
        ("rate", "<f4"),
    ]
)
"""`size` is in words of four bytes, with the ten of the record; `place` is a byte of the .tev file, or a value as a double."""

HEADER_WORDS = 10
EPOC_ON, EPOC_OFF, SCALAR, STREAM, SNIPPET, MARK = 0x101, 0x102, 0x201, 0x8101, 0x8201, 0x8801
OWN_FILES = 0x10
"""Bit of the type of a stream whose samples are in .sev files."""

KIND = 0xFF0F
START, STOP = b"\x01\0\0\0", b"\x02\0\0\0"
FORMATS = {0: "<f4", 1: "<i4", 2: "<i2", 3: "<i1", 4: "<f8", 5: "<i8"}
CLOCK = 25e6
"""Ticks per second from which all rates of TDT's processors are divided: 24414.0625 Hz is a 1024th."""

BLOCK = 1 << 18
"""Records that are read at once."""

LATEST = 1e11
"""Seconds since 1970 that no record states."""


@dataclass(frozen=True, eq=False)
class Store:
    """The records of one channel of one store.

    Attributes
    ----------
    name : str
    channel : int
    kind : int
    in_own_files : bool
        Whether its samples are in .sev files.
    buddy : str
        Of the ends of epocs: the store of their beginnings.
    format : int
    rate : float
        Samples per second, as the record says it.
    seconds : np.ndarray, shape (n,), float64
        Since 1970, in UTC.
    places : np.ndarray, shape (n,), int64
    sizes : np.ndarray, shape (n,), int64
        Bytes of samples that belong to each record.
    sorts : np.ndarray, shape (n,), int64
        Sort codes of snippets.
    """

    name: str
    channel: int
    kind: int
    in_own_files: bool
    buddy: str
    format: int
    rate: float
    seconds: NDArray[np.float64]
    places: NDArray[np.int64]
    sizes: NDArray[np.int64]
    sorts: NDArray[np.int64]

    @property
    def values(self) -> NDArray[np.float64]:
        """What stands with each epoc or scalar."""
        return self.places.view(np.float64)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the samples."""
        return np.dtype(FORMATS[self.format])

    @property
    def exact_rate(self) -> float:
        """The rate that the clock of the processors allows, which the record states in single precision."""
        nearest = CLOCK / round(CLOCK / self.rate)
        return nearest if np.float32(nearest) == np.float32(self.rate) else self.rate


@dataclass(frozen=True, eq=False)
class TdtBlock:
    """What the index of a block says.

    Attributes
    ----------
    tsq : Path
    start, last : float
        When it began, and the time of its last record, in seconds since 1970 in UTC.
    is_whole : bool
        Whether the mark of its end is there.
    stores : tuple of Store
    """

    tsq: Path
    start: float
    last: float
    is_whole: bool
    stores: tuple[Store, ...]


@dataclass(frozen=True, eq=False)
class Pieces:
    """Samples of a stream as they are stored, shape (n_samples,).

    Attributes
    ----------
    path : Path
        The .tev file.
    places : np.ndarray, shape (n_pieces,), int64
        Byte at which each begins.
    counts : np.ndarray, shape (n_pieces,), int64
        Samples of each.
    dtype : np.dtype
    """

    path: Path
    places: NDArray[np.int64]
    counts: NDArray[np.int64]
    dtype: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        return (int(self.counts.sum()),)

    def __getitem__(self, block: slice, /) -> NDArray[Any]:
        start, stop, _ = block.indices(self.shape[0])
        parts: list[NDArray[Any]] = [np.empty(0, self.dtype)]
        ends = np.cumsum(self.counts)
        if start < stop:
            low, high = (int(np.searchsorted(ends, at, side="right")) for at in (start, stop - 1))
            with self.path.open("rb") as file:
                for index in range(low, high + 1):
                    first = int(ends[index] - self.counts[index])
                    skipped = max(start - first, 0)
                    count = min(stop - first, int(self.counts[index])) - skipped
                    file.seek(int(self.places[index]) + skipped * self.dtype.itemsize)
                    content = file.read(count * self.dtype.itemsize)
                    if len(content) != count * self.dtype.itemsize:
                        raise SourceError(f"{self.path.name}: it ends before its samples do; the file was cut, copy it again")
                    parts.append(np.frombuffer(content, self.dtype))
        return np.concatenate(parts)


def is_index(path: Path) -> bool:
    """Whether a file begins as an index does: an empty record, then the mark of the start."""
    with path.open("rb") as file:
        first = file.read(2 * RECORD.itemsize)
    if len(first) < 2 * RECORD.itemsize:
        return False
    records = np.frombuffer(first, RECORD)
    return not records["type"][0] and records["type"][1] == MARK and records["name"][1].tobytes() == START


def read_block(tsq: Path) -> TdtBlock:
    """Read the index of a block.

    Raises
    ------
    SourceError
        If it is no index, or ends within a record.
    """
    size = tsq.stat().st_size
    if not is_index(tsq):
        raise SourceError(f"{tsq.name}: it does not begin as the index of a TDT block does; expected the .tsq of the block")
    if size % RECORD.itemsize:
        raise SourceError(
            f"{tsq.name}: {size} bytes, which is no whole number of records of {RECORD.itemsize}; the index was cut, copy it again"
        )
    n_records = size // RECORD.itemsize
    found: dict[bytes, list[NDArray[Any]]] = {}
    start = last = 0.0
    is_whole = False
    for first in range(1, n_records, BLOCK):
        records = np.fromfile(tsq, RECORD, count=min(BLOCK, n_records - first), offset=first * RECORD.itemsize)
        odd = np.flatnonzero(~((records["seconds"] >= 0) & (records["seconds"] < LATEST)))
        if len(odd):
            number, seconds = first + int(odd[0]) + 1, records["seconds"][odd[0]]
            raise SourceError(f"{tsq.name}: record {number} is at {seconds:g} s since 1970; is the index damaged?")
        start = float(records["seconds"][0]) if first == 1 else start
        is_whole = records["name"][-1].tobytes() == STOP and records["type"][-1] == MARK
        last = max(last, float(records["seconds"].max()))
        for key, some in _by_store(records):
            found.setdefault(key, []).append(some)
    stores = tuple(_store(tsq, np.concatenate(parts)) for parts in found.values())
    return TdtBlock(tsq, start, last, is_whole, stores)


def _by_store(records: NDArray[Any]) -> Iterator[tuple[bytes, NDArray[Any]]]:
    """The records of each store and channel, without the marks of start and end, in the order of the index."""
    is_epoc = np.isin(records["type"] & KIND, (EPOC_ON, EPOC_OFF, MARK))  # where a name stands in place of the channel
    channels = np.where(is_epoc, 0, records["channel"]).astype("<u4")
    keys = np.column_stack([records["name"].view("<u4"), records["type"], channels])
    unique, first, which = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    for index in np.argsort(first):
        some = records[which.reshape(-1) == index]
        if not (some["type"][0] == MARK and some["name"][0].tobytes() in {START, STOP}):
            yield unique[index].tobytes(), some


def _store(tsq: Path, records: NDArray[Any]) -> Store:
    one = records[0]
    name, kind = _text(one["name"].tobytes()), int(one["type"]) & KIND
    sizes = (records["size"].astype(np.int64) - HEADER_WORDS) * 4
    where = f"{tsq.name}: {name}"
    if kind in {STREAM, SNIPPET}:
        if len({*records["format"].tolist()}) > 1 or int(one["format"]) not in FORMATS:
            raise SourceError(f"{where}: samples of the formats {sorted({*records['format'].tolist()})}; is the index damaged?")
        if len({*records["rate"].tolist()}) > 1 or not 0 < one["rate"] < CLOCK:
            raise SourceError(f"{where}: samples at {sorted({*records['rate'].tolist()})} Hz; is the index damaged?")
        if sizes.min() < 0:
            raise SourceError(f"{where}: a piece of {sizes.min()} bytes; is the index damaged?")
    return Store(
        name=name,
        channel=0 if kind in {EPOC_ON, EPOC_OFF, MARK} else int(one["channel"]),
        kind=kind,
        in_own_files=bool(one["type"] & OWN_FILES),
        buddy=_text(_buddy(one)) if kind == EPOC_OFF else "",
        format=int(one["format"]),
        rate=float(one["rate"]),
        seconds=records["seconds"].astype(np.float64),
        places=records["place"].astype(np.int64),
        sizes=sizes,
        sorts=records["sort"].astype(np.int64),
    )


def _buddy(record: Any) -> bytes:
    """The four bytes at which other records have channel and sort code."""
    return int(record["channel"]).to_bytes(2, "little") + int(record["sort"]).to_bytes(2, "little")


def _text(name: bytes) -> str:
    return name.rstrip(b"\0 ").decode("latin-1")
