"""A folder of the simulated rig without its session files, and the files that its lab has written."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from bergmann.rig import simulate_demo

USES = ("lab.yaml", "arms/shrna.yaml", "BG042/BG042.yaml", "BG042/nerve-injury.yaml")


@dataclass(frozen=True)
class Rig:
    """A copy of the demo's folder.

    Attributes
    ----------
    folder : Path
        The animal's.
    by_hand : Path
        The session file that its lab has written, taken out of the folder.
    use : tuple of Path
        The lab's overlays.
    """

    folder: Path
    by_hand: Path
    use: tuple[Path, ...]


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    simulate_demo(folder)
    return folder


@pytest.fixture
def rig(demo_folder: Path, tmp_path: Path) -> Rig:
    root = tmp_path / "rig"
    shutil.copytree(demo_folder, root)
    by_hand = root / "BG042-by-hand.yaml"
    (root / "BG042" / "session.yaml").rename(by_hand)
    for name in ("vonfrey-baseline.yaml", "vonfrey-pod7.yaml"):
        (root / "BG042" / name).unlink()
    return Rig(root / "BG042", by_hand, tuple(root / name for name in USES))
