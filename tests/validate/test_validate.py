"""One list of what three validators find, and of subjects that differ."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import h5py
import numpy as np
import pytest

from bergmann.errors import SourceError
from bergmann.findings import Finding, has_errors
from bergmann.validate import validate_paths
from bergmann.validate.known import weigh
from bergmann.writing import Streams, write_session

START = datetime(2024, 5, 17, 10, 30, 57, tzinfo=UTC)


def make(session_id: str = "base", start: datetime = START, **subject: Any) -> Any:
    from pynwb import NWBFile
    from pynwb.file import Subject

    known = {"subject_id": "m1", "species": "Mus musculus", "sex": "F", "age": "P11W", "description": "mouse"}
    return NWBFile(
        session_description="session",
        identifier=str(uuid4()),
        session_start_time=start,
        session_id=session_id,
        subject=Subject(**{**known, **subject}),
    )


def write(nwbfile: Any, dandiset: Path) -> Path:
    return write_session(nwbfile, dandiset, Streams())


def errors(findings: tuple[Finding, ...]) -> list[tuple[str, str, str]]:
    return [(finding.origin, finding.check, finding.location) for finding in findings if finding.severity == "error"]


def test_a_good_dandiset_has_no_error(tmp_path: Path) -> None:
    write(make(), tmp_path)
    write(make("later", datetime(2024, 5, 25, 9, tzinfo=UTC), age="P12W"), tmp_path)
    findings = validate_paths([tmp_path])
    assert not has_errors(findings)
    assert {finding.origin for finding in findings} == {"nwbinspector"}


def test_each_thing_is_said_once_by_the_tool_that_found_it(tmp_path: Path) -> None:
    path = write(make(), tmp_path)
    with h5py.File(path, "r+") as file:
        del file["general/subject/sex"]
        file["acquisition"].create_group("odd").attrs.update(
            {"neurodata_type": "TimeSeries", "namespace": "core", "object_id": "1"}
        )
        file["acquisition/odd"]["timestamps"] = [0.0, 1.0]
    found = errors(validate_paths([path]))
    assert ("nwbinspector", "check_subject_sex", f"{path.name}:/general/subject") in found
    assert ("pynwb", "TimeSeries/data", f"{path.name}:/acquisition/odd") in found
    assert len(found) == len(set(found))


def test_a_file_that_pynwb_cannot_read_is_said_in_one_line_each(tmp_path: Path) -> None:
    path = write(make(), tmp_path)
    with h5py.File(path, "r+") as file:
        del file["session_description"]
    found = validate_paths([path])
    assert errors(found) == [
        ("pynwb", "root/session_description", path.name),
        ("nwbinspector", "io.read", path.name),
        ("dandi", "dandi.metadata", path.name),
    ]
    assert not [finding for finding in found if "\n" in finding.message]


def test_a_name_that_is_not_dandis(tmp_path: Path) -> None:
    path = write(make(), tmp_path)
    odd = path.replace(path.with_name("mine.nwb"))
    assert ("dandi", "DANDI.NON_DANDI_FILENAME", "mine.nwb") in errors(validate_paths([odd]))


def test_files_of_others_are_validated_too(real: Callable[[str], Path]) -> None:
    folder = real("nwb/pynwb_back_compat")
    good = validate_paths([folder / "2.1.0_nwbfile_with_extension.nwb"])
    assert errors(good) == [("nwbinspector", "check_subject_exists", "2.1.0_nwbfile_with_extension.nwb")]
    bad = validate_paths([folder / "1.5.1_timeseries_no_unit.nwb"])
    assert ("pynwb", "TimeSeries/data/unit", "1.5.1_timeseries_no_unit.nwb:/acquisition/test_timeseries/data") in errors(bad)


@pytest.mark.parametrize(
    "name",
    [
        "pynwb_back_compat/1.0.2_str_experimenter.nwb",
        "pynwb_back_compat/1.5.1_timeseries_no_unit.nwb",
        "pynwb_back_compat/2.1.0_nwbfile_with_extension.nwb",
        "pynwb_back_compat/2.2.0_subject_no_age__reference.nwb",
        "ndx_pose_back_compat/0.1.1_poseestimation_nodes_edges.nwb",
    ],
)
def test_all_that_each_tool_says_by_itself_is_in_the_list(
    real: Callable[[str], Path], tmp_path: Path, recwarn: Any, name: str
) -> None:
    from dandi.files import NWBAsset, dandi_file
    from nwbinspector import inspect_nwbfile, load_config
    from pynwb import validate

    (tmp_path / "dandiset.yaml").write_text("identifier: '1'\n", encoding="utf-8")
    path = tmp_path / "mine.nwb"
    path.write_bytes(real(f"nwb/{name}").read_bytes())
    said = [(finding.origin, finding.message) for finding in validate_paths([path])]

    asset = dandi_file(path, tmp_path)
    assert isinstance(asset, NWBAsset)
    by_dandi = [
        (result.origin.validator.value, result.message.removeprefix("Failed to validate. "))
        for result in asset.get_validation_errors()
    ]
    by_inspector = [
        ("nwbinspector", message.message)
        for message in inspect_nwbfile(nwbfile_path=path, skip_validate=True, config=load_config("dandi"))
        if message is not None
    ]
    by_pynwb = [("pynwb", error.reason) for error in validate(path=path)]
    for origin, message in [*by_dandi, *by_inspector, *by_pynwb]:
        assert (origin if origin in {"pynwb", "nwbinspector"} else "dandi", message) in said
    assert any(origin == "dandi" for origin, _ in said)  # name and folder
    assert by_inspector
    recwarn.clear()  # the tools by themselves warn of old files


def test_namespaces_of_a_file_are_parsed_no_more_than_three_times(tmp_path: Path) -> None:
    validate_paths([write(make(), tmp_path)])  # imports read specifications of their own
    path = write(make("other"), tmp_path)  # dandi may remember the first, where a plugin of pytest has imported it already
    from hdmf.backends.hdf5 import HDF5IO

    loads = 0
    read_by = sys.modules[HDF5IO.__module__].__file__

    def note(frame: Any, event: str, argument: object) -> None:
        nonlocal loads
        loads += event == "call" and frame.f_code.co_name == "__load_namespaces" and frame.f_code.co_filename == read_by

    sys.setprofile(note)
    try:
        validate_paths([path])
    finally:
        sys.setprofile(None)
    assert loads == 3


def test_a_neighbour_that_dandi_cannot_check_does_not_hide_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(make(), tmp_path)
    (tmp_path / "dandiset.yaml").write_text("identifier: '1'\n", encoding="utf-8")
    (tmp_path / "dataset_description.json").write_text('{"Name": "n", "BIDSVersion": "1.9.0"}', encoding="utf-8")
    monkeypatch.setenv("PATH", str(tmp_path))  # where dandi looks for the validator of BIDS
    found = validate_paths([tmp_path])
    (said,) = [finding for finding in found if finding.check == "dandi.neighbour"]
    assert (said.severity, said.location) == ("warning", "dataset_description.json")
    assert {finding.location.partition(":")[0] for finding in found} >= {path.name}


def test_objects_without_a_path_are_told_apart(tmp_path: Path) -> None:
    nwbfile = make()
    for name in ("laser", "fibre"):
        nwbfile.create_device_model(name=name, manufacturer="maker")
    path = write(nwbfile, tmp_path)
    found = [finding for finding in validate_paths([path]) if finding.check == "check_description"]
    assert {finding.location for finding in found} == {f"{path.name}: DeviceModel laser", f"{path.name}: DeviceModel fibre"}


def test_a_species_that_dandi_would_look_up_is_not_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    path = write(make(), tmp_path)
    with h5py.File(path, "r+") as file:
        del file["general/subject/species"]
        file["general/subject/species"] = "http://purl.obolibrary.org/obo/NCBITaxon_10000001"

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    found = validate_paths([path])
    assert not has_errors(found)
    (said,) = [finding for finding in found if finding.check == "dandi.metadata"]
    assert said.severity == "note"
    assert "NCBITaxon_10000001" in said.message


def test_nothing_is_printed_logged_or_left_changed(tmp_path: Path, capfd: Any) -> None:
    path = write(make(), tmp_path)
    before = (dict(os.environ), list(warnings.filters), logging.getLogger("dandi").level)
    validate_paths([path])
    assert (dict(os.environ), list(warnings.filters), logging.getLogger("dandi").level) == before
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("content", [b"not an NWB file", b""])
def test_what_is_not_hdf5_cannot_be_validated(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.nwb").write_bytes(content)
    with pytest.raises(SourceError, match=r"a\.nwb: it is not an HDF5 file"):
        validate_paths([tmp_path / "a.nwb"])


def test_an_unreadable_file_does_not_hide_the_others(tmp_path: Path) -> None:
    good = write(make(), tmp_path)
    (tmp_path / "sub-m1" / "cut.nwb").write_bytes(good.read_bytes()[:5000])
    with h5py.File(tmp_path / "sub-m1" / "other.nwb", "w") as file:
        file["a"] = 1
    found = errors(validate_paths([tmp_path]))
    assert ("bergmann", "unreadable", "cut.nwb") in found
    assert ("bergmann", "unreadable", "other.nwb") in found


def test_nothing_to_validate(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no NWB file \(\*\.nwb\) is in there"):
        validate_paths([tmp_path])
    with pytest.raises(SourceError, match="there is no such file or folder"):
        validate_paths([tmp_path / "absent"])
    (tmp_path / "a.nwb.zarr").mkdir()
    with pytest.raises(SourceError, match=r"a\.nwb\.zarr: it is a Zarr store, and only HDF5 files are validated"):
        validate_paths([tmp_path / "a.nwb.zarr"])


def test_temporaries_are_not_taken_for_files(tmp_path: Path) -> None:
    write(make(), tmp_path)
    (tmp_path / ".sub-m1_ses-x.1-2-3.nwb.part").write_bytes(b"half")
    (tmp_path / ".hidden.nwb").write_bytes(b"half")
    assert not has_errors(validate_paths([tmp_path]))


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        ({"sex": "F"}, {"sex": "M"}, "sex"),
        ({"genotype": "wt/wt"}, {"genotype": "Dbh-Cre/wt"}, "genotype"),
        ({"strain": "C57BL/6J"}, {"strain": "BALB/c"}, "strain"),
        ({"species": "Mus musculus"}, {"species": "Rattus norvegicus"}, "species"),
        (
            {"date_of_birth": datetime(2024, 2, 28, tzinfo=UTC)},
            {"date_of_birth": datetime(2024, 2, 29, tzinfo=UTC)},
            "date_of_birth",
        ),
        ({"age": "P11W"}, {"age": "P14W"}, "age"),
        ({"age": "P79D"}, {"age": "P80D"}, "age"),
    ],
)
def test_a_subject_that_differs(tmp_path: Path, first: dict[str, Any], second: dict[str, Any], name: str) -> None:
    from bergmann.validate.subjects import check_subjects

    later = datetime(2024, 5, 24, 10, tzinfo=UTC)
    paths = [write(make("a", **first), tmp_path), write(make("b", later, **second), tmp_path)]
    if name != "age":  # let only one thing differ
        for path, age in zip(paths, (b"P11W", b"P12W"), strict=True):
            with h5py.File(path, "r+") as file:
                file["general/subject/age"][()] = age
    (finding,) = check_subjects(paths)
    assert (finding.severity, finding.location) == ("error", f"subject m1: {name}")
    assert all(path.name in finding.message for path in paths)


def test_ages_that_fit_the_dates(tmp_path: Path) -> None:
    from bergmann.validate.subjects import check_subjects

    later = datetime(2024, 5, 24, 10, tzinfo=UTC)
    birth = datetime(2024, 2, 28, tzinfo=UTC)
    paths = [
        write(make("a", date_of_birth=birth, age="P79D"), tmp_path),
        write(make("b", later, date_of_birth=birth, age="P86D"), tmp_path),
        write(make("c", later, date_of_birth=birth, age="P2M"), tmp_path),
    ]
    assert list(check_subjects(paths)) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"strain": "C57BL/6J"}, {}),
        ({}, {"genotype": "Dbh-Cre/wt"}),
        ({"sex": None}, {}),
        ({"date_of_birth": datetime(2024, 2, 28, tzinfo=UTC)}, {"age": None}),
        ({"age": None}, {"age": "P12W"}),
        ({"weight": "0.021 kg"}, {}),
        ({"weight": "0.021 kg"}, {"weight": "0.023 kg"}),
        ({"description": "mouse"}, {"description": "mouse, second week"}),
    ],
)
def test_what_only_one_session_states_or_what_changes_by_day_is_no_difference(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any]
) -> None:
    from bergmann.validate.subjects import check_subjects

    later = datetime(2024, 5, 24, 10, tzinfo=UTC)
    paths = [write(make("a", **first), tmp_path), write(make("b", later, **{"age": "P12W", **second}), tmp_path)]
    assert list(check_subjects(paths)) == []
    assert list(check_subjects(reversed(paths))) == []


@pytest.mark.parametrize(
    ("check", "message", "kind", "severity"),
    [
        ("check_imaging_plane_location_allen_ccf", "location 'dorsal horn of the spinal cord' is not", "ImagingPlane", "note"),
        ("check_imaging_plane_location_allen_ccf", "location 'L4 DRG' is not", "ImagingPlane", "note"),
        ("check_imaging_plane_location_allen_ccf", "location 'S1' is not", "ImagingPlane", "warning"),
        ("check_col_not_nan", "Column 'a' has all NaN values.", "OptogeneticEpochsTable", "note"),
        ("check_col_not_nan", "Column 'a' has all NaN values.", "DynamicTable", "warning"),
        ("check_regular_timestamps", "TimeSeries appears to have a constant sampling rate.", "TwoPhotonSeries", "note"),
        ("check_data_orientation", "Data may be in the wrong orientation.", "TwoPhotonSeries", "note"),
        ("check_data_orientation", "Data may be in the wrong orientation.", "RoiResponseSeries", "warning"),
    ],
)
def test_known_false_alarms_are_notes_with_a_reason(check: str, message: str, kind: str, severity: str) -> None:
    finding = Finding(severity="warning", check=check, location="a.nwb", message=message)
    weighed = weigh(finding, kind, is_ours=True)
    assert weighed.severity == severity
    assert weighed.message == message
    assert weighed.remedy.startswith("nothing to do: ") == (severity == "note")


def test_a_spinal_cord_plane_in_a_file(tmp_path: Path) -> None:
    from pynwb.ophys import OpticalChannel, TwoPhotonSeries

    nwbfile = make()
    plane = nwbfile.create_imaging_plane(
        name="plane",
        optical_channel=OpticalChannel(name="green", description="green", emission_lambda=520.0),
        description="plane",
        device=nwbfile.create_device(name="microscope"),
        excitation_lambda=920.0,
        indicator="GCaMP6f",
        location="spinal cord dorsal horn",
    )
    movie = np.random.default_rng(0).integers(0, 9, (20, 16, 16)).astype("uint16")
    nwbfile.add_acquisition(TwoPhotonSeries(name="movie", data=movie, imaging_plane=plane, rate=30.0, unit="n.a."))
    found = validate_paths([write(nwbfile, tmp_path)])
    (said,) = [finding for finding in found if finding.check == "check_imaging_plane_location_allen_ccf"]
    assert (said.severity, said.remedy) == ("note", "nothing to do: the Allen atlas is of the brain, and this place is not in it")
    assert not has_errors(found)


def test_how_the_times_of_a_foreign_file_came_about_is_not_claimed() -> None:
    message = "TimeSeries appears to have a constant sampling rate."
    finding = Finding(
        severity="warning", check="check_regular_timestamps", location="a.nwb", message=message, origin="nwbinspector"
    )
    assert weigh(finding, "TimeSeries") == finding


def test_how_the_frames_of_a_foreign_movie_lie_is_not_claimed() -> None:
    message = "Data may be in the wrong orientation."
    finding = Finding(severity="warning", check="check_data_orientation", location="a.nwb", message=message, origin="nwbinspector")
    assert weigh(finding, "TwoPhotonSeries") == finding
    assert weigh(finding, "TwoPhotonSeries", is_ours=True).remedy == (
        "nothing to do: time is the first dimension, and the movie has fewer frames than pixels on a side"
    )
