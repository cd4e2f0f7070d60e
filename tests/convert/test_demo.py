"""The main job, whole: what the demo's raw files hold is what its NWB files hold."""

from __future__ import annotations

import getpass
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
from pynwb import NWBHDF5IO, NWBFile

from bergmann.rig import Truth
from bergmann.rig.physiology import draw
from bergmann.rig.simulate import demo_rigs
from ndx_glial_receptors.tables import tables_in

RIGS = {rig.animal: rig for rig in demo_rigs()}
IMAGING = "sub-{0}/sub-{0}_ses-sni-pod7-capsaicin_behavior+image+ogen+ophys.nwb"
SHARED = {"lab.yaml", "shrna.yaml", "scrambled.yaml"}
each_animal = pytest.mark.parametrize("animal", RIGS)


@pytest.fixture(scope="module")
def answer(converted_demo: Path) -> Any:
    status, stdout, stderr = json.loads(converted_demo.with_name("converted-demo.json").read_text(encoding="utf-8"))
    assert status == 0, stderr + stdout
    return json.loads(stdout)


@pytest.fixture(scope="module")
def dandiset(converted_demo: Path, answer: Any) -> Path:
    return converted_demo / "dandiset"


@pytest.fixture
def opened(dandiset: Path) -> Iterator[Callable[[str], NWBFile]]:
    files = []

    def read(animal: str) -> NWBFile:
        files.append(NWBHDF5IO(dandiset / IMAGING.format(animal), "r"))
        return files[-1].read()

    yield read
    for file in files:
        file.close()


def truth_of(animal: str) -> Truth:
    return draw(RIGS[animal])


def seconds_of(series: Any) -> np.ndarray:
    if series.timestamps is not None:
        return np.asarray(series.timestamps[:])
    count = series.num_samples if getattr(series, "external_file", None) is not None else len(series.data)
    return np.asarray(series.starting_time + np.arange(count) / series.rate)


def test_every_session_is_written_and_nothing_speaks_against_it(answer: Any, dandiset: Path) -> None:
    assert [one["result"] for one in answer["conversions"]] == ["written"] * 6
    findings = [*answer["findings"], *(finding for one in answer["conversions"] for finding in one["findings"])]
    assert [finding for finding in findings if finding["severity"] == "error"] == []
    names = [path.relative_to(dandiset).as_posix() for path in sorted(dandiset.rglob("*.nwb"))]
    assert names == [
        name
        for animal in sorted(RIGS)
        for name in (
            IMAGING.format(animal),
            f"sub-{animal}/sub-{animal}_ses-vonfrey-baseline.nwb",
            f"sub-{animal}/sub-{animal}_ses-vonfrey-pod7.nwb",
        )
    ]


@each_animal
@pytest.mark.parametrize("kind", ["sni-pod7-capsaicin_behavior+image+ogen+ophys", "vonfrey-pod7"])
def test_it_opens_with_pynwb_alone_and_nothing_is_missing(
    animal: str, kind: str, dandiset: Path, read_clean: Callable[[Path], tuple[list[str], dict[str, str]]]
) -> None:
    path = dandiset / f"sub-{animal}" / f"sub-{animal}_ses-{kind}.nwb"
    errors, objects = read_clean(path)
    assert errors == []
    with h5py.File(path) as file:
        stored: dict[str, str] = {}
        file.visititems(lambda _, one: stored.update({one.attrs["object_id"]: "-"} if "object_id" in one.attrs else {}))
    assert set(objects) >= set(stored)


@each_animal
def test_every_frame_is_the_source_frame_transposed(animal: str, converted_demo: Path, opened: Callable[[str], NWBFile]) -> None:
    pages = np.concatenate([tifffile.imread(path) for path in sorted((converted_demo / "rig" / animal / "2p").glob("*.tif"))])
    frames = pages.reshape(-1, 2, *pages.shape[-2:])
    acquisition = opened(animal).acquisition
    for channel in (1, 2):
        np.testing.assert_array_equal(acquisition[f"movie_ch{channel}"].data[:], frames[:, channel - 1].transpose(0, 2, 1))


