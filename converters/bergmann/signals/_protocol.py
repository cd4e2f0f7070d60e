"""The protocol's table of epochs of an Axon file that pyabf has opened, as pulses."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.records import CommandPulses
from bergmann.signals._epochs import DigitalPattern, Epoch, Protocol, remarks
from bergmann.signals._names import distinct_names

EPISODIC = 5
N_DIGITAL = 16
"""Digital outputs that the patterns of an epoch have bits for."""


@dataclass(frozen=True)
class Patterns:
    """What an epoch does to the digital outputs in even and (if alternating) odd sweeps."""

    even: DigitalPattern = field(default_factory=DigitalPattern)
    odd: DigitalPattern = field(default_factory=DigitalPattern)


@dataclass(frozen=True)
class Output:
    """An analog output that plays epochs."""

    number: int
    name: str
    unit: str
    holding: float
    keeps_last_level: bool
    epochs: tuple[Epoch, ...]


@dataclass(frozen=True)
class Table:
    """The epochs of a protocol.

    Attributes
    ----------
    outputs : tuple of Output
        Analog outputs that play epochs.
    timing : tuple of Epoch
        The epochs whose durations, periods and widths the digital outputs follow.
    digital : mapping of int to Patterns
        By number of the epoch; empty if the digital outputs are off.
    alternates : bool
        Whether odd sweeps have patterns of their own.
    holding : int
        Digital outputs that rest high.
    active_high : bool
        Whether pulses of a digital train are high.
    remarks : tuple of str
        What the protocol plays that is not epochs.
    """

    outputs: tuple[Output, ...]
    timing: tuple[Epoch, ...]
    digital: dict[int, Patterns]
    alternates: bool
    holding: int
    active_high: bool
    remarks: tuple[str, ...]


def command_pulses(
    abf: Any, path: Path, rate: float, starts: NDArray[np.float64], n_samples: int
) -> tuple[tuple[CommandPulses, ...], str]:
    """The pulses that a protocol commands, and what of it is not among them.

    Parameters
    ----------
    abf : pyabf.ABF
    path : Path
        The file, for fields that pyabf does not read.
    rate : float
        Samples per second.
    starts : np.ndarray, shape (n_sweeps,)
        When each sweep began, in seconds.
    n_samples : int
        Of each sweep.

    Returns
    -------
    pulses : tuple of CommandPulses
    left_out : str
        Empty if everything is among the pulses.
    """
    if abf.nOperationMode != EPISODIC:
        return (), ""
    if any(abf.userListEnable or ()):
        return (), "a user list varies the protocol from sweep to sweep; its commands are not listed"
    if abf.abfVersion["major"] == 1 and round(abf._headerV1.fFileVersionNumber, 2) < 1.6:
        return (), "files before ABF 1.6 do not hold the whole table of epochs; its commands are not listed"
    table = _table_of_abf1(abf, path) if abf.abfVersion["major"] == 1 else _table_of_abf2(abf, path)
    protocol = Protocol(n_samples, rate, starts)
    pulses = [pulse for one in table.outputs for pulse in protocol.analog(one.name, one.unit, one.epochs, one.holding)]
    left_out = [*table.remarks]
    for one in table.outputs:
        left_out += remarks(one.name, one.epochs, uses_train=lambda _: False)
        if one.keeps_last_level:
            left_out.append(f"{one.name}: keeps its last level until the next sweep")
    for bit in range(N_DIGITAL):
        found, said = _digital(protocol, table, bit)
        pulses += found
        left_out += said
    return tuple(pulses), "; ".join(left_out)


def _digital(protocol: Protocol, table: Table, bit: int) -> tuple[list[CommandPulses], list[str]]:
    patterns = [pattern for one in table.digital.values() for pattern in ((one.even, one.odd) if table.alternates else (one.even,))]
    trains = any(pattern.train >> bit & 1 for pattern in patterns)
    if not trains and not any(pattern.high >> bit & 1 for pattern in patterns):
        return [], []
    if table.holding >> bit & 1 or (trains and not table.active_high):
        return [], [f"digital {bit}: its pulses are low, and are not listed"]

    def pattern_of(epoch: Epoch, sweep: int) -> DigitalPattern:
        found = table.digital.get(epoch.number, Patterns())
        return found.odd if table.alternates and sweep % 2 else found.even

    def has_train(epoch: Epoch) -> bool:
        return any(pattern_of(epoch, sweep).train >> bit & 1 for sweep in (0, 1))

    followed = [epoch for epoch in table.timing if has_train(epoch)]
    said = [one for one in remarks(f"digital {bit}", followed, uses_train=has_train) if "train" in one or "period" in one]
    return protocol.digital(bit, table.timing, pattern_of), said


def _outputs(
    dac: Any, names: list[str], units: list[str], holding: list[float], epochs_of: Callable[[int], tuple[Epoch, ...]]
) -> tuple[tuple[Output, ...], tuple[str, ...]]:
    """The analog outputs that play epochs, and a remark on those that play a file."""
    distinct = distinct_names([name or f"DAC {number}" for number, name in enumerate(names)])
    outputs, said = [], []
    for number, enabled in enumerate(dac.nWaveformEnable):
        if enabled and dac.nWaveformSource[number] == 1:
            kept = bool(dac.nInterEpisodeLevel[number])
            unit = units[number] or "unknown"
            outputs.append(Output(number, distinct[number], unit, holding[number], kept, epochs_of(number)))
        elif enabled and dac.nWaveformSource[number] == 2:
            said.append(f"{distinct[number]}: plays a stimulus file, which is not read")
    return tuple(outputs), tuple(said)


def _table_of_abf2(abf: Any, path: Path) -> Table:
    section, dac, protocol = abf._epochPerDacSection, abf._dacSection, abf._protocolSection
    strings = abf._stringsSection._indexedStrings

    def epochs_of(number: int) -> tuple[Epoch, ...]:
        rows = [row for row, of in enumerate(section.nDACNum) if of == number]
        return tuple(
            Epoch(
                number=section.nEpochNum[row],
                kind=section.nEpochType[row],
                level=section.fEpochInitLevel[row],
                level_step=section.fEpochLevelInc[row],
                duration=section.lEpochInitDuration[row],
                duration_step=section.lEpochDurationInc[row],
                period=section.lEpochPulsePeriod[row],
                width=section.lEpochPulseWidth[row],
            )
            for row in sorted(rows, key=lambda row: section.nEpochNum[row])
        )

    names = [strings[index] for index in dac.lDACChannelNameIndex]
    units = [strings[index] for index in dac.lDACChannelUnitsIndex]
    outputs, said = _outputs(dac, names, units, list(dac.fDACHoldingLevel), epochs_of)
    return Table(
        outputs=outputs,
        timing=epochs_of(protocol.nActiveDACChannel),
        digital=dict(_patterns_of_abf2(abf._epochSection, path)) if protocol.nDigitalEnable else {},
        alternates=bool(protocol.nAlternateDigitalOutputState),
        holding=protocol.nDigitalHolding,
        active_high=bool(protocol.nDigitalTrainActiveLogic),
        remarks=said,
    )


def _patterns_of_abf2(section: Any, path: Path) -> Iterator[tuple[int, Patterns]]:
    """The digital patterns of each epoch.

    pyabf reads the outputs that are high throughout and not those that carry a train. An entry of the section is: number of the
    epoch, outputs high, outputs with the train, and both again for alternate sweeps, 16 bits each (``ABF_EpochInfo`` of the ABF 2
    file format).
    """
    with path.open("rb") as file:
        for entry in range(section._entryCount):
            file.seek(section._byteStart + entry * section._entrySize)
            number, high, train, other_high, other_train = struct.unpack("<hHHHH", file.read(10))
            yield number, Patterns(DigitalPattern(high, train), DigitalPattern(other_high, other_train))


def _table_of_abf1(abf: Any, path: Path) -> Table:
    """The table of an ABF 1 file (1.6 and newer): 10 epochs for each of 2 outputs.

    pyabf does not read the periods and widths of trains (bytes 2136 and 2216, 20 long integers each) and the digital trains (byte
    2668, 10 short integers; byte 2688: active high): the ABF 1.8 file format.
    """
    header = abf._headerV1
    with path.open("rb") as file:
        start = file.read(2690)
    periods, widths = struct.unpack_from("<20i", start, 2136), struct.unpack_from("<20i", start, 2216)
    trains, active_high = struct.unpack_from("<10H", start, 2668), struct.unpack_from("<h", start, 2688)[0]
    has_trains = round(header.fFileVersionNumber, 2) >= 1.8

    def epochs_of(number: int) -> tuple[Epoch, ...]:
        return tuple(
            Epoch(
                number=row % 10,
                kind=header.nEpochType[row],
                level=header.fEpochInitLevel[row],
                level_step=header.fEpochLevelInc[row],
                duration=header.lEpochInitDuration[row],
                duration_step=header.lEpochDurationInc[row],
                period=periods[row] if has_trains else 0,
                width=widths[row] if has_trains else 0,
            )
            for row in range(10 * number, 10 * number + 10)
        )

    names, units = ([text.strip("\0 ") for text in texts] for texts in (header.sDACChannelName, header.sDACChannelUnit))
    outputs, said = _outputs(header, names, units, _holding_of_abf1(start), epochs_of)
    digital = {
        number: Patterns(DigitalPattern(high & 0xFFFF, trains[number] if has_trains else 0))
        for number, high in enumerate(header.nDigitalValue)
    }
    return Table(
        outputs=outputs,
        timing=epochs_of(header.nActiveDACChannel) if header.nActiveDACChannel in (0, 1) else (),
        digital=digital if header.nDigitalEnable else {},
        alternates=False,
        holding=header.nDigitalHolding,
        active_high=bool(active_high),
        remarks=said,
    )


def _holding_of_abf1(start: bytes) -> list[float]:
    """Holding levels of the 4 outputs (``fDACHoldingLevel``, byte 1394; pyabf gives the epochs' levels in its place)."""
    return list(struct.unpack_from("<4f", start, 1394))
