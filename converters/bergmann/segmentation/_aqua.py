"""What results and feature tables of AQuA and AQuA2 have in common, and how they become events on the movie's clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from bergmann.errors import SourceError
from bergmann.matlab import Cell
from bergmann.records import FOOTPRINT, EventFeature, Footprints, GlialEvents, Movie
from bergmann.registry import Inputs, Source
from bergmann.segmentation._aqua_features import AMPLITUDE, AREA, DISTANCE, Feature, Numbers
from bergmann.stated import Duration, Length, Ref
from bergmann.timing.times import RegularTimes, Times, times_at

TOLERANCE = 0.01
"""How much, of its value, what the program was told may differ from the movie: people type rounded numbers."""


@dataclass(frozen=True)
class Program:
    """AQuA or AQuA2.

    Attributes
    ----------
    name : str
    axes : int
        Of the shape of the movie that a result states.
    pixels : str
        Where a result keeps the pixels of each event, under ``fts.loc``.
    perimeter : str
        What a feature table calls the perimeter; no other program does.
    """

    name: str
    axes: int
    pixels: str
    perimeter: str


class AquaSource(Source):
    """Events that AQuA or AQuA2 found.

    Attributes
    ----------
    path : Path
        The result (``.mat``), or a table of features (``.csv``, ``.xlsx``).
    of : Ref[Movie], optional
        The movie that it was run on, whose frame times the events take; a table needs it.
    begins_at_frame : int
        Frame of the movie, counted from 1, at which the run began; for a run on a part of the movie.
    frame_interval : Duration, optional
        What the program was told of the time between frames, e.g. ``0.5 s``; a table needs it, a result says it.
    pixel_size : Length, optional
        What the program was told of the side of a pixel, e.g. ``0.5 um``; a table needs it, a result says it.
    scale : {"as exported", "movie"}
        Whether lengths, areas and durations stay as the program gave them, or are multiplied to the movie's pixels and frames.
    footprints : {"as exported", "none"}
        Whether the pixels of the events are read.
    """

    path: Path
    of: Ref[Movie] | None = None
    begins_at_frame: int | None = Field(None, ge=1)
    frame_interval: Duration | None = None
    pixel_size: Length | None = None
    scale: Literal["as exported", "movie"] = "as exported"
    footprints: Literal["as exported", "none"] = "as exported"

    @model_validator(mode="after")
    def _has_its_movie(self) -> AquaSource:
        for key, is_said in (("scale: movie", self.scale == "movie"), ("begins_at_frame", self.begins_at_frame is not None)):
            if is_said and self.of is None:
                raise ValueError(f"`{key}` needs the movie that the program was run on: `of: movie`")
        return self


@dataclass(frozen=True, kw_only=True, eq=False)
class Export:
    """What a result or a table says, in the program's own counting.

    Attributes
    ----------
    path : Path
    program : Program
    numbers : np.ndarray, shape (n_events,)
        Which event of the run each is, from 1.
    first, last : np.ndarray, shape (n_events,)
        First and last frame of each, from 1.
    peak : np.ndarray, shape (n_events,), optional
        Frame of the largest dF/F, from 1.
    interval : float
        Seconds from frame to frame, as the program was told.
    pixel_um : float
        Side of a pixel in micrometres, as the program was told.
    values : list of (Feature, np.ndarray)
    columns : tuple of EventFeature
        What else there is of each event.
    n_frames : int, optional
        Of the run.
    shape : tuple of int, optional
        (height, width) of the images that it was run on, borders cut off.
    gap : int
        Pixels that were cut off at each border.
    is_registered : bool
        Whether the program registered the movie, which may cut off more.
    is_warped : bool
        Whether the pixels were warped to another session's.
    pixels : Cell, optional
        Pixels of each, counted down the columns from 1, in the images with the borders cut off.
    notes : mapping
    """

    path: Path
    program: Program
    numbers: NDArray[np.int64]
    first: Numbers
    last: Numbers
    peak: Numbers | None = None
    interval: float
    pixel_um: float
    values: list[tuple[Feature, Numbers]]
    columns: tuple[EventFeature, ...] = ()
    n_frames: int | None = None
    shape: tuple[int, int] | None = None
    gap: int = 0
    is_registered: bool = False
    is_warped: bool = False
    pixels: Cell | None = None
    notes: Mapping[str, str] = field(default_factory=dict)


def events_of(export: Export, source: AquaSource, inputs: Inputs) -> GlialEvents:
    """The events on the movie's clock; without a movie on a clock that starts at 0, at the rate that the program was told.

    Raises
    ------
    SourceError
        If frames or pixels are not in the movie, or if where the pixels lie in its frames cannot be told.
    """
    movie = inputs.get("of")
    movie = movie if isinstance(movie, Movie) else None
    if movie is not None and len(movie.channels[0].frames.shape) != 3:
        raise SourceError(f"{export.path.name}: `of` is a movie of volumes; name the movie of the plane that was analysed")
    _refuse_frames(export, movie, source)
    times, shift = _times(export, movie), (source.begins_at_frame or 1) - 1 - (movie.before if movie is not None else 0)
    onsets = times_at(times, export.first - 1 + shift)
    found = {feature.column: (feature, values) for feature, values in _scaled(export, source, movie)}
    amplitude, area, distance = (found.pop(name, None) for name in (AMPLITUDE, AREA, DISTANCE))
    return GlialEvents(
        files=(export.path,),
        notes=_notes(export, source, distance and distance[0]),
        onsets=onsets,
        durations=times_at(times, export.last + shift) - onsets,
        peaks=None if export.peak is None else _peaks(times, export.peak - 1 + shift),
        amplitudes=amplitude and amplitude[1],
        amplitude_unit=amplitude and "dF/F",
        areas_um2=area and area[1],
        distances_um=distance and distance[1],
        features=(
            EventFeature(
                name="event_number",
                values=export.numbers,
                description=f"Number of the event in the run of {export.program.name}, from 1.",
            ),
            *export.columns,
            *(_column(export, one, values) for one, values in found.values()),
        ),
        footprints=_footprints(export, source, movie, area and area[0]),
        pixel_size_um=_pixel_um(export, source, movie),
        run=_run(export),
        conflicts=tuple(_conflicts(export, source, movie)),
        basis=f"found by {export.program.name} ({export.path.name})",
    )


def _column(export: Export, feature: Feature, values: Numbers) -> EventFeature:
    return EventFeature(name=feature.column, values=values, description=feature.said(export.program.name))


def _run(export: Export) -> tuple[int, tuple[int, int]] | None:
    """Frames and their size before the borders were cut off, if nothing else was."""
    if export.n_frames is None or export.shape is None:
        return None
    height, width = export.shape
    return export.n_frames, (height + 2 * export.gap, width + 2 * export.gap)


# --- frames -----------------------------------------------------------------------------------------------------------


def _refuse_frames(export: Export, movie: Movie | None, source: AquaSource) -> None:
    """Raise for frames that are none, and for a run on other frames than the movie's."""
    name, program = export.path.name, export.program.name
    n_frames = export.n_frames
    for what, frames in (("begins", export.first), ("ends", export.last)):
        wrong = np.flatnonzero(~(frames >= 1) | (frames != np.round(frames)) | (frames > (n_frames or np.inf)))
        if len(wrong):
            index, of = int(wrong[0]), "" if n_frames is None else f" of {n_frames}"
            raise SourceError(f"{name}: event {export.numbers[index]} {what} at frame {frames[index]:g}{of}; is the file damaged?")
    if (export.last < export.first).any():
        index = int(np.flatnonzero(export.last < export.first)[0])
        raise SourceError(f"{name}: event {export.numbers[index]} ends before it begins; is the file damaged?")
    if movie is None:
        return
    there, begins = len(movie.times) if movie.used is None else movie.used.of, source.begins_at_frame
    needed = (begins or 1) - 1 + int(n_frames if n_frames is not None else export.last.max(initial=0))
    if needed > there or (begins is None and n_frames not in {None, there}):
        said = f"{n_frames} frames" if n_frames is not None else f"events until frame {int(export.last.max())}"
        raise SourceError(
            f"{name}: {program} has {said}{f' from frame {begins}' if begins else ''}, and the movie {movie.files[0].name} has "
            f"{there}; "
            "if it was run on a part of the movie, state the first frame of that part, counted from 1, as `begins_at_frame`; "
            "a run over several recordings is not read yet"
        )
    _refuse_unused(export, movie, (begins or 1) - 1)


