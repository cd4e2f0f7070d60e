"""Our formats as NeuroConv data interfaces, for use in any `NWBConverter`.

An interface takes the keys of its format as in a session file. A format that is derived from another source takes that one's keys
inline, with the part it needs::

    ScanImageInterface(path="2p/bg042_00001_*.tif", metadata_key="movie")
    Suite2pInterface(path="suite2p", of={"format": "scanimage", "path": "2p/bg042_00001_*.tif"})
    ChannelLightInterface(of={"format": "wavesurfer", "path": "daq.h5", "part": "LaserCmd"})

What a person states stands in the metadata under ``Bergmann``: ``sources`` by metadata key, and the collections (``devices``,
``planes``, ``light_sites`` ...) by name, as in a session file::

    metadata["Bergmann"] = {
        "devices": {"scope": {"manufacturer": "unknown"}},
        "planes": {"bg_plane": {"device": "scope", "location": "CUL4, 5", ...}},
        "sources": {"movie": {"plane": "bg_plane"}},
    }

Six things differ from a session:

- The collections are written whole, with the first of our interfaces that is added to an NWB file; a later one may not contradict.
- A source is linked to the one it is derived from (ROIs to their movie, pose to its video) if an interface with the same keys was
  added to the NWB file before. If not, its times still come from there, but ROIs need a stated ``plane``, and pose has no video.
- There is no session clock: each source starts where its instrument did, until `FormatInterface.set_aligned_starting_time` or
  `align_to_line`. So
  drugs whose times are stated by a session's recordings are refused.
- A video is named by its base name; put it beside the NWB file.
- NeuroConv writes the file, with every extension that is imported. Where types of core and of extensions name each other, as for
  light and pose, pynwb's validation is in error (pynwb issue 1777) until `bergmann.writing.namespaces.use_one_namespace` is called.
- Write HDF5: in Zarr, columns of references (the sites of light) are pickles, which cannot be read back (hdmf-zarr 0.13).
"""

from __future__ import annotations

from bergmann.behavior import assay, boris, bpod, channel_events, deeplabcut, encoder, intervals, lightningpose, sleap, video
from bergmann.behavior import pulsepal as pulsepal_events
from bergmann.ephys import spikes
from bergmann.imaging import bruker, scanimage, tiff
from bergmann.neuroconv_interfaces.interface import FormatInterface
from bergmann.optogenetics import (
    abf_protocol,
    bruker_markpoints,
    bruker_voltage_output,
    channel,
    pulse_table,
    pulsepal,
    stated_train,
)
from bergmann.segmentation import aqua, aqua2, caiman, glial_events, suite2p
from bergmann.signals import (
    abf,
    intan,
    labchart,
    openephys,
    pyphotometry,
    signal_hdf5,
    signal_numpy,
    signal_table,
    spike2,
    tdms,
    tdt,
    wavesurfer,
)

__all__ = [
    "AbfInterface",
    "AbfProtocolInterface",
    "Aqua2Interface",
    "AquaInterface",
    "AssayInterface",
    "BorisInterface",
    "BpodInterface",
    "BrukerInterface",
    "BrukerMarkPointsInterface",
    "BrukerVoltageOutputInterface",
    "CaimanInterface",
    "ChannelEventsInterface",
    "ChannelLightInterface",
    "DeepLabCutInterface",
    "EncoderInterface",
    "FormatInterface",
    "GlialEventsInterface",
    "IntanInterface",
    "IntervalsInterface",
    "LabChartInterface",
    "LightningPoseInterface",
    "OpenEphysInterface",
    "PulsePalEventsInterface",
    "PulsePalLightInterface",
    "PulseTableInterface",
    "PyPhotometryInterface",
    "ScanImageInterface",
    "SignalHdf5Interface",
    "SignalNumpyInterface",
    "SignalTableInterface",
    "SleapInterface",
    "Spike2Interface",
    "SpikesInterface",
    "StatedTrainInterface",
    "Suite2pInterface",
    "TdmsInterface",
    "TdtInterface",
    "TiffInterface",
    "VideoInterface",
    "WaveSurferInterface",
]


class AbfInterface(FormatInterface):
    """Axon Binary Format recordings."""

    format = abf.FORMAT


class LabChartInterface(FormatInterface):
    """Text exports of LabChart."""

    format = labchart.FORMAT


class SignalHdf5Interface(FormatInterface):
    """Recorded channels as datasets of HDF5, MATLAB's of version 7.3 too."""

    format = signal_hdf5.FORMAT


class SignalNumpyInterface(FormatInterface):
    """Recorded channels as arrays of NumPy."""

    format = signal_numpy.FORMAT


