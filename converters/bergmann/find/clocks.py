"""Which recorded line ticked for which frames: pulses are counted, and only an exact count is proposed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bergmann.errors import SourceError
from bergmann.find.headers import Header
from bergmann.find.text import n_of
from bergmann.pulses import recorded_pulses
from bergmann.records import Channel, Movie, Recording
from bergmann.timing.bursts import find_bursts

MOST_SAMPLES = 100_000_000
"""Samples of all channels of a recording whose pulses are counted here."""

FEWEST = 20
"""Fewer pulses than this prove nothing by their number."""

RATES_AGREE = 0.05
"""By which share the rate of the pulses may differ from that which a microscope's files say."""

NEAR = 0.02
"""By which share a count is off that is worth a word."""


@dataclass(frozen=True)
class Line:
    """A channel with pulses.

    Attributes
    ----------
    recording : str
        Name of its source.
    channel : str
    count : int
    rate : float or None
        Mean rate from the first to the last pulse, in Hz.
    length : float or None
        Median duration of a pulse, in seconds; None where only their beginnings are stored.
    levels : tuple of float
        Lowest and highest level of a pulse.
    unit : str
    n_faint : int
        Stretches that may be weaker pulses.
    threshold : float or None
        Level above which these pulses are, where the line has more than two levels; a person must state it then.
    bursts : tuple of int
        Pulses of each of its bursts, which long pauses part.
    """

    recording: str
    channel: str
    count: int
    rate: float | None
    length: float | None
    levels: tuple[float, float]
    unit: str
    n_faint: int
    threshold: float | None = None
    bursts: tuple[int, ...] = ()

    @property
    def ref(self) -> str:
        """``daq/FrameClock``."""
        return f"{self.recording}/{self.channel}"

    @property
    def text(self) -> str:
        """``19,200 pulses at 32.0 Hz``."""
        rate = f" at {self.rate:.4g} Hz" if self.rate is not None else ""
        return f"{n_of(self.count, 'pulse')}{rate}"


@dataclass(frozen=True)
class Clock:
    """What can be said of the clock of a source.

    Attributes
    ----------
    line : Line or None
        The line that ticks for it, if exactly one has as many pulses as it has frames.
    comment : str
        The evidence, or what was near.
    """

    line: Line | None
    comment: str


def count_lines(recordings: Mapping[str, Header]) -> tuple[tuple[Line, ...], tuple[str, ...]]:
    """Count the pulses on every channel.

    Parameters
    ----------
    recordings : mapping of str to Header
        By name of the source.

    Returns
    -------
    lines : tuple of Line
        The channels that have pulses.
    uncounted : tuple of str
        Recordings that are too large to be read through here.
    """
    lines: list[Line] = []
    uncounted: list[str] = []
    for name, header in recordings.items():
        record = header.record
        if not isinstance(record, Recording):
            continue
        if int(record.sweep_lengths.sum()) * len(record.channels) > MOST_SAMPLES:
            uncounted.append(name)
            continue
        of_one_thing = [one.name for one in record.channels] + [one.name for one in record.lines if not one.has_kinds]
        lines += [line for channel in of_one_thing if (line := _line(name, record, channel)) is not None]
    return tuple(lines), tuple(uncounted)


def _line(name: str, recording: Recording, channel: str) -> Line | None:
    threshold = None
    try:
        pulses = recorded_pulses(recording, channel)
    except SourceError:  # no two levels: noise, or a command of several
        levels = _excursions(recording.channel(channel))
        if levels is None:
            return None
        threshold, hysteresis = levels
        pulses = recorded_pulses(recording, channel, threshold=threshold, hysteresis=hysteresis)
    if not len(pulses):
        return None
    times = pulses.times.seconds
    span = float(times[-1] - times[0])
    return Line(
        recording=name,
        channel=channel,
        count=len(pulses),
        rate=(len(pulses) - 1) / span if span > 0 else None,
        length=float(np.median(pulses.durations)) if pulses.has_ends else None,
        levels=(float(pulses.levels.min()), float(pulses.levels.max())),
        unit="" if pulses.unit == "n.a." else pulses.unit,
        n_faint=pulses.n_faint,
        threshold=threshold,
        bursts=tuple(len(burst) for burst in find_bursts(times)),
    )


