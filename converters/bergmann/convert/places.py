"""Where in its files each format finds what is not stated: key of the format, then field of the record or of its parts.

``*`` stands for every field that is not named. Sources: the reader of each format, which names its own.
"""

from __future__ import annotations

from collections.abc import Mapping

PLACES: Mapping[str, Mapping[str, str]] = {
    "scanimage": {
        "rate": "SI.hRoiManager.scanFrameRate (SI.4, SI.5: scanFrameRate) and the time of each frame",
        "start": "epoch of the first frame",
        "pixel_size": "SI.hRoiManager.imagingFovUm or SI.objectiveResolution",
        "size": "ImageWidth and ImageLength of the pages",
        "*": "header of the first page (SI.*)",
    },
    "bruker": {
        "rate": "absoluteTime of each Frame",
        "start": "date of PVScan and time of the first Sequence",
        "pixel_size": "micronsPerPixel of PVStateShard",
        "size": "ImageWidth and ImageLength of the pages",
        "*": "PVScan and PVStateShard of the XML file",
    },
    "tiff": {"pixel_size": "ImageJ or OME description", "size": "tags of the pages", "*": "tags of the first page"},
    "suite2p": {"*": "stat.npy, iscell.npy, ops.npy"},
    "caiman": {"*": "estimates and params of the results file"},
    "aqua": {"*": "res of the results file, or the rows of the feature table"},
    "aqua2": {"*": "res of the results file, or the rows of the feature table"},
    "glial_events": {"*": "columns of the table"},
    "spikes": {"*": "columns of the table, or arrays of the file"},
    "wavesurfer": {
        "rate": "header/AcquisitionSampleRate (or header/Acquisition/SampleRate)",
        "start": "header/ClockAtRunStart",
        "unit": "header/AIChannelUnits; volts of the terminal where it states none; n.a. for digital lines",
        "conversion": "header/AIScalingCoefficients and header/AIChannelScales",
        "offset": "header/AIScalingCoefficients and header/AIChannelScales",
        "name": "header/AIChannelNames, header/DIChannelNames",
        "notes": "header/VersionString",
        "*": "header",
    },
    "abf": {
        "rate": "fADCSequenceInterval of the protocol section (ABF 1: fADCSampleInterval)",
        "start": "uFileStartDate and uFileStartTimeMS of the header (ABF 1: lFileStartDate, lFileStartTime)",
        "unit": "units of the ADC section",
        "conversion": "gains and ranges of the ADC and protocol sections",
        "offset": "offsets of the ADC section",
        "name": "names of the ADC section",
        "tags": "tag section",
        "*": "header",
    },
    "tdms": {
        "rate": "wf_increment of the channels",
        "start": "wf_start_time of the channels",
        "unit": "unit_string of the channel",
        "conversion": "NI_Scale[n]_* of the channel",
        "offset": "NI_Scale[n]_* of the channel",
        "*": "properties of the file, its groups and channels",
    },
    "labchart": {
        "*": "header lines of the text (Interval, ExcelDateTime, ChannelTitle, UnitName, Range)",
        "tags": "comments of the rows",
    },
    "intan": {"*": "header of the .rhd or .rhs file"},
    "openephys": {"*": "structure.oebin of the recording"},
    "spike2": {"*": "header and channel headers of the .smr file"},
    "tdt": {"*": "records of the .tsq file"},
    "bpod": {"*": "SessionData of the file"},
    "pulsepal": {"*": "settings and triggers that are stated"},
    "pyphotometry": {"*": "JSON header of the file"},
    "signal_hdf5": {"*": "datasets and attributes of the file"},
    "signal_numpy": {"*": "the array"},
    "signal_table": {"*": "columns of the table"},
    "channel": {"*": "pulses recorded on the channel"},
    "abf_protocol": {"*": "epochs of the protocol"},
    "bruker_markpoints": {"*": "MarkPoints of the XML file"},
    "bruker_voltage_output": {"*": "waveforms of the VoltageOutput XML file"},
    "pulse_table": {"*": "columns of the table"},
    "deeplabcut": {"*": "header rows of the table (scorer, bodyparts) and its metadata"},
    "lightningpose": {"*": "header rows of the table"},
    "sleap": {"*": "skeletons and provenance of the file"},
    "boris": {"*": "observations of the project, or rows of the export"},
    "assay": {"*": "columns of the table"},
    "intervals": {"*": "columns of the table"},
    "encoder": {"*": "columns of the log"},
    "video": {"size": "width and height of the video stream", "rate": "frame times of the container", "*": "the container"},
}


def place_in(key: str, field: str) -> str:
    """Where a format finds a field; empty for a format that does not say it."""
    known = PLACES.get(key, {})
    return known.get(field, known.get("*", ""))
