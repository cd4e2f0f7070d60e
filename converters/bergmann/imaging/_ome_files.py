"""Which page of which file is which plane of an OME-TIFF movie that lies in several files.

Each file of such a movie says where all planes are: a ``TiffData`` names the file, its first page, and the position of that page in
the movie, from which the planes follow in the ``DimensionOrder`` (OME-TIFF specification, "Distributed across multiple files").
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from bergmann.errors import SourceError
from bergmann.imaging._tiff_header import Meaning, meaning_of_ome, root_of_ome

_AXES = "TZC"


def is_in_other_files(path: Path, description: str) -> bool:
    """Whether the OME header of a file says that some of its planes are in other files."""
    root = root_of_ome(path, description)
    return root is not None and any(name != path.name for name in _named_files(root, path.name))


def read_meaning_of_files(files: Sequence[Path], counts: Sequence[int], description: str) -> Meaning:
    """What the OME header of the first file says of the pages of all.

    Parameters
    ----------
    files : sequence of Path
    counts : sequence of int
        How many pages of each file are there.
    description : str
        Of the first page of the first file.

    Returns
    -------
    Meaning
        Whose `pages` count through all files in their order; a page that its file has not (cut short) counts beyond all.

    Raises
    ------
    SourceError
        If the header refers to its planes in yet another file, names a file that is not among `files`, leaves one out, or says two
        places for a plane or none.
    """
    name = files[0].name
    root = root_of_ome(files[0], description)
    image = _only_image(root, files[0].name)
    pixels = next(one for one in image if _is(one, "Pixels"))
    lengths = {axis: int(pixels.get(f"Size{axis}", 1)) for axis in _AXES}
    numbers = {file.name: number for number, file in enumerate(files)}
    before = np.concatenate([[0], np.cumsum(counts)]).tolist()
    positions = np.full([lengths[axis] for axis in _AXES], -1, np.int64)
    used: set[str] = set()
    for position, file, page in _planes(pixels, name, lengths, dict(zip(numbers, counts, strict=True))):
        if file not in numbers:
            raise SourceError(
                f"{name}: its OME header says that planes of this movie are in other files ({file}), which `path` does not name; "
                "expected all files of the movie, under the names that they were written with. Name the whole series, such as "
                "`movie_*.ome.tif`. Microscopes that write one file a frame have formats of their own."
            )
        number = numbers[file]
        place = before[number] + page if page < counts[number] else before[-1]
        if positions[position] not in (-1, place):
            raise SourceError(f"{name}: its OME header says two places for one plane ({_said(position)}); is it damaged?")
        positions[position] = place
        used.add(file)
    if missing := [str(file) for file in numbers if file not in used]:
        raise SourceError(
            f"{missing[0]}: the OME header of {name} does not speak of this file; name each movie as a source of its own"
        )
    if (positions < 0).any():
        first = np.unravel_index(int(np.argmax(positions < 0)), positions.shape)
        raise SourceError(f"{name}: its OME header does not say where a plane is ({_said(tuple(map(int, first)))}); is it damaged?")
    axes = "".join(axis for axis in _AXES if lengths[axis] > 1) or "T"
    shape = tuple(lengths[axis] for axis in axes)
    meaning = meaning_of_ome(image, axes=axes, shape=shape, pages=tuple(positions.ravel().tolist()), data_offset=None)
    return replace(meaning, n_files=len(files))


def _is(element: ElementTree.Element, name: str) -> bool:
    return element.tag.rpartition("}")[2] == name


def _said(position: Sequence[int]) -> str:
    return ", ".join(f"{axis} {index}" for axis, index in zip(_AXES, position, strict=True))


def _named_files(root: ElementTree.Element, own: str) -> Iterator[str]:
    """The file that each ``TiffData`` names."""
    for element in root.iter():
        if _is(element, "TiffData"):
            yield _file_of(element, own)


def _file_of(element: ElementTree.Element, own: str) -> str:
    """The file that a ``TiffData`` names, without folders: they are those of the rig."""
    named = next((part.get("FileName") for part in element if _is(part, "UUID")), None)
    return named.replace("\\", "/").rpartition("/")[2] if named else own


def _only_image(root: ElementTree.Element | None, name: str) -> ElementTree.Element:
    """The image that a header describes.

    Raises
    ------
    SourceError
        If it describes none, or several.
    """
    if root is None:
        raise SourceError(f"{name}: its OME header is no XML; is it damaged?")
    elsewhere = next((element.get("MetadataFile") for element in root if _is(element, "BinaryOnly")), None)
    if elsewhere is not None:
        raise SourceError(
            f"{name}: its OME header is in another file, {elsewhere}; name that file first, or save the movie as one file"
        )
    images = [element for element in root if _is(element, "Image")]
    if len(images) != 1:
        raise SourceError(f"{name}: its OME header describes {len(images)} images; expected one. Save each as a file")
    return images[0]


def _planes(
    pixels: ElementTree.Element, own: str, lengths: dict[str, int], counts: dict[str, int]
) -> Iterator[tuple[tuple[int, ...], str, int]]:
    """The position (T, Z, C) of each plane, the file that it is in, and its page there.

    Raises
    ------
    SourceError
        If a plane is outside of the movie.
    """
    order = [axis for axis in pixels.get("DimensionOrder", "") if axis in _AXES]
    if sorted(order) != sorted(_AXES):
        raise SourceError(f"{own}: its OME header says the order {pixels.get('DimensionOrder')!r}; expected one such as XYCZT")
    shape = [lengths[axis] for axis in reversed(order)]
    for element in (one for one in pixels if _is(one, "TiffData")):
        file, page = _file_of(element, own), int(element.get("IFD", 0))
        first = [int(element.get(f"First{axis}", 0)) for axis in reversed(order)]
        inside = all(0 <= index < length for index, length in zip(first, shape, strict=True))
        begin = int(np.ravel_multi_index(first, shape)) if inside else math.prod(shape)
        whole = 1 if "IFD" in element.attrib else counts.get(file, 1)
        for step in range(int(element.get("PlaneCount", element.get("NumPlanes", whole)))):
            if begin + step >= math.prod(shape):
                raise SourceError(f"{own}: its OME header names planes of {file} beyond its size of {lengths}; is it damaged?")
            place = dict(zip(reversed(order), np.unravel_index(begin + step, shape), strict=True))
            yield tuple(int(place[axis]) for axis in _AXES), file, page + step
