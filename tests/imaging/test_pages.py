"""The pages of TIFFs as they lie in files, against tifffile: evenly spaced or not, long, large, and changed while read."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bergmann.errors import SourceError
from bergmann.imaging._frames import PageFrames
from bergmann.imaging._pages import CutShortError
from bergmann.imaging._placed import read_rows
from bergmann.imaging._runs import page_runs, walk_pages
from bergmann.imaging.tiff import Tiff, read
from bergmann.records import Movie

TYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"]

OFTEN = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=["the system reads at a place", "it seeks first, as Windows does"], autouse=True)
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test once as on Linux and once as on Windows, which has no `os.preadv`."""
    if request.param.startswith("it seeks"):
        monkeypatch.delattr(os, "preadv", raising=False)
    elif not hasattr(os, "preadv"):
        pytest.skip("this system has no os.preadv")


def movie_of(path: Path, **stated: Any) -> Movie:
    return read(Tiff.model_validate({"path": path, "rate": "30 Hz"} | stated), {})


def frames_of(path: Path) -> Any:
    (channel,) = movie_of(path).channels
    return channel.frames


# --- against an independent reader ------------------------------------------------------------------------------------


@OFTEN
@given(
    shape=st.tuples(st.integers(1, 30), st.integers(1, 9), st.integers(1, 9)),
    kind=st.sampled_from(TYPES),
    order=st.sampled_from("<>"),
    big=st.booleans(),
    rows=st.integers(1, 9),
    block=st.tuples(st.integers(0, 30), st.integers(0, 30)),
)
def test_any_shape_type_and_layout_is_read_as_tifffile_reads_it(tmp_path, shape, kind, order, big, rows, block) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, np.dtype(kind).itemsize), np.uint8).view(kind)[..., 0]
    path = tmp_path / "m.tif"
    with tifffile.TiffWriter(path, byteorder=order, bigtiff=big) as file:
        for page in pixels:
            file.write(page, metadata=None, contiguous=False, rowsperstrip=min(rows, shape[1]))
    frames = frames_of(path)
    assert (frames.shape, frames.dtype) == (shape, np.dtype(kind))
    assert frames[:].tobytes() == pixels.tobytes()
    start, stop = sorted(block)
    assert frames[start:stop].tobytes() == pixels[start:stop].tobytes()


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("options", [{"compression": "zlib"}, {"tile": (16, 16)}, {"compression": "zlib", "tile": (16, 16)}])
def test_packed_pages_of_any_type_are_read(tmp_path: Path, kind: str, options: dict[str, Any]) -> None:
    pixels = np.arange(5 * 33 * 17).reshape(5, 33, 17).astype(kind)
    with tifffile.TiffWriter(tmp_path / "m.tif") as file:
        for page in pixels:
            file.write(page, metadata=None, contiguous=False, **options)
    np.testing.assert_array_equal(frames_of(tmp_path / "m.tif")[1:4], pixels[1:4])


@dataclass(frozen=True)
class Written:
    """A page to write: its pixels, and what may set it apart from the others."""

    pixels: int
    width: int = 3
    padding: int = 0
    extra_tag: bool = False
    is_left_out: bool = False


def write_chain(path: Path, pages: list[Written], order: str = "<") -> Path:
    """A classic TIFF of pages of 2 rows of 2-byte pixels; each directory is before its pixels, in two strips."""
    places, parts, at = [], [], 8
    for page in pages:
        tags = 9 + page.extra_tag
        places.append(at)
        at += 2 + 12 * tags + 4 + 16 + 4 * page.width + page.padding
    for page, place in zip(pages, places, strict=True):
        row = 2 * page.width
        tags = 9 + page.extra_tag
        arrays = place + 2 + 12 * tags + 4
        follower = next((other for one, other in zip(pages, places, strict=True) if other > place and not one.is_left_out), 0)
        entries = [(256, 4, 1, page.width), (257, 4, 1, 2), (258, 3, 1, 16), (259, 3, 1, 1), (262, 3, 1, 1)]
        entries += [(273, 4, 2, arrays), (277, 3, 1, 1), (278, 4, 1, 1), (279, 4, 2, arrays + 8)]
        entries += [(297, 4, 1, page.pixels)] * page.extra_tag
        body = b"".join(
            struct.pack(f"{order}HHI", *entry[:3]) + struct.pack(f"{order}I" if entry[1] == 4 else f"{order}H2x", entry[3])
            for entry in entries
        )
        head = struct.pack(f"{order}H", tags) + body + struct.pack(f"{order}I", follower)
        strips = struct.pack(f"{order}4I", arrays + 16, arrays + 16 + row, row, row)
        values = np.arange(2 * page.width, dtype=f"{order}u2") + page.pixels
        parts.append(head + strips + values.astype(f"{order}u2").tobytes() + bytes(page.padding))
    begin = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HI", 42, 8)
    path.write_bytes(begin + b"".join(parts))
    return path


