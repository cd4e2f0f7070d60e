"""ScanImage TIFF: 3.8, and 2016 and later; one file or a series, several channels, volumes.

Pages are stored frame by frame, the saved channels of a frame behind each other; a volume is its planes from the first depth to the
last, then the frames during which the focus flies back (ScanImage documentation, "ScanImage BigTiff Specification"). ScanImage 2016
and later give each page its frame's number and time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import PositiveInt

from bergmann.errors import SourceError
from bergmann.imaging._frames import PageFrames
from bergmann.imaging._names import check_names, next_of_series, pattern_of, series_in
from bergmann.imaging._pages import dtype_of, is_tiff, refuse_packed
from bergmann.imaging._scanimage_header import Setup, is_scanimage, read_setup
from bergmann.imaging._scanimage_pages import (
    Pages,
    check_channels,
    check_numbers,
    first_frame_number,
    frame_step,
    scan_pages,
)
from bergmann.records import FramesUsed, Movie, MovieChannel
from bergmann.registry import Format, Inputs, Source, expand, pattern_for
from bergmann.timing.times import ExplicitTimes, RegularTimes, Times


class ScanImage(Source):
    """A movie that ScanImage wrote.

    Attributes
    ----------
    path : Path
        A file, or a pattern for the files of a series, such as ``2p/bg042_00001_*.tif``.
    last_frame : int, optional
        Last frame (or volume) to use, counted from 1, where a recording was cut short or only its beginning is wanted.
    """

    format: Literal["scanimage"] = "scanimage"
    path: Path
    last_frame: PositiveInt | None = None


def find(folder: Path) -> Iterator[ScanImage]:
    """The ScanImage recordings in a folder, one source a series; files that differ in their headers' start are of several."""
    for pattern, files in series_in(folder):
        if not _is_readable(files[0]):
            continue
        recordings = _recordings(files)
        for recording in recordings:
            if len(recordings) == 1:
                yield ScanImage(path=pattern)
            elif whole := pattern_for(recording, _common_start(recording), recording[0].suffix):
                yield ScanImage(path=whole)
            else:
                yield from (ScanImage(path=file) for file in recording)


def _common_start(files: tuple[Path, ...]) -> str:
    """What all names begin with."""
    start = files[0].name
    while not all(file.name.startswith(start) for file in files):
        start = start[:-1]
    return start


def _recordings(files: tuple[Path, ...]) -> list[tuple[Path, ...]]:
    """Files whose headers say the same start, together; each acquisition may be one file whose number counts acquisitions."""
    found: dict[object, list[Path]] = {}
    for file in files:
        try:
            key: object = read_setup(file).start
        except (SourceError, OSError):  # damaged: reading says so, where it is a part of a series
            key = next(reversed(found), None)
        found.setdefault(key, []).append(file)
    return [tuple(recording) for recording in found.values()]


def _is_readable(path: Path) -> bool:
    try:
        return is_tiff(path) and is_scanimage(path)
    except (SourceError, OSError):
        return False


def read(source: ScanImage, inputs: Inputs) -> Movie:  # noqa: ARG001
    """Read the headers of a recording; its frames stay in their files until asked for.

    Raises
    ------
    SourceError
        If a file is not of ScanImage or damaged, if the files are not the whole series, or if its last frame or volume is not
        complete and `last_frame` is not stated.
    """
    files = _files(source.path)
    setup = read_setup(files[0])
    for file in files[1:]:
        _check_same_recording(files[0], setup, file, read_setup(file))
    _check_stack(files[0], setup)
    pages = scan_pages(files, numbered=setup.numbered)
    notes = {"software": setup.software, **setup.notes, **_check_whole(source, setup, pages)}
    n_used, n_complete = _used(source, setup, pages), _complete(setup, pages)[0]
    times, ticks = _times(setup, pages, n_used)
    return Movie(
        files=files,
        start=setup.start,
        notes=notes,
        channels=_channels(setup, pages, n_used),
        times=times,
        ticks=ticks,
        used=FramesUsed(1, n_used, n_complete) if n_used < n_complete else None,
        pixel_size=_pixel_size(setup, pages),
        plane_spacing=setup.plane_spacing,
    )


def _files(path: Path) -> tuple[Path, ...]:
    files = expand(path)
    for file in files:
        if file.is_dir():
            raise SourceError(f"{file.name}: a folder; expected the files, such as `{file.name}/*.tif`")
    return files


def _check_same_recording(first: Path, setup: Setup, file: Path, other: Setup) -> None:
    for what in ("software", "start", "channels", "planes", "flyback", "averaged"):
        mine, its = getattr(setup, what), getattr(other, what)
        if mine != its:
            raise SourceError(
                f"{file.name}: its header says {what} {its}, that of {first.name} says {mine}; expected the files of one "
                "recording. Name each recording as a source (or run) of its own."
            )


def _check_stack(file: Path, setup: Setup) -> None:
    """Refuse stacks whose pages are not one frame for each depth, or that say no time for a frame.

    Raises
    ------
    SourceError
    """
    if setup.planes == 1:
        return
    if setup.frames_per_plane > 1:
        raise SourceError(
            f"{file.name}: {setup.frames_per_plane} frames at each of {setup.planes} depths before the next; a volume in NWB has "
            "one frame for each depth. Such stacks are not read yet."
        )
    if setup.averaged > 1:
        raise SourceError(
            f"{file.name}: {setup.averaged} frames averaged into each saved one of a volume of {setup.planes} planes, so that the "
            "header does not say which page is which plane. Such stacks are not read yet."
        )
    if not setup.numbered:
        raise SourceError(
            f"{file.name}: a stack of {setup.planes} depths of {setup.software}, which does not say when each frame was taken. "
            "Such stacks are not read yet."
        )


