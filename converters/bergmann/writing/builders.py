"""The large arrays of an NWB file object that anybody made, taken out of the tree that pynwb builds of it before it is written.

`NWBHDF5IO.write` writes every array by itself, iterators too, whatever ``exhaust_dci`` says. So the arrays are exchanged for empty
datasets between its two steps, in the tree of builders. The caller's objects are left as they are: the tree is built as for an
export, which does not tie them to the file, and no iterator is moved on.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import h5py
import numpy as np
from hdmf.backends.hdf5.h5_utils import H5DataIO
from hdmf.build import BuildManager, DatasetBuilder, GroupBuilder, LinkBuilder
from hdmf.data_utils import DataChunkIterator, GenericDataChunkIterator
from numpy.typing import NDArray
from pynwb import get_manager

from bergmann.arrays import LazyArray
from bergmann.errors import WriteError
from bergmann.writing.chunks import chunk_shape
from bergmann.writing.streams import Streams, is_large

_EXPANDABLE = ("VectorData", "ElementIdentifiers")
"""Types whose datasets pynwb lets grow, so that rows can be added later."""

_KEPT_SETTINGS = {"chunks", "maxshape"}
"""What a person says of a dataset in `H5DataIO` and is taken as said."""

_REPLACED_SETTINGS = {"compression", "compression_opts", "shuffle", "fillvalue"}
"""What is said there and the chosen compression takes the place of; anything else leaves the array to pynwb."""

_SAME_NAMES = {"bool", "float32", "float64", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}
"""Names of types that mean the same to hdmf and to NumPy."""

_MOST_ROWS_BYTES = 256_000_000
"""Bytes of rows for stated chunks, beyond which an array is left to pynwb: whole rows are held in memory to make chunks of them."""


class ArrayIterator(GenericDataChunkIterator):  # type: ignore[misc]  # hdmf has no types
    """A lazy array as pynwb takes it for ``data``: written by `bergmann.writing.write`, or by pynwb alone.

    Parameters
    ----------
    array : LazyArray, shape (n, ...)
        Of numbers, none of its axes empty.
    """

    def __init__(self, array: LazyArray) -> None:
        self.array = array
        chunks = chunk_shape(tuple(array.shape), np.dtype(array.dtype).itemsize)
        super().__init__(chunk_shape=chunks, buffer_shape=(chunks[0], *array.shape[1:]))

    def _get_data(self, selection: tuple[slice, ...]) -> NDArray[Any]:
        return np.asarray(self.array[selection[0]])[(slice(None), *selection[1:])]

    def _get_maxshape(self) -> tuple[int, ...]:
        return tuple(self.array.shape)

    def _get_dtype(self) -> np.dtype[Any]:
        return np.dtype(self.array.dtype).newbyteorder("=")


@dataclass(frozen=True, eq=False)
class OfIterator:
    """The array that an iterator of hdmf or NeuroConv cuts into pieces, whichever of them it has given already.

    Attributes
    ----------
    iterator : GenericDataChunkIterator
        Its own chunks and buffers are not used.
    """

    iterator: GenericDataChunkIterator

    @property
    def shape(self) -> tuple[int, ...]:
        """As the iterator says."""
        return tuple(int(side) for side in self.iterator.maxshape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """As the iterator says."""
        dtype: np.dtype[Any] = np.dtype(self.iterator.dtype)
        return dtype

    def __getitem__(self, block: slice, /) -> NDArray[Any]:
        """Elements of the first axis, through what each such iterator has to define."""
        start, stop, _ = block.indices(self.shape[0])
        return np.asarray(self.iterator._get_data((slice(start, stop), *(slice(0, side) for side in self.shape[1:]))))


@dataclass(frozen=True, eq=False)
class Stacked:
    """Arrays of one shape, in a list, as one: the masks of a plane.

    Attributes
    ----------
    parts : list of np.ndarray
    """

    parts: list[NDArray[Any]]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of arrays, and the shape of each."""
        return (len(self.parts), *self.parts[0].shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of all."""
        dtype: np.dtype[Any] = self.parts[0].dtype
        return dtype

    def __getitem__(self, block: slice, /) -> NDArray[Any]:
        """Those of the block."""
        return np.stack(self.parts[block])


class StreamingManager(BuildManager):  # type: ignore[misc]  # hdmf has no types
    """A build manager that exchanges large arrays for empty datasets, which `streams` then fills."""

    def __init__(self, streams: Streams) -> None:
        super().__init__(get_manager().type_map)
        self._streams = streams

    def build(self, container: Any, **options: Any) -> Any:
        """The builder of an object; of the whole file, with its large arrays taken out."""
        if not options.get("root"):
            return super().build(container, **options)
        builder = super().build(container, export=True, **options)
        handed_out = {id(one.dataio) for one in self._streams.pending}
        for group in _groups(builder):
            for link in group.links.values():
                _check_link(link, builder)
            for dataset in group.datasets.values():
                if id(dataset.data) not in handed_out:
                    self._take_out(dataset)
        return builder

    def _take_out(self, dataset: DatasetBuilder) -> None:
        """Exchange the values of a dataset for an empty one, if they are many numbers."""
        settings: dict[str, Any] = {}
        values = dataset.data
        if isinstance(values, H5DataIO):
            if values.data is None:
                raise WriteError(
                    f"{dataset.path}: it is an empty dataset (H5DataIO without data), which would be written empty; give its "
                    "values, or an iterator over them"
                )
            settings, values = dict(values.io_settings), values.data
            dataset["data"] = _own_copy(dataset.data)
        array = _large_array(values)
        dtype = _stored_dtype(dataset.dtype, array) if array is not None else None
        if array is None or dtype is None or set(settings) - _KEPT_SETTINGS - _REPLACED_SETTINGS:
            return
        if settings.get("compression", "gzip") not in ("gzip", True, None, *range(10)):
            return
        chunks = _chunks(settings.get("chunks"), array)
        if chunks is not None and chunks[0] * prod(array.shape[1:]) * dtype.itemsize > _MOST_ROWS_BYTES:
            return
        dataset["data"] = self._streams.empty(array, dtype=dtype, chunks=chunks, maxshape=self._maxshape(dataset, settings))

    def _maxshape(self, dataset: DatasetBuilder, settings: dict[str, Any]) -> tuple[int | None, ...] | None:
        """To what a dataset may grow, as pynwb would have it."""
        stated: tuple[int | None, ...] | None = settings.get("maxshape")
        if stated is not None or self.get_builder_dt(dataset) is None:
            return stated
        grows = any(self.is_sub_data_type(dataset, name) for name in _EXPANDABLE)
        matched: tuple[int | None, ...] | None = dataset.matched_spec_shape
        return matched if grows else None


def _groups(group: GroupBuilder) -> Iterator[GroupBuilder]:
    yield group
    for one in group.groups.values():
        yield from _groups(one)


def _check_link(link: LinkBuilder, root: GroupBuilder) -> None:
    """Refuse a link to an object of another file: built as for an export, it would point to a place in this one."""
    top = link.builder
    while top.parent is not None:
        top = top.parent
    if top is not root:
        raise WriteError(
            f"{link.path}: it links to {link.builder.name}, which is not in this NWBFile; add that to it, or write with NWBHDF5IO"
        )


def _own_copy(dataio: H5DataIO) -> H5DataIO:
    """The same values and settings in another object: pynwb notes in it how the dataset was made."""
    if isinstance(dataio.data, h5py.Dataset):  # linked or copied; nothing is noted
        return dataio
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its filter, which the caller has been warned of
        return H5DataIO(data=dataio.data, link_data=dataio.link_data, allow_plugin_filters=True, **dict(dataio.io_settings))


def _large_array(values: Any) -> LazyArray | None:
    """The array of what stands in a builder, if it is one of many numbers that can be read a block at a time."""
    array = _as_array(values)
    if array is None:
        return None
    shape: tuple[int, ...] = tuple(array.shape)
    return array if is_large(shape, np.dtype(array.dtype)) else None


def _as_array(values: Any) -> LazyArray | None:
    if isinstance(values, np.ndarray):
        return values
    if isinstance(values, ArrayIterator):
        return values.array
    if isinstance(values, GenericDataChunkIterator):
        return None if None in values.maxshape else OfIterator(values)
    if isinstance(values, DataChunkIterator):
        return values.data if values.iter_axis == 0 and isinstance(values.data, np.ndarray | h5py.Dataset) else None
    if isinstance(values, list) and values and isinstance(values[0], np.ndarray) and _are_alike(values):
        return Stacked(values)
    return None


def _are_alike(parts: list[Any]) -> bool:
    first = parts[0]
    return all(isinstance(one, np.ndarray) and (one.shape, one.dtype) == (first.shape, first.dtype) for one in parts)


def _stored_dtype(said: Any, array: LazyArray) -> np.dtype[Any] | None:
    """Of which type pynwb would store an array; None if it is not a number, or does not hold all of the array's values.

    Parameters
    ----------
    said : type, np.dtype, str, list or None
        What the builder says. Names of hdmf's own (``int`` is of 32 bits there) leave the array to pynwb.
    array : LazyArray
    """
    own = np.dtype(array.dtype).newbyteorder("=")
    if said is None:
        return own
    if isinstance(said, list) or (isinstance(said, str) and said not in _SAME_NAMES):
        return None
    stored = np.dtype(said).newbyteorder("=")
    return stored if np.can_cast(own, stored, "safe") else None


def _chunks(stated: Any, array: LazyArray) -> tuple[int, ...] | None:
    """Chunks as a person stated them; True means that the library is to choose."""
    if stated is None or isinstance(stated, bool):
        return None
    return tuple(min(int(step), int(side)) for step, side in zip(stated, array.shape, strict=True))
