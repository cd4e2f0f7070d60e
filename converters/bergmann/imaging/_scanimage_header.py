"""What a ScanImage header says of a recording: ScanImage 3.8 (``state.*``) and ScanImage 2016 and later (``SI.*``).

Only known keys are taken; headers also carry paths and names of users, which must not leave the rig.

Sources: ScanImage documentation, "ScanImage BigTiff Specification" (docs.scanimage.org) for ``SI.*`` and the frame headers;
the headers of real files for ``state.*``; ``clockToString`` of ScanImage 3.8 writes times as month/day/year.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from bergmann.errors import SourceError
from bergmann.imaging._pages import ARTIST, SOFTWARE, read_description, read_text

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?Inf|NaN")
_WORD = re.compile(r"'((?:[^']|'')*)'")
_EPOCH = re.compile(r"epoch = \[\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,]+([\d.]+)\s*\]")
_TRIGGER = re.compile(r"^(\d+)/(\d+)/(\d+) (\d+):(\d+):([\d.]+)$")


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How a recording was made.

    Attributes
    ----------
    software : str
        E.g. ``"ScanImage 2021.0.0"``.
    start : datetime or None
        When the recording started, on the microscope's PC (local time, no zone).
    channels : tuple of int
        Numbers of the saved channels, in the order of the pages.
    names : mapping of int to str
        What the channels are called.
    rate : float
        Frames scanned per second.
    averaged : int
        How many scanned frames make one saved frame.
    planes : int
        Planes of a volume; 1 for a single plane.
    flyback : int
        Frames of each volume, after its planes, while the focus flies back.
    frames_per_plane : int
        Frames at each depth before the next.
    numbered : bool
        Whether each frame has a header of its own with its number and time.
    planned : int or None
        How many frames (or volumes) were to be recorded, where that is a number.
    field_size : tuple of float or None
        (height, width) of the imaged field, in metres.
    plane_spacing : float or None
        In metres.
    notes : mapping of str to str
    """

    software: str
    start: datetime | None
    channels: tuple[int, ...]
    names: Mapping[int, str] = field(default_factory=dict)
    rate: float
    averaged: int = 1
    planes: int = 1
    flyback: int = 0
    frames_per_plane: int = 1
    numbered: bool
    planned: int | None = None
    field_size: tuple[float, float] | None = None
    plane_spacing: float | None = None
    notes: Mapping[str, str] = field(default_factory=dict)


class _Values:
    """Values of a header by key, as MATLAB writes them."""

    def __init__(self, text: str, separator: str, name: str) -> None:
        pairs = (line.partition(separator) for line in text.splitlines())
        self._texts = {key.strip(): value.strip() for key, found, value in pairs if found}
        self.name = name

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def text(self, key: str) -> str:
        return self._texts.get(key, "")

    def numbers(self, key: str) -> list[float]:
        """Every number of an array; strings in it are not looked into."""
        text = _WORD.sub("", self.text(key))
        return [] if text.startswith("zeros(") else [float(number) for number in _NUMBER.findall(text)]

    def number(self, *keys: str) -> float | None:
        """The first number found under the keys; None if there is none."""
        found = (self.numbers(key)[0] for key in keys if self.numbers(key))
        return next(found, None)

    def whole(self, *keys: str, default: int = 1) -> int:
        """The first whole number found under the keys; `default` for none or an infinite one."""
        number = self.number(*keys)
        return default if number is None or not math.isfinite(number) else int(number)

    def is_true(self, *keys: str) -> bool:
        return any(self.text(key) in {"true", "1"} for key in keys)

    def words(self, key: str) -> list[str]:
        return [word.replace("''", "'") for word in _WORD.findall(self.text(key))]

    def needed(self, *keys: str) -> float:
        """The first number found under the keys.

        Raises
        ------
        SourceError
            If there is none above 0.
        """
        number = self.number(*keys)
        if number is None or not (math.isfinite(number) and number > 0):
            found = ", ".join(f"{key} = {self.text(key) or '(absent)'}" for key in keys)
            raise SourceError(f"{self.name}: its ScanImage header says {found}; expected a number above 0. Is the header damaged?")
        return number


def is_scanimage(path: Path) -> bool:
    """Whether a TIFF has the header of ScanImage 3.8 or of ScanImage 2016 and later."""
    return _header_kind(path)[0] in {"SI", "state"}


def _header_kind(path: Path) -> tuple[str, str]:
    """Which header a TIFF has, and its text: ``SI``, ``state``, another program's, or none."""
    software = read_text(path, SOFTWARE)
    if software.startswith("SI."):
        return "SI", software
    description = read_description(path)
    if description.startswith("state."):
        return "state", description
    if "scanimage.SI" in description[:400] or description.startswith("SI."):
        return "older", description
    if "ImageJ=" in description[:40]:
        return "ImageJ", ""
    return ("OME", "") if "<OME" in description[:4000] else (software.splitlines()[0][:40] if software else "", "")


