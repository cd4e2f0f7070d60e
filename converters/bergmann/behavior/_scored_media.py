"""From the time of a scored medium to the session's clock, through the frames of the video."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bergmann.behavior._boris import Observation
from bergmann.behavior._media import Media, read_media
from bergmann.errors import SourceError
from bergmann.records import Video
from bergmann.timing.times import times_at

FRAMES_BEYOND = 2.0
"""How many frames after the end of a video a scorer's time may lie: players and containers round the length differently."""


def media_to_session(path: Path, observation: Observation, video: Video, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times on the session's clock of times in scored media.

    A time is first put into one medium by the lengths of those before it, then on that file's own frames (which need not be
    regular), and then on the times that the video's frames have in the session.

    Parameters
    ----------
    path : Path
        Of the project or export, for messages.
    observation : Observation
    video : Video
        With times on the session's clock.
    times : np.ndarray, shape (n,)
        Seconds from the start of the first medium.

    Raises
    ------
    SourceError
        If the video is none of the scored media, a time lies in a medium that is not one of its files or outside the video, or a
        medium is of another length than its file.
    """
    media = _played(path, observation, video)
    files = {file.name.casefold(): number for number, file in enumerate(video.files)}
    own = {name: read_media(video.files[files[name.casefold()]]) for name in media if name.casefold() in files}
    lengths = [_length(path, observation, name, own.get(name)) for name in media]
    _all_listed(path, observation, media, sum(lengths))
    begins = np.concatenate([[0.0], np.cumsum(lengths)])
    which = np.clip(np.searchsorted(begins, times, side="right") - 1, 0, len(media) - 1)
    first_frames = np.concatenate([[0], np.cumsum(video.frame_counts)])
    frames = np.empty(len(times))
    for number in np.unique(which):
        name, here = media[number], which == number
        if name not in own:
            raise SourceError(
                f"{path.name}: the event at {times[here][0]:g} s of observation {observation.name!r} lies in {name}, which is not "
                f"a file of the video ({_names(video)}); name a video source that has all scored media"
            )
        local = _frames_of(path, own[name], name, times[here] - begins[number])
        frames[here] = first_frames[files[name.casefold()]] + local
    return times_at(video.times, frames)


def _names(video: Video) -> str:
    return ", ".join(file.name for file in video.files)


def _played(path: Path, observation: Observation, video: Video) -> tuple[str, ...]:
    """Media of the player that played the video."""
    names = {file.name.casefold() for file in video.files}
    if not observation.players:
        raise SourceError(
            f"{path.name}: observation {observation.name!r} was scored live, on no medium; leave out `of` and state `starts:`, "
            "when it began"
        )
    playing = [n for n, media in enumerate(observation.players) if names & {name.casefold() for name in media}]
    if not playing:
        scored = ", ".join(name for media in observation.players for name in media)
        raise SourceError(f"{path.name}: observation {observation.name!r} was scored on {scored}, and `of` names {_names(video)}")
    number = playing[0]
    delayed = number > 0 and (observation.delays.get(number + 1, 0.0) != 0 or len(observation.players[0]) > 1)
    if delayed or len(playing) > 1:
        raise SourceError(
            f"{path.name}: observation {observation.name!r} counts the time of its first player "
            f"({', '.join(observation.players[0])}); {_names(video)} was played beside it with a delay; "
            "name the first player's video in `of`"
        )
    return observation.players[number]


def _length(path: Path, observation: Observation, name: str, own: Media | None) -> float:
    """Length of a medium: as BORIS knew it, else the file's own."""
    known = observation.lengths.get(name)
    if own is None:
        if known is None:
            raise SourceError(f"{path.name}: neither the length of {name} nor its file is known; name a video source that has it")
        return known
    if known is not None and abs(known - own.length) > max(0.5, FRAMES_BEYOND / own.rate):
        raise SourceError(
            f"{path.name}: BORIS scored {name} with a length of {known:g} s, and the file of that name is {own.length:g} s "
            "long; is it the same video?"
        )
    return known if known is not None else own.length


def _all_listed(path: Path, observation: Observation, media: tuple[str, ...], length: float) -> None:
    """An export names only the media that events lie in; one without an event would shift all behind it."""
    if observation.total is not None and abs(observation.total - length) > 0.5 * len(media):
        raise SourceError(
            f"{path.name}: observation {observation.name!r} was scored on {observation.total:g} s of media, and {', '.join(media)} "
            f"{'is' if len(media) == 1 else 'are'} {length:g} s long; is it the same video? If the export leaves out a medium "
            "without an event, convert the project (.boris), which lists them all"
        )


def _frames_of(path: Path, media: Media, name: str, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fractional frame numbers of times in one file."""
    beyond = (times < 0) | (times > media.length + FRAMES_BEYOND / media.rate)
    if beyond.any():
        raise SourceError(f"{path.name}: an event at {times[beyond][0]:g} s of {name}, which is {media.length:g} s long")
    shown = np.append(media.seconds, media.length)
    frames = np.interp(times, shown, np.arange(len(shown)))
    after = np.maximum(times - media.length, 0.0) * media.rate
    return np.asarray(frames + after, dtype=np.float64)
