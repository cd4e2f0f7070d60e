"""The archive's protocol, as the real one was measured: each test also runs against a real archive (``DANDI_TESTS_API_URL``)."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from loopback.protocol import begin, complete, part_size, put_parts, upload
from loopback.server import NEWCOMER, STRANGER
from loopback.settings import MIB, Settings
from loopback.site import Site, wait_for

CONTACT = {
    "name": "Bergmann, Rig",
    "email": "rig@example.org",
    "roleName": ["dcite:ContactPerson"],
    "schemaKey": "Person",
    "includeInCitation": True,
}
PUBLISHABLE = {"description": "a test", "license": ["spdx:CC-BY-4.0"], "contributor": [CONTACT]}
COMPLETE = {"schemaKey": "Asset", "encodingFormat": "text/plain"}


def test_a_file_becomes_an_asset(archive: Site) -> None:
    content = bytes(range(256)) * 300 + uuid4().bytes  # of this run alone: a real archive keeps blobs
    dandiset = archive.new_dandiset()
    blob = upload(archive, dandiset, content)
    made = archive.call(
        "POST", f"/dandisets/{dandiset}/versions/draft/assets/", json={"blob_id": blob, "metadata": {"path": "sub-1/a.nwb"}}
    )
    assert made.status_code == 200
    assert archive.sha256(dandiset) == {"sub-1/a.nwb": hashlib.sha256(content).hexdigest()}
    fetched = requests.get(f"{archive.api_url}/assets/{made.json()['asset_id']}/download/", timeout=60)
    assert fetched.content == content
    assert begin(archive, dandiset, content).status_code == 409
    assert begin(archive, dandiset, content).headers["Location"] == blob


def test_an_asset_of_one_part_has_an_etag_of_one_part(archive: Site) -> None:
    content = b"one part, %s" % uuid4().bytes
    dandiset = archive.new_dandiset()
    blob = upload(archive, dandiset, content)
    etag = hashlib.md5(hashlib.md5(content).digest()).hexdigest() + "-1"
    found = archive.call("POST", "/blobs/digest/", json={"algorithm": "dandi:dandi-etag", "value": etag}, token=None)
    assert (found.status_code, found.json()["blob_id"], found.json()["size"]) == (200, blob, len(content))
    assert archive.call("POST", "/blobs/digest/", json={"algorithm": "md5", "value": etag}).status_code == 400
    assert archive.call("POST", "/blobs/digest/", json={"algorithm": "dandi:dandi-etag", "value": f"{0:032}-1"}).status_code == 404


def test_parts_are_of_one_size_but_the_last_and_at_most_ten_thousand() -> None:
    from loopback.api import part_sizes

    assert part_sizes(150 * MIB, Settings()) == [64 * MIB, 64 * MIB, 22 * MIB]
    assert part_sizes(128 * MIB, Settings()) == [64 * MIB, 64 * MIB]
    large = part_sizes(2**40, Settings())
    assert (len(large), sum(large), large[0]) == (10_000, 2**40, 109_951_163)


@given(size=st.integers(1, 10**7), part=st.integers(600, 10**6))
def test_parts_are_those_of_dandischema(size: int, part: int) -> None:
    from dandischema.digests.dandietag import PartGenerator
    from loopback.api import part_sizes

    ours = type("OfThisSize", (PartGenerator,), {"DEFAULT_PART_SIZE": part, "MIN_PART_SIZE": 1})
    assert part_sizes(size, Settings(part_size=part)) == [piece.size for piece in ours.for_file_size(size)]


def test_a_part_of_the_wrong_length_is_refused_with_403(archive: Site) -> None:
    content = uuid4().bytes * 10
    begun = begin(archive, archive.new_dandiset(), content).json()
    url = begun["parts"][0]["upload_url"]
    assert requests.put(url, data=content[:-1], timeout=60).status_code == 403
    assert requests.put(url, data=content + b"1", timeout=60).status_code == 403
    assert requests.put(url.replace("Signature=", "Signature=0"), data=content, timeout=60).status_code == 403
    assert requests.put(url, data=content, timeout=60).status_code == 200


def test_part_urls_say_when_they_expire_and_do(new_archive: Callable[..., Site]) -> None:
    site = new_archive(url_lifetime=1)
    content = uuid4().bytes
    url = begin(site, site.new_dandiset(), content).json()["parts"][0]["upload_url"]
    said = dict(parse_qsl(urlsplit(url).query))
    assert said["X-Amz-Expires"] == "1"
    assert abs(datetime.strptime(said["X-Amz-Date"], "%Y%m%dT%H%M%S%z") - datetime.now(UTC)) < timedelta(seconds=60)
    time.sleep(2.1)
    answered = requests.put(url, data=content, timeout=60)
    assert (answered.status_code, "Request has expired" in answered.text) == (403, True)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"contentSize": 0}, 400),
        ({"digest": {"algorithm": "dandi:sha2-256", "value": "0" * 64}}, 400),
        ({"dandiset": "x"}, 400),
        ({"dandiset": "999998"}, 404),
    ],
)
def test_initialize_refuses(archive: Site, asked: dict[str, Any], status: int) -> None:
    assert begin(archive, archive.new_dandiset(), uuid4().bytes, **asked).status_code == status


def test_who_has_no_token_a_wrong_one_or_no_right_is_refused(new_archive: Callable[..., Site]) -> None:
    site = new_archive()
    dandiset = site.new_dandiset()
    asset = {"blob_id": str(uuid4()), "metadata": {"path": "a.txt"}}
    for token, status in [(None, 401), ("wrong", 401), (STRANGER.token, 403), (NEWCOMER.token, 403)]:
        digest = {"algorithm": "dandi:dandi-etag", "value": f"{0:032}-1"}
        asked = {"contentSize": 1, "dandiset": dandiset, "digest": digest}
        assert site.call("POST", "/uploads/initialize/", json=asked, token=token).status_code == status
        assert site.call("POST", f"/dandisets/{dandiset}/versions/draft/assets/", json=asset, token=token).status_code == status
        assert site.call("DELETE", f"/dandisets/{dandiset}/uploads/", token=token).status_code == status
        metadata = {"name": "other", "metadata": {}}
        assert site.call("PUT", f"/dandisets/{dandiset}/versions/draft/", json=metadata, token=token).status_code == status
    assert site.call("GET", "/auth/token/", token=NEWCOMER.token).status_code == 403
    assert site.call("GET", "/users/me/", token=NEWCOMER.token).json()["status"] == "PENDING"
    assert site.call("GET", f"/dandisets/{dandiset}/", token=None).status_code == 200


def test_the_token_without_its_slash_redirects(archive: Site) -> None:
    answered = archive.call("GET", "/auth/token")
    assert ([step.status_code for step in answered.history], answered.json()) == ([301], archive.token)
    assert archive.call("GET", "/users/me/").json()["status"] == "APPROVED"


def test_an_upload_is_validated_once(archive: Site) -> None:
    content = uuid4().bytes * 10_000
    dandiset = archive.new_dandiset()
    begun = begin(archive, dandiset, content).json()
    early = archive.call("POST", f"/uploads/{begun['upload_id']}/validate/")
    assert (early.status_code, early.json()) == (400, ["Object does not exist."])
    complete(archive, begun, put_parts(begun, content)).raise_for_status()
    assert archive.call("POST", f"/uploads/{begun['upload_id']}/validate/").status_code == 200
    assert archive.call("POST", f"/uploads/{begun['upload_id']}/validate/").status_code == 404


def test_of_two_uploads_of_one_content_the_second_is_refused_at_validate(archive: Site) -> None:
    content = uuid4().bytes * 10_000
    dandiset = archive.new_dandiset()
    first, second = (begin(archive, dandiset, content).json() for _ in range(2))
    for begun in (first, second):
        complete(archive, begun, put_parts(begun, content)).raise_for_status()
    assert archive.call("POST", f"/uploads/{first['upload_id']}/validate/").status_code == 200
    assert archive.call("POST", f"/uploads/{second['upload_id']}/validate/").status_code == 409


def test_a_blob_that_is_not_what_was_said_is_refused_at_validate(archive: Site) -> None:
    said, sent = b"a" * 100_000, b"b" * 100_000
    begun = begin(archive, archive.new_dandiset(), said + uuid4().bytes).json()
    complete(archive, begun, put_parts(begun, sent + uuid4().bytes)).raise_for_status()
    refused = archive.call("POST", f"/uploads/{begun['upload_id']}/validate/")
    assert (refused.status_code, "does not match actual ETag" in refused.text) == (400, True)


def test_missing_parts_are_sent_later_and_the_upload_finished(archive: Site) -> None:
    content = uuid4().bytes * (part_size() * 5 // 32)  # two parts and a half
    dandiset = archive.new_dandiset()
    begun = begin(archive, dandiset, content).json()
    first = put_parts({"parts": begun["parts"][:1]}, content)
    listed = archive.call("GET", f"/dandisets/{dandiset}/uploads/").json()
    assert [row["upload_id"] for row in listed["results"]] == [begun["upload_id"]]
    rest = put_parts({"parts": begun["parts"][1:]}, content[part_size() :])
    complete(archive, begun, first + rest).raise_for_status()
    assert archive.call("POST", f"/uploads/{begun['upload_id']}/validate/").status_code == 200
    assert archive.call("GET", f"/dandisets/{dandiset}/uploads/").json()["count"] == 0


def test_the_uploads_of_a_dandiset_are_deleted_together(archive: Site) -> None:
    dandiset, other = archive.new_dandiset(), archive.new_dandiset()
    gone = [begin(archive, dandiset, uuid4().bytes).json()["upload_id"] for _ in range(2)]
    kept = begin(archive, other, uuid4().bytes).json()["upload_id"]
    assert archive.call("DELETE", f"/dandisets/{dandiset}/uploads/").status_code == 204
    assert archive.call("GET", f"/dandisets/{dandiset}/uploads/").json()["count"] == 0
    for upload_id in gone:
        parts = {"parts": [{"part_number": 1, "size": 16, "etag": "0" * 32}]}
        assert archive.call("POST", f"/uploads/{upload_id}/complete/", json=parts).status_code == 404
    assert archive.call("GET", f"/dandisets/{other}/uploads/").json()["results"][0]["upload_id"] == kept


def test_an_upload_that_the_store_does_not_know_any_more_is_404(new_archive: Callable[..., Site]) -> None:
    site = new_archive()
    assert site.archive is not None
    content = uuid4().bytes
    begun = begin(site, site.new_dandiset(), content).json()
    upload_of = site.archive.state.uploads[begun["upload_id"]]
    site.archive.store.abort(upload_of.key, upload_of.multipart_id)
    gone = requests.put(begun["parts"][0]["upload_url"], data=content, timeout=60)
    assert (gone.status_code, "NoSuchUpload" in gone.text) == (404, True)
    assert complete(site, begun, [{"part_number": 1, "size": 16, "etag": "0" * 32}]).status_code == 404


@pytest.mark.parametrize(("finished_twice", "status"), [(True, 200), (False, 404)])
def test_an_upload_is_completed_twice_as_the_settings_say(
    new_archive: Callable[..., Site], finished_twice: bool, status: int
) -> None:
    site = new_archive(finished_twice=finished_twice)
    content = uuid4().bytes
    begun = begin(site, site.new_dandiset(), content).json()
    sent = put_parts(begun, content)
    assert [complete(site, begun, sent).status_code for _ in range(2)] == [200, status]
    assert requests.put(begun["parts"][0]["upload_url"], data=content, timeout=60).status_code == 404


def test_paths_that_clash_are_refused_with_409(archive: Site) -> None:
    dandiset = archive.new_dandiset()
    blob = upload(archive, dandiset, uuid4().bytes)
    url = f"/dandisets/{dandiset}/versions/draft/assets/"

    def post(path: str) -> int:
        return archive.call("POST", url, json={"blob_id": blob, "metadata": {"path": path}}).status_code

    assert [post("sub-1/a.nwb"), post("sub-1/a.nwb"), post("sub-1"), post("sub-1/a.nwb/b")] == [200, 409, 409, 409]
    assert [post("sub-1/c.nwb"), post("sub-1/A.nwb")] == [200, 200]


@pytest.mark.parametrize("path", ["", "/a.txt", "a:b.txt", "a//b.txt", "é.txt", "a/", "a..b", "µ.nwb", "a*b", 'a"b', "a" * 513])
def test_a_path_with_other_characters_is_refused_with_400(archive: Site, path: str) -> None:
    dandiset = archive.new_dandiset()
    blob = upload(archive, dandiset, uuid4().bytes)
    url = f"/dandisets/{dandiset}/versions/draft/assets/"
    assert archive.call("POST", url, json={"blob_id": blob, "metadata": {"path": path}}).status_code == 400


@given(st.text("aZ09_-(),& #+~=./", min_size=1, max_size=12))
def test_the_rule_of_paths_is_the_archives(path: str) -> None:
    """The archive's own expression, as its issue and source state it, against ours, which takes linear time."""
    from loopback.http import Refused
    from loopback.paths import check_path

    theirs = re.match(r"^([A-z0-9(),&\s#+~_=-]?\/?\.?[A-z0-9(),&\s#+~_=-])+$", path) and not path.startswith("/")
    if theirs:
        check_path(path)
    else:
        with pytest.raises(Refused):
            check_path(path)


