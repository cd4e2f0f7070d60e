"""Which channels of a file were sampled together, and which of them a person means.

A recording has one rate. A file may hold channels of several, or ones that began at different times; then a person says by the key
``only`` which are meant, and each lot that was sampled together is a source of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator

from bergmann.errors import SourceError
from bergmann.texts import named


def _parse_names(value: object) -> object:
    return tuple(one.strip() for one in value.split(",") if one.strip()) if isinstance(value, str) else value


ChannelNames = Annotated[tuple[str, ...], BeforeValidator(_parse_names)]
"""A list of names; as one string, with commas between them."""


@dataclass(frozen=True)
class Grid:
    """When the samples of a channel were taken.

    Attributes
    ----------
    rate : float
        Samples per second.
    starts : tuple of float
        When each sweep began, in seconds.
    lengths : tuple of int
        Samples of each sweep.
    origin : object
        What else must be the same for two channels to be sampled together, such as the date that their times count from.
    """

    rate: float
    starts: tuple[float, ...]
    lengths: tuple[int, ...]
    origin: object = None

    def __str__(self) -> str:
        sweeps = f" in {len(self.starts)} sweeps" if len(self.starts) > 1 else ""
        return f"{self.rate:.6g} Hz, {sum(self.lengths):,} samples{sweeps} from {self.starts[0]:.6g} s"


def chosen_channels(path: Path, grids: Mapping[str, Grid], wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The channels that are meant, in the order of the file.

    Parameters
    ----------
    path : Path
        Of the recording, for messages.
    grids : mapping of str to Grid
        By name of the channel.
    wanted : tuple of str
        The names that a person stated; all are meant where there is none.

    Raises
    ------
    SourceError
        If there is none, if one that is stated is not there, or if those that are meant were not sampled together.
    """
    return chosen_parts(path, grids, (), wanted)[0]


def chosen_parts(
    path: Path, grids: Mapping[str, Grid], lines: Sequence[str], wanted: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The channels, and the lines of which the times of events are stored, that are meant, each in the order of the file.

    Parameters
    ----------
    path, grids, wanted
        As `chosen_channels`.
    lines : sequence of str
        Names of the lines; they belong to channels of any rate.

    Raises
    ------
    SourceError
        As `chosen_channels`; a file with lines alone is no fault.
    """
    there = (*grids, *lines)
    if not there:
        raise SourceError(f"{path.name}: it holds no channel of samples; was the recording stopped at once?")
    meant = {nearest_named(path, one, there, "channel") for one in wanted} or set(there)
    return _sampled_together(path, grids, meant), tuple(name for name in lines if name in meant)


def _sampled_together(path: Path, grids: Mapping[str, Grid], meant: set[str]) -> tuple[str, ...]:
    """Those of the channels that are meant, in their order.

    Raises
    ------
    SourceError
        If they were not sampled together.
    """
    lots: dict[Grid, list[str]] = {}
    for name in (name for name in grids if name in meant):
        lots.setdefault(grids[name], []).append(name)
    if len(lots) > 1:
        found = "; ".join(f"{', '.join(names)} ({grid})" for grid, names in lots.items())
        first = ", ".join(next(iter(lots.values())))
        raise SourceError(
            f"{path.name}: its channels were not sampled together: {found}. One source is of channels that were: state "
            f"`only: [{first}]`, and the others as a source of their own"
        )
    return tuple(name for names in lots.values() for name in names)


def nearest_named(path: Path, wanted: str, there: tuple[str, ...], what: str) -> str:
    """The name in a file that a person means.

    Raises
    ------
    SourceError
        If there is none of that name; the message tells the nearest, and all.
    """
    meant = named(wanted, there)
    if meant is not None:
        return meant
    near = get_close_matches(wanted, there, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ";"
    raise SourceError(f"{path.name}: no {what} {wanted!r}{hint} It has: {', '.join(there) or 'none'}")
