"""The same clocks by NeuroConv and by bergmann: ``python tests/timing/beside_neuroconv.py`` prints the table of
`beside_neuroconv.md`.

A device takes 100 samples a second and sends a pulse each second, which a DAQ records at 1 kHz. It was started 3 s after the DAQ,
and its clock runs 60 ppm slow. NeuroConv is told the pulses by both clocks, bergmann reads the line. What is called is what
NeuroConv's interfaces hold as ``interface.alignment``: those that have one need packages of their own.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from neuroconv._temporal_alignment import _TemporalAlignment
from numpy.typing import NDArray

from bergmann.convert.align import put_on_clock
from bergmann.convert.beyond import limited
from bergmann.errors import SourceError
from bergmann.plan.frame_clock import fit_line
from bergmann.records import Channel, Recording, Trace, TraceColumn
from bergmann.stated import Ref
from bergmann.timing.times import ExplicitTimes, RegularTimes, Times

HEAD = "| case | NeuroConv | bergmann |\n|---|---|---|\n"

Floats = NDArray[np.float64]

PULSES = np.arange(60.0)
"""When the device sent its pulses, by its own clock."""


def truth(own: Floats) -> Floats:
    """When something was by the clock of the DAQ."""
    return 3 + own * (1 + 60e-6)


def sampled(times: Floats) -> Floats:
    """When a DAQ of 1 kHz sees an edge."""
    return np.ceil(times * 1000) / 1000


def samples(start: float, stop: float) -> RegularTimes:
    """Samples of the device, by its own clock."""
    return RegularTimes(start, 100.0, round((stop - start) * 100) + 1)


def theirs(times: Floats, sent: Floats, seen: Floats) -> str:
    """What NeuroConv makes of the samples' times."""
    alignment = _TemporalAlignment()
    series = alignment._register_series(key="signal", get_native_times=lambda: times)
    try:
        alignment.remap_times(local_sync_times=sent, reference_sync_times=seen)
    except ValueError as error:
        return f"refused: {str(error).partition(':')[0]}"
    return _judged(times, series.get_times(), "timestamps")


def ours(times: Times, seen: Floats, sent: Floats = PULSES) -> str:
    """What bergmann makes of them."""
    line = np.zeros(70_000, dtype=np.uint8)
    for onset in seen:
        line[round(onset * 1000) : round(onset * 1000) + 20] = 1
    daq = Recording(
        files=(Path("daq.h5"),),
        rate=1000.0,
        sweep_starts=ExplicitTimes(np.zeros(1)),
        sweep_lengths=np.array([len(line)]),
        channels=(Channel(name="Sync", kind="digital", unit="n.a.", samples=line),),
    )
    try:
        column = TraceColumn(name="signal", unit="V", values=np.zeros(len(times)), source="signal")
        record = Trace(files=(Path("a.ppd"),), columns=(column,), times=times, ticks=ExplicitTimes(sent))
        fit = fit_line(ExplicitTimes(sent), "device", daq, Ref("daq", "Sync"))
        fit = limited(fit, record, source="device", stated=None)
    except SourceError as error:
        return f"refused: {str(error).partition('; ')[0]}"
    placed = put_on_clock(record, fit)
    how = "starting_time and rate" if isinstance(placed.times, RegularTimes) else "timestamps"
    count = fit.outside.n_before + fit.outside.n_after
    marked = f"; {count} samples marked as extrapolated" if count else ""
    return _judged(times.seconds, placed.times.seconds, how) + marked


def _judged(own: Floats, made: Floats, how: str) -> str:
    """How far times are from the truth, and whether they are times at all."""
    off = float(np.abs(made - truth(own)).max())
    said = f"{how}, at most {off * 1e3:.1f} ms off" if off < 0.1 else f"{how}, up to {off:.1f} s off, without a word"
    steps = np.diff(made)
    if (steps < 0).any():
        said += "; they run backwards"
    elif (steps == 0).any():
        said += f"; {_at_shared_times(made)} samples share a time with others"
    return said


def _at_shared_times(made: Floats) -> int:
    _, counts = np.unique(made, return_counts=True)
    return int(counts[counts > 1].sum())


def rows() -> list[tuple[str, str, str]]:
    """Each case, and what both do."""
    seen = sampled(truth(PULSES))
    inside, near, far = samples(0, 59), samples(-0.5, 59.9), samples(-5, 64)
    lost, more = np.delete(seen, 30), np.sort(np.append(seen, 20.5))
    backwards = np.array([1.0, 3.0, 2.0])
    return [
        ("60 pulses, all samples between them", theirs(inside.seconds, PULSES, seen), ours(inside, seen)),
        ("the DAQ missed one pulse", theirs(inside.seconds, PULSES, lost), ours(inside, lost)),
        ("one pulse more on the line", theirs(inside.seconds, PULSES, more), ours(inside, more)),
        (
            "samples from 0.5 s before the first pulse to 0.9 s behind the last",
            theirs(near.seconds, PULSES, seen),
            ours(near, seen),
        ),
        ("samples from 5 s before the first pulse to 5 s behind the last", theirs(far.seconds, PULSES, seen), ours(far, seen)),
        ("times of samples that run backwards: 1 s, 3 s, 2 s", theirs(backwards, PULSES, seen), _refused(backwards)),
    ]


def _refused(times: Floats) -> str:
    try:
        return ours(ExplicitTimes(times), sampled(truth(PULSES)))
    except SourceError as error:
        return f"refused: {error}"


def main() -> None:
    sys.stdout.write(HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows()))


if __name__ == "__main__":
    main()