def test_incomplete_metadata_are_accepted_and_their_errors_appear_later(archive: Site) -> None:
    dandiset = archive.new_dandiset(metadata=PUBLISHABLE)
    blob = upload(archive, dandiset, uuid4().bytes)
    url = f"/dandisets/{dandiset}/versions/draft/assets/"
    made = archive.call("POST", url, json={"blob_id": blob, "metadata": {"path": "a.txt"}})
    assert made.status_code == 200

    def settled() -> dict[str, Any] | None:
        state = archive.draft(dandiset)
        waiting = [row for row in state["asset_validation_errors"] if "being validated" in row["message"]]
        return None if waiting or state["status"] in {"Pending", "Validating"} else state

    state = wait_for(settled, timeout=600)
    assert (state["status"], state["version_validation_errors"]) == ("Valid", [])
    assert {row["path"] for row in state["asset_validation_errors"]} == {"a.txt"}  # Valid, and yet not publishable
    assert archive.call("POST", f"/dandisets/{dandiset}/versions/draft/publish/").status_code == 400
    shown = archive.call("GET", f"{url}{made.json()['asset_id']}/validation/").json()
    assert (shown["status"], len(shown["validation_errors"]) > 0) == ("Invalid", True)


def test_metadata_of_a_newer_schema_are_stored_and_then_invalid(archive: Site) -> None:
    dandiset = archive.new_dandiset()
    blob = upload(archive, dandiset, uuid4().bytes)
    sent = {**COMPLETE, "path": "a.txt", "schemaVersion": "99.0.0"}
    made = archive.call("POST", f"/dandisets/{dandiset}/versions/draft/assets/", json={"blob_id": blob, "metadata": sent})
    assert (made.status_code, made.json()["metadata"]["schemaVersion"]) == (200, "99.0.0")
    shown = validated(archive, dandiset, made.json()["asset_id"])
    assert (shown["status"], "99.0.0" in shown["validation_errors"][0]["message"]) == ("Invalid", True)


