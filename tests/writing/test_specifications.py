"""Specifications of files are parsed once a process, and nobody sees a difference."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from bergmann.validate import validate_paths
from bergmann.writing import write_session
from bergmann.writing.specifications import parsed_once

from .conftest import add_light, make_session


def _written(folder: Path, session_id: str, *more: Callable[[Any], None]) -> Path:
    made = make_session(session_id=session_id)
    for add in more:
        add(made)
    return write_session(made.nwbfile, folder, made.streams)


def _scratch(path: Path) -> Any:
    """The namespaces of a file in a catalog of their own, as pynwb's validator loads them."""
    from hdmf.spec import NamespaceCatalog
    from pynwb import NWBHDF5IO
    from pynwb.spec import NWBDatasetSpec, NWBGroupSpec, NWBNamespace

    catalog = NamespaceCatalog(group_spec_cls=NWBGroupSpec, dataset_spec_cls=NWBDatasetSpec, spec_namespace_cls=NWBNamespace)
    catalog.loaded = NWBHDF5IO.load_namespaces(namespace_catalog=catalog, path=path)
    return catalog


def _said(catalog: Any) -> dict[str, Any]:
    """All that a catalog says: every type of every namespace, resolved."""
    spaces = {name: catalog.get_namespace(name) for name in catalog.namespaces}
    return {
        name: (space["version"], {kind: space.get_spec(kind) for kind in space.get_registered_types()})
        for name, space in spaces.items()
    }


def test_a_second_reading_builds_no_type_and_finds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hdmf.spec import GroupSpec

    one, other = _written(tmp_path, "one", add_light), _written(tmp_path, "two", add_light)
    stock = _scratch(one)
    with parsed_once():
        first = _scratch(one)
        with monkeypatch.context() as patch:
            patch.setattr(GroupSpec, "build_spec", classmethod(lambda cls, spec: pytest.fail(f"{spec} was built again")))
            second = _scratch(other)
    assert stock.loaded == first.loaded == second.loaded
    assert _said(stock) == _said(first) == _said(second)
    assert all(first.get_namespace(name) is second.get_namespace(name) for name in first.namespaces)


def test_what_another_file_says_under_the_same_name_and_version_is_not_taken_over(tmp_path: Path) -> None:
    path = _written(tmp_path, "one")
    with parsed_once():
        before = _scratch(path).get_spec("core", "TimeSeries")
        with h5py.File(path, "r+") as file:
            (core,) = file["specifications/core"].values()
            base = json.loads(core["nwb.base"][()])
            next(group for group in base["groups"] if group["neurodata_type_def"] == "TimeSeries")["doc"] = "changed"
            del core["nwb.base"]
            core["nwb.base"] = json.dumps(base)
        after = _scratch(path).get_spec("core", "TimeSeries")
    assert before["doc"] != "changed"
    assert after["doc"] == "changed"


def test_a_file_is_validated_against_its_own_specifications_also_when_others_were_just_read(tmp_path: Path) -> None:
    good, strict = _written(tmp_path, "one"), _written(tmp_path, "two")
    with h5py.File(strict, "r+") as file:
        (core,) = file["specifications/core"].values()
        files = json.loads(core["nwb.file"][()])
        (nwbfile,) = (group for group in files["groups"] if group["neurodata_type_def"] == "NWBFile")
        nwbfile["datasets"].append({"name": "not_there", "dtype": "text", "doc": "required here"})
        del core["nwb.file"]
        core["nwb.file"] = json.dumps(files)
    wrong = [finding for finding in validate_paths([good, strict, good]) if finding.severity == "error"]
    assert [(finding.origin, finding.check, finding.location) for finding in wrong] == [("pynwb", "root/not_there", strict.name)]


def test_a_file_whose_specifications_cannot_be_read_is_left_to_hdmf(tmp_path: Path) -> None:
    path = _written(tmp_path, "one")
    with h5py.File(path, "r+") as file:
        (core,) = file["specifications/core"].values()
        del core["nwb.ogen"]
    with parsed_once(), pytest.raises(KeyError):
        _scratch(path)


def test_hdmf_is_as_it_was_afterwards() -> None:
    from hdmf.spec import NamespaceCatalog

    before = NamespaceCatalog.load_namespaces
    with parsed_once():
        assert NamespaceCatalog.load_namespaces is not before
    assert NamespaceCatalog.load_namespaces is before


def test_the_top_namespace_has_all_types_of_core_and_of_what_is_used(tmp_path: Path) -> None:
    catalog = _scratch(_written(tmp_path, "one", add_light))
    core, light = (catalog.get_namespace(name).get_registered_types() for name in ("core", "ndx-ophys-devices"))
    assert set(catalog.get_namespace("bergmann-session").get_registered_types()) == {*core, *light}
