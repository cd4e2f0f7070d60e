"""Movies of a microscope."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from bergmann.arrays import LazyArray, Part
from bergmann.errors import SourceError
from bergmann.records.base import Sampled, agree, frames_to_use


@dataclass(frozen=True, kw_only=True, eq=False)
class MovieChannel:
    """One detector's frames.

    Attributes
    ----------
    number : int
        Number of the channel as the microscope counts (from 1).
    name : str
        Name that the source gives it, e.g. ``"Channel 1"``.
    frames : LazyArray, shape (n_frames, height, width) or (n_frames, n_planes, height, width)
        Pixels as stored, rows from the top.
    """

    number: int
    name: str
    frames: LazyArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Movie(Sampled):
    """Frames (or volumes) of one or more channels of a microscope.

    Attributes
    ----------
    channels : tuple of MovieChannel
        At least one; all of one shape.
    times : Times
        When each frame (or volume) began, in seconds.
    ticks : Times
        What a frame clock line ticks for: every frame that was recorded, used or not; of volumes every plane, flyback included.
    pixel_size : tuple of float, optional
        (height, width) of a pixel, in metres, where the source says it.
    plane_spacing : float, optional
        Distance between planes of a volume, in metres.
    """

    channels: tuple[MovieChannel, ...]
    pixel_size: tuple[float, float] | None = None
    plane_spacing: float | None = None

    def __post_init__(self) -> None:
        if not self.channels:
            raise SourceError(f"{self.files[0].name}: no channel in the movie")
        for channel in self.channels:
            if len(channel.frames.shape) not in (3, 4):
                raise SourceError(f"{self.files[0].name}: frames of shape {channel.frames.shape}; expected 3 or 4 axes")
            if channel.frames.shape != self.channels[0].frames.shape:
                raise SourceError(f"{self.files[0].name}: channels differ in shape")
            agree("frame times", len(self.times), channel.frames.shape[0], f"frames in {self.files[0].name}")

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(str(channel.number) for channel in self.channels)

    def cut(self, first: int, last: int) -> Self:
        """The same movie with the frames (or volumes) `first` to `last` alone, counted from 1; nothing is read.

        Raises
        ------
        SourceError
            If there are not so many.
        """
        used = frames_to_use(self, first, last)
        return replace(
            self,
            channels=tuple(replace(one, frames=Part(one.frames, first - 1, last)) for one in self.channels),
            times=self.times.part(first - 1, last),
            ticks=self.clock_times,
            used=used,
        )
