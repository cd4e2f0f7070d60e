"""Everything that speaks against publishing, at once; and what the archive will show."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import h5py
import pytest

from bergmann.errors import SourceError
from bergmann.findings import has_errors
from bergmann.publish.assets import Prepared
from bergmann.publish.prediction import predict_summary
from bergmann.publish.preflight import prepare

from .small_dandisets import DANDISET, make_dandiset, make_session, write

VIDEO = "sub-m1/sub-m1_ses-pod7_image/camera.mp4"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_dandiset(tmp_path / "dandiset")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def errors(prepared: Prepared) -> list[str]:
    return [one.text.removeprefix("error: ") for one in prepared.findings if one.severity == "error"]


def test_a_folder_that_can_be_published(folder: Path) -> None:
    prepared = prepare(folder)
    assert errors(prepared) == []
    assert [asset.asset_path for asset in prepared.assets] == [
        "sub-m1/sub-m1_ses-base.nwb",
        "sub-m1/sub-m1_ses-pod7_image.nwb",
        VIDEO,
    ]
    for asset in prepared.assets:
        assert asset.size == asset.path.stat().st_size
        assert asset.metadata["path"] == asset.asset_path
        assert "digest" not in asset.metadata
    proof = [one for one in prepared.findings if one.check == "proof"]
    assert [one.severity for one in proof] == ["warning", "warning"]  # pynwb alone wrote them


def test_the_metadata_are_what_dandi_makes_and_dandischema_takes(folder: Path) -> None:
    from dandi.files import dandi_file
    from dandi.misctypes import DUMMY_DANDI_ETAG
    from dandischema.models import BareAsset

    for asset in prepare(folder).assets:
        own: Any = dandi_file(asset.path, folder)
        theirs = own.get_metadata(digest=DUMMY_DANDI_ETAG).model_dump(mode="json", exclude_none=True)
        made = dict(asset.metadata)
        BareAsset(**made, digest=theirs["digest"])
        for changing in ("digest", "dateModified", "wasGeneratedBy"):
            theirs.pop(changing)
            made.pop(changing, None)
        for unsorted in ("approach", "measurementTechnique", "variableMeasured"):
            assert sorted(made.pop(unsorted, []), key=str) == sorted(theirs.pop(unsorted, []), key=str)
        assert made == theirs


def test_the_prediction_says_what_the_archive_will_show(folder: Path) -> None:
    prepared = prepare(folder)
    base = prepared.predictions[0]
    assert (base.subject, base.keywords, base.approach) == ("m1", ("astrocyte",), ())
    assert base.session_start == "2024-05-17T10:30:57Z"
    assert base.session_end == "2024-05-17T10:30:58Z"  # ten samples at 10 Hz
    assert "TimeSeries" not in base.variables  # the archive files no bare series
    said = [one.text for one in prepared.findings if one.check == "prediction" and one.location == base.asset_path]
    why = "it has none for the types of data that are in it"
    assert said == [f"note: {base.asset_path}: the archive will show no approach of it: {why}"]
    summary = predict_summary(prepared.assets)
    assert (summary["numberOfFiles"], summary["numberOfSubjects"]) == (3, 1)
    assert summary["numberOfBytes"] == prepared.size


def test_every_reason_is_said_at_once(folder: Path) -> None:
    (folder / VIDEO).unlink()
    write(make_session(subject="m2"), folder / "sub-m2" / "sub-m2.nwb")
    write(make_session(subject="José", session="a"), folder / "sub-José" / "sub-José_ses-a.nwb")
    (folder / "sub-m1" / "sub-m1_ses-cut.nwb").write_bytes((folder / "sub-m1" / "sub-m1_ses-base.nwb").read_bytes()[:1000])
    found = "\n".join(errors(prepare(folder)))
    for part in (
        "`sub-m1_ses-pod7_image/camera.mp4` is not there",
        "sub-m2/sub-m2.nwb: its name does not tell the session",
        "rename it to sub-Jose/sub-Jose_ses-a.nwb",
        "sub-m1_ses-cut.nwb: it cannot be opened: it is cut short, 1,000 of ",
    ):
        assert part in found


def test_what_is_not_published_is_said(folder: Path) -> None:
    (folder / "sub-m1" / "old.mp4").write_bytes(b"old")
    (folder / "page.html").write_text("page", encoding="utf-8")
    (folder / ".hidden").write_text("hidden", encoding="utf-8")
    left = [(one.severity, one.location) for one in prepare(folder).findings if one.check == "left out"]
    assert left == [("warning", "sub-m1/old.mp4"), ("note", "page.html")]


def test_a_session_that_is_there_twice_is_said(folder: Path) -> None:
    there = folder / "sub-m1" / "sub-m1_ses-base.nwb"
    there.with_name("sub-m1_ses-base_copy.nwb").write_bytes(there.read_bytes())
    found = [(one.severity, one.message) for one in prepare(folder).findings if one.check == "copy"]
    assert [severity for severity, _ in found] == ["error", "warning"]
    assert "have one identifier" in found[0][1]
    assert "both say that they are session base of m1" in found[1][1]


def test_a_blinded_file_is_refused(folder: Path) -> None:
    with h5py.File(folder / "sub-m1" / "sub-m1_ses-base.nwb", "r+") as file:
        file.create_group("general/glial_receptor_metadata").attrs["arm"] = "blinded"
    assert any("its arm is blinded" in text for text in errors(prepare(folder, validated=())))


def test_a_file_that_says_it_is_excluded_is_named(folder: Path) -> None:
    write(make_session(subject="m2", keywords=["excluded", "astrocyte"]), folder / "sub-m2" / "sub-m2_ses-base.nwb")
    found = [(one.severity, one.location) for one in prepare(folder, validated=()).findings if one.check == "excluded"]
    assert found == [("warning", "sub-m2/sub-m2_ses-base.nwb")]


def test_a_species_that_dandi_would_look_up_is_known_by_its_identifier(folder: Path) -> None:
    taxon = "http://purl.obolibrary.org/obo/NCBITaxon_7209"
    path = folder / "sub-m1" / "sub-m1_ses-base.nwb"
    with h5py.File(path, "r+") as file:
        del file["general/subject/species"]
        file["general/subject/species"] = taxon
    asset = prepare(folder, validated=()).assets[0]
    (participant,) = asset.metadata["wasAttributedTo"]
    assert participant["species"] == {"identifier": taxon, "name": taxon, "schemaKey": "SpeciesType"}


def test_a_file_of_which_dandi_makes_no_metadata_is_refused(folder: Path) -> None:
    with h5py.File(folder / "sub-m1" / "sub-m1_ses-base.nwb", "r+") as file:
        del file["general/subject/species"]
        file["general/subject/species"] = "a mouse of sorts"
    found = errors(prepare(folder))
    assert len([text for text in found if "dandi" in text and "species" in text]) == 1


def test_a_file_that_changed_since_is_known(folder: Path) -> None:
    asset = prepare(folder, validated=()).assets[0]
    assert not asset.has_changed
    os.utime(asset.path, ns=(0, asset.modified + 1))
    assert asset.has_changed
    asset.path.unlink()
    assert asset.has_changed


def test_what_is_stated_of_the_dandiset_comes_along(folder: Path, tmp_path: Path) -> None:
    lab = tmp_path / "lab.yaml"
    lab.write_text(DANDISET, encoding="utf-8")
    prepared = prepare(folder, sessions=[lab], validated=())
    assert prepared.dandiset is not None
    assert prepared.dandiset["name"] == "Noradrenaline in Bergmann glia"
    assert not has_errors(prepared.findings)


def test_a_file_that_is_damaged_inside_is_refused(folder: Path) -> None:
    path = folder / "sub-m1" / "sub-m1_ses-base.nwb"
    with h5py.File(path, "r") as file:
        place = h5py.h5o.get_info(file["acquisition"].id).addr
    with path.open("r+b") as stored:
        stored.seek(place)
        stored.write(b"\0" * 16)
    found = errors(prepare(folder, validated=()))
    assert any(text.startswith("sub-m1/sub-m1_ses-base.nwb: it is damaged: ") for text in found)


def test_a_folder_without_files_and_none_at_all_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no such folder"):
        prepare(tmp_path / "nothing")
    with pytest.raises(SourceError, match="no NWB file"):
        prepare(tmp_path)
