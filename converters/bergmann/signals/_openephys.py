"""What the files of a recording in Open Ephys' binary format say.

The layout is that of the GUI's documentation (*Binary format*) and of its source (``SystemEvent``, ``BinaryRecording``), for
versions 0.4.4 to 1: ``structure.oebin`` in JSON names streams and events; ``continuous/STREAM/continuous.dat`` has ``int16``,
little-endian, the channels of a sample behind each other; the number of each sample is in ``sample_numbers.npy`` (from 0.6 on; in
``timestamps.npy`` before), that of each change of a line in the same file of its folder, with the number of the line in
``states.npy`` (``channel_states.npy``), negative where it went off. ``sync_messages.txt`` says with which sample each stream began.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError

NAME = "structure.oebin"
STORED = np.dtype("<i2")
NUMBERS = ("sample_numbers.npy", "timestamps.npy")
STATES = ("states.npy", "channel_states.npy")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_SOFTWARE = re.compile(r"^Software Time \(milliseconds since midnight Jan 1st 1970 UTC\): (\d+)$", re.MULTILINE)
_STARTS = re.compile(r"^Start Time for (?P<node>.+) \((?P<id>\d+)\) - (?P<stream>.+) @ \S+ Hz: (?P<sample>\d+)$", re.MULTILINE)
_OLD_STARTS = re.compile(
    r"^Processor: .+ Id: (?P<id>\d+) subProcessor: (?P<part>\d+) start time: (?P<sample>\d+)@\d+Hz$", re.MULTILINE
)
_DATE = re.compile(r"<DATE>(\d+) (\w{3})\w* (\d{4}) (\d+):(\d+):(\d+)</DATE>")


@dataclass(frozen=True)
class OpenEphysChannel:
    """One channel of a stream; a stored value times `scale` is in `unit`."""

    name: str
    unit: str
    scale: float


@dataclass(frozen=True)
class Stream:
    """One stream of a recording.

    Attributes
    ----------
    name : str
        As the GUI calls it; that of its folder where it has none.
    folder : str
        Of its files, in ``continuous``.
    rate : float
    channels : tuple of OpenEphysChannel
    ids : tuple of str
        Number of the processor that it comes from, and of the part of that processor.
    """

    name: str
    folder: str
    rate: float
    channels: tuple[OpenEphysChannel, ...]
    ids: tuple[str, str]


@dataclass(frozen=True)
class Structure:
    """What ``structure.oebin`` says.

    Attributes
    ----------
    path : Path
    version : str
        Of the GUI.
    streams : tuple of Stream
    events : tuple of str
        Folders in ``events``.
    """

    path: Path
    version: str
    streams: tuple[Stream, ...]
    events: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Interleaved:
    """Samples of one channel as they are stored, shape (n_samples,), int16."""

    path: Path
    n_samples: int
    n_channels: int
    channel: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n_samples,)

    @property
    def dtype(self) -> np.dtype[Any]:
        return STORED

    def __getitem__(self, block: slice, /) -> NDArray[np.int16]:
        start, stop, _ = block.indices(self.n_samples)
        count = max(stop - start, 0)
        if not count:
            return np.empty(0, STORED)
        if self.path.stat().st_size < stop * self.n_channels * STORED.itemsize:
            raise SourceError(f"{self.path.name}: it ends before sample {stop}; the file was cut, copy it again")
        whole = np.memmap(self.path, STORED, mode="r", shape=(self.n_samples, self.n_channels))
        return np.array(whole[start:stop, self.channel])


def read_structure(path: Path) -> Structure:
    """Read ``structure.oebin``.

    Raises
    ------
    SourceError
        If it is no such file, or lacks what is needed.
    """
    expected = f"expected {NAME} of a recording in the binary format of Open Ephys"
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(said, dict) or "continuous" not in said:
            raise SourceError(f"{path.name}: it does not list streams (`continuous`); {expected}")
        return Structure(
            path=path,
            version=str(said.get("GUI version", "")),
            streams=tuple(_stream(one) for one in said["continuous"]),
            events=tuple(str(one["folder_name"]).strip("/\\") for one in said.get("events", ())),
        )
    except (ValueError, UnicodeDecodeError) as error:
        raise SourceError(f"{path.name}: it is not as the GUI writes it ({error}); {expected}. Was it cut?") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise SourceError(f"{path.name}: it lacks what a stream needs ({error}); {expected}") from error


def _stream(said: Mapping[str, Any]) -> Stream:
    folder = str(said["folder_name"]).strip("/\\")
    return Stream(
        name=str(said.get("stream_name") or folder),
        folder=folder,
        rate=float(said["sample_rate"]),
        channels=tuple(OpenEphysChannel(str(one["channel_name"]), _unit(one), float(one["bit_volts"])) for one in said["channels"]),
        ids=(str(said.get("source_processor_id", "")), str(said.get("source_processor_sub_idx", ""))),
    )


def _unit(channel: Mapping[str, Any]) -> str:
    """The unit of a channel; early versions do not say it, and scale electrodes to microvolts and inputs of the board to volts."""
    by_name = {"CH": "uV", "ADC": "V"}.get(re.sub(r"[\d_]+$", "", str(channel["channel_name"])), "unknown")
    return str(channel.get("units") or by_name)


def sync_messages(structure: Structure) -> str:
    """The text of ``sync_messages.txt``; empty where there is none."""
    path = structure.path.with_name("sync_messages.txt")
    return path.read_text(encoding="utf-8", errors="replace").replace("\r", "") if path.is_file() else ""


def first_sample_of(stream: Stream, messages: str) -> int | None:
    """Number of the sample with which a stream began when recording did; None where it is not said."""
    found = [
        match
        for match in _STARTS.finditer(messages)
        if match["stream"] == stream.name or f"{match['node'].replace(' ', '_')}-{match['id']}.{match['stream']}" == stream.folder
    ]
    found = [match for match in found if match["id"] == stream.ids[0]] or found
    found = found or [match for match in _OLD_STARTS.finditer(messages) if (match["id"], match["part"]) == stream.ids]
    return int(found[0]["sample"]) if len(found) == 1 else None


def start_of(structure: Structure, messages: str) -> datetime | None:
    """When the recording began: in UTC as the messages say it, else by the date in the settings, for the first of an experiment."""
    if match := _SOFTWARE.search(messages):
        return EPOCH + timedelta(milliseconds=int(match[1]))
    folder = structure.path.absolute().parent
    experiment = re.fullmatch(r"experiment(\d+)", folder.parent.name)
    if folder.name != "recording1" or experiment is None:
        return None
    number = "" if experiment[1] == "1" else f"_{experiment[1]}"
    settings = folder.parent.with_name(f"settings{number}.xml")
    match = _DATE.search(settings.read_text(encoding="utf-8", errors="replace")) if settings.is_file() else None
    if match is None or match[2].lower() not in MONTHS:
        return None
    day, _, year, hour, minute, second = match.groups()
    try:
        return datetime(int(year), MONTHS.index(match[2].lower()) + 1, int(day), int(hour), int(minute), int(second))
    except ValueError:
        return None


def numbers_in(folder: Path) -> NDArray[np.int64]:
    """The number of each sample or event in a folder, shape (n,), read from the file as it is needed.

    Raises
    ------
    SourceError
        If there is none, or it is damaged or cut.
    """
    return load(folder, NUMBERS, "iu")


def file_in(folder: Path, names: tuple[str, ...]) -> Path | None:
    """The first file of these names that is in a folder."""
    return next((folder / name for name in names if (folder / name).is_file()), None)


def load(folder: Path, names: tuple[str, ...], kinds: str) -> NDArray[Any]:
    """The first array of these names that is in a folder, as it is in the file.

    Raises
    ------
    SourceError
        If there is none, it is damaged or cut, or not one row of these kinds of type.
    """
    path = file_in(folder, names)
    if path is None:
        raise SourceError(f"{folder.name}: neither {' nor '.join(names)} is there; was the folder copied whole?")
    try:
        values: NDArray[Any] = np.load(path, mmap_mode="r")
    except (ValueError, EOFError, OSError) as error:
        raise SourceError(f"{folder.name}/{path.name}: it cannot be read ({error}); was the file cut?") from error
    if values.ndim != 1 or values.dtype.kind not in kinds:
        raise SourceError(
            f"{folder.name}/{path.name}: {values.dtype} of shape {values.shape}; expected one row of "
            f"{'texts' if 'S' in kinds else 'whole numbers; is a file missing beside it?'}"
        )
    return values


def texts_in(folder: Path) -> Iterator[str]:
    """The messages of a folder of text events."""
    for text in load(folder, ("text.npy",), "SU"):
        yield text.decode("utf-8", errors="replace").strip() if isinstance(text, bytes) else str(text).strip()
