"""The archive's protocol, as the real one was measured: each test also runs against a real archive (``DANDI_TESTS_API_URL``)."""

from __future__ import annotations

import hashlib
from typing import Any

import requests
from loopback.site import Site


def etag_of(content: bytes, part: int) -> str:
    pieces = [hashlib.md5(content[start : start + part]).digest() for start in range(0, len(content), part)]
    return f"{hashlib.md5(b''.join(pieces)).hexdigest()}-{len(pieces)}"


def part_size(site: Site) -> int:
    return 64 * 2**20 if site.archive is None else site.archive.settings.part_size


def begin(site: Site, dandiset: str, content: bytes, **asked: Any) -> requests.Response:
    digest = {"algorithm": "dandi:dandi-etag", "value": etag_of(content, part_size(site))}
    body = {"contentSize": len(content), "dandiset": dandiset, "digest": digest, **asked}
    return site.call("POST", "/uploads/initialize/", json=body)


def put_parts(begun: dict[str, Any], content: bytes) -> list[dict[str, Any]]:
    sent, start = [], 0
    for part in begun["parts"]:
        piece = content[start : start + part["size"]]
        start += part["size"]
        answered = requests.put(part["upload_url"], data=piece, timeout=60)
        answered.raise_for_status()
        sent.append({"part_number": part["part_number"], "size": len(piece), "etag": answered.headers["ETag"].strip('"')})
    return sent


def complete(site: Site, begun: dict[str, Any], sent: list[dict[str, Any]]) -> requests.Response:
    answered = site.call("POST", f"/uploads/{begun['upload_id']}/complete/", json={"parts": sent})
    answered.raise_for_status()
    return requests.post(answered.json()["complete_url"], data=answered.json()["body"], timeout=60)


def upload(site: Site, dandiset: str, content: bytes) -> str:
    """Upload a blob, and give its id."""
    begun = begin(site, dandiset, content)
    begun.raise_for_status()
    complete(site, begun.json(), put_parts(begun.json(), content)).raise_for_status()
    validated = site.call("POST", f"/uploads/{begun.json()['upload_id']}/validate/")
    validated.raise_for_status()
    return str(validated.json()["blob_id"])


def test_a_file_becomes_an_asset(archive: Site) -> None:
    content = bytes(range(256)) * 300 + b"of this test alone"
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
