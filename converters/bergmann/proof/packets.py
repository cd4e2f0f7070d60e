"""What a video holds apart from what is written about it: metadata can be taken out of a copy, and the rest be proved."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from bergmann.privacy import Private, find_private

_KINDS = {"video", "audio"}
_TELLS = {"artist", "author", "copyright", "location", "com.apple.quicktime.location.iso6709", "com.apple.quicktime.author"}
"""Keys of metadata of videos that name a person or a place."""


@dataclass(frozen=True)
class Telling:
    """A field of a video's metadata that tells of a person, a place or a machine.

    Attributes
    ----------
    key, text : str
    private : Private, optional
        The part of the text that does; the whole where it is the key that says so.
    """

    key: str
    text: str
    private: Private | None


@dataclass(frozen=True)
class Held:
    """What a file holds of pictures and sound.

    Attributes
    ----------
    container : str
        As FFmpeg calls its format.
    streams : tuple of tuple
        Kind, codec and shape of each stream, and SHA-256 of its packets with their times.
    rotation : int
        Degrees by which the first picture is to be turned.
    metadata : tuple of (str, str)
        What is written about it, without what tells of a person, a place or a machine, and without the names of the programs that
        wrote the container.
    """

    container: str
    streams: tuple[tuple[Any, ...], ...]
    rotation: int
    metadata: tuple[tuple[str, str], ...]


def tell_of_persons(path: Path) -> tuple[Telling, ...]:
    """Fields of the metadata of a video that tell of a person, a place or a machine; none of a file that is no video."""
    import av

    try:
        with av.open(path) as container:
            return tuple(_telling(container))
    except (av.FFmpegError, OSError):  # whoever reads its frames says what is wrong with it
        return ()


def _telling(container: Any) -> Iterator[Telling]:
    for held in (container, *container.streams):
        for key, text in held.metadata.items():
            private = next(find_private(str(text)), None)
            if private is not None or key.lower() in _TELLS:
                yield Telling(key, str(text), private)


def held_in(path: Path) -> Held:
    """The packets of a video, each with its times, and what is written about it.

    Raises
    ------
    av.FFmpegError, OSError
        If it cannot be read to its end.
    """
    import av

    with av.open(path) as container:
        digests = [hashlib.sha256() for _ in container.streams]
        counts = [0] * len(digests)
        for packet in container.demux():
            if packet.size:
                times = (packet.pts, packet.dts, packet.duration)
                said = [_seconds(time, packet.time_base) for time in times] + [packet.is_keyframe, packet.size]
                digests[packet.stream_index].update(repr(said).encode() + bytes(packet))
                counts[packet.stream_index] += 1
        streams = [
            (*_shape(stream), count, digest.hexdigest())
            for stream, count, digest in zip(container.streams, counts, digests, strict=True)
        ]
        metadata = tuple(sorted(_kept(container.metadata).items()))
    with av.open(path) as container:
        first = next(container.decode(video=0), None) if container.streams.video else None
        return Held(container.format.name, tuple(streams), 0 if first is None else first.rotation, metadata)


def _seconds(time: int | None, base: Fraction | None) -> str:
    return "" if time is None or base is None else str(time * base)


def _shape(stream: Any) -> tuple[Any, ...]:
    """What a stream is, as its header says it, with all that its pictures are decoded by."""
    if stream.type != "video":
        return (stream.type, stream.codec_context.name if stream.codec_context else "")
    codec = stream.codec_context
    extra = hashlib.sha256(codec.extradata or b"").hexdigest()
    return (stream.type, codec.name, codec.width, codec.height, codec.pix_fmt, stream.frames, str(stream.average_rate), extra)


_OF_THE_CONTAINER = {"encoder", "software", "major_brand", "minor_version", "compatible_brands", "duration", "handler_name"}
"""Metadata that each program writes for itself."""


def _kept(metadata: Mapping[str, str]) -> dict[str, str]:
    return {
        key: text
        for key, text in metadata.items()
        if key.lower() not in _TELLS | _OF_THE_CONTAINER and next(find_private(str(text)), None) is None
    }


def is_without_telling(source: Path, written: Path) -> bool:
    """Whether a file holds what its source holds, but for metadata that told of a person, a place or a machine."""
    import av

    try:
        return bool(tell_of_persons(source)) and not tell_of_persons(written) and held_in(source) == held_in(written)
    except (av.FFmpegError, OSError):  # not the same, then
        return False


def without_telling(source: Path, target: Path) -> bool:
    """Write a video again, its packets as they are, without what its metadata tells of persons, places and machines.

    Parameters
    ----------
    source : Path
    target : Path
        Not there, or replaced; of the same suffix.

    Returns
    -------
    bool
        Whether `target` holds the same packets at the same times and nothing that tells; else it is not there.
    """
    import av

    try:
        _write_again(source, target)
        is_good = is_without_telling(source, target)
    except (av.FFmpegError, OSError, ValueError):  # a container that cannot be written, or holds what cannot be copied
        is_good = False
    if not is_good:
        target.unlink(missing_ok=True)
    return is_good


def _write_again(source: Path, target: Path) -> None:
    import av

    with av.open(source) as old:
        if any(stream.type not in _KINDS for stream in old.streams):
            raise ValueError("streams that are neither pictures nor sound")
        with av.open(target, "w", container_options={"fflags": "+bitexact"}) as new:
            new.metadata.update(_kept(old.metadata))
            made = {}
            for stream in old.streams:
                made[stream.index] = new.add_stream_from_template(stream)
                made[stream.index].metadata.update(_kept(stream.metadata))
            for packet in old.demux():
                if packet.size:
                    packet.stream = made[packet.stream_index]
                    new.mux(packet)