def _refuse_unused(export: Export, movie: Movie, shift: int) -> None:
    """Raise for events in frames of the movie that are stated not to be used."""
    used = movie.used
    if used is None:
        return
    wrong = np.flatnonzero((export.first + shift < used.first) | (export.last + shift > used.last))
    if len(wrong):
        index = int(wrong[0])
        raise SourceError(
            f"{export.path.name}: event {export.numbers[index]} (frames {export.first[index] + shift:g} to "
            f"{export.last[index] + shift:g}) and {len(wrong) - 1} more are not within the {used} that are used of the movie; run "
            f"{export.program.name} on these alone, and state `begins_at_frame: {used.first}`"
        )


def _times(export: Export, movie: Movie | None) -> Times:
    if movie is not None:
        return movie.times
    return RegularTimes(0.0, 1 / export.interval, export.n_frames or int(export.last.max(initial=1)))


def _peaks(times: Times, frames: Numbers) -> Numbers:
    """When each peak was; NaN stays NaN."""
    known = np.isfinite(frames)
    peaks = np.full(len(frames), np.nan)
    peaks[known] = times_at(times, frames[known])
    return peaks


# --- what the program was told ----------------------------------------------------------------------------------------


def _ratios(export: Export, movie: Movie) -> tuple[float, float | None]:
    """The movie's frame interval and side of a pixel over what the program was told; None where the movie does not say."""
    interval = movie.times.interval / export.interval
    if movie.pixel_size is None:
        return interval, None
    height, width = (metres * 1e6 for metres in movie.pixel_size)
    return interval, float(np.sqrt(height * width)) / export.pixel_um


