"""What is done in a process of its own; each task takes and gives what JSON can hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import h5py

from bergmann.proof.digests import UNREADABLE, digest_file
from bergmann.proof.record import OF_THE_RECORD
from bergmann.proof.verifying import against_record


def digests(order: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Take the digests of every object of the file ``order["file"]``; of large arrays of a sample, if ``order["sample"]``."""
    with h5py.File(order["file"], "r") as file:
        found = digest_file(file, leave_out=OF_THE_RECORD, sample=bool(order.get("sample")))
        return [(path, asdict(one)) for path, one in found]


def verify(order: Mapping[str, Any]) -> dict[str, Any]:
    """Compare the file ``order["file"]`` with its own record; gives the differences as (path, message), and what was read."""
    return asdict(against_record(Path(order["file"])))


def look(order: Mapping[str, Any]) -> int:
    """Go through all of the file ``order["file"]``; gives how many objects there are. What cannot be read is passed over."""
    return sum(1 for _ in _objects(Path(order["file"])))


def _objects(path: Path) -> Iterator[str]:
    try:
        with h5py.File(path, "r") as file:
            yield from (place for place, _ in digest_file(file))
    except UNREADABLE:
        return


def prepare(task: str) -> None:
    """Import what a task needs, before its order comes."""
    if task == "second":
        import tifffile  # noqa: F401

        from bergmann.plan.sources import Vocabulary
        from bergmann.proof import second_reading  # noqa: F401

        Vocabulary.here()


def second(order: Mapping[str, Any]) -> dict[str, Any]:
    """Read the sources of a session a second time, and compare them with a file."""
    from bergmann.proof.second_reading import read_and_compare  # needs the whole plan, which the other tasks do not

    return read_and_compare(order)
