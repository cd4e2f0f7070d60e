"""Video to an external ImageSeries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pynwb.image import ImageSeries

from bergmann.timing.times import RegularTimes, time_arguments

if TYPE_CHECKING:
    from pynwb import NWBFile

    from bergmann.behavior.stated import VideoStated
    from bergmann.records import Video
    from bergmann.registry import Entry, Placed


def add_video(nwbfile: NWBFile, entry: Entry[Video, VideoStated], placed: Placed) -> None:
    """Add the video to acquisition, with its files still under their base names; the writer places them and sets the paths."""
    video, stated = entry.record, entry.stated
    frames = {"num_samples": len(video.times)} if isinstance(video.times, RegularTimes) else {}
    series = ImageSeries(
        name=entry.name,
        description=stated.description or f"Video of {len(video.times)} frames: {', '.join(path.name for path in video.files)}.",
        comments=f"Frame times of the container: {video.notes['container_times']}."
        if "container_times" in video.notes
        else "no comments",
        unit="n.a.",  # the pixels are in the external file
        format="external",
        external_file=[path.name for path in video.files],
        starting_frame=np.concatenate([[0], np.cumsum(video.frame_counts)[:-1]]).astype(np.int32),
        dimension=np.asarray(video.size, dtype=np.int32),
        device=None if stated.device is None else placed.get("devices", stated.device),
        **frames,
        **time_arguments(video.times),
    )
    nwbfile.add_acquisition(series)
    placed.externals.append((series, video.files))
    placed.put("sources", entry.name, series)
