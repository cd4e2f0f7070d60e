"""What a person says of a file of numbers: which are channels, in which unit, and when each sample was taken."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from bergmann.arrays import LazyArray
from bergmann.errors import SourceError
from bergmann.records import Channel
from bergmann.registry import Source, expand
from bergmann.stated import Frequency
from bergmann.texts import named

TIME = "time"
PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9, "min": 1 / 60, "h": 1 / 3600}
SAMPLES = "samples"
DIGITAL = "digital"
_MICRO = str.maketrans({"\N{MICRO SIGN}": "u", "\N{GREEK SMALL LETTER MU}": "u"})


class GivenChannels(Source):
    """A file of numbers whose meaning only a person knows.

    Attributes
    ----------
    path : Path
    columns : mapping of str to str
        What the file calls each channel that is kept, and ``time``, if each sample has its time.
    units : mapping of str to str
        Of each: of a channel as the lab knows it, e.g. ``V``, or ``digital`` for a line that is 0 or 1; of ``time`` one of s, ms,
        us, ns, min, h, or ``samples`` for the number of a sample.
    rate : Frequency, optional
        Samples per second, where there is no ``time``, or its unit is ``samples``; else it is compared with the times.
    conversions, offsets : mapping of str to float, optional
        Of a channel that is stored in other numbers: number times conversion plus offset is in its unit.
    """

    path: Path
    columns: dict[str, str]
    units: dict[str, str]
    rate: Frequency | None = None
    conversions: dict[str, float] = Field(default_factory=dict)
    offsets: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> GivenChannels:
        if not self.channels:
            raise ValueError("`columns` must name at least one channel, e.g. `columns: {time: t, laser: AI0}`")
        for name in self.columns:
            if name not in self.units:
                raise ValueError(f"`units.{name}` is missing: what is {self.columns[name]!r} in?")
        for key in ("units", "conversions", "offsets"):
            unused = sorted(set(getattr(self, key)) - set(self.columns))
            if unused:
                raise ValueError(f"`{key}.{unused[0]}` is of nothing in `columns`")
        self._check_times()
        self._check_scales()
        return self

    def _check_times(self) -> None:
        if self.rate is not None and not self.rate.to("Hz") > 0:
            raise ValueError(f"`rate: {self.rate}`: expected a rate above 0")
        unit = self.time_unit
        if unit is None:
            if self.rate is None:
                raise ValueError("when was each sample taken? Name `columns.time` (with its unit) or state `rate: 1 kHz`")
        elif unit != SAMPLES and unit not in PER_SECOND:
            raise ValueError(f"`units.time` is {self.units[TIME]!r}; it is one of {', '.join((*PER_SECOND, SAMPLES))}")
        elif unit == SAMPLES and self.rate is None:
            raise ValueError("`units.time: samples` needs the rate, e.g. `rate: 1 kHz`")

    def _check_scales(self) -> None:
        for key in ("conversions", "offsets"):
            for name, number in getattr(self, key).items():
                if name == TIME or self.units[name] == DIGITAL:
                    raise ValueError(f"`{key}.{name}`: only an analog channel has one")
                if not np.isfinite(number) or (key == "conversions" and number == 0):
                    raise ValueError(f"`{key}.{name}: {number}` makes nothing of what was recorded")

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, in the order stated."""
        return tuple(name for name in self.columns if name != TIME)

    @property
    def time_unit(self) -> str | None:
        """Unit of the times, None without them."""
        return self.units[TIME].translate(_MICRO) if TIME in self.columns else None

    @property
    def hertz(self) -> float | None:
        """The stated rate in samples per second."""
        return None if self.rate is None else self.rate.to("Hz")

    @property
    def ticks(self) -> float:
        """How many of the unit of ``time`` are a second."""
        unit = self.time_unit
        return float(self.hertz or 1.0) if unit == SAMPLES else PER_SECOND[unit or "s"]

    def is_digital(self, name: str) -> bool:
        """Whether a channel is a line of 0 and 1."""
        return self.units[name] == DIGITAL

    def channel(self, name: str, samples: LazyArray) -> Channel:
        """The channel of that name."""
        if self.is_digital(name):
            return Channel(name=name, kind="digital", unit="n.a.", samples=samples)
        return Channel(
            name=name,
            kind="analog",
            unit=self.units[name],
            samples=samples,
            conversion=self.conversions.get(name, 1.0),
            offset=self.offsets.get(name, 0.0),
        )


@dataclass(frozen=True, eq=False)
class Line:
    """Numbers that are all 0 or 1, as a digital line: uint8, shape (n_samples,).

    Attributes
    ----------
    samples : LazyArray
    where : str
        A phrase for messages: the file and the channel.
    """

    samples: LazyArray
    where: str

    @property
    def shape(self) -> tuple[int, ...]:
        return self.samples.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8)

    def __getitem__(self, block: slice, /) -> NDArray[np.uint8]:
        values = self.samples[block]
        is_line = (values == 0) | (values == 1)
        if not is_line.all():
            index = int(np.flatnonzero(~is_line)[0])
            number = block.indices(self.shape[0])[0] + index + 1
            raise SourceError(f"{self.where}: sample {number} is {values[index]}; a digital line is 0 or 1. State its unit instead")
        return values.astype(np.uint8)


def the_file(path: Path) -> Path:
    """The one file that a path names.

    Raises
    ------
    SourceError
        If there is none or there are several, or it is a folder or empty.
    """
    paths = expand(path)
    if len(paths) > 1:
        raise SourceError(f"{path.name}: {len(paths)} files; a recording is one file, name each as a source of its own")
    if paths[0].is_dir():
        raise SourceError(f"{paths[0].name}: a folder; name the file in it")
    if not paths[0].stat().st_size:
        raise SourceError(f"{paths[0].name}: the file is empty; was the recording aborted, or the copy?")
    return paths[0]


def pick(name: str, there: tuple[str, ...], *, where: str, what: str = "column") -> int:
    """Position of a name among those of a file.

    Raises
    ------
    SourceError
        If it is not there, or more than once; the message names the nearest.
    """
    meant = named(name, there)
    if meant is not None:
        return there.index(meant)
    if named(name, dict.fromkeys(there)) is not None:
        raise SourceError(f"{where}: more than one {what} {name!r}; which is meant cannot be told, give each a name of its own")
    near = get_close_matches(name, there, n=1, cutoff=0.5) or [one for one in there if one.lower() == name.lower()]
    hint = f" Is {near[0]!r} meant?" if near else ""
    known = ", ".join(one for one in there[:20] if one) + (f" and {len(there) - 20} more" if len(there) > 20 else "")
    raise SourceError(f"{where}: no {what} {name!r}; it has: {known or 'none'}.{hint}")
