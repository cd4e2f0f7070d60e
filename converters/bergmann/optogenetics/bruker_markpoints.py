"""Light pulses that Mark Points of PrairieView commanded (photostimulation, uncaging), from their XML.

The layout is not documented by Bruker; it is what public readers and writers of such files agree on (the uncaging module of acq4,
and scripts of several laboratories that read the delays as here). A series (``PVMarkPointSeriesElements``;
``PVSavedMarkPointSeriesElements`` where it was saved as a protocol) is done ``Iterations`` times, with ``IterationDelay`` between
the end of one and the start of the next. In each, a ``PVMarkPointElement`` waits for the ``InitialDelay`` of its
``PVGalvoPointElement`` and then gives ``Duration`` of light to its points, one after the other or all at once
(``AllPointsAtOnce``), ``Repetitions`` times, with ``InterPointDelay`` between the end of a pulse and the start of the next. Times
are in milliseconds. Tested on files that were made to this layout, not seen on a real one yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree.ElementTree import Element

import numpy as np

from bergmann.errors import SourceError
from bergmann.optogenetics._pulse_xml import count, milliseconds, number, read_root
from bergmann.records import LightPulses
from bergmann.registry import Format, Inputs, Source
from bergmann.texts import named
from bergmann.timing.times import ExplicitTimes

ROOTS = ("PVMarkPointSeriesElements", "PVSavedMarkPointSeriesElements")


class BrukerMarkPoints(Source):
    """Pulses that a Mark Points series commanded; nothing here recorded that they were given.

    Attributes
    ----------
    path : Path
        The XML file, such as ``TSeries-001_Cycle00001_MarkPoints.xml``.
    laser : str, optional
        Name of the laser as PrairieView has it, if the series uses several.
    """

    format: Literal["bruker_markpoints"] = "bruker_markpoints"
    path: Path
    laser: str | None = None


@dataclass(frozen=True)
class _Element:
    """One row of a series: `n_pulses` pulses of `width` seconds, `gap` seconds apart, `delay` seconds after the row began."""

    laser: str
    level: float
    delay: float
    width: float
    gap: float
    n_pulses: int

    @property
    def onsets(self) -> list[float]:
        return [self.delay + index * (self.width + self.gap) for index in range(self.n_pulses)]

    @property
    def seconds(self) -> float:
        """From the start of the row to the end of its last pulse."""
        return self.delay + self.n_pulses * self.width + (self.n_pulses - 1) * self.gap


def find(folder: Path) -> Iterable[BrukerMarkPoints]:  # noqa: ARG001
    """Nothing: what the light acted on, and whether it was recorded, too, only a person can say."""
    return ()


def read(source: BrukerMarkPoints, inputs: Inputs) -> LightPulses:  # noqa: ARG001
    """The pulses that were commanded, in seconds after the series began.

    Raises
    ------
    SourceError
        If the file is missing or is no Mark Points series; if a number is missing; if a row waits for a trigger, so
        that the file does not say when its pulses were; if several lasers are used and none is chosen.
    """
    file, root = read_root(source.path, ROOTS, "a Mark Points series of PrairieView")
    elements = [_element(file.name, index, one, root) for index, one in enumerate(root.findall("PVMarkPointElement"), start=1)]
    if not elements:
        raise SourceError(f"{file.name}: a Mark Points series without a row; state `absent: <reason>` if no light was given")
    laser = _choose_laser(file.name, elements, source.laser)
    iterations = count(root.get("Iterations"), f"{file.name}: Iterations")
    delay = milliseconds(root.get("IterationDelay", "0"), f"{file.name}: IterationDelay")
    rows = list(_rows(elements, iterations, delay, laser))
    if not rows:
        raise SourceError(f"{file.name}: its series is done {iterations} times, so no light was commanded")
    onsets, widths, levels = (np.array(values, dtype=np.float64) for values in zip(*rows, strict=True))
    return LightPulses(
        files=(file,),
        times=ExplicitTimes(onsets),
        durations=widths,
        command=levels,
        basis=f"commanded by Mark Points ({file.name}, laser {laser}, {len(elements)} rows, {iterations} iterations), not recorded",
    )


def _rows(elements: list[_Element], iterations: int, delay: float, laser: str) -> Iterator[tuple[float, float, float]]:
    """Onset, width and level of each pulse of a laser."""
    start = 0.0
    for _ in range(iterations):
        for one in elements:
            if one.laser == laser:
                yield from ((start + onset, one.width, one.level) for onset in one.onsets)
            start += one.seconds
        start += delay


def _choose_laser(file: str, elements: list[_Element], stated: str | None) -> str:
    lasers = list(dict.fromkeys(one.laser for one in elements))
    if stated is None:
        if len(lasers) > 1:
            raise SourceError(
                f"{file}: its rows use several lasers; make each a source of its own, with `laser:` one of: {', '.join(lasers)}"
            )
        return lasers[0]
    meant = named(stated, lasers)
    if meant is None:
        raise SourceError(f"{file}: no row uses a laser {stated!r}; it has: {', '.join(lasers)}")
    return meant


def _element(file: str, index: int, row: Element, root: Element) -> _Element:
    where = f"{file}, row {index}:"
    galvo = row.find("PVGalvoPointElement")
    if galvo is None:
        raise SourceError(f"{where} it has no points (PVGalvoPointElement)")
    _refuse_triggers(where, index, row)
    at_once = "true" in (galvo.get("AllPointsAtOnce", "").lower(), root.get("AllPointsAtOnce", "").lower())
    n_points = 1 if at_once else _count_points(where, galvo)
    width = milliseconds(galvo.get("Duration"), f"{where} Duration")
    if width <= 0:
        raise SourceError(f"{where} Duration is 0, so it gives no light")
    n_pulses = n_points * count(row.get("Repetitions"), f"{where} Repetitions")
    if not n_pulses:
        raise SourceError(f"{where} it has 0 points or repetitions, so it gives no light")
    return _Element(
        laser=row.get("UncagingLaser", "not named"),
        level=number(row.get("UncagingLaserPower"), f"{where} UncagingLaserPower"),
        delay=milliseconds(galvo.get("InitialDelay"), f"{where} InitialDelay"),
        width=width,
        gap=milliseconds(galvo.get("InterPointDelay"), f"{where} InterPointDelay"),
        n_pulses=n_pulses,
    )


def _refuse_triggers(where: str, index: int, row: Element) -> None:
    """Refuse a row whose pulses a trigger times; only the start of the first may be one, which is where time counts from."""
    frequency = row.get("TriggerFrequency", "None")
    if frequency == "None" or (index == 1 and frequency.startswith("First")):
        return
    raise SourceError(
        f"{where} it waits for a trigger (TriggerFrequency is {frequency}), so when its pulses were is not in this file. Use the "
        "recorded copy of the light, or of the trigger, as `format: channel`"
    )


def _count_points(where: str, galvo: Element) -> int:
    """How many points a row has: those that are listed, else those of its ``Indices`` (``1-4,7``)."""
    if listed := len(galvo.findall("Point")):
        return listed
    total = 0
    for part in galvo.get("Indices", "").split(","):
        first, _, last = (piece.strip() for piece in part.partition("-"))
        try:
            total += int(last or first) - int(first) + 1
        except ValueError:
            raise SourceError(f"{where} Indices are {galvo.get('Indices')!r}; expected numbers of points, such as 1-4") from None
    return total


FORMAT = Format(
    source=BrukerMarkPoints, record=LightPulses, label="light commanded by Mark Points of PrairieView", find=find, read=read
)
