"""pyPhotometry recordings (.ppd): a header in JSON, and samples whose lowest bit is a digital input.

The layout is that of pyPhotometry's published source, versions 0.2 to 1.1 (``tools/data_import.py``, ``GUI/acquisition_board.py``,
``uPy/photometry_upy.py``): two bytes with the length of the header, the header, then ``uint16`` values, little-endian, one signal
after the other in each sample. The upper 15 bits are counts of the analog signal; bit 0 is the digital input of the same number.
From 1.1 on, a pulsed mode stores two values a signal, with its LED on and off; before, the board stored their difference.

No kept package reads these files. Data that were lost between board and computer are zeros in the file, as pyPhotometry itself
puts them there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError

from bergmann.errors import SourceError
from bergmann.records import Channel, Recording
from bergmann.registry import Format, Inputs, Source, natural_order
from bergmann.signals._one_file import one_file
from bergmann.timing.times import ExplicitTimes

STORED = np.dtype("<u2")
PULSED = ("pulsed", "time div")
"""In the name of a mode whose LEDs are on in turns (``2EX_2EM_pulsed``; ``2 colour time div.`` before 1.0)."""


class PyPhotometrySource(Source):
    """A recording of pyPhotometry, one .ppd file.

    Attributes
    ----------
    path : Path
    signal : int, optional
        Use this signal alone, with the digital input of its number, at the times at which a pulsed mode took it; without it, all
        of a sample are at the time of its first signal.
    """

    format: Literal["pyphotometry"] = "pyphotometry"
    path: Path
    signal: PositiveInt | None = None


class Header(BaseModel):
    """What the header says; versions before 1.0 have two signals and two inputs, and do not say so."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    sampling_rate: PositiveFloat
    volts_per_division: list[float] = Field(min_length=1)
    mode: str
    version: str | float
    date_time: str = ""
    n_analog_signals: PositiveInt = 2
    n_digital_signals: int = Field(2, ge=0)

    @property
    def is_pulsed(self) -> bool:
        """Whether the signals of a sample were taken one after the other."""
        return any(word in self.mode for word in PULSED)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The version as it is compared: ``(1, 1, 0)``."""
        return tuple(int(number) for number in re.findall(r"\d+", str(self.version)))

    @property
    def values_a_signal(self) -> int:
        """Stored values of a signal in each sample: two where the LED was on and off for each."""
        return 2 if self.is_pulsed and self.numbers >= (1, 1) else 1

    @property
    def values_a_sample(self) -> int:
        """Stored values of all signals in each sample."""
        return self.values_a_signal * self.n_analog_signals

    @property
    def lag(self) -> float:
        """Seconds from one signal of a sample to the next: a pulsed mode takes them in turns, at a steady rate."""
        return 1 / (self.sampling_rate * self.n_analog_signals) if self.is_pulsed else 0.0

    def volts(self, signal: int) -> float:
        """Volts per count of a signal, counted from 0: that of its photoreceiver, of which there are two, and in some modes one."""
        receiver = 0 if re.search(r"_1EM_|^1 colour", self.mode) else signal % 2
        return self.volts_per_division[min(receiver, len(self.volts_per_division) - 1)]


@dataclass(frozen=True, eq=False)
class Values:
    """Stored values of one place in each sample, shape (n_samples,), uint16.

    Attributes
    ----------
    path : Path
    first_byte : int
        Where the samples begin.
    n_samples, n_places, place : int
    """

    path: Path
    first_byte: int
    n_samples: int
    n_places: int
    place: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n_samples,)

    def read(self, block: slice) -> NDArray[np.uint16]:
        """The values of a block as they are stored."""
        start, stop, _ = block.indices(self.n_samples)
        n_values = max(stop - start, 0) * self.n_places
        first = self.first_byte + start * self.n_places * STORED.itemsize
        values = np.fromfile(self.path, dtype=STORED, count=n_values, offset=first)
        if len(values) != n_values:
            raise SourceError(f"{self.path.name}: {len(values)} values from sample {start} on, expected {n_values}; was it cut?")
        return values[self.place :: self.n_places].astype(np.uint16)


@dataclass(frozen=True, eq=False)
class Counts(Values):
    """The analog counts: the upper 15 bits."""

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint16)

    def __getitem__(self, block: slice, /) -> NDArray[np.uint16]:
        return self.read(block) >> np.uint16(1)


@dataclass(frozen=True, eq=False)
class Input(Values):
    """The digital input: bit 0, as 0 or 1."""

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8)

    def __getitem__(self, block: slice, /) -> NDArray[np.uint8]:
        return (self.read(block) & np.uint16(1)).astype(np.uint8)


def find(folder: Path) -> Iterator[PyPhotometrySource]:
    """Find the files of pyPhotometry in a folder and the folders below, by their headers."""
    for path in sorted(folder.rglob("*.[pP][pP][dD]"), key=natural_order):
        if path.is_file():
            try:
                _header(path)
            except (SourceError, OSError):
                continue
            yield PyPhotometrySource(path=path)


def read(source: PyPhotometrySource, inputs: Inputs) -> Recording:  # noqa: ARG001
    """Read the header of a recording; samples stay in the file, as counts.

    Channels are called as pyPhotometry's own reader calls them: ``analog_1``, ``digital_1``, ...; where the file has a signal with
    its LED on and off, ``analog_1_raw_LED_on`` and ``analog_1_raw_baseline``, from which that reader computes ``analog_1``.

    Raises
    ------
    SourceError
        If the file is missing, not of pyPhotometry, without samples or cut, or has no such signal.
    """
    path = one_file(source.path)
    header, first_byte = _header(path)
    n_samples = _n_samples(path, header, first_byte)
    signals = range(header.n_analog_signals)
    if source.signal is not None and source.signal - 1 not in signals:
        raise SourceError(f"{path.name}: there is no signal {source.signal}; it has signals 1 to {len(signals)}")
    chosen = [signal for signal in signals if source.signal in (None, signal + 1)]
    values = [Values(path, first_byte, n_samples, header.values_a_sample, place) for place in range(header.values_a_sample)]
    return Recording(
        files=(path,),
        start=_start(path, header),
        notes=_notes(header, source),
        rate=header.sampling_rate,
        sweep_starts=ExplicitTimes(np.array([chosen[0] * header.lag])),
        sweep_lengths=np.array([n_samples], dtype=np.int64),
        channels=(*_analog(header, chosen, values), *_digital(header, chosen, values)),
    )


def _header(path: Path) -> tuple[Header, int]:
    """The header, and where the samples begin."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(2), "little")
        text = file.read(length)
    expected = "expected a file of pyPhotometry, which begins with the length of its header and the header as JSON"
    if len(text) < max(length, 1):
        raise SourceError(f"{path.name}: {len(text)} bytes where a header of {length} should be; {expected}. Is it empty or cut?")
    try:
        header = Header.model_validate(json.loads(text))
    except ValidationError as error:
        fields = ", ".join(sorted({str(one["loc"][0]) for one in error.errors() if one["loc"]})) or "its form"
        raise SourceError(f"{path.name}: its header is not as pyPhotometry writes it ({fields}); {expected}") from error
    except ValueError as error:
        raise SourceError(f"{path.name}: it does not begin as it should; {expected}. Is it another file, renamed?") from error
    if not header.numbers or header.n_digital_signals > header.n_analog_signals:
        raise SourceError(f"{path.name}: its header says version {header.version!r}, {header.n_digital_signals} inputs; {expected}")
    return header, 2 + length


