"""What the demo leaves in `published/`: a dandiset as the archive would have it."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import h5py
import pytest
import yaml

from bergmann.publish.assets import Asset
from bergmann.publish.paths import check_externals, read_externals
from bergmann.publish.prediction import predict
from bergmann.publish.preflight import prepare

IMAGING = "sub-BG042/sub-BG042_ses-sni-pod7-capsaicin_behavior+image+ogen+ophys.nwb"


@pytest.fixture(scope="module")
def published(converted_demo: Path) -> Path:
    return converted_demo / "published"


@pytest.fixture(scope="module")
def listed(published: Path) -> dict[str, Any]:
    return {one["path"]: one for one in json.loads((published / "assets.jsonld").read_text(encoding="utf-8"))}


def test_all_files_are_there_with_their_digests(converted_demo: Path, published: Path, listed: dict[str, Any]) -> None:
    made = {
        path.relative_to(converted_demo / "dandiset").as_posix()
        for path in (converted_demo / "dandiset").rglob("*")
        if path.is_file() and path.name != "dandiset.yaml"
    }
    assert set(listed) == made
    assert len(made) == 12  # six sessions, and three videos of each imaging session
    for path, one in listed.items():
        assert one["digest"]["dandi:sha2-256"] == hashlib.sha256((published / path).read_bytes()).hexdigest()


def test_the_videos_travel_with_their_file(published: Path) -> None:
    found, findings = check_externals(published / IMAGING, published, read_externals(published / IMAGING))
    assert (len(found), findings) == (3, ())


def test_the_table_of_sessions_says_arms_days_and_drugs(published: Path) -> None:
    with (published / "sessions.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [(row["subject"], row["session"], row["arm"], row["control"], row["days_since_sni"]) for row in rows[:3]] == [
        ("BG042", "vonfrey-baseline", "shrna", "no", "n/a"),
        ("BG042", "vonfrey-pod7", "shrna", "no", "7"),
        ("BG042", "sni-pod7-capsaicin", "shrna", "no", "7"),
    ]
    assert {row["arm"] for row in rows[3:]} == {"scrambled"}
    assert rows[2]["drugs"].startswith("capsaicin 10 ug at ")
    assert "movie_ch1 (TwoPhotonSeries)" in rows[2]["streams"]


def test_the_archive_would_file_the_imaging_session_under_what_it_is(published: Path, listed: dict[str, Any]) -> None:
    path = published / IMAGING
    found = predict(Asset(path, IMAGING, listed[IMAGING], path.stat().st_size))
    assert {"optogenetic approach", "behavioral approach", "microscopy approach; cell population imaging"} <= set(found.approach)
    assert "two-photon microscopy technique" in found.technique
    assert {"TwoPhotonSeries", "OptogeneticSeries", "PlaneSegmentation"} <= set(found.variables)
    assert (found.subject, found.session_start) == ("BG042", "2024-05-17T10:30:57+09:00")
    assert found.session_end > found.session_start


def test_what_the_demo_suggests_next_is_not_refused_since_its_waivers_say_why(converted_demo: Path) -> None:
    prepared = prepare(converted_demo / "dandiset", sessions=[converted_demo / "rig" / "BG042" / "session.yaml"])
    assert [one.text for one in prepared.findings if one.severity != "note"] == []
    waived = [one for one in prepared.findings if one.check == "archive_needs"]
    assert len(waived) == 4
    assert all(one.remedy.startswith("waived by Simulated Rig on 2026-11-20: ") for one in waived)


def test_the_dandiset_is_described_and_no_file_holds_it(converted_demo: Path, published: Path) -> None:
    described = yaml.safe_load((published / "dandiset.yaml").read_text(encoding="utf-8"))
    assert described["name"] == "A simulated two-photon and optogenetics experiment in Bergmann glia"
    assert described["license"] == ["spdx:CC0-1.0"]
    with h5py.File(published / IMAGING, "r") as file:
        keys = file["general/bergmann_conversion/statements/key"].asstr()[:].tolist()
    assert keys
    assert not [key for key in keys if key.startswith("dandiset")]
    assert b"simulated.rig@" not in (published / IMAGING).read_bytes()
