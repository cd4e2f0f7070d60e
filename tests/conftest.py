"""Shared by all rooms: where the real files are, and how an entry is handed to a writer."""

from __future__ import annotations

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
