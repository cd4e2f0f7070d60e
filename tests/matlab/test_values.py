"""Whole variables of MATLAB files: the same from both forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from bergmann.errors import SourceError
from bergmann.matlab import read_variables


def write_old(path: Path) -> Path:
    cells = np.empty((2, 2), dtype=object)
    cells[0, 0], cells[0, 1], cells[1, 0], cells[1, 1] = [[1.0, 2.0]], "two", np.empty((0, 0)), [[3.0, 4.0]]
    several = np.array([[(1.0, "a"), (2.0, "b")]], dtype=[("n", object), ("t", object)])
    savemat(path, {"one": {"n": [[1.0, 2.0, 3.0]], "t": "text"}, "cells": cells, "several": several, "m": [[1, 2], [3, 4]]})
    return path


def write_new(path: Path) -> Path:
    """What MATLAB writes with ``-v7.3``: axes in reverse order, cells and arrays of structures by reference."""
    with h5py.File(path, "w", userblock_size=512) as file:

        def put(name: str, values: Any, kind: str) -> h5py.Reference:
            made = file.create_dataset(name, data=values)
            made.attrs["MATLAB_class"] = np.bytes_(kind)
            return made.ref

        def text(name: str, words: str) -> h5py.Reference:
            return put(name, np.array([[ord(sign)] for sign in words], dtype=np.uint16), "char")

        put("one/n", [[1.0], [2.0], [3.0]], "double")
        text("one/t", "text")
        file["one"].attrs["MATLAB_class"] = np.bytes_("struct")
        empty = put("#refs#/e", np.array([0, 0], dtype=np.uint64), "double")
        file["#refs#/e"].attrs["MATLAB_empty"] = 1
        refs = [
            [put("#refs#/a", [[1.0], [2.0]], "double"), empty],
            [text("#refs#/b", "two"), put("#refs#/c", [[3.0], [4.0]], "double")],
        ]
        file.create_dataset("cells", data=np.array(refs, dtype=h5py.ref_dtype), dtype=h5py.ref_dtype)
        file["cells"].attrs["MATLAB_class"] = np.bytes_("cell")
        numbers = [[put("#refs#/n1", [[1.0]], "double")], [put("#refs#/n2", [[2.0]], "double")]]
        texts = [[text("#refs#/t1", "a")], [text("#refs#/t2", "b")]]
        for name, found in (("n", numbers), ("t", texts)):
            file.create_dataset(f"several/{name}", data=np.array(found, dtype=h5py.ref_dtype), dtype=h5py.ref_dtype)
        file["several"].attrs["MATLAB_class"] = np.bytes_("struct")
        put("m", [[1, 3], [2, 4]], "double")
    return path


@pytest.mark.parametrize("write", [write_old, write_new])
def test_both_forms_say_the_same(write: Any, tmp_path: Path) -> None:
    found = read_variables(write(tmp_path / "a.mat"))
    assert set(found) == {"one", "cells", "several", "m"}
    assert (found["one"]["n"].tolist(), found["one"]["t"]) == ([[1.0, 2.0, 3.0]], "text")
    cells = found["cells"]
    assert cells.shape == (2, 2)
    assert (cells[0, 0].tolist(), cells[0, 1], cells[1, 0], cells[1, 1].tolist()) == ([[1.0, 2.0]], "two", None, [[3.0, 4.0]])
    assert found["several"].shape == (1, 2)
    assert [(one["n"].tolist(), one["t"]) for one in found["several"].ravel()] == [([[1.0]], "a"), ([[2.0]], "b")]
    assert found["m"].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("write", [write_old, write_new])
def test_only_what_is_asked_for(write: Any, tmp_path: Path) -> None:
    assert list(read_variables(write(tmp_path / "a.mat"), ["m", "nowhere"])) == ["m"]


@pytest.mark.parametrize("content", [b"", b"not a file of MATLAB", b"MATLAB 5.0 MAT-file" + b"\xff" * 400])
def test_another_file_is_refused_by_its_name(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(SourceError, match=r"a\.mat"):
        read_variables(tmp_path / "a.mat")
    with pytest.raises(SourceError, match=r"b\.mat: no file"):
        read_variables(tmp_path / "b.mat")
