"""What a person says of indicators, imaging planes and movies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, PositiveInt, model_validator

from bergmann.findings import Finding, Severity
from bergmann.records import Movie
from bergmann.registry import Entry
from bergmann.stated import Collections, Length, Names, Stated, Unknown

TOLERANCE = 0.01
"""By which fraction a stated number may differ from a found one before the two contradict: headers round to three digits."""


class Indicator(Stated):
    """What makes cells visible, such as GCaMP6f.

    Attributes
    ----------
    name : str
        What the literature calls it.
    vector : str, optional
        The entry of ``vectors`` that brought it in.
    label : str, optional
        What it is joined to, or how it is stained.
    description : str, optional
    """

    name: Annotated[str, Field(min_length=1)]
    vector: Annotated[str, Names("vectors")] | None = None
    label: str | None = None
    description: str | None = None


class PlaneChannel(Stated):
    """One detector of an imaging plane: what it shows, at which wavelength.

    Attributes
    ----------
    indicator : str, optional
        An entry of ``indicators``.
    label : str, optional
        What else is seen, such as ``mCherry``, or ``unknown``.
    emission : Length or "unknown"
        Middle of the band that reaches the detector.
    description : str, optional
    """

    indicator: Annotated[str, Names("indicators")] | None = None
    label: str | None = None
    emission: Length | Unknown
    description: str | None = None

    @model_validator(mode="after")
    def _shows_something(self) -> Self:
        if self.indicator is None and self.label is None:
            raise ValueError("say what the channel shows: `indicator: <name>`, `label: mCherry`, or `label: unknown`")
        return self


class Plane(Stated):
    """Where a microscope looked, and with what.

    Attributes
    ----------
    device : str
        An entry of ``devices``.
    population : str, optional
        The entry of ``populations`` that is seen.
    location : str
        Which part of the brain or spinal cord was looked at, such as ``V1``.
    excitation : Length or "unknown"
        Wavelength of the laser.
    channels : dict of int to PlaneChannel
        By the microscope's number, from 1.
    pixel_size : Length or pair of Length, optional
        Of a square pixel, or [height, width].
    plane_spacing : Length, optional
        Between the planes of a volume.
    reference_frame : str, optional
        From where coordinates count, such as ``bregma``.
    description : str, optional
    """

    device: Annotated[str, Names("devices")]
    population: Annotated[str, Names("populations")] | None = None
    location: Annotated[str, Field(min_length=1)]
    excitation: Length | Unknown
    channels: Annotated[dict[PositiveInt, PlaneChannel], Field(min_length=1)]
    pixel_size: Length | tuple[Length, Length] | None = None
    plane_spacing: Length | None = None
    reference_frame: str | None = None
    description: str | None = None

    @property
    def pixel_metres(self) -> tuple[float, float] | None:
        """Stated (height, width) of a pixel, in metres."""
        if self.pixel_size is None:
            return None
        height, width = self.pixel_size if isinstance(self.pixel_size, tuple) else (self.pixel_size, self.pixel_size)
        return height.to("m"), width.to("m")

    @property
    def spacing_metres(self) -> float | None:
        """Stated distance of planes, in metres."""
        return None if self.plane_spacing is None else self.plane_spacing.to("m")


class MovieStated(Stated):
    """What is said of a movie.

    Attributes
    ----------
    plane : str
        An entry of ``planes``.
    description : str, optional
    """

    plane: Annotated[str, Names("planes")]
    description: str | None = None


_NOTED: dict[str, tuple[Severity, str, str, str]] = {
    "planned": (
        "warning",
        "shorter than planned",
        "the header planned {}",
        "add the missing files, if the recording was not stopped early",
    ),
    "frames dropped while recording": (
        "warning",
        "dropped frames",
        "by their own numbers, {} frames were dropped while recording",
        "nothing is filled in: each frame that is there keeps its own time",
    ),
    "frames that PrairieView marks as not good": (
        "warning",
        "frames not good",
        "frames that PrairieView marks as not good: {}",
        "look at them; they are kept as they are",
    ),
    "files that the XML does not name": (
        "warning",
        "files left out",
        "TIFF files with the name of this recording that its XML does not name, and that are left out: {}",
        "look whether PrairieView was stopped before it had written the XML",
    ),
    "start not clear": (
        "note",
        "start not clear",
        "when it started is not clear: {}",
        "state its `clock` or `starts`, or the session's `start`",
    ),
    "date as written, taken with the month first": (
        "warning",
        "ambiguous date",
        "its date is written {}, and taken with the month first",
        "if the day stands first, state the session's `start`",
    ),
}
"""What a reader notes of a movie that a person should know: how grave, name of the check, what is said, what to do."""


def differs(stated: float, found: float) -> bool:
    """Whether a stated and a found number contradict."""
    return abs(stated - found) > TOLERANCE * abs(found)


def check_movie(entry: Entry[Movie, MovieStated], collections: Collections) -> Iterator[Finding]:
    """What contradicts between a movie's header and what is stated of it and its plane."""
    plane = collections.get("planes", {}).get(entry.stated.plane)
    if not isinstance(plane, Plane):
        return
    yield from _check_channels(entry, plane)
    yield from _check_spacing(entry, plane)
    for key, (severity, check, message, remedy) in _NOTED.items():
        said = entry.record.notes.get(key)
        if said is not None:
            yield Finding(severity=severity, check=check, location="path", message=message.format(said), remedy=remedy)


