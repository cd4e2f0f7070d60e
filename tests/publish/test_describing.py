"""The dandiset's own metadata into the archive, and what somebody edited there meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from loopback.site import Site

from bergmann.publish.describing import describe

from .test_uploading import client_of

STATED: dict[str, Any] = {"name": "Glia in pain", "description": "First.", "license": ["spdx:CC-BY-4.0"]}


def test_what_is_stated_is_pushed_once_and_an_edit_there_is_kept_and_said(archive: Site, tmp_path: Path) -> None:
    dandiset, client = archive.new_dandiset(), client_of(archive)
    first = describe(STATED, client, dandiset, tmp_path)
    assert {line[:6] for line in first.lines(overwrite=True)} >= {"+ desc", "+ lice"}
    first.push(overwrite=True)
    made = client.draft_metadata(dandiset)
    assert (made["name"], made["description"], made["license"]) == ("Glia in pain", "First.", ["spdx:CC-BY-4.0"])
    assert made["contributor"]  # what nobody stated stays
    assert describe(STATED, client, dandiset, tmp_path).lines(overwrite=False) == ()

    client.set_draft_metadata(dandiset, {**made, "description": "Edited on the page."})
    kept = describe(STATED, client, dandiset, tmp_path)
    assert [one.severity for one in kept.findings(overwrite=False)] == ["warning"]
    kept.push(overwrite=False)
    assert client.draft_metadata(dandiset)["description"] == "Edited on the page."
    describe(STATED, client, dandiset, tmp_path).push(overwrite=True)
    assert client.draft_metadata(dandiset)["description"] == "First."


@pytest.mark.parametrize("stated", [None, {}])
def test_where_nothing_is_stated_nothing_is_asked(stated: dict[str, Any] | None, tmp_path: Path) -> None:
    from bergmann.publish.client import Client
    from bergmann.publish.instances import Instance
    from bergmann.publish.wire import Wire

    nobody = Client(Instance("x", "http://127.0.0.1:1/api"), Wire("http://127.0.0.1:1/api", None))
    described = describe(stated, nobody, "000001", tmp_path)
    described.push(overwrite=True)
    assert (described.lines(overwrite=True), list(described.findings(overwrite=True))) == ((), [])
