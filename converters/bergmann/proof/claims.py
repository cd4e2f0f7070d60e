"""What should stand where in a file, and what does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from bergmann.proof.digests import BLOCK, Rows, describe, little
from bergmann.proof.said import Values

LARGE = 1 << 22
"""Bytes from which on an array is compared by its digest, which another process takes of the file meanwhile."""


@dataclass(frozen=True, eq=False)
class Claim:
    """Values that a dataset should hold, bit for bit.

    Attributes
    ----------
    path : str
    values : Values
        In the order and type in which they should be stored.
    what : str
        What they are, for a person: ``"frames of channel 1"``.
    """

    path: str
    values: Values
    what: str

    @property
    def size(self) -> int:
        """Bytes."""
        return prod(self.values.shape) * self.values.dtype.itemsize


@dataclass(frozen=True)
class Difference:
    """Something in the file that is not what the source says."""

    path: str
    message: str


@dataclass(frozen=True)
class Seen:
    """A dataset that was compared on the spot."""

    path: str


def exact(path: str, values: Any, what: str) -> Claim:
    """A claim about an array in memory."""
    return Claim(path, Values.of(np.asarray(values)), what)


def blocks(values: Values, rows: Rows = ()) -> Iterator[tuple[int, NDArray[Any]]]:
    """The values a few at a time, with the element of the first axis that each block begins with."""
    row = max(1, prod(values.shape[1:]) * values.dtype.itemsize)
    step = max(1, BLOCK // row)
    for start, stop in rows or ((0, values.shape[0]),):
        for first in range(start, stop, step):
            yield first, np.asarray(values.read(first, min(first + step, stop)))


def digest_of(claim: Claim, rows: Rows = ()) -> str:
    """SHA-256 of the values, as `bergmann.proof.digests` takes it of a dataset."""
    digest = hashlib.sha256()
    for _, block in blocks(claim.values, rows):
        plain = little(block)
        if plain.size:
            digest.update(plain.tobytes())
    return digest.hexdigest()


def look(file: Any, claim: Claim) -> Difference | None:
    """Whether a dataset is there and of the shape and type that a claim says; its values are not read."""
    dataset = file.get(claim.path)
    if not isinstance(dataset, h5py.Dataset):
        return Difference(claim.path, f"{claim.what}: not in the file")
    if dataset.shape != claim.values.shape:
        return Difference(claim.path, f"{claim.what}: the source has the shape {claim.values.shape}, the file {dataset.shape}")
    if describe(dataset.dtype) != describe(claim.values.dtype):
        said, found = describe(claim.values.dtype), describe(dataset.dtype)
        return Difference(claim.path, f"{claim.what}: of type {said} in the source, {found} in the file")
    return None


def search(file: Any, claim: Claim, rows: Rows = ()) -> Difference | None:
    """The first element of a dataset that is not what a claim says; None if all are."""
    dataset = file[claim.path]
    for start, expected in blocks(claim.values, rows):
        found = dataset[start : start + len(expected)]
        if (where := first_difference(expected, found)) is not None:
            index = (start + where[0], *where[1:])
            place = ", ".join(map(str, index))
            return Difference(
                claim.path,
                f"{claim.what}: element ({place}) is {expected[where]!s} in the source, and {found[where]!s} in the file",
            )
    return None


def first_difference(expected: NDArray[Any], found: NDArray[Any]) -> tuple[int, ...] | None:
    """Index of the first element whose bits differ, both of one shape and type."""
    if expected.dtype.names is not None:
        places = [first_difference(expected[name], found[name]) for name in expected.dtype.names]
        return min((place for place in places if place is not None), default=None)
    differs = expected != found
    if expected.dtype.kind == "f":
        differs &= ~(np.isnan(expected) & np.isnan(found))
    if not differs.any():
        return None
    return tuple(int(one) for one in np.unravel_index(int(np.argmax(differs)), differs.shape))


def text_of(file: Any, path: str, attribute: str = "") -> str:
    """A text in a file; empty where it is not there."""
    item = file.get(path)
    if item is None:
        return ""
    value = item.attrs.get(attribute, "") if attribute else item[()]
    return value.decode() if isinstance(value, bytes) else str(value)


def near(path: str, expected: Any, found: Any, tolerance: float, what: str) -> Iterator[Seen | Difference]:
    """A difference where numbers are further apart than a tolerance; NaN is NaN."""
    yield Seen(path)
    expected, found = np.atleast_1d(np.asarray(expected, np.float64)), np.atleast_1d(np.asarray(found, np.float64))
    if expected.shape != found.shape:
        yield Difference(path, f"{what}: {expected.size} in the source, {found.size} in the file")
        return
    with np.errstate(invalid="ignore"):
        off = ~((np.abs(expected - found) <= tolerance) | (np.isnan(expected) & np.isnan(found)))
    if off.any():
        index = int(np.argmax(off.reshape(-1)))
        said, there = expected.reshape(-1)[index], found.reshape(-1)[index]
        yield Difference(path, f"{what}: number {index} is {said:.9g} in the source, and {there:.9g} in the file")
