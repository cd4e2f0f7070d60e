"""Small dandisets for the tests of publishing, made by pynwb alone: as others write them, without a record of bergmann."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

START = datetime(2024, 5, 17, 10, 30, 57, tzinfo=UTC)

DANDISET = """\
dandiset:
  name: Noradrenaline in Bergmann glia
  description: Two-photon imaging of Bergmann glia.
  license: CC-BY-4.0
  contributors:
    "Kim, Jane": {orcid: 0000-0002-1825-0097, email: jane.kim@dandiarchive.org, roles: [author, contact person]}
    "Park, Min": {roles: [data collector]}
  funding:
    National Institutes of Health: {awards: R01NS000000}
  keywords: [astrocyte, pain]
"""


def make_session(subject: str = "m1", session: str = "base", **more: Any) -> Any:
    """A session with ten samples at 10 Hz, and keywords."""
    from pynwb import NWBFile, TimeSeries
    from pynwb.file import Subject

    known = {"species": "Mus musculus", "sex": "F", "age": "P11W", "description": "mouse"}
    fields = {
        "session_description": "session",
        "identifier": str(uuid4()),
        "session_start_time": START,
        "session_id": session,
        "keywords": ["astrocyte"],
        "experimenter": ["Kim, Jane"],
        "institution": "A lab",
    }
    nwbfile = NWBFile(**{**fields, **more}, subject=Subject(subject_id=subject, **known))
    nwbfile.add_acquisition(
        TimeSeries(name="signal", description="signal", data=np.arange(10.0), unit="V", rate=10.0, starting_time=0.0)
    )
    return nwbfile


def add_video(nwbfile: Any, written: str) -> None:
    """A video that the file names and does not hold."""
    from pynwb.image import ImageSeries

    nwbfile.add_acquisition(
        ImageSeries(
            name="video",
            description="a camera",
            unit="n.a.",
            format="external",
            external_file=[written],
            starting_frame=[0],
            timestamps=np.arange(5) / 10,
        )
    )


def write(nwbfile: Any, path: Path) -> Path:
    """Write a file with pynwb alone, under any name."""
    from pynwb import NWBHDF5IO

    path.parent.mkdir(parents=True, exist_ok=True)
    with NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)
    return path


def make_dandiset(folder: Path) -> Path:
    """A folder with two sessions of one mouse, the second with a video beside it."""
    folder.mkdir(parents=True)
    (folder / "dandiset.yaml").write_text("identifier: REQUIRED\nname: REQUIRED\ndescription: REQUIRED\n", encoding="utf-8")
    write(make_session(), folder / "sub-m1" / "sub-m1_ses-base.nwb")
    second = make_session(session="pod7")
    add_video(second, "sub-m1_ses-pod7_image/camera.mp4")
    write(second, folder / "sub-m1" / "sub-m1_ses-pod7_image.nwb")
    video = folder / "sub-m1" / "sub-m1_ses-pod7_image" / "camera.mp4"
    video.parent.mkdir()
    video.write_bytes(b"no real video, but its bytes travel " * 10)
    return folder
