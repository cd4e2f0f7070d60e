"""Bruker PrairieView (versions 4 and 5): T-series of planes or volumes, of one or several cycles and channels.

A recording is a folder with an XML and TIFF files, of one page or many. The XML says which page of which file is which frame and
when it was taken; the OME metadata of the files, which repeats the whole recording in each, is not followed. ``framePeriod`` is
never used: it is what was asked for, and real recordings differ from it by half.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from bergmann.errors import SourceError
from bergmann.imaging._pages import PageForm, dtype_of
from bergmann.imaging._prairie_pages import NamedPages, count_pages, sizes_in, whole_pages
from bergmann.imaging._prairie_settings import metres_along, notes_of, pixel_size_of
from bergmann.imaging._prairie_start import start_of
from bergmann.imaging._prairie_xml import Frame, Scan, is_series, peek_scan, read_scan
from bergmann.records import FramesUsed, Movie, MovieChannel
from bergmann.registry import Format, Inputs, Source, expand, natural_order
from bergmann.timing.times import ExplicitTimes


class Bruker(Source):
    """A T-series that PrairieView wrote.

    Attributes
    ----------
    path : Path
        The folder of the T-series, or its XML.
    last_frame : int, optional
        Last frame (or volume) to use, counted from 1, where a recording was stopped early or only its beginning is wanted.
    """

    format: Literal["bruker"] = "bruker"
    path: Path
    last_frame: PositiveInt | None = None


@dataclass(frozen=True, eq=False)
class _Layout:
    """What the frames (or volumes) of a recording are.

    Attributes
    ----------
    samples : list of list of Frame
        The planes of each frame (or volume).
    planes : int
        How many planes each should have.
    channels : dict of int to str
        Name of each channel by its number.
    is_volume : bool
    """

    samples: list[list[Frame]]
    planes: int
    channels: dict[int, str]
    is_volume: bool

    @property
    def things(self) -> str:
        return "volumes" if self.is_volume else "frames"


def find(folder: Path) -> Iterator[Bruker]:
    """The T-series in a folder, each by its XML."""
    for path in sorted(folder.rglob("*.xml"), key=natural_order):
        scan = peek_scan(path)
        if scan is not None and is_series(scan):
            yield Bruker(path=path)


def read(source: Bruker, inputs: Inputs) -> Movie:  # noqa: ARG001
    """Read the XML of a recording and the header of one file; frames stay in their files until asked for.

    A volume has the time of its first plane; zero is the first frame's.

    Raises
    ------
    SourceError
        If there is no XML of a T-series, if it does not say when each frame was taken, or if the recording was stopped or files are
        missing and `last_frame` does not say where to stop.
    """
    xml = _xml_of(source.path)
    scan = read_scan(xml)
    layout = _layout(xml, scan)
    sizes = sizes_in(xml.parent)
    form = _form(xml, layout, sizes)
    n_used = _used(source, xml, scan, layout, form, sizes)
    files, channels = _channels(xml, layout, form, n_used, sizes)
    times, ticks = _times(xml, layout, n_used)
    start, notes = start_of(scan)
    spacing = metres_along(scan, "ZAxis")
    return Movie(
        files=(xml, *files),
        start=start,
        notes={**notes_of(scan), **notes, **_left_out(xml, layout, sizes)},
        channels=channels,
        times=times,
        ticks=ticks,
        used=FramesUsed(1, n_used, len(layout.samples)) if n_used < len(layout.samples) else None,
        pixel_size=pixel_size_of(scan),
        plane_spacing=spacing if layout.is_volume and layout.planes > 1 else None,
    )


def _xml_of(path: Path) -> Path:
    """The XML of a recording; in a folder that with the folder's name, or the only one.

    Raises
    ------
    SourceError
        If there is none, or several could be meant.
    """
    paths = expand(path)
    if len(paths) > 1:
        raise SourceError(f"{path.name}: {len(paths)} files match; name the folder of one T-series, or its XML")
    (there,) = paths
    if not there.is_dir():
        return there
    series = [one for one in sorted(there.glob("*.xml"), key=natural_order) if (scan := peek_scan(one)) and is_series(scan)]
    named = [one for one in series if one.stem == there.name]
    if len(named or series) == 1:
        return (named or series)[0]
    if series:
        raise SourceError(f"{there.name}: {len(series)} T-series, {', '.join(one.name for one in series[:4])}; name the XML of one")
    raise SourceError(f"{there.name}: no XML of a PrairieView T-series in this folder; expected {there.name}.xml beside the frames")


def _layout(xml: Path, scan: Scan) -> _Layout:
    """Which frames belong together.

    Raises
    ------
    SourceError
        For what is not a T-series, or not of one kind.
    """
    cycles = [cycle for cycle in scan.cycles if cycle.frames]
    kinds = sorted({cycle.kind for cycle in cycles})
    if not cycles or not all(kind.startswith("TSeries") and "Linescan" not in kind for kind in kinds):
        what = f"a scan of {', '.join(kinds)}" if cycles else "no frame in it"
        damaged = "; it ends before its end, copy it again" if scan.is_cut else ""
        raise SourceError(f"{xml.name}: {what}{damaged}; expected a T-series of planes or volumes")
    is_volume = "ZSeries" in kinds[0]
    if any(("ZSeries" in kind) != is_volume for kind in kinds):
        raise SourceError(f"{xml.name}: cycles of planes and of volumes ({', '.join(kinds)}); such a mixture is not read yet")
    if is_volume and any(cycle.bidirectional for cycle in cycles) and len(cycles[0].frames) > 1:
        raise SourceError(
            f"{xml.name}: volumes scanned up and down in turn (bidirectionalZ), for which PrairieView does not say at which depth "
            "each plane lies; they are not read yet"
        )
    samples = [cycle.frames for cycle in cycles] if is_volume else [[frame] for cycle in cycles for frame in cycle.frames]
    channels = {file.channel: file.channel_name for file in samples[0][0].files}
    if not channels:
        raise SourceError(f"{xml.name}: it names no file for its first frame; expected a T-series saved as TIFF")
    _check_named_once(xml, samples)
    return _Layout(samples, len(samples[0]), channels, is_volume and len(samples[0]) > 1)


def _check_named_once(xml: Path, samples: list[list[Frame]]) -> None:
    seen: set[tuple[str, int]] = set()
    for file in (file for planes in samples for frame in planes for file in frame.files):
        if PureWindowsPath(file.file).name != file.file or not file.file or file.page < 1:
            raise SourceError(f"{xml.name}: names {file.file!r}, page {file.page}; expected the name of a file beside it")
        if (file.file, file.page) in seen:
            raise SourceError(f"{xml.name}: names page {file.page} of {file.file} for two frames; it does not say which is which")
        seen.add((file.file, file.page))


def _form(xml: Path, layout: _Layout, sizes: Mapping[str, int]) -> PageForm:
    """The form of the pages, from the first file.

    Raises
    ------
    SourceError
        If it is missing, not a TIFF, or has pages that the XML does not name.
    """
    first = layout.samples[0][0].files[0].file
    if first not in sizes:
        raise SourceError(f"{xml.name}: its first file, {first}, is not in the folder {xml.parent.name!r}; copy the whole folder")
    pages = whole_pages(xml.parent / first)
    if not pages:
        raise SourceError(f"{first}: no complete page; copy it again")
    dtype_of(pages[0].form, xml.parent / first)
    return pages[0].form


def _used(source: Bruker, xml: Path, scan: Scan, layout: _Layout, form: PageForm, sizes: Mapping[str, int]) -> int:
    """How many frames (or volumes) to use.

    Raises
    ------
    SourceError
        If not all are there and `last_frame` does not say where to stop, or it is beyond the complete ones.
    """
    named = _named(layout)
    there = count_pages(xml.parent, sizes, named, form)
    complete, lack = _complete(layout, sizes, there)
    held = f"{complete} complete {layout.things}"
    if source.last_frame is not None:
        if source.last_frame > complete:
            raise SourceError(
                f"{xml.name}: `last_frame: {source.last_frame}`, but there are {held}" + (f": {lack}" if lack else "")
            )
        return source.last_frame
    remedy = f"state `last_frame: {complete}` for this source to use the complete part" if complete else "nothing of it can be used"
    if lack:
        raise SourceError(
            f"{xml.name}: names {len(layout.samples)} {layout.things}, but {lack}; there are {held} before it. Copy the whole "
            f"folder, or, if the recording was stopped early, {remedy}."
        )
    if scan.is_cut:
        raise SourceError(f"{xml.name}: damaged, or cut short, after {held}; copy it again, or {remedy}.")
    _check_no_more(xml, layout, named)
    return complete


def _named(layout: _Layout) -> dict[str, int]:
    """The last page that is named of each file."""
    named: dict[str, int] = {}
    for file in (file for planes in layout.samples for frame in planes for file in frame.files):
        named[file.file] = max(named.get(file.file, 0), file.page)
    return named


def _check_no_more(xml: Path, layout: _Layout, named: Mapping[str, int]) -> None:
    """The first and the last file must not hold pages that are not named.

    Raises
    ------
    SourceError
        If they do: a part of a recording is never taken for the whole.
    """
    for frame in (layout.samples[0][0], layout.samples[-1][-1]):
        name = frame.files[0].file
        found = len(whole_pages(xml.parent / name))
        if found > named[name]:
            raise SourceError(
                f"{name}: {found} pages, of which {xml.name} names {named[name]}; was PrairieView stopped before it had written "
                f"the whole XML? State `last_frame: {len(layout.samples)}` for this source to use what is named."
            )


def _complete(layout: _Layout, sizes: Mapping[str, int], there: Mapping[str, int]) -> tuple[int, str]:
    """How many frames (or volumes) are complete from the first on, and what is missing in the next."""
    thing = layout.things.removesuffix("s")
    for index, planes in enumerate(layout.samples):
        if len(planes) != layout.planes:
            return index, f"{thing} {index + 1} has {len(planes)} of {layout.planes} planes"
        for frame in planes:
            channels = {file.channel for file in frame.files}
            if channels != layout.channels.keys():
                return index, f"{thing} {index + 1} has channels {sorted(channels)} of {sorted(layout.channels)}"
            for file in frame.files:
                if there[file.file] < file.page:
                    what = "is cut short, or no TIFF" if file.file in sizes else "is missing"
                    return index, f"{file.file} {what}"
    return len(layout.samples), ""


def _channels(
    xml: Path, layout: _Layout, form: PageForm, n_used: int, sizes: Mapping[str, int]
) -> tuple[tuple[Path, ...], tuple[MovieChannel, ...]]:
    """The files in reading order, and the frames of each channel."""
    number_of: dict[str, int] = {}
    shape = (n_used, layout.planes)
    places: dict[int, tuple[NDArray[np.int32], NDArray[np.int32]]] = {
        channel: (np.empty(shape, np.int32), np.empty(shape, np.int32)) for channel in layout.channels
    }
    for index, planes in enumerate(layout.samples[:n_used]):
        for plane, frame in enumerate(planes):
            for file in frame.files:
                file_of, page_of = places[file.channel]
                file_of[index, plane] = number_of.setdefault(file.file, len(number_of))
                page_of[index, plane] = file.page - 1
    files = tuple(xml.parent / name for name in number_of)
    lengths = tuple(sizes[name] for name in number_of)
    flat = slice(None) if layout.is_volume else 0
    return files, tuple(
        MovieChannel(
            number=channel,
            name=layout.channels[channel],
            frames=NamedPages(files, file_of[:, flat], page_of[:, flat], form, lengths),
        )
        for channel, (file_of, page_of) in sorted(places.items())
    )


def _times(xml: Path, layout: _Layout, n_used: int) -> tuple[ExplicitTimes, ExplicitTimes]:
    """When each frame (or volume) began, and when each plane of each did, for which the frame clock ticks.

    Raises
    ------
    SourceError
        If a frame has no time, or times do not run forward.
    """
    seconds = np.array([frame.seconds for planes in layout.samples for frame in planes])
    if np.isnan(seconds).any():
        raise SourceError(f"{xml.name}: frame {int(np.argmax(np.isnan(seconds))) + 1} has no `absoluteTime`; expected one for each")
    seconds = seconds - seconds[0]
    late = np.diff(seconds) > 0
    if not late.all():
        index = int(np.argmin(late))
        raise SourceError(
            f"{xml.name}: frame {index + 2} is at {seconds[index + 1]:.6f} s and the one before at {seconds[index]:.6f} s; "
            "expected times that run forward"
        )
    firsts = np.cumsum([0, *(len(planes) for planes in layout.samples[: n_used - 1])])
    return ExplicitTimes(seconds[firsts]), ExplicitTimes(seconds)


def _left_out(xml: Path, layout: _Layout, sizes: Mapping[str, int]) -> dict[str, str]:
    """How many files by the name of the recording are not in it."""
    named = _named(layout)
    prefix = f"{xml.stem}_Cycle"
    left = [name for name in sizes if name.startswith(prefix) and name.lower().endswith((".tif", ".tiff")) and name not in named]
    return {"files that the XML does not name": str(len(left))} if left else {}


FORMAT: Format = Format(source=Bruker, record=Movie, label="Bruker PrairieView", find=find, read=read)
