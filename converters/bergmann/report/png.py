"""Small PNG images in a page (PNG specification, W3C 2003)."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode

import numpy as np
from numpy.typing import NDArray

_GREY, _RGB = 0, 2  # colour types


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """An image as a PNG file.

    Parameters
    ----------
    pixels : np.ndarray, shape (height, width) or (height, width, 3), uint8
        Grey, or red, green and blue; rows from the top.
    """
    height, width = pixels.shape[:2]
    if pixels.ndim == 3 and np.array_equal(pixels[..., 0], pixels[..., 1]) and np.array_equal(pixels[..., 0], pixels[..., 2]):
        pixels = pixels[..., 0]
    rows = pixels.reshape(height, -1)
    above = np.vstack([np.zeros_like(rows[:1]), rows[:-1]])
    filtered = np.hstack([np.full((height, 1), 2, dtype=np.uint8), rows - above])  # filter 2: less the row above, modulo 256
    header = struct.pack(">IIBBBBB", width, height, 8, _GREY if pixels.ndim == 2 else _RGB, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(filtered.tobytes(), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def data_uri(pixels: NDArray[np.uint8]) -> str:
    """An image as the address of itself, which no network is needed for."""
    return "data:image/png;base64," + b64encode(encode_png(pixels)).decode("ascii")
