"""The released dandi client uploads to the test archive as it does to the real one: the archive is faithful.

The same tests run against a real archive (``DANDI_TESTS_API_URL`` and a token); those that upload, against one that reads the
installed version of the schema: the released client refuses others.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from dandischema.consts import DANDI_SCHEMA_VERSION
from loopback.folders import nwb_path, state_dandiset, write_nwb
from loopback.protocol import upload as upload_blob
from loopback.proxy import Fault
from loopback.site import Site, wait_for

DANDI = (sys.executable, "-c", "from dandi.cli.command import main; main()")


def dandi(site: Site, folder: Path, *arguments: str) -> str:
    """Run the released client as a person would, in a process with a home of its own; its output."""
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    done = subprocess.run(
        [*DANDI, *arguments], env=site.environment(home), cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def upload(site: Site, folder: Path, *options: str) -> str:
    info = site.info()
    if DANDI_SCHEMA_VERSION not in {info["schema_version"], *info["allowed_schema_versions"]}:
        pytest.skip(f"the released client refuses an archive of schema {info['schema_version']}; here is {DANDI_SCHEMA_VERSION}")
    return dandi(site, folder, "upload", "-i", site.api_url, *options, str(folder))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_organized_folder_is_uploaded_valid_and_then_only_what_changed(archive: Site, tmp_path: Path) -> None:
    for session in ("a", "b"):
        write_nwb(tmp_path / "rig" / f"{session}.nwb", "1", session, 200_000)
    dandiset = archive.new_dandiset()
    folder = tmp_path / dandiset
    state_dandiset(folder, dandiset)
    dandi(archive, folder, "organize", "-d", str(folder), "--files-mode", "copy", str(tmp_path / "rig"))
    paths = [nwb_path("1", session) for session in ("a", "b")]
    upload(archive, folder)
    assert archive.sha256(dandiset) == {path: sha256(folder / path) for path in paths}

    def errors() -> list[str] | None:
        rows = archive.draft(dandiset)["asset_validation_errors"]
        return None if any("being validated" in row["message"] for row in rows) else [row["message"] for row in rows]

    assert wait_for(errors, timeout=600) == []
    shown = archive.assets(dandiset)
    subject = shown[paths[0]]["metadata"]["wasAttributedTo"][0]
    assert (subject["identifier"], subject["species"]["name"]) == ("1", "Mus musculus - House mouse")

    write_nwb(folder / paths[1], "1", "b", 200_000)
    upload(archive, folder, "--existing", "refresh")
    after = archive.assets(dandiset)
    assert after[paths[0]]["asset_id"] == shown[paths[0]]["asset_id"]
    assert after[paths[1]]["blob"] != shown[paths[1]]["blob"]
    assert archive.sha256(dandiset) == {path: sha256(folder / path) for path in paths}


def test_an_embargoed_dandiset_takes_an_upload(archive: Site, tmp_path: Path) -> None:
    dandiset = archive.new_dandiset(embargo=True)
    folder = tmp_path / dandiset
    state_dandiset(folder, dandiset)
    path = nwb_path("1", "a")
    write_nwb(folder / path, "1", "a", 1000)
    upload(archive, folder, "--validation", "skip")
    assert archive.sha256(dandiset) == {path: sha256(folder / path)}
    assert archive.call("GET", f"/dandisets/{dandiset}/versions/draft/assets/", token=None).status_code == 401


@pytest.mark.parametrize("step", ["validate", "asset"])
def test_a_lost_answer_fails_the_released_client_as_it_was_measured(faulty_archive: Site, tmp_path: Path, step: str) -> None:
    """Its retry gets 404 from validate and 409 from the asset, and it reports an error although the archive has all."""
    dandiset = faulty_archive.new_dandiset()
    folder = tmp_path / dandiset
    state_dandiset(folder, dandiset)
    write_nwb(folder / nwb_path("1", "a"), "1", "a", 1000)
    faulty_archive.faults.add(Fault("lost", step))  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match="404" if step == "validate" else "409"):
        upload(faulty_archive, folder, "--validation", "skip")
    assert len(faulty_archive.assets(dandiset)) == (0 if step == "validate" else 1)


def test_the_calls_of_the_released_client_are_answered(archive: Site, tmp_path: Path) -> None:
    from dandi.dandiapi import DandiAPIClient

    content = b"by the calls of the dandi package, " + uuid4().bytes
    dandiset = archive.new_dandiset()
    blob = upload_blob(archive, dandiset, content)
    with DandiAPIClient(archive.api_url, token=archive.token) as client:
        client.authenticate(archive.token)
        assert client.server_schema_version == client.get("/info/")["schema_version"]
        there = client.get_dandiset(dandiset, "draft")
        assert any(found.identifier == dandiset for found in client.get_dandisets(draft=True, embargoed=True, order="-id"))
        assert [str(version) for version in there.get_versions()] == ["draft"]
        there.set_raw_metadata({**there.get_raw_metadata(), "description": "d"})
        assert there.get_raw_metadata()["description"] == "d"
        for path in ("sub-1/a.txt", "sub-1/b.txt", "sub-2/a.txt"):
            metadata = {"path": path, "schemaKey": "Asset", "encodingFormat": "text/plain"}
            client.post(f"{there.version_api_path}assets/", json={"blob_id": blob, "metadata": metadata})
        assert [asset.path for asset in there.get_assets(order="path")] == ["sub-1/a.txt", "sub-1/b.txt", "sub-2/a.txt"]
        assert {asset.path for asset in there.get_assets_with_path_prefix("sub-1/")} == {"sub-1/a.txt", "sub-1/b.txt"}
        assert {asset.path for asset in there.get_assets_by_glob("sub-*/a.txt")} == {"sub-1/a.txt", "sub-2/a.txt"}
        asset = there.get_asset_by_path("sub-1/a.txt")
        asset.download(tmp_path / "a.txt")
        assert (tmp_path / "a.txt").read_bytes() == content
        assert asset.get_raw_metadata()["contentSize"] == len(content)
        asset.rename("sub-1/c.txt")
        assert there.get_asset_by_path("sub-1/c.txt").blob == blob
        there.get_asset_by_path("sub-2/a.txt").delete()
        assert len(list(there.get_assets())) == 2