PAGES = st.builds(
    Written,
    pixels=st.integers(0, 60_000),
    width=st.sampled_from([3, 3, 3, 3, 4]),
    padding=st.sampled_from([0, 0, 0, 0, 2]),
    extra_tag=st.sampled_from([False, False, False, True]),
    is_left_out=st.sampled_from([False, False, False, False, True]),
)


@OFTEN
@given(
    groups=st.lists(st.tuples(PAGES, st.integers(1, 25)), min_size=1, max_size=6),
    order=st.sampled_from("<>"),
)
def test_pages_that_are_not_all_alike_are_found_where_tifffile_finds_them(tmp_path, groups, order) -> None:
    pages = [page for page, times in groups for page in [page] * times]
    path = write_chain(tmp_path / "m.tif", [replace(pages[0], is_left_out=False), *pages[1:]], order)
    with tifffile.TiffFile(path) as file:
        expected = [(page.shape, page.offset, page.dataoffsets[0]) for page in file.pages]
    found = [((page.form.height, page.form.width), page.directory, page.offset) for page in walk_pages(path)]
    assert found == expected


def test_a_page_among_thousands_that_says_another_form_is_not_passed_over(tmp_path: Path) -> None:
    pages = [Written(number) for number in range(3000)]
    even = write_chain(tmp_path / "even.tif", pages)
    assert sum(1 for _ in page_runs(even)) < 30
    step = next(run for run in page_runs(even)).directories[1] - 8
    for tag, kind, value in ((258, "<H", 8), (259, "<H", 5), (257, "<I", 1), (273, "<I", 8)):
        content = bytearray(even.read_bytes())
        at = content.index(struct.pack("<H", tag), 8 + 2000 * step)
        content[at + 8 : at + 8 + struct.calcsize(kind)] = struct.pack(kind, value)
        odd = tmp_path / "odd.tif"
        odd.write_bytes(content)
        with pytest.raises(SourceError):
            movie_of(odd)


def test_strips_of_a_page_that_are_elsewhere_are_found(tmp_path: Path) -> None:
    """Their places are in an array behind the directory, not in the directory itself."""
    path = write_chain(tmp_path / "m.tif", [Written(number) for number in range(50)])
    content = bytearray(path.read_bytes())
    (page,) = [page for index, page in enumerate(walk_pages(path)) if index == 40]
    arrays = page.offset - 16
    moved = len(content)
    struct.pack_into("<II", content, arrays, moved, moved + 6)
    path.write_bytes(content + np.arange(6, dtype="<u2").tobytes())
    assert frames_of(path)[40:41].ravel().tolist() == [0, 1, 2, 3, 4, 5]
    assert frames_of(path)[41:42].ravel().tolist() == [41, 42, 43, 44, 45, 46]


@pytest.mark.parametrize("lost", [1, 5, 30, 100])
def test_complete_pages_come_before_a_cut_is_said(tmp_path: Path, lost: int) -> None:
    path = write_chain(tmp_path / "m.tif", [Written(number) for number in range(100)])
    size = path.stat().st_size
    step = (size - 8) // 100
    path.write_bytes(path.read_bytes()[: size - lost])
    complete: list[int] = []
    with pytest.raises(CutShortError):
        complete.extend(page.offset for page in walk_pages(path))
    assert len(complete) == (size - lost - 8) // step


# --- many pages -------------------------------------------------------------------------------------------------------

MANY = 70_000
"""More pages than 16 bits count."""