def _is_square(movie: Movie) -> bool:
    return movie.pixel_size is None or abs(movie.pixel_size[0] / movie.pixel_size[1] - 1) <= TOLERANCE


def _conflicts(export: Export, source: AquaSource, movie: Movie | None) -> Iterator[tuple[str, str]]:
    """What the program was told otherwise than the movie says."""
    if movie is None or source.scale == "movie":
        return
    name, program = export.path.name, export.program.name
    remedy = f"run {program} again with the movie's value, or state `scale: movie` to have its numbers multiplied to it"
    interval, pixel = _ratios(export, movie)
    if abs(interval - 1) > TOLERANCE:
        found = f"{export.interval:g} s from frame to frame, and the movie's frames are {movie.times.interval:.4g} s apart"
        yield f"{name}: {program} was told {found}; its durations are off by that", remedy
    if pixel is not None and (abs(pixel - 1) > TOLERANCE or not _is_square(movie)):
        height, width = (metres * 1e6 for metres in movie.pixel_size or ())
        found = f"pixels of {export.pixel_um:g} um, and the movie's are {height:.4g} x {width:.4g} um"
        yield f"{name}: {program} was told {found}; its lengths and areas are off by that", remedy


def _scaled(export: Export, source: AquaSource, movie: Movie | None) -> Iterator[tuple[Feature, Numbers]]:
    """The features as exported, or multiplied to the movie's frames and pixels."""
    if source.scale != "movie" or movie is None:
        yield from export.values
        return
    interval, pixel = _ratios(export, movie)
    if pixel is None or not _is_square(movie):
        why = "does not say the size of its pixels" if pixel is None else "has pixels that are not square"
        raise SourceError(f"{export.path.name}: `scale: movie`, and the movie {movie.files[0].name} {why}; leave `scale` out")
    factors = {"": 1.0, "s": interval, "um": pixel, "um2": pixel**2}
    for feature, values in export.values:
        yield feature, values * factors[feature.unit]


def _pixel_um(export: Export, source: AquaSource, movie: Movie | None) -> float:
    if source.scale == "movie" and movie is not None:
        return export.pixel_um * (_ratios(export, movie)[1] or 1.0)
    return export.pixel_um


