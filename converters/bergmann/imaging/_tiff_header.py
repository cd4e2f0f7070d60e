"""What a TIFF says of the meaning of its pages, as ImageJ, OME or tifffile write it."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.imaging._pages import read_description

_METRES = {"nm": 1e-9, "um": 1e-6, "micron": 1e-6, "microns": 1e-6, "micrometer": 1e-6, "mm": 1e-3, "cm": 1e-2, "m": 1.0}
_SECONDS = {"us": 1e-6, "ms": 1e-3, "msec": 1e-3, "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "min": 60.0, "h": 3600.0}
_MICRO = re.compile(r"\\u00B5|\N{MICRO SIGN}|\N{GREEK SMALL LETTER MU}", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a file says of its pages.

    Attributes
    ----------
    program : str
        ``"ImageJ"``, ``"OME"``, ``"tifffile"``, or empty for a file that says nothing.
    axes : str
        One letter an axis of the pages, slowest first: T, Z, C, or Q and I where the file does not say what the axis is.
    shape : tuple of int
        Length of each of these axes.
    n_files : int
        How many files it speaks of.
    pages : tuple of int or None
        Which page (of all files) holds each position, where that is not simply the order of the pages.
    data_offset : int or None
        Where the pixels of all pages begin, if they are stored in one piece.
    rate : float or None
        Frames (or volumes) per second.
    seconds : np.ndarray, shape (n_frames,), or None
        When each frame was taken, where the file says it for each.
    start : datetime or None
    pixel_size : tuple of float or None
        (height, width), in metres.
    plane_spacing : float or None
        In metres.
    notes : dict of str to str
    """

    program: str
    axes: str
    shape: tuple[int, ...]
    n_files: int = 1
    pages: tuple[int, ...] | None = None
    data_offset: int | None = None
    rate: float | None = None
    seconds: NDArray[np.float64] | None = None
    start: datetime | None = None
    pixel_size: tuple[float, float] | None = None
    plane_spacing: float | None = None
    notes: dict[str, str] = field(default_factory=dict)


def read_meaning(path: Path, n_pages: int, first_pixels: int) -> Meaning:
    """What a file says of its pages.

    Parameters
    ----------
    path : Path
    n_pages : int
        How many pages were counted in it.
    first_pixels : int
        Where the pixels of its first page begin.

    Raises
    ------
    SourceError
        If it holds several movies, refers to other files for its pages, or contradicts itself.
    """
    description = read_description(path)
    program = _program(description)
    if not program:
        return Meaning(program="", axes="I", shape=(n_pages,))
    import tifffile

    with tifffile.TiffFile(path, _multifile=False) as file:
        if program == "ImageJ":
            return _imagej(path, description, file, n_pages, first_pixels)
        if len(file.series) != 1:
            kinds = Counter(f"{one.shape} ({one.axes})" for one in file.series)
            shapes = ", ".join(f"{count} of {kind}" for kind, count in kinds.most_common(4)) + (", ..." if len(kinds) > 4 else "")
            raise SourceError(f"{path.name}: holds {len(file.series)} image series: {shapes}; expected one. Save each as a file.")
        series = file.series[0]
        if not series.axes.endswith("YX"):
            raise SourceError(f"{path.name}: its axes are {series.axes}; expected one value a pixel (axes that end in YX)")
        axes, shape = series.axes.removesuffix("YX"), tuple(int(length) for length in series.shape[:-2])
        offset = None if series.dataoffset is None else int(series.dataoffset)
        if program == "OME":
            return _ome(path, file, axes, shape, offset)
    said = json.loads(description)["shape"]
    if math.prod(said) != math.prod(series.shape):
        raise SourceError(
            f"{path.name}: cut short: its header says {said} values, its pages hold {list(series.shape)}; copy it again"
        )
    return Meaning(program=program, axes=axes, shape=shape, data_offset=offset)


def _program(description: str) -> str:
    if description.startswith("ImageJ="):
        return "ImageJ"
    if description.lstrip().startswith("<") and "<OME" in description[:4000]:
        return "OME"
    return "tifffile" if description.startswith('{"shape"') else ""


def _unit(text: object) -> str:
    return _MICRO.sub("u", str(text)).strip().lower()


