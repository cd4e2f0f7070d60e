"""Arrays of numbers in a file, of which a person says what each is: one channel, or one a row or column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.records import Channel, Recording
from bergmann.signals._given import SAMPLES, TIME, GivenChannels, Line, pick
from bergmann.signals._steps import Stamps, Sweeps, find_sweeps, one_sweep

BLOCK = 2**20
"""Times that are looked at at once."""

DECIMALS = 9
"""The finest decimal that times may be rounded to: a nanosecond."""


class GivenArrays(GivenChannels):
    """A file of arrays whose meaning only a person knows.

    Attributes
    ----------
    time_axis : {"first", "last"}, optional
        Of an array of several channels: along which of its two axes time runs.
    """

    time_axis: Literal["first", "last"] | None = None


class Stored(Protocol):
    """An array in a file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of its elements."""
        ...

    def read(self, selection: tuple[slice | int, ...]) -> NDArray[Any]:
        """Some of it, one slice or number an axis."""
        ...


@dataclass(frozen=True, eq=False)
class Vector:
    """One channel of an array, as stored, shape (n_samples,).

    Attributes
    ----------
    stored : Stored
    axis : int
        Along which time runs.
    number : int
        Of the channel on the other axis, from 0.
    field : str
        Of a table of named fields; else empty.
    """

    stored: Stored
    axis: int = 0
    number: int = 0
    field: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.stored.shape[self.axis],)

    @property
    def dtype(self) -> np.dtype[Any]:
        of = self.stored.dtype[self.field] if self.field else self.stored.dtype
        return of.newbyteorder("=")

    def __getitem__(self, block: slice, /) -> NDArray[Any]:
        start, stop, _ = block.indices(self.shape[0])
        selection: list[slice | int] = [self.number] * len(self.stored.shape)
        selection[self.axis] = slice(start, max(start, stop))
        values = self.stored.read(tuple(selection))
        return np.array(values[self.field] if self.field else values, dtype=self.dtype)


def read_arrays(source: GivenArrays, path: Path, arrays: Mapping[str, Stored]) -> Recording:
    """The channels that a person names, as a recording.

    Parameters
    ----------
    source : GivenArrays
    path : Path
        For messages.
    arrays : mapping of str to Stored
        By name; that of a file with one array only is empty.

    Raises
    ------
    SourceError
        If one is not there, is no channel of numbers, or differs from the others in length, or the times are at no constant rate.
    """
    vectors = {name: _vector(source, path, arrays, reference) for name, reference in source.columns.items()}
    first, *others = vectors
    n_samples = vectors[first].shape[0]
    for name in others:
        if vectors[name].shape[0] != n_samples:
            raise SourceError(
                f"{path.name}: {source.columns[first]!r} ({first}) has {n_samples} samples, and {source.columns[name]!r} ({name}) "
                f"{vectors[name].shape[0]}; expected as many. Channels at another rate are a source of their own"
            )
    if not n_samples:
        raise SourceError(f"{path.name}: {source.columns[first]!r} has no samples; was the recording stopped at once?")
    sweeps = _sweeps(source, path, vectors)
    return Recording(
        files=(path,),
        rate=sweeps.rate,
        sweep_starts=sweeps.starts,
        sweep_lengths=sweeps.lengths,
        channels=tuple(_channel(source, path, name, vectors[name]) for name in source.channels),
    )


def _channel(source: GivenArrays, path: Path, name: str, vector: Vector) -> Channel:
    return source.channel(name, Line(vector, f"{path.name}: channel {name}") if source.is_digital(name) else vector)


def _sweeps(source: GivenArrays, path: Path, vectors: Mapping[str, Vector]) -> Sweeps:
    if TIME not in vectors:
        return one_sweep(source.hertz or 0.0, vectors[source.channels[0]].shape[0])
    return find_sweeps(_stamps(source, vectors[TIME]), rate=source.hertz, where=f"{path.name}: {source.columns[TIME]!r}")


def _stamps(source: GivenArrays, times: Vector) -> Iterator[Stamps]:
    for start in range(0, times.shape[0], BLOCK):
        block = times[start : start + BLOCK]
        resolution = 0.0 if source.time_unit == SAMPLES else _resolution(block)
        yield Stamps(block.astype(np.float64) / source.ticks, resolution / source.ticks)


def _resolution(times: NDArray[Any]) -> float:
    """To what times are rounded: a decimal that all of the first of them are whole in, or what their type can hold."""
    if times.dtype.kind in "biu":
        return 1.0
    finite = times[np.isfinite(times)]
    spacing = float(np.spacing(np.abs(finite).max())) if len(finite) else 0.0
    some = finite[:BLOCK:7][:64].astype(np.float64)
    for decimals in range(DECIMALS + 1):
        scaled = some * 10.0**decimals
        if len(some) and (np.abs(scaled - np.round(scaled)) <= 2 * spacing * 10.0**decimals).all():
            return max(10.0**-decimals, spacing)
    return spacing


def _vector(source: GivenArrays, path: Path, arrays: Mapping[str, Stored], reference: str) -> Vector:
    name, part = _named(path, arrays, reference)
    stored = arrays[name]
    where = f"{path.name}: {name!r}" if name else path.name
    if stored.dtype.names:
        field = stored.dtype.names[pick(part, stored.dtype.names, where=where, what="field")]
        vector = Vector(stored, field=field)
        if len(stored.shape) != 1:
            raise SourceError(f"{where}: a table of shape {stored.shape}; expected one row a sample")
    else:
        vector = _of_numbers(source, where, stored, part)
    if vector.dtype.kind not in "biuf":
        raise SourceError(f"{where}: it holds {vector.dtype}, not numbers; {_what_else(vector.dtype)}")
    return vector


def _what_else(dtype: np.dtype[Any]) -> str:
    if dtype.kind in "mM":
        return "leave these times out and state `rate:`, or save them as seconds"
    return "name an array of whole or decimal numbers"


def _of_numbers(source: GivenArrays, where: str, stored: Stored, part: str) -> Vector:
    shape = stored.shape
    if len(shape) == 2 and 1 in shape and part in {"", "1"}:
        return Vector(stored, axis=int(shape[0] == 1))
    if len(shape) == 1 and part in {"", "1"}:
        return Vector(stored)
    if len(shape) != 2:
        raise SourceError(f"{where}: shape {_of(shape)}; expected numbers of one channel, or two axes (time and channel)")
    if source.time_axis is None:
        raise SourceError(
            f"{where}: shape {_of(shape)}; state `time_axis: first` if these are {shape[0]} samples of {shape[1]} channels, "
            f"`time_axis: last` if {shape[1]} samples of {shape[0]}"
        )
    axis = 0 if source.time_axis == "first" else 1
    n_channels = shape[1 - axis]
    if not part:
        raise SourceError(f"{where}: {n_channels} channels; name one by its number, from 1: `NAME:1`")
    if not part.isdecimal() or not 1 <= int(part) <= n_channels:
        raise SourceError(
            f"{where}: no channel {part!r}; there are {n_channels}, counted from 1, as `time_axis: {source.time_axis}`"
        )
    return Vector(stored, axis=axis, number=int(part) - 1)


def _of(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "of a single number"


def _named(path: Path, arrays: Mapping[str, Stored], reference: str) -> tuple[str, str]:
    """The array that a reference names, and what of it: ``analog:3`` is the third channel of ``analog``."""
    if set(arrays) == {""}:
        return "", reference
    if reference in arrays:
        return reference, ""
    name, _, part = reference.rpartition(":")
    if name in arrays:
        return name, part
    there = tuple(arrays)
    return there[pick(name or reference, there, where=path.name, what="array")], part if name else ""
