"""Video, pose, events, trials, intervals, logs and assays to NWB."""

from __future__ import annotations

from typing import Any

from pynwb import NWBFile

from bergmann.behavior._events_nwb import add_events
from bergmann.behavior._tables_nwb import add_intervals, add_scores
from bergmann.behavior._trace_nwb import add_trace
from bergmann.behavior._trials_nwb import add_state_machine
from bergmann.behavior._video_nwb import add_video
from bergmann.behavior.stated import PoseStated
from bergmann.records import Events, Intervals, Pose, Scores, StateMachine, Trace, Video
from bergmann.registry import Entry, Placed


def add_pose(nwbfile: NWBFile, entry: Entry[Pose, PoseStated], placed: Placed) -> Any:
    """Add a pose; only then is ndx-pose imported, which every file that is written in the process would then have to drop again."""
    from bergmann.behavior._pose_nwb import add_pose as add

    return add(nwbfile, entry, placed)


ADD = {
    Video: add_video,
    Pose: add_pose,
    Events: add_events,
    StateMachine: add_state_machine,
    Intervals: add_intervals,
    Trace: add_trace,
    Scores: add_scores,
}