def _check_channels(entry: Entry[Movie, MovieStated], plane: Plane) -> Iterator[Finding]:
    found = {channel.number for channel in entry.record.channels}
    key = f"planes.{entry.stated.plane}.channels"
    known = ", ".join(str(number) for number in sorted(plane.channels))
    for number in sorted(found - plane.channels.keys()):
        yield Finding(
            severity="error",
            check="conflict",
            location="plane",
            message=f"the movie has channel {number}, which `{key}` does not state (it states {known})",
            remedy=f"add {number} to {key}",
        )
    for number in sorted(plane.channels.keys() - found):
        yield Finding(
            severity="warning",
            check="conflict",
            location="plane",
            message=f"`{key}.{number}` is stated, but the movie has no channel {number}",
            remedy="remove it from the plane if it was not recorded",
        )


def _check_spacing(entry: Entry[Movie, MovieStated], plane: Plane) -> Iterator[Finding]:
    movie = entry.record
    pairs: list[tuple[str, float, float]] = []
    if plane.pixel_metres is not None and movie.pixel_size is not None:
        pairs += zip(("pixel height", "pixel width"), plane.pixel_metres, movie.pixel_size, strict=True)
    if plane.spacing_metres is not None and movie.plane_spacing is not None:
        pairs.append(("plane spacing", plane.spacing_metres, movie.plane_spacing))
    for what, stated, found in pairs:
        if differs(stated, found):
            yield Finding(
                severity="error",
                check="conflict",
                location="plane",
                message=f"`planes.{entry.stated.plane}` states a {what} of {stated * 1e6:g} um, the header {found * 1e6:g} um",
                remedy="mend the stated one, or remove it to take the header's",
            )


def series_name(name: str, movie: Movie, number: int) -> str:
    """Name of the series of one channel: that of the source where it is the only one."""
    return f"{name}_ch{number}" if len(movie.channels) > 1 else name


def movie_names(entry: Entry[Movie, MovieStated]) -> Iterator[tuple[str, str]]:
    """The series of each channel."""
    for channel in entry.record.channels:
        yield "acquisition", series_name(entry.name, entry.record, channel.number)


STATED = {Movie: MovieStated}
NAMES = {Movie: movie_names}
COLLECTIONS = {"indicators": Indicator, "planes": Plane}
CHECKS = {Movie: check_movie}
