"""What every record has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from bergmann.errors import SourceError
from bergmann.timing.times import ExplicitTimes, RegularTimes, Times


@dataclass(frozen=True, kw_only=True, eq=False)
class Record:
    """What every record has.

    Attributes
    ----------
    files : tuple of Path
        Every file that its bytes come from, in reading order.
    start : datetime or None
        When the instrument says it started: local wall-clock time without a zone; None if the source does not say.
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Sampled(Record):
    """A record of frames or samples, each at a time of its own.

    Attributes
    ----------
    times : Times
        When each was taken, in seconds; a clock line ticks for them.
    """

    times: Times

    @property
    def clock_times(self) -> Times | None:
        return self.times

    @property
    def span(self) -> tuple[float, float] | None:
        return self.times.first, self.times.last


def agree(what: str, found: int, expected: int, of: str) -> None:
    """Refuse counts that differ: ``"9 frame times for 10 frames"``."""
    if found != expected:
        raise SourceError(f"{found} {what} for {expected} {of}")