def read_setup(path: Path) -> Setup:
    """What the header of a ScanImage file says.

    Raises
    ------
    SourceError
        If the file was not written by ScanImage, or by a version between 3.8 and 2016.
    """
    kind, text = _header_kind(path)
    if kind == "SI":
        return _current(_Values(text, " = ", path.name), read_description(path), read_text(path, ARTIST))
    if kind == "state":
        return _version_3(_Values(text, "=", path.name))
    if kind == "older":
        raise SourceError(
            f"{path.name}: written by ScanImage 4, 5 or 2015, whose header is not read yet; expected 3.8, or 2016 and later"
        )
    made_by = f"its header is of {kind}" if kind else "it has no header that names a program"
    raise SourceError(
        f"{path.name}: not a ScanImage TIFF ({made_by}); expected `SI.*` or `state.*` values. "
        "If ImageJ or another program saved it, state `format: tiff` and its `rate`."
    )


def _current(values: _Values, first_frame: str, rois: str) -> Setup:
    """The setup of ScanImage 2016 and later."""
    stack = "SI.hStackManager"
    slices = values.whole(f"{stack}.actualNumSlices", f"{stack}.numSlices")
    is_stack = slices > 1 and (values.is_true(f"{stack}.enable", "SI.hFastZ.enable") or f"{stack}.enable" not in values)
    frames_per_plane = values.whole(f"{stack}.framesPerSlice") if is_stack else 1
    with_flyback = values.whole(f"{stack}.numFramesPerVolumeWithFlyback", default=0)
    flyback = max(0, with_flyback - slices * frames_per_plane) if with_flyback else _older_flyback(values)
    version = ".".join(str(values.whole(f"SI.VERSION_{part}", default=0)) for part in ("MAJOR", "MINOR", "UPDATE"))
    channels = tuple(int(number) for number in values.numbers("SI.hChannels.channelSave"))
    if not channels:
        raise SourceError(f"{values.name}: its ScanImage header names no saved channel (SI.hChannels.channelSave)")
    _refuse_several_fields(values, rois)
    names = dict(enumerate(values.words("SI.hChannels.channelName"), start=1))
    averaged = max(1, values.whole("SI.hScan2D.logAverageFactor"))
    return Setup(
        software=f"ScanImage {version}",
        start=_epoch(first_frame),
        channels=channels,
        names={number: names[number] for number in channels if number in names},
        rate=values.needed("SI.hRoiManager.scanFrameRate"),
        averaged=averaged,
        planes=slices if is_stack else 1,
        flyback=flyback if is_stack else 0,
        frames_per_plane=frames_per_plane,
        numbered=True,
        planned=_planned(values, averaged, is_stack=is_stack),
        field_size=_field_size(values, rois),
        plane_spacing=_plane_spacing(values, slices) if is_stack else None,
        notes=_current_notes(values, channels),
    )


def _planned(values: _Values, averaged: int, *, is_stack: bool) -> int | None:
    """How many volumes or saved frames were to be recorded; None if the recording was to go on until stopped."""
    stack = "SI.hStackManager"
    keys = (f"{stack}.actualNumVolumes", f"{stack}.numVolumes") if is_stack else (f"{stack}.framesPerSlice",)
    number = values.number(*keys)
    return int(number) // averaged if number is not None and math.isfinite(number) and number > 0 else None


def _older_flyback(values: _Values) -> int:
    """Flyback frames of a volume in ScanImage 2016 to 2019, which does not state the frames of a volume."""
    return values.whole("SI.hFastZ.numDiscardFlybackFrames", default=0) if values.is_true("SI.hFastZ.enable") else 0


def _refuse_several_fields(values: _Values, rois: str) -> None:
    """Refuse pages that hold several fields above each other.

    Raises
    ------
    SourceError
        If several regions were imaged (mROI): a page is then not one image.
    """
    regions = _regions(rois)
    if values.is_true("SI.hRoiManager.mroiEnable") and len(regions) > 1:
        raise SourceError(
            f"{values.name}: {len(regions)} regions were imaged (mROI), which ScanImage stores above each other in each page; "
            "expected one region. Such files are not read yet."
        )


def _regions(rois: str) -> list[dict[str, object]]:
    """The imaged regions; empty if the header has none that can be read."""
    try:
        group = json.loads(rois)["RoiGroups"]["imagingRoiGroup"]["rois"]
    except (json.JSONDecodeError, KeyError, TypeError):
        return []
    return [one for one in (group if isinstance(group, list) else [group]) if isinstance(one, dict)]


def _epoch(first_frame: str) -> datetime | None:
    """When the recording started, from the header of its first frame."""
    match = _EPOCH.search(first_frame)
    if not match:
        return None
    year, month, day, hour, minute = (int(match[group]) for group in range(1, 6))
    return _moment(year, month, day, hour, minute, float(match[6]))


