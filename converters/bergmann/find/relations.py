"""What a source is of: the video that was tracked or scored, the movie that was segmented."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from bergmann.behavior._boris import Observation, read_observations
from bergmann.errors import SourceError
from bergmann.find.found import Found
from bergmann.find.headers import Header
from bergmann.find.text import Value, n_of
from bergmann.records import GlialEvents, Movie, Pose, Segmentation


@dataclass(frozen=True)
class Related:
    """What can be said of ``of``.

    Attributes
    ----------
    values : tuple of Value
        ``of`` and what it brings with it.
    name : str
        The source that it is of; empty if that is not known.
    """

    values: tuple[Value, ...] = ()
    name: str = ""


def _of(name: str, why: str) -> Related:
    return Related((Value("of", name, why),), name)


def _one_of(names: Iterable[str], what: str) -> Related:
    return Related((Value("of", None, f"{what}; one of: {', '.join(names)}"),))


# --- tracked and scored videos ----------------------------------------------------------------------------------------


def video_of_pose(header: Header, videos: Mapping[str, Header]) -> Related:
    """The video that was tracked: by its base name, else the only one there is with as many frames."""
    if not videos:
        return Related()
    named = named_after(header)
    fitting = [name for name, video in videos.items() if any(_is_named(file.stem, named) for file in video.found.named)]
    if len(fitting) == 1:
        return _of(fitting[0], f"its file is named after that video ({named})")
    if not fitting and len(videos) == 1:
        (name, video), frames = next(iter(videos.items())), _n_frames(header)
        if frames is None or video.ticks is None or frames == video.ticks:
            return _of(name, "the only video")
        what = f"the video that was tracked: not {name}, which has {n_of(video.ticks, 'frame')}, and this file {frames:,}"
        return Related((Value("of", None, f"{what}; or `rate:` in place of `of:`"),))
    return _one_of(fitting or videos, "the video that was tracked")


def named_after(header: Header) -> str:
    """Base name of the tracked video, as the tracker's file says it or is called."""
    record = header.record
    said = record.video if isinstance(record, Pose) else None
    return PureWindowsPath(said).stem if said and Path(said).suffix else (said or header.found.named[0].stem)


def _is_named(stem: str, named: str) -> bool:
    return stem == named or stem.startswith(f"{named}_")


def _n_frames(header: Header) -> int | None:
    return len(header.record.times) if isinstance(header.record, Pose) else None


def observation_of(found: Found) -> Observation | None:
    """The observation of a BORIS file that a source reads; None if it cannot be read."""
    try:
        there = read_observations(found.named[0])
    except SourceError:
        return None
    chosen = getattr(found.source, "observation", None)
    return there.get(chosen) if chosen is not None else next(iter(there.values()), None)


def media_of(found: Found) -> tuple[str, ...]:
    """Base names of the media that were scored; none for a live observation."""
    observation = observation_of(found)
    return tuple(file for player in observation.players for file in player) if observation is not None else ()


def video_of_scores(found: Found, videos: Mapping[str, Header]) -> Related:
    """The video that was scored, by the base names in the observation."""
    media = set(media_of(found))
    fitting = [name for name, video in videos.items() if media & {file.name for file in video.found.named}]
    if len(fitting) == 1:
        return _of(fitting[0], f"scored on {', '.join(sorted(media))}")
    return _one_of(fitting, "the video that was scored") if fitting else Related()


# --- segmented movies -------------------------------------------------------------------------------------------------


def movie_of_rois(header: Header, movies: Mapping[str, Header]) -> Related:
    """The movie that was segmented: the one with as many frames of that size."""
    rois = header.record
    if not movies:
        return Related()
    if not isinstance(rois, Segmentation):
        return _of(next(iter(movies)), "the only movie") if len(movies) == 1 else _one_of(movies, "the movie that was segmented")
    frames, size = len(rois.times), rois.planes[0].image_shape
    fitting = [name for name, movie in movies.items() if _fits(movie, frames, size)]
    unread = [name for name, movie in movies.items() if not isinstance(movie.record, Movie)]
    if len(fitting) == 1 and not unread:
        return _of(fitting[0], f"{n_of(frames, 'frame')} of {size[0]} x {size[1]}, as in {fitting[0]}")
    if len(movies) > 1 or not fitting:
        longer = [name for name, movie in movies.items() if _shape(movie)[1:] == size and _shape(movie)[0] < frames]
        if len(movies) == 1 and longer:
            own = _shape(movies[longer[0]])[0]
            why = f"it was run over {frames:,} frames, {longer[0]} has {own:,}: first and last of these, as 6001-44400"
            return Related((Value("of", longer[0], "the only movie"), Value("frames", None, why)), longer[0])
        if len(movies) == 1 and unread:
            return _of(unread[0], "the only movie; its frames were not counted here")
        return _one_of(fitting or movies, f"the movie that was segmented, of {n_of(frames, 'frame')}")
    return _of(fitting[0], "the only movie")


def movie_of_events(header: Header, movies: Mapping[str, Header]) -> Related:
    """The movie that events were found in: the one with as many frames, of a size to which the images with their borders fit."""
    if not movies:
        return Related()
    events = header.record
    run = events.run if isinstance(events, GlialEvents) else None
    if run is None:
        return _of(next(iter(movies)), "the only movie") if len(movies) == 1 else _one_of(movies, "the movie that was analysed")
    frames, size = run
    fitting = [name for name, movie in movies.items() if _fits(movie, frames, size)]
    if len(fitting) == 1:
        return _of(fitting[0], f"{n_of(frames, 'frame')} of {size[0]} x {size[1]}, as in {fitting[0]}")
    unread = [name for name, movie in movies.items() if not isinstance(movie.record, Movie)]
    if len(movies) == 1 and unread:
        return _of(unread[0], "the only movie; its frames were not counted here")
    return _one_of(fitting or movies, f"the movie that was analysed, of {n_of(frames, 'frame')} of {size[0]} x {size[1]}")


def _shape(movie: Header) -> tuple[int, ...]:
    """Frames, height and width; zeros where they are not known."""
    shape = movie.record.channels[0].frames.shape if isinstance(movie.record, Movie) else (0, 0, 0)
    return (shape[0], *shape[-2:])


def _fits(movie: Header, frames: int, size: tuple[int, int]) -> bool:
    return _shape(movie) == (frames, *size)
