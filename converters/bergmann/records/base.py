"""What every record has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

from bergmann.errors import SourceError
from bergmann.timing.clock_map import ClockMap
from bergmann.timing.times import ExplicitTimes, RegularTimes, Times


@dataclass(frozen=True, kw_only=True, eq=False)
class Record:
    """What every record has.

    Attributes
    ----------
    files : tuple of Path
        Every file that its bytes come from, in reading order.
    start : datetime or None
        When the instrument says it started: local wall-clock time without a zone, or with the zone that its files state (UTC);
        None if the source does not say.
    notes : mapping
        What else the source states and NWB has a place for, by name (``{"software": "ScanImage 2021.0"}``).
    """

    files: tuple[Path, ...]
    start: datetime | None = None
    notes: Mapping[str, str] = field(default_factory=dict)

    def aligned(self, offset: float) -> Self:
        """The same record with every time `offset` seconds later; every field that is `Times` is shifted."""
        shifted: dict[str, Any] = {
            part.name: value.shifted(offset)
            for part in fields(self)
            if isinstance(value := getattr(self, part.name), RegularTimes | ExplicitTimes)
        }
        return replace(self, **shifted)

    def mapped(self, clock: ClockMap) -> Self:
        """The same record with every time on another clock, of a kind whose times are all in fields that are `Times`."""
        moved: dict[str, Any] = {
            part.name: value.mapped(clock)
            for part in fields(self)
            if isinstance(value := getattr(self, part.name), RegularTimes | ExplicitTimes)
        }
        return replace(self, **moved)

    @property
    def parts(self) -> tuple[str, ...]:
        """What a reference may name behind the slash, e.g. the channels of a recording."""
        return ()

    @property
    def clock_times(self) -> Times | None:
        """Times of what a clock line ticks for (frames, say) on this instrument's clock; None if nothing ticks."""
        return None

    @property
    def span(self) -> tuple[float, float] | None:
        """First and last time in seconds, or None for a record without times."""
        return None

    @property
    def recorded(self) -> tuple[float, float] | None:
        """As `span`, with the frames that were recorded and are not used: what a person's times count from."""
        return self.span


@dataclass(frozen=True)
class FramesUsed:
    """Which of the frames of a source are used.

    Attributes
    ----------
    first, last : int
        Counted from 1.
    of : int
        How many there are.
    """

    first: int
    last: int
    of: int

    def __str__(self) -> str:
        return f"frames {self.first} to {self.last} of {self.of}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Sampled(Record):
    """A record of frames or samples, each at a time of its own.

    Attributes
    ----------
    times : Times
        When each was taken, in seconds.
    ticks : Times, optional
        What a clock line ticks for, where this is not the same: frames that are not used, the planes of a volume.
    used : FramesUsed, optional
        Which of the frames these are, where not all of them are used.
    """

    times: Times
    ticks: Times | None = None
    used: FramesUsed | None = None

    @property
    def clock_times(self) -> Times | None:
        return self.ticks if self.ticks is not None else self.times

    @property
    def before(self) -> int:
        """How many frames of the source are before the first that is used."""
        return 0 if self.used is None else self.used.first - 1

    @property
    def span(self) -> tuple[float, float] | None:
        return self.times.first, self.times.last

    @property
    def recorded(self) -> tuple[float, float] | None:
        ticks = self.clock_times
        return self.span if self.used is None or ticks is None else (ticks.first, ticks.last)


@runtime_checkable
class Cuttable(Protocol):
    """A record of frames of which only some may be used."""

    def cut(self, first: int, last: int) -> Record:
        """The same record with these frames alone, counted from 1; its clock line still ticks for all of them."""
        ...


def frames_to_use(record: Sampled, first: int, last: int) -> FramesUsed:
    """Which frames are used of a record that holds those from the first on.

    Raises
    ------
    SourceError
        If there are not so many.
    """
    there = len(record.times)
    if last > there:
        raise SourceError(f"{record.files[0].name}: frames {first} to {last} are to be used, and there are {there}")
    return FramesUsed(first, last, there if record.used is None else record.used.of)


def agree(what: str, found: int, expected: int, of: str) -> None:
    """Refuse counts that differ: ``"9 frame times for 10 frames"``."""
    if found != expected:
        raise SourceError(f"{found} {what} for {expected} {of}")
