"""What the files of Intan's recording systems hold: headers of .rhd and .rhs files, and where samples are.

The layout is that of Intan's *RHD2000* and *RHS2000 Application Note: Data File Formats* and of their published readers
(``read_Intan_RHD2000_file``, ``read_Intan_RHS2000_file``): a header; then, in the same file, blocks of 60 (RHD before 2.0) or 128
samples in which each signal stands behind the other; or, beside a file that is the header alone, one file a type of signal, or one
a channel.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.arrays import LazyArray
from bergmann.errors import SourceError

RHD, RHS = 0xC6912702, 0xD69127AC
AMPLIFIER, AUXILIARY, SUPPLY, ANALOG_IN, ANALOG_OUT, DIGITAL_IN, DIGITAL_OUT, STIMULATION, DC, TEMPERATURE = (
    "amplifier",
    "auxiliary",
    "supply",
    "analogin",
    "analogout",
    "digitalin",
    "digitalout",
    "stim",
    "dcamplifier",
    "temperature",
)
"""Kinds of signal; each is the name of its file (``amplifier.dat``), too, but the last."""

KINDS = {
    RHD: {0: AMPLIFIER, 1: AUXILIARY, 2: SUPPLY, 3: ANALOG_IN, 4: DIGITAL_IN, 5: DIGITAL_OUT},
    RHS: {0: AMPLIFIER, 3: ANALOG_IN, 4: ANALOG_OUT, 5: DIGITAL_IN, 6: DIGITAL_OUT},
}
PREFIXES = {
    AMPLIFIER: "amp-",
    AUXILIARY: "aux-",
    SUPPLY: "vdd-",
    ANALOG_IN: "board-",
    ANALOG_OUT: "board-",
    DIGITAL_IN: "board-",
    DIGITAL_OUT: "board-",
    STIMULATION: "stim-",
}
"""What the file of a channel begins with, where each has one."""

WORDS = {DIGITAL_IN, DIGITAL_OUT}
"""Kinds of which all channels of a sample are bits of one word."""


@dataclass(frozen=True)
class IntanChannel:
    """One channel of a header.

    Attributes
    ----------
    kind : str
    native, custom : str
        Name of the input, and the one that was given to it.
    order : int
        Number of the input; of a digital one, its bit.
    """

    kind: str
    native: str
    custom: str
    order: int


@dataclass(frozen=True)
class Header:
    """What the header of a file says.

    Attributes
    ----------
    path : Path
    magic : int
        `RHD` or `RHS`.
    version : tuple of int
    rate : float
        Samples per second of the amplifiers.
    board_mode : int
        How analog inputs are scaled.
    n_temperatures : int
    has_dc : bool
    stim_step : float
        Amperes per step of stimulation.
    notes : tuple of str
    channels : tuple of IntanChannel
        Those that were recorded, in the order of the file.
    n_bytes : int
        Of the header.
    """

    path: Path
    magic: int
    version: tuple[int, int]
    rate: float
    board_mode: int
    n_temperatures: int
    has_dc: bool
    stim_step: float
    notes: tuple[str, ...]
    channels: tuple[IntanChannel, ...]
    n_bytes: int

    def of(self, kind: str) -> list[IntanChannel]:
        """The channels of a kind."""
        return [one for one in self.channels if one.kind == kind]

    @property
    def layout(self) -> tuple[str, float, tuple[IntanChannel, ...]]:
        """What must be the same in all files of a recording."""
        return f"{self.magic} {self.version} {self.board_mode}", self.rate, self.channels

    @property
    def per_block(self) -> int:
        """Samples of a block."""
        return 60 if self.magic == RHD and self.version[0] < 2 else 128

    @property
    def block(self) -> np.dtype[Any]:
        """A block, where samples are behind the header; fields are kinds of signal, with a row a channel."""
        count = self.per_block
        n_amplifiers = len(self.of(AMPLIFIER))
        time = "<i4" if self.magic == RHS or self.version >= (1, 2) else "<u4"
        if self.magic == RHD:
            fields = [
                (AMPLIFIER, n_amplifiers, count),
                (AUXILIARY, len(self.of(AUXILIARY)), count // 4),
                (SUPPLY, len(self.of(SUPPLY)), 1),
                (TEMPERATURE, self.n_temperatures, 1),
                (ANALOG_IN, len(self.of(ANALOG_IN)), count),
            ]
        else:
            fields = [
                (AMPLIFIER, n_amplifiers, count),
                (DC, n_amplifiers * self.has_dc, count),
                (STIMULATION, n_amplifiers, count),
                (ANALOG_IN, len(self.of(ANALOG_IN)), count),
                (ANALOG_OUT, len(self.of(ANALOG_OUT)), count),
            ]
        fields += [(kind, 1, count) for kind in (DIGITAL_IN, DIGITAL_OUT) if self.of(kind)]
        of_kinds = [(kind, "<i2" if kind == TEMPERATURE else "<u2", (rows, wide)) for kind, rows, wide in fields if rows]
        return np.dtype([("time", time, (1, count)), *of_kinds])


@dataclass(frozen=True, eq=False)
class Row:
    """One row of a field of the blocks of several files, shape (n_samples,), as stored.

    Attributes
    ----------
    files : tuple of (Path, int, int)
        Each with the byte at which its blocks begin, and how many there are.
    block : np.dtype
    field : str
    row : int
    """

    files: tuple[tuple[Path, int, int], ...]
    block: np.dtype[Any]
    field: str
    row: int

    @property
    def _per_block(self) -> int:
        return int(self.block[self.field].shape[1])

    @property
    def shape(self) -> tuple[int, ...]:
        return (sum(n_blocks for _, _, n_blocks in self.files) * self._per_block,)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.block[self.field].base

    def __getitem__(self, part: slice, /) -> NDArray[Any]:
        start, stop, _ = part.indices(self.shape[0])
        if stop <= start:
            return np.empty(0, self.dtype)
        per_block, before = self._per_block, 0
        low, high = start // per_block, -(-stop // per_block)
        parts: list[NDArray[Any]] = []
        for path, first_byte, n_blocks in self.files:
            first, last = max(low - before, 0), min(high - before, n_blocks)
            if first < last:
                parts.append(self._blocks(path, first_byte, n_blocks, slice(first, last)))
            before += n_blocks
        return np.concatenate(parts)[start - low * per_block : stop - low * per_block]

    def _blocks(self, path: Path, first_byte: int, n_blocks: int, some: slice) -> NDArray[Any]:
        if path.stat().st_size < first_byte + n_blocks * self.block.itemsize:
            raise SourceError(f"{path.name}: it ends before its samples do; the file was cut, copy it again")
        whole = np.memmap(path, self.block, mode="r", offset=first_byte, shape=(n_blocks,))
        return np.array(whole[self.field][some, self.row]).reshape(-1)


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a file of rows, shape (n_samples,), as stored.

    Attributes
    ----------
    path : Path
    dtype : np.dtype
    n_samples, n_columns, column : int
    """

    path: Path
    dtype: np.dtype[Any]
    n_samples: int
    n_columns: int
    column: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n_samples,)

    def __getitem__(self, block: slice, /) -> NDArray[Any]:
        start, stop, _ = block.indices(self.n_samples)
        if stop <= start:
            return np.empty(0, self.dtype)
        if self.path.stat().st_size < stop * self.n_columns * self.dtype.itemsize:
            raise SourceError(f"{self.path.name}: it ends before sample {stop}; the file was cut, copy it again")
        whole = np.memmap(self.path, self.dtype, mode="r", shape=(self.n_samples, self.n_columns))
        return np.array(whole[start:stop, self.column])


