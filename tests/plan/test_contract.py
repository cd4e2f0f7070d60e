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


def test_the_slice_of_the_contract_is_refused_for_what_is_reserved(contract: Path) -> None:
    loaded = load_session(contract / "slice.yaml")
    reserved = [finding.location for finding in loaded.findings if finding.check == "reserved"]
    assert reserved == [
        "slice.yaml:6 runs",
        "slice.yaml:16 drugs.prazosin.from",
        "slice.yaml:16 drugs.prazosin.to",
    ]
