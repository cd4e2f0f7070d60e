"""The pages of a ScanImage recording: where each is, which frame it belongs to, and whether any is missing."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.imaging._names import pattern_of
from bergmann.imaging._pages import CutShortError, PageForm
from bergmann.imaging._runs import PageRun, page_runs, walk_pages
from bergmann.imaging._scanimage_header import Setup

_FRAME = re.compile(
    rb"frameNumbers = (\d+)\s+acquisitionNumbers = \d+\s+frameNumberAcquisition = (\d+)\s+"
    rb"frameTimestamps_sec = (-?[\d.]+(?:e[-+]?\d+)?)"
)
_DESCRIBED = 320  # bytes of a frame's header that hold its number and time


@dataclass(frozen=True, eq=False)
class Pages:
    """The pages of all files of a recording, in order.

    Attributes
    ----------
    files : tuple of Path
    form : PageForm
    file_of : np.ndarray, shape (n_pages,), int32
        Which file each page is in.
    offsets : np.ndarray, shape (n_pages,), int64
        Where in the file its pixels begin.
    numbers : np.ndarray, shape (n_pages,), int64
        Number of its frame since the recording began, from 1; empty if frames have no headers.
    in_acquisition : np.ndarray, shape (n_pages,), int64
        The same since the acquisition began: a recording (loop) may have several.
    seconds : np.ndarray, shape (n_pages,), float64
        When its frame began, in seconds after the recording did.
    is_cut : bool
        Whether the last file ends in the middle of a page.
    lengths : tuple of int
        Size of each file before its pages were counted, in bytes.
    """

    files: tuple[Path, ...]
    form: PageForm
    file_of: NDArray[np.int32]
    offsets: NDArray[np.int64]
    numbers: NDArray[np.int64]
    in_acquisition: NDArray[np.int64]
    seconds: NDArray[np.float64]
    is_cut: bool
    lengths: tuple[int, ...]

    def name_of(self, page: int) -> str:
        """Name of the file that a page is in."""
        return self.files[int(self.file_of[page])].name


def scan_pages(files: tuple[Path, ...], *, numbered: bool) -> Pages:
    """Count the pages of all files, and read the number and time of each where frames have headers.

    Raises
    ------
    SourceError
        If pages differ in form, a frame's header is missing, or a file that others follow is cut short.
    """
    file_of, offsets, numbers, in_acquisition, seconds = array("i"), array("q"), array("q"), array("q"), array("d")
    lengths = tuple(file.stat().st_size for file in files)
    form: PageForm | None = None
    is_cut = False
    for index, file in enumerate(files):
        before = len(offsets)
        try:
            for run in page_runs(file, described=_DESCRIBED if numbered else 0):
                form = form or run.form
                if run.form != form:
                    raise SourceError(
                        f"{file.name}: page {len(offsets) - before + 1} is {_said(run.form)}, the first page of "
                        f"{files[0].name} is {_said(form)}; expected pages of one form"
                    )
                for header in _frame_headers(run, file, len(offsets) - before) if numbered else ():
                    numbers.append(header[0])
                    in_acquisition.append(header[1])
                    seconds.append(header[2])
                file_of.extend([index] * len(run.offsets))
                offsets.frombytes(run.offsets.tobytes())
        except CutShortError:
            if index + 1 < len(files):
                count = len(offsets) - before
                raise SourceError(
                    f"{file.name}: cut short after {count} complete pages, but other files follow it; copy it again"
                ) from None
            is_cut = True
    if form is None:
        raise SourceError(f"{files[0].name}: no complete page; is the file cut short?")
    return Pages(
        files,
        form,
        np.frombuffer(file_of, np.int32),
        np.frombuffer(offsets, np.int64),
        np.frombuffer(numbers, np.int64),
        np.frombuffer(in_acquisition, np.int64),
        np.frombuffer(seconds, np.float64),
        is_cut,
        lengths,
    )


def first_frame_number(file: Path) -> int | None:
    """Number of the first frame of a file; None if it has no frame headers."""
    page = next(walk_pages(file, described=_DESCRIBED), None)
    header = _frame_header(page.description) if page is not None else None
    return header[0] if header else None


def _frame_headers(run: PageRun, file: Path, before: int) -> Iterator[tuple[int, int, float]]:
    """Number, number in the acquisition, and time of each page; `before` is how many pages of the file are before them."""
    for index, description in enumerate(run.descriptions):
        header = _frame_header(description)
        if header is None:
            raise SourceError(_without_header(file, before + index + 1))
        yield header


def _frame_header(description: bytes) -> tuple[int, int, float] | None:
    match = _FRAME.search(description)
    return (int(match[1]), int(match[2]), float(match[3])) if match else None


def _without_header(file: Path, page: int) -> str:
    return (
        f"{file.name}: page {page} has no ScanImage frame header (frameNumbers, frameTimestamps_sec); was the file saved again by "
        "another program? Then state `format: tiff` and its `rate`."
    )


def _said(form: PageForm) -> str:
    return f"{form.height} x {form.width} pixels of {form.bits} bits"


def check_channels(pages: Pages, setup: Setup) -> None:
    """Check that the pages of each frame have the number of one frame.

    Raises
    ------
    SourceError
        If they have not: the pages are not the channels that the header says.
    """
    n_channels = len(setup.channels)
    n_frames = len(pages.offsets) // n_channels
    numbers = pages.numbers[: n_frames * n_channels].reshape(n_frames, n_channels)
    wrong = np.flatnonzero((numbers != numbers[:, :1]).any(axis=1))
    if len(wrong):
        named = ", ".join(str(channel) for channel in setup.channels)
        raise SourceError(
            f"{pages.name_of(int(wrong[0]) * n_channels)}: the header says that the channels {named} are saved, but the pages that "
            f"should be those of one frame are of the frames {numbers[wrong[0]].tolist()}; was a channel removed?"
        )


def check_numbers(pages: Pages, setup: Setup) -> int:
    """Check by the frames' own numbers that none is missing at the beginning, between files, or in a volume.

    Returns
    -------
    int
        How many frames ScanImage dropped while recording a single plane; each frame that is there has its own time.

    Raises
    ------
    SourceError
        If frames are missing.
    """
    n_channels = len(setup.channels)
    numbers, file_of = pages.numbers[::n_channels], pages.file_of[::n_channels]
    if numbers[0] != 1 and pages.in_acquisition[0] != 1:
        raise SourceError(
            f"{pages.files[0].name}: begins with frame {numbers[0]}; frames 1 to {numbers[0] - 1} are in files that `path` does "
            f"not name. Name the whole series, such as {pattern_of(pages.files[0])}"
        )
    steps = np.diff(numbers)
    step = frame_step(pages, setup)
    gaps = np.flatnonzero(steps != step)
    for gap in gaps[(steps[gaps] <= 0) | (file_of[gaps] != file_of[gaps + 1]) | (setup.planes > 1)][:1].tolist():
        before, after = pages.name_of(gap * n_channels), pages.name_of((gap + 1) * n_channels)
        where = f"{before} ends with" if before != after else f"{before}:"
        raise SourceError(
            f"{where} frame {numbers[gap]}, followed by frame {numbers[gap + 1]}{f' in {after}' if before != after else ''}; "
            f"expected {numbers[gap] + step}. {_why(numbers[gap] + step, numbers[gap + 1] - step, before != after)}"
        )
    return int((steps[gaps] // step - 1).sum())


def frame_step(pages: Pages, setup: Setup) -> int:
    """By how much the number rises from frame to frame: 1, or the number of averaged frames where ScanImage counts those."""
    steps = np.diff(pages.numbers[:: len(setup.channels)][:2])
    return setup.averaged if len(steps) and steps[0] == setup.averaged else 1


def _why(first: int, last: int, between_files: bool) -> str:
    if last < first:
        return "Are these the files of one recording, in their order?"
    if between_files:
        return f"The file with frames {first} to {last} is missing."
    return f"Frames {first} to {last} were dropped, so the planes of its volumes cannot be told apart after them."
