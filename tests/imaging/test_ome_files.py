"""OME-TIFF movies that lie in several files: the header says which page is which plane."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from bergmann.errors import SourceError
from bergmann.imaging.tiff import Tiff, read
from bergmann.records import Movie

UUIDS = [f"urn:uuid:0000000{number}-0000-4000-8000-000000000000" for number in range(4)]
Places = list[tuple[int, int, int, int, int]]
"""(file, page, T, Z, C) of planes."""


def header(
    names: list[str], own: int, shape: tuple[int, int, int], places: Places, order: str = "XYZCT", counts: Any = None
) -> str:
    """OME-XML of a movie of 4 x 5 pixels and (T, Z, C) planes, as each of its files has it."""
    planes = "".join(
        f'<TiffData IFD="{page}" FirstT="{t}" FirstZ="{z}" FirstC="{c}" PlaneCount="{1 if counts is None else counts[index]}">'
        f'<UUID FileName="{names[file]}">{UUIDS[file]}</UUID></TiffData>'
        for index, (file, page, t, z, c) in enumerate(places)
    )
    times, depths, channels = shape
    named = "".join(f'<Channel ID="Channel:0:{number}" SamplesPerPixel="1"/>' for number in range(channels))
    return (
        f'<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="{UUIDS[own]}">'
        f'<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="{order}" Type="uint16" BigEndian="false" SizeX="5" SizeY="4" '
        f'SizeT="{times}" SizeZ="{depths}" SizeC="{channels}" TimeIncrement="0.25" PhysicalSizeX="0.5" PhysicalSizeY="0.5">'
        f"{named}{planes}</Pixels></Image></OME>"
    )


def write_series(folder: Path, pages: list[int], shape: tuple[int, int, int], places: Places, **how: Any) -> list[Path]:
    """Files of so many pages; a page holds 100 x its file + its number."""
    names = [f"movie_{number}.ome.tif" for number in range(len(pages))]
    for own, count in enumerate(pages):
        with tifffile.TiffWriter(folder / names[own]) as file:
            for page in range(count):
                text = header(names, own, shape, places, **how) if page == 0 else None
                values = np.full((4, 5), 100 * own + page, np.uint16)
                file.write(values, metadata=None, contiguous=False, description=text, photometric="minisblack")
    return [folder / name for name in names]


def movie_of(path: Path, **stated: Any) -> Movie:
    return read(Tiff.model_validate({"path": path} | stated), {})


def values(movie: Movie) -> list[Any]:
    """The value that fills each page, a channel each."""
    return [channel.frames[:][..., 0, 0].tolist() for channel in movie.channels]


ALTERNATING: Places = [(t % 2, t // 2, t, 0, 0) for t in range(6)]
A_CHANNEL_A_FILE: Places = [(c, t, t, 0, c) for c in range(2) for t in range(3)]


def test_frames_that_lie_in_turns_in_two_files_come_in_time(tmp_path: Path) -> None:
    write_series(tmp_path, [3, 3], (6, 1, 1), ALTERNATING)
    movie = movie_of(tmp_path / "movie_*.ome.tif")
    assert values(movie) == [[0, 100, 1, 101, 2, 102]]
    assert (movie.times.rate, movie.pixel_size) == (4.0, (5e-7, 5e-7))


def test_a_channel_a_file(tmp_path: Path) -> None:
    write_series(tmp_path, [3, 3], (3, 1, 2), A_CHANNEL_A_FILE)
    assert values(movie_of(tmp_path / "movie_*.ome.tif")) == [[0, 1, 2], [100, 101, 102]]


@pytest.mark.parametrize("order", ["XYZCT", "XYCZT", "XYTZC", "XYCTZ", "XYTCZ", "XYZTC"])
def test_planes_follow_from_the_first_in_the_stated_order_as_tifffile_has_them(tmp_path: Path, order: str) -> None:
    """12 planes: two times, three depths, two channels; the first file has 7 of them."""
    sizes = {"T": 2, "Z": 3, "C": 2}
    slowest_first = [axis for axis in reversed(order) if axis in sizes]
    at = dict(zip(slowest_first, np.unravel_index(7, [sizes[axis] for axis in slowest_first]), strict=True))
    places = [(0, 0, 0, 0, 0), (1, 0, int(at["T"]), int(at["Z"]), int(at["C"]))]
    files = write_series(tmp_path, [7, 5], (2, 3, 2), places, order=order, counts=[7, 5])
    movie = movie_of(tmp_path / "movie_*.ome.tif")
    with tifffile.TiffFile(files[0]) as file:
        (series,) = file.series
        expected = series.asarray().transpose([series.axes.index(axis) for axis in "CTZYX"])
    assert expected.shape == (2, 2, 3, 4, 5)
    for channel, theirs in zip(movie.channels, expected, strict=True):
        np.testing.assert_array_equal(channel.frames[:], theirs)


@pytest.mark.parametrize(
    ("pages", "places", "message"),
    [
        ([3, 3], [*ALTERNATING[:5], (2, 0, 5, 0, 0)], r"are in other files \(gone\.ome\.tif\), which `path` does not name"),
        ([3, 3], ALTERNATING[:5], r"does not say where a plane is \(T 5, Z 0, C 0\)"),
        ([3, 3], [*ALTERNATING, (0, 0, 5, 0, 0)], r"two places for one plane \(T 5, Z 0, C 0\)"),
        ([3, 3], [*ALTERNATING, (0, 0, 6, 0, 0)], r"beyond its size"),
        ([3, 3, 1], ALTERNATING, r"^movie_2\.ome\.tif: the OME header of movie_0\.ome\.tif does not speak of this file"),
        ([3, 2], ALTERNATING, r"5 frames are complete \(its header says 6\)"),
    ],
)
def test_what_the_header_and_the_files_do_not_agree_on_is_refused(
    tmp_path: Path, pages: list[int], places: Places, message: str
) -> None:
    names = [f"movie_{number}.ome.tif" for number in range(len(pages))]
    files = write_series(tmp_path, pages, (6, 1, 1), [place for place in places if place[0] < len(pages)])
    if any(file >= len(pages) for file, *_ in places):
        text = header([*names, "gone.ome.tif"], 0, (6, 1, 1), places)
        with tifffile.TiffWriter(files[0]) as file:
            for page in range(3):
                file.write(np.zeros((4, 5), np.uint16), metadata=None, contiguous=False, description=text if page == 0 else None)
    with pytest.raises(SourceError, match=message):
        movie_of(tmp_path / "movie_*.ome.tif")


def test_one_file_of_several_is_not_taken_for_the_movie(tmp_path: Path) -> None:
    write_series(tmp_path, [3, 3], (6, 1, 1), ALTERNATING)
    with pytest.raises(SourceError, match="in other files"):
        movie_of(tmp_path / "movie_0.ome.tif")


def test_files_that_each_speak_of_themselves_are_one_after_the_other(tmp_path: Path) -> None:
    for number in range(2):
        pixels = np.arange(3, dtype=np.uint16)[:, np.newaxis, np.newaxis] + np.full((3, 4, 5), 10 * number, np.uint16)
        tifffile.imwrite(tmp_path / f"movie_{number}.ome.tif", pixels, ome=True, metadata={"axes": "TYX", "TimeIncrement": 0.25})
    assert values(movie_of(tmp_path / "movie_*.ome.tif", rate="4 Hz")) == [[0, 1, 2, 10, 11, 12]]
