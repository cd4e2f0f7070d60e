"""A small session, converted once, and its copies."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "damages"))
sys.path.insert(0, str(Path(__file__).parent))


@dataclass(frozen=True)
class Proved:
    """A rig folder, its session file, and the NWB file that was made of it."""

    session: Path
    file: Path


@pytest.fixture(scope="session")
def proved(tmp_path_factory: pytest.TempPathFactory) -> Proved:
    """A session of a movie, a recording, light, ROIs and a video, converted by the command line's own way."""
    from labs import make_lab

    from bergmann.convert import convert_session

    folder = tmp_path_factory.mktemp("proved")
    session = make_lab(folder / "rig").session("daq", "movie", "rois", "light", "paw_cam", "paw")
    done = convert_session(session, folder / "out")
    assert done.target is not None, [one.text for one in done.findings]
    return Proved(session, done.target)


@pytest.fixture
def copied(proved: Proved, tmp_path: Path) -> Callable[[], Path]:
    """Give a copy of the file, with its videos."""

    def copy() -> Path:
        shutil.copytree(proved.file.with_suffix(""), tmp_path / proved.file.stem, dirs_exist_ok=True)
        return Path(shutil.copy(proved.file, tmp_path / proved.file.name))

    return copy
