"""One top namespace a file, whatever else is imported: the fast half of the matrix with namespaces made here, always;
the whole of it with the real extensions in environments of their own where ``BERGMANN_MATRIX=1`` is set (some minutes).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import pytest
import yaml

from .extension_matrix import LIKE, expected_namespaces
from .matrix_files import EXTENSIONS

HERE = Path(__file__).parent


def run(script: str, job: dict[str, Any], folder: Path) -> str:
    path = folder / f"{script}.json"
    path.write_text(json.dumps(job), encoding="utf-8")
    done = subprocess.run([sys.executable, str(HERE / script), str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def make_namespace(folder: Path, name: str, includes: list[str], types: dict[str, str]) -> Path:
    """An extension of types only: each type's name and the type that it extends."""
    groups = [{"neurodata_type_def": kind, "neurodata_type_inc": base, "doc": "made for a test"} for kind, base in types.items()]
    (folder / f"{name}.extensions.yaml").write_text(yaml.safe_dump({"groups": groups}), encoding="utf-8")
    schema = [*({"namespace": one} for one in includes), {"source": f"{name}.extensions.yaml"}]
    namespace = {"name": name, "version": "9.9.9", "doc": "made for a test", "author": ["a"], "contact": ["b"], "schema": schema}
    path = folder / f"{name}.namespace.yaml"
    path.write_text(yaml.safe_dump({"namespaces": [namespace]}), encoding="utf-8")
    return path


USED: tuple[tuple[str, ...], ...] = ((), ("ndx-optogenetics",), EXTENSIONS)
"""What the files of the fast half use; each file costs seconds of validation."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file for each set of used extensions, written in a process that has imported all and others."""
    folder = tmp_path_factory.mktemp("matrix")
    specifications = [str(make_namespace(folder, name, *like)) for name, like in LIKE.items()]
    imported = ["ndx_optogenetics", "ndx_pose", "ndx_ophys_devices", "ndx_glial_receptors"]
    job = {"folder": str(folder / "out"), "imported": imported, "specifications": specifications, "used": USED}
    run("matrix_files.py", job, folder)
    return folder / "out"


def test_each_file_holds_the_namespaces_that_it_uses_and_no_other(files: Path) -> None:
    found = {}
    for path in files.rglob("*.nwb"):
        with h5py.File(path) as file:
            found[file["identifier"].asstr()[()]] = set(file["specifications"])
    assert found == {"-".join(used) or "none": expected_namespaces(used) for used in USED}


def test_every_object_of_each_file_is_there_with_pynwb_alone_and_valid(files: Path, tmp_path: Path) -> None:
    expected = json.loads((files / "expected.json").read_text(encoding="utf-8"))
    job = {"files": [str(files / name) for name in expected], "imported": [], "hidden": True, "validate": True}
    found = json.loads(run("matrix_read.py", job, tmp_path).splitlines()[-1])
    assert {name: found[str(files / name)] for name in expected} == {
        name: {"objects": objects, "errors": []} for name, objects in expected.items()
    }
    kinds = {kind for objects in expected.values() for kind in objects.values()}
    assert {"OptogeneticSitesTable", "ViralVector", "PoseEstimation", "ReceptorsTable", "MeaningsTable", "HERD"} <= kinds


@pytest.mark.skipif(os.environ.get("BERGMANN_MATRIX") != "1", reason="makes environments and takes minutes; set BERGMANN_MATRIX=1")
def test_the_whole_matrix_with_the_real_extensions(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "extension_matrix.py"), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
