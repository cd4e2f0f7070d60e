"""The example runs as it stands, and its analysis finds what the simulation was set to."""

from __future__ import annotations

import importlib.util
import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from pynwb import NWBHDF5IO

from bergmann.cli import main
from bergmann.rig import Truth
from bergmann.rig.physiology import draw
from bergmann.rig.simulate import demo_rigs

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "bergmann_flares"
BUNDLED = Path(__file__).resolve().parents[1] / "converters" / "bergmann" / "rig" / "session_files"


@pytest.fixture(scope="module")
def analysis() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bergmann_flares_analysis", EXAMPLE / "analysis.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def demo(converted_demo: Path) -> tuple[Path, Mapping[str, Truth]]:
    """The dandiset of the demo, and the truth by the status of the receptor."""
    status = {"shrna": "knocked_down", "scrambled": "control"}
    return converted_demo / "dandiset", {status[rig.arm]: draw(rig) for rig in demo_rigs()}


def test_the_example_shows_the_session_files_that_the_demo_writes() -> None:
    bundled = {path.relative_to(BUNDLED) for path in BUNDLED.rglob("*.yaml")}
    assert {path.relative_to(EXAMPLE) for path in EXAMPLE.rglob("*.yaml")} == bundled
    for name in bundled:
        assert (EXAMPLE / name).read_text(encoding="utf-8") == (BUNDLED / name).read_text(encoding="utf-8")


def test_the_analysis_finds_the_simulated_truth(analysis: ModuleType, demo: tuple[Path, Mapping[str, Truth]]) -> None:
    dandiset, truths = demo
    sessions = []
    for path in sorted(dandiset.rglob("*capsaicin*.nwb")):
        with NWBHDF5IO(path, "r", load_namespaces=True) as file:
            sessions.append(analysis.read_flares(file.read()))
    assert {session.status for session in sessions} == {"knocked_down", "control"}
    for session in sessions:
        truth = truths[session.status]
        light = [flare for flare in truth.flares if flare.cause == "light"]
        np.testing.assert_allclose(session.onsets, [flare.onset for flare in light], atol=1.5e-3)
        np.testing.assert_allclose(session.powers, [flare.power for flare in light], rtol=0.02)
        np.testing.assert_allclose(session.shocks, truth.shock_times, atol=1.5e-3)
        np.testing.assert_allclose(session.capsaicin, truth.rig.capsaicin, atol=10)
        assert session.dff.shape == truth.dff.shape
        np.testing.assert_allclose(session.times, truth.frame_times, atol=truth.fitted_error)
        for dose in session.doses:
            assert session.peaks(dose).mean() == pytest.approx(truth.expected_peak(dose), rel=0.08, abs=0.01)


def test_one_curve_fits_both_arms_and_the_knockdown_leaves_what_was_set(
    analysis: ModuleType, demo: tuple[Path, Mapping[str, Truth]]
) -> None:
    dandiset, truths = demo
    sessions = []
    for path in sorted(dandiset.rglob("*capsaicin*.nwb")):
        with NWBHDF5IO(path, "r", load_namespaces=True) as file:
            sessions.append(analysis.read_flares(file.read()))
    curves, true = analysis.fit_hill(sessions), truths["knocked_down"].rig
    assert curves["knocked_down"].greatest / curves["control"].greatest == pytest.approx(true.knockdown_gain, rel=0.05)
    assert curves["control"].greatest == pytest.approx(true.dose_response.greatest, rel=0.1)
    assert curves["control"].half_power == pytest.approx(true.dose_response.half_power, rel=0.15)
    assert curves["control"].slope == pytest.approx(true.dose_response.slope, rel=0.15)


def commands_of_the_guide() -> list[list[str]]:
    """What the guide says to type to ask the files."""
    lines = (EXAMPLE / "README.md").read_text(encoding="utf-8").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("bergmann find")]


def test_the_files_answer_what_the_guide_asks(
    converted_demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = []
    for command in commands_of_the_guide():
        with pytest.raises(SystemExit) as stop:
            main([part.replace("bergmann-demo", str(converted_demo)) for part in command if part != "--csv"] + ["--json"])
        assert not stop.value.code
        found.append(json.loads(capsys.readouterr().out)["answers"])
    headline, injured, given = found
    assert [(one["subject"], one["session"], one["population"]["rois"]) for one in headline] == [("BG042", "sni-pod7-capsaicin", 7)]
    assert [one["subject"] for one in injured] == ["BG042", "BG042", "BG043", "BG043"]
    assert {one["session"] for one in injured} == {"sni-pod7-capsaicin", "vonfrey-pod7"}
    assert {(one["subject"], one["arm"]) for one in given} == {("BG043", "scrambled")}


def test_the_picture_is_drawn_from_the_files_alone(
    analysis: ModuleType, demo: tuple[Path, Mapping[str, Truth]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dandiset, _ = demo
    analysis.main(dandiset, tmp_path / "flares.png")
    assert 50_000 < (tmp_path / "flares.png").stat().st_size < 200_000
    assert "control: peak dF/F after light of 1 mW: 22 %" in capsys.readouterr().out