def _n_samples(path: Path, header: Header, first_byte: int) -> int:
    n_bytes, a_sample = path.stat().st_size - first_byte, STORED.itemsize * header.values_a_sample
    if not n_bytes:
        raise SourceError(f"{path.name}: no samples behind its header; was the recording aborted?")
    if n_bytes % a_sample:
        raise SourceError(
            f"{path.name}: {n_bytes} bytes of samples, and a sample of {header.n_analog_signals} signals has {a_sample}; the last "
            "is not whole, the file was cut, copy it again"
        )
    return n_bytes // a_sample


def _analog(header: Header, chosen: list[int], values: list[Values]) -> Iterator[Channel]:
    for signal in chosen:
        name = f"analog_{signal + 1}"
        names = (name,) if header.values_a_signal == 1 else (f"{name}_raw_LED_on", f"{name}_raw_baseline")
        for place, one in enumerate(names, start=signal * header.values_a_signal):
            counts = Counts(**vars(values[place]))
            yield Channel(name=one, kind="analog", unit="V", samples=counts, conversion=header.volts(signal))


def _digital(header: Header, chosen: list[int], values: list[Values]) -> Iterator[Channel]:
    for signal in chosen:
        if signal < header.n_digital_signals:
            line = Input(**vars(values[signal * header.values_a_signal]))
            yield Channel(name=f"digital_{signal + 1}", kind="digital", unit="n.a.", samples=line)


def _start(path: Path, header: Header) -> datetime | None:
    """The computer's local time when the file was opened."""
    if not header.date_time:
        return None
    try:
        return datetime.fromisoformat(header.date_time)
    except ValueError as error:
        raise SourceError(
            f"{path.name}: its header says it began at {header.date_time!r}; expected a time as 2024-05-17T10:30:57"
        ) from error


def _notes(header: Header, source: PyPhotometrySource) -> dict[str, str]:
    notes = {"software": f"pyPhotometry {header.version}", "mode": header.mode}
    said = header.model_extra or {}
    if current := said.get("LED_current"):
        notes["LED current in mA"] = ", ".join(map(str, current)) if isinstance(current, list) else str(current)
    if header.lag and source.signal is None and header.n_analog_signals > 1:
        notes["times"] = (
            f"those of signal 1; each next signal, with its digital input, was taken {1e3 * header.lag:.4g} ms later "
            "(`signal: 2` gives one at its own times)"
        )
    return notes


FORMAT = Format(source=PyPhotometrySource, record=Recording, label="pyPhotometry .ppd", find=find, read=read)
