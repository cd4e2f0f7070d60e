"""What is edited is written anew; what is not is taken over from the file that is replaced."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
from pynwb import NWBHDF5IO

from bergmann.convert import convert_session
from bergmann.rig import simulate

from ..conftest import Ran
from .conftest import RIG, SESSION, Folder

MOVIES = ("movie_ch1", "movie_ch2")


@pytest.fixture(scope="module")
def long_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session whose movie is more than a handful of chunks, converted; not to be altered."""
    path = tmp_path_factory.mktemp("long") / "BG042"
    simulate(path, replace(RIG, n_frames=64, image_shape=(160, 320)))
    (path / "session.yaml").write_text(re.sub(r"\n  notes: .*", "", SESSION), encoding="utf-8")
    conversion = convert_session(path / "session.yaml", path / "out")
    assert conversion.is_good, conversion.findings
    assert not [one for one in conversion.findings if one.check == "kept"]
    return path


@pytest.fixture
def folder(long_folder: Path, tmp_path: Path) -> Folder:
    """A copy of it."""
    return Folder(Path(shutil.copytree(long_folder, tmp_path / "BG042")))


def file_of(folder: Folder) -> Path:
    """The NWB file that is there already."""
    (path,) = folder.out.rglob("*.nwb")
    return path


def converted(folder: Folder, bergmann: Callable[..., Ran]) -> tuple[Path, list[str]]:
    """Convert again; gives the file, and the sources of which something was kept."""
    ran = bergmann("convert", folder.session, "--out", folder.out, "--overwrite", "--json")
    assert ran.status == 0, ran.stdout
    (document,) = json.loads(ran.stdout)
    kept = [one["location"] for one in document["findings"] if one["check"] == "kept"]
    return Path(document["file"]), [location.rpartition(".")[2] for location in kept]


def chunks(path: Path, name: str) -> list[bytes]:
    """The bytes of every chunk of a movie, as stored."""
    with h5py.File(path, "r") as file:
        data = file[f"acquisition/{name}/data"].id
        return [data.read_direct_chunk(data.get_chunk_info(number).chunk_offset)[1] for number in range(data.get_num_chunks())]


def frames(path: Path, name: str = "movie_ch1") -> Any:
    with h5py.File(path, "r") as file:
        return file[f"acquisition/{name}/data"][()]


def test_an_edit_of_metadata_writes_no_movie_again(folder: Folder, bergmann: Callable[..., Ran]) -> None:
    first = file_of(folder)
    before = {name: chunks(first, name) for name in MOVIES}
    folder.state("dose: 10 ug", "dose: 20 ug")
    folder.state("excitation: 920 nm", "excitation: 910 nm")
    second, kept = converted(folder, bergmann)
    assert second == first
    assert "movie" in kept
    assert {name: chunks(second, name) for name in MOVIES} == before
    with NWBHDF5IO(second, "r") as io:
        nwbfile = io.read()
        assert nwbfile.events["drug_administrations"]["dose"][:].tolist() == [20.0]
        assert nwbfile.imaging_planes["bg_plane"].excitation_lambda == 910.0


def test_a_renamed_folder_changes_no_value(folder: Folder, bergmann: Callable[..., Ran]) -> None:
    (folder.path / "2p").rename(folder.path / "two photon")
    folder.state('path: "2p/bg042_00001_*.tif"', 'path: "two photon/bg042_00001_*.tif"')
    assert "movie" in converted(folder, bergmann)[1]


def test_a_changed_pixel_is_written(folder: Folder, bergmann: Callable[..., Ran]) -> None:
    first = file_of(folder)
    before = {name: frames(first, name) for name in MOVIES}
    path = sorted((folder.path / "2p").glob("*.tif"))[0]
    with tifffile.TiffFile(path) as file:
        page = file.pages[len(file.pages) // 2]
        where, number = page.dataoffsets[0], len(file.pages) // 2
    content = bytearray(path.read_bytes())
    content[where] ^= 0x01  # pixel (0, 0) of one page
    path.write_bytes(content)
    second, kept = converted(folder, bergmann)
    assert "movie" not in kept
    differing = {name: np.argwhere(frames(second, name) != before[name]).tolist() for name in MOVIES}
    assert differing == {MOVIES[number % 2]: [[number // 2, 0, 0]], MOVIES[1 - number % 2]: []}


def test_fewer_files_are_another_movie(folder: Folder, bergmann: Callable[..., Ran]) -> None:
    files = sorted((folder.path / "2p").glob("*.tif"))
    files[-1].unlink()
    ran = bergmann("convert", folder.session, "--out", folder.out, "--overwrite", "--json")
    (document,) = json.loads(ran.stdout)
    assert document["result"] != "written"  # its frame clock has more pulses than the movie has frames now
    assert not [one for one in document["findings"] if one["check"] == "kept"]


@pytest.mark.parametrize("where", ["middle", "end"])
def test_what_the_older_file_has_lost_is_read_from_the_source(folder: Folder, bergmann: Callable[..., Ran], where: str) -> None:
    first = file_of(folder)
    before = frames(first)
    with h5py.File(first, "r") as file:
        data = file["acquisition/movie_ch1/data"].id
        chunk = data.get_chunk_info(data.get_num_chunks() // 2 if where == "middle" else data.get_num_chunks() - 1)
    content = bytearray(first.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 0xFF
    first.write_bytes(content)
    second, _ = converted(folder, bergmann)
    np.testing.assert_array_equal(frames(second), before)


def test_a_file_of_others_under_the_name_has_nothing_to_take_over(folder: Folder, bergmann: Callable[..., Ran]) -> None:
    first = file_of(folder)
    before = frames(first)
    with h5py.File(first, "r+") as file:
        del file["general/bergmann_conversion"]
    second, kept = converted(folder, bergmann)
    assert kept == []
    np.testing.assert_array_equal(frames(second), before)
