"""Small NWB files for the tests of checks, made by pynwb alone."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

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


def add_light_of_all_kinds(nwbfile: Any, **changed: Any) -> None:
    """Two trains of five pulses (10 ms every 50 ms, 10 mW, 473 nm), told by a series, a table of pulses and a table of epochs.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
    **changed
        ``onsets``, ``durations``, ``power`` (mW) and ``wavelength`` of the pulses; ``series`` (times and watts), ``site`` (fields
        of the core site), ``epochs`` (fields of the first epoch), ``opsin``.
    """
    from ndx_ophys_devices import Effector
    from ndx_optogenetics import (
        OptogeneticEffectors,
        OptogeneticEpochsTable,
        OptogeneticExperimentMetadata,
        OptogeneticPulsesTable,
        OptogeneticSitesTable,
    )
    from pynwb.ogen import OptogeneticSeries, OptogeneticStimulusSite

    regular = np.concatenate([1 + 0.05 * np.arange(5), 3 + 0.05 * np.arange(5)])
    onsets = np.asarray(changed.get("onsets", regular))
    ends = onsets + np.asarray(changed.get("durations", 0.01))
    power = np.broadcast_to(np.asarray(changed.get("power", 10.0)), onsets.shape)
    edges = np.column_stack([regular, regular, regular + 0.01, regular + 0.01]).ravel()
    times, watts = changed.get("series", (edges, np.tile([0.0, 0.01, 0.01, 0.0], len(regular))))
    fields = {"description": "site", "excitation_lambda": 473.0, "location": "cerebellum", **changed.get("site", {})}
    site = OptogeneticStimulusSite(name="site", device=nwbfile.create_device(name="laser"), **fields)
    nwbfile.add_ogen_site(site)
    if len(times):
        nwbfile.add_stimulus(OptogeneticSeries(name="light", site=site, data=watts, timestamps=times, description="light"))
    opsin = Effector(name="opsin", label=changed.get("opsin", "ChR2"))
    sites = OptogeneticSitesTable(description="sites")
    sites.add_column(name="site", description="name")
    sites.add_row(effector=opsin, site="site")
    effectors = OptogeneticEffectors(effectors=[opsin])
    nwbfile.add_lab_meta_data(
        OptogeneticExperimentMetadata(stimulation_software="none", optogenetic_sites_table=sites, optogenetic_effectors=effectors)
    )
    pulses = OptogeneticPulsesTable(name="light_pulses", description="pulses", target_tables={"optogenetic_sites": sites})
    for start, stop, one in zip(onsets, ends, power, strict=True):
        wavelength = changed.get("wavelength", 473.0)
        pulses.add_row(start_time=start, stop_time=stop, power_in_mW=one, wavelength_in_nm=wavelength, optogenetic_sites=[0])
    epochs = OptogeneticEpochsTable(name="optogenetic_epochs", description="epochs", target_tables={"optogenetic_sites": sites})
    for row, start in enumerate((1.0, 3.0)):
        known = {
            "start_time": start,
            "stop_time": start + 0.21,
            "stimulation_on": True,
            "pulse_length_in_ms": 10.0,
            "period_in_ms": 50.0,
            "number_pulses_per_pulse_train": 5,
            "number_trains": 1,
            "intertrain_interval_in_ms": np.nan,
            "power_in_mW": 10.0,
            "wavelength_in_nm": 473.0,
            "optogenetic_sites": [changed.get("row", 0)],
        }
        epochs.add_row(**{**known, **(changed.get("epochs", {}) if row == 0 else {})})
    nwbfile.add_time_intervals(pulses)
    nwbfile.add_time_intervals(epochs)


def add_movie(nwbfile: Any, frames: Any, *, rate: float = 10.0, **changed: Any) -> Any:
    """A two-photon movie of one plane; the series ``movie`` in the acquisition.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
    frames : np.ndarray, shape (n_frames, width, height)
    rate : float
        In hertz.
    **changed
        ``plane`` (fields of the plane), ``emission`` (nm), ``series`` (fields of the series).
    """
    from pynwb.ophys import OpticalChannel, TwoPhotonSeries

    plane = {
        "description": "plane",
        "excitation_lambda": 920.0,
        "indicator": "GCaMP6f",
        "location": "cerebellum",
        "imaging_rate": rate,
        "grid_spacing": [1e-6, 1e-6],
        "grid_spacing_unit": "meters",
    }
    made = nwbfile.create_imaging_plane(
        name="plane",
        optical_channel=OpticalChannel(name="green", description="green", emission_lambda=changed.get("emission", 510.0)),
        device=nwbfile.create_device(name="microscope"),
        **{**plane, **changed.get("plane", {})},
    )
    times = {"rate": rate, "starting_time": 0.0}
    movie = TwoPhotonSeries(name="movie", data=frames, imaging_plane=made, unit="a.u.", **changed.get("series", times))
    nwbfile.add_acquisition(movie)
    return movie


def cells_movie(n_frames: int = 60, width: int = 24, height: int = 16) -> Any:
    """Frames of four bright cells that flicker, each by itself, in noise; and the masks: (x, y) of each cell's pixels.

    Returns
    -------
    frames : np.ndarray, shape (n_frames, width, height), int16
    masks : list of (np.ndarray, np.ndarray)
    """
    noise = np.random.default_rng(7)
    frames = noise.poisson(40, (n_frames, width, height)).astype(np.int16)
    masks = []
    for left, top in ((2, 2), (9, 4), (15, 11), (19, 3)):
        x, y = (axis.ravel() for axis in np.mgrid[left : left + 3, top : top + 3])
        frames[:, x, y] += noise.integers(100, 400, n_frames).astype(np.int16)[:, None]
        masks.append((x, y))
    return frames, masks


def add_rois(nwbfile: Any, movie: Any, masks: Any, *, traces: Any = None, weight: float = 1.0, **columns: Any) -> Any:
    """A PlaneSegmentation ``rois`` of the movie's plane, and its traces ``raw``: those of the pixels, if none are given."""
    from pynwb.ophys import Fluorescence, ImageSegmentation

    ophys = nwbfile.create_processing_module(name="ophys", description="ophys")
    segmentation = ImageSegmentation()
    ophys.add(segmentation)
    rois = segmentation.create_plane_segmentation(name="rois", description="rois", imaging_plane=movie.imaging_plane)
    for x, y in masks:
        rois.add_roi(pixel_mask=[(one, other, weight) for one, other in zip(x, y, strict=True)])
    for name, values in columns.items():
        rois.add_column(name=name, description=name, data=values)
    if traces is None:
        traces = np.stack([movie.data[:, x, y].mean(axis=1) for x, y in masks], axis=1)
    fluorescence = Fluorescence()
    ophys.add(fluorescence)
    region = rois.create_roi_table_region(region=list(range(len(masks))), description="all")
    fluorescence.create_roi_response_series(
        name="raw", data=np.asarray(traces, dtype=np.float64), rois=region, unit="a.u.", rate=10.0, starting_time=0.0
    )
    return rois


def write(nwbfile: Any, folder: Path) -> Path:
    """Write a file with pynwb alone."""
    from pynwb import NWBHDF5IO

    path = folder / "file.nwb"
    with NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)
    return path


def check_file(nwbfile: Any, folder: Path) -> list[Finding]:
    """What our checks find in a file once it is written and read again."""
    return check_written(write(nwbfile, folder))


def check_written(path: Path) -> list[Finding]:
    """What our checks find in a file, but for namespaces that pynwb cached because another test had imported them."""
    from pynwb import NWBHDF5IO

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pynwb doubts some of these files, too
        with NWBHDF5IO(path, "r") as io:
            found = list(run_checks(Reading(io.read(), path.name)))
    return [one for one in found if one.check != "structure_namespaces"]