def write_many(path: Path, first: int, count: int) -> Path:
    """Pages of one 4-byte pixel that says its own number; built as one array, since tifffile takes a minute for so many."""
    tags = [(256, 1), (257, 1), (258, 32), (259, 1), (262, 1), (273, 0), (277, 1), (278, 1), (279, 4)]
    entry = [("tag", "<u2"), ("kind", "<u2"), ("length", "<u4"), ("value", "<u4")]
    pages = np.zeros(count, [("count", "<u2"), ("tags", entry, len(tags)), ("next", "<u4"), ("pixel", "<u4")])
    begins = 8 + pages.itemsize * np.arange(count)
    pages["count"] = len(tags)
    for index, (tag, value) in enumerate(tags):
        pages["tags"][:, index] = (tag, 4, 1, value)
    pages["tags"]["value"][:, 5] = begins + pages.itemsize - 4
    pages["next"] = np.append(begins[1:], 0)
    pages["pixel"] = first + np.arange(count)
    path.write_bytes(struct.pack("<2sHI", b"II", 42, 8) + pages.tobytes())
    return path


def test_pages_beyond_65535_are_themselves(tmp_path: Path) -> None:
    path = write_many(tmp_path / "long.tif", 0, MANY)
    frames = frames_of(path)
    assert frames.shape == (MANY, 1, 1)
    np.testing.assert_array_equal(frames[:].ravel(), np.arange(MANY))
    with tifffile.TiffFile(path) as file:
        assert len(file.pages) == MANY
        for index in (65_535, 65_536, 65_537, MANY - 1):
            assert frames[index : index + 1].item() == file.pages[index].asarray().item() == index


def test_a_series_is_read_through_all_its_files(tmp_path: Path) -> None:
    for number, (first, count) in enumerate([(0, 40_000), (40_000, 29_999), (69_999, 1)], start=1):
        write_many(tmp_path / f"long_{number:05d}.tif", first, count)
    movie = movie_of(tmp_path / "long_*.tif")
    (channel,) = movie.channels
    assert len(movie.times) == MANY
    np.testing.assert_array_equal(channel.frames[:].ravel(), np.arange(MANY))
    np.testing.assert_array_equal(channel.frames[39_990:40_010].ravel(), np.arange(39_990, 40_010))


# --- large files ------------------------------------------------------------------------------------------------------

SIDE, LARGE = 2048, 600
"""Frames of 8 MiB; so many of them are 4.7 GiB."""


def sparse(path: Path, size: int) -> Path:
    """A file of holes."""
    if os.name == "nt":
        pytest.skip("NTFS fills files that are not marked sparse")
    with path.open("wb") as file:
        file.truncate(size)
    if path.stat().st_blocks * 512 > 1_000_000:
        pytest.skip("this disk has no sparse files, and the file would take 4.7 GiB of it")
    return path


def put(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def big_page(at: int, pixels: int, follower: int, description: tuple[int, int] | None = None) -> bytes:
    """A directory of a BigTIFF."""
    tags = [(256, SIDE), (257, SIDE), (258, 16), (259, 1), (262, 1), (273, pixels), (277, 1), (278, SIDE), (279, 2 * SIDE * SIDE)]
    entries = [struct.pack("<HHQQ", tag, 16, 1, value) for tag, value in tags]
    if description is not None:
        entries.insert(5, struct.pack("<HHQQ", 270, 2, description[1], description[0]))
    return struct.pack("<Q", len(entries)) + b"".join(entries) + struct.pack("<Q", follower)


def test_pages_beyond_4_gib_are_read(tmp_path: Path) -> None:
    step = 2 * SIDE * SIDE + 512
    path = sparse(tmp_path / "large.tif", 16 + LARGE * step)
    put(path, 0, struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16))
    for index in range(LARGE):
        at = 16 + index * step
        put(path, at, big_page(at, at + 512, at + step if index + 1 < LARGE else 0))
    marks = {0: 1, 511: 2, 512: 3, LARGE - 1: 4}
    for index, mark in marks.items():
        put(path, 16 + index * step + 512 + 2 * (5 * SIDE + 7), struct.pack("<H", mark))
    frames = frames_of(path)
    assert frames.shape == (LARGE, SIDE, SIDE)
    for index, mark in marks.items():
        frame = frames[index : index + 1]
        assert (frame[0, 5, 7], np.count_nonzero(frame)) == (mark, 1)
    with tifffile.TiffFile(path) as file:
        assert file.pages[LARGE - 1].asarray()[5, 7] == 4