def _notes(export: Export, source: AquaSource, distance: Feature | None) -> dict[str, str]:
    notes = {"software": export.program.name, **export.notes}
    notes["told to it"] = f"{export.interval:g} s from frame to frame, pixels of {export.pixel_um:g} um"
    if source.scale == "movie":
        notes["scale"] = "lengths, areas and durations were multiplied to the movie's pixels and frames"
    if export.peak is not None:
        notes["peak_time"] = "where dF/F without the other events is largest (dffMaxFrame)"
    if distance is not None:
        notes["propagation_distance_in_um"] = distance.meaning
    if export.is_registered:
        notes["registration"] = f"{export.program.name} registered the movie before, by shifts that it does not keep"
    return notes


# --- pixels -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class AquaFootprints:
    """The pixels of each event in the frame of the whole movie, each with the weight 1.

    Attributes
    ----------
    export : Export
    areas : np.ndarray, shape (n_events,), optional
        In um2 as exported; the pixels must cover them.
    """

    export: Export
    areas: Numbers | None

    def __len__(self) -> int:
        return len(self.export.numbers)

    def __iter__(self) -> Iterator[NDArray[np.void]]:
        export = self.export
        if export.pixels is None or export.shape is None:
            return
        wanted = {number - 1: row for row, number in enumerate(export.numbers.tolist())}
        for index, pixels in enumerate(export.pixels):
            if index in wanted:
                yield self._footprint(pixels, wanted[index])

    def _footprint(self, pixels: NDArray[Any], row: int) -> NDArray[np.void]:
        """The pixels of an event: MATLAB counts from 1, down each column of the image and then the next."""
        export = self.export
        height, width = export.shape or (0, 0)
        where = f"{export.path.name}: event {export.numbers[row]}"
        index = np.asarray(pixels, dtype=np.float64) - 1
        if not len(index) or (index != np.round(index)).any() or index.min() < 0 or index.max() >= height * width:
            raise SourceError(f"{where} has pixels that are not in its images of {height} x {width}; is the file damaged?")
        if self.areas is not None and abs(len(index) * export.pixel_um**2 - self.areas[row]) > 1e-3 * self.areas[row]:
            raise SourceError(
                f"{where} has {len(index)} pixels of {export.pixel_um:g} um and an area of {self.areas[row]:g} um2, which do not "
                "belong together; was a setting changed without extracting the features again?"
            )
        found = np.empty(len(index), dtype=FOOTPRINT)
        found["x"], found["y"], found["weight"] = index // height + export.gap, index % height + export.gap, 1
        return found


def _footprints(export: Export, source: AquaSource, movie: Movie | None, area: Feature | None) -> Footprints | None:
    """The pixels, if they were exported and where they lie is known.

    Raises
    ------
    SourceError
        If the images are not the movie's frames with the borders cut off.
    """
    if source.footprints == "none" or export.pixels is None or export.shape is None:
        return None
    name, program, gap = export.path.name, export.program.name, export.gap
    way_out = "state `footprints: none` to convert the events without their pixels"
    if export.is_warped:
        raise SourceError(f"{name}: its pixels were warped to those of another session (multi-session registration); {way_out}")
    height, width = export.shape
    if movie is None:
        if export.is_registered:
            raise SourceError(f"{name}: {program} registered the movie, which may cut its images; name it as `of`, or {way_out}")
    else:
        frame = tuple(movie.channels[0].frames.shape[-2:])
        if frame != (height + 2 * gap, width + 2 * gap):
            why = (
                f"{program} registered the movie and cut off more on some side, which it does not keep"
                if export.is_registered and frame[0] >= height + 2 * gap and frame[1] >= width + 2 * gap
                else "is `of` the movie that it was run on?"
            )
            raise SourceError(
                f"{name}: images of {height} x {width} with {gap} pixels cut off at each border, and the movie's frames are "
                f"{frame[0]} x {frame[1]}: {why} If so, {way_out}"
            )
    areas = next((values for feature, values in export.values if feature is area), None)
    return AquaFootprints(export, areas)
