"""What every format promises, whichever it is."""

from __future__ import annotations

import inspect
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bergmann.errors import SourceError
from bergmann.registry import Format, Source, expand, load_formats, load_stated

FORMATS = load_formats()
ON_DISK = [one for one in FORMATS if "path" in one.source.model_fields]
FILLED: dict[str, dict[str, Any]] = {  # keys beside the path, so that reading gets as far as the file; else those of `small_lab`
    "tiff": {"rate": "30 Hz"},
    "pulse_table": {"columns": {"onset": "on", "duration": "width"}, "units": {"onset": "s", "duration": "s"}},
    "assay": {"columns": {"value": "value"}, "unit": "g"},
    "intervals": {"columns": {"label": "what", "start": "from", "stop": "to"}, "unit": "s"},
    "encoder": {"columns": {"time": "t", "speed": "v"}, "units": {"time": "s", "speed": "cm/s"}},
    "deeplabcut": {"rate": "30 Hz"},
    "lightningpose": {"rate": "30 Hz"},
    "sleap": {"rate": "30 Hz"},
    "glial_events": {"columns": {"onset": "start"}, "unit": "s"},
    "spikes": {"unit": "s"},
    "signal_numpy": {"columns": {"laser": "1"}, "units": {"laser": "V"}, "rate": "100 Hz"},
    "signal_hdf5": {"columns": {"laser": "v"}, "units": {"laser": "V"}, "rate": "100 Hz"},
    "signal_table": {"columns": {"time": "t", "laser": "v"}, "units": {"time": "s", "laser": "V"}},
}
KNOWN_BY_THEIR_KEYS = {
    "bruker_markpoints",
    "bruker_voltage_output",
    "pulsepal-site",
    "pulsepal-event",
    "stated_train",
    "abf_protocol",
    "channel-site",
    "channel-event",
    "pulse_table",
    "assay",
    "intervals",
    "encoder",
    "glial_events",
    "spikes",
    "signal_hdf5",
    "signal_numpy",
    "signal_table",
}
"""Formats of which only a person can say what a file means: nothing is found."""


NOISE = b"\x89 not what was said \x00\xff\xfe" * 40
SUFFIX = {
    "abf": ".abf",
    "wavesurfer": ".h5",
    "pyphotometry": ".ppd",
    "tdms": ".tdms",
    "spike2": ".smrx",
    "tdt": ".tsq",
    "openephys": ".oebin",
    "intan": ".rhs",
    "bruker": ".xml",
    "bruker_markpoints": ".xml",
    "bruker_voltage_output": ".xml",
    "scanimage": ".tif",
    "tiff": ".tif",
    "caiman": ".hdf5",
    "aqua": ".mat",
    "aqua2": ".mat",
    "glial_events": ".xlsx",
    "spikes": ".npz",
    "signal_numpy": ".npy",
    "signal_hdf5": ".mat",
    "suite2p": ".npy",
    "pulse_table": ".xlsx",
    "pulsepal": ".mat",
    "assay": ".xlsx",
    "boris": ".boris",
    "bpod": ".mat",
    "deeplabcut": ".h5",
    "lightningpose": ".csv",
    "sleap": ".slp",
    "intervals": ".xlsx",
    "encoder": ".xlsx",
    "video": ".mp4",
}
"""What else than in `small_lab` the files of a format may end with."""


def name_of(one: Format) -> str:
    return one.key if one.chosen_by is None else f"{one.key}-{one.chosen_by}"


each_format = pytest.mark.parametrize("one", FORMATS, ids=name_of)
each_format_on_disk = pytest.mark.parametrize("one", ON_DISK, ids=name_of)


def source_at(one: Format, path: Path, small_lab: Any) -> Source:
    needed = {key: value for key, value in small_lab.keys[name_of(one)].items() if key not in {"path", "of"}}
    return one.source.model_validate({**FILLED.get(one.key, needed), "path": str(path)})


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
    for name in (
        "a.tif",
        "b.h5",
        "c.abf",
        "d.csv",
        "e.boris",
        "f.npy",
        "g.mp4",
        "h.json",
        "i.xlsx",
        "k.mat",
        "stat.npy",
        "jDLC.csv",
    ):
        (tmp_path / name).write_bytes(b"\x00\xffnot what its name says\n")
    (tmp_path / "suite2p" / "plane0").mkdir(parents=True)
    (tmp_path / "empty.tif").touch()
    assert list(one.find(tmp_path)) == []


