"""What follows of stated values in a file: the same objects that `convert` makes of them, written by themselves into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isnan, nan
from typing import Any, cast
from uuid import uuid4

from bergmann.convert.nwbfile import make_nwbfile
from bergmann.errors import SourceError
from bergmann.moments import Moment, When
from bergmann.patch.said import OF_ANIMAL, Said
from bergmann.receptors.nwb import ADD_COLLECTIONS, add_explanations, drug_rows
from bergmann.receptors.stated import Drug
from bergmann.receptors.terms import keywords
from bergmann.registry import Placed
from ndx_bergmann import make_conversion_record

DRUGS = "events/drug_administrations"

_OF_TIME = ("timestamp", "duration", "timestamp_basis", "timestamp_uncertainty", "label")
"""What of a row of drugs is not stated as such, but a time on the session's clock, or not in the table."""


@contextmanager
def written(said: Said, when: Callable[[Moment], tuple[When, ...]]) -> Iterator[Any]:
    """Everything that is made of the stated values alone, as an open NWB file in memory.

    Parameters
    ----------
    said : Said
    when : callable (Moment) -> tuple of When
        When drugs were given, on the session's clock.

    Yields
    ------
    h5py.File
    """
    import h5py
    from pynwb import NWBHDF5IO

    collections = said.collections
    nwbfile = make_nwbfile(said.plan, keywords=keywords(collections, said.plan.head.subject.species))
    placed = Placed(stream=_no_stream, collections=collections, when=when)
    for name in (*OF_ANIMAL, "drugs"):
        if entries := collections.get(name, {}):
            ADD_COLLECTIONS[name](nwbfile, entries, placed)
    add_explanations(nwbfile)
    nwbfile.add_lab_meta_data(make_conversion_record(software="bergmann"))  # so that its specification is in the file
    with h5py.File(f"{uuid4()}.nwb", "w", driver="core", backing_store=False) as file, NWBHDF5IO(file=file, mode="w") as io:
        io.write(nwbfile)
        yield file


def _no_stream(array: Any) -> Any:
    raise AssertionError(f"nothing that is stated is a large array: {array!r}")


def when_given(said: Said, file: Any) -> Callable[[Moment], tuple[When, ...]]:
    """When each drug of a file was given, read from its rows: the clocks that said it are the sources', which are not here.

    Parameters
    ----------
    said : Said
        What the file says now.
    file : h5py.File

    Raises
    ------
    SourceError
        If a drug that is stated has no row of its own in the file.
    """
    drugs = {name: cast(Drug, one) for name, one in said.collections.get("drugs", {}).items()}
    rows = _rows(file[DRUGS]) if DRUGS in file else []
    begins: dict[str, tuple[When, ...]] = {}
    ends: dict[str, tuple[When, ...]] = {}
    for name, drug in drugs.items():
        found = _rows_of(name, drug, rows)
        stated_at = drug.at if drug.from_ is None else drug.from_
        if stated_at is not None:
            begins[stated_at.text] = tuple(_begin(row) for row in found)
        if drug.to is not None:
            ends[drug.to.text] = tuple(When(row["timestamp"] + row.get("duration", nan), "notebook") for row in found)
    known = {**ends, **begins}

    def when(moment: Moment) -> tuple[When, ...]:
        return known[moment.text]

    return when


def _begin(row: Mapping[str, Any]) -> When:
    return When(row["timestamp"], row["timestamp_basis"], row.get("timestamp_uncertainty", nan))


def _rows(table: Any) -> list[dict[str, Any]]:
    """The rows of a table in a file, columns of one value only."""
    names = [name for name in table.attrs["colnames"] if table[name].dtype.kind in "fiuO" and f"{name}_index" not in table]
    columns = {name: _values(table[name]) for name in names}
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _values(column: Any) -> list[Any]:
    import h5py

    if h5py.check_string_dtype(column.dtype) is not None:
        return list(column.asstr()[:])
    return list(column[:].tolist()) if h5py.check_ref_dtype(column.dtype) is None else [None] * len(column)


def _rows_of(name: str, drug: Drug, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows that say what is stated of a drug, whatever their times."""
    (template,) = list(drug_rows(name, drug, lambda _: (When(nan, "unknown"),)))
    found = [row for row in rows if _says(row, template)]
    if not found:
        raise SourceError(f"drugs.{name}: the file has no row that says what is stated of it; was its table edited?")
    return found


def _says(row: Mapping[str, Any], template: Mapping[str, Any]) -> bool:
    return all(_is_same(value, template[name]) for name, value in row.items() if name in template and name not in _OF_TIME)


def _is_same(one: Any, other: Any) -> bool:
    return one == other or (isinstance(one, float) and isinstance(other, float) and isnan(one) and isnan(other))
