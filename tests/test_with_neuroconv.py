"""The guide for users of NeuroConv runs as it stands, and says rightly which interfaces there are."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from pynwb import read_nwb, validate

from bergmann import neuroconv_interfaces as interfaces
from bergmann.errors import SourceError
from bergmann.neuroconv_interfaces import FormatInterface
from bergmann.plan.references import ref_fields
from bergmann.records import LightPulses, Pose, Record, Video

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "with_neuroconv"
PAGE = (EXAMPLE / "README.md").read_text(encoding="utf-8")

CANNOT: dict[type[Record], str] = {
    LightPulses: "in Zarr, the columns that refer to the sites cannot be read back (hdmf-zarr 0.13); use HDF5",
    Pose: "the link to its video, unless that is in the same converter",
    Video: "the file's place: put the video beside the NWB file",
}
"""What of a record NeuroConv cannot express; each has a test in ``test_neuroconv_interfaces.py``."""


def row(made: type[FormatInterface]) -> str:
    inline = ", ".join(f"`{name}`" for name in ref_fields(made.format.source)) or "-"
    return f"| `{made.__name__}` | {made.format.label} | {inline} | {CANNOT.get(made.format.record, '-')} |"


def expected_table() -> list[str]:
    """The table of the guide, as the code has it."""
    return [row(getattr(interfaces, name)) for name in sorted(interfaces.__all__) if name != "FormatInterface"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example's folder in which the commands of its page were run."""
    folder = tmp_path_factory.mktemp("guide") / "with_neuroconv"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", "rig", "*.nwb"))
    (commands,) = re.findall(r"^```bash\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    scripts = re.findall(r"^python (\S+\.py)", commands, re.MULTILINE)
    assert scripts == ["make_files.py", "convert.py"]
    for script in scripts:
        done = subprocess.run(
            [sys.executable, script], cwd=folder, env=os.environ.copy(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> object:
    """What the simulation of the example was set to."""
    return runpy.run_path(str(EXAMPLE / "make_files.py"))["main"](tmp_path_factory.mktemp("truth"))


def test_the_file_is_valid_and_needs_pynwb_alone(ran: Path, read_clean: object) -> None:
    errors, objects = read_clean(ran / "session.nwb")  # type: ignore[operator]
    assert errors == []
    assert {"TwoPhotonSeries", "PlaneSegmentation", "OptogeneticPulsesTable", "SpatialSeries"} <= set(objects.values())
    assert validate(path=str(ran / "session.nwb")) == []


def test_all_five_are_on_the_clock_of_the_daq(ran: Path, truth: object) -> None:
    nwbfile = read_nwb(ran / "session.nwb")
    movie = nwbfile.acquisition["movie_ch1"]
    first = movie.timestamps[0] if movie.timestamps is not None else movie.starting_time
    assert first == pytest.approx(truth.frame_times[0], abs=1e-3)  # type: ignore[attr-defined]
    trace = nwbfile.processing["ophys"]["Fluorescence"]["rois_raw"]
    assert (trace.timestamps[0] if trace.timestamps is not None else trace.starting_time) == pytest.approx(first, abs=1e-9)
    ball = nwbfile.processing["behavior"]["FicTrac"]["SpatialSeriesAnimalHeading"]
    stamps = ball.timestamps[:] if ball.timestamps is not None else ball.starting_time + np.arange(len(ball.data)) / ball.rate
    np.testing.assert_allclose(stamps, truth.camera_times, atol=1e-3)  # type: ignore[attr-defined]
    light = nwbfile.intervals["light_pulses"]["start_time"][:]
    np.testing.assert_allclose(light, truth.pulse_times, atol=1e-3)  # type: ignore[attr-defined]
    nwbfile.read_io.close()


def test_what_is_in_it_is_what_the_files_say(ran: Path) -> None:
    nwbfile = read_nwb(ran / "session.nwb")
    pages = [tifffile.imread(path) for path in sorted((ran / "rig" / "2p").glob("*.tif"))]
    frames = np.concatenate([one.reshape(-1, 2, *one.shape[-2:])[:, 0] for one in pages])
    np.testing.assert_array_equal(nwbfile.acquisition["movie_ch1"].data[:], frames.transpose(0, 2, 1))
    heading = np.loadtxt(ran / "rig" / "ball.dat", delimiter=",")[:, 16]
    found = nwbfile.processing["behavior"]["FicTrac"]["SpatialSeriesAnimalHeading"].data[:].ravel()
    np.testing.assert_allclose(found, heading, atol=1e-6)
    nwbfile.read_io.close()


def test_the_python_of_the_page_runs(ran: Path) -> None:
    read_back, own = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    code = f"{read_back}\nnwbfile.read_io.close()\n{own}\nprint(RigInterface.display_name)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ran, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *times, name = done.stdout.splitlines()
    assert [line.partition(":")[0] for line in times] == [
        "first frame of the movie",
        "first frame of the ball",
        "first light pulse",
    ]
    assert all(float(line.partition(":")[2]) > 0 for line in times)
    assert name == "WaveSurfer HDF5"


def test_a_line_that_ticks_for_something_else_is_refused(ran: Path) -> None:
    example = runpy.run_path(str(ran / "convert.py"))
    daq, movie = (
        interfaces.WaveSurferInterface(path=ran / example["DAQ"]["path"], metadata_key="daq"),
        interfaces.ScanImageInterface(path=ran / example["MOVIE"]["path"], metadata_key="movie"),
    )
    with pytest.raises(SourceError, match=r"movie: 256 frames, but 1 pulse on daq/ShockTTL; expected one pulse a frame"):
        movie.align_to_line(daq, "ShockTTL")
    with pytest.raises(SourceError, match="movie: is no recording, so it has no line"):
        movie.align_to_line(movie, "FrameClock")
    assert movie.align_to_line(daq, "FrameClock").n_pulses == 256


def test_the_table_is_that_of_the_code() -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert lines == expected_table(), "\n".join(["write this into the guide:", *expected_table()])
