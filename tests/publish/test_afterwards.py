"""What the archive makes of files: a draft that says "Valid" with invalid assets is not called valid."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from loopback.site import Site

from bergmann.publish.afterwards import await_verdict
from bergmann.publish.comparing import compare
from bergmann.publish.status import status_of
from bergmann.publish.uploading import upload

from .test_uploading import asset_of, client_of

COMPLETE: dict[str, Any] = {
    "description": "a test",
    "license": ["spdx:CC-BY-4.0"],
    "contributor": [
        {
            "schemaKey": "Person",
            "name": "Bergmann, Rig",
            "email": "rig@dandiarchive.org",
            "roleName": ["dcite:ContactPerson"],
            "includeInCitation": True,
        }
    ],
}
"""With its own contact person: the name of an account may be none that the schema takes."""


def test_valid_files_in_a_complete_dandiset_are_valid(archive: Site, tmp_path: Path) -> None:
    dandiset, client = archive.new_dandiset(metadata=COMPLETE), client_of(archive)
    rows = compare([asset_of(tmp_path, "sub-1/sub-1_ses-a.nwb", os.urandom(10))], client, dandiset)
    report = upload(rows, client, dandiset, place=tmp_path / "s")
    verdict = await_verdict(report.outcomes, client, dandiset, seconds=600)
    assert (verdict.status, verdict.valid, verdict.findings) == ("Valid", ("sub-1/sub-1_ses-a.nwb",), ())


def test_a_valid_draft_with_an_invalid_asset_is_not_called_valid(archive: Site, tmp_path: Path) -> None:
    dandiset, client = archive.new_dandiset(metadata=COMPLETE), client_of(archive)
    assets = [
        asset_of(tmp_path, "sub-1/sub-1_ses-a.nwb", os.urandom(10)),
        asset_of(tmp_path, "sub-2/sub-2_ses-a.nwb", os.urandom(10), encodingFormat=None),
    ]
    report = upload(compare(assets, client, dandiset), client, dandiset, place=tmp_path / "s")
    assert report.good
    verdict = await_verdict(report.outcomes, client, dandiset, seconds=600)
    assert archive.draft(dandiset)["status"] == "Valid"
    assert verdict.status == "Invalid assets"
    assert verdict.valid == ("sub-1/sub-1_ses-a.nwb",)
    assert {one.location for one in verdict.findings if one.severity == "error"} == {"sub-2/sub-2_ses-a.nwb"}
    assert all("encodingFormat" in one.message for one in verdict.findings)

    status = status_of(compare(assets, client, dandiset), client, dandiset)
    assert (status.draft, status.good) == ("Invalid assets", False)
    assert [(line.standing, line.validity, bool(line.findings)) for line in status.lines] == [
        ("same", "valid", False),
        ("same", "invalid", True),
    ]


def test_an_archive_that_says_null_for_no_errors_is_understood(new_archive: Any, tmp_path: Path) -> None:
    site = new_archive()
    dandiset, client = site.new_dandiset(), client_of(site)
    rows = compare([asset_of(tmp_path, "sub-1/sub-1_ses-a.nwb", os.urandom(10))], client, dandiset)
    (outcome,) = upload(rows, client, dandiset, place=tmp_path / "s").outcomes
    with site.archive.worker.paused():
        asset = site.archive.state.assets[outcome.asset_id]
        asset.status, asset.validation_errors = "Valid", None
        assert client.asset_validation(dandiset, outcome.asset_id) == ("Valid", ())


def test_what_is_not_validated_in_time_is_a_warning(new_archive: Any, tmp_path: Path) -> None:
    site = new_archive(validation_delay=600, sha256_delay=600)
    dandiset, client = site.new_dandiset(), client_of(site)
    rows = compare([asset_of(tmp_path, "sub-1/sub-1_ses-a.nwb", os.urandom(10))], client, dandiset)
    verdict = await_verdict(upload(rows, client, dandiset, place=tmp_path / "s").outcomes, client, dandiset, seconds=1)
    assert [(one.severity, one.location) for one in verdict.findings] == [("warning", "sub-1/sub-1_ses-a.nwb")]
    assert (verdict.status, verdict.valid) == ("Pending", ())


def test_an_asset_that_somebody_replaced_meanwhile_is_an_error(archive: Site, tmp_path: Path) -> None:
    dandiset, client = archive.new_dandiset(), client_of(archive)
    name = "sub-1/sub-1_ses-a.nwb"
    reports = []
    for content in (b"first", b"second"):
        rows = compare([asset_of(tmp_path, name, content)], client, dandiset)
        reports.append(upload(rows, client, dandiset, place=tmp_path / "s"))
    verdict = await_verdict(reports[0].outcomes, client, dandiset, seconds=600)
    assert [one.check for one in verdict.findings if one.severity == "error"] == ["replaced"]


def test_a_valid_draft_whose_assets_are_not_validated_yet_is_neither_valid_nor_invalid(new_archive: Any, tmp_path: Path) -> None:
    site = new_archive(sha256_delay=600)
    dandiset, client = site.new_dandiset(metadata=COMPLETE), client_of(site)
    rows = compare([asset_of(tmp_path, "sub-1/sub-1_ses-a.nwb", os.urandom(10))], client, dandiset)
    verdict = await_verdict(upload(rows, client, dandiset, place=tmp_path / "s").outcomes, client, dandiset, seconds=3)
    assert site.draft(dandiset)["status"] == "Valid"
    assert (verdict.status, verdict.valid) == ("Pending assets", ())
    status = status_of(compare([rows[0].asset], client, dandiset), client, dandiset)
    assert (status.draft, status.good, [line.validity for line in status.lines]) == ("Pending assets", False, ["pending"])
