"""Where the pixels of each page of a TIFF are, without one object a page.

Pages are counted by walking the chain of directories (TIFF 6.0, and BigTIFF with its 8-byte offsets), so a recording may have any
number of them. Only what an instrument writes is taken: uncompressed pages of one sample a pixel, stored in one piece.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from bergmann.errors import SourceError

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, DESCRIPTION, STRIPS = 256, 257, 258, 259, 270, 273
_SAMPLES, _STRIP_SIZES, SOFTWARE, ARTIST, _TILE_WIDTH, _SAMPLE_FORMAT = 277, 279, 305, 315, 322, 339
_SIZE_OF_TYPE = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_CODE_OF_TYPE = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_ORIENTATION, _TOP_LEFT = 274, 1
_KIND_OF_FORMAT = {1: "u", 2: "i", 3: "f"}
OF_FORM = (_WIDTH, _HEIGHT, _BITS, _COMPRESSION, STRIPS, _SAMPLES, _STRIP_SIZES, _TILE_WIDTH, _SAMPLE_FORMAT, _ORIENTATION)
"""Tags that `form_and_offset` reads."""

NEAR = 8192
"""Bytes read at once: a directory and the description that usually follows it."""


class CutShortError(SourceError):
    """The file ends before its last page does; all complete pages have been yielded before."""


class PageForm(NamedTuple):
    """What must be the same in all pages of a movie."""

    height: int
    width: int
    bits: int
    sample_format: int
    samples: int
    order: str
    compression: int
    in_one_piece: bool
    orientation: int


class Layout(NamedTuple):
    """How numbers are stored in this file."""

    order: str
    big: bool
    length: struct.Struct
    entry: struct.Struct
    pointer: struct.Struct

    @property
    def inline(self) -> int:
        return self.pointer.size

    @property
    def pointer_type(self) -> np.dtype[Any]:
        """A place in the file, as numpy reads it."""
        return np.dtype(f"{self.order}u{self.pointer.size}")

    @property
    def entry_type(self) -> np.dtype[Any]:
        """A tag of a directory, as numpy reads it."""
        number = self.pointer_type
        return np.dtype([("tag", f"{self.order}u2"), ("kind", f"{self.order}u2"), ("length", number), ("value", number)])


_BIG, _CLASSIC = (43, "Q", "HHQQ", "Q"), (42, "H", "HHII", "I")
_ORDERS = {b"II": "<", b"MM": ">"}


def is_tiff(path: Path) -> bool:
    """Whether a file begins as a TIFF does; False for what cannot be read."""
    try:
        with path.open("rb") as file:
            begin = file.read(4)
    except OSError:
        return False
    order = _ORDERS.get(begin[:2])
    return order is not None and len(begin) == 4 and struct.unpack(f"{order}H", begin[2:])[0] in (42, 43)


def read_layout(file: BinaryIO, name: str) -> tuple[Layout, int]:
    """The layout of a TIFF and the place of its first directory."""
    begin = file.read(16)
    order = _ORDERS.get(begin[:2])
    version = struct.unpack(f"{order}H", begin[2:4])[0] if order and len(begin) >= 4 else None
    for number, count, entry, pointer in (_BIG, _CLASSIC):
        if order and version == number and len(begin) >= 8:
            layout = Layout(order, number == 43, *(struct.Struct(order + code) for code in (count, entry, pointer)))
            at = 8 if layout.big else 4
            if len(begin) >= at + layout.inline:
                return layout, layout.pointer.unpack_from(begin, at)[0]
    raise SourceError(
        f"{name}: not a TIFF file, whatever its name says: it begins with {begin[:4]!r}, a TIFF with b'II' or b'MM' and a number. "
        "Was another file renamed, or the recording broken off?"
    )


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    """Up to `size` bytes; none behind the end of the file."""
    try:
        file.seek(at)
    except (OSError, OverflowError):  # a damaged pointer, further than any file can reach
        return b""
    return file.read(size)


class Field(NamedTuple):
    """The value of a tag: which entry of the directory it is, where in the file it begins and ends, whether that is in the
    directory itself, and the code of its numbers.
    """

    entry: int
    at: int
    stop: int
    is_inline: bool
    code: str


class Directory:
    """The tags of one page, values read when asked for.

    Attributes
    ----------
    at, stop : int
        Where in the file it begins and ends.
    next : int
        Where the directory of the next page begins; 0 if there is none.
    """

    def __init__(self, file: BinaryIO, layout: Layout, at: int) -> None:
        self._file, self._layout = file, layout
        head = _read(file, at, layout.length.size)
        if len(head) < layout.length.size:
            raise CutShortError
        (count,) = layout.length.unpack(head)
        if count > 4096:  # a TIFF page has tens of tags: this is no directory
            raise CutShortError
        body = _read(file, at + layout.length.size, count * layout.entry.size + layout.inline)
        if len(body) < count * layout.entry.size + layout.inline:
            raise CutShortError
        self.at = at
        self.stop = at + layout.length.size + len(body)
        self._value_at = at + layout.length.size + layout.entry.size - layout.inline
        self._tags = {
            tag: (kind, length, value, index)
            for index, (tag, kind, length, value) in enumerate(layout.entry.iter_unpack(body[: count * layout.entry.size]))
        }
        (self.next,) = layout.pointer.unpack_from(body, count * layout.entry.size)

    def __contains__(self, tag: int) -> bool:
        return tag in self._tags

    @property
    def order(self) -> str:
        """The byte order, ``<`` or ``>``."""
        return self._layout.order

    def number(self, tag: int, default: int) -> int:
        """The only (or first) number of a tag."""
        if tag not in self._tags:
            return default
        kind, length, value, _ = self._tags[tag]
        size = _SIZE_OF_TYPE.get(kind, 0)
        if length * size > self._layout.inline:
            return self.numbers(tag)[0]
        if self._layout.order == "<":
            return int(value & ((1 << 8 * size) - 1))
        return int(value >> 8 * (self._layout.inline - size))

    def numbers(self, tag: int) -> tuple[int, ...]:
        """All numbers of a tag."""
        if tag not in self._tags:
            return ()
        kind, length, _, _ = self._tags[tag]
        if length == 1:
            return (self.number(tag, 0),)
        if kind not in _CODE_OF_TYPE:
            return ()
        code = struct.Struct(f"{self._layout.order}{length}{_CODE_OF_TYPE[kind]}")
        raw = self.raw(tag, code.size)
        if len(raw) < code.size:
            raise CutShortError
        return code.unpack(raw)

    def raw(self, tag: int, limit: int) -> bytes:
        """Up to `limit` bytes of a tag's value, without what pads it."""
        if tag not in self._tags:
            return b""
        field = self.field(tag)
        return _read(self._file, field.at, min(field.stop - field.at, limit))

    def field(self, tag: int) -> Field:
        """Where the value of a tag is that is there."""
        kind, length, value, index = self._tags[tag]
        size = _SIZE_OF_TYPE.get(kind, 0) * length
        is_inline = size <= self._layout.inline
        at = self._value_at + index * self._layout.entry.size if is_inline else value
        return Field(index, at, at + size, is_inline, _CODE_OF_TYPE.get(kind, "B"))


