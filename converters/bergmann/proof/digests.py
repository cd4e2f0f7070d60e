"""One digest for the values of every dataset of an HDF5 file, and one for the attributes of every object.

Nothing here is of bergmann but this file: h5py, NumPy and hashlib. What a digest is taken of stands in `ndx_bergmann`, so that
another program can take it, too: numbers as they are in memory, C order, little-endian; texts as UTF-8, each ended by a zero byte;
references as the path of what they point to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 23
"""Bytes that are read at a time, or one chunk's length if that is more."""

Rows = tuple[tuple[int, int], ...]
"""Elements of the first axis that a digest is taken of, as (start, stop); none for all of them."""


DAMAGED = "damaged"
"""What stands as type of an object that cannot be read; its shape is then the reason."""

UNREADABLE = (OSError, RuntimeError, LookupError, ValueError, TypeError, ArithmeticError, MemoryError, AttributeError)
"""What h5py and NumPy raise for an object whose bytes are damaged."""


@dataclass(frozen=True)
class Digest:
    """What an object of a file holds.

    Attributes
    ----------
    dtype : str
        Type of the elements, little-endian (``"<i2"``), ``"bool"``, ``"text"``, ``"reference"``, or the fields of a compound type;
        ``"group"``, ``"soft link"``, ``"hard link"``, ``"external link"`` for what has no values.
    shape : str
        ``"1024 x 32 x 12"``; empty for a scalar and for what has no values.
    sha256 : str
        Of the values, or of the target of a link; empty for a group.
    attributes : str
        SHA-256 of all attributes; empty for a link.
    rows : tuple of (int, int)
        Elements of the first axis that `sha256` is of; none for all of them.
    """

    dtype: str
    shape: str
    sha256: str
    attributes: str
    rows: Rows = ()


SAMPLES = 16
"""Stretches of an array that a sample has."""

SAMPLE_FROM = 1 << 26
"""Bytes from which on an array may be sampled; what is smaller is always read whole."""


def sample_of(shape: tuple[int, ...], itemsize: int) -> Rows:
    """Elements of the first axis that a sample has: the first, the last, and stretches evenly between; none for all of them."""
    size = prod(shape) * itemsize
    if size < SAMPLE_FROM or shape[0] < 2 * SAMPLES:
        return ()
    length = max(1, int(SAMPLE_FROM / SAMPLES / (size / shape[0])))
    starts = [round(step * (shape[0] - length) / (SAMPLES - 1)) for step in range(SAMPLES)]
    return tuple((start, start + length) for start in starts)


def digest_file(
    file: Any, leave_out: tuple[str, ...] = (), sampled: Mapping[str, Rows] | None = None, *, sample: bool = False
) -> Iterator[tuple[str, Digest]]:
    """Take the digests of every object of an open file, in the order of their paths.

    Parameters
    ----------
    file : h5py.File
    leave_out : tuple of str
        Paths that are left out, with all that is in them.
    sampled : mapping of str to Rows, optional
        Datasets of which only some elements are read.
    sample : bool
        Whether of every large array only a sample is read.

    Yields
    ------
    path : str
        Without a leading ``/``; empty for the root.
    Digest
    """
    paths = _paths(file, leave_out)
    names = _Names(file, {place: path for path, place in paths if isinstance(place, _Place)})
    with ThreadPoolExecutor(1) as hashing:
        for path, place in paths:
            if not isinstance(place, _Place):
                yield path, place
                continue
            try:
                item = file[path or "/"]
                rows = (sampled or {}).get(path, ())
                if sample and isinstance(item, h5py.Dataset) and item.shape and is_plain(item.dtype):
                    rows = sample_of(item.shape, item.dtype.itemsize)
                digest = _of_object(item, names, hashing, rows)
            except UNREADABLE as error:
                digest = Digest(DAMAGED, f"{error}".replace("\n", " "), "", "")
            yield path, digest


