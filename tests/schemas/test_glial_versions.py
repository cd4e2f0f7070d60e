"""Across versions: what was released reads today, and today's files read with what comes later and with what was before."""

from __future__ import annotations

import copy
import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pynwb
import pytest
import yaml
from pynwb import NWBHDF5IO

import ndx_glial_receptors as glial
from ndx_glial_receptors.meanings import add_meanings

from .compatibility import incompatibilities, load_types

PACKAGE = Path(glial.__file__).parent
RELEASED = Path(__file__).parent / "released"
VERSIONS = sorted(folder.name for folder in RELEASED.iterdir() if folder.is_dir() and folder.name != "__pycache__")


def test_the_version_is_one() -> None:
    (namespace,) = yaml.safe_load((PACKAGE / "spec" / "ndx-glial-receptors.namespace.yaml").read_text(encoding="utf-8"))[
        "namespaces"
    ]
    meta = yaml.safe_load((PACKAGE / "ndx-meta.yaml").read_text(encoding="utf-8"))
    assert glial.__version__ == namespace["version"] == meta["version"]
    assert namespace["name"] == meta["name"]


@pytest.fixture(params=VERSIONS)
def released(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file that a released version wrote."""
    path = tmp_path / f"{request.param}.nwb"
    path.write_bytes(gzip.decompress((RELEASED / f"{request.param}.nwb.gz").read_bytes()))
    return path


def test_a_released_file_reads_with_the_classes_of_today(released: Path) -> None:
    assert pynwb.validate(path=released) == []
    with NWBHDF5IO(released, "r") as io:
        nwbfile = io.read()
        metadata = nwbfile.lab_meta_data["glial_receptor_metadata"]
        of_ours = {type(one).__name__ for one in nwbfile.objects.values() if type(one).__module__ == "ndx_glial_receptors.tables"}
        assert of_ours == set(glial.__all__)
        assert (metadata.arm, bool(metadata.arm_is_control), list(metadata.factors)) == ("shrna", False, ["injury=SNI"])
        receptors = metadata.receptors.to_dataframe(index=True)
        assert receptors["gene_symbol"].tolist() == ["Adra1a", "CHRM4"]
        assert receptors["genetic_status"].tolist() == ["knocked_down", "exogenous"]
        assert metadata.receptors["population"][0]["cell_type"].tolist() == ["Bergmann glial cell"]
        assert metadata.receptors["viral_vector_injections"][0][0] is metadata.viral_vector_injections["injection_shrna"]
        assert metadata.procedures["days_before_session"][:].tolist() == [28.0, 7.0]
        assert metadata.receptor_expression["value"][:].tolist() == [0.31]
        drugs = nwbfile.events["drug_administrations"].to_dataframe(index=True)
        assert drugs["compound"].tolist() == ["prazosin", "capsaicin"]
        assert [list(row) for row in drugs["receptors"]] == [[0], []]
        states = nwbfile.intervals["receptor_states"].to_dataframe(index=True)
        assert [list(row) for row in states["drug_administrations"]] == [[], [0]]
        events = nwbfile.events["glial_events"]
        assert [[tuple(pixel) for pixel in row] for row in events["pixel_mask"][:]] == [[(1, 2, 1.0), (1, 3, 0.5)], [(0, 0, 1.0)]]
        assert events.source_series is not None
        assert metadata.cell_annotations_tables["cell_annotations_rois"]["source"].table.name == "rois"
        add_meanings(nwbfile)
        assert metadata.receptors.get_meanings_for_column(col_name="role")["value"][:].tolist() == [
            "native", "designer", "sensor", "other",
        ]  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
def test_the_specification_of_today_breaks_no_released_file(version: str) -> None:
    assert list(incompatibilities(load_types(RELEASED / version), load_types(PACKAGE / "spec"))) == []


def test_what_is_not_released_yet_is_kept_as_it_will_be() -> None:
    """The newest kept specification is that of the version that is being made; `make_released` says how it is kept."""
    assert glial.__version__ in VERSIONS
    assert load_types(RELEASED / glial.__version__) == load_types(PACKAGE / "spec")


def _add(types: Any, **column: Any) -> None:
    types["ReceptorsTable"]["datasets"].append({"neurodata_type_inc": "VectorData", "dtype": "text", "doc": "new", **column})


def _rename_column(types: Any) -> None:
    types["CellPopulationsTable"]["datasets"][0]["name"] = "short_name"


def _column(types: Any, kind: str, name: str) -> Any:
    return next(one for one in types[kind]["datasets"] if one.get("name") == name)


CHANGES: list[tuple[Callable[[Any], Any], str]] = [
    (lambda types: _add(types, name="new"), "ReceptorsTable/new: a new field of a released type is required"),
    (lambda types: types.pop("ProceduresTable"), "ProceduresTable: a released type is gone"),
    (lambda types: types.update(Renamed=types.pop("GlialEventsTable")), "GlialEventsTable: a released type is gone or renamed"),
    (_rename_column, "CellPopulationsTable/label: a released field is gone or renamed"),
    (lambda types: types["ReceptorsTable"]["datasets"].clear(), "ReceptorsTable/label: a released field is gone"),
    (
        lambda types: _column(types, "ReceptorsTable", "role").update(quantity="?"),
        "ReceptorsTable/role: it was required, is optional",
    ),
    (lambda types: _column(types, "ReceptorsTable", "construct").pop("quantity"), "construct: it was optional, is required"),
    (
        lambda types: _column(types, "ReceptorExpressionTable", "value").update(dtype="float32"),
        "value: dtype was float64, is float32",
    ),
    (lambda types: _column(types, "GlialEventsTable", "pixel_mask")["dtype"].pop(), "pixel_mask: dtype was"),
    (lambda types: types["GlialEventsTable"].update(neurodata_type_inc="DynamicTable"), "neurodata_type_inc was EventsTable"),
    (lambda types: types["GlialEventsTable"]["links"][0].pop("quantity"), "source_series: it was optional, is required"),
    (lambda types: types["GlialReceptorMetadata"]["attributes"][0].pop("required"), "arm: it was optional, is required"),
    (lambda types: types["GlialReceptorMetadata"]["groups"].pop(), "Effector: a released field is gone"),
]


@pytest.mark.parametrize(("change", "reason"), CHANGES, ids=[reason for _, reason in CHANGES])
def test_a_change_that_breaks_files_is_refused(change: Callable[[Any], Any], reason: str) -> None:
    released = load_types(RELEASED / VERSIONS[0])
    changed: Any = copy.deepcopy(released)
    change(changed)
    assert any(reason in found for found in incompatibilities(released, changed))


def test_a_new_optional_column_and_a_new_type_break_nothing() -> None:
    released = load_types(RELEASED / VERSIONS[0])
    changed: Any = copy.deepcopy(released)
    _add(changed, name="new", quantity="?")
    changed["NewTable"] = {"neurodata_type_def": "NewTable", "neurodata_type_inc": "DynamicTable", "doc": "new"}
    assert list(incompatibilities(released, changed)) == []


_LATER_TYPE = """\
- neurodata_type_def: ReceptorLigandsTable
  neurodata_type_inc: DynamicTable
  default_name: receptor_ligands
  doc: A type of a later version.
  datasets:
  - name: ligand
    neurodata_type_inc: VectorData
    dtype: text
    doc: Its column.
"""
_LATER_COLUMN = """\
  - name: splice_variant
    neurodata_type_inc: VectorData
    dtype: text
    doc: A column of a later version.
    quantity: '?'
"""
_WRITE = """
import sys
from datetime import UTC, datetime
from pynwb import NWBFile, NWBHDF5IO, get_class
from ndx_glial_receptors.testing import mock
nwbfile = NWBFile("later", "later", datetime(2024, 5, 17, tzinfo=UTC))
metadata = mock.mock_GlialReceptorMetadata(nwbfile=nwbfile)
metadata.receptors.add_column(name="splice_variant", description="of a later version", data=["a", "b"])
ligands = get_class("ReceptorLigandsTable", "ndx-glial-receptors")(name="receptor_ligands", description="of a later version")
ligands.add_row(ligand="noradrenaline")
nwbfile.add_analysis(ligands)
with NWBHDF5IO(sys.argv[1], "w") as io:
    io.write(nwbfile)
"""
_READ = """
import json, sys, warnings
warnings.simplefilter("ignore")  # of two versions of a namespace
with_ours = sys.argv[2] == "ours"
if with_ours:
    import ndx_glial_receptors
from pynwb import NWBHDF5IO, load_namespaces, validate
with NWBHDF5IO(sys.argv[1], "r") as io:
    nwbfile = io.read()
    receptors = nwbfile.lab_meta_data["glial_receptor_metadata"].receptors
    ligands = nwbfile.analysis.get("receptor_ligands")
    print(json.dumps({
        "ours": with_ours and type(receptors) is ndx_glial_receptors.ReceptorsTable,
        "genes": receptors["gene_symbol"][:].tolist(),
        "variants": receptors["splice_variant"][:].tolist() if "splice_variant" in receptors.colnames else None,
        "ligands": None if ligands is None else ligands["ligand"][:].tolist(),
        "errors": [str(error) for error in validate(path=sys.argv[1])],
    }))
"""


def _run(code: str, *arguments: str, package: Path) -> str:
    where = {**os.environ, "PYTHONPATH": str(package)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments], capture_output=True, text=True, env=where, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension as it may be in version 0.2: with one optional column and one type more."""
    root = tmp_path_factory.mktemp("later")
    shutil.copytree(PACKAGE, root / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    spec = root / PACKAGE.name / "spec"
    for name, old, new in (
        ("namespace", "version: 0.1.0", "version: 0.2.0"),
        ("extensions", "- neurodata_type_def: ProceduresTable\n", _LATER_TYPE + "- neurodata_type_def: ProceduresTable\n"),
        ("extensions", "  - name: genetic_method\n", _LATER_COLUMN + "  - name: genetic_method\n"),
    ):
        path = spec / f"ndx-glial-receptors.{name}.yaml"
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1
        path.write_text(text.replace(old, new), encoding="utf-8")
    assert list(incompatibilities(load_types(PACKAGE / "spec"), load_types(spec))) == []
    return root


@pytest.fixture(scope="module")
def later_file(later: Path) -> Path:
    path = later / "later.nwb"
    _run(_WRITE, str(path), package=later)
    return path


def test_a_file_of_today_reads_with_a_later_version(released: Path, later: Path) -> None:
    read = json.loads(_run(_READ, str(released), "ours", package=later))
    assert read == {"ours": True, "genes": ["Adra1a", "CHRM4"], "variants": None, "ligands": None, "errors": []}


def test_a_later_file_reads_with_the_version_of_today(later_file: Path) -> None:
    """But for the object of the type that it does not know, which pynwb leaves out."""
    read = json.loads(_run(_READ, str(later_file), "ours", package=PACKAGE.parent))
    assert read == {"ours": True, "genes": ["Adra1a", "CHRM4"], "variants": ["a", "b"], "ligands": None, "errors": []}


def test_both_read_without_any_version(released: Path, later_file: Path, tmp_path: Path) -> None:
    old = json.loads(_run(_READ, str(released), "none", package=tmp_path))
    assert old == {"ours": False, "genes": ["Adra1a", "CHRM4"], "variants": None, "ligands": None, "errors": []}
    new = json.loads(_run(_READ, str(later_file), "none", package=tmp_path))
    expected = {"variants": ["a", "b"], "ligands": ["noradrenaline"], "errors": []}
    assert new == {"ours": False, "genes": ["Adra1a", "CHRM4"], **expected}
