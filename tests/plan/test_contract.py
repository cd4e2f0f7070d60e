"""The session files of the contract load as they stand."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bergmann.plan.session import load_session

CONTRACT = Path(__file__).resolve().parents[3] / "shared" / "session"

ANIMAL = """\
subject: {id: BG042, species: Mus musculus, sex: F, born: 2024-02-28}
procedures:
  sni: {kind: nerve injury, model: spared nerve injury, nerve: sciatic, side: left, date: 2024-05-10}
"""


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    """A copy of the contract's files, beside the animal's that they leave to the reader."""
    if not CONTRACT.is_dir():
        pytest.skip("needs ../shared/session, which is absent here")
    for path in CONTRACT.glob("*.yaml"):
        shutil.copyfile(path, tmp_path / path.name)
    (tmp_path / "BG042.yaml").write_text(ANIMAL, encoding="utf-8")
    return tmp_path


def test_the_session_of_the_contract_has_nothing_to_mend(contract: Path) -> None:
    loaded = load_session(contract / "session.yaml")
    assert [finding.text for finding in loaded.findings] == []
    assert loaded.head is not None
    assert loaded.head.arm == "shrna"
    assert list(loaded.invalid) == ["z_drift"]
    assert loaded.absent == {"pupil": "camera not running"}
    assert set(loaded.order) == {"daq", "movie", "rois", "light", "shocks", "paw_cam", "face_cam", "paw", "licking", "notes"}
    assert loaded.origin("planes.bg_plane.excitation").text == "lab.yaml:16 planes.bg_plane.excitation"
    assert loaded.origin("receptors.adra1a_bg").text == "arm-shrna.yaml:4 receptors.adra1a_bg"


def test_the_assay_of_the_contract_loads_with_a_word_on_its_commas(contract: Path) -> None:
    loaded = load_session(contract / "vonfrey.yaml")
    (finding,) = loaded.findings
    assert (finding.severity, finding.location) == ("warning", "vonfrey.yaml:4")
    assert loaded.head is not None
    assert loaded.head.session.description == "von Frey thresholds, both hind paws, scorer blind to the arm."
    assert list(loaded.sources) == ["von_frey"]


LAB = """\
planes:
  slice_plane: {device: scope, location: vermis, excitation: 920 nm, channels: {1: {label: GCaMP6f, emission: 525 nm}}}
receptors: {adra1a_bg: {receptor: Adra1a, population: bg, status: endogenous}}
"""


def test_the_runs_of_the_contract_resolve(contract: Path) -> None:
    (contract / "slice-lab.yaml").write_text(LAB, encoding="utf-8")
    text = (contract / "slice.yaml").read_text(encoding="utf-8").replace("use: [lab.yaml]", "use: [lab.yaml, slice-lab.yaml]")
    (contract / "slice.yaml").write_text(text, encoding="utf-8")
    loaded = load_session(contract / "slice.yaml")
    assert [finding.text for finding in loaded.findings if finding.severity == "error" and finding.check != "reserved"] == []
    assert set(loaded.order) == {f"{run}_{name}" for run in ("base", "praz", "wash") for name in ("movie", "patch", "puffs")}
    assert loaded.start_source == "base_patch"
    assert str(loaded.sources["wash_movie"].clock) == "wash_patch/IN 1"
    assert loaded.sources["praz_patch"].source.path == contract / "19125001.abf"  # type: ignore[attr-defined]
    assert loaded.place("sources.praz_patch.path") == "slice.yaml:8 runs.praz.patch"
