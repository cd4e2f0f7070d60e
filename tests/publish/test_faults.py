"""A small part of the matrix of faults (tests/archive/faults.py), as a process that is not started anew for each."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from loopback.proxy import Fault, Kind, Position, Step
from loopback.site import Site

from bergmann.publish.uploading import Outcome

from .test_uploading import PART, asset_of, client_of, publish

CASES: list[tuple[Kind, Step, Position | None, int | None]] = [
    ("status", "initialize", None, 3),
    ("lost", "initialize", None, 1),
    ("reset", "part", "first", 3),
    ("hang", "part", "middle", 1),
    ("truncated", "part", "last", 1),
    ("wrong etag", "part", "last", 1),
    ("corrupted", "part", "middle", 1),
    ("truncated", "complete", None, 1),
    ("lost", "finish", None, 1),
    ("truncated", "finish", None, 3),
    ("lost", "validate", None, 1),
    ("truncated", "validate", None, 1),
    ("lost", "asset", None, 3),
    ("hang", "asset", None, 1),
]


def faulty_run(site: Site, tmp_path: Path, fault: Fault) -> tuple[Outcome, str, bytes]:
    dandiset, content = site.new_dandiset(), os.urandom(5 * PART + 9)
    asset = asset_of(tmp_path, "sub-1/sub-1_ses-a.nwb", content)
    site.faults.add(fault)
    report = publish(site, dandiset, [asset], tmp_path / "s", client=client_of(site, seconds=3.0, timeout=1.5))
    return report.outcomes[0], dandiset, content


@pytest.mark.parametrize(("kind", "step", "part", "times"), CASES)
def test_a_fault_that_passes_is_overcome_in_one_run(
    faulty_archive: Site, tmp_path: Path, kind: Kind, step: Step, part: Position | None, times: int | None
) -> None:
    outcome, dandiset, content = faulty_run(faulty_archive, tmp_path, Fault(kind, step, part, times=times))
    assert outcome.result == "uploaded", outcome.message
    assert faulty_archive.faults.struck == times
    assert faulty_archive.sha256(dandiset) == {"sub-1/sub-1_ses-a.nwb": hashlib.sha256(content).hexdigest()}
    again = times or 1
    assert faulty_archive.faults.part_bytes <= len(content) + again * PART
    assert client_of(faulty_archive).open_uploads(dandiset) == ()


@pytest.mark.parametrize(
    ("kind", "step", "part"),
    [("reset", "part", "middle"), ("wrong etag", "part", "first"), ("status", "validate", None), ("status", "asset", None)],
)
def test_a_fault_that_stays_is_said_and_the_next_run_finishes(
    faulty_archive: Site, tmp_path: Path, kind: Kind, step: Step, part: Position | None
) -> None:
    outcome, dandiset, content = faulty_run(faulty_archive, tmp_path, Fault(kind, step, part, times=None))
    assert outcome.result == "failed"
    assert outcome.message
    sent = faulty_archive.faults.part_bytes
    faulty_archive.faults.clear()
    asset = asset_of(tmp_path, "sub-1/sub-1_ses-a.nwb", content)
    report = publish(faulty_archive, dandiset, [asset], tmp_path / "s")
    assert report.good, report.outcomes
    if kind == "reset":
        assert sent < faulty_archive.faults.part_bytes < sent + 3 * PART  # only the part that was missing
    assert faulty_archive.sha256(dandiset) == {asset.asset_path: hashlib.sha256(content).hexdigest()}


@pytest.mark.parametrize("step", ["validate", "asset"])
def test_where_all_answers_are_lost_the_archive_is_asked_what_it_did(faulty_archive: Site, tmp_path: Path, step: Step) -> None:
    outcome, dandiset, content = faulty_run(faulty_archive, tmp_path, Fault("lost", step, times=None))
    assert outcome.result == "uploaded", outcome.message
    assert faulty_archive.sha256(dandiset) == {"sub-1/sub-1_ses-a.nwb": hashlib.sha256(content).hexdigest()}


def test_a_refusal_for_a_wrong_length_is_no_expiry_and_is_said_once(faulty_archive: Site, tmp_path: Path) -> None:
    body = "<Error><Code>SignatureDoesNotMatch</Code><Message>The signature does not match.</Message></Error>"
    outcome, dandiset, _ = faulty_run(faulty_archive, tmp_path, Fault("status", "part", "last", times=None, status=403, body=body))
    assert (outcome.result, faulty_archive.faults.struck) == ("failed", 1)
    assert "403 SignatureDoesNotMatch" in outcome.message
    assert faulty_archive.assets(dandiset) == {}
