"""The result file of AQuA and AQuA2: the structure ``res`` with settings, events and features.

Fields of ``res`` (``+ui/+proj/saveExp.m`` and ``aqua_cmd_batch.m`` of both): AQuA (commit 3c1e398) has ``evt`` and ``fts``; AQuA2
(commit 7294980) has ``evt1``, ``fts1`` and the same with 2 for a second channel, ``gloEvt1`` and ``ftsGlo1`` for global events.
Of ``opts`` both have ``frameRate`` (seconds from frame to frame, in spite of its name), ``spatialRes`` (micrometres a pixel),
``regMaskGap`` (pixels cut off at each border, ``+burst/prep1.m``) and ``sz`` (shape of what was left: height, width, [planes,]
frames); AQuA2 has ``registrateCorrect`` (1: none), too. Frames and pixels count from 1, pixels down the columns of the image. An
event that the program emptied has no pixel and zeros for features.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.matlab import Struct
from bergmann.records import EventFeature
from bergmann.segmentation._aqua import AquaSource, Export, Program
from bergmann.segmentation._aqua_features import Feature, Numbers, features, field_at, landmarks_in_result
from bergmann.stated import Quantity

NOT_CONVERTED = {
    "datOrg": "the copy of the movie",
    "dF": "dF of the movie",
    "dffMat": "dF/F curves",
    "dMat": "fluorescence curves",
    "riseLst": "rising maps",
    "bd": "drawn regions and landmarks",
    "cfuInfo": "functional units",
}
"""What else a result holds, by the beginning of the field's name."""


@dataclass(frozen=True)
class Fields:
    """Names of the fields of ``res`` for one channel and kind of event.

    Attributes
    ----------
    events, features : str
        Cells with the pixels and frames of each event; the structure of features.
    selected, favourites : str, optional
        Numbers of the events that the person kept or marked.
    """

    events: str
    features: str
    selected: str | None = None
    favourites: str | None = None


def read_result(path: Path, res: Struct, program: Program, fields: Fields, source: AquaSource) -> Export:
    """What a result says of its events.

    Raises
    ------
    SourceError
        If it has no events or settings, is of volumes, or contradicts itself or what is stated.
    """
    name = path.name
    opts, fts = res.struct("opts"), res.struct(fields.features)
    if opts is None:
        raise SourceError(f"{name}: no settings (res.opts); is it a result that {program.name} saved?")
    shape = _shape(name, program, opts)
    if fts is None or fts.struct("curve") is None:
        raise SourceError(
            f"{name}: no features (res.{fields.features}); {program.name} found no event there, or its features were not extracted"
        )
    is_event = _are_events(res, fields, fts)
    reading = _Reading(name, fts, is_event)
    numbers = np.flatnonzero(is_event) + 1
    there = features(program.perimeter, landmarks_in_result(fts))
    values = [(one, picked) for one in there if one.path and (picked := reading.feature(one)) is not None]
    first, last = reading.needed("curve.tBegin"), reading.needed("curve.tEnd")
    interval = _told(name, opts, "frameRate", "frame_interval", source.frame_interval, "s")
    _refuse_other_interval(name, interval, last - first + 1, reading.of("curve.duration"))
    location = fts.struct("loc")
    pixels = location.cell(program.pixels) if location is not None else None
    if pixels is not None and len(pixels) < int(numbers.max(initial=0)):
        raise SourceError(f"{name}: pixels of {len(pixels)} events, and there is an event {numbers.max()}; is the file damaged?")
    return Export(
        path=path,
        program=program,
        numbers=numbers,
        first=first,
        last=last,
        peak=reading.of("curve.dffMaxFrame"),
        interval=interval,
        pixel_um=_told(name, opts, "spatialRes", "pixel_size", source.pixel_size, "um"),
        values=[(one, picked) for one, picked in values if np.isfinite(picked).any()],
        columns=tuple(_marked(name, res, fields, numbers)),
        n_frames=shape[-1],
        shape=shape[:2],
        gap=_gap(name, opts),
        is_registered=_number(opts, "registrateCorrect", 1.0) != 1,
        is_warped="dffAlignedMat1" in res.names(),
        pixels=pixels,
        notes=_notes(res, fts, there, values, is_event),
    )


def _shape(name: str, program: Program, opts: Struct) -> tuple[int, int, int]:
    """(height, width, frames) of the run.

    Raises
    ------
    SourceError
        If it is not said, or of volumes.
    """
    found = opts.array("sz")
    sizes = () if found is None else tuple(int(size) for size in found.ravel())
    if len(sizes) != program.axes or min(sizes) < 1:
        raise SourceError(
            f"{name}: its images are of the shape {sizes} (res.opts.sz); expected {program.axes} numbers; is it {program.name}'s?"
        )
    if program.axes == 4 and sizes[2] != 1:
        raise SourceError(f"{name}: events in volumes of {sizes[2]} planes; only those of single planes are read yet")
    return sizes[0], sizes[1], sizes[-1]


def _number(opts: Struct, key: str, otherwise: float) -> float:
    found = opts.array(key)
    return otherwise if found is None else float(found.ravel()[0])


def _gap(name: str, opts: Struct) -> int:
    gap = _number(opts, "regMaskGap", np.nan)
    if not gap >= 0 or gap != round(gap):
        raise SourceError(f"{name}: does not say how many pixels were cut off at the borders (res.opts.regMaskGap is {gap:g})")
    return int(gap)


