"""Structures of MATLAB, read from either form of its files: HDF5 (version 7.3), or the older one (version 5 to 7).

The HDF5 form (MATLAB, ``save``, "-v7.3") keeps a structure as a group and a cell array as references, says the class in the
attribute ``MATLAB_class``, and writes axes in reverse order; what is empty holds its shape and has the attribute ``MATLAB_empty``.
The older form is read by SciPy, an extra; its structures and their fields can be listed without (MAT-File Format, "Level 5").
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import MissingExtraError, SourceError

_NOT_WHOLE = (OSError, KeyError, RuntimeError, ValueError, TypeError, IndexError, AttributeError)
"""What h5py and SciPy raise for what is damaged or of another kind."""


class Cell(Protocol):
    """A cell array of numbers, in the order in which MATLAB counts."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """The numbers of each cell in turn, flat; none for an empty cell."""
        ...

    def are_empty(self) -> NDArray[np.bool_]:
        """Which cells are empty, shape (n_cells,); no number is read where the file says it."""
        ...


class Struct(Protocol):
    """A structure: named arrays, cell arrays and structures."""

    def names(self) -> tuple[str, ...]:
        """Names of its fields."""
        ...

    def array(self, name: str) -> NDArray[Any] | None:
        """Numbers in MATLAB's shape; None if the field is absent, empty, or holds something else."""
        ...

    def struct(self, name: str) -> Struct | None:
        """A structure in it; None if there is none of that name."""
        ...

    def cell(self, name: str) -> Cell | None:
        """A cell array in it; None if there is none of that name, or it has no cell."""
        ...

    def text(self, name: str) -> str | None:
        """A text; None if there is none of that name."""
        ...


# --- version 7.3 ------------------------------------------------------------------------------------------------------


def _class_of(found: Any) -> str:
    said = found.attrs.get("MATLAB_class", b"")
    return said.decode("ascii", errors="replace") if isinstance(said, bytes) else str(said)


@dataclass(frozen=True, eq=False)
class _H5Cell:
    path: Path
    name: str
    count: int

    def __len__(self) -> int:
        return self.count

    def _cells(self) -> Iterator[Any]:
        import h5py

        with h5py.File(self.path, "r") as file:
            for reference in file[self.name][()].ravel():  # reversed axes in C order are MATLAB's order
                yield file[reference]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for one in self._cells():
            yield np.empty(0) if one.attrs.get("MATLAB_empty", 0) else one[()].ravel()

    def are_empty(self) -> NDArray[np.bool_]:
        return np.array([bool(one.attrs.get("MATLAB_empty", 0)) or one.size == 0 for one in self._cells()], dtype=bool)


@dataclass(frozen=True, eq=False)
class _H5Struct:
    path: Path
    group: Any

    def names(self) -> tuple[str, ...]:
        return tuple(self.group)

    def _found(self, name: str) -> Any:
        import h5py

        found = self.group.get(name)
        if found is None or (isinstance(found, h5py.Dataset) and (found.attrs.get("MATLAB_empty", 0) or not found.size)):
            return None
        return found

    def array(self, name: str) -> NDArray[Any] | None:
        found = self._found(name)
        if found is None or not hasattr(found, "dtype") or found.dtype.kind not in "biuf" or _class_of(found) == "char":
            return None
        return np.asarray(found[()]).T

    def struct(self, name: str) -> _H5Struct | None:
        found = self._found(name)
        return None if found is None or hasattr(found, "dtype") else _H5Struct(self.path, found)

    def cell(self, name: str) -> _H5Cell | None:
        found = self._found(name)
        if found is None or getattr(getattr(found, "dtype", None), "kind", "") != "O" or _class_of(found) != "cell":
            return None
        return _H5Cell(self.path, str(found.name), int(found.size))

    def text(self, name: str) -> str | None:
        found = self._found(name)
        if found is None or not hasattr(found, "dtype") or _class_of(found) != "char":
            return None
        return "".join(map(chr, found[()].ravel().tolist()))


# --- version 5 to 7 ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _OldCell:
    cells: tuple[NDArray[Any], ...]

    def __len__(self) -> int:
        return len(self.cells)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        yield from self.cells

    def are_empty(self) -> NDArray[np.bool_]:
        return np.array([not one.size for one in self.cells], dtype=bool)


@dataclass(frozen=True, eq=False)
class _OldStruct:
    value: Any  # one element of a structured array of SciPy

    def names(self) -> tuple[str, ...]:
        return tuple(self.value.dtype.names or ())

    def _found(self, name: str) -> NDArray[Any] | None:
        found = self.value[name] if name in self.names() else None
        return found if isinstance(found, np.ndarray) and found.size else None

    def array(self, name: str) -> NDArray[Any] | None:
        found = self._found(name)
        return None if found is None or found.dtype.kind not in "biuf" else found

    def struct(self, name: str) -> _OldStruct | None:
        found = self._found(name)
        return None if found is None or found.dtype.names is None or found.size != 1 else _OldStruct(found.ravel()[0])

    def cell(self, name: str) -> _OldCell | None:
        found = self._found(name)
        if found is None or found.dtype.kind != "O" or found.dtype.names is not None:
            return None
        return _OldCell(tuple(np.ravel(one, order="F") for one in found.ravel(order="F")))

    def text(self, name: str) -> str | None:
        found = self._found(name)
        return str(found.ravel()[0]) if found is not None and found.dtype.kind == "U" else None


# --- both -------------------------------------------------------------------------------------------------------------


