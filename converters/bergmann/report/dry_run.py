"""The objects that a conversion would write, found by making them without their arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bergmann.arrays import LazyArray
from bergmann.convert.session import build_nwbfile
from bergmann.errors import BergmannError, SessionError
from bergmann.findings import Finding
from bergmann.report.placing import Placement

GROUPS = frozenset(
    {
        "ProcessingModule",
        "Fluorescence",
        "ImageSegmentation",
        "Skeletons",
        "GlialReceptorMetadata",
        "OptogeneticExperimentMetadata",
        "OptogeneticEffectors",
    }
)
"""Types that only hold others."""


@dataclass(frozen=True)
class Made:
    """One object of the file.

    Attributes
    ----------
    path : str
        Where it is in the file, e.g. ``"acquisition/movie_ch1"``; in ``general`` only its name.
    kind : str
        Its type.
    """

    path: str
    kind: str


@dataclass(frozen=True)
class DryRun:
    """What a conversion would write.

    Attributes
    ----------
    of_source : mapping of str to tuple of Made
    stated : tuple of Made
        Of what is stated, and of several sources.
    findings : tuple of Finding
        What the conversion will be refused for; there are no objects then.
    """

    of_source: Mapping[str, tuple[Made, ...]]
    stated: tuple[Made, ...]
    findings: tuple[Finding, ...] = ()


def dry_run(placement: Placement) -> DryRun | None:
    """Make the file of a session in memory, without its arrays; None if that cannot be done before the conversion."""
    plan = placement.aligned.plan
    if not plan.is_complete or placement.reasons:
        return None
    try:
        nwbfile, _ = build_nwbfile(placement.aligned, _without_values)
    except SessionError as error:
        return DryRun({}, (), error.findings)
    except (BergmannError, OSError) as error:
        return DryRun({}, (), (Finding(severity="error", check="source", location=plan.loaded.path.name, message=str(error)),))
    of_source: dict[str, list[Made]] = {name: [] for name in plan.loaded.order}
    stated: list[Made] = []
    for made in _objects(nwbfile):
        owner = None if "/" not in made.path else _owner(made.path.rpartition("/")[2], of_source)
        (stated if owner is None else of_source[owner]).append(made)
    return DryRun({name: tuple(found) for name, found in of_source.items()}, tuple(stated))


def _without_values(array: LazyArray) -> Any:
    """A place for an array, of which no number is read; texts are read, since they are few."""
    from pynwb import H5DataIO

    dtype, shape = np.dtype(array.dtype), tuple(int(side) for side in array.shape)
    if dtype.kind not in "biuf":
        return np.asarray(array[0 : shape[0]])
    return H5DataIO(shape=shape, dtype=dtype.newbyteorder("="), maxshape=shape)


def _owner(name: str, sources: Mapping[str, object]) -> str | None:
    """The source that an object is named after: every room writes ``<source>`` or ``<source>_<part>``."""
    named = [one for one in sources if name == one or name.startswith(f"{one}_")]
    return max(named, key=len, default=None)


def _objects(nwbfile: Any) -> Iterator[Made]:
    groups = {
        "acquisition": nwbfile.acquisition.values(),
        "stimulus/presentation": nwbfile.stimulus.values(),
        "intervals": (nwbfile.intervals or {}).values(),
        "events": (nwbfile.events or {}).values(),
    }
    seen = set()
    for group, members in groups.items():
        for one in members:
            seen.add(id(one))
            yield Made(f"{group}/{one.name}", type(one).__name__)
    for module in nwbfile.processing.values():
        seen.add(id(module))
        yield from _below(module, f"processing/{module.name}")
    for child in nwbfile.children:
        if id(child) not in seen and type(child).__name__ != "Subject":
            yield from (Made(one.path.rpartition("/")[2], one.kind) for one in _below(child, ""))


def _below(thing: Any, path: str) -> Iterator[Made]:
    """An object, or what a group holds."""
    kind = type(thing).__name__
    if kind not in GROUPS:
        yield Made(path or thing.name, kind)
        return
    for child in thing.children:
        yield from _below(child, f"{path}/{child.name}")
