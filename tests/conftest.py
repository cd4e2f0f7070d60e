"""Shared by all rooms: where the real files are, and how an entry is handed to a writer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def real() -> Callable[[str], Path]:
    """Give the path of a real file of ``../shared/data``; the test skips where that folder is absent."""

    def find(name: str) -> Path:
        path = DATA / name
        if not path.exists():
            pytest.skip(f"needs the real file ../shared/data/{name}, which is absent here")
        return path

    return find


@pytest.fixture
def nwbfile() -> Any:
    """An empty NWB file object that started 2024-05-17 10:30:57 UTC."""
    from pynwb import NWBFile

    return NWBFile(
        session_description="test",
        identifier="test",
        session_start_time=datetime(2024, 5, 17, 10, 30, 57, tzinfo=UTC),
        session_id="test",
    )


_CLEAN = """
import json, sys, warnings

class Refuse:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top.startswith("ndx_") or top in {"bergmann", "neuroconv", "dandi", "nwbinspector"}:
            raise ModuleNotFoundError(f"{name} is not installed in a clean environment")
        return None

sys.meta_path.insert(0, Refuse())
warnings.simplefilter("error")
from pynwb import NWBHDF5IO, validate

errors = [str(error) for error in validate(path=sys.argv[1])]
def kind(child):
    made = type(child)
    return made.__name__ if made.__module__.startswith("hdmf.common.") else child.neurodata_type

with NWBHDF5IO(sys.argv[1], "r") as io:
    objects = {child.object_id: kind(child) for child in io.read().all_children()}
print(json.dumps([errors, objects]))
"""


@pytest.fixture
def read_clean() -> Callable[[Path], tuple[list[str], dict[str, str]]]:
    """Read an NWB file in a process that has pynwb alone: its validation errors, and each object's type by object_id."""

    def read(path: Path) -> tuple[list[str], dict[str, str]]:
        done = subprocess.run([sys.executable, "-c", _CLEAN, str(path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        errors, objects = json.loads(done.stdout.splitlines()[-1])
        return errors, objects

    return read


@pytest.fixture(scope="session")
def converted_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of ``bergmann demo``, made once a test run by the command itself; its JSON stands beside it.

    Tests that run in several processes share it: the first one makes it, the others wait.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, answer = shared / "converted-demo", shared / "converted-demo.json"
    try:
        (shared / "converted-demo.lock").mkdir()
    except FileExistsError:
        until = time.monotonic() + 600
        while not answer.exists():
            assert time.monotonic() < until, "the other process never made the demo"
            time.sleep(0.2)
        return folder
    done = subprocess.run(
        [sys.executable, "-m", "bergmann", "demo", str(folder), "--json"], capture_output=True, text=True, check=False
    )
    partial = answer.with_suffix(".partial")
    partial.write_text(json.dumps([done.returncode, done.stdout, done.stderr]), encoding="utf-8")
    partial.replace(answer)
    return folder
