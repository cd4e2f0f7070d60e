"""What every format promises, whichever it is."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bergmann.errors import SourceError
from bergmann.registry import Format, Source, load_formats, load_stated

FORMATS = load_formats()
ON_DISK = [one for one in FORMATS if "path" in one.source.model_fields]
FILLED = {  # a value for each required key beside the path, so that reading gets as far as the file
    "rate": "30 Hz",
    "columns": {"onset": "on", "duration": "width", "label": "what", "start": "from", "stop": "to", "value": "value"},
    "units": {"onset": "s", "duration": "s"},
    "unit": "s",
    "rows": {"Animal": "1"},
    "assay": "von_frey",
    "observation": "first",
}


def name_of(one: Format) -> str:
    return one.key if one.chosen_by is None else f"{one.key}-{one.chosen_by}"


each_format = pytest.mark.parametrize("one", FORMATS, ids=name_of)
each_format_on_disk = pytest.mark.parametrize("one", ON_DISK, ids=name_of)


def source_at(one: Format, path: Path) -> Source:
    required = {name for name, field in one.source.model_fields.items() if field.is_required()} - {"path", "format"}
    return one.source.model_validate({"path": str(path), **{name: FILLED[name] for name in required if name in FILLED}})


@each_format
def test_it_says_what_it_is(one: Format) -> None:
    assert one.key
    assert one.label
    assert inspect.getdoc(one.source)
    assert inspect.getdoc(one.read)
    assert one.record in load_stated()
    json.dumps(one.source.model_json_schema())


def test_no_two_formats_are_confused() -> None:
    names = [(one.key, one.chosen_by) for one in FORMATS]
    assert len(names) == len(set(names))
    for one in FORMATS:
        same = [other for other in FORMATS if other.key == one.key]
        assert len(same) == 1 or all(other.chosen_by for other in same)


@each_format
def test_it_finds_nothing_in_foreign_folders(one: Format, tmp_path: Path) -> None:
    assert list(one.find(tmp_path)) == []
    for name in ("a.tif", "b.h5", "c.abf", "d.csv", "e.boris", "f.npy", "g.mp4", "h.json", "i.xlsx", "stat.npy", "jDLC.csv"):
        (tmp_path / name).write_bytes(b"\x00\xffnot what its name says\n")
    (tmp_path / "suite2p" / "plane0").mkdir(parents=True)
    (tmp_path / "empty.tif").touch()
    assert list(one.find(tmp_path)) == []


@each_format_on_disk
def test_a_missing_file_is_a_source_error(one: Format, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere"):
        one.read(source_at(one, tmp_path / "nowhere.dat"), {})


@each_format_on_disk
@pytest.mark.parametrize("content", [b"", b"\x89 not what was said \x00\xff\xfe" * 40], ids=["empty", "noise"])
def test_a_wrong_file_is_a_source_error_that_names_it(one: Format, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wrong.csv"
    path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(SourceError, match="wrong"):
        one.read(source_at(one, path), {})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_listing_the_formats_is_cheap() -> None:
    code = "import sys; from bergmann.registry import load_formats; load_formats(); print(*sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy: set[Any] = {"pynwb", "hdmf", "neuroconv", "pandas", "tifffile", "h5py", "av", "pyabf", "yaml"}
    assert not heavy & set(modules)
