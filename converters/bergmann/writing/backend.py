"""HDF5 only: why a Zarr store is neither written nor completed."""

from __future__ import annotations

from pathlib import Path

from bergmann.errors import WriteError

_MARKS = (".zgroup", ".zattrs", "zarr.json")
"""What lies at the root of a Zarr store of version 2 or 3."""


def refuse_zarr(path: Path) -> None:
    """Refuse a path that is, or is to be, a Zarr store.

    hdmf-zarr 0.13 (with numcodecs 0.15.2) writes references to objects, columns of several fields and external references as
    pickles, which numcodecs refuses to read; pynwb cannot validate the store, and dandi finds no error in it.

    Raises
    ------
    WriteError
        If it is one.
    """
    if path.suffix.lower() == ".zarr" or any((path / mark).exists() for mark in _MARKS):
        raise WriteError(
            f"{path.name}: this is a Zarr store, and only HDF5 files are written: what points from one object to another "
            "(cells, receptors, drugs, sites of light) cannot be read back from Zarr with the library of today (hdmf-zarr 0.13), "
            "and no validator notices; name a folder without .zarr, and the file in it will be HDF5"
        )
