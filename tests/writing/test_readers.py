"""What is written is read by programs that know nothing of us: PyTables, h5dump and h5ls, and h5py without plugins."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bergmann.writing import write

from .conftest import Made

MOVIE = "acquisition/movie/data"
SHAPE = (41, 300, 70)


@pytest.fixture(scope="module")
def frames() -> Any:
    return np.random.default_rng(1).integers(-300, 5000, SHAPE).astype("int16")


@pytest.fixture(params=["balanced", "frames", "traces", "streaming"])
def path(request: Any, session: Callable[..., Made], frames: Any, tmp_path: Path) -> Path:
    made = session()
    from pynwb import TimeSeries

    made.nwbfile.add_acquisition(TimeSeries(name="movie", data=frames, rate=30.0, unit="n.a."))
    return write(made.nwbfile, tmp_path / "a.nwb", chunking=request.param)


@pytest.mark.filterwarnings("ignore:Unsupported type for attribute '.specloc'")  # a reference, as pynwb writes in every file
def test_pytables(path: Path, frames: Any) -> None:
    tables = pytest.importorskip("tables", reason="PyTables is the extra `dlc-h5`")
    with tables.open_file(path) as file:
        np.testing.assert_array_equal(file.get_node(f"/{MOVIE}")[:], frames)


def test_h5py_without_plugins(path: Path, frames: Any, tmp_path: Path) -> None:
    code = (
        f"import h5py, numpy\nwith h5py.File({str(path)!r}) as file: numpy.save({str(tmp_path / 'a.npy')!r}, file[{MOVIE!r}][()])\n"
    )
    environment = {**os.environ, "HDF5_PLUGIN_PATH": "::"}  # HDF5's own word for: load none
    subprocess.run([sys.executable, "-I", "-c", code], check=True, env=environment)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), frames)


@pytest.mark.skipif(shutil.which("h5dump") is None, reason="h5dump (hdf5-tools) is not installed")
def test_h5dump(path: Path, frames: Any, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    done = subprocess.run(
        ["h5dump", "-d", f"/{MOVIE}", "-b", "LE", "-o", str(raw), "-p", str(path)], capture_output=True, text=True, check=True
    )
    assert "COMPRESSION DEFLATE { LEVEL 1 }" in done.stdout
    np.testing.assert_array_equal(np.fromfile(raw, "<i2").reshape(SHAPE), frames)


@pytest.mark.skipif(shutil.which("h5ls") is None, reason="h5ls (hdf5-tools) is not installed")
def test_h5ls(path: Path) -> None:
    done = subprocess.run(["h5ls", "-r", "-v", str(path)], capture_output=True, text=True, check=True)
    (entry,) = re.findall(rf"^/{MOVIE}\s+Dataset .*?(?=^/)", done.stdout, re.MULTILINE | re.DOTALL)
    assert "{41/41, 300/300, 70/70}" in entry
    assert re.search(r"Filter-0:\s+shuffle-2", entry)
    assert re.search(r"Filter-1:\s+deflate-1", entry)


def test_validators_find_nothing(path: Path) -> None:
    from bergmann.findings import has_errors
    from bergmann.validate import validate_paths

    assert not has_errors(validate_paths([path]))
