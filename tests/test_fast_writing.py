"""The guide to fast writing runs as it stands, and gives what NeuroConv gives."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from pynwb import validate

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "fast_writing"
PAGE = (EXAMPLE / "README.md").read_text(encoding="utf-8")

NEUROCONV = """
import runpy
from pathlib import Path
from neuroconv.datainterfaces import ScanImageImagingInterface
interface = ScanImageImagingInterface(file_paths=sorted(Path("rig/2p").glob("*.tif")), channel_name="Channel 1")
metadata = interface.get_metadata()
metadata["NWBFile"].update(session_start_time="2024-05-17T10:30:57+09:00", session_description="Simulated.")
interface.run_conversion(nwbfile_path="theirs.nwb", metadata=metadata)
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example's folder in which the commands of its page were run."""
    folder = tmp_path_factory.mktemp("guide") / "fast_writing"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", "rig", "*.nwb"))
    (commands,) = re.findall(r"^```bash\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    scripts = re.findall(r"^python (\S+\.py)", commands, re.MULTILINE)
    assert scripts == ["make_movie.py", "convert.py"]
    for words in (*([script] for script in scripts), ["-c", NEUROCONV]):
        done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return folder


def test_the_frames_are_those_that_neuroconv_writes(ran: Path) -> None:
    with h5py.File(ran / "session.nwb") as ours, h5py.File(ran / "theirs.nwb") as theirs:
        (name,) = theirs["acquisition"]
        assert list(ours["acquisition"]) == [name]
        mine, other = ours[f"acquisition/{name}/data"], theirs[f"acquisition/{name}/data"]
        assert (mine.shape, mine.dtype) == (other.shape, other.dtype) == ((256, 160, 128), np.int16)
        assert (mine.chunks, mine.shuffle) == ((122, 160, 128), True)
        np.testing.assert_array_equal(mine[()], other[()])
    assert validate(path=ran / "session.nwb") == []


def test_the_python_of_the_page_runs(ran: Path) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    done = subprocess.run([sys.executable, "-c", code], cwd=ran, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "(256, 160, 128) (122, 160, 128) gzip\n"


def test_the_page_shows_the_change_that_the_script_makes() -> None:
    script = (EXAMPLE / "convert.py").read_text(encoding="utf-8")
    (diff,) = re.findall(r"^```diff\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    for line in diff.splitlines():
        assert (f"# {line[1:]}" if line.startswith("-") else f"    {line[1:]}\n") in script