def form_and_offset(directory: Directory) -> tuple[PageForm, int, int]:
    """The form of a page, where its pixels begin, and how many bytes it stores."""
    offsets, sizes = directory.numbers(STRIPS), directory.numbers(_STRIP_SIZES)
    joined = all(at + size == after for at, size, after in zip(offsets, sizes, offsets[1:], strict=False))
    form = PageForm(
        directory.number(_HEIGHT, 0),
        directory.number(_WIDTH, 0),
        directory.number(_BITS, 1),
        directory.number(_SAMPLE_FORMAT, 1),
        directory.number(_SAMPLES, 1),
        directory.order,
        directory.number(_COMPRESSION, 1),
        bool(offsets) and len(offsets) == len(sizes) and joined and _TILE_WIDTH not in directory,
        directory.number(_ORIENTATION, 1),
    )
    return form, offsets[0] if offsets else 0, sum(sizes)


def read_text(path: Path, tag: int) -> str:
    """The text of a tag of the first page; empty if there is none."""
    with path.open("rb", buffering=NEAR) as file:
        layout, at = read_layout(file, path.name)
        try:
            raw = Directory(file, layout, at).raw(tag, 1 << 24)
        except CutShortError:
            return ""
    return raw.split(b"\0", 1)[0].decode("utf-8", errors="replace")


def read_description(path: Path) -> str:
    """The description of the first page; empty if there is none."""
    return read_text(path, DESCRIPTION)


def bytes_of(form: PageForm) -> int:
    return form.height * form.width * form.samples * form.bits // 8


def is_packed(form: PageForm) -> bool:
    """Whether the pixels of a page are compressed, tiled, or scattered over the file."""
    return form.compression != 1 or not form.in_one_piece


def refuse_packed(form: PageForm, path: Path) -> None:
    """Refuse pages that a microscope does not write.

    Raises
    ------
    SourceError
    """
    if form.compression != 1:
        raise SourceError(
            f"{path.name}: its pages are compressed (TIFF compression {form.compression}); expected pages as the microscope writes "
            "them. Save it again without compression."
        )
    if not form.in_one_piece:
        raise SourceError(f"{path.name}: its pages are tiled or stored in scattered strips; expected each page in one piece")


def dtype_of(form: PageForm, path: Path) -> np.dtype[Any]:
    """The type of a page's pixels, in the file's byte order.

    Raises
    ------
    SourceError
        If the pages are coloured, of a type that no camera or detector gives, or stored turned or mirrored.
    """
    if form.orientation != _TOP_LEFT:
        raise SourceError(
            f"{path.name}: its pages are stored turned or mirrored (TIFF orientation {form.orientation}); expected rows from the "
            "top and columns from the left. Save it again as it is to be seen"
        )
    kind = _KIND_OF_FORMAT.get(form.sample_format)
    if form.samples != 1:
        raise SourceError(f"{path.name}: {form.samples} samples a pixel (a colour picture); expected one detector value a pixel")
    if kind is None or form.bits not in (8, 16, 32, 64) or (kind == "f" and form.bits == 8):
        raise SourceError(
            f"{path.name}: {form.bits} bits of TIFF sample format {form.sample_format} a pixel; expected whole numbers or "
            "floats of 8 to 64 bits"
        )
    return np.dtype(f"{form.order}{kind}{form.bits // 8}")
