"""Which frames of a run are of this recording, and when they were taken."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import BeforeValidator

from bergmann.errors import SourceError
from bergmann.records import Movie, RoiPlane
from bergmann.timing.times import Times


def _parse_frames(text: object) -> object:
    """Read ``6001-44400``."""
    if not isinstance(text, str):
        return text
    match = re.fullmatch(r"\s*(\d+)\s*[-\N{EN DASH}]\s*(\d+)\s*", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise ValueError(f"`{text}` is not a range of frames; write the first and the last, counted from 1: 6001-44400")
    return int(match[1]), int(match[2])


FrameRange = Annotated[tuple[int, int], BeforeValidator(_parse_frames)]
"""First and last frame of one recording in a run over several, counted from 1: ``6001-44400``."""


def part_of_run(name: str, frames: tuple[int, int] | None, n_frames: int) -> tuple[int, int]:
    """First frame of the recording, from 0, and the one after its last.

    Raises
    ------
    SourceError
        If the run is shorter.
    """
    if frames is None:
        return 0, n_frames
    first, last = frames
    if last > n_frames:
        raise SourceError(f"{name}: frames {first} to {last} of a run over {n_frames} frames")
    return first - 1, last


def times_of_movie(
    name: str, program: str, movie: Movie, planes: Iterable[RoiPlane], n_run: int, *, frames: tuple[int, int] | None = None
) -> Times:
    """The times of the movie that a program was run on.

    Parameters
    ----------
    name : str
        Of the file or folder, for messages.
    program : str
        Which was run.
    movie : Movie
    planes : iterable of RoiPlane
        Their images must be as large as the movie's frames.
    n_run : int
        How many frames the program was run on.
    frames : tuple of int, optional
        The stated part of these that is this recording's.

    Raises
    ------
    SourceError
        If the traces are of other frames than those of the movie that are used.
    """
    start, stop = part_of_run(name, frames, n_run)
    n_frames, used = stop - start, movie.used
    if used is not None and n_run == used.of and (start + 1, stop) != (used.first, used.last):
        raise SourceError(
            f"{name}: {program} was run on all {n_run} frames of {movie.files[0].name}, of which the movie uses {used.first} to "
            f"{used.last}; state the same for the ROIs: `frames: {used.first}-{used.last}`"
        )
    if len(movie.times) != n_frames:
        what = "the part that `frames` names" if frames is not None else program
        raise SourceError(
            f"{name}: {what} has {n_frames} frames, and the movie {movie.files[0].name} has {len(movie.times)}; "
            f"if {program} ran on several recordings, state this one's part as `frames: <first>-<last>`, counted from 1"
        )
    height, width = movie.channels[0].frames.shape[-2:]
    for plane in planes:
        if plane.image_shape != (height, width):
            found = " x ".join(map(str, plane.image_shape))
            raise SourceError(f"{name}: {plane.name} is {found} pixels, and the movie's frames are {height} x {width}")
    return movie.times