def _is_hdf5(path: Path) -> bool:
    import h5py

    return bool(h5py.is_hdf5(path))


def fields_of(path: Path, variable: str) -> frozenset[str]:
    """Names of the fields of a single structure of a MATLAB file; none for whatever else a file is. Never raises, reads no value.

    Parameters
    ----------
    path : Path
    variable : str
        Name of the structure.
    """
    try:
        if not path.is_file():
            return frozenset()
        if _is_hdf5(path):
            import h5py

            with h5py.File(path, "r") as file:
                found = file.get(variable)
                is_struct = isinstance(found, h5py.Group) and _class_of(found) == "struct"
                return frozenset(found) if is_struct else frozenset()
        return _fields_of_old(path, variable)
    except (*_NOT_WHOLE, struct.error, zlib.error):
        return frozenset()


@contextmanager
def open_struct(path: Path, variable: str) -> Iterator[Struct]:
    """Open a structure of a MATLAB file; its cell arrays can be read after it is closed, too.

    Raises
    ------
    SourceError
        If the file is none of MATLAB's, or damaged, or does not have the structure.
    MissingExtraError
        For a file of version 5 to 7, if SciPy is not installed.
    """
    if path.is_dir():
        raise SourceError(f"{path.name}: a folder; name the file in it")
    try:
        if _is_hdf5(path):
            import h5py

            with h5py.File(path, "r") as file:
                found = file.get(variable)
                if not isinstance(found, h5py.Group):
                    raise _no_struct(path, variable, tuple(file))
                yield _H5Struct(path, found)
        else:
            yield _old_struct(path, variable)
    except (*_NOT_WHOLE, struct.error, zlib.error) as error:
        raise SourceError(f"{path.name}: not a MATLAB file that can be read, or damaged; is it whole? Copy it again") from error


def _no_struct(path: Path, variable: str, there: tuple[str, ...]) -> SourceError:
    listed = ", ".join(name for name in there if not name.startswith("#")) or "nothing"
    return SourceError(f"{path.name}: no structure `{variable}`; it has: {listed}")


def _old_struct(path: Path, variable: str) -> _OldStruct:
    with path.open("rb") as file:
        if not file.read(128).startswith(b"MATLAB 5.0"):
            raise SourceError(f"{path.name}: not a MATLAB file; expected the .mat file that was saved with the results")
    try:
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError
    except ImportError as error:
        raise MissingExtraError(extra="matlab", needed_for=f"{path.name}: a MATLAB file saved without -v7.3") from error
    try:
        found = loadmat(str(path), variable_names=[variable], chars_as_strings=True)
    except (MatReadError, NotImplementedError, MemoryError, EOFError) as error:
        raise SourceError(f"{path.name}: not a MATLAB file that can be read, or damaged ({error}); is it whole?") from error
    value = found.get(variable)
    if not isinstance(value, np.ndarray) or value.dtype.names is None or value.size != 1:
        raise _no_struct(path, variable, tuple(name for name in found if not name.startswith("__")))
    return _OldStruct(value.ravel()[0])


_COMPRESSED, _MATRIX, _STRUCT = 15, 14, 2
_ENOUGH = 1 << 16
"""Bytes in which the names of a structure's fields stand."""


def _fields_of_old(path: Path, variable: str) -> frozenset[str]:
    """The names, from the beginning of each variable (MAT-File Format, "Level 5 MAT-File Data Element Format")."""
    with path.open("rb") as file:
        head = file.read(128)
        if not head.startswith(b"MATLAB 5.0"):
            return frozenset()
        order = "<" if head[126:128] == b"IM" else ">"
        while len(tag := file.read(8)) == 8:
            kind, size = struct.unpack(f"{order}II", tag)
            begins = file.tell()
            data = file.read(min(size, _ENOUGH))
            if kind == _COMPRESSED:
                data = zlib.decompressobj().decompress(data, _ENOUGH)
                kind, data = struct.unpack(f"{order}I", data[:4])[0], data[8:]
            if kind == _MATRIX and (names := _names_of(data, order, variable)) is not None:
                return names
            file.seek(begins + size)
    return frozenset()


def _names_of(data: bytes, order: str, variable: str) -> frozenset[str] | None:
    """Field names of a matrix of that name: none unless it is one structure; None if it has another name."""
    parts, at = [], 0
    for _ in range(3):  # flags, shape, name
        part, at = _element(data, at, order)
        parts.append(part)
    flags, shape, name = parts
    if name.decode("ascii", errors="replace") != variable:
        return None
    if flags[0 if order == "<" else 3] != _STRUCT or set(struct.unpack(f"{order}{len(shape) // 4}i", shape)) != {1}:
        return frozenset()
    length, at = _element(data, at, order)
    names, at = _element(data, at, order)
    width = struct.unpack(f"{order}i", length)[0]
    cut = (names[start : start + width].split(b"\0")[0] for start in range(0, len(names), width))
    return frozenset(one.decode("ascii", errors="replace") for one in cut)


def _element(data: bytes, at: int, order: str) -> tuple[bytes, int]:
    """The bytes of a data element, and where the next one begins; a small element has its size and data in the tag."""
    (first,) = struct.unpack(f"{order}I", data[at : at + 4])
    if first >> 16:
        return data[at + 4 : at + 4 + (first >> 16)], at + 8
    (size,) = struct.unpack(f"{order}I", data[at + 4 : at + 8])
    return data[at + 8 : at + 8 + size], at + 8 + size + (-size % 8)
