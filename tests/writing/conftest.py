"""Sessions to write: small, and with everything that has to survive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from bergmann.writing import Streams


@dataclass
class Made:
    """An NWB file object with what its writer needs."""

    nwbfile: Any
    streams: Streams = field(default_factory=Streams)
    externals: list[tuple[Any, tuple[Path, ...]]] = field(default_factory=list)


def make_session(subject_id: str = "BG042", session_id: str = "sni-pod7", frames: Any = None) -> Made:
    """A session with a subject and, if `frames` are given, a movie of them."""
    from pynwb import NWBFile
    from pynwb.file import Subject
    from pynwb.ophys import OpticalChannel, TwoPhotonSeries

    nwbfile = NWBFile(
        session_description="test",
        identifier=str(uuid4()),
        session_start_time=datetime(2024, 5, 17, 10, 30, 57, tzinfo=UTC),
        session_id=session_id,
        subject=Subject(subject_id=subject_id, species="Mus musculus", sex="F", age="P11W", description="test"),
    )
    made = Made(nwbfile)
    if frames is not None:
        device = nwbfile.create_device(name="microscope")
        channel = OpticalChannel(name="green", description="green", emission_lambda=520.0)
        plane = nwbfile.create_imaging_plane(
            name="plane",
            optical_channel=channel,
            description="plane",
            device=device,
            excitation_lambda=920.0,
            indicator="GCaMP6f",
            location="CUL4, 5",
        )
        data = made.streams(frames)
        nwbfile.add_acquisition(TwoPhotonSeries(name="movie", data=data, imaging_plane=plane, rate=30.0, unit="n.a."))
    return made


def add_video(made: Made, folder: Path, name: str = "paw cam.AVI", content: bytes = b"RIFF....AVI ") -> Path:
    """Give the session a video beside it."""
    from pynwb.image import ImageSeries

    video = folder / name
    video.write_bytes(content)
    series = ImageSeries(
        name=video.stem.replace(" ", "_"),
        description="paw",
        external_file=[video.name],
        format="external",
        rate=30.0,
        unit="n.a.",
        starting_frame=[0],
        num_samples=3,
    )
    made.nwbfile.add_acquisition(series)
    made.externals.append((series, (video,)))
    return video


def add_light(made: Made) -> None:
    """A core stimulus site whose device is another extension's: the mixture that makes pynwb refuse a file."""
    from ndx_optogenetics import ExcitationSource
    from pynwb.ogen import OptogeneticSeries, OptogeneticStimulusSite

    laser = ExcitationSource(name="laser")
    made.nwbfile.add_device(laser)
    site = OptogeneticStimulusSite(name="site", device=laser, description="LC", excitation_lambda=473.0, location="LC")
    made.nwbfile.add_ogen_site(site)
    light = OptogeneticSeries(
        name="light",
        data=np.array([0.0, 0.005, 0.005, 0.0]),
        site=site,
        timestamps=np.array([1.0, 1.0, 1.5, 1.5]),
        description="light",
    )
    made.nwbfile.add_stimulus(light)


def add_record(made: Made) -> None:
    """A record of the conversion, and an external resource for the place that the light goes to."""
    from hdmf.common import HERD

    from ndx_bergmann import Clock, SourceFile, make_conversion_record

    source = SourceFile("movie", "scanimage", "2p/a.tif", 100, "ab" * 32)
    clock = Clock("movie", "daq/FrameClock", "fit", 0.25)
    record = make_conversion_record(software="bergmann 0.1.0", source_files=[source], clocks=[clock])
    made.nwbfile.add_lab_meta_data(record)
    resources = HERD()
    site = made.nwbfile.ogen_sites["site"]
    resources.add_ref(container=site, key="LC", entity_id="MBA:147", entity_uri="https://example.org/147")
    made.nwbfile.external_resources = resources


@pytest.fixture
def session() -> Callable[..., Made]:
    """Make a session: subject_id, session_id, frames."""
    return make_session
