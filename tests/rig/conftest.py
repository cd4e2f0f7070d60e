"""One demo folder and its truth, shared by the tests of the rig."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from bergmann.rig import Truth, simulate_demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mapping[str, Truth]]:
    folder = tmp_path_factory.mktemp("demo")
    return folder, simulate_demo(folder)


@pytest.fixture(scope="session")
def knockdown(demo: tuple[Path, Mapping[str, Truth]]) -> tuple[Path, Truth]:
    folder, truths = demo
    return folder / "BG042", truths["BG042"]