def _told(name: str, opts: Struct, key: str, stated_key: str, quantity: Quantity | None, unit: str) -> float:
    """A setting, which what is stated must not contradict."""
    told = _number(opts, key, np.nan)
    stated = None if quantity is None else quantity.to(unit)
    if stated is not None and np.isfinite(told) and abs(stated / told - 1) > 1e-6:
        raise SourceError(
            f"{name}: says {told:g} (res.opts.{key}), and `{stated_key}` is stated as {stated:g}; leave `{stated_key}` out"
        )
    value = told if np.isfinite(told) else stated
    if value is None or not value > 0:
        raise SourceError(f"{name}: does not say its {stated_key.replace('_', ' ')} (res.opts.{key}); state `{stated_key}`")
    return value


def _refuse_other_interval(name: str, interval: float, frames: Numbers, durations: Numbers | None) -> None:
    """Raise if the durations were made with another time between frames than the settings say."""
    if durations is None:
        return
    wrong = np.flatnonzero(np.abs(durations - frames * interval) > 1e-3 * frames * interval)
    if len(wrong):
        index = int(wrong[0])
        raise SourceError(
            f"{name}: an event of {frames[index]:g} frames lasts {durations[index]:g} s, and there are {interval:g} s from frame "
            "to frame (res.opts.frameRate): they do not belong together; was a setting changed after the features were extracted?"
        )


def _are_events(res: Struct, fields: Fields, fts: Struct) -> NDArray[np.bool_]:
    """Which of the program's events have pixels, in its order."""
    events = res.cell(fields.events)
    if events is not None:
        return ~events.are_empty()
    begins = field_at(fts, "curve.tBegin")
    return np.zeros(0, dtype=bool) if begins is None else begins.ravel() > 0


@dataclass(frozen=True, eq=False)
class _Reading:
    """Fields of ``fts``, of the events only."""

    name: str
    fts: Struct
    is_event: NDArray[np.bool_]

    def _events_of(self, values: Numbers, path: str) -> Numbers:
        """MATLAB ends an array at the last event that it was set for."""
        last = int(np.flatnonzero(self.is_event).max(initial=-1))
        if not last < len(values) <= len(self.is_event):
            raise SourceError(
                f"{self.name}: {len(values)} values of fts.{path} for {len(self.is_event)} events; is the file damaged, or were "
                "events changed without extracting the features again?"
            )
        return np.asarray(values[self.is_event[: len(values)]], dtype=np.float64)

    def of(self, path: str) -> Numbers | None:
        """One number of each event."""
        found = field_at(self.fts, path)
        return None if found is None else self._events_of(found.ravel(), path)

    def needed(self, path: str) -> Numbers:
        """One number of each event, which must be there."""
        found = self.of(path)
        if found is None:
            if self.is_event.any():
                raise SourceError(f"{self.name}: no fts.{path}; without it, when the events were is not known")
            return np.zeros(0)
        return found

    def feature(self, feature: Feature) -> Numbers | None:
        """A feature of each event; None if the result has it not."""
        found = field_at(self.fts, feature.path)
        if found is None:
            return None
        try:
            picked = feature.pick(found)
        except IndexError:  # a direction or landmark that it has not
            return None
        return self._events_of(picked, feature.path)


def _marked(name: str, res: Struct, fields: Fields, numbers: NDArray[np.int64]) -> Iterator[EventFeature]:
    """Which events the person kept by filters, and which were marked."""
    for column, key, meaning in (
        ("is_selected", fields.selected, "Whether the event passed the filters that were set"),
        ("is_favourite", fields.favourites, "Whether the event was marked as a favourite"),
    ):
        if key is None or key not in res.names():
            continue
        listed = res.array(key)
        chosen = np.zeros(0) if listed is None else listed.ravel()
        if len(chosen) and not np.isin(chosen, np.arange(1, 1 + max(int(numbers.max(initial=0)), len(numbers)))).all():
            raise SourceError(f"{name}: res.{key} lists an event that is not there; is the file damaged?")
        if column == "is_selected" or len(chosen):
            yield EventFeature(name=column, values=np.isin(numbers, chosen), description=f"{meaning} (res.{key}).")


def _notes(
    res: Struct, fts: Struct, there: tuple[Feature, ...], values: list[tuple[Feature, Numbers]], is_event: NDArray[np.bool_]
) -> dict[str, str]:
    """What is not written, and why."""
    notes = {}
    emptied = int((~is_event).sum())
    if emptied:
        notes["events left out"] = f"{emptied} that have neither pixels nor frames"
    without = [one.path for one, picked in values if not np.isfinite(picked).any()]
    if without:
        notes["without a value in any event"] = ", ".join(without)
    taken = {*(one.path for one in there), "curve.tBegin", "curve.tEnd", "curve.dffMaxFrame", "curve.duration"}
    others = [
        f"{group}.{name}"
        for group in ("basic", "curve", "propagation", "network", "networkAll")
        if (inner := fts.struct(group)) is not None
        for name in inner.names()
        if f"{group}.{name}" not in taken
    ]
    kept = [f"{what} ({key}*)" for key, what in NOT_CONVERTED.items() if any(name.startswith(key) for name in res.names())]
    notes["not converted"] = ", ".join([*kept, *(f"fts.{name}" for name in others)])
    return notes
