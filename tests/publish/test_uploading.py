"""Files into the archive on loopback: once each, whatever was there before."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loopback.site import Site

from bergmann.publish.assets import Asset
from bergmann.publish.client import Client, check_dandiset
from bergmann.publish.comparing import check_clashes, compare
from bergmann.publish.credentials import Token
from bergmann.publish.instances import find_instance
from bergmann.publish.uploading import Report, upload
from bergmann.publish.wire import Patience, RefusedError, Wire

PART = 64 * 1024


def client_of(site: Site, token: str | None = None, **patience: float) -> Client:
    instance = find_instance(site.api_url)
    given = {"seconds": 60.0 if site.real else 3.0, "timeout": 60.0 if site.real else 5.0, **patience}
    return Client(instance, Wire(instance.api, Token(site.token if token is None else token, "a test"), Patience(**given)))


def metadata_of(path: str, **stated: Any) -> dict[str, Any]:
    """The least that is valid; the archive adds the version of its own schema."""
    return {"schemaKey": "Asset", "encodingFormat": "application/x-nwb", "path": path, **stated}


def asset_of(folder: Path, name: str, content: bytes, **stated: Any) -> Asset:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Asset(path, name, metadata_of(name, **stated), len(content))


def publish(site: Site, dandiset: str, assets: list[Asset], place: Path, **chosen: Any) -> Report:
    client = chosen.pop("client", None) or client_of(site)
    return upload(compare(assets, client, dandiset), client, dandiset, place=place, **chosen)


def results(report: Report) -> dict[str, str]:
    return {outcome.asset_path: outcome.result for outcome in report.outcomes}


def test_files_arrive_once_and_a_second_run_sends_nothing(archive: Site, tmp_path: Path) -> None:
    contents = {"sub-1/sub-1_ses-a.nwb": os.urandom(5 * PART + 7), "sub-2/sub-2_ses-a.nwb": os.urandom(100)}
    assets = [asset_of(tmp_path / "lab", name, content) for name, content in contents.items()]
    dandiset = archive.new_dandiset()
    first = publish(archive, dandiset, assets, tmp_path / "s")
    assert results(first) == dict.fromkeys(contents, "uploaded"), [one.message for one in first.outcomes]
    assert first.on_the_way == sum(map(len, contents.values()))
    assert archive.sha256(dandiset) == {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    second = publish(archive, dandiset, assets, tmp_path / "s")
    assert results(second) == dict.fromkeys(contents, "unchanged")
    assert second.on_the_way == 0
    assert not list((tmp_path / "s" / "uploads").iterdir())


def test_two_identical_files_are_one_blob(archive: Site, tmp_path: Path) -> None:
    content = os.urandom(3 * PART)
    assets = [asset_of(tmp_path / "lab", f"sub-{n}/sub-{n}_ses-a.nwb", content) for n in range(5)]
    dandiset = archive.new_dandiset()
    report = publish(archive, dandiset, assets, tmp_path / "s")
    assert set(results(report).values()) == {"uploaded"}, [one.message for one in report.outcomes]
    assert report.on_the_way == len(content)
    assert len({row["blob"] for row in archive.assets(dandiset).values()}) == 1


def test_a_changed_file_is_replaced_in_place_and_changed_metadata_sends_no_byte(archive: Site, tmp_path: Path) -> None:
    dandiset, name = archive.new_dandiset(), "sub-1/sub-1_ses-a.nwb"
    publish(archive, dandiset, [asset_of(tmp_path, name, os.urandom(PART))], tmp_path / "s")
    content = os.urandom(PART)
    replaced = publish(archive, dandiset, [asset_of(tmp_path, name, content)], tmp_path / "s")
    assert results(replaced) == {name: "replaced"}
    said = publish(archive, dandiset, [asset_of(tmp_path, name, content, keywords=["astrocyte"])], tmp_path / "s")
    assert (results(said), said.on_the_way) == ({name: "metadata"}, 0)
    (found,) = archive.assets(dandiset).values()
    assert found["metadata"]["keywords"] == ["astrocyte"]
    assert archive.sha256(dandiset) == {name: hashlib.sha256(content).hexdigest()}


def test_what_is_only_there_stays_unless_a_person_asks(archive: Site, tmp_path: Path) -> None:
    dandiset, names = archive.new_dandiset(), ["sub-1/sub-1_ses-a.nwb", "sub-1/sub-1_ses-b.nwb"]
    assets = [asset_of(tmp_path, name, os.urandom(50)) for name in names]
    publish(archive, dandiset, assets, tmp_path / "s")
    publish(archive, dandiset, assets[:1], tmp_path / "s")
    assert sorted(archive.assets(dandiset)) == names
    report = publish(archive, dandiset, assets[:1], tmp_path / "s", remove_others=True)
    assert results(report) == {names[0]: "unchanged", names[1]: "removed"}
    assert sorted(archive.assets(dandiset)) == names[:1]


def test_an_embargoed_dandiset_takes_files(archive: Site, tmp_path: Path) -> None:
    dandiset, content = archive.new_dandiset(embargo=True), os.urandom(2 * PART)
    (note,) = check_dandiset(client_of(archive), dandiset)
    assert (note.severity, "is embargoed: its owners alone see" in note.message) == ("note", True)
    report = publish(archive, dandiset, [asset_of(tmp_path, "sub-1/sub-1_ses-a.nwb", content)], tmp_path / "s")
    assert report.good, report.outcomes
    assert archive.sha256(dandiset) == {"sub-1/sub-1_ses-a.nwb": hashlib.sha256(content).hexdigest()}


def test_a_file_that_changes_while_it_is_sent_is_not_published(archive: Site, tmp_path: Path) -> None:
    dandiset = archive.new_dandiset()
    asset = asset_of(tmp_path, "sub-1/sub-1_ses-a.nwb", os.urandom(8 * PART))
    client = client_of(archive)
    rows = compare([asset], client, dandiset)
    changes = [b"x"]

    def meanwhile(standing: object) -> None:
        if changes:
            with asset.path.open("r+b") as file:
                file.seek(7 * PART + 5)
                file.write(changes.pop())

    report = upload(rows, client, dandiset, place=tmp_path / "s", jobs=1, watch=meanwhile)
    assert results(report) == {asset.asset_path: "changed"}
    assert archive.assets(dandiset) == {}
    assert client.open_uploads(dandiset) == ()  # our own orphan is removed
    assert list((tmp_path / "s" / "uploads").iterdir()) == []


def test_a_stranger_and_a_newcomer_are_told_before_the_first_byte(new_archive: Callable[..., Site], tmp_path: Path) -> None:
    from loopback.server import NEWCOMER, STRANGER

    site = new_archive()
    dandiset = site.new_dandiset()
    (owner,) = check_dandiset(client_of(site, STRANGER.token), dandiset)
    assert "not among the dandiset's owners (rig)" in owner.message
    assert {one.check for one in check_dandiset(client_of(site, NEWCOMER.token), dandiset)} == {"account", "owner"}
    assert list(check_dandiset(client_of(site), dandiset)) == []
    report = publish(site, dandiset, [asset_of(tmp_path, "a.nwb", b"1")], tmp_path / "s", client=client_of(site, STRANGER.token))
    assert "does not own" in report.outcomes[0].message
    with pytest.raises(RefusedError, match="has no dandiset 999999"):
        list(check_dandiset(client_of(site), "999999"))
    with pytest.raises(RefusedError, match="is not known there"):
        client_of(site, "wrong-token").account()


def test_a_file_where_the_archive_has_a_folder_is_refused_before_and_at_the_archive(archive: Site, tmp_path: Path) -> None:
    dandiset = archive.new_dandiset()
    publish(archive, dandiset, [asset_of(tmp_path / "1", "sub-1/a.nwb", b"12")], tmp_path / "s")
    asset = asset_of(tmp_path / "2", "sub-1", b"3")
    client = client_of(archive)
    rows = compare([asset], client, dandiset)
    assert [one.location for one in check_clashes(rows)] == ["sub-1"]
    assert results(upload(rows, client, dandiset, place=tmp_path / "s")) == {"sub-1": "conflict"}


def test_an_expired_upload_begins_anew_and_its_orphan_is_removed(new_archive: Callable[..., Site], tmp_path: Path) -> None:
    site = new_archive(url_lifetime=8)
    dandiset, content = site.new_dandiset(), os.urandom(4 * PART)
    asset = asset_of(tmp_path, "sub-1/sub-1_ses-a.nwb", content)
    left = stop_after(site, dandiset, asset, tmp_path / "s", parts=2)
    assert len(left) == 1
    import time

    time.sleep(10)
    client = client_of(site)
    report = publish(site, dandiset, [asset], tmp_path / "s", client=client)
    assert report.good, report.outcomes
    assert any("expired" in note for note in report.notes)
    assert report.outcomes[0].resumed == 0
    assert client.open_uploads(dandiset) == ()
    assert site.sha256(dandiset) == {asset.asset_path: hashlib.sha256(content).hexdigest()}


def stop_after(site: Site, dandiset: str, asset: Asset, place: Path, *, parts: int) -> list[Path]:
    """Publish, and stop after some parts; the journals that are left."""
    client = client_of(site)

    def watch(standing: Any) -> None:
        if standing.done >= parts * PART + 1:
            client.wire.stopping.set()

    report = publish(site, dandiset, [asset], place, client=client, jobs=1, watch=watch)
    assert results(report) == {asset.asset_path: "stopped"}
    return list((place / "uploads").iterdir())


def test_a_stopped_upload_goes_on_with_the_missing_parts(new_archive: Callable[..., Site], tmp_path: Path) -> None:
    site = new_archive()
    dandiset, content = site.new_dandiset(), os.urandom(10 * PART)
    asset = asset_of(tmp_path, "sub-1/sub-1_ses-a.nwb", content)
    (journal,) = stop_after(site, dandiset, asset, tmp_path / "s", parts=4)
    if os.name == "posix":
        assert journal.stat().st_mode & 0o777 == 0o600
    journal.write_bytes(journal.read_bytes() + b'\n{"part": 9, "et')  # the line that a kill tears
    seen: list[Any] = []
    report = publish(site, dandiset, [asset], tmp_path / "s", watch=seen.append)
    (outcome,) = report.outcomes
    assert (outcome.resumed, outcome.sent, outcome.result) == (4 * PART, 6 * PART, "uploaded")
    assert seen[0].done == 4 * PART
    assert seen[-1].done == seen[-1].total == 10 * PART
    assert site.sha256(dandiset) == {asset.asset_path: hashlib.sha256(content).hexdigest()}
    assert not journal.exists()


def test_an_upload_that_the_store_forgot_begins_anew(new_archive: Callable[..., Site], tmp_path: Path) -> None:
    site = new_archive()
    assert site.archive is not None
    dandiset, content = site.new_dandiset(), os.urandom(4 * PART)
    asset = asset_of(tmp_path, "sub-1/sub-1_ses-a.nwb", content)
    stop_after(site, dandiset, asset, tmp_path / "s", parts=2)
    (open_upload,) = site.archive.state.uploads.values()
    site.archive.store.abort(open_upload.key, open_upload.multipart_id)
    report = publish(site, dandiset, [asset], tmp_path / "s")
    assert report.good, report.outcomes
    assert any("does not know the upload any more" in note for note in report.notes)
    assert site.sha256(dandiset) == {asset.asset_path: hashlib.sha256(content).hexdigest()}


def test_an_orphan_stays_while_others_upload(new_archive: Callable[..., Site], tmp_path: Path) -> None:
    site = new_archive()
    assert site.archive is not None
    dandiset = site.new_dandiset()
    theirs = asset_of(tmp_path, "sub-2/sub-2_ses-a.nwb", os.urandom(4 * PART))
    stop_after(site, dandiset, theirs, tmp_path / "theirs", parts=2)
    asset = asset_of(tmp_path, "sub-1/sub-1_ses-a.nwb", os.urandom(4 * PART))
    (journal,) = stop_after(site, dandiset, asset, tmp_path / "s", parts=2)
    mine = json.loads(journal.read_bytes().split(b"\n")[0])["upload_id"]
    found = site.archive.state.uploads[mine]
    site.archive.store.abort(found.key, found.multipart_id)
    report = publish(site, dandiset, [asset], tmp_path / "s")
    assert report.good
    assert "stay in the archive" in report.notes[-1]
    assert len(client_of(site).open_uploads(dandiset)) == 2
    resumed = publish(site, dandiset, [theirs], tmp_path / "theirs")
    assert resumed.outcomes[0].resumed == 2 * PART