def _moment(year: int, month: int, day: int, hour: int, minute: int, seconds: float) -> datetime | None:
    try:
        return datetime(year, month, day, hour, minute) + timedelta(microseconds=round(seconds * 1e6))
    except ValueError:
        return None


def _field_size(values: _Values, rois: str) -> tuple[float, float] | None:
    """(height, width) of the field in metres: the corners in um, or its angles times the objective's um per degree."""
    corners = values.numbers("SI.hRoiManager.imagingFovUm")
    if len(corners) == 8:
        (x0, y0), (x1, y1), (x2, y2) = corners[0:2], corners[2:4], corners[4:6]
        height, width = math.hypot(x2 - x1, y2 - y1), math.hypot(x1 - x0, y1 - y0)
        return (height * 1e-6, width * 1e-6) if height > 0 and width > 0 else None
    resolution = values.number("SI.objectiveResolution")
    regions = _regions(rois)
    scanfield = regions[0].get("scanfields") if len(regions) == 1 else None
    angles = scanfield.get("sizeXY") if isinstance(scanfield, dict) else None
    if resolution is None or not (isinstance(angles, list) and len(angles) == 2):
        return None
    return float(angles[1]) * resolution * 1e-6, float(angles[0]) * resolution * 1e-6


def _plane_spacing(values: _Values, slices: int) -> float | None:
    """Distance of the planes in metres, if it is one."""
    depths = values.numbers("SI.hStackManager.zs")
    if len(depths) == slices:
        steps = {round(abs(after - before), 6) for before, after in pairwise(depths)}
        return steps.pop() * 1e-6 if len(steps) == 1 else None
    step = values.number("SI.hStackManager.actualStackZStepSize", "SI.hStackManager.stackZStepSize")
    return abs(step) * 1e-6 if step else None


def _joined(numbers: list[float], unit: str = "") -> str:
    return ", ".join(f"{number:g}{unit}" for number in numbers)


def _current_notes(values: _Values, channels: tuple[int, ...]) -> dict[str, str]:
    """What else may be said in the NWB file: numbers only, never a path or a name that a person typed."""
    gains = values.numbers("SI.hPmts.gains")
    period = values.number("SI.hRoiManager.linePeriod")
    mode = values.text("SI.hScan2D.scanMode").strip("'")
    notes = {
        "zoom": _joined(values.numbers("SI.hRoiManager.scanZoomFactor")),
        "scan mode": mode if mode in {"resonant", "linear"} else "",
        "bidirectional": values.text("SI.hScan2D.bidirectional"),
        "line period": f"{period:g} s" if period else "",
        "laser power": _joined(values.numbers("SI.hBeams.powers"), " %"),
        "PMT gains": _joined(gains),
        "objective resolution": _joined(values.numbers("SI.objectiveResolution"), " um per degree"),
        "saved channels": ", ".join(str(channel) for channel in channels),
        "plane depths": _joined(values.numbers("SI.hStackManager.zs"), " um") if values.is_true("SI.hStackManager.enable") else "",
    }
    return {key: text for key, text in notes.items() if text}


def _version_3(values: _Values) -> Setup:
    """The setup of ScanImage 3.8."""
    acq = "state.acq"
    averaged = values.whole(f"{acq}.numAvgFramesSave") if values.is_true(f"{acq}.averaging") else 1
    channels = tuple(number for number in range(1, 5) if values.is_true(f"{acq}.savingChannel{number}"))
    if not channels:
        raise SourceError(f"{values.name}: its ScanImage header names no saved channel ({acq}.savingChannel1 to 4)")
    planes = values.whole(f"{acq}.numberOfZSlices")
    frames = values.number(f"{acq}.numberOfFrames")
    started = _TRIGGER.match(values.text("state.internal.triggerTimeString").strip("'"))
    month, day, year, hour, minute = (int(started[group]) for group in range(1, 6)) if started else (0,) * 5
    notes = {
        "zoom": _joined(values.numbers(f"{acq}.zoomFactor")),
        "laser power": _joined(values.numbers("state.init.eom.maxPower"), " %"),
        "saved channels": ", ".join(str(channel) for channel in channels),
    }
    return Setup(
        software=f"ScanImage {values.text('state.software.version') or '3'}",
        start=_moment(year, month, day, hour, minute, float(started[6])) if started else None,
        channels=channels,
        rate=values.needed(f"{acq}.frameRate"),
        averaged=averaged,
        planes=planes,
        frames_per_plane=int(frames) if planes > 1 and frames and math.isfinite(frames) else 1,
        numbered=False,
        planned=int(frames // averaged) if frames and math.isfinite(frames) and planes == 1 else None,
        notes={key: text for key, text in notes.items() if text},
    )
