"""Imaging planes and movies to NWB objects.

Indicators are not written here: an imaging plane takes their names, and the receptors room writes them as objects, with the vectors
that they come from.
"""

from __future__ import annotations

from collections.abc import Mapping

from pynwb import NWBFile
from pynwb.ophys import ImagingPlane, OpticalChannel, TwoPhotonSeries

from bergmann.arrays import NwbOrder
from bergmann.errors import SourceError
from bergmann.imaging.stated import MovieStated, Plane, PlaneChannel, differs, series_name
from bergmann.records import Movie, MovieChannel
from bergmann.registry import Entry, Placed
from bergmann.stand_ins import NO_UNIT, NOT_KNOWN, NOT_STATED
from bergmann.stated import Length, Unknown
from bergmann.timing.times import time_arguments


def add_planes(nwbfile: NWBFile, planes: Mapping[str, Plane], placed: Placed) -> None:
    """Add an imaging plane for each stated one, with an optical channel for each of its channels.

    ``imaging_rate`` is left out: the rate is with the series (NWB schema). A wavelength that the lab does not know is NaN,
    since the schema requires a number, and the description says so.
    """
    for name, plane in planes.items():
        made = nwbfile.create_imaging_plane(
            name=name,
            optical_channel=[_optical_channel(number, channel, placed) for number, channel in sorted(plane.channels.items())],
            description=_plane_description(plane),
            device=placed.get("devices", plane.device),
            excitation_lambda=_nanometres(plane.excitation),
            indicator=", ".join(dict.fromkeys(_shown(channel, placed) for _, channel in sorted(plane.channels.items()))),
            location=plane.location,
            reference_frame=plane.reference_frame,
            grid_spacing=_grid_spacing(plane.pixel_metres, plane.spacing_metres),
            grid_spacing_unit="meters",
        )
        placed.put("planes", name, made)


def _optical_channel(number: int, channel: PlaneChannel, placed: Placed) -> OpticalChannel:
    said = channel.description or f"Channel {number} of the microscope: {_shown(channel, placed)}."
    unknown = " The emission wavelength is unknown." if channel.emission == "unknown" else ""
    return OpticalChannel(name=f"channel_{number}", description=said + unknown, emission_lambda=_nanometres(channel.emission))


def _plane_description(plane: Plane) -> str:
    said = [plane.description or "Imaging plane."]
    if plane.population is not None:
        said.append(f"Population: {plane.population}.")
    if plane.excitation == "unknown":
        said.append("The excitation wavelength is unknown.")
    return " ".join(said)


def _shown(channel: PlaneChannel, placed: Placed) -> str:
    """What a channel shows: the indicator's name, or the label; both where both are stated."""
    names = [placed.stated("indicators", channel.indicator).name] if channel.indicator is not None else []
    return " ".join([*names, *([f"({channel.label})" if names else channel.label] if channel.label else [])])


def _nanometres(length: Length | Unknown) -> float:
    return NOT_KNOWN if isinstance(length, str) else length.to("nm")


def _grid_spacing(pixel: tuple[float, float] | None, spacing: float | None) -> list[float] | None:
    """Space between pixels in (x, y) or (x, y, z), in metres."""
    if pixel is None:
        return None
    height, width = pixel
    return [width, height] if spacing is None else [width, height, spacing]


def add_movie(nwbfile: NWBFile, entry: Entry[Movie, MovieStated], placed: Placed) -> None:
    """Add a two-photon series for each channel of a movie, named as the source, or ``<source>_ch<number>`` if there are several.

    Raises
    ------
    SourceError
        If the movie's pixel size contradicts that of its plane, which another movie has set.
    """
    plane = placed.get("planes", entry.stated.plane)
    _set_grid_spacing(plane, entry)
    series = tuple(_series(entry, channel, plane, placed) for channel in entry.record.channels)
    for one in series:
        nwbfile.add_acquisition(one)
    placed.put("sources", entry.name, series)


def _set_grid_spacing(plane: ImagingPlane, entry: Entry[Movie, MovieStated]) -> None:
    """Give a plane whose pixel size nobody stated that of its movie's header."""
    found = _grid_spacing(entry.record.pixel_size, entry.record.plane_spacing)
    if found is None:
        return
    known = plane.grid_spacing
    if known is None:
        plane.grid_spacing = found
    elif any(differs(there, here) for there, here in zip(known, found, strict=False)):
        there, here = (" x ".join(f"{value * 1e6:g}" for value in values) for values in (known, found))
        raise SourceError(
            f"{entry.record.files[0].name}: pixels of {here} um, but the plane {entry.stated.plane} has pixels of {there} um, as "
            "stated or as found in another movie. State a plane of its own for each pixel size."
        )
    elif len(found) > len(known):
        plane.fields["grid_spacing"] = [*known, found[-1]]  # pynwb lets a field be set only once


def _series(entry: Entry[Movie, MovieStated], channel: MovieChannel, plane: ImagingPlane, placed: Placed) -> TwoPhotonSeries:
    movie = entry.record
    frames = NwbOrder(channel.frames)
    return TwoPhotonSeries(
        name=series_name(entry.name, movie, channel.number),
        description=_description(entry, channel, placed),
        comments=_comments(movie),
        imaging_plane=plane,
        data=placed.stream(frames),
        unit=NO_UNIT,
        dimension=list(frames.shape[1:]),
        **time_arguments(movie.times),
    )


def _description(entry: Entry[Movie, MovieStated], channel: MovieChannel, placed: Placed) -> str:
    plane = placed.stated("planes", entry.stated.plane)
    shown = _shown(plane.channels[channel.number], placed) if channel.number in plane.channels else NOT_STATED
    said = entry.stated.description or ("Volumes" if len(channel.frames.shape) == 4 else "Frames") + " as recorded."
    return f"{said} Channel {channel.number} ({channel.name}): {shown}. Detector values as stored."


def _comments(movie: Movie) -> str:
    """What the headers say, and which files the frames come from (names only)."""
    first, last = movie.files[0].name, movie.files[-1].name
    files = first if len(movie.files) == 1 else f"{first} to {last} ({len(movie.files)} files)"
    used = [] if movie.used is None else [f"used: {movie.used}"]
    return "; ".join([f"files: {files}", *used, *(f"{key}: {text}" for key, text in movie.notes.items())])


ADD = {Movie: add_movie}
ADD_COLLECTIONS = {"planes": add_planes}
