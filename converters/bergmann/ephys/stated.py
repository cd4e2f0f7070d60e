"""What a person states of the spikes of single units."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from bergmann.findings import Finding
from bergmann.records import SpikeTimes
from bergmann.registry import Entry
from bergmann.stated import Collections, Compartment, Names, Stated


class SpikeTimesStated(Stated):
    """What a person says of units.

    Attributes
    ----------
    population : str
        Which cells they are, a key of ``populations``.
    compartment : str
        Which part of the cells; needs `population`.
    device : str
        What they were recorded with, a key of ``devices``; needs `location`.
    location : str
        Where the electrode was; needs `device`.
    description : str
    """

    population: Annotated[str, Names("populations")] | None = None
    compartment: Compartment | None = None
    device: Annotated[str, Names("devices")] | None = None
    location: str | None = None
    description: str | None = None


def check_spike_times(entry: Entry[SpikeTimes, SpikeTimesStated], collections: Collections) -> Iterator[Finding]:  # noqa: ARG001
    """Half a statement of whose units they are, or of where they were recorded."""
    stated = entry.stated
    for one, other, remedy in (
        ("population", "compartment", "state soma, axon, dendrite, whole_cell or unknown"),
        ("compartment", "population", "name one of `populations`"),
        ("device", "location", "state where the electrode was, or leave `device` out"),
        ("location", "device", "name one of `devices`, or leave `location` out"),
    ):
        if getattr(stated, one) is not None and getattr(stated, other) is None:
            message = f"`{one}: {getattr(stated, one)}` is stated, and no `{other}`"
            yield Finding(severity="error", check="gap", location=other, message=message, remedy=remedy)


def units_names(entry: Entry[SpikeTimes, SpikeTimesStated]) -> Iterator[tuple[str, str]]:
    """The table of units; the first of a file is called ``units``, whatever the source is called."""
    yield "processing/ecephys", entry.name


STATED = {SpikeTimes: SpikeTimesStated}
NAMES = {SpikeTimes: units_names}
CHECKS = {SpikeTimes: check_spike_times}
