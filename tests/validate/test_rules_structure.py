"""What readers would leave out, and what points nowhere, is found in the tree of a file; a good tree is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from bergmann.validate.checking import run_checks
from bergmann.validate.reading import Reading

from .nwb_files import add_light_of_all_kinds, add_movie, add_rois, cells_movie, make_nwbfile, write


def good_file(tmp_path: Path) -> Path:
    from pynwb.image import ImageSeries

    frames, masks = cells_movie()
    nwbfile = make_nwbfile()
    movie = add_movie(nwbfile, frames, series={"timestamps": np.arange(60.0) / 10 + 0.05})
    add_rois(nwbfile, movie, masks)
    add_light_of_all_kinds(nwbfile)
    camera = {"format": "external", "dimension": [8, 8], "unit": "n.a.", "rate": 10.0, "num_samples": 60}
    nwbfile.add_acquisition(ImageSeries(name="camera", external_file=["camera.avi"], **camera))
    (tmp_path / "camera.avi").write_bytes(b"a video")
    return write(nwbfile, tmp_path)


def found_in(tmp_path: Path, damage: Callable[[h5py.File], None]) -> dict[str, str]:
    """What the checks find in the tree alone, as of a file that pynwb cannot read; without notes of namespaces that other tests
    imported.
    """
    path = good_file(tmp_path)
    with h5py.File(path, "r+") as file:
        damage(file)
    with h5py.File(path, "r") as file:
        found = [
            one for one in run_checks(Reading(None, path.name, file)) if one.severity != "note" or "namespaces" not in one.check
        ]
    said: dict[str, str] = {}
    for one in found:
        said[one.check] = said.get(one.check, "") + f"{one.location.removeprefix('file.nwb:/')}: {one.message}\n"
    return said


def attribute(name: str, key: str, value: Any) -> Callable[[h5py.File], None]:
    return lambda file: file[name].attrs.__setitem__(key, value)


def put(name: str, values: Any) -> Callable[[h5py.File], None]:
    def damage(file: h5py.File) -> None:
        attributes = dict(file[name].attrs)
        del file[name]
        file[name] = values
        file[name].attrs.update(attributes)

    return damage


def edit(name: str, row: Any, value: Any) -> Callable[[h5py.File], None]:
    return lambda file: file[name].__setitem__(row, value)


def unset_reference(file: h5py.File) -> None:
    column = file["general/optogenetic_experiment_metadata/optogenetic_sites_table/effector"]
    column[0] = h5py.Reference()


def link_to_nothing(file: h5py.File) -> None:
    del file["acquisition/movie/imaging_plane"]
    file["acquisition/movie/imaging_plane"] = h5py.SoftLink("/general/optophysiology/gone")


def same_id(file: h5py.File) -> None:
    file["acquisition/camera"].attrs["object_id"] = file["acquisition/movie"].attrs["object_id"]


def stored_in_chunks(file: h5py.File) -> None:
    frames = file["acquisition/movie/data"][...]
    put_with = dict(file["acquisition/movie/data"].attrs)
    del file["acquisition/movie/data"]
    made = file["acquisition/movie"].create_dataset("data", data=frames, chunks=(20, 24, 16), compression="gzip")
    made.attrs.update(put_with)


def cut_chunk(file: h5py.File) -> None:
    stored_in_chunks(file)
    _, stored = file["acquisition/movie/data"].id.read_direct_chunk((20, 0, 0))
    file["acquisition/movie/data"].id.write_direct_chunk((20, 0, 0), stored[: len(stored) // 2])


def unwritten_chunk(file: h5py.File) -> None:
    shape = file["acquisition/movie/data"].shape
    kept = dict(file["acquisition/movie/data"].attrs)
    del file["acquisition/movie/data"]
    made = file["acquisition/movie"].create_dataset("data", shape, "i2", chunks=(20, 24, 16), compression="gzip")
    made[:20] = 1
    made.attrs.update(kept)


ROIS = "processing/ophys/ImageSegmentation/rois"
TEXT = h5py.string_dtype()


def test_a_good_tree_is_not_found(tmp_path: Path) -> None:
    assert found_in(tmp_path, lambda file: None) == {}


@pytest.mark.parametrize(
    ("damage", "check", "message"),
    [
        (
            attribute("acquisition/movie", "neurodata_type", "TwoPhotonSerie"),
            "structure_objects_reachable",
            "its type TwoPhotonSerie is not",
        ),
        (
            lambda file: file["specifications"].__delitem__("ndx-ophys-devices"),
            "structure_namespaces",
            "ndx-optogenetics: it includes ndx-ophys-devices, which is not cached",
        ),
        (
            lambda file: file["specifications"].__delitem__("hdmf-common"),
            "structure_namespaces",
            "it includes hdmf-common, which is not cached",
        ),
        (
            put("acquisition/camera/external_file", np.array(["/a/camera.avi"], TEXT)),
            "structure_external_files",
            "camera.avi is named by an abs",
        ),
        (
            put("acquisition/camera/external_file", np.array(["a\\camera.avi"], TEXT)),
            "structure_external_files",
            "a\\camera.avi has backslashes",
        ),
        (
            put("acquisition/camera/external_file", np.array(["gone.avi"], TEXT)),
            "structure_external_files",
            "gone.avi is not there",
        ),
        (
            edit(f"{ROIS.replace('ImageSegmentation/rois', 'Fluorescence/raw/rois')}", 3, 9),
            "structure_references_resolve",
            "it names row 9 of",
        ),
        (unset_reference, "structure_references_resolve", "reference 0 leads nowhere (1 of 1)"),
        (
            link_to_nothing,
            "structure_references_resolve",
            "acquisition/movie/imaging_plane: this link leads to /general/optophysiology/gone",
        ),
        (edit(f"{ROIS}/pixel_mask_index", 3, 35), "structure_ragged_index", "it ends at 35, and"),
        (edit(f"{ROIS}/pixel_mask_index", 1, 3), "structure_ragged_index", "its entry 1 is smaller than the one before"),
        (
            put("intervals/light_pulses/power_in_mW", np.full(9, 10.0)),
            "structure_column_lengths",
            "its column power_in_mW has 9 rows, and id 10",
        ),
        (
            lambda file: file["intervals/light_pulses"].__delitem__("power_in_mW"),
            "structure_column_lengths",
            "colnames names power_in_mW",
        ),
        (same_id, "structure_ids_unique", "it has the object_id of acquisition/camera"),
        (
            put("acquisition/movie/timestamps", np.arange(60, dtype=np.float32) / 10),
            "structure_type_as_specified",
            "it is float32: its times",
        ),
        (put("acquisition/movie/data", np.array(["a"], TEXT)), "structure_type_as_specified", "it holds text, not numbers"),
        (
            attribute("acquisition/movie", "description", r"from C:\Users\anna\data"),
            "structure_no_private_text",
            "description holds a path of a user",
        ),
        (
            attribute("acquisition/movie", "comments", "ask anna@lab.org"),
            "structure_no_private_text",
            "comments holds an e-mail address: ann...",
        ),
        (cut_chunk, "structure_stored_whole", "acquisition/movie/data: it cannot be read"),
        (unwritten_chunk, "structure_stored_whole", "2 of its 3 chunks were never written"),
        (lambda file: file["general"].__delitem__("session_id"), "structure_session_id", "there is no session_id"),
        (
            lambda file: file["general/devices"].move("laser", "PlaceholderMicroscope"),
            "structure_placeholders",
            "this Device is called PlaceholderMicroscope",
        ),
        (attribute("general/devices/laser", "description", "unknown"), "structure_placeholders", "its description says 'unknown'"),
    ],
)
def test_a_strange_tree_is_found(tmp_path: Path, damage: Callable[[h5py.File], None], check: str, message: str) -> None:
    assert message in found_in(tmp_path, damage)[check]


def test_an_empty_video_is_found(tmp_path: Path) -> None:
    found = found_in(tmp_path, lambda file: (tmp_path / "camera.avi").write_bytes(b""))
    assert found == {"structure_external_files": "acquisition/camera: its external_file camera.avi is empty\n"}


def test_chunks_that_are_whole_are_not_found(tmp_path: Path) -> None:
    assert found_in(tmp_path, stored_in_chunks) == {}
