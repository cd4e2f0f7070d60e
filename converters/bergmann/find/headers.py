"""What the files of a source say of themselves, read only as far as seconds allow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bergmann.disk import why_closed
from bergmann.errors import MissingExtraError, SourceError
from bergmann.find.found import Found
from bergmann.find.text import n_of
from bergmann.records import Events, GlialEvents, Movie, Pose, Record, Recording, Segmentation, StateMachine, Video
from bergmann.registry import Inputs
from bergmann.stated import Quantity
from bergmann.timing.times import Times

MOST_BYTES = 512 * 2**20
"""Size of a source whose frames are counted here; a larger one is left to `check`."""

MOST_TEXT = 64 * 2**20
"""The same for what must be read whole to be counted: tables and scored behaviour."""


@dataclass(frozen=True)
class Header:
    """What is known of a source without a person.

    Attributes
    ----------
    found : Found
    record : Record or None
        None where it was not read or could not be.
    refused : str
        Why it could not be read; empty if it was or was not tried.
    lacks_reader : bool
        Whether only a reader is missing that can be installed.
    ticks : int or None
        How often a line that ticks for its frames must have ticked, where that was counted.
    rate : float or None
        Of those ticks, in Hz, as the files say it.
    """

    found: Found
    record: Record | None = None
    refused: str = ""
    lacks_reader: bool = False
    ticks: int | None = None
    rate: float | None = None


def read_header(found: Found) -> Header:
    """Read the header of a source, if it is small enough to be counted in a moment.

    Parameters
    ----------
    found : Found
    """
    kind = found.format.record
    limit = MOST_TEXT if issubclass(kind, Pose | Events) else MOST_BYTES
    if not issubclass(kind, Recording | GlialEvents) and _to_go_through(found) > limit:
        return _header_of_video(found) if issubclass(kind, Video) else _header_of_movie(found)
    source = found.source.model_copy(update=_to_read(found))
    inputs: Inputs = {}
    try:
        record = found.format.read(source, inputs)
    except SourceError as error:
        return _without_rate(found, str(error)) or Header(found, None, str(error), isinstance(error, MissingExtraError))
    except OSError as error:  # a file of a series that is held by another program
        name = Path(error.filename).name if error.filename else found.path.name
        return Header(found, None, f"{name}: {why_closed(error)}")
    times = record.clock_times
    if times is None or issubclass(kind, Pose | Segmentation):
        return Header(found, record)
    return Header(found, record, ticks=len(times), rate=rate_of(times))


def _without_rate(found: Found, refused: str) -> Header | None:
    """The header of a movie that lacks nothing but its rate; its frames can be counted without."""
    if not issubclass(found.format.record, Movie) or "`rate" not in refused:
        return None
    try:
        record = found.format.read(found.source.model_copy(update={"rate": Quantity(1, "Hz")}), {})
    except SourceError:
        return None
    return Header(found, record, refused, ticks=len(record.clock_times or ()))


def _to_go_through(found: Found) -> int:
    """Bytes of the files that counting goes through; of ROIs those of the masks and settings, since traces have headers."""
    if not issubclass(found.format.record, Segmentation):
        return found.size
    return sum(path.stat().st_size for path in found.files if path.stem in _OF_ROIS and path.is_file())


_OF_ROIS = frozenset({"stat", "ops", "db", "settings", "reg_outputs", "detect_outputs"})


def _to_read(found: Found) -> dict[str, Any]:
    """What reading needs though a person will state it otherwise: a tracked file alone has no times."""
    return (
        {"rate": Quantity(1, "Hz")} if issubclass(found.format.record, Pose) and "rate" in found.format.source.model_fields else {}
    )


def _header_of_video(found: Found) -> Header:
    """Frames as the container's own header counts them; none of its packets is read."""
    import av

    count, rate = 0, None
    try:
        for path in found.named:
            with av.open(str(path)) as container:
                stream = container.streams.video[0]
                if not stream.frames:
                    return Header(found)
                count += stream.frames
                rate = float(stream.average_rate) if stream.average_rate else None
    except (av.FFmpegError, OSError, IndexError):
        return Header(found)
    return Header(found, ticks=count, rate=rate)