def test_a_dandiset_is_published_once_everything_is_valid(new_archive: Callable[..., Site]) -> None:
    archive = new_archive()  # never on a real archive: a published version cannot be withdrawn
    assert archive.archive is not None
    dandiset = archive.new_dandiset(metadata=PUBLISHABLE)
    blob = upload(archive, dandiset, uuid4().bytes)
    url = f"/dandisets/{dandiset}/versions/draft/"
    with archive.archive.worker.paused():
        made = archive.call("POST", f"{url}assets/", json={"blob_id": blob, "metadata": {**COMPLETE, "path": "a.txt"}})
        assert archive.draft(dandiset)["asset_validation_errors"][0]["message"].startswith("asset is currently being validated")
        assert archive.call("POST", f"{url}publish/").status_code == 409  # pending
    assert validated(archive, dandiset, made.json()["asset_id"])["validation_errors"] == []
    wait_for(lambda: True if archive.draft(dandiset)["status"] == "Valid" else None)
    assert archive.draft(dandiset)["asset_validation_errors"] == []
    assert archive.call("POST", f"{url}publish/").status_code == 202
    shown = wait_for(lambda: archive.call("GET", f"/dandisets/{dandiset}/").json()["most_recent_published_version"])
    assert (shown["asset_count"], shown["size"], archive.draft(dandiset)["status"]) == (1, 16, "Published")
    assert archive.call("POST", f"{url}publish/").status_code == 400
    there = f"/dandisets/{dandiset}/versions/{shown['version']}/assets/{made.json()['asset_id']}/"
    assert archive.call("DELETE", there).status_code == 405


