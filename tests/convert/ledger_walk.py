"""Every metadata value of a written file by h5py alone, and those of which the file does not say where they come from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from bergmann.convert.origins import RULES

ABOUT_OBJECTS = {"object_id", "namespace", "neurodata_type", ".specloc"}
ARRAYS = {"data", "timestamps", "confidence", "control", "pixel_mask", "voxel_mask", "image_mask"}


def kinds_of(item: Any) -> tuple[str, ...]:
    from pynwb import get_class

    kind, namespace = (item.attrs.get(key) for key in ("neurodata_type", "namespace"))
    return tuple(one.__name__ for one in get_class(kind, namespace).__mro__)


def metadata(file: h5py.File) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(path, field of its object, types of that) of each value; arrays, references, ids and empty texts are left out."""
    yield from _values(file, "", "", kinds_of(file))


def _values(item: Any, path: str, field: str, kinds: tuple[str, ...]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for name, value in item.attrs.items():
        is_text_or_number = isinstance(value, str | np.generic) or getattr(value, "dtype", None) is not None
        if isinstance(value, str) and value == "no comments":  # pynwb's own, where there are none
            continue
        if name not in ABOUT_OBJECTS and is_text_or_number and not isinstance(value, h5py.Reference):
            yield f"{path}@{name}", f"{field}@{name}", kinds
    if isinstance(item, h5py.Dataset):
        if is_metadata(item, path.rpartition("/")[2], is_column="DynamicTable" in kinds):
            yield path, field, kinds
        return
    for name, part in item.items():
        below = f"{path}/{name}".strip("/")
        if below in {"specifications", "general/bergmann_conversion"}:
            continue
        if item.get(name, getlink=True).__class__ is not h5py.HardLink:
            continue
        if "neurodata_type" not in part.attrs:
            yield from _values(part, below, f"{field}/{name}".strip("/"), kinds)
        elif isinstance(part, h5py.Dataset) and "DynamicTable" in kinds:
            yield from _values(part, below, name, kinds)
        else:
            yield from _values(part, below, "", kinds_of(part))


def is_metadata(dataset: h5py.Dataset, name: str, *, is_column: bool) -> bool:
    if dataset.attrs.get("neurodata_type") in {"ElementIdentifiers", "VectorIndex", "DynamicTableRegion"}:
        return False
    if h5py.check_ref_dtype(dataset.dtype) is not None or dataset.dtype.kind == "V":
        return False
    if h5py.check_string_dtype(dataset.dtype) is not None:
        return any(bytes(one) for one in np.ravel(dataset[()]))
    return dataset.shape == () or (not is_column and name not in ARRAYS and dataset.ndim == 1 and dataset.size <= 8)


def listed(file: h5py.File) -> set[str]:
    """What the ledger of the file lists; rows of a column as the column."""
    paths = file["general/bergmann_conversion/statements/path"].asstr()[:]
    return {re.sub(r"\[\d+\]$", "", path) for path in paths}


def is_constant(kinds: tuple[str, ...], field: str) -> bool:
    """Whether the table of origins declares that a field says nothing of a session."""
    return any(isinstance(rule.origin, str) and rule.covers(kinds, field, rule.of) for rule in RULES)


def without_origin(path: Path) -> list[str]:
    """The metadata values of a file of which it does not say where they come from."""
    with h5py.File(path, "r") as file:
        there = listed(file)
        return [one for one, field, kinds in metadata(file) if one not in there and not is_constant(kinds, field)]