def _of_object(item: Any, names: _Names, hashing: ThreadPoolExecutor, rows: Rows) -> Digest:
    attributes = _of_attributes(item, names)
    if isinstance(item, h5py.Dataset):
        sha256 = _of_dataset(item, names, hashing, rows)
        return Digest(describe(item.dtype), " x ".join(map(str, item.shape or ())), sha256, attributes, rows)
    return Digest("group" if isinstance(item, h5py.Group) else "type", "", "", attributes)


@dataclass(frozen=True)
class _Place:
    """Where an object lies in its file."""

    fileno: int
    address: bytes


def _place(item: Any) -> _Place:
    found = h5py.h5o.get_info(item.id)
    return _Place(int(found.fileno), repr(found.token if hasattr(found, "token") else found.addr).encode())


def _paths(file: Any, leave_out: tuple[str, ...]) -> list[tuple[str, _Place | Digest]]:
    """Every path of a file once; an object that is reached again by another path is a link there, so that circles end."""
    found: list[tuple[str, _Place | Digest]] = [("", _place(file["/"]))]
    first: dict[_Place, str] = {found[0][1]: ""}  # type: ignore[dict-item]
    ahead = [""]
    while ahead:
        folder = ahead.pop()
        group = file[folder or "/"]
        below = []
        try:
            names = sorted(group)
        except UNREADABLE as error:
            found.append((f"{folder}/*", Digest(DAMAGED, f"{error}".replace("\n", " "), "", "")))
            continue
        for name in names:
            path = f"{folder}/{name}" if folder else name
            if path in leave_out:
                continue
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.SoftLink):
                found.append((path, _link("soft link", link.path)))
            elif isinstance(link, h5py.ExternalLink):
                found.append((path, _link("external link", f"{link.filename}\0{link.path}")))
            else:
                try:
                    item = group[name]
                    place = _place(item)
                except UNREADABLE as error:
                    found.append((path, Digest(DAMAGED, f"{error}".replace("\n", " "), "", "")))
                    continue
                if place in first:
                    found.append((path, _link("hard link", first[place])))
                    continue
                first[place] = path
                found.append((path, place))
                if isinstance(item, h5py.Group):
                    below.append(path)
        ahead += reversed(below)
    return sorted(found, key=lambda one: one[0])


def _link(kind: str, target: str) -> Digest:
    return Digest(kind, "", hashlib.sha256(target.encode()).hexdigest(), "")


class _Names:
    """What a reference points to, in words."""

    def __init__(self, file: Any, target_of: Mapping[_Place, str]) -> None:
        self._file = file
        self._target_of = target_of

    def of(self, reference: Any) -> str:
        """Path of the object; what a region is of it is not told."""
        if not reference:
            return ""
        target = self._file[reference]
        return f"/{self._target_of.get(_place(target), target.name)}"


def describe(dtype: Any) -> str:
    """The type of the elements in words that do not depend on the machine that wrote them."""
    if h5py.check_string_dtype(dtype) is not None or dtype.kind == "S":
        return "text"
    if h5py.check_ref_dtype(dtype) is not None:
        return "reference"
    if (base := h5py.check_vlen_dtype(dtype)) is not None:
        return f"lists of {describe(np.dtype(base))}"
    if dtype.names is not None:
        return "(" + ", ".join(f"{name} {describe(dtype[name])}" for name in dtype.names) + ")"
    if (values := h5py.check_enum_dtype(dtype)) is not None:
        return "bool" if set(values) == {"FALSE", "TRUE"} else f"one of {', '.join(sorted(values))}"
    if dtype.kind == "b":
        return "bool"
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return f"{describe(base)} x {' x '.join(map(str, shape))}"
    return str(dtype.newbyteorder("<").str)


def is_plain(dtype: Any) -> bool:
    """Whether the elements are numbers only, so that their bytes say all."""
    if dtype.names is not None:
        return all(is_plain(dtype[name]) for name in dtype.names)
    if dtype.subdtype is not None:
        return is_plain(dtype.subdtype[0])
    return dtype.kind in "biufc" and h5py.check_dtype(vlen=dtype) is None