def _excursions(channel: Channel) -> tuple[float, float] | None:
    """Threshold and hysteresis for a line that rests at its lowest level most of the time; None for any other.

    Such is a command of several levels. Noise or a slow signal is seldom within a fortieth of its range from its median.
    """
    if channel.unit != "V":  # a command is in volts; what a patch or a photodiode shows is a signal
        return None
    n_samples = channel.samples.shape[0]
    spread = [channel.values(start, min(start + _BLOCK, n_samples)) for start in range(0, n_samples, _BLOCK)]
    if not spread:
        return None
    rest = float(np.median(np.concatenate([block[::_EVERY] for block in spread])))
    low, high = min(float(block.min()) for block in spread), max(float(block.max()) for block in spread)
    reach = high - low
    if not np.isfinite(reach) or reach <= 0:
        return None
    n_resting = sum(int((np.abs(block - rest) < reach / 40).sum()) for block in spread)
    if n_resting < n_samples / 2 or rest - low > reach / 10:
        return None
    return rest + reach / 10, reach / 20


_BLOCK = 1 << 20
_EVERY = 7  # of the samples that the median is taken of


def clock_of(name: str, header: Header, lines: Sequence[Line], uncounted: Sequence[str]) -> Clock:
    """Which line ticked for the frames of a source.

    Parameters
    ----------
    name : str
    header : Header
    lines : sequence of Line
    uncounted : sequence of str
        Recordings whose pulses are not known.
    """
    lines = [line for line in lines if line.threshold is None]
    asked = "the recorded channel whose pulses tick for its frames, as daq/FrameClock; or `starts:` in place of `clock:`"
    if header.ticks is None:
        return Clock(None, f"{asked}. Its frames were not counted; {_listed(lines)}")
    exact = [line for line in lines if line.count == header.ticks and line.count >= FEWEST]
    fitting = [line for line in exact if _rates_agree(header, line)]
    frames = n_of(header.ticks, "frame")
    if len(fitting) == 1:
        return Clock(fitting[0], f"{fitting[0].text} = frames of {name}")
    if fitting:
        return Clock(
            None, f"one of: {', '.join(line.ref for line in fitting)}; each has {header.ticks:,} pulses, as many as frames"
        )
    if exact:
        odd = ", ".join(f"{line.ref} has {line.text}" for line in exact)
        return Clock(None, f"{asked}. {odd}, as many as frames, but its files say {header.rate or 0:.5g} Hz")
    if seen := [said for line in lines for said in _parts_that_fit(header, line, header.ticks)]:
        return Clock(None, f"{asked}. No line has {header.ticks:,} pulses for its {frames}, but {'; '.join(seen[:3])}")
    near = [line for line in lines if abs(line.count - header.ticks) <= max(NEAR * header.ticks, 2) and line.count >= FEWEST]
    if near:
        said = ", ".join(f"{line.ref} has {n_of(line.count, 'pulse')} ({line.count - header.ticks:+,})" for line in near)
        return Clock(None, f"{asked}. No line has {header.ticks:,} pulses for its {frames}; near: {said}")
    unknown = f" (not counted: {', '.join(uncounted)})" if uncounted else ""
    return Clock(None, f"{asked}. It has {frames}{unknown}; {_listed(lines)}")


def _parts_that_fit(header: Header, line: Line, ticks: int) -> Iterator[str]:
    """What of a line has as many pulses as frames: one of its bursts, or every second (third, fourth) pulse."""
    if ticks < FEWEST:
        return
    for number, count in enumerate(line.bursts, start=1):
        if count == ticks and len(line.bursts) > 1:
            yield f"burst {number} of {len(line.bursts)} on {line.ref} has: then `clock: {line.ref}` and `burst: {number}`"
    times, rest = divmod(line.count, ticks)
    if times in (2, 3, 4) and not rest and _rates_agree(header, replace(line, rate=line.rate and line.rate / times)):
        yield f"{line.ref} has {times} times as many: if all are of it, `clock: {line.ref}` and `pulses_per_frame: {times}`"


def _rates_agree(header: Header, line: Line) -> bool:
    """A microscope knows its rate; the container of a video often does not."""
    if header.rate is None or line.rate is None or not issubclass(header.found.format.record, Movie):
        return True
    return abs(line.rate - header.rate) <= RATES_AGREE * header.rate


def _listed(lines: Sequence[Line]) -> str:
    if not lines:
        return "no recorded channel has pulses"
    return "pulses: " + ", ".join(f"{line.ref} {line.count:,}" for line in lines[:8])