@each_animal
def test_every_time_is_on_one_clock(animal: str, opened: Callable[[str], NWBFile]) -> None:
    nwbfile, truth = opened(animal), truth_of(animal)
    movie, camera = nwbfile.acquisition["movie_ch1"], nwbfile.acquisition["face_cam"]
    np.testing.assert_allclose(seconds_of(movie), truth.frame_times, atol=truth.fitted_error)
    np.testing.assert_allclose(seconds_of(camera), truth.camera_times, atol=truth.fitted_error)
    toe = nwbfile.processing["behavior"]["paw"]["toe"]
    np.testing.assert_allclose(seconds_of(toe), truth.camera_times, atol=truth.fitted_error)
    clocks = nwbfile.lab_meta_data["bergmann_conversion"].clocks.to_dataframe().set_index("source")
    assert clocks.loc["movie", ["n_pulses", "n_events"]].tolist() == [1024, 1024]
    for source, clock in (("movie", truth.rig.microscope), ("face_cam", truth.rig.camera)):
        row = clocks.loc[source]
        assert row["rate_ratio"] == pytest.approx(1 / (1 + clock.drift_ppm * 1e-6), abs=3e-6)
        assert row["residual_median_in_seconds"] <= row["residual_95_in_seconds"] <= row["residual_in_seconds"]
        assert row["residual_in_seconds"] < 1.5 / truth.rig.daq_rate
        assert row["left_out_error_in_seconds"] < 1 / truth.rig.daq_rate
    assert clocks.loc["daq", "offset_in_seconds"] == 0


@each_animal
def test_no_pulse_of_light_is_lost_or_invented(animal: str, opened: Callable[[str], NWBFile]) -> None:
    nwbfile, truth = opened(animal), truth_of(animal)
    series, pulses = nwbfile.stimulus["light"], nwbfile.intervals["light_pulses"]
    watts = series.data[:]
    rising = np.flatnonzero((watts[:-1] == 0) & (watts[1:] > 0))
    assert len(rising) == len(pulses) == len(truth.pulse_times) == 240
    np.testing.assert_allclose(series.timestamps[:][rising], truth.pulse_times, atol=1.1 / truth.rig.daq_rate)
    np.testing.assert_allclose(watts[rising + 1], truth.pulse_powers, rtol=0.03)
    np.testing.assert_allclose(np.asarray(pulses["power_in_mW"][:]), watts[rising + 1] * 1e3)
    epochs = nwbfile.intervals["optogenetic_epochs"].to_dataframe()
    assert (epochs["number_pulses_per_pulse_train"] * epochs["number_trains"]).sum() == 240


@each_animal
def test_shocks_licks_and_the_drug_are_when_they_were(animal: str, opened: Callable[[str], NWBFile]) -> None:
    nwbfile, truth = opened(animal), truth_of(animal)
    np.testing.assert_allclose(nwbfile.events["shocks"]["timestamp"][:], truth.shock_times, atol=1.1 / truth.rig.daq_rate)
    licking = nwbfile.events["licking_licking"]
    tolerance = truth.fitted_error + 1 / truth.rig.camera_rate
    np.testing.assert_allclose(licking["timestamp"][:], truth.lick_times, atol=tolerance)
    drug = nwbfile.events["drug_administrations"].to_dataframe().iloc[0]
    assert abs(drug["timestamp"] - truth.rig.capsaicin) <= drug["timestamp_uncertainty"] == 10
    assert (drug["compound"], drug["timestamp_basis"], drug["compound_id"]) == ("capsaicin", "notebook", "CHEBI:3374")


@pytest.mark.parametrize(("animal", "status"), [("BG042", "knocked_down"), ("BG043", "control")])
def test_the_receptor_can_be_asked_for(animal: str, status: str, opened: Callable[[str], NWBFile]) -> None:
    metadata = opened(animal).lab_meta_data["glial_receptor_metadata"]
    receptors, populations = metadata.receptors.to_dataframe(index=True), metadata.cell_populations.to_dataframe()
    (row,) = receptors[receptors["gene_symbol"] == "Adra1a"].index
    assert receptors.loc[row, "genetic_status"] == status
    assert receptors.loc[row, "receptor_id"] == "IUPHAR:22"
    assert receptors.loc[row, "gene_id"] == "NCBIGene:11549"
    assert populations.loc[receptors.loc[row, "population"], "cell_type_id"] == "CL:0000644"
    assert metadata.arm == ("shrna" if status == "knocked_down" else "scrambled")


@pytest.mark.parametrize("day", ["baseline", "pod7"])
@each_animal
def test_the_assay_table_holds_the_animals_own_rows(animal: str, day: str, dandiset: Path, converted_demo: Path) -> None:
    table = (converted_demo / "rig" / "cohort" / "von_frey.csv").read_text(encoding="utf-8").splitlines()
    header = table[0].split(",")
    rows = [dict(zip(header, line.split(","), strict=True)) for line in table[1:]]
    with NWBHDF5IO(dandiset / f"sub-{animal}" / f"sub-{animal}_ses-vonfrey-{day}.nwb", "r") as file:
        behavior = file.read().processing["behavior"]
        for side in ("left", "right"):
            expected = [
                float(row["Threshold (g)"])
                for row in rows
                if (row["Animal"], row["Day"].lower(), row["Paw"]) == (animal, day, side)
            ]
            assert len(expected) == 5
            assert list(behavior[f"{side}_paw"]["value"][:]) == expected