def test_an_asset_is_replaced_in_place(archive: Site) -> None:
    dandiset = archive.new_dandiset()
    url = f"/dandisets/{dandiset}/versions/draft/assets/"
    before, after = (upload(archive, dandiset, uuid4().bytes) for _ in range(2))
    made = archive.call("POST", url, json={"blob_id": before, "metadata": {"path": "a.txt"}}).json()
    replaced = archive.call("PUT", f"{url}{made['asset_id']}/", json={"blob_id": after, "metadata": {"path": "a.txt"}})
    assert (replaced.status_code, replaced.json()["blob"]) == (200, after)
    assert replaced.json()["asset_id"] != made["asset_id"]
    again = archive.call("PUT", f"{url}{replaced.json()['asset_id']}/", json={"blob_id": after, "metadata": {"path": "a.txt"}})
    assert again.json()["asset_id"] == replaced.json()["asset_id"]
    assert [row["blob"] for row in archive.assets(dandiset).values()] == [after]
    assert archive.call("GET", f"{url}{made['asset_id']}/").status_code == 404
    assert archive.call("DELETE", f"{url}{again.json()['asset_id']}/").status_code == 204
    assert archive.assets(dandiset) == {}


def test_assets_are_found_by_path_glob_and_folder(archive: Site) -> None:
    dandiset = archive.new_dandiset()
    blob = upload(archive, dandiset, uuid4().bytes)
    url = f"/dandisets/{dandiset}/versions/draft/assets/"
    for path in ["sub-1/a.nwb", "sub-1/b.nwb", "sub-10/a.nwb", "dandiset.yaml"]:
        archive.call("POST", url, json={"blob_id": blob, "metadata": {"path": path}}).raise_for_status()

    def listed(**asked: str) -> list[str]:
        return [row["path"] for row in archive.call("GET", url, params={"order": "path", **asked}).json()["results"]]

    assert listed(path="sub-1") == ["sub-1/a.nwb", "sub-1/b.nwb", "sub-10/a.nwb"]
    assert listed(path="sub-1/a.nwb") == ["sub-1/a.nwb"]
    assert listed(glob="sub-*/a.nwb") == ["sub-1/a.nwb", "sub-10/a.nwb"]
    first = archive.call("GET", url, params={"page_size": 3}).json()
    assert (first["count"], len(first["results"])) == (4, 3)
    rest = requests.get(first["next"], headers={"Authorization": f"token {archive.token}"}, timeout=60).json()
    assert (rest["count"], len(rest["results"]), rest["next"]) == (None, 1, None)
    below = archive.call("GET", f"{url}paths/", params={"path_prefix": "sub-1/"}).json()["results"]
    assert [(row["path"], row["aggregate_size"]) for row in below] == [("sub-1/a.nwb", 16), ("sub-1/b.nwb", 16)]
    root = archive.call("GET", f"{url}paths/").json()["results"]
    assert [(row["path"], row["aggregate_files"], row["asset"] is None) for row in root] == [
        ("dandiset.yaml", 1, False),
        ("sub-1", 2, True),
        ("sub-10", 1, True),
    ]
    assert archive.call("GET", f"{url}paths/", params={"path_prefix": "sub-2/"}).status_code == 404