def _imagej(path: Path, description: str, file: Any, n_pages: int, first_pixels: int) -> Meaning:
    """What ImageJ says; its ``fps`` is that of the display, so only ``finterval`` counts as a rate.

    ImageJ stores channels fastest, then slices, then frames, all pixels behind each other; beyond 4 GB it writes one directory for
    all pages (ij.io.FileInfo and TiffDecoder of ImageJ).
    """
    said = dict(line.split("=", 1) for line in description.splitlines() if "=" in line)
    lengths = {axis: int(said.get(key, 1)) for axis, key in (("T", "frames"), ("Z", "slices"), ("C", "channels"))}
    images = int(said.get("images", n_pages))
    axes = "".join(axis for axis, length in lengths.items() if length > 1)
    if axes and math.prod(lengths.values()) != images:
        raise SourceError(f"{path.name}: ImageJ says {images} images of {lengths} (T frames, Z slices, C channels); is it damaged?")
    unit = _METRES.get(_unit(said.get("unit", "")))
    interval = float(said.get("finterval", 0)) * _SECONDS.get(_unit(said.get("tunit", "sec")), 0)
    tags = file.pages[0].tags
    resolution = [tags[name].value if name in tags else (0, 1) for name in ("YResolution", "XResolution")]
    height, width = (bottom / top if top else 0.0 for top, bottom in resolution)
    return Meaning(
        program="ImageJ",
        axes=axes or "I",
        shape=tuple(length for length in lengths.values() if length > 1) or (images,),
        data_offset=first_pixels if n_pages < images else None,
        rate=1 / interval if interval > 0 else None,
        pixel_size=(height * unit, width * unit) if unit and height and width else None,
        plane_spacing=abs(float(said["spacing"])) * unit if unit and "spacing" in said else None,
        notes={"software": f"ImageJ {said['ImageJ']}"},
    )


def _ome(path: Path, file: Any, axes: str, shape: tuple[int, ...], offset: int | None) -> Meaning:
    """The scales, times and order of pages that OME-XML states."""
    pages = file.series[0].pages
    image = next((one for one in ElementTree.fromstring(file.ome_metadata).iter() if one.tag.endswith("}Image")), None)
    if image is None or any(page is None for page in pages):
        raise SourceError(
            f"{path.name}: its OME header says that pages of this movie are in other files, or missing; expected all files of the "
            "movie. Microscopes that write one file a frame have formats of their own."
        )
    order = None if offset is not None else tuple(int(page.index) for page in pages)
    return meaning_of_ome(image, axes=axes, shape=shape, pages=order, data_offset=offset)


def root_of_ome(path: Path, description: str) -> ElementTree.Element | None:
    """The OME-XML in the description of a file; None if it has none.

    Raises
    ------
    SourceError
        If the XML is damaged.
    """
    if _program(description) != "OME":
        return None
    try:
        return ElementTree.fromstring(description)
    except ElementTree.ParseError as error:
        raise SourceError(f"{path.name}: its OME header is not whole ({error}); is the file damaged?") from error


def meaning_of_ome(
    image: ElementTree.Element, *, axes: str, shape: tuple[int, ...], pages: tuple[int, ...] | None, data_offset: int | None
) -> Meaning:
    """The scales and times that the ``Image`` of OME-XML states, with what its pages are."""
    pixels = next(one for one in image.iter() if one.tag.endswith("}Pixels"))
    depth, height, width = (_length(pixels, f"PhysicalSize{axis}") for axis in "ZYX")
    interval = _duration(pixels, "TimeIncrement")
    return Meaning(
        program="OME",
        axes=axes,
        shape=shape,
        pages=pages,
        data_offset=data_offset,
        rate=1 / interval if interval else None,
        seconds=_plane_times(pixels, dict(zip(axes, shape, strict=True)).get("T", 1)),
        start=_date(image),
        pixel_size=(height, width) if height and width else None,
        plane_spacing=depth,
    )


def _length(pixels: ElementTree.Element, key: str) -> float | None:
    unit = _METRES.get(_unit(pixels.get(f"{key}Unit", "um")))
    return float(pixels.attrib[key]) * unit if unit and key in pixels.attrib else None


def _duration(element: ElementTree.Element, key: str) -> float | None:
    unit = _SECONDS.get(_unit(element.get(f"{key}Unit", "s")))
    return float(element.attrib[key]) * unit if unit and key in element.attrib else None


def _plane_times(pixels: ElementTree.Element, n_frames: int) -> NDArray[np.float64] | None:
    """When the first plane of each frame was taken; None unless the header says it for every frame."""
    times: dict[int, float] = {}
    for plane in (one for one in pixels if one.tag.endswith("}Plane")):
        seconds = _duration(plane, "DeltaT")
        if seconds is not None:
            frame = int(plane.get("TheT", 0))
            times[frame] = min(seconds, times.get(frame, seconds))
    return np.array([times[frame] for frame in range(n_frames)]) if sorted(times) == list(range(n_frames)) else None


def _date(image: ElementTree.Element) -> datetime | None:
    """When the movie was started, if that is a local time without a zone."""
    text = next((one.text for one in image if one.tag.endswith("}AcquisitionDate")), None)
    try:
        date = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return date if date is None or date.tzinfo is None else None
