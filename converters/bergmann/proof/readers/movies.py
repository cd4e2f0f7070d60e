"""Movies by tifffile: pages by its own walk through the file, decoded by it where they are compressed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path, PureWindowsPath
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from bergmann.proof.readers import NotReadError
from bergmann.proof.said import Frames, Said, Values
from bergmann.registry import expand

_FRAME = re.compile(r"frameNumbers = (\d+)")
_SECONDS = re.compile(r"frameTimestamps_sec = (-?[\d.]+(?:e[-+]?\d+)?)")


class Pages:
    """The pages of some files, behind each other; a file is open only while it is read.

    Pixels that are stored plainly are read at the offsets that tifffile found; others are decoded by it.
    """

    def __init__(self, files: tuple[Path, ...]) -> None:
        import tifffile

        self.files = files
        self.texts: list[str] = []
        self.where: list[tuple[int, int, int]] = []
        self.is_plain = True
        forms: set[tuple[tuple[int, ...], np.dtype[Any], str]] = set()
        for number, file in enumerate(files):
            with tifffile.TiffFile(file) as opened:
                for index, page in enumerate(opened.pages):
                    forms.add((tuple(page.shape), np.dtype(page.dtype), opened.byteorder))
                    self.is_plain &= page.compression == 1 and _in_one_piece(page)
                    self.where.append((number, index, int(page.dataoffsets[0])))
                    self.texts.append(_description(page))
        if len(forms) != 1:
            raise NotReadError("pages of different form, or none")
        ((self.shape, self.dtype, byteorder),) = forms
        self._stored = self.dtype.newbyteorder("<" if byteorder == "<" else ">")

    def read(self, pages: NDArray[np.int64]) -> NDArray[Any]:
        """Pages by number, shape (n, height, width)."""
        block = np.empty((len(pages), *self.shape), self.dtype.newbyteorder("="))
        placed = [(*self.where[int(number)], into) for into, number in enumerate(pages)]
        for file, group in groupby(sorted(placed), key=lambda one: one[0]):
            read = self._read_plain if self.is_plain else self._decode
            read(self.files[file], list(group), block)
        return block

    def _read_plain(self, file: Path, places: list[tuple[int, int, int, int]], block: NDArray[Any]) -> None:
        count = int(np.prod(self.shape))
        with file.open("rb") as stored:
            for _, _, offset, into in places:
                stored.seek(offset)
                block[into] = np.fromfile(stored, self._stored, count).reshape(self.shape)

    def _decode(self, file: Path, places: list[tuple[int, int, int, int]], block: NDArray[Any]) -> None:
        import tifffile

        with tifffile.TiffFile(file) as opened:
            for _, index, _, into in places:
                block[into] = opened.pages[index].asarray()


def _in_one_piece(page: Any) -> bool:
    offsets, counts = page.dataoffsets, page.databytecounts
    return all(offset + count == following for offset, count, following in zip(offsets, counts, offsets[1:], strict=False))


def _description(page: Any) -> str:
    tag = page.tags.get(270) if hasattr(page, "tags") else None
    return str(tag.value) if tag is not None else ""


def _frames(pages: Pages, numbers: NDArray[np.int64]) -> Values:
    """The frames (n,) or volumes (n, n_planes) of one channel."""

    def read(start: int, stop: int) -> NDArray[Any]:
        some = numbers[start:stop]
        return pages.read(some.reshape(-1)).reshape((*some.shape, *pages.shape))

    return Values((*numbers.shape, *pages.shape), pages.dtype.newbyteorder("="), read)


def read_scanimage(entry: Any, known: Mapping[str, Said]) -> Frames:  # noqa: ARG001
    """A recording of ScanImage 2016 and later; pages are put in order by the frame numbers that they carry."""
    import tifffile

    files = expand(entry.source.path)
    with tifffile.TiffFile(files[0]) as first:
        header = (first.scanimage_metadata or {}).get("FrameData", {}) if first.is_scanimage else {}
    saved = header.get("SI.hChannels.channelSave")
    if saved is None:
        raise NotReadError("not the header of ScanImage 2016 or later")
    channels = [int(one) for one in np.atleast_1d(np.asarray(saved).ravel())]
    planes, cycle = _volume(header)
    pages = Pages(files)
    found = [(_FRAME.search(text), _SECONDS.search(text)) for text in pages.texts]
    if not all(number and second for number, second in found):
        raise NotReadError("a page without the number and time of its frame")
    numbers = np.array([int(number[1]) for number, _ in found if number])
    seconds = np.array([float(second[1]) for _, second in found if second])
    order = np.argsort(numbers, kind="stable")
    if len(np.unique(numbers)) * len(channels) != len(numbers):
        raise NotReadError("not one page for each channel of each frame")
    by_frame = order[: len(order) // len(channels) * len(channels)].reshape(-1, len(channels))
    ticks = seconds[by_frame[:, 0]]
    n = (len(by_frame) + cycle - planes) // cycle
    first_of = np.arange(n) * cycle
    chosen = by_frame[first_of[:, np.newaxis] + np.arange(planes)] if planes > 1 else by_frame[first_of]
    return Frames(
        files=files,
        channels={number: _frames(pages, chosen[..., index]) for index, number in enumerate(channels)},
        times=ticks[first_of],
        ticks=ticks,
    )


def _volume(header: Mapping[str, Any]) -> tuple[int, int]:
    """Planes of a volume, and frames from one volume to the next; (1, 1) for a movie of one plane."""
    stack = "SI.hStackManager"
    if float(header.get("SI.hScan2D.logAverageFactor", 1)) > 1:
        raise NotReadError("frames averaged while recording")
    slices = int(header.get(f"{stack}.actualNumSlices", header.get(f"{stack}.numSlices", 1)) or 1)
    enabled = header.get(f"{stack}.enable", header.get("SI.hFastZ.enable", True))
    if slices < 2 or not enabled:
        return 1, 1
    with_flyback = int(header.get(f"{stack}.numFramesPerVolumeWithFlyback", 0) or 0)
    if with_flyback:
        return slices, max(slices, with_flyback)
    return slices, slices + (int(header.get("SI.hFastZ.numDiscardFlybackFrames", 0) or 0) if header.get("SI.hFastZ.enable") else 0)


def read_tiff(entry: Any, known: Mapping[str, Said]) -> Frames:  # noqa: ARG001
    """A movie of another program, by the axes that tifffile finds or a person states."""
    import tifffile

    source = entry.source
    files = expand(source.path)
    if len(files) == 1 and files[0].is_dir():
        files = tuple(sorted(_tiffs(files[0]), key=_natural))
    with tifffile.TiffFile(files[0]) as first:
        series = first.series[0]
        axes, shape = series.axes[:-2], series.shape[:-2]
        if len(first.series) > 1 or not series.axes.endswith("YX"):
            raise NotReadError(f"axes {series.axes} in {len(first.series)} series")
        in_one_piece = series.dataoffset if len(files) == 1 else None
        imagej = first.imagej_metadata or {}
        byteorder, dtype, frame = first.byteorder, series.dtype, series.shape[-2:]
    if source.axes is not None or len(files) > 1:
        axes, shape = _stated_axes(source, files)
    elif set(axes) <= {"I", "Q", ""}:
        axes, shape = "T", (int(np.prod(shape, dtype=np.int64)),)
    if not set(axes) <= set("TZC") or "T" not in axes:
        raise NotReadError(f"axes {axes}")
    order = np.arange(int(np.prod(shape, dtype=np.int64))).reshape(shape)
    positions = np.moveaxis(order, [axes.index(one) for one in "TZC" if one in axes], range(len(axes)))
    positions = positions.reshape(shape[axes.index("T")], shape[axes.index("Z")] if "Z" in axes else 1, -1)
    if in_one_piece is not None:
        stored = np.memmap(files[0], dtype=np.dtype(dtype).newbyteorder(byteorder), mode="r", offset=in_one_piece)
        pixels = stored[: order.size * int(np.prod(frame))].reshape(order.size, *frame)
        values = [_mapped(pixels, positions[:, :, index], has_planes="Z" in axes) for index in range(positions.shape[2])]
    else:
        pages = Pages(files)
        numbers = [positions[:, :, index] if "Z" in axes else positions[:, 0, index] for index in range(positions.shape[2])]
        values = [_frames(pages, one) for one in numbers]
    rate = source.rate.to("Hz") if source.rate is not None else _rate(imagej)
    times = np.arange(len(positions)) / rate
    return Frames(files=files, channels={number + 1: one for number, one in enumerate(values)}, times=times, ticks=times)


def _tiffs(folder: Path) -> Iterator[Path]:
    yield from (file for file in folder.iterdir() if file.suffix.lower() in {".tif", ".tiff"} and not file.name.startswith("."))


def _natural(path: Path) -> list[tuple[int, Any]]:
    return [(0, int(part)) if part.isdigit() else (1, part.lower()) for part in re.split(r"(\d+)", path.name) if part]


def _stated_axes(source: Any, files: tuple[Path, ...]) -> tuple[str, tuple[int, ...]]:
    """The axes of all pages of all files as a person states them, and how many of each."""
    import tifffile

    total = 0
    for file in files:
        with tifffile.TiffFile(file) as one:
            total += len(one.pages)
    axes = "T" if source.axes is None else source.axes.removesuffix("YX")
    counts = {"C": source.channels, "Z": source.planes}
    others = [counts[one] for one in axes if one != "T"]
    if any(one is None for one in others):
        raise NotReadError(f"axes {axes} without their numbers")
    per_time = int(np.prod([one for one in others if one is not None], dtype=np.int64))
    return axes, tuple(total // per_time if one == "T" else int(counts[one] or 1) for one in axes)


def _rate(imagej: Mapping[str, Any]) -> float:
    """Frames per second as ImageJ states them.

    Raises
    ------
    NotReadError
        If it does not.
    """
    interval = float(imagej.get("finterval", 0) or 0)
    rate = 1 / interval if interval > 0 else float(imagej.get("fps", 0) or 0)
    if rate <= 0:
        raise NotReadError("frames whose times another program states")
    return rate


def _mapped(pixels: NDArray[Any], numbers: NDArray[np.int64], *, has_planes: bool) -> Values:
    chosen = numbers if has_planes else numbers[:, 0]
    return Values(
        (*chosen.shape, *pixels.shape[1:]), pixels.dtype.newbyteorder("="), lambda start, stop: pixels[chosen[start:stop]]
    )


def read_bruker(entry: Any, known: Mapping[str, Said]) -> Frames:  # noqa: ARG001
    """A T-series of PrairieView, by the files that its XML names for each frame."""
    (path,) = expand(entry.source.path)
    xml = path if path.is_file() else path / f"{path.name}.xml"
    if not xml.is_file():
        raise NotReadError("an XML that is not named as its folder")
    cycles = [one for one in ElementTree.parse(xml).getroot().iter("Sequence") if one.find("Frame") is not None]
    is_volume = "ZSeries" in cycles[0].get("type", "") and len(cycles[0].findall("Frame")) > 1
    frames = [frame for cycle in cycles for frame in cycle.findall("Frame")]
    ticks = np.array([float(frame.get("absoluteTime", "nan")) for frame in frames])
    ticks = ticks - ticks[0]
    names: dict[str, int] = {}
    pages: dict[int, list[tuple[int, int]]] = {}
    for frame in frames:
        for file in frame.findall("File"):
            name = PureWindowsPath(file.get("filename", "")).name
            place = (names.setdefault(name, len(names)), int(file.get("page", "1")) - 1)
            pages.setdefault(int(file.get("channel", "1")), []).append(place)
    planes = len(cycles[0].findall("Frame")) if is_volume else 1
    files = tuple(xml.parent / name for name in names)
    n = len(frames) // planes
    channels = {number: _named_pages(files, places, planes, is_volume=is_volume) for number, places in pages.items()}
    return Frames(files=(xml, *files), channels=channels, times=ticks[::planes][:n], ticks=ticks)


def _named_pages(files: tuple[Path, ...], places: list[tuple[int, int]], planes: int, *, is_volume: bool) -> Values:
    """Pages by (file, page); one file is open at a time."""
    import tifffile

    first = tifffile.imread(files[places[0][0]], key=places[0][1])
    n = len(places) // planes
    lead = (n, planes) if is_volume else (n,)

    def read(start: int, stop: int) -> NDArray[Any]:
        block = np.empty(((stop - start) * planes, *first.shape), first.dtype)
        for into, (file, page) in enumerate(places[start * planes : stop * planes]):
            block[into] = tifffile.imread(files[file], key=page)
        return block.reshape((stop - start, *lead[1:], *first.shape))

    return Values((*lead, *first.shape), first.dtype, read)
