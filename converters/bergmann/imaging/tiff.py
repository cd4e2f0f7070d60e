"""TIFF that another program than the microscope's wrote: ImageJ hyperstack, OME-TIFF, plain stack, one file a frame.

ImageJ and OME say what their pages are; a plain stack is frames in time unless `axes` says otherwise. What no file says must be
stated: the rate.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from bergmann.arrays import LazyArray
from bergmann.errors import SourceError
from bergmann.imaging._axes import Axes, StatedAxes, page_positions, settle_axes
from bergmann.imaging._frames import PageFrames
from bergmann.imaging._names import check_names, series_in, tiffs_in
from bergmann.imaging._ome_files import is_in_other_files, read_meaning_of_files
from bergmann.imaging._packed import PackedFrames, check_readable
from bergmann.imaging._pages import CutShortError, PageForm, dtype_of, is_packed, is_tiff, read_description
from bergmann.imaging._prairie_xml import is_of_series
from bergmann.imaging._runs import page_runs, walk_pages
from bergmann.imaging._scanimage_header import is_scanimage
from bergmann.imaging._tiff_header import Meaning, read_meaning
from bergmann.records import FramesUsed, Movie, MovieChannel
from bergmann.registry import Format, Inputs, Source, expand
from bergmann.stated import Frequency
from bergmann.timing.times import ExplicitTimes, RegularTimes, Times

_TOLERANCE = 0.01  # by which fraction a stated rate may differ from the file's, which rounds it


class Tiff(Source):
    """A movie in TIFF files.

    Attributes
    ----------
    path : Path
        A file, a folder of one file a frame, or a pattern for a series.
    rate : Frequency, optional
        Frames (or volumes) per second; needed where the file does not say it.
    axes : str, optional
        What the pages are, slowest first, such as ``TZCYX``; needed where the file does not say it.
    channels, planes : int, optional
        How many channels and depths the pages hold, where `axes` names C or Z and the file does not say how many.
    last_frame : int, optional
        Last frame (or volume) to use, counted from 1, where a file was cut short.
    """

    format: Literal["tiff"] = "tiff"
    path: Path
    rate: Frequency | None = None
    axes: Annotated[str, Field(pattern="^[TZC]{1,3}YX$")] | None = None
    channels: PositiveInt | None = None
    planes: PositiveInt | None = None
    last_frame: PositiveInt | None = None


@dataclass(frozen=True, eq=False)
class _Pages:
    """All pages in the order of the files, in arrays of shape (n_pages,), and the size of each file before they were counted."""

    files: tuple[Path, ...]
    form: PageForm
    file_of: NDArray[np.int32]
    offsets: NDArray[np.int64]
    directories: NDArray[np.int64]
    is_cut: bool
    lengths: tuple[int, ...]


def find(folder: Path) -> Iterator[Tiff]:
    """The movies in a folder: files of several pages, and series that differ in their number; not those of ScanImage or Bruker."""
    for pattern, files in series_in(folder):
        if _is_movie(files):
            yield Tiff(path=pattern)


def _is_movie(files: tuple[Path, ...]) -> bool:
    try:
        if not is_tiff(files[0]) or is_scanimage(files[0]) or is_of_series(files[0]):
            return False
        return len(files) > 1 or sum(1 for _ in islice(walk_pages(files[0]), 2)) > 1
    except (SourceError, OSError):
        return False


def read(source: Tiff, inputs: Inputs) -> Movie:  # noqa: ARG001
    """Read what the files say of their pages; frames stay in the files until asked for.

    Raises
    ------
    SourceError
        If a file is not a TIFF, is damaged, compressed in an unknown way or coloured; if neither it nor the person says what the
        pages are or at which rate they come, or the two contradict.
    """
    files = _files(source.path)
    pages = _scan(files)
    meaning = _meaning(pages)
    if meaning.data_offset is not None and len(files) == 1:
        pages = _in_one_piece(pages, meaning)
    axes, shape = settle_axes(files[0].name, _found_axes(source, pages, meaning), _stated_axes(source))
    positions = page_positions(axes, shape, meaning.pages)
    n_frames = _complete(source, pages, positions)
    times = _times(source, files[0], meaning, len(positions))
    n_recorded = len(times)
    used = positions[:n_frames] if "Z" in axes else positions[:n_frames, 0]
    return Movie(
        files=files,
        start=meaning.start,
        notes=meaning.notes,
        channels=tuple(
            MovieChannel(number=index + 1, name=f"Channel {index + 1}", frames=_frames(pages, used[..., index]))
            for index in range(used.shape[-1])
        ),
        times=times.part(0, n_frames),
        ticks=times if n_frames < n_recorded else None,
        used=FramesUsed(1, n_frames, n_recorded) if n_frames < n_recorded else None,
        pixel_size=meaning.pixel_size,
        plane_spacing=meaning.plane_spacing if "Z" in axes else None,
    )


def _files(path: Path) -> tuple[Path, ...]:
    found = expand(path)
    files = tiffs_in(found[0]) if len(found) == 1 and found[0].is_dir() else found
    if not files:
        raise SourceError(f"{path.name}: a folder without TIFF files; expected one file a frame")
    check_names(files)
    return files


def _scan(files: tuple[Path, ...]) -> _Pages:
    """Count the pages of all files."""
    file_of, offsets, directories = array("i"), array("q"), array("q")
    lengths = tuple(file.stat().st_size for file in files)
    form: PageForm | None = None
    is_cut = False
    for index, file in enumerate(files):
        try:
            for run in page_runs(file):
                form = form or run.form
                if run.form != form:
                    raise SourceError(
                        f"{file.name}: a page of {run.form.height} x {run.form.width} pixels of {run.form.bits} bits, the first "
                        f"of {files[0].name} has {form.height} x {form.width} of {form.bits}; expected pages of one form"
                    )
                file_of.extend([index] * len(run.offsets))
                offsets.frombytes(run.offsets.tobytes())
                directories.frombytes(run.directories.tobytes())
        except CutShortError:
            if index + 1 < len(files):
                raise SourceError(f"{file.name}: cut short, but other files follow it; copy it again") from None
            is_cut = True
    if form is None:
        raise SourceError(f"{files[0].name}: no complete page; is the file cut short?")
    return _Pages(
        files,
        form,
        np.frombuffer(file_of, np.int32),
        np.frombuffer(offsets, np.int64),
        np.frombuffer(directories, np.int64),
        is_cut,
        lengths,
    )


def _meaning(pages: _Pages) -> Meaning:
    """What the first file says of the pages, of all files where it speaks of them."""
    first = pages.files[0]
    description = read_description(first)
    if is_in_other_files(first, description):
        counts = np.bincount(pages.file_of, minlength=len(pages.files)).tolist()
        return read_meaning_of_files(pages.files, counts, description)
    meaning = read_meaning(first, len(pages.offsets), int(pages.offsets[0]))
    return meaning if len(pages.files) == 1 else replace(meaning, pages=None, seconds=None)  # it speaks of itself only


def _in_one_piece(pages: _Pages, meaning: Meaning) -> _Pages:
    """The pages of a file whose pixels lie behind each other: ImageJ gives a file beyond 4 GB one directory for all."""
    size = pages.form.height * pages.form.width * pages.form.bits // 8
    begin = meaning.data_offset or 0
    expected = int(np.prod(meaning.shape, dtype=np.int64))
    there = max(0, min(expected, (pages.files[0].stat().st_size - begin) // size))
    return replace(
        pages,
        file_of=np.zeros(there, np.int32),
        offsets=begin + size * np.arange(there, dtype=np.int64),
        directories=np.zeros(there, np.int64),
        is_cut=there < expected,
    )


def _found_axes(source: Tiff, pages: _Pages, meaning: Meaning) -> Axes:
    """What the pages of all files are, as far as the files say it.

    Raises
    ------
    SourceError
        If each of several files has axes of its own and no axes are stated.
    """
    if meaning.n_files == len(pages.files):
        return meaning.axes, meaning.shape
    if len(meaning.shape) > 1 and source.axes is None:
        raise SourceError(
            f"{pages.files[0].name}: one of {len(pages.files)} files, each with pages of its own order ({meaning.axes}YX); state "
            "`axes`, and how many `channels` and `planes`"
        )
    return "I", (len(pages.offsets),)


def _stated_axes(source: Tiff) -> StatedAxes:
    axes = None if source.axes is None else source.axes.removesuffix("YX")
    return StatedAxes(axes=axes, channels=source.channels, planes=source.planes)


def _complete(source: Tiff, pages: _Pages, positions: NDArray[np.int64]) -> int:
    """How many frames (or volumes) to use.

    Raises
    ------
    SourceError
        If pages are missing and `last_frame` does not say where to stop, or it is beyond the complete ones.
    """
    name = pages.files[-1].name
    whole: NDArray[np.bool_] = np.asarray((positions < len(pages.offsets)).all(axis=(1, 2)))
    complete = len(whole) if whole.all() else int(np.argmin(whole))
    if source.last_frame is not None:
        if source.last_frame > complete:
            raise SourceError(f"{name}: `last_frame: {source.last_frame}`, but {complete} frames are complete")
        return source.last_frame
    if pages.is_cut or complete < len(whole):
        remedy = f" State `last_frame: {complete}` for this source to use the complete part." if complete else ""
        planned = f" (its header says {len(whole)})" if complete < len(whole) else ""
        raise SourceError(
            f"{name}: cut short: {complete} frames are complete{planned}. Copy it again if the original is longer.{remedy}"
        )
    return complete


def _frames(pages: _Pages, used: NDArray[np.int64]) -> LazyArray:
    size, first = (pages.form.height, pages.form.width), pages.files[0]
    stored = dtype_of(pages.form, first)
    if not is_packed(pages.form):
        return PageFrames(pages.files, pages.file_of[used], pages.offsets[used], size, stored, pages.lengths)
    check_readable(first, int(pages.directories[0]))
    return PackedFrames(pages.files, pages.file_of[used], pages.directories[used], size, stored, pages.lengths)


def _times(source: Tiff, file: Path, meaning: Meaning, n_frames: int) -> Times:
    """When each frame (or volume) began.

    Raises
    ------
    SourceError
        If neither file nor person says the rate, or the two contradict.
    """
    measured = ExplicitTimes(meaning.seconds[:n_frames]) if meaning.seconds is not None else None
    found = 1 / measured.interval if measured is not None and measured.interval > 0 else meaning.rate
    stated = source.rate.to("Hz") if source.rate is not None else None
    if stated is not None and found is not None and abs(stated - found) > _TOLERANCE * found:
        raise SourceError(
            f"{file.name}: `rate: {source.rate}` is stated, but {meaning.program} says {found:g} Hz; mend the stated one, "
            "or remove it"
        )
    if measured is not None:
        return measured
    rate = stated if stated is not None else found
    if rate is None:
        raise SourceError(
            f"{file.name}: does not say at which rate its frames come; state it for this source, such as `rate: 30 Hz`"
        )
    return RegularTimes(0.0, rate, n_frames)


FORMAT: Format = Format(source=Tiff, record=Movie, label="TIFF stack or series", find=find, read=read)
