"""Recorded channels as arrays of NumPy (``.npy``, ``.npz``), as a person says what each is."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.records import Recording
from bergmann.registry import Format, Inputs, Source
from bergmann.signals._arrays import GivenArrays, Stored, read_arrays
from bergmann.signals._given import the_file

LOCAL_HEADER = 30
"""Bytes before the name of a file in a ZIP (PKWARE APPNOTE 6.3.10, section 4.3.7), the last four the lengths of what follows."""


class SignalNumpySource(GivenArrays):
    """Arrays of recorded channels.

    Attributes
    ----------
    path : Path
        ``.npz`` or ``.npy``.
    columns : mapping of str to str
        Of ``.npz``: the array of each channel, and of ``time``; ``NAME:3`` for the third channel of one that has several. Of
        ``.npy``: the number of each channel, from 1, or its name in a table of named fields.
    """

    format: Literal["signal_numpy"] = "signal_numpy"


@dataclass(frozen=True, eq=False)
class OnDisk:
    """An array that is read where it lies in the file.

    Attributes
    ----------
    path : Path
    first_byte : int
    shape : tuple of int
    dtype : np.dtype
    order : {"C", "F"}
        Which index runs slowest.
    """

    path: Path
    first_byte: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: Literal["C", "F"]

    def read(self, selection: tuple[slice | int, ...]) -> NDArray[Any]:
        mapped = np.memmap(self.path, dtype=self.dtype, mode="r", offset=self.first_byte, shape=self.shape, order=self.order)
        return np.array(mapped[selection])


@dataclass(frozen=True, eq=False)
class InMemory:
    """An array that was compressed, and is held whole."""

    array: NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

    def read(self, selection: tuple[slice | int, ...]) -> NDArray[Any]:
        return np.array(self.array[selection])


def find(folder: Path) -> Iterator[Source]:  # noqa: ARG001
    """Nothing: what the arrays of a file are, and their units, only a person knows."""
    return iter(())


def read(source: SignalNumpySource, inputs: Inputs) -> Recording:  # noqa: ARG001
    """Read the headers of the arrays, and their times; samples stay in the file, but for those of a compressed ``.npz``.

    Raises
    ------
    SourceError
        If the file is missing, empty, truncated or none of NumPy's, or an array is not as is stated.
    """
    path = the_file(source.path)
    with path.open("rb") as file:
        signature = file.read(6)
    if signature == b"\x93NUMPY":
        return read_arrays(source, path, {"": _array(path, 0, path.stat().st_size)})
    if signature.startswith(b"PK"):
        return read_arrays(source, path, _members(source, path))
    raise SourceError(f"{path.name}: it begins with {signature!r}, not as a file of NumPy; expected .npy or .npz")


def _array(path: Path, first_byte: int, end: int) -> OnDisk:
    """The header of an array, by NumPy's own reader of it."""
    with path.open("rb") as file:
        file.seek(first_byte)
        try:
            version = np.lib.format.read_magic(file)
            reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, is_fortran, dtype = reader(file)
        except (ValueError, EOFError, SyntaxError) as error:
            raise SourceError(f"{path.name}: its header cannot be read ({error}); is the file truncated?") from error
        begins = file.tell()
    if dtype.hasobject:
        raise SourceError(f"{path.name}: it holds Python objects, which are not read; save numbers")
    needed = begins + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if end < needed:
        raise SourceError(f"{path.name}: {end} bytes, and its header promises {needed}; the file is truncated, copy it again")
    return OnDisk(path, begins, shape, dtype, "F" if is_fortran else "C")


def _members(source: SignalNumpySource, path: Path) -> dict[str, Stored]:
    wanted = tuple(source.columns.values())
    try:
        with ZipFile(path) as archive:
            there = {one.filename.removesuffix(".npy"): one for one in archive.infolist() if one.filename.endswith(".npy")}
            return {
                name: _member(path, archive, one, is_wanted=any(text == name or text.startswith(f"{name}:") for text in wanted))
                for name, one in there.items()
            }
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise SourceError(f"{path.name}: not a readable .npz ({error}); is it truncated or of another format?") from error


def _member(path: Path, archive: ZipFile, one: ZipInfo, *, is_wanted: bool) -> Stored:
    if not is_wanted:
        return InMemory(np.empty(0))
    if one.compress_type == ZIP_STORED:
        with path.open("rb") as file:
            file.seek(one.header_offset + LOCAL_HEADER - 4)
            lengths = np.frombuffer(file.read(4), dtype="<u2")
        first_byte = one.header_offset + LOCAL_HEADER + int(lengths.sum())
        return _array(path, first_byte, first_byte + one.file_size)
    with archive.open(one) as file:
        try:
            return InMemory(np.lib.format.read_array(file, allow_pickle=False))
        except ValueError as error:
            raise SourceError(f"{path.name}: array {one.filename} cannot be read ({error})") from error


FORMAT = Format(source=SignalNumpySource, record=Recording, label="recorded channels (NPZ, NPY)", find=find, read=read)
