"""Folders to upload: whole NWB files under the paths that DANDI wants."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np


def write_nwb(path: Path, subject: str, session: str, size: int) -> None:
    """Write an NWB file that DANDI accepts, of somewhat more than `size` bytes, which are random: no two files are alike."""
    from pynwb import NWBHDF5IO, NWBFile, TimeSeries
    from pynwb.file import Subject

    nwbfile = NWBFile(
        experimenter=["Kim, Jane"],
        institution="A lab",
        session_description="bytes to upload",
        identifier=f"{subject}-{session}-{os.urandom(8).hex()}",
        session_start_time=datetime(2024, 5, 17, 10, 30, 57, tzinfo=UTC),
        session_id=session,
    )
    nwbfile.subject = Subject(subject_id=subject, species="Mus musculus", sex="F", age="P70D")
    noise = np.frombuffer(os.urandom(size), np.uint8)
    nwbfile.add_acquisition(TimeSeries(name="noise", data=noise, rate=1000.0, unit="a.u."))
    path.parent.mkdir(parents=True, exist_ok=True)
    with NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)


def state_dandiset(folder: Path, dandiset: str) -> None:
    """Say in a folder, as the dandi client reads it, which dandiset it is."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dandiset.yaml").write_text(f"identifier: DANDI:{dandiset}\nname: a test of bergmann\n", encoding="utf-8")


def nwb_path(subject: str, session: str) -> str:
    return f"sub-{subject}/sub-{subject}_ses-{session}.nwb"
