"""Metadata in the version of the schema that an archive reads."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from dandischema.consts import ALLOWED_TARGET_SCHEMAS, DANDI_SCHEMA_VERSION
from loopback.site import Site

from bergmann.publish.afterwards import await_verdict
from bergmann.publish.comparing import compare
from bergmann.publish.uploading import upload
from bergmann.publish.versions import check_dandi, in_version_read

from .test_uploading import asset_of, client_of

OLDER = ALLOWED_TARGET_SCHEMAS[-2]
NAME = "sub-1/sub-1_ses-a.nwb"


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"schema_version": DANDI_SCHEMA_VERSION},
        {"schema_version": "99.0.0"},
        {"schema_version": "99.0.0", "allowed_schema_versions": [DANDI_SCHEMA_VERSION, "99.0.0"]},
        {"schema_version": OLDER, "allowed_schema_versions": [OLDER, DANDI_SCHEMA_VERSION]},
    ],
)
def test_what_an_archive_reads_stays_as_it_is(info: dict[str, Any], tmp_path: Path) -> None:
    asset = asset_of(tmp_path, NAME, b"1", schemaVersion=DANDI_SCHEMA_VERSION)
    assert in_version_read([asset], info, "dandi") == ((asset,), ())


def test_an_older_archive_gets_metadata_of_its_own_version_and_finds_them_valid(
    new_archive: Callable[..., Site], tmp_path: Path
) -> None:
    site = new_archive(schema_version=OLDER)
    dandiset, client = site.new_dandiset(), client_of(site)
    asset = asset_of(tmp_path, NAME, os.urandom(10), schemaVersion=DANDI_SCHEMA_VERSION)
    (moved,), (note,) = in_version_read([asset], client.info(), "dandi")
    assert moved.metadata == {**asset.metadata, "schemaVersion": OLDER}
    assert (note.severity, f"are sent as {OLDER}" in note.message) == ("note", True)
    verdicts = []
    for one in (asset, moved):
        report = upload(compare([one], client, dandiset), client, dandiset, place=tmp_path / "s")
        assert report.good, report.outcomes
        verdicts.append(await_verdict(report.outcomes, client, dandiset, seconds=60))
        client.remove_asset(dandiset, report.outcomes[0].asset_id)
    assert [verdict.valid for verdict in verdicts] == [(), (NAME,)]
    assert f"{DANDI_SCHEMA_VERSION} is not allowed" in verdicts[0].findings[0].message


def test_an_archive_that_reads_no_version_of_ours_is_an_error(tmp_path: Path) -> None:
    asset = asset_of(tmp_path, NAME, b"1", schemaVersion=DANDI_SCHEMA_VERSION)
    for theirs in ("0.4.4", "99.0.0"):
        assets, (error,) = in_version_read([asset], {"schema_version": theirs, "allowed_schema_versions": [theirs]}, "dandi")
        assert assets == (asset,)
        assert (error.severity, f"reads version {theirs}" in error.message) == ("error", True)


def test_an_archive_may_ask_for_a_newer_dandi_or_refuse_this_one() -> None:
    own = version("dandi")
    assert list(check_dandi({"cli-minimal-version": own, "cli-bad-versions": ["0.1.0"]}, "dandi")) == []
    (older,) = check_dandi({"cli-minimal-version": "999.0.0"}, "dandi")
    (faulty,) = check_dandi({"cli-minimal-version": "0.74.0", "cli-bad-versions": [own]}, "dandi")
    assert (older.severity, faulty.severity) == ("error", "error")
    assert f"of dandi 999.0.0 or newer, and dandi {own} is installed" in older.message
    assert f"no metadata of dandi {own}" in faulty.message