class SignalTableInterface(FormatInterface):
    """Recorded channels as text tables."""

    format = signal_table.FORMAT


class PyPhotometryInterface(FormatInterface):
    """Fibre photometry and digital inputs of pyPhotometry."""

    format = pyphotometry.FORMAT


class TdmsInterface(FormatInterface):
    """NI TDMS recordings."""

    format = tdms.FORMAT


class IntanInterface(FormatInterface):
    """Recordings of Intan's systems: digital and analog inputs, amplifiers, stimulation."""

    format = intan.FORMAT


class OpenEphysInterface(FormatInterface):
    """Recordings of the Open Ephys GUI in its binary format."""

    format = openephys.FORMAT


class Spike2Interface(FormatInterface):
    """Spike2 recordings of 32 bits."""

    format = spike2.FORMAT


class TdtInterface(FormatInterface):
    """Blocks of TDT tanks."""

    format = tdt.FORMAT


class WaveSurferInterface(FormatInterface):
    """WaveSurfer HDF5 recordings."""

    format = wavesurfer.FORMAT


class BrukerInterface(FormatInterface):
    """Bruker PrairieView T-series."""

    format = bruker.FORMAT


class ScanImageInterface(FormatInterface):
    """ScanImage TIFF movies."""

    format = scanimage.FORMAT


class TiffInterface(FormatInterface):
    """TIFF movies of other microscopes."""

    format = tiff.FORMAT


class AquaInterface(FormatInterface):
    """Events of glia found by AQuA."""

    format = aqua.FORMAT


class Aqua2Interface(FormatInterface):
    """Events of glia found by AQuA2."""

    format = aqua2.FORMAT


class GlialEventsInterface(FormatInterface):
    """Events of glia listed in a table."""

    format = glial_events.FORMAT


class CaimanInterface(FormatInterface):
    """Components and traces of CaImAn."""

    format = caiman.FORMAT


class Suite2pInterface(FormatInterface):
    """ROIs and traces of Suite2p."""

    format = suite2p.FORMAT


class SpikesInterface(FormatInterface):
    """Spike times of sorted units."""

    format = spikes.FORMAT


class AbfProtocolInterface(FormatInterface):
    """Light commanded by the protocol of an ABF file."""

    format = abf_protocol.FORMAT


class ChannelLightInterface(FormatInterface):
    """Light on a recorded channel."""

    format = channel.FORMAT


class PulseTableInterface(FormatInterface):
    """Light pulses listed in a table."""

    format = pulse_table.FORMAT


class BrukerMarkPointsInterface(FormatInterface):
    """Light commanded by Mark Points of PrairieView."""

    format = bruker_markpoints.FORMAT


class BrukerVoltageOutputInterface(FormatInterface):
    """Light commanded by a Voltage Output of PrairieView."""

    format = bruker_voltage_output.FORMAT


class PulsePalEventsInterface(FormatInterface):
    """Stimuli that Pulse Pal was told to give."""

    format = pulsepal_events.FORMAT


class PulsePalLightInterface(FormatInterface):
    """Light that Pulse Pal was told to give."""

    format = pulsepal.FORMAT


class StatedTrainInterface(FormatInterface):
    """Light as a protocol sheet states it."""

    format = stated_train.FORMAT


class AssayInterface(FormatInterface):
    """Scores of a behavioural assay."""

    format = assay.FORMAT


class BorisInterface(FormatInterface):
    """Events scored in BORIS."""

    format = boris.FORMAT


class BpodInterface(FormatInterface):
    """Trials, states and events of Bpod; its inputs and states are lines that others can be aligned to."""

    format = bpod.FORMAT


class ChannelEventsInterface(FormatInterface):
    """Events on a recorded channel."""

    format = channel_events.FORMAT


class DeepLabCutInterface(FormatInterface):
    """Body parts tracked by DeepLabCut."""

    format = deeplabcut.FORMAT


class EncoderInterface(FormatInterface):
    """Logs of a treadmill or a rotary encoder."""

    format = encoder.FORMAT


class IntervalsInterface(FormatInterface):
    """Labelled intervals listed in a table."""

    format = intervals.FORMAT


class LightningPoseInterface(FormatInterface):
    """Body parts tracked by Lightning Pose."""

    format = lightningpose.FORMAT


class SleapInterface(FormatInterface):
    """Body parts tracked by SLEAP."""

    format = sleap.FORMAT


class VideoInterface(FormatInterface):
    """Videos, kept as files beside the NWB file."""

    format = video.FORMAT
