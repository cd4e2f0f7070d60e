"""How large arrays are stored: the cut into chunks, and the compression, each with what it costs and who cannot read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from bergmann.errors import WriteError

Chunking = Literal["balanced", "frames", "traces", "streaming"]
Compression = Literal["gzip", "zstd", "none"]

CHUNKINGS: Mapping[Chunking, str] = {
    "balanced": "tiles of 256 pixels, up to 5 MB of frames: a frame and a pixel's trace are both fast",
    "frames": "whole frames, up to 1 MB of them: fastest frame by frame; a pixel's trace reads the whole movie",
    "traces": "tiles of 128 pixels, up to 32 frames: fastest traces; a single frame reads those beside it",
    "streaming": "tiles of 256 pixels, up to 16 MB of frames: fewest requests over a network; a single frame reads the most",
}
"""What each cut is good for, and what it costs."""

COMPRESSIONS: Mapping[Compression, str] = {
    "gzip": "with shuffle: any HDF5 library reads it",
    "zstd": "read in half the time, hardly smaller; only with the plugin hdf5plugin, so not by MatNWB (needs the extra `zstd`)",
    "none": "fastest to write and read, up to twice the size; any HDF5 library reads it",
}
"""What each compression gives, and who cannot read it."""


@dataclass(frozen=True)
class Storing:
    """The choice of both.

    Attributes
    ----------
    chunking : {"balanced", "frames", "traces", "streaming"}
    compression : {"gzip", "zstd", "none"}

    Raises
    ------
    WriteError
        If one is none of these.
    """

    chunking: Chunking = "balanced"
    compression: Compression = "gzip"

    def __post_init__(self) -> None:
        for name, chosen, known in (
            ("chunking", self.chunking, get_args(Chunking)),
            ("compression", self.compression, get_args(Compression)),
        ):
            if chosen not in known:
                raise WriteError(f"{name} {chosen!r} is none of {', '.join(known)}; name one of these")


DEFAULT = Storing()
