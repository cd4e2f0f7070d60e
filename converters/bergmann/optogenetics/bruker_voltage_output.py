"""Light pulses that a Voltage Output of PrairieView commanded, from its XML.

The layout is not documented by Bruker; it is what public readers of such files agree on. An ``Experiment`` has a ``Waveform`` for
each output, with its ``Name``, ``Enabled``, ``Units`` and ``UnitScaleFactor``, and in it a ``WaveformComponent_PulseTrain``:
``FirstPulseDelay``, then ``PulseCount`` pulses of ``PulseWidth`` with ``PulseSpacing`` from the end of one to the start of the next
(0.3 and 49.7 where 20 Hz were wanted), done ``Repetitions`` times with ``DelayBetweenReps`` between. Each pulse is
``PulsePotentialDelta`` higher than the one before. Times are in milliseconds. Tested on files that were made to this layout, not
seen on a real one yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.optogenetics._pulse_xml import count, milliseconds, number, read_root
from bergmann.optogenetics._trains import Trains
from bergmann.records import LightPulses
from bergmann.registry import Format, Inputs, Source
from bergmann.texts import named
from bergmann.timing.times import ExplicitTimes

_TRAIN = "WaveformComponent_PulseTrain"


class BrukerVoltageOutput(Source):
    """Pulses that an output of PrairieView commanded; nothing here recorded that they were given.

    Attributes
    ----------
    path : Path
        The XML file, such as ``TSeries-001_Cycle00001_VoltageOutput_001.xml``.
    output : str, optional
        Name of the output, if several are enabled.
    """

    format: Literal["bruker_voltage_output"] = "bruker_voltage_output"
    path: Path
    output: str | None = None


def find(folder: Path) -> Iterable[BrukerVoltageOutput]:  # noqa: ARG001
    """Nothing: which output drove light, only a person can say."""
    return ()


def read(source: BrukerVoltageOutput, inputs: Inputs) -> LightPulses:  # noqa: ARG001
    """The pulses that were commanded, in seconds after the output began.

    Raises
    ------
    SourceError
        If the file is missing or is no Voltage Output; if a number is missing; if no output is enabled, or several and none is
        chosen; if the waveform is anything but one train of pulses.
    """
    file, root = read_root(source.path, ("Experiment",), "a Voltage Output of PrairieView")
    name, waveform = _choose(file.name, root, source.output)
    where = f"{file.name}, output {name}:"
    component = _component(where, waveform)
    trains = _trains(where, component)
    levels, unit, rest = _levels(where, waveform, component, trains)
    lit = levels != rest
    if not lit.any():
        raise SourceError(f"{where} none of its {len(levels)} pulses leaves the resting level; state `absent: <reason>` if so")
    return LightPulses(
        files=(file,),
        times=ExplicitTimes(trains.onsets[lit]),
        durations=np.full(int(lit.sum()), trains.width),
        command=levels[lit],
        command_unit=unit,
        basis=f"commanded on the output {name} ({file.name}), not recorded: {trains}",
    )


def _choose(file: str, root: Element, stated: str | None) -> tuple[str, Element]:
    there = root.findall("Waveform")
    names = [one.findtext("Name", "").strip() or f"output {index}" for index, one in enumerate(there, start=1)]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise SourceError(
            f"{file}: two outputs are called {twice}, so that none can be chosen; rename one of them in a copy of the file"
        )
    waveforms = dict(zip(names, there, strict=True))
    enabled = {name: one for name, one in waveforms.items() if one.findtext("Enabled", "").strip().lower() == "true"}
    if not enabled:
        raise SourceError(f"{file}: no output is enabled ({', '.join(waveforms) or 'it has none'}), so nothing was commanded")
    if stated is None:
        if len(enabled) > 1:
            raise SourceError(f"{file}: several outputs are enabled; choose with `output:` one of: {', '.join(enabled)}")
        return next(iter(enabled.items()))
    meant = named(stated, enabled)
    if meant is None:
        off = f" ({stated} is there and not enabled)" if named(stated, waveforms) is not None else ""
        raise SourceError(f"{file}: no enabled output {stated!r}{off}; enabled: {', '.join(enabled)}")
    return meant, enabled[meant]


def _component(where: str, waveform: Element) -> Element:
    """The only train of an output: how PrairieView puts several one after another is not published."""
    components = [one for one in waveform if one.tag.startswith("WaveformComponent")]
    if len(components) != 1 or components[0].tag != _TRAIN:
        kinds = ", ".join(one.tag.removeprefix("WaveformComponent_") for one in components) or "none"
        raise SourceError(
            f"{where} its waveform has the components {kinds}; only one train of pulses is read. Use the recorded copy of "
            "the command as `format: channel`"
        )
    return components[0]


def _trains(where: str, component: Element) -> Trains:
    delay, width, gap, between = (
        milliseconds(component.findtext(tag), f"{where} {tag}")
        for tag in ("FirstPulseDelay", "PulseWidth", "PulseSpacing", "DelayBetweenReps")
    )
    pulses, repetitions = (count(component.findtext(tag), f"{where} {tag}") for tag in ("PulseCount", "Repetitions"))
    if not pulses or not repetitions or width <= 0:
        raise SourceError(f"{where} {pulses} pulses of {width * 1000:g} ms, {repetitions} times, are no light")
    one = delay + pulses * width + (pulses - 1) * gap
    return Trains(pulses=pulses, width=width, period=width + gap, trains=repetitions, interval=one + between, start=delay)


def _levels(where: str, waveform: Element, component: Element, trains: Trains) -> tuple[NDArray[np.float64], str, float]:
    """Level of each pulse, its unit, and the level at rest."""
    scale = number(waveform.findtext("UnitScaleFactor", "1"), f"{where} UnitScaleFactor")
    first, step, rest = (
        number(component.findtext(tag), f"{where} {tag}") * scale
        for tag in ("PulsePotentialStart", "PulsePotentialDelta", "RestPotential")
    )
    levels = np.tile(first + step * np.arange(trains.pulses), trains.trains)
    return levels, waveform.findtext("Units", "").strip(), rest


FORMAT = Format(
    source=BrukerVoltageOutput, record=LightPulses, label="light commanded by a Voltage Output of PrairieView", find=find, read=read
)