def test_a_baseline_session_has_neither_imaging_nor_light_nor_what_was_done_later(dandiset: Path) -> None:
    with NWBHDF5IO(dandiset / "sub-BG042" / "sub-BG042_ses-vonfrey-baseline.nwb", "r") as file:
        nwbfile = file.read()
        assert not nwbfile.imaging_planes
        assert not nwbfile.ogen_sites
        kinds = list(nwbfile.lab_meta_data["glial_receptor_metadata"].procedures["kind"][:])
        assert "nerve_injury" not in kinds
        assert "injection" in kinds


def texts_of(path: Path) -> Iterator[str]:
    """Every string of an HDF5 file, values and attributes."""

    def flat(value: Any) -> Iterator[str]:
        for one in np.ravel(np.asarray(value, dtype=object)):
            if isinstance(one, bytes):
                yield one.decode("utf-8", "replace")
            elif isinstance(one, str):
                yield one

    with h5py.File(path) as file:
        found: list[str] = list(flat(list(file.attrs.values())))

        def visit(name: str, one: Any) -> None:
            found.append(name)
            for value in one.attrs.values():
                found.extend(flat(value))
            if isinstance(one, h5py.Dataset) and one.dtype.kind in "OSU" and not name.startswith("specifications"):
                found.extend(flat(one[()]))

        file.visititems(visit)
    yield from found


def test_no_path_user_or_host_is_in_any_file(dandiset: Path, converted_demo: Path) -> None:
    secrets = [str(converted_demo), str(converted_demo.parent), socket.gethostname(), "C:\\", "/home/", "/Users/", "\\Users\\"]
    user = getpass.getuser()
    for path in dandiset.rglob("*.nwb"):
        texts = list(texts_of(path))
        assert len(texts) > 500
        for secret in secrets:
            assert [text for text in texts if secret in text] == [], path.name
        assert [text for text in texts if f"/{user}/" in text or f"\\{user}\\" in text] == [], path.name
        raw = path.read_bytes()
        assert str(converted_demo.parent).encode() not in raw


def test_dandi_organize_renames_nothing_and_keeps_the_videos(dandiset: Path, tmp_path: Path) -> None:
    from dandi.organize import CopyMode, FileOperationMode, organize

    organize(
        [str(dandiset)],
        dandiset_path=str(tmp_path),
        files_mode=FileOperationMode.COPY,
        update_external_file_paths=True,
        media_files_mode=CopyMode.COPY,
        jobs=1,
    )
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.suffix in {".nwb", ".avi", ".mp4"}} == {
        path.relative_to(dandiset) for path in dandiset.rglob("*") if path.suffix in {".nwb", ".avi", ".mp4"}
    }
    for animal in RIGS:
        here, there = (h5py.File(folder / IMAGING.format(animal)) for folder in (dandiset, tmp_path))
        with here, there:
            for camera in ("paw_cam", "face_cam"):
                videos = here[f"acquisition/{camera}/external_file"].asstr()[:].tolist()
                assert videos == there[f"acquisition/{camera}/external_file"].asstr()[:].tolist()
                assert all((dandiset / f"sub-{animal}" / video).is_file() for video in videos)


@each_animal
def test_every_stated_value_has_its_document_and_line(animal: str, opened: Callable[[str], NWBFile], converted_demo: Path) -> None:
    rows = opened(animal).lab_meta_data["bergmann_conversion"].statements.to_dataframe().set_index("key")
    assert rows.loc["subject.id", "value"] == animal
    assert rows.loc["subject.id", "path"] == "general/subject/subject_id"
    for key, row in rows.iterrows():
        if row["kind"] not in {"stated", "unknown"}:
            continue
        name, _, line = row["origin"].partition(":")
        folder = converted_demo / "rig" if name in SHARED else converted_demo / "rig" / animal
        (document,) = folder.rglob(name)
        word = key.rpartition(".")[2]
        assert word.isdigit() or word in "".join(document.read_text(encoding="utf-8").splitlines(keepends=True)[int(line) - 1 :])
    assert set(rows.loc["session_start_time", "kind"]) == {"file"}
    assert not [key for key in rows.index if key.endswith((".path", ".file_path"))]
    assert "planes.bg_plane.excitation" in rows.index


@each_animal
def test_what_identifiers_and_categories_mean_is_in_the_file(opened: Callable[[str], NWBFile], animal: str) -> None:
    nwbfile = opened(animal)
    tables = list(tables_in(nwbfile))
    curies = {one for table in tables for name in table.identifiers if name in table.colnames for one in table[name][:] if one}
    entities = nwbfile.external_resources.entities.data[:]
    assert {"CL:0000644", "MBA:1091", "NCBIGene:11549", "IUPHAR:22", "CHEBI:3374"} <= curies
    assert {str(row["entity_id"]) for row in entities} == curies
    categories = [table.get_meanings_for_column(col_name=name) for table in tables for name in table.known_values]
    assert len(categories) >= 5
    assert None not in categories