def little(values: NDArray[Any]) -> NDArray[Any]:
    """The values in C order, little-endian, without gaps between fields."""
    return np.ascontiguousarray(values, dtype=_packed(values.dtype))


def _packed(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.names is not None:
        return np.dtype([(name, _packed(dtype[name])) for name in dtype.names])
    return dtype.newbyteorder("<")


def _of_dataset(dataset: Any, names: _Names, hashing: ThreadPoolExecutor, rows: Rows) -> str:
    if dataset.shape is None:  # an empty dataspace: nothing, not even a scalar
        return hashlib.sha256(b"").hexdigest()
    if not is_plain(dataset.dtype):
        return hashlib.sha256(b"".join(_texts(dataset[()], dataset.dtype, names))).hexdigest()
    digest = hashlib.sha256()
    under_way: Future[None] | None = None
    for block in blocks_of(dataset, rows):
        if under_way is not None:
            under_way.result()
        under_way = hashing.submit(_update, digest, block)
    if under_way is not None:
        under_way.result()
    return digest.hexdigest()


def _update(digest: Any, block: NDArray[Any]) -> None:
    plain = little(block)
    if plain.size:
        digest.update(plain.reshape(-1).view(np.uint8))


def blocks_of(dataset: Any, rows: Rows = ()) -> Iterator[NDArray[Any]]:
    """The values of a dataset of numbers, a whole number of chunks at a time.

    Parameters
    ----------
    dataset : h5py.Dataset
    rows : tuple of (int, int)
        Elements of the first axis to read; none for all of them.
    """
    if dataset.shape == ():
        yield np.asarray(dataset[()])
        return
    for start, stop in rows or ((0, dataset.shape[0]),):
        step = rows_at_once(dataset)
        for first in range(start, stop, step):
            yield dataset[first : min(first + step, stop)]


def rows_at_once(dataset: Any) -> int:
    """How many elements of the first axis are read at once."""
    row = max(1, prod(dataset.shape[1:]) * dataset.dtype.itemsize)
    chunk = dataset.chunks[0] if dataset.chunks else 1
    return int(max(1, BLOCK // row) if chunk * row > 8 * BLOCK else chunk * max(1, BLOCK // (chunk * row)))


def _texts(values: Any, dtype: Any, names: _Names) -> Iterator[bytes]:
    """The bytes that stand for texts, references and compounds of them, element by element."""
    if dtype.names is not None:
        for row in np.asarray(values).reshape(-1):
            for name in dtype.names:
                yield from _texts(row[name], dtype[name], names)
    elif is_plain(dtype):
        yield little(np.asarray(values)).tobytes()
    elif h5py.check_string_dtype(dtype) is None and h5py.check_vlen_dtype(dtype) is not None:
        for one in np.asarray(values, dtype=object).reshape(-1):
            plain = little(np.asarray(one))
            yield len(plain).to_bytes(8, "little") + plain.tobytes()
    else:
        for one in np.asarray(values, dtype=object).reshape(-1) if not isinstance(values, bytes | str) else [values]:
            yield _text(one, names) + b"\0"


def _text(one: Any, names: _Names) -> bytes:
    if isinstance(one, bytes):
        return one
    if isinstance(one, str):
        return one.encode("utf-8", errors="surrogateescape")
    return names.of(one).encode()


def _of_attributes(item: Any, names: _Names) -> str:
    """One digest of all attributes, by name; which of them HDF5 stored first says nothing."""
    digest = hashlib.sha256()
    for name in sorted(item.attrs):
        stored = item.attrs.get_id(name)
        value = item.attrs[name]
        content = b"" if isinstance(value, h5py.Empty) else b"".join(_texts(_native(value), stored.dtype, names))
        for part in (name.encode(), describe(stored.dtype).encode(), str(stored.shape).encode(), content):
            digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def _native(value: Any) -> Any:
    return value if isinstance(value, bytes | str | h5py.Reference) else np.asarray(value)