def _check_whole(source: ScanImage, setup: Setup, pages: Pages) -> dict[str, str]:
    """Check that the files are the whole recording; gives notes on what is not in them.

    Raises
    ------
    SourceError
        If pages or files are missing.
    """
    dropped = 0
    if setup.numbered:
        check_channels(pages, setup)
        dropped = check_numbers(pages, setup)
    else:
        check_names(pages.files)
    if source.last_frame is None and not pages.is_cut:
        _check_follower(setup, pages)
    notes = {"frames dropped while recording": str(dropped)} if dropped else {}
    found = _frames_in(setup, pages) // (setup.planes + setup.flyback)
    if setup.planned is not None and found < setup.planned:
        notes["planned"] = f"{setup.planned} {_things(setup)}, of which {found} are in the files"
    return notes


def _check_follower(setup: Setup, pages: Pages) -> None:
    """The file that follows by its name must not go on with the same recording.

    Raises
    ------
    SourceError
        If it does: a part of a series is never taken for the whole.
    """
    last = pages.files[-1]
    follower = next_of_series(last)
    if follower is None or not _is_readable(follower) or setup.start is None or read_setup(follower).start != setup.start:
        return
    goes_on = ""
    if setup.numbered:
        expected = int(pages.numbers[-1]) + frame_step(pages, setup)
        if first_frame_number(follower) != expected:
            return
        goes_on = f" with frame {expected}"
    raise SourceError(
        f"{last.name}: not the last file of its series: {follower.name} goes on{goes_on}. Name the whole series, such as "
        f"{pattern_of(last)}, or state `last_frame` to use only the beginning."
    )


def _frames_in(setup: Setup, pages: Pages) -> int:
    return len(pages.offsets) // len(setup.channels)


def _things(setup: Setup) -> str:
    return "volumes" if setup.planes > 1 else "frames"


def _used(source: ScanImage, setup: Setup, pages: Pages) -> int:
    """How many frames (or volumes) to use.

    Raises
    ------
    SourceError
        If the last one is incomplete and `last_frame` does not say where to stop, or `last_frame` is beyond the complete ones.
    """
    name = pages.files[-1].name
    complete, rest = _complete(setup, pages)
    held = f"the files hold {complete} complete {_things(setup)}"
    if source.last_frame is not None:
        if source.last_frame > complete:
            raise SourceError(f"{name}: `last_frame: {source.last_frame}`, but {held}")
        return source.last_frame
    remedy = (
        f"State `last_frame: {complete}` for this source to use the complete part." if complete else "Nothing in it can be used."
    )
    if pages.is_cut:
        raise SourceError(f"{name}: cut short in the middle of a page; {held}. Copy it again if the original is longer. {remedy}")
    if len(pages.offsets) % len(setup.channels):
        raise SourceError(
            f"{name}: {len(pages.offsets)} pages, not a whole number of frames of {len(setup.channels)} channels; {held}. {remedy}"
        )
    if 0 < rest < setup.planes:
        raise SourceError(
            f"{name}: {_frames_in(setup, pages)} frames, not a whole number of volumes of {setup.planes} planes and "
            f"{setup.flyback} flyback frames (was the recording stopped in a volume?); {held}. {remedy}"
        )
    return complete


def _complete(setup: Setup, pages: Pages) -> tuple[int, int]:
    """How many frames (or volumes) are complete, and how many frames follow the last whole cycle."""
    whole, rest = divmod(_frames_in(setup, pages), setup.planes + setup.flyback)
    return whole + (rest >= setup.planes), rest  # a volume is whole once its planes are there, even if the flight back is not


def _channels(setup: Setup, pages: Pages, n_used: int) -> tuple[MovieChannel, ...]:
    cycle = setup.planes + setup.flyback
    refuse_packed(pages.form, pages.files[0])
    stored = dtype_of(pages.form, pages.files[0])
    frames = np.arange(n_used)[:, np.newaxis] * cycle + np.arange(setup.planes)
    first_page = (frames if setup.planes > 1 else frames[:, 0]) * len(setup.channels)
    return tuple(
        MovieChannel(
            number=number,
            name=setup.names.get(number, f"Channel {number}"),
            frames=PageFrames(
                pages.files,
                pages.file_of[first_page + index],
                pages.offsets[first_page + index],
                (pages.form.height, pages.form.width),
                stored,
                pages.lengths,
            ),
        )
        for index, number in enumerate(setup.channels)
    )


def _pixel_size(setup: Setup, pages: Pages) -> tuple[float, float] | None:
    if setup.field_size is None:
        return None
    return setup.field_size[0] / pages.form.height, setup.field_size[1] / pages.form.width


def _times(setup: Setup, pages: Pages, n_used: int) -> tuple[Times, Times]:
    """When each frame (or volume) began, and when each frame did that a frame clock ticks for.

    Where frames are averaged while recording, the clock ticks for those that were scanned; their times follow from the header's
    rate.
    """
    n_frames = _frames_in(setup, pages)
    if not setup.numbered:
        rate = setup.rate / setup.averaged
        return RegularTimes(0.0, rate, n_used), RegularTimes(0.0, setup.rate, n_frames * setup.averaged)
    seconds = pages.seconds[:: len(setup.channels)][:n_frames]
    try:
        saved = ExplicitTimes(seconds.copy())
    except SourceError as error:
        raise SourceError(f"{pages.files[0].name}: {error}. Are these the files of one recording, in their order?") from error
    times = ExplicitTimes(saved.seconds[:: setup.planes + setup.flyback][:n_used])
    return times, saved if setup.averaged == 1 else RegularTimes(saved.first, setup.rate, n_frames * setup.averaged)


FORMAT: Format = Format(source=ScanImage, record=Movie, label="ScanImage TIFF", find=find, read=read)