def test_metadata_of_a_dandiset_are_kept_and_what_the_archive_computes_is_its_own(archive: Site) -> None:
    dandiset = archive.new_dandiset("first")
    url = f"/dandisets/{dandiset}/versions/draft/"
    before = archive.call("GET", url).json()
    sent = {**before, "description": "d", "name": "ignored", "identifier": "DANDI:000000", "citation": "none"}
    put = archive.call("PUT", url, json={"name": "second", "metadata": sent})
    after = archive.call("GET", url).json()
    assert (put.status_code, after["name"], after["description"]) == (200, "second", "d")
    assert (after["identifier"], after["citation"] != "none") == (before["identifier"], True)


def test_an_embargoed_dandiset_is_for_its_owners(new_archive: Callable[..., Site]) -> None:
    site = new_archive()
    dandiset = site.new_dandiset(embargo=True)
    content = uuid4().bytes * 10_000
    blob = upload(site, dandiset, content)
    url = f"/dandisets/{dandiset}/versions/draft/assets/"
    made = site.call("POST", url, json={"blob_id": blob, "metadata": {"path": "a.txt"}}).json()
    assert made["metadata"]["access"][0]["status"] == "dandi:EmbargoedAccess"
    for token, status in [(None, 401), (STRANGER.token, 403), (site.token, 200)]:
        assert site.call("GET", f"/dandisets/{dandiset}/", token=token).status_code == status
        assert site.call("GET", url, token=token).status_code == status
        assert site.call("GET", f"/assets/{made['asset_id']}/", token=token).status_code == status
    assert requests.get(made["metadata"]["contentUrl"][1], timeout=60).status_code == 403
    assert site.call("GET", f"/assets/{made['asset_id']}/download/").content == content
    assert site.call("POST", f"/dandisets/{dandiset}/versions/draft/publish/").status_code == 400
    assert site.call("POST", f"/dandisets/{dandiset}/unembargo/").status_code == 200
    wait_for(lambda: site.call("GET", f"/dandisets/{dandiset}/", token=None).status_code == 200 or None)
    assert requests.get(made["metadata"]["contentUrl"][1], timeout=60).content == content


def test_a_token_that_follows_a_redirect_to_the_store_is_noticed(new_archive: Callable[..., Site]) -> None:
    site = new_archive()
    assert site.archive is not None
    dandiset = site.new_dandiset()
    blob = upload(site, dandiset, uuid4().bytes)
    url = f"/dandisets/{dandiset}/versions/draft/assets/"
    made = site.call("POST", url, json={"blob_id": blob, "metadata": {"path": "a.txt"}}).json()
    place = site.call("GET", f"/assets/{made['asset_id']}/download/", allow_redirects=False).headers["Location"]
    assert site.archive.store.gate.foreign_authorizations == []
    assert requests.get(place, headers={"Authorization": f"token {site.token}"}, timeout=60).status_code == 400
    assert site.archive.store.gate.foreign_authorizations == [f"token {site.token}"]


def validated(site: Site, dandiset: str, asset_id: str) -> dict[str, Any]:
    """What the archive's background validation says of an asset, once it has said it."""
    url = f"/dandisets/{dandiset}/versions/draft/assets/{asset_id}/validation/"

    def said() -> dict[str, Any] | None:
        answered = site.call("GET", url).json()
        return None if answered["status"] in {"Pending", "Validating"} else answered

    return wait_for(said, timeout=600)