def _header_of_movie(found: Found) -> Header:
    """Frames of ScanImage's single planes from the spacing of the pages; none is walked."""
    if found.format.key != "scanimage":
        return Header(found)
    from bergmann.imaging._count import count_even_pages
    from bergmann.imaging._scanimage_header import read_setup

    try:
        setup = read_setup(found.named[0])
    except SourceError as error:
        return Header(found, refused=str(error))
    counts = [count_even_pages(path) for path in found.named]
    whole = sum(count or 0 for count in counts)
    if None in counts or setup.planes > 1 or setup.averaged > 1 or whole % len(setup.channels):
        return Header(found)
    return Header(found, ticks=whole // len(setup.channels), rate=setup.rate)


def rate_of(times: Times) -> float | None:
    """Mean rate, in Hz."""
    return (len(times) - 1) / (times.last - times.first) if len(times) > 1 and times.last > times.first else None


def describe(header: Header) -> str:
    """What the files say, in a line."""
    record = header.record
    if record is None:
        return _unread(header)
    facts = next((say(header, record) for kind, say in _FACTS.items() if isinstance(record, kind)), "")
    began = f"its clock says {record.start:%Y-%m-%d %H:%M:%S %Z}".rstrip() if record.start is not None else ""
    return "; ".join(one for one in (facts, began) if one)


def _unread(header: Header) -> str:
    if header.lacks_reader:
        return header.refused
    if header.refused:
        return "to be read once the blanks below are filled"
    how = "by its header" if issubclass(header.found.format.record, Video) else "by the spacing of its pages"
    counted = f"; {n_of(header.ticks, 'frame')}{_hertz(header.rate)} {how}" if header.ticks else ""
    return f"{size_text(header.found.size)}: not read through here, `bergmann check` does{counted}"


def size_text(size: float) -> str:
    """``12.3 MB``."""
    units = ("B", "kB", "MB", "GB", "TB")
    power = min(len(f"{int(size)}") - 1, 12) // 3
    return f"{size / 1000**power:.{1 if power else 0}f} {units[power]}"


def _hertz(rate: float | None) -> str:
    return "" if rate is None else f" at {rate:.5g} Hz"


def _files(record: Record) -> str:
    return f"{n_of(len(record.files), 'file')}, " if len(record.files) > 1 else ""


def _recording(_: Header, record: Recording) -> str:
    first, last = record.span or (0.0, 0.0)
    parts = f"{n_of(len(record.channels), 'channel')}: {', '.join(one.name for one in record.channels)}" if record.channels else ""
    lines = f"events of {', '.join(one.name for one in record.lines)}" if record.lines else ""
    sweeps = f" in {n_of(len(record.sweep_lengths), 'sweep')}" if len(record.sweep_lengths) > 1 else ""
    sampled = f"{last - first:.1f} s{_hertz(record.rate) if record.channels else ''}{sweeps}"
    return ", ".join(text for text in (sampled, parts, lines) if text)


def _frame_rate(header: Header, record: Movie | Video) -> float | None:
    """As the files say it; None where only a person does."""
    return None if header.rate is None else rate_of(record.times)


def _movie(header: Header, record: Movie) -> str:
    shape = record.channels[0].frames.shape
    what = f"{n_of(shape[0], 'frame' if len(shape) == 3 else 'volume')} of {' x '.join(map(str, shape[1:]))}"
    channels = f", channels {', '.join(record.parts)}" if len(record.parts) > 1 else ""
    return f"{_files(record)}{what}{_hertz(_frame_rate(header, record))}{channels}"


def _glial_events(_: Header, record: GlialEvents) -> str:
    return n_of(len(record.onsets), "event")


def _segmentation(_: Header, record: Segmentation) -> str:
    rois = sum(len(plane.masks) for plane in record.planes)
    planes = f" in {n_of(len(record.planes), 'plane')}" if len(record.planes) > 1 else ""
    height, width = record.planes[0].image_shape
    return f"{n_of(rois, 'ROI')}{planes} of {height} x {width}, {n_of(len(record.times), 'frame')}"


def _video(header: Header, record: Video) -> str:
    width, height = record.size
    return f"{_files(record)}{n_of(len(record.times), 'frame')} of {height} x {width}{_hertz(_frame_rate(header, record))}"


def _pose(_: Header, record: Pose) -> str:
    parts = ", ".join(one.name for one in record.keypoints[:6]) + (", ..." if len(record.keypoints) > 6 else "")
    return f"{n_of(len(record.times), 'frame')}, {n_of(len(record.keypoints), 'body part')}: {parts}"


def _events(_: Header, record: Events) -> str:
    return ", ".join(f"{n_of(len(one.times), 'time')} {one.name}" for one in record.series[:6])


def _trials(_: Header, record: StateMachine) -> str:
    states = [one for one in record.series if one.durations is not None]
    events = [one.name for one in record.series if one.durations is None]
    first, last = record.span or (0.0, 0.0)
    kinds = f"{n_of(len(states), 'state')}, {n_of(len(events), 'kind')} of events: {', '.join(events)}"
    return f"{n_of(len(record.starts), 'trial')} in {last - first:.1f} s, {kinds}"


_FACTS: Mapping[type[Record], Callable[[Header, Any], str]] = {
    StateMachine: _trials,
    Recording: _recording,
    Movie: _movie,
    Segmentation: _segmentation,
    GlialEvents: _glial_events,
    Video: _video,
    Pose: _pose,
    Events: _events,
}
