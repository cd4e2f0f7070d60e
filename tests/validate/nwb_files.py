"""Small NWB files for the tests of checks, made by pynwb alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from bergmann.findings import Finding
from bergmann.validate.checking import run_checks
from bergmann.validate.reading import Reading


def make_nwbfile(**subject: Any) -> Any:
    """A session of one mouse, with nothing recorded yet."""
    from pynwb import NWBFile
    from pynwb.file import Subject

    known = {"subject_id": "m1", "species": "Mus musculus", "sex": "F", "age": "P11W", "description": "mouse"}
    return NWBFile(
        session_description="session",
        identifier=str(uuid4()),
        session_start_time=datetime(2024, 5, 17, 10, 30, 57, tzinfo=UTC),
        session_id="base",
        subject=Subject(**{**known, **subject}),
    )


def add_light(nwbfile: Any, *, watts: Sequence[float], wavelength: float = 473.0, rate: float = 1000.0) -> Any:
    """A laser at one site, as core NWB has it; the series ``light`` in the stimuli."""
    from pynwb.ogen import OptogeneticSeries, OptogeneticStimulusSite

    laser = nwbfile.create_device(name="laser")
    site = OptogeneticStimulusSite(
        name="site", description="right", device=laser, excitation_lambda=wavelength, location="spinal cord"
    )
    nwbfile.add_ogen_site(site)
    series = OptogeneticSeries(name="light", site=site, data=list(watts), rate=rate, starting_time=0.0, description="light")
    nwbfile.add_stimulus(series)
    return series


def add_movie(nwbfile: Any, frames: Any, *, rate: float = 10.0) -> Any:
    """A two-photon movie of one plane; the series ``movie`` in the acquisition.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
    frames : np.ndarray, shape (n_frames, width, height)
    rate : float
        In hertz.
    """
    from pynwb.ophys import OpticalChannel, TwoPhotonSeries

    plane = nwbfile.create_imaging_plane(
        name="plane",
        optical_channel=OpticalChannel(name="green", description="green", emission_lambda=510.0),
        description="plane",
        device=nwbfile.create_device(name="microscope"),
        excitation_lambda=920.0,
        indicator="GCaMP6f",
        location="cerebellum",
        imaging_rate=rate,
        grid_spacing=[1e-6, 1e-6],
        grid_spacing_unit="meters",
    )
    movie = TwoPhotonSeries(name="movie", data=frames, imaging_plane=plane, rate=rate, starting_time=0.0, unit="a.u.")
    nwbfile.add_acquisition(movie)
    return movie


def write(nwbfile: Any, folder: Path) -> Path:
    """Write a file with pynwb alone."""
    from pynwb import NWBHDF5IO

    path = folder / "file.nwb"
    with NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)
    return path


def check_file(nwbfile: Any, folder: Path) -> list[Finding]:
    """What our checks find in a file once it is written and read again."""
    from pynwb import NWBHDF5IO

    path = write(nwbfile, folder)
    with NWBHDF5IO(path, "r") as io:
        return list(run_checks(Reading(io.read(), path.name)))
