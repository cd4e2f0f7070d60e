"""Whole variables of a MATLAB file as plain values, read from either form; for small files whose structures lie in each other.

What is what in the HDF5 form (``save``, "-v7.3") the attribute ``MATLAB_class`` says; an array of structures is a group whose
fields are references. The older form is read by SciPy, an extra.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bergmann.errors import MissingExtraError, SourceError

Value = Any
"""A mapping for a structure, an array of numbers in MATLAB's shape, an array of objects for a cell array or an array of structures
(in MATLAB's shape, each a `Value`), text, or None for what is empty or is none of these."""

_DAMAGED = (OSError, KeyError, RuntimeError, ValueError, TypeError, IndexError, AttributeError, struct.error, zlib.error)


def read_variables(path: Path, names: Iterable[str] | None = None) -> dict[str, Value]:
    """Read variables of a MATLAB file.

    Parameters
    ----------
    path : Path
    names : iterable of str, optional
        Which; those that are not there are left out. Default: all.

    Raises
    ------
    SourceError
        If the file is none of MATLAB's, or damaged.
    MissingExtraError
        For a file of version 5 to 7, if SciPy is not installed.
    """
    if not path.is_file():
        raise SourceError(f"{path.name}: no file; name the .mat file")
    wanted = None if names is None else list(names)
    try:
        import h5py

        if h5py.is_hdf5(path):
            with h5py.File(path, "r") as file:
                return {name: _of_hdf5(file, file[name]) for name in (wanted or file) if name in file and not name.startswith("#")}
        return {name: _of_scipy(value) for name, value in _load_old(path, wanted).items() if not name.startswith("__")}
    except _DAMAGED as error:
        raise SourceError(f"{path.name}: not a MATLAB file that can be read, or damaged ({error}); is it whole?") from error


# --- version 7.3 ------------------------------------------------------------------------------------------------------


def _of_hdf5(file: Any, found: Any) -> Value:
    said = found.attrs.get("MATLAB_class", b"")
    kind = said.decode("ascii", errors="replace") if isinstance(said, bytes) else str(said)
    if not hasattr(found, "dtype"):
        return _structs(file, found)
    if found.attrs.get("MATLAB_empty", 0) or not found.size:
        return None
    if kind == "char":
        return "".join(map(chr, found[()].ravel().tolist()))
    if found.dtype.kind == "O":
        return _dereferenced(file, found)
    return np.asarray(found[()]).T if found.dtype.kind in "biuf" else None


def _structs(file: Any, group: Any) -> Value:
    """A structure; of several in one array, an array of them."""
    fields = {name: group[name] for name in group}
    if not fields or not all(_is_of_several(one) for one in fields.values()):
        return {name: _of_hdf5(file, one) for name, one in fields.items()}
    columns = {name: _dereferenced(file, one) for name, one in fields.items()}
    return _in_shape([dict(zip(columns, values, strict=True)) for values in zip(*_flat(columns), strict=True)], columns)


def _flat(columns: Mapping[str, Any]) -> list[list[Value]]:
    return [column.ravel(order="F").tolist() for column in columns.values()]


def _in_shape(values: list[Value], columns: Mapping[str, Any]) -> Value:
    shape = next(iter(columns.values())).shape
    return _objects(values).reshape(shape, order="F")


def _is_of_several(found: Any) -> bool:
    """Whether a field holds one reference for each structure of an array."""
    return getattr(getattr(found, "dtype", None), "kind", "") == "O" and "MATLAB_class" not in found.attrs


def _dereferenced(file: Any, found: Any) -> Value:
    references = found[()]
    return _objects([_of_hdf5(file, file[one]) for one in references.ravel()]).reshape(references.shape).T


def _objects(values: list[Value]) -> Any:
    """An array of the values themselves, whatever they are."""
    array = np.empty(len(values), dtype=object)
    for index, value in enumerate(values):  # a slice would spread arrays of one shape over an axis
        array[index] = value
    return array


# --- version 5 to 7 ---------------------------------------------------------------------------------------------------


def _load_old(path: Path, names: list[str] | None) -> dict[str, Any]:
    with path.open("rb") as file:
        if not file.read(128).startswith(b"MATLAB 5.0"):
            raise SourceError(f"{path.name}: not a MATLAB file; expected a .mat file")
    try:
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError
    except ImportError as error:
        raise MissingExtraError(extra="matlab", needed_for=f"{path.name}: a MATLAB file saved without -v7.3") from error
    try:
        return dict(loadmat(str(path), variable_names=names, chars_as_strings=True))
    except (MatReadError, NotImplementedError, MemoryError, EOFError) as error:
        raise SourceError(f"{path.name}: not a MATLAB file that can be read, or damaged ({error}); is it whole?") from error


def _of_scipy(found: Any) -> Value:
    if not isinstance(found, np.ndarray) or not found.size:
        return None
    if found.dtype.names is not None and found.dtype.kind == "V":
        made = [{name: _of_scipy(one[name]) for name in found.dtype.names} for one in found.ravel(order="F")]
        return made[0] if len(made) == 1 else _objects(made).reshape(found.shape, order="F")
    if found.dtype.kind == "U":
        return str(found.ravel()[0]) if found.size == 1 else None
    if found.dtype.kind == "O":
        return _objects([_of_scipy(one) for one in found.ravel(order="F")]).reshape(found.shape, order="F")
    return found if found.dtype.kind in "biuf" else None
