"""What the bytes say: one frozen dataclass a kind of data, SI units, lazy arrays, shapes checked at construction.

A record holds times on the clock of its own instrument (zero is where the instrument started) until `aligned` gives the same
record with times on the session's clock.
"""

from bergmann.records.base import Cuttable, FramesUsed, Record, Sampled
from bergmann.records.behavior import Events, EventSeries, Intervals, Keypoint, Pose, Scores, Trace, TraceColumn, Video
from bergmann.records.glia import FOOTPRINT, EventFeature, Footprints, GlialEvents
from bergmann.records.imaging import Movie, MovieChannel
from bergmann.records.light import LightPulses
from bergmann.records.segmentation import RoiPlane, Segmentation
from bergmann.records.signals import Channel, CommandPulses, EventLine, Recording
from bergmann.records.spikes import SpikeTimes
from bergmann.records.task import StateMachine

__all__ = [
    "FOOTPRINT",
    "Channel",
    "CommandPulses",
    "Cuttable",
    "EventFeature",
    "EventLine",
    "EventSeries",
    "Events",
    "Footprints",
    "FramesUsed",
    "GlialEvents",
    "Intervals",
    "Keypoint",
    "LightPulses",
    "Movie",
    "MovieChannel",
    "Pose",
    "Record",
    "Recording",
    "RoiPlane",
    "Sampled",
    "Scores",
    "Segmentation",
    "SpikeTimes",
    "StateMachine",
    "Trace",
    "TraceColumn",
    "Video",
]
