"""Video, pose, events, intervals and assays to NWB."""

from __future__ import annotations

from bergmann.behavior._video_nwb import add_video
from bergmann.records import Video

ADD = {Video: add_video}
