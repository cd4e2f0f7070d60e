"""Whether every object that was to be written is in the file, as readers see it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bergmann.errors import WriteError
from bergmann.writing.specifications import parsed_once


@dataclass(frozen=True)
class Identity:
    """What an object is and where it is."""

    kind: str
    path: str


def identities(nwbfile: Any) -> dict[str, Identity]:
    """Every typed object of an NWB file object, by object_id."""
    return {str(container.object_id): Identity(_kind(container), _path(container)) for container in nwbfile.all_children()}


def _kind(container: Any) -> str:
    """The type of an object. hdmf's own types are named as their classes: they have a type of NWB only by chance, and the tables of
    HERD are stored as ``Data`` and read by the names of their classes.
    """
    made = type(container)
    of_hdmf = made.__module__.startswith("hdmf.common.")
    return made.__name__ if of_hdmf else str(getattr(container, "neurodata_type", made.__name__))


def _path(container: Any) -> str:
    names = []
    while container is not None:
        names.append(str(container.name))
        container = container.parent
    return "/".join(reversed(names))


def check_objects(nwbfile: Any, path: Path) -> None:
    """Compare the objects in memory with those that pynwb reads from the file.

    Validators pass a file whose objects readers leave out; only this comparison sees it.

    Raises
    ------
    WriteError
        If an object is missing, or is read as another type or at another place.
    """
    from pynwb import NWBHDF5IO

    expected = identities(nwbfile)
    with parsed_once(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of cached namespaces that this process has in another version
        try:
            with NWBHDF5IO(path, "r") as io:
                found = identities(io.read())
        except Exception as error:  # hdmf and its extensions raise many unrelated types
            raise WriteError(f"what was written cannot be read back: {error}") from error
    for object_id, identity in expected.items():
        if object_id not in found:
            raise WriteError(
                f"{identity.path}: this {identity.kind} would be lost: it was written, but is not there when the file is read"
            )
        if found[object_id] != identity:
            read = found[object_id]
            raise WriteError(f"{identity.path}: written as {identity.kind}, read as {read.kind} at {read.path}")
