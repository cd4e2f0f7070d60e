"""Second readers: for each format another way to its values than the converter's own, declared in one place.

A format that is not here is read a second time by its own reader, in a process of its own; the proof says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from bergmann.proof.said import Said


class NotReadError(Exception):
    """A second reader does not know such a file; the message says why. Never leaves the proof."""


@dataclass(frozen=True)
class SecondReader:
    """Another way to the values of a format.

    Attributes
    ----------
    by : str
        What reads, for a person: ``"tifffile"``.
    module : str
        In `bergmann.proof.readers`, imported when it is used.
    function : str
        Called with the entry of the source and what was read of other sources; gives a `Said`.
    """

    by: str
    module: str
    function: str

    def read(self, entry: Any, known: Mapping[str, Said]) -> Said:
        """What the files say.

        Raises
        ------
        NotReadError
            If it does not know such a file.
        """
        function: Callable[[Any, Mapping[str, Said]], Said] = getattr(
            import_module(f"bergmann.proof.readers.{self.module}"), self.function
        )
        return function(entry, known)


READERS: Mapping[tuple[str, str], SecondReader] = {
    ("scanimage", "Movie"): SecondReader("tifffile", "movies", "read_scanimage"),
    ("tiff", "Movie"): SecondReader("tifffile", "movies", "read_tiff"),
    ("bruker", "Movie"): SecondReader("tifffile and xml.etree", "movies", "read_bruker"),
    ("wavesurfer", "Recording"): SecondReader("h5py", "recordings", "read_wavesurfer"),
    ("abf", "Recording"): SecondReader("neo", "recordings", "read_abf"),
    ("tdms", "Recording"): SecondReader("npTDMS", "given", "read_tdms"),
    ("pyphotometry", "Recording"): SecondReader("json and numpy", "given", "read_pyphotometry"),
    ("signal_table", "Recording"): SecondReader("csv", "given", "read_signal_table"),
    ("signal_numpy", "Recording"): SecondReader("numpy", "given", "read_signal_numpy"),
    ("labchart", "Recording"): SecondReader("text, line by line", "given", "read_labchart"),
    ("encoder", "Trace"): SecondReader("text, line by line", "given", "read_encoder"),
    ("spikes", "SpikeTimes"): SecondReader("numpy, or csv", "given", "read_spikes"),
    ("glial_events", "GlialEvents"): SecondReader("csv", "given", "read_glial_events"),
    ("aqua", "GlialEvents"): SecondReader("h5py or SciPy, or csv", "aqua", "read_aqua"),
    ("aqua2", "GlialEvents"): SecondReader("h5py or SciPy, or csv", "aqua", "read_aqua2"),
    ("pulse_table", "LightPulses"): SecondReader("csv", "given", "read_pulse_table"),
    ("sleap", "Pose"): SecondReader("h5py", "poses", "read_sleap"),
    ("channel", "LightPulses"): SecondReader("numpy, on the second reading of the recording", "pulses", "read_light"),
    ("channel", "Events"): SecondReader("numpy, on the second reading of the recording", "pulses", "read_events"),
    ("suite2p", "Segmentation"): SecondReader("numpy", "regions", "read_suite2p"),
    ("caiman", "Segmentation"): SecondReader("h5py and scipy", "regions", "read_caiman"),
    ("deeplabcut", "Pose"): SecondReader("csv, or pandas", "poses", "read_deeplabcut"),
    ("lightningpose", "Pose"): SecondReader("csv", "poses", "read_lightning_pose"),
    ("boris", "Events"): SecondReader("json", "scored", "read_boris"),
    ("assay", "Scores"): SecondReader("csv", "scored", "read_assay"),
    ("intervals", "Intervals"): SecondReader("csv", "scored", "read_intervals"),
    ("video", "Video"): SecondReader("bytes of the file", "pictures", "read_video"),
}
"""By key of the format and name of its record."""


def second_reader(entry: Any) -> SecondReader | None:
    """The second reader of a source; None where its own reader must read again."""
    if entry.format.module is not None:
        return None
    return READERS.get((entry.format.key, entry.format.record.__name__))
