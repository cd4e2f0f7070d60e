"""ScanImage-style BigTIFF, written a block of frames at a time.

Layout (ScanImage BigTIFF specification, version 4): the BigTIFF head; a magic number, the version and two lengths; the
header of ``SI.`` properties; the ROI groups as JSON; then one page for each channel of each frame, whose description carries the
frame's number and its time on the microscope's clock.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from bergmann.rig.truth import Floats

_MAGIC, _VERSION = 0x07030301, 4
_SHORT, _LONG, _RATIONAL, _ASCII, _LONG8 = 3, 4, 5, 2, 16
_TAG = np.dtype([("code", "<u2"), ("type", "<u2"), ("count", "<u8"), ("value", "<u8")])
_DESCRIPTION_LENGTH = 424
_N_TAGS = 19


def write_scanimage(
    folder: Path,
    stem: str,
    blocks: Iterable[NDArray[np.int16]],
    *,
    times: Floats,
    n_files: int,
    frame_rate: float,
    pixel_size: float,
    start: datetime,
    numbers: NDArray[np.int64] | None = None,
) -> tuple[Path, ...]:
    """Write a single-plane movie as a series of files ``<stem>_00001_00001.tif``, ``..._00002.tif``, ...

    Parameters
    ----------
    folder : Path
    stem : str
    blocks : iterable of np.ndarray, each of shape (n, n_channels, height, width), int16
        All frames, in order.
    times : np.ndarray, shape (n_frames,)
        When each frame began, on the microscope's clock, in seconds.
    n_files : int
        Files of the series, of equal length but for the last.
    frame_rate : float
        Nominal, in Hz.
    pixel_size : float
        In metres.
    start : datetime
        When the acquisition began, as the microscope's PC has it.
    numbers : np.ndarray, shape (n_frames,), int64, optional
        Number of each frame since the acquisition began; 1, 2, 3 if left out. One that drops frames leaps.

    Returns
    -------
    tuple of Path
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers = np.arange(1, len(times) + 1) if numbers is None else numbers
    per_file = -(-len(times) // n_files)
    paths = tuple(folder / f"{stem}_00001_{number:05d}.tif" for number in range(1, n_files + 1))
    done = 0
    with ExitStack() as files:
        series: _File | None = None
        for block in blocks:
            while len(block):
                if series is None or done % per_file == 0:
                    files.close()
                    opened = files.enter_context(paths[done // per_file].open("wb"))
                    frames_here = min(per_file, len(times) - done)
                    head = _head(block.shape[1:], frame_rate, pixel_size, per_file)
                    series = _File(opened, head, frames_here, block.shape[1:], pixel_size, start)
                count = min(len(block), per_file - done % per_file)
                series.add(block[:count], numbers=numbers[done : done + count], times=times[done : done + count])
                block, done = block[count:], done + count
    return paths


class _File:
    """One file of the series, to which frames are added."""

    def __init__(
        self,
        opened: BinaryIO,
        head: bytes,
        n_frames: int,
        shape: tuple[int, ...],
        pixel_size: float,
        start: datetime,
    ) -> None:
        self._opened, self._start = opened, start
        self._n_pages, self._done = n_frames * shape[0], 0
        self._first = len(head)
        n_bytes = 2 * shape[1] * shape[2]
        self._page = np.dtype(
            [
                ("count", "<u8"),
                ("tags", _TAG, (_N_TAGS,)),
                ("next", "<u8"),
                ("description", f"S{_DESCRIPTION_LENGTH}"),
                ("pixels", "<i2", shape[1:]),
                ("padding", f"V{-n_bytes % 8}"),
            ]
        )
        self._tags = _tags(head, shape, pixel_size)
        opened.write(head)

    def add(self, frames: NDArray[np.int16], *, numbers: NDArray[np.int64], times: Floats) -> None:
        """Append frames with their numbers in the acquisition, from 1."""
        n_frames, n_channels = frames.shape[:2]
        pages = np.zeros(n_frames * n_channels, dtype=self._page)
        size = self._page.itemsize
        starts = self._first + (self._done + np.arange(len(pages), dtype=np.uint64)) * size
        offset = {name: part[1] for name, part in (self._page.fields or {}).items()}
        pages["count"] = _N_TAGS
        pages["tags"] = self._tags
        pages["tags"]["value"][:, self._row(270)] = starts + offset["description"]
        pages["tags"]["value"][:, self._row(273)] = starts + offset["pixels"]
        pages["next"] = starts + size
        pages["description"] = np.repeat(self._descriptions(numbers, times), n_channels)
        pages["pixels"] = frames.reshape(-1, *frames.shape[2:])
        self._done += len(pages)
        if self._done == self._n_pages:
            pages["next"][-1] = 0
        self._opened.write(pages.tobytes())

    def _row(self, code: int) -> int:
        return int(np.flatnonzero(self._tags["code"] == code)[0])

    def _descriptions(self, numbers: NDArray[np.int64], times: Floats) -> list[bytes]:
        at = self._start
        epoch = f"[{at.year} {at.month:2d} {at.day:2d} {at.hour:2d} {at.minute:2d} {at.second + at.microsecond * 1e-6:6.3f}]"
        return [
            (
                f"frameNumbers = {number}\nacquisitionNumbers = 1\nframeNumberAcquisition = {number}\n"
                f"frameTimestamps_sec = {seconds:.9f}\nacqTriggerTimestamps_sec = {-2.256e-5 if number == 1 else -1:.9f}\n"
                f"nextFileMarkerTimestamps_sec = -1.000000000\nendOfAcquisition = 0\nendOfAcquisitionMode = 0\n"
                f"dcOverVoltage = 0\nepoch = {epoch}\nauxTrigger0 = []\nauxTrigger1 = []\nauxTrigger2 = []\nauxTrigger3 = []\n"
                "I2CData = {}\n"
            ).encode("ascii")
            for number, seconds in zip(numbers.tolist(), times, strict=True)
        ]


def _tags(head: bytes, shape: tuple[int, ...], pixel_size: float) -> NDArray[np.void]:
    """The tags of every page, shape (n_tags,), but for where its description and pixels are."""
    _, height, width = shape
    static_length, roi_length = struct.unpack_from("<II", head, 24)
    per_centimetre = round(0.01 / pixel_size * 1000) | 1000 << 32
    rows = [
        (254, _LONG, 1, 0),
        (256, _SHORT, 1, width),
        (257, _SHORT, 1, height),
        (258, _SHORT, 1, 16),
        (259, _SHORT, 1, 1),
        (262, _SHORT, 1, 1),
        (270, _ASCII, _DESCRIPTION_LENGTH, 0),
        (273, _LONG8, 1, 0),
        (274, _SHORT, 1, 1),
        (277, _SHORT, 1, 1),
        (278, _SHORT, 1, height),
        (279, _LONG8, 1, 2 * height * width),
        (282, _RATIONAL, 1, per_centimetre),
        (283, _RATIONAL, 1, per_centimetre),
        (284, _SHORT, 1, 1),
        (296, _SHORT, 1, 3),
        (305, _ASCII, static_length, 32),
        (315, _ASCII, roi_length, 32 + static_length),
        (339, _SHORT, 1, 2),
    ]
    return np.array(rows, dtype=_TAG)


def _head(shape: tuple[int, ...], frame_rate: float, pixel_size: float, frames_per_file: int) -> bytes:
    """Everything before the first page."""
    properties = _properties(shape, frame_rate, pixel_size, frames_per_file)
    static = "\n".join(f"SI.{key} = {_matlab(value)}" for key, value in sorted(properties.items())).encode("ascii") + b"\0"
    roi = json.dumps(_roi_groups(shape), indent=2).encode("ascii") + b"\0"
    first_page = 32 + len(static) + len(roi)
    padding = -first_page % 8
    head = struct.pack("<2sHHHQ", b"II", 43, 8, 0, first_page + padding)
    return head + struct.pack("<IIII", _MAGIC, _VERSION, len(static), len(roi)) + static + roi + b"\0" * padding


def _properties(shape: tuple[int, ...], frame_rate: float, pixel_size: float, frames_per_file: int) -> dict[str, Any]:
    n_channels, height, width = shape
    half_width, half_height = width * pixel_size * 5e5, height * pixel_size * 5e5
    channels = list(range(1, n_channels + 1))
    return {
        "LINE_FORMAT_VERSION": 1,
        "PREMIUM": True,
        "TIFF_FORMAT_VERSION": _VERSION,
        "VERSION_MAJOR": 2021,
        "VERSION_MINOR": 0,
        "VERSION_UPDATE": 0,
        "acqState": "grab",
        "acqsPerLoop": 1,
        "extTrigEnable": False,
        "hBeams.powers": [15, 0],
        "hChannels.channelDisplay": channels,
        "hChannels.channelName": [f"Channel {number}" for number in range(1, 5)],
        "hChannels.channelOffset": [0, 0, 0, 0],
        "hChannels.channelSave": channels,
        "hChannels.channelSubtractOffset": [True, True, True, True],
        "hChannels.channelsActive": channels,
        "hChannels.channelsAvailable": 4,
        "hChannels.loggingEnable": True,
        "hConfigurationSaver.cfgFilename": r"C:\Users\rig\ScanImage\awake.cfg",
        "hConfigurationSaver.usrFilename": r"C:\Users\rig\ScanImage\rig.usr",
        "hFastZ.enable": False,
        "hFastZ.discardFlybackFrames": False,
        "hFastZ.numDiscardFlybackFrames": 0,
        "hMotionManager.enable": False,
        "hRoiManager.forceSquarePixels": True,
        "hRoiManager.imagingFovUm": [
            [-half_width, -half_height],
            [half_width, -half_height],
            [half_width, half_height],
            [-half_width, half_height],
        ],
        "hRoiManager.linePeriod": round(1 / frame_rate / (height + 4), 9),
        "hRoiManager.linesPerFrame": height,
        "hRoiManager.mroiEnable": False,
        "hRoiManager.pixelsPerLine": width,
        "hRoiManager.scanFramePeriod": 1 / frame_rate,
        "hRoiManager.scanFrameRate": frame_rate,
        "hRoiManager.scanType": "frame",
        "hRoiManager.scanVolumeRate": frame_rate,
        "hRoiManager.scanZoomFactor": 2,
        "hScan2D.bidirectional": True,
        "hScan2D.channelsDataType": "int16",
        "hScan2D.logAverageFactor": 1,
        "hScan2D.logFramesPerFile": frames_per_file,
        "hScan2D.name": "ResScan",
        "hScan2D.scanMode": "resonant",
        "hScan2D.scannerFrequency": 7910.0,
        "hScan2D.scannerType": "RGG",
        "hScan2D.uniformSampling": False,
        "hStackManager.actualNumSlices": 1,
        "hStackManager.actualNumVolumes": 1,
        "hStackManager.enable": False,
        "hStackManager.framesPerSlice": 1,
        "hStackManager.numFramesPerVolume": 1,
        "hStackManager.numFramesPerVolumeWithFlyback": 1,
        "hStackManager.numSlices": 1,
        "hStackManager.numVolumes": 1,
        "hStackManager.stackMode": "slow",
        "hStackManager.stackZStepSize": 1,
        "hStackManager.zs": 0,
        "imagingSystem": "ResScan",
        "name": "ScanImage",
        "objectiveResolution": 15,
    }


def _matlab(value: object) -> str:
    """A value as ScanImage writes it: rows of a matrix between semicolons, texts of a list in braces."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, Sequence):
        if isinstance(value[0], str):
            return "{" + " ".join(f"'{item}'" for item in value) + "}"
        rows = value if isinstance(value[0], Sequence) else [value]
        return "[" + ";".join(" ".join(_matlab(item) for item in row) for row in rows) + "]"
    return f"{value:.9g}"


def _roi_groups(shape: tuple[int, ...]) -> dict[str, Any]:
    _, height, width = shape
    scanfield = {
        "ver": 1,
        "classname": "scanimage.mroi.scanfield.fields.RotatedRectangle",
        "name": "Default Imaging Scanfield",
        "centerXY": [0, 0],
        "sizeXY": [width * 4 / 15, height * 4 / 15],
        "rotationDegrees": 0,
        "enable": 1,
        "pixelResolutionXY": [width, height],
    }
    roi = {
        "ver": 1,
        "classname": "scanimage.mroi.Roi",
        "name": "Default Imaging Roi",
        "zs": 0,
        "scanfields": scanfield,
        "enable": 1,
    }
    group = {"ver": 1, "classname": "scanimage.mroi.RoiGroup", "name": "Default Imaging ROI Group", "rois": roi}
    return {"RoiGroups": {"imagingRoiGroup": group, "photostimRoiGroups": None, "integrationRoiGroup": None}}
