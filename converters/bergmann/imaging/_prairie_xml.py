"""The XML of a PrairieView recording: what was scanned, when each frame was taken, and which page of which file holds it.

The layout is not documented by Bruker; it is that of files of versions 4 and 5. A ``PVScan`` holds a ``Sequence`` for each cycle,
that a ``Frame`` for each frame, and that a ``File`` for each channel. The settings (``PVStateShard``) stand before the cycles, and
in each frame those that differ; version 4 has all of them in each frame, as ``Key`` with the axis in its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from bergmann.errors import SourceError

_CHUNK = 1 << 18  # bytes read at once
_PEEK = 1 << 20  # bytes in which the first frame of a recording must stand
_MOST_VALUES = 8  # of a setting; the position of a stage may change with each frame
_OLD_KEY = re.compile(r"^(?P<key>\w+?)_(?P<index>[XYZ]Axis|\d+)$")


class PageFile(NamedTuple):
    """Where a channel's frame is: name of the file, and page counted from 1."""

    channel: int
    channel_name: str
    file: str
    page: int


@dataclass(eq=False, slots=True)
class Frame:
    """One frame of all channels.

    Attributes
    ----------
    seconds : float
        When it was taken (``absoluteTime``, which counts on over the cycles; ``relativeTime`` starts anew with each in some
        versions); NaN where the XML does not say it.
    files : list of PageFile
    """

    seconds: float
    files: list[PageFile] = field(default_factory=list)


@dataclass(eq=False)
class Cycle:
    """One run through what the protocol asks for: a series of frames, or one volume."""

    kind: str
    time: str
    bidirectional: bool
    frames: list[Frame] = field(default_factory=list)


@dataclass(eq=False)
class Scan:
    """What the XML says.

    Attributes
    ----------
    version, date : str
        As written; empty if not said.
    cycles : list of Cycle
        In the order of the file.
    settings : dict of str to dict of str to list of str
        Each value that a setting takes, by key and then by what it is of (axis, detector, laser; empty if there is one only); the
        first eight, where it changes often.
    bad_frames : int
        Frames that PrairieView itself marks as not good (``lastGoodFrame`` other than 0).
    is_cut : bool
        Whether the XML ends, or is damaged, before its end.
    """

    version: str = ""
    date: str = ""
    cycles: list[Cycle] = field(default_factory=list)
    settings: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    bad_frames: int = 0
    is_cut: bool = False

    def setting(self, key: str, of: str = "") -> list[str]:
        """The values that a setting takes; empty if the XML does not say it."""
        return self.settings.get(key, {}).get(of, [])


def _number(text: str | None) -> float:
    try:
        return float(text) if text is not None else float("nan")
    except ValueError:
        return float("nan")


class _Target:
    """Takes the elements of the XML one by one, so that no tree of a large one is built."""

    def __init__(self) -> None:
        self.scan = Scan()
        self.root: str | None = None
        self._frames = 0
        self._key = ""
        self._take: dict[str, Callable[[dict[str, str]], None]] = {
            "PVScan": self._take_scan,
            "Sequence": self._take_cycle,
            "Frame": self._take_frame,
            "File": self._take_file,
            "ExtraParameters": self._take_extra,
            "PVStateValue": self._take_setting,
            "Key": self._take_old_setting,
            "IndexedValue": self._take_indexed,
        }

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Take an element and its attributes."""
        if self.root is None:
            self.root = tag
        take = self._take.get(tag)
        if take is not None and self.root == "PVScan":
            take(attributes)

    def _take_scan(self, said: dict[str, str]) -> None:
        self.scan.version, self.scan.date = said.get("version", ""), said.get("date", "")

    def _take_cycle(self, said: dict[str, str]) -> None:
        self.scan.cycles.append(Cycle(said.get("type", ""), said.get("time", ""), said.get("bidirectionalZ") == "True"))

    def _take_frame(self, said: dict[str, str]) -> None:
        if self.scan.cycles:
            self._frames += 1
            self.scan.cycles[-1].frames.append(Frame(_number(said.get("absoluteTime"))))

    def _take_file(self, said: dict[str, str]) -> None:
        if self._frames and said.get("channel", "").isdigit() and said.get("page", "1").isdigit():
            name = said.get("channelName") or f"Ch{said['channel']}"
            found = PageFile(int(said["channel"]), name, said.get("filename", ""), int(said.get("page", "1")))
            self.scan.cycles[-1].frames[-1].files.append(found)

    def _take_extra(self, said: dict[str, str]) -> None:
        self.scan.bad_frames += said.get("lastGoodFrame", "0") != "0"

    def _take_setting(self, said: dict[str, str]) -> None:
        self._key = said.get("key", "")
        if "value" in said:
            self._set("", said["value"])

    def _take_old_setting(self, said: dict[str, str]) -> None:
        old = _OLD_KEY.match(said.get("key", ""))
        self._key = old["key"] if old else said.get("key", "")
        self._set(old["index"] if old else "", said.get("value", ""))

    def _take_indexed(self, said: dict[str, str]) -> None:
        self._set(said.get("description") or said.get("index", ""), said.get("value", ""))

    def _set(self, of: str, value: str) -> None:
        values = self.scan.settings.setdefault(self._key, {}).setdefault(of, [])
        if value not in values and len(values) < _MOST_VALUES:
            values.append(value)


def read_scan(path: Path) -> Scan:
    """Read the XML of a recording.

    Raises
    ------
    SourceError
        If it is not PrairieView's.
    """
    target = _Target()
    parser = ElementTree.XMLParser(target=target)
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                parser.feed(chunk)
        parser.close()
    except ElementTree.ParseError:
        target.scan.is_cut = True
    except (OSError, LookupError, ValueError) as error:  # also an encoding that does not exist
        found = type(error).__name__
        raise SourceError(f"{path.name}: cannot be read ({found}); expected the XML of a PrairieView recording") from error
    if target.root != "PVScan":
        found = "no XML" if target.root is None else f"an XML of <{target.root}>"
        raise SourceError(f"{path.name}: {found}; expected the XML that PrairieView writes beside the frames, of <PVScan>")
    return target.scan


def peek_scan(path: Path) -> Scan | None:
    """The XML as far as its first frame; None for any other file, or one without frames near its beginning."""
    target = _Target()
    parser = ElementTree.XMLParser(target=target)
    left = _PEEK
    try:
        with path.open("rb") as file:
            while left > 0 and (chunk := file.read(8192)):
                left -= len(chunk)
                parser.feed(chunk)
                if target.root != "PVScan":
                    return None
                if any(frame.files for cycle in target.scan.cycles for frame in cycle.frames[:1]):
                    return target.scan
    except (ElementTree.ParseError, OSError, LookupError, ValueError):
        return None
    return None


def is_series(scan: Scan) -> bool:
    """Whether the first frames of a scan are a T-series: planes or volumes in time."""
    return any(cycle.kind.startswith("TSeries") and cycle.frames for cycle in scan.cycles)


def is_of_series(file: Path) -> bool:
    """Whether a TIFF is a frame of a recording whose XML stands beside it."""
    if not re.search(r"_Cycle\d{3,}_", file.name):
        return False
    stem = file.name.partition("_Cycle")[0]
    return peek_scan(file.with_name(f"{stem}.xml")) is not None
