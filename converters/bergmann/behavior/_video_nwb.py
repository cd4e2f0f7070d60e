"""Video to an external ImageSeries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pynwb.image import ImageSeries

from bergmann.stand_ins import NO_COMMENTS, NO_UNIT
from bergmann.timing.times import RegularTimes, time_arguments

if TYPE_CHECKING:
    from pynwb import NWBFile

    from bergmann.behavior.stated import VideoStated
    from bergmann.records import Video
    from bergmann.registry import Entry, Placed


def add_video(nwbfile: NWBFile, entry: Entry[Video, VideoStated], placed: Placed) -> None:
    """Add the video to acquisition, with its files still under their base names; the writer places them and sets the paths."""
    video, stated = entry.record, entry.stated
    ends = np.cumsum(video.frame_counts)
    files = video.files[: int(np.searchsorted(ends, len(video.times))) + 1]
    frames = {"num_samples": len(video.times)} if isinstance(video.times, RegularTimes) else {}
    series = ImageSeries(
        name=entry.name,
        description=stated.description or f"Video of {len(video.times)} frames: {', '.join(path.name for path in files)}.",
        comments=_comments(video),
        unit=NO_UNIT,  # the pixels are in the external file
        format="external",
        external_file=[path.name for path in files],
        starting_frame=np.concatenate([[0], ends[: len(files) - 1]]).astype(np.int32),
        dimension=np.asarray(video.size, dtype=np.int32),
        device=None if stated.device is None else placed.get("devices", stated.device),
        **frames,
        **time_arguments(video.times),
    )
    nwbfile.add_acquisition(series)
    placed.externals.append((series, files))
    placed.put("sources", entry.name, series)


def _comments(video: Video) -> str:
    """How its times are known, and that a file of it goes on where that is not used."""
    said = [f"Frame times of the container: {video.notes['container_times']}."] if "container_times" in video.notes else []
    if video.used is not None:
        said.append(f"Only {video.used} are used: the file goes on behind them, and these have no times.")
    return " ".join(said) or NO_COMMENTS
