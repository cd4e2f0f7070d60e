"""One NWB file from interfaces of bergmann and of NeuroConv, on the clock of the DAQ: ``python convert.py`` writes session.nwb."""

from __future__ import annotations

from pathlib import Path

from neuroconv import NWBConverter
from neuroconv.datainterfaces import FicTracDataInterface

from bergmann.neuroconv_interfaces import ChannelLightInterface, ScanImageInterface, Suite2pInterface, WaveSurferInterface
from bergmann.pulses import recorded_pulses
from bergmann.writing.namespaces import use_one_namespace

RIG = Path("rig")
MOVIE = {"path": RIG / "2p" / "bg042_00001_*.tif"}
DAQ = {"path": RIG / "daq" / "bg042_0001.h5"}

SOURCES = {
    "Daq": {**DAQ, "metadata_key": "daq"},
    "Movie": {**MOVIE, "metadata_key": "movie"},
    "Rois": {"path": RIG / "suite2p", "of": {"format": "scanimage", **MOVIE}, "metadata_key": "rois"},
    "Light": {"of": {"format": "wavesurfer", **DAQ, "part": "LaserCmd"}, "threshold": "0.5 V", "metadata_key": "light"},
    "Ball": {"file_path": str(RIG / "ball.dat")},
}

STATED = {  # what no file says
    "devices": {"scope": {"description": "two-photon microscope"}, "laser": {"wavelength": "473 nm"}},
    "planes": {
        "bg_plane": {
            "device": "scope",
            "location": "CUL4, 5",
            "excitation": "920 nm",
            "channels": {"1": {"label": "GCaMP6f", "emission": "525 nm"}, "2": {"label": "mCherry", "emission": "610 nm"}},
        }
    },
    "light_sites": {"lc_terminals": {"location": "CUL4, 5", "effector": "ChR2", "laser": "laser"}},
    "sources": {"movie": {"plane": "bg_plane"}, "light": {"site": "lc_terminals", "power": "5 mW"}},
}


class Session(NWBConverter):
    """A movie with its ROIs, light, and a running ball."""

    data_interface_classes = {  # noqa: RUF012  as NeuroConv has it
        "Daq": WaveSurferInterface,
        "Movie": ScanImageInterface,
        "Rois": Suite2pInterface,
        "Light": ChannelLightInterface,
        "Ball": FicTracDataInterface,
    }

    def temporally_align_data_interfaces(self, *_: object, **__: object) -> None:
        """Put everything on the clock of the DAQ, whose recording starts the session."""
        daq, movie, rois, ball = (self.data_interface_objects[name] for name in ("Daq", "Movie", "Rois", "Ball"))
        fit = movie.align_to_line(daq, "FrameClock")  # refused if there is not one pulse a frame
        rois.set_aligned_clock(fit)
        exposures = recorded_pulses(daq.record, "CamTTL").times.seconds
        if len(exposures) != len(ball.get_original_timestamps()):
            raise ValueError(f"{len(exposures)} pulses on CamTTL for {len(ball.get_original_timestamps())} frames of the ball")
        ball.set_aligned_timestamps(exposures)  # each frame at its pulse: the computer's own stamps jitter


def main(target: Path = Path("session.nwb")) -> None:
    """Convert."""
    session = Session(SOURCES)
    metadata = session.get_metadata()
    metadata["NWBFile"] |= {
        "session_id": "with-neuroconv",
        "session_description": "Bergmann glia and light on a running mouse; simulated.",
        "session_start_time": "2024-05-17T10:30:57+09:00",
    }
    metadata["Subject"] = {"subject_id": "BG042", "species": "Mus musculus", "sex": "F", "age": "P11W"}
    metadata["Bergmann"] = STATED
    session.run_conversion(nwbfile_path=str(target), metadata=metadata, overwrite=True)
    use_one_namespace(target)  # so that the file is valid, and needs no extension that it does not use


if __name__ == "__main__":
    main()
