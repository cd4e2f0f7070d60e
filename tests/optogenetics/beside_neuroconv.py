"""The same light by NeuroConv's helper and by bergmann: ``python tests/optogenetics/beside_neuroconv.py`` prints the table of
`beside_neuroconv.md`.

NeuroConv's ``create_optogenetic_stimulation_timeseries`` takes onsets of trains, a duration, a rate, a width and a power. What it
makes is counted as the rises of its series from 0.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from neuroconv.tools.optogenetics import create_optogenetic_stimulation_timeseries

from bergmann.errors import SourceError
from bergmann.optogenetics._accounts import confirm_light
from bergmann.optogenetics.channel import LightChannel
from bergmann.optogenetics.channel import read as read_channel
from bergmann.optogenetics.pulse_table import PulseTable
from bergmann.optogenetics.pulse_table import read as read_table
from bergmann.optogenetics.stated import AccountStated, LightStated
from bergmann.optogenetics.stated_train import StatedTrain
from bergmann.optogenetics.stated_train import read as read_train
from bergmann.records import Channel, LightPulses, Recording
from bergmann.registry import Entry
from bergmann.timing.times import ExplicitTimes

RATE = 10_000.0
HEAD = "| case | NeuroConv | bergmann |\n|---|---|---|\n"


def theirs(onsets: Sequence[float]) -> str:
    """What NeuroConv's helper makes of trains of 0.29 s at 100 Hz with pulses of 2 ms."""
    times, power = create_optogenetic_stimulation_timeseries(
        stimulation_onset_times=np.array(onsets), duration=0.29, frequency=100.0, pulse_width=0.002, power=0.005
    )
    n_pulses = int(((power[1:] > 0) & (power[:-1] == 0)).sum())
    backwards = int((np.diff(times) < 0).sum())
    return f"{n_pulses} pulses" + (
        f"; times run backwards {backwards} time{'s' * (backwards > 1)}, without a word" if backwards else ""
    )


def sheet() -> LightPulses:
    """29 pulses of 2 ms at 100 Hz, as a person states them."""
    return read_train(StatedTrain.model_validate({"pulses": 29, "rate": "100 Hz", "width": "2 ms"}), {})


def recorded(onsets: Sequence[float]) -> LightPulses:
    """Pulses of 2 ms on a line of 10 kHz."""
    samples = np.zeros(round((max(onsets) + 1) * RATE), dtype=np.uint8)
    for onset in onsets:
        samples[round(onset * RATE) : round(onset * RATE) + 20] = 1
    recording = Recording(
        files=(Path("daq.h5"),),
        rate=RATE,
        sweep_starts=ExplicitTimes(np.zeros(1)),
        sweep_lengths=np.array([len(samples)]),
        channels=(Channel(name="Laser", kind="digital", unit="n.a.", samples=samples),),
    )
    return read_channel(LightChannel.model_validate({"of": "daq/Laser"}), {"of": recording})


def compared(onsets: Sequence[float]) -> str:
    """What is written of recorded pulses, and what is said where the sheet has others."""
    source = LightChannel.model_validate({"of": "daq/Laser"})
    light = Entry(name="light", record=recorded(onsets), stated=LightStated(site="lc"), source=source)
    found = confirm_light(light, Entry(name="sheet", record=sheet(), stated=AccountStated(), source=source), is_placed=False)
    assert isinstance(found.record, LightPulses)
    said = "; ".join(f"{one.severity}: {one.message}" for one in found.findings)
    return f"{len(found.record.times)} pulses" + (f"; {said}" if said else "")


def table_of(onsets: Sequence[float]) -> str:
    """What becomes of a pulse table with these onsets."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "pulses.csv"
        path.write_text("on\n" + "".join(f"{onset}\n" for onset in onsets), encoding="utf-8")
        keys = {"path": path, "columns": {"onset": "on"}, "units": {"onset": "s"}, "width": "2 ms"}
        try:
            return f"{len(read_table(PulseTable.model_validate(keys), {}).times)} pulses"
        except SourceError as error:
            return f"refused: {error}"


def rows() -> list[tuple[str, str, str]]:
    """Each case, and what both do."""
    train = [12.1 + index / 100 for index in range(29)]
    return [
        ("0.29 s at 100 Hz: 29 pulses", theirs([12.1]), f"{len(sheet().times)} pulses"),
        ("the same, and one pulse more at 13 s on the line", f"{theirs([12.1])}; the line is not read", compared([*train, 13.0])),
        (
            "the same, and the pulse at 12.29 s was lost",
            f"{theirs([12.1])}; the line is not read",
            compared(train[:19] + train[20:]),
        ),
        ("onsets that are not sorted: 20 s, then 12 s", theirs([20.0, 12.0]), table_of([20.0, 12.0])),
    ]


def main() -> None:
    sys.stdout.write(HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows()))


if __name__ == "__main__":
    main()
