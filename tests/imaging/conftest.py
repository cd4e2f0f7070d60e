"""Small TIFFs laid out as ScanImage and ImageJ write them."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Write = Callable[..., Path]

SETTINGS = {
    "SI.VERSION_MAJOR": "2021",
    "SI.VERSION_MINOR": "1",
    "SI.VERSION_UPDATE": "0",
    "SI.hChannels.channelName": "{'Channel 1' 'Channel 2' 'Channel 3' 'Channel 4'}",
    "SI.hChannels.channelSave": "1",
    "SI.hConfigurationSaver.cfgFilename": r"'C:\Users\someone\rig.cfg'",
    "SI.hBeams.powers": "[12.5 0]",
    "SI.hPmts.gains": "[0.61 0.7]",
    "SI.hRoiManager.scanFrameRate": "30",
    "SI.hRoiManager.scanVolumeRate": "30",
    "SI.hRoiManager.scanZoomFactor": "2",
    "SI.hRoiManager.mroiEnable": "false",
    "SI.hScan2D.logAverageFactor": "1",
    "SI.hStackManager.enable": "false",
    "SI.hStackManager.framesPerSlice": "Inf",
    "SI.hStackManager.numSlices": "1",
    "SI.objectiveResolution": "15",
}
ROIS = {"RoiGroups": {"imagingRoiGroup": {"rois": {"scanfields": {"sizeXY": [20.0, 10.0], "pixelResolutionXY": [7, 5]}}}}}


def _scanimage_header(settings: dict[str, str], rois: dict[str, Any], order: str) -> tuple[bytes, int, int, int, int]:
    """The head of a ScanImage BigTIFF: magic number, its version, the two lengths, the two texts; then the first directory."""
    static = "\n".join(f"{key} = {value}" for key, value in settings.items()).encode() + b"\0"
    regions = json.dumps(rois).encode() + b"\0"
    body = struct.pack(f"{order}IIII", 117637889, 4, len(static), len(regions)) + static + regions
    first = 16 + len(body) + -len(body) % 8
    begin = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HHHQ", 43, 8, 0, first)
    return (begin + body).ljust(first, b"\0"), 32, len(static), 32 + len(static), len(regions)


@pytest.fixture
def write_scanimage() -> Write:
    """Write a ScanImage BigTIFF: ``write(path, pages, settings={}, numbers=None, ...)``, one page an element of `pages`."""

    def write(
        path: Path,
        pages: np.ndarray,
        settings: dict[str, str] | None = None,
        *,
        numbers: Sequence[int] | None = None,
        in_acquisition: Sequence[int] | None = None,
        seconds: Sequence[float] | None = None,
        epoch: str = "2024  5 17 10 31  4.250",
        rois: dict[str, Any] | None = None,
        order: str = "<",
    ) -> Path:
        numbers = range(1, len(pages) + 1) if numbers is None else numbers
        in_acquisition = numbers if in_acquisition is None else in_acquisition
        seconds = [(number - 1) / 30 for number in numbers] if seconds is None else seconds
        stored = pages.astype(pages.dtype.newbyteorder(order))
        head, static_at, static_length, rois_at, rois_length = _scanimage_header(
            SETTINGS | (settings or {}), ROIS if rois is None else rois, order
        )
        height, width = pages.shape[1:]
        n_tags, text_length = 15, 400
        directory_length = 8 + 20 * n_tags + 8
        at = len(head)

        def short(value: int) -> bytes:
            return struct.pack(f"{order}H6x", value)

        def long(value: int) -> bytes:
            return struct.pack(f"{order}Q", value)

        with path.open("wb") as file:
            file.write(head)
            for index, page in enumerate(stored):
                text = (
                    f"frameNumbers = {numbers[index]}\nacquisitionNumbers = 1\nframeNumberAcquisition = {in_acquisition[index]}\n"
                    f"frameTimestamps_sec = {seconds[index]:.9f}\nacqTriggerTimestamps_sec = -1.000000000\n"
                    f"nextFileMarkerTimestamps_sec = -1.000000000\nendOfAcquisition = 0\nepoch = [{epoch}]\n"
                ).encode()
                text_at = at + directory_length
                pixels_at = text_at + text_length
                bits, kind = 8 * page.dtype.itemsize, {"u": 1, "i": 2, "f": 3}[page.dtype.kind]
                tags = (
                    (256, 3, 1, short(width)),
                    (257, 3, 1, short(height)),
                    (258, 3, 1, short(bits)),
                    (259, 3, 1, short(1)),
                    (262, 3, 1, short(1)),
                    (270, 2, text_length, long(text_at)),
                    (273, 16, 1, long(pixels_at)),
                    (274, 3, 1, short(1)),
                    (277, 3, 1, short(1)),
                    (278, 3, 1, short(height)),
                    (279, 16, 1, long(page.nbytes)),
                    (284, 3, 1, short(1)),
                    (305, 2, static_length, long(static_at)),
                    (315, 2, rois_length, long(rois_at)),
                    (339, 3, 1, short(kind)),
                )
                after = pixels_at + page.nbytes
                file.write(long(n_tags))
                for tag, form, count, value in tags:
                    file.write(struct.pack(f"{order}HHQ", tag, form, count) + value)
                file.write(long(after if index + 1 < len(stored) else 0))
                file.write(text.ljust(text_length, b"\0"))
                file.write(page.tobytes())
                at = after
        return path

    return write


@pytest.fixture
def write_scanimage_3() -> Write:
    """Write a TIFF as ScanImage 3.8 does: ``write(path, pages, settings={})``."""

    def write(path: Path, pages: np.ndarray, settings: dict[str, str] | None = None) -> Path:
        import tifffile

        said = {
            "state.configPath": r"'C:\Users\someone\cfg'",
            "state.software.version": "3.8",
            "state.acq.savingChannel1": "1",
            "state.acq.savingChannel2": "0",
            "state.acq.numberOfZSlices": "1",
            "state.acq.numberOfFrames": str(len(pages)),
            "state.acq.averaging": "0",
            "state.acq.numAvgFramesSave": "1",
            "state.acq.frameRate": "4",
            "state.internal.triggerTimeString": "'10/9/2017 16:57:07.967'",
        } | (settings or {})
        header = "\r".join(f"{key}={value}" for key, value in said.items())
        with tifffile.TiffWriter(path) as file:
            for page in pages:
                file.write(page, description=header, metadata=None, contiguous=False)
        return path

    return write


@pytest.fixture
def asymmetric() -> Callable[..., np.ndarray]:
    """Make pages in which no two pixels are equal: no mirror, turn or exchange of pages goes unseen."""

    def make(n_pages: int, height: int = 5, width: int = 7, dtype: str = "int16") -> np.ndarray:
        return np.arange(n_pages * height * width, dtype=dtype).reshape(n_pages, height, width)

    return make
