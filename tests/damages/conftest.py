"""The modules of this folder are scripts, too, and import each other by their names."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> object:
    """A folder with a file of every format."""
    from labs import make_lab

    return make_lab(tmp_path_factory.mktemp("damaged") / "lab")


@pytest.fixture(scope="session")
def session_file(converted_demo: Path) -> Path:
    """An imaging session of the demo."""
    (file,) = (converted_demo / "dandiset" / "sub-BG042").glob("*ophys.nwb")
    return file