@dataclass(frozen=True, eq=False)
class Bit:
    """One bit of stored words: 0 or 1, uint8, shape (n_samples,)."""

    words: LazyArray
    bit: int

    @property
    def shape(self) -> tuple[int, ...]:
        return self.words.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8)

    def __getitem__(self, block: slice, /) -> NDArray[np.uint8]:
        bits: NDArray[np.uint8] = (self.words[block] >> np.uint16(self.bit) & np.uint16(1)).astype(np.uint8)
        return bits


@dataclass(frozen=True, eq=False)
class Steps:
    """Steps of stimulation, int16, shape (n_samples,): the lower eight bits of stored words, negative where the ninth is set."""

    words: LazyArray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.words.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int16)

    def __getitem__(self, block: slice, /) -> NDArray[np.int16]:
        words = self.words[block].astype(np.int16)
        steps: NDArray[np.int16] = np.where(words & 0x100, -(words & 0xFF), words & 0xFF).astype(np.int16)
        return steps


# --- headers ----------------------------------------------------------------------------------------------------------


class _Cursor:
    """Reads the header of a file from its beginning on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path.open("rb")

    def take(self, form: str) -> Any:
        """Values of a form of `struct`; one alone if it is one."""
        values = struct.unpack(f"<{form}", self._bytes(struct.calcsize(f"<{form}")))
        return values if len(values) > 1 else values[0]

    def text(self) -> str:
        """A text: how many bytes, and UTF-16."""
        length = self.take("I")
        if length == 0xFFFFFFFF:
            return ""
        if length > MOST_TEXT:
            raise SourceError(f"{self.path.name}: its header has a text of {length} bytes; is the file damaged?")
        return self._bytes(length).decode("utf-16-le", errors="replace")

    def _bytes(self, count: int) -> bytes:
        content = self.file.read(count)
        if len(content) < count:
            raise SourceError(f"{self.path.name}: it ends within its header; the file was cut, copy it again")
        return content


MOST_TEXT = 1 << 16
"""Bytes of the longest text that a header may hold."""


def magic_of(path: Path) -> int | None:
    """What kind of file it is by its first four bytes; None for another."""
    with path.open("rb") as file:
        magic = int.from_bytes(file.read(4), "little")
    return magic if magic in KINDS else None


def read_header(path: Path) -> Header:
    """Read the header of a file.

    Raises
    ------
    SourceError
        If it is no file of Intan's, damaged or cut.
    """
    magic = magic_of(path)
    if magic is None:
        raise SourceError(
            f"{path.name}: it does not begin as a file of Intan does; expected an .rhd or .rhs file. Is it another file?"
        )
    cursor = _Cursor(path)
    with cursor.file:
        cursor.take("I")
        version = cursor.take("hh")
        rate = cursor.take("f")
        n_temperatures = board_mode = has_dc = 0
        stim_step = 0.0
        if magic == RHD:
            cursor.take("hffffffhff")
            notes = [cursor.text() for _ in range(3)]
            n_temperatures = cursor.take("h") if version >= (1, 1) else 0
            board_mode = cursor.take("h") if version >= (1, 3) else 0
            reference = cursor.text() if version >= (2, 0) else ""
        else:
            cursor.take("hffffffffhffhh")
            stim_step = cursor.take("fff")[0]
            notes = [cursor.text() for _ in range(3)]
            has_dc, board_mode = cursor.take("hh")
            reference = cursor.text()
        channels = tuple(_channels(cursor, KINDS[magic]))
        n_bytes = cursor.file.tell()
    if not 0 < rate < 1e6 or n_temperatures < 0:
        raise SourceError(f"{path.name}: its header says {rate:g} samples per second; is the file damaged?")
    notes = [text.strip() for text in notes if text.strip()] + ([f"reference {reference}"] if reference else [])
    return Header(
        path=path,
        magic=magic,
        version=version,
        rate=float(rate),
        board_mode=board_mode,
        n_temperatures=n_temperatures,
        has_dc=bool(has_dc),
        stim_step=float(stim_step),
        notes=tuple(notes),
        channels=channels,
        n_bytes=n_bytes,
    )


def _channels(cursor: _Cursor, kinds: dict[int, str]) -> list[IntanChannel]:
    """The channels that were recorded, by groups as in the header."""
    found = []
    is_stim = kinds is KINDS[RHS]
    for _ in range(cursor.take("h")):
        cursor.text()
        cursor.text()
        is_enabled, n_channels, _ = cursor.take("hhh")
        for _ in range(n_channels if is_enabled else 0):
            native, custom = cursor.text(), cursor.text()
            order, _, kind, is_on = cursor.take("hhhh")
            cursor.take("hhhhhhhff" if is_stim else "hhhhhhff")
            if kind not in kinds:
                raise SourceError(
                    f"{cursor.path.name}: channel {native} is of kind {kind}, which is none of Intan; is the file damaged?"
                )
            if is_on:
                found.append(IntanChannel(kinds[kind], native.strip(), custom.strip(), order))
    return found


# --- samples ----------------------------------------------------------------------------------------------------------


def rows_of(headers: Sequence[Header]) -> tuple[tuple[Path, int, int], ...]:
    """The blocks behind the headers of the files of one recording, as `Row` takes them.

    Raises
    ------
    SourceError
        If the last block of a file is not whole, or there is none.
    """
    found = []
    for header in headers:
        n_bytes, a_block = header.path.stat().st_size - header.n_bytes, header.block.itemsize
        if n_bytes % a_block:
            raise SourceError(
                f"{header.path.name}: {n_bytes} bytes of samples, and a block of {header.per_block} samples has {a_block}; the "
                "last is not whole, the file was cut, copy it again"
            )
        found.append((header.path, header.n_bytes, n_bytes // a_block))
    if not any(n_blocks for _, _, n_blocks in found):
        raise SourceError(f"{headers[0].path.name}: no samples behind its header; was the recording stopped at once?")
    return tuple(found)


def column_of(path: Path, dtype: str, n_columns: int, column: int) -> Column:
    """A column of a file of samples.

    Raises
    ------
    SourceError
        If the file is missing, or its last row is not whole.
    """
    if not path.is_file():
        raise SourceError(f"{path.name}: this file of the recording is not there; was the folder copied whole?")
    size, a_row = path.stat().st_size, np.dtype(dtype).itemsize * n_columns
    if size % a_row:
        raise SourceError(
            f"{path.name}: {size} bytes, and a sample of {n_columns} channels has {a_row}; the file was cut, copy it again"
        )
    return Column(path, np.dtype(dtype), size // a_row, n_columns, column)