@each_format
def test_it_finds_its_own_file_in_a_folder_of_many(one: Format, small_lab: Any) -> None:
    found = list(one.find(small_lab.folder))
    if name_of(one) in KNOWN_BY_THEIR_KEYS:
        assert found == []
        return
    keys = small_lab.keys[name_of(one)]
    assert all(type(source) is one.source for source in found)
    assert set(expand(keys["path"])) in [set(expand(source.path)) for source in found]
    assert {path for source in found for path in expand(source.path)} <= set(small_lab.folder.rglob("*"))
    assert list(one.find(small_lab.folder)) == found


@pytest.mark.parametrize(
    "name",
    [
        "bruker",
        "caiman",
        "scanimage",
        "tiff",
        "wavesurfer",
        "abf",
        "pyphotometry",
        "tdms",
        "spike2",
        "tdt",
        "openephys",
        "intan",
        "suite2p",
        "aqua",
        "aqua2",
        "labchart",
        "deeplabcut",
        "lightningpose",
        "sleap",
        "bpod",
    ],
)
def test_no_file_is_found_by_two_formats(name: str, small_lab: Any) -> None:
    mine = set(expand(small_lab.keys[name]["path"]))
    finders = [name_of(one) for one in FORMATS for source in one.find(small_lab.folder) if set(expand(source.path)) & mine]
    assert finders == [name]


@each_format
def test_finding_never_raises_for_damaged_files(one: Format, small_lab: Any, tmp_path: Path) -> None:
    for number, path in enumerate(path for path in sorted(small_lab.folder.rglob("*")) if path.is_file()):
        for kept in (4, 64, 2000):
            folder = tmp_path / f"{number}_{kept}"
            folder.mkdir()
            (folder / path.name).write_bytes(path.read_bytes()[:kept] + NOISE)
    list(one.find(tmp_path))


@each_format_on_disk
def test_a_missing_file_is_a_source_error(one: Format, small_lab: Any, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere"):
        one.read(source_at(one, tmp_path / "nowhere.dat", small_lab), {})


@each_format_on_disk
@pytest.mark.parametrize("content", [b"", NOISE], ids=["empty", "noise"])
def test_a_wrong_file_is_a_source_error_that_names_it(one: Format, small_lab: Any, tmp_path: Path, content: bytes) -> None:
    smallest = expand(small_lab.keys[name_of(one)]["path"])[0]
    for suffix in sorted({".csv", smallest.suffix, SUFFIX.get(one.key, "")}):
        path = tmp_path / f"wrong{suffix}"
        path.write_bytes(content)
        before = path.read_bytes()
        with pytest.raises(SourceError, match="wrong"):
            one.read(source_at(one, path, small_lab), {})
        assert path.read_bytes() == before
        path.unlink()
    assert list(tmp_path.iterdir()) == []


@each_format_on_disk
@pytest.mark.parametrize("kept", [4, 64, 700])
def test_a_file_that_is_damaged_behind_its_beginning_is_a_source_error(
    one: Format, kept: int, small_lab: Any, tmp_path: Path
) -> None:
    whole = small_lab.folder / "suite2p" if one.key == "suite2p" else expand(small_lab.keys[name_of(one)]["path"])[0]
    there = tmp_path / f"wrong{whole.suffix}"
    if whole.is_dir():
        shutil.copytree(whole, there)
        for file in there.rglob("*.npy"):
            file.write_bytes(file.read_bytes()[:kept] + NOISE)
    else:
        there.write_bytes(whole.read_bytes()[:kept] + NOISE)
    keys = {name: value for name, value in small_lab.keys[name_of(one)].items() if name not in {"of", "unit"}}
    source = one.source.model_validate({**keys, **FILLED.get(one.key, {}), **keys, "path": there})
    with pytest.raises(SourceError, match=r"wrong|\.npy"):
        one.read(source, {})


def test_listing_the_formats_is_cheap() -> None:
    code = "import sys; from bergmann.registry import load_formats; load_formats(); print(*sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy: set[Any] = {"pynwb", "hdmf", "neuroconv", "pandas", "tifffile", "h5py", "av", "pyabf", "yaml"}
    assert not heavy & set(modules)
