"""Video, pose, events, trials, intervals, logs and assays to NWB."""

from __future__ import annotations

from bergmann.behavior._events_nwb import add_events
from bergmann.behavior._pose_nwb import add_pose
from bergmann.behavior._tables_nwb import add_intervals, add_scores
from bergmann.behavior._trace_nwb import add_trace
from bergmann.behavior._trials_nwb import add_state_machine
from bergmann.behavior._video_nwb import add_video
from bergmann.records import Events, Intervals, Pose, Scores, StateMachine, Trace, Video

ADD = {
    Video: add_video,
    Pose: add_pose,
    Events: add_events,
    StateMachine: add_state_machine,
    Intervals: add_intervals,
    Trace: add_trace,
    Scores: add_scores,
}
