"""The steps of an upload, bare: what a client does when nothing goes wrong. The tests of the archive itself use them."""

from __future__ import annotations

import hashlib
from typing import Any

import requests

from loopback.site import Site


def etag_of(content: bytes, part: int) -> str:
    pieces = [hashlib.md5(content[start : start + part]).digest() for start in range(0, len(content), part)]
    return f"{hashlib.md5(b''.join(pieces)).hexdigest()}-{len(pieces)}"


def part_size() -> int:
    """Bytes of a part, as dandischema has it: 64 MiB, and what the fixtures make of it for an archive with smaller ones."""
    from dandischema.digests.dandietag import PartGenerator

    return PartGenerator.DEFAULT_PART_SIZE


def begin(site: Site, into: str, content: bytes, **asked: Any) -> requests.Response:
    digest = {"algorithm": "dandi:dandi-etag", "value": etag_of(content, part_size())}
    body = {"contentSize": len(content), "dandiset": into, "digest": digest, **asked}
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
