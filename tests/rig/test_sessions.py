"""The bundled session files describe what the rig wrote, without a gap."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from pathlib import Path

import pytest

from bergmann.plan.resolve import make_plan
from bergmann.rig import Truth, session_paths

SESSIONS = [f"{animal}/{name}.yaml" for animal in ("BG042", "BG043") for name in ("vonfrey-baseline", "session", "vonfrey-pod7")]


@pytest.mark.parametrize("session", SESSIONS)
def test_nothing_is_missing_and_nothing_contradicts(session: str, demo: tuple[Path, Mapping[str, Truth]]) -> None:
    folder, truths = demo
    plan = make_plan(folder / session)
    assert plan.is_complete
    assert [finding.text for finding in plan.findings if finding.severity != "note"] == []
    assert "SYNTHETIC" in plan.head.session.description
    assert plan.head.subject.id == session.split("/")[0]
    assert plan.head.arm == truths[plan.head.subject.id].rig.arm


def test_the_session_starts_when_the_daq_says_and_the_microscope_is_seconds_ahead(demo: tuple[Path, Mapping[str, Truth]]) -> None:
    folder, truths = demo
    plan = make_plan(folder / "BG043" / "session.yaml")
    assert plan.reference == "daq"
    assert plan.start is not None
    assert plan.start.replace(tzinfo=None) == truths["BG043"].rig.start
    assert plan.start.utcoffset() is not None
    assert [finding.check for finding in plan.findings] == ["instrument clock"]


def test_the_session_paths_are_the_bundled_sessions(demo: tuple[Path, Mapping[str, Truth]]) -> None:
    folder, _ = demo
    assert [path.relative_to(folder).as_posix() for path in session_paths(folder)] == SESSIONS
    assert all(path.is_file() for path in session_paths(folder))


@pytest.mark.parametrize("animal", ["BG042", "BG043"])
def test_the_notebook_time_of_the_injection_is_right_to_ten_seconds(animal: str, demo: tuple[Path, Mapping[str, Truth]]) -> None:
    folder, truths = demo
    rig = truths[animal].rig
    stated = str(make_plan(folder / animal / "session.yaml").loaded.collections["drugs"]["capsaicin"].at)  # type: ignore[attr-defined]
    at = datetime.combine(rig.start, time.fromisoformat(stated.split(" +- ")[0]))
    assert abs((at - rig.start).total_seconds() - rig.capsaicin) <= 10
