"""Each fault does what it says, to the request it names, as often as it says."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import requests
from loopback.protocol import begin, complete, put_parts, upload
from loopback.proxy import Fault, Step, step_of
from loopback.site import Site


@pytest.fixture
def content() -> bytes:
    """Four parts of 64 KiB, the last of 8,192 bytes."""
    return uuid4().bytes * 12_800


def parts_of(site: Site, content: bytes) -> list[dict[str, Any]]:
    """The parts of an upload that was begun, each with its bytes."""
    parts = begin(site, site.new_dandiset(), content).json()["parts"]
    starts = [sum(part["size"] for part in parts[:index]) for index in range(len(parts))]
    return [{**part, "bytes": content[start : start + part["size"]]} for part, start in zip(parts, starts, strict=True)]


def put(part: dict[str, Any], timeout: float = 30) -> requests.Response:
    return requests.put(part["upload_url"], data=part["bytes"], timeout=timeout)


@pytest.mark.parametrize(
    ("method", "path", "step"),
    [
        ("POST", "/api/uploads/initialize/", "initialize"),
        ("PUT", "/dandiarchive-1/blobs/a/b/c?uploadId=1&partNumber=2&X-Amz-Date=3", "part"),
        ("POST", "/api/uploads/0-1/complete/", "complete"),
        ("POST", "/dandiarchive-1/blobs/a/b/c?uploadId=1", "finish"),
        ("POST", "/api/uploads/0-1/validate/", "validate"),
        ("POST", "/api/dandisets/000001/versions/draft/assets/", "asset"),
        ("PUT", "/api/dandisets/000001/versions/draft/assets/0-1/", "replace"),
        ("GET", "/api/auth/token", "token"),
        ("GET", "/api/dandisets/000001/versions/draft/assets/?path=a", "assets"),
        ("GET", "/api/dandisets/000001/versions/draft/assets/paths/?path_prefix=a", "assets"),
        ("GET", "/api/dandisets/000001/versions/draft/info/", "draft"),
        ("PUT", "/api/dandisets/000001/versions/draft/", "draft"),
        ("GET", "/api/assets/0-1/download/", "download"),
        ("GET", "/dandiarchive-1/blobs/a/b/c?X-Amz-Date=3", "download"),
        ("GET", "/api/users/me/", "other"),
    ],
)
def test_a_request_is_of_a_step(method: str, path: str, step: Step) -> None:
    assert step_of(method, path)[0] == step


def test_without_faults_everything_passes(faulty_archive: Site, content: bytes) -> None:
    dandiset = faulty_archive.new_dandiset()
    blob = upload(faulty_archive, dandiset, content)
    made = {"blob_id": blob, "metadata": {"path": "a.nwb"}}
    faulty_archive.call("POST", f"/dandisets/{dandiset}/versions/draft/assets/", json=made).raise_for_status()
    assert faulty_archive.sha256(dandiset) == {"a.nwb": hashlib.sha256(content).hexdigest()}
    steps = [passed.step for passed in faulty_archive.faults.seen if passed.step != "assets"]
    assert steps == ["other", "initialize", *["part"] * 4, "complete", "finish", "validate", "asset"]
    assert (faulty_archive.faults.part_bytes, faulty_archive.faults.struck) == (len(content), 0)


@pytest.mark.parametrize(("position", "struck"), [("first", [1]), ("middle", [2]), ("last", [4]), (3, [3]), (None, [1])])
def test_a_fault_strikes_the_part_it_names_once(faulty_archive: Site, content: bytes, position: Any, struck: list[int]) -> None:
    faulty_archive.faults.add(Fault("status", "part", position))
    answers = {part["part_number"]: put(part).status_code for part in parts_of(faulty_archive, content)}
    assert [number for number, status in answers.items() if status == 500] == struck
    assert faulty_archive.faults.struck == 1


@pytest.mark.parametrize(("times", "expected"), [(1, [503, 200, 200, 200]), (3, [503, 503, 503, 200]), (None, [503] * 4)])
def test_a_fault_strikes_as_often_as_it_says(faulty_archive: Site, content: bytes, times: int | None, expected: list[int]) -> None:
    faulty_archive.faults.add(Fault("status", "part", "last", times=times, status=503, headers={"Retry-After": "0"}))
    last = parts_of(faulty_archive, content)[-1]
    assert [put(last).status_code for _ in range(4)] == expected
    faulty_archive.faults.clear()
    assert put(last).status_code == 200


def test_a_reset_part_never_reaches_the_store(faulty_archive: Site, content: bytes) -> None:
    first = parts_of(faulty_archive, content)[0]
    faulty_archive.faults.add(Fault("reset", "part"))
    with pytest.raises(requests.ConnectionError):
        put(first)
    assert faulty_archive.archive is not None
    assert faulty_archive.archive.store.gate.parts == []
    assert [passed.received for passed in faulty_archive.faults.seen if passed.step == "part"] == [first["size"] // 2]
    assert put(first).status_code == 200


def test_a_lost_answer_leaves_the_server_ahead(faulty_archive: Site, content: bytes) -> None:
    dandiset = faulty_archive.new_dandiset()
    begun = begin(faulty_archive, dandiset, content).json()
    complete(faulty_archive, begun, put_parts(begun, content)).raise_for_status()
    faulty_archive.faults.add(Fault("lost", "validate"))
    with pytest.raises(requests.ConnectionError):
        faulty_archive.call("POST", f"/uploads/{begun['upload_id']}/validate/")
    assert faulty_archive.call("POST", f"/uploads/{begun['upload_id']}/validate/").status_code == 404
    assert begin(faulty_archive, dandiset, content).headers["Location"] == begun["upload_id"]


def test_a_truncated_answer_is_an_error_of_the_connection(faulty_archive: Site, content: bytes) -> None:
    dandiset = faulty_archive.new_dandiset()
    faulty_archive.faults.add(Fault("truncated", "initialize"))
    with pytest.raises(requests.RequestException):
        begin(faulty_archive, dandiset, content)
    assert faulty_archive.call("GET", f"/dandisets/{dandiset}/uploads/").json()["count"] == 1
    faulty_archive.faults.add(Fault("truncated", "part"))
    cut = put(parts_of(faulty_archive, content)[0])  # cut within its headers, the answer looks whole to Python's http.client
    assert (cut.status_code, "Content-Length" in cut.headers) == (200, False)


def test_a_hanging_server_says_nothing(faulty_archive: Site, content: bytes) -> None:
    faulty_archive.faults.add(Fault("hang", "part"))
    first = parts_of(faulty_archive, content)[0]
    with pytest.raises(requests.ReadTimeout):
        put(first, timeout=0.5)
    assert put(first).status_code == 200


def test_a_trickle_takes_its_time_and_arrives(faulty_archive: Site, content: bytes) -> None:
    faulty_archive.faults.add(Fault("trickle", "part", seconds=0.5))
    begun = time.monotonic()
    assert put(parts_of(faulty_archive, content)[0]).status_code == 200
    assert time.monotonic() - begun >= 0.9


def test_an_etag_can_be_wrong_on_the_way_or_the_bytes(faulty_archive: Site, content: bytes) -> None:
    first = parts_of(faulty_archive, content)[0]
    right = hashlib.md5(first["bytes"]).hexdigest()
    faulty_archive.faults.add(Fault("wrong etag", "part"))
    assert put(first).headers["ETag"].strip('"')[1:] == right[1:]
    faulty_archive.faults.add(Fault("corrupted", "part"))
    changed = first["bytes"][:-1] + bytes([first["bytes"][-1] ^ 1])
    assert put(first).headers["ETag"] == f'"{hashlib.md5(changed).hexdigest()}"'
    assert put(first).headers["ETag"] == f'"{right}"'


def test_the_etag_of_the_whole_can_be_wrong(faulty_archive: Site, content: bytes) -> None:
    begun = begin(faulty_archive, faulty_archive.new_dandiset(), content).json()
    sent = put_parts(begun, content)
    faulty_archive.faults.add(Fault("wrong etag", "finish"))
    wrong, right = (complete(faulty_archive, begun, sent).text for _ in range(2))
    assert len(wrong) == len(right)
    assert sum(one != other for one, other in zip(wrong, right, strict=True)) == 1


@pytest.mark.parametrize(("kind", "uploads"), [("killed before", 0), ("killed after", 1)])
def test_the_client_is_killed_before_or_after_the_server_acted(
    new_faulty_archive: Callable[..., Site], content: bytes, kind: Any, uploads: int
) -> None:
    site = new_faulty_archive()
    killed: list[int] = []
    site.faults.kill = lambda: killed.append(1)
    dandiset = site.new_dandiset()
    site.faults.add(Fault(kind, "initialize"))
    with pytest.raises(requests.ConnectionError):
        begin(site, dandiset, content)
    assert killed == [1]
    assert site.call("GET", f"/dandisets/{dandiset}/uploads/").json()["count"] == uploads