def test_a_stack_of_imagej_beyond_4_gib_is_read_from_its_one_directory(tmp_path: Path) -> None:
    text = f"ImageJ=1.53t\nimages={LARGE}\nframes={LARGE}\nhyperstack=true\nfinterval=0.5\n".encode() + b"\0"
    begin, size = 1024, 2 * SIDE * SIDE
    path = sparse(tmp_path / "stack.tif", begin + LARGE * size)
    entries = [(256, 4, 1, SIDE), (257, 4, 1, SIDE), (258, 3, 1, 16), (259, 3, 1, 1), (262, 3, 1, 1), (270, 2, len(text), 512)]
    entries += [(273, 4, 1, begin), (277, 3, 1, 1), (278, 4, 1, SIDE), (279, 4, 1, size)]
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    put(path, 0, struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + body + struct.pack("<I", 0))
    put(path, 512, text)
    put(path, begin + (LARGE - 1) * size, struct.pack("<H", 9))
    (channel,) = movie_of(path, rate=None).channels
    assert channel.frames.shape == (LARGE, SIDE, SIDE)
    assert channel.frames[LARGE - 1 : LARGE][0, 0, 0] == 9
    assert np.count_nonzero(channel.frames[LARGE - 2 : LARGE]) == 1


# --- files that change ------------------------------------------------------------------------------------------------


@pytest.fixture(params=[None, "zlib"])
def recorded(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "m.tif"
    with tifffile.TiffWriter(path) as file:
        for number in range(6):
            file.write(np.full((4, 5), number, np.uint16), metadata=None, contiguous=False, compression=request.param)
    return path


@pytest.mark.parametrize("change", [8, -8])
def test_a_file_that_changes_its_size_before_it_is_read_is_an_error(recorded: Path, change: int) -> None:
    frames = frames_of(recorded)
    content = recorded.read_bytes()
    recorded.write_bytes(content + bytes(change) if change > 0 else content[:change])
    with pytest.raises(SourceError, match=rf"^m\.tif: has {len(content) + change} bytes, and had {len(content)} when"):
        frames[0:1]


def test_the_second_file_of_a_series_that_grows_is_an_error(tmp_path: Path) -> None:
    for number in (1, 2):
        write_many(tmp_path / f"m_{number}.tif", 10 * number, 10)
    (channel,) = movie_of(tmp_path / "m_*.tif").channels
    write_many(tmp_path / "m_2.tif", 20, 11)
    assert channel.frames[0:10].ravel().tolist() == list(range(10, 20))
    with pytest.raises(SourceError, match=r"^m_2\.tif: has"):
        channel.frames[5:15]


# --- bytes at equal distances -----------------------------------------------------------------------------------------


@pytest.fixture
def letters(tmp_path: Path) -> Iterator[tuple[FileIO, np.ndarray]]:
    """A file of 400,000 bytes, and what is in it."""
    content = np.random.default_rng(2).integers(0, 256, 400_000, np.uint8)
    (tmp_path / "letters").write_bytes(content.tobytes())
    with FileIO(tmp_path / "letters") as file:
        yield file, content


@OFTEN
@given(
    at=st.integers(0, 1000), length=st.integers(1, 400), gap=st.integers(-3, 2000), n_rows=st.integers(1, 500), shift=st.booleans()
)
def test_rows_come_from_their_places_as_far_as_the_file_goes(letters, at, length, gap, n_rows, shift) -> None:
    file, content = letters
    step = length + gap
    at += 399_000 if shift else 0
    places = at + step * np.arange(n_rows)
    outside = (places < 0) | (places + length > len(content))
    whole = int(np.argmax(outside)) if outside.any() else n_rows
    if (places < 0).any():
        return
    rows = np.empty((n_rows, length), np.uint8)
    assert read_rows(file, rows, at, step) == whole
    for row, place in zip(rows[:whole], places.tolist(), strict=False):
        assert row.tobytes() == content[place : place + length].tobytes()


@OFTEN
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 390)), min_size=1, max_size=40), st.data())
def test_frames_anywhere_in_files_come_in_their_order(letters, places, data) -> None:
    file, content = letters
    path = Path(os.fsdecode(file.name))
    other = path.with_name("other")
    other.write_bytes(content[::-1].tobytes())
    file_of, offsets = (np.array(column) for column in zip(*places, strict=True))
    frames = PageFrames((path, other), file_of.astype(np.int32), 4 * offsets, (2, 3), np.dtype(">u2"), (400_000, 400_000))
    start, stop = sorted(data.draw(st.tuples(st.integers(0, 40), st.integers(0, 40))))
    expected = [
        (content if number == 0 else content[::-1])[4 * place : 4 * place + 12].tobytes() for number, place in places[start:stop]
    ]
    found = frames[start:stop]
    assert found.shape == (len(expected), 2, 3)
    assert found.astype(">u2").tobytes() == b"".join(expected)
