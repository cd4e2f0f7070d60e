"""The extension: its files are what the script writes, and every type of it survives a file."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pynwb
import pytest
import yaml
from ndx_ophys_devices import Effector, Indicator, ViralVector, ViralVectorInjection
from pynwb import NWBHDF5IO, NWBFile
from pynwb.base import TimeSeries
from pynwb.ophys import OpticalChannel, PlaneSegmentation

import ndx_glial_receptors as glial
from ndx_glial_receptors.build_spec import build_spec

SPEC = Path(glial.__file__).parent / "spec"


def test_released_files_are_what_the_script_writes(tmp_path: Path) -> None:
    build_spec(tmp_path)
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == sorted(path.name for path in SPEC.iterdir())
    for name in written:
        expected = yaml.safe_load((tmp_path / name).read_text(encoding="utf-8"))
        assert yaml.safe_load((SPEC / name).read_text(encoding="utf-8")) == expected, name


def test_specification_files_are_ascii() -> None:
    """hdmf opens them in the encoding of the machine."""
    for path in SPEC.iterdir():
        assert path.read_bytes().isascii(), path.name


@pytest.mark.parametrize(("found", "made", "is_good"), [("", "", True), ("dtype: float64", "dtype: decimal", False)])
def test_specification_is_in_the_schema_language(found: str, made: str, is_good: bool, tmp_path: Path) -> None:
    """As hdmf's own ``validate_hdmf_spec`` sees it, with the NWB schema language that comes with pynwb."""
    language = Path(pynwb.__file__).parent / "nwb-schema" / "nwb.schema.json"
    for path in SPEC.glob("*.e*.yaml"):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8").replace(found, made), encoding="utf-8")
    command = [sys.executable, "-W", "ignore", "-m", "hdmf.testing.validate_spec", str(tmp_path), "-m", str(language)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == is_good, done.stderr


def test_importing_it_does_not_import_bergmann() -> None:
    code = "import sys, ndx_glial_receptors; print([name for name in sys.modules if name.split('.')[0] == 'bergmann'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_value_outside_the_list_is_refused_with_the_list() -> None:
    populations = glial.CellPopulationsTable(description="populations")
    receptors = glial.ReceptorsTable(description="receptors", target_tables={"population": populations})
    with pytest.raises(ValueError, match="genetic_status is 'knocked down'; allowed are: endogenous, knocked_out, knocked_down"):
        receptors.add_row(label="a", receptor_name="b", gene_symbol="c", role="native", genetic_status="knocked down", population=0)


def _segmentation(nwbfile: NWBFile) -> PlaneSegmentation:
    plane = nwbfile.create_imaging_plane(
        name="Plane",
        optical_channel=OpticalChannel(name="Green", description="green", emission_lambda=525.0),
        description="plane",
        device=nwbfile.create_device(name="Scope"),
        excitation_lambda=920.0,
        indicator="GCaMP6f",
        location="CUL4, 5",
    )
    rois = PlaneSegmentation(name="Rois", description="rois", imaging_plane=plane)
    for index in range(3):
        rois.add_roi(pixel_mask=[(index, 0, 1.0)])
    nwbfile.create_processing_module("ophys", "ophys").add(rois)
    return rois


def _vector() -> tuple[Any, Any]:
    vector = ViralVector(name="Shrna", construct_name="AAV-shRNA", manufacturer="Core", titer_in_vg_per_ml=1e12)
    site = {"location": "CUL4, 5", "hemisphere": "left", "reference": "bregma", "volume_in_uL": 0.3}
    coordinates = {"ap_in_mm": -6.0, "ml_in_mm": -0.8, "dv_in_mm": -0.3}
    return vector, ViralVectorInjection(name="ShrnaLeft", viral_vector=vector, **site, **coordinates)


def _whole() -> NWBFile:
    nwbfile = NWBFile("test", "test", datetime(2024, 5, 17, 10, 30, 57, tzinfo=UTC), session_id="test")
    rois = _segmentation(nwbfile)
    vector, injection = _vector()
    populations = glial.CellPopulationsTable(description="populations")
    populations.add_row(
        label="bg",
        cell_type="Bergmann glial cell",
        cell_type_id="CL:0000644",
        location="CUL4, 5",
        location_id="MBA:1091",
        identification="",
    )
    populations.add_row(
        label="lc", cell_type="noradrenergic neuron", cell_type_id="", location="LC", location_id="", identification="Dbh"
    )
    procedures = glial.ProceduresTable(description="procedures")
    text = {"model": "", "target": "", "side": "", "details": ""}
    procedures.add_row(
        label="virus", kind="injection", date="2024-04-19", days_before_session=28.0, viral_vector_injections=[injection], **text
    )
    procedures.add_row(
        label="sni", kind="nerve_injury", date="unknown", days_before_session=np.nan, viral_vector_injections=[], **text
    )
    receptors = glial.ReceptorsTable(description="receptors", target_tables={"population": populations, "procedures": procedures})
    for label, population, injections, done in (("a", 0, [injection], [0]), ("b", 1, [], []), ("c", 0, [injection], [0, 1])):
        receptors.add_row(
            label=label, receptor_name="alpha1A", gene_symbol="Adra1a", role="native", genetic_status="knocked_down",
            genetic_method="shRNA", population=population, viral_vector_injections=injections, procedures=done,
        )  # fmt: skip
    expression = glial.ReceptorExpressionTable(description="evidence", target_tables={"receptor": receptors})
    expression.add_row(receptor=0, assay="RNAscope", value=0.31, unit="fraction of control", sample="same_cohort")
    annotations = glial.CellAnnotationsTable(
        name="cell_annotations_Rois", description="rois", target_tables={"source": rois, "population": populations}
    )
    for index in range(3):
        annotations.add_row(source=index, population=0, compartment="process", cell_id=index // 2)
    metadata = glial.GlialReceptorMetadata(
        arm="shrna",
        arm_is_control=False,
        factors=["injury=SNI", "knockdown=Adra1a"],
        cell_populations=populations,
        receptors=receptors,
        procedures=procedures,
        receptor_expression=expression,
        viral_vectors=[vector],
        viral_vector_injections=[injection],
        indicators=[Indicator(name="Gcamp", label="GCaMP6f", viral_vector_injection=injection)],
        effectors=[Effector(name="HM4Di", label="hM4Di")],
    )
    nwbfile.add_lab_meta_data(metadata)
    metadata.add_cell_annotations_tables(annotations)
    drugs = glial.DrugAdministrationsTable(description="drugs", target_tables={"receptors": receptors})
    given = {"action": "antagonist", "dose": 1.0, "dose_unit": "uM", "route": "bath", "timestamp_basis": "tag"}
    drugs.add_row(timestamp=-600.0, duration=60.0, compound="prazosin", timestamp_uncertainty=np.nan, receptors=[0, 2], **given)
    drugs.add_row(timestamp=12.5, duration=np.nan, compound="clozapine N-oxide", timestamp_uncertainty=30.0, receptors=[], **given)
    nwbfile.add_events_table(drugs)
    states = glial.ReceptorStateIntervals(
        name="receptor_states", description="states", target_tables={"receptors": receptors, "drug_administrations": drugs}
    )
    states.add_row(start_time=0.0, stop_time=10.0, state="baseline", basis="before", receptors=[0, 1], drug_administrations=[])
    states.add_row(start_time=20.0, stop_time=30.0, state="blocked", basis="after", receptors=[2], drug_administrations=[0, 1])
    nwbfile.add_time_intervals(states)
    series = TimeSeries(name="Trace", data=[1.0, 2.0], unit="a.u.", rate=1.0)
    nwbfile.add_acquisition(series)
    flares = glial.GlialEventsTable(
        description="flares", amplitude_unit="dF/F", source_series=series, target_tables={"rois": rois, "population": populations}
    )
    for start, pixels, among in ((1.0, [(1, 2, 1.0), (1, 3, 0.5)], [0, 1]), (4.0, [], []), (6.0, [(0, 0, 1.0)], [2])):
        flares.add_row(
            timestamp=start, duration=0.5, event_type="flare", peak_time=start + 0.2, peak_amplitude=1.5, area_in_um2=100.0,
            propagation_distance_in_um=np.nan, pixel_mask=pixels, rois=among, population=0,
        )  # fmt: skip
    nwbfile.add_events_table(flares)
    return nwbfile


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("extension") / "whole.nwb"
    with NWBHDF5IO(path, "w") as io:
        io.write(_whole())
    return path


def test_a_file_with_every_type_is_valid(path: Path) -> None:
    assert pynwb.validate(path=str(path)) == []


def test_every_type_reads_back(path: Path) -> None:
    with NWBHDF5IO(path, "r") as io:
        nwbfile = io.read()
        metadata = nwbfile.lab_meta_data["glial_receptor_metadata"]
        assert (metadata.arm, bool(metadata.arm_is_control), list(metadata.factors)) == (
            "shrna", False, ["injury=SNI", "knockdown=Adra1a"],
        )  # fmt: skip
        tables = [metadata.cell_populations, metadata.receptors, metadata.procedures, metadata.receptor_expression]
        tables += [*metadata.cell_annotations_tables.values(), *nwbfile.events.values(), nwbfile.intervals["receptor_states"]]
        assert {type(table).__name__ for table in tables} == set(glial.__all__) - {"GlialReceptorMetadata"}
        assert all(type(table) is getattr(glial, type(table).__name__) for table in tables)
        assert metadata.indicators["Gcamp"].viral_vector_injection is metadata.viral_vector_injections["ShrnaLeft"]


def test_references_to_rows_and_objects_read_back(path: Path) -> None:
    with NWBHDF5IO(path, "r") as io:
        nwbfile = io.read()
        metadata = nwbfile.lab_meta_data["glial_receptor_metadata"]
        receptors, procedures = metadata.receptors, metadata.procedures
        injection = metadata.viral_vector_injections["ShrnaLeft"]
        assert [[one.name for one in row] for row in receptors["viral_vector_injections"][:]] == [["ShrnaLeft"], [], ["ShrnaLeft"]]
        assert receptors["viral_vector_injections"][0][0] is injection
        assert procedures["viral_vector_injections"][0][0] is injection
        assert receptors.to_dataframe(index=True)["population"].tolist() == [0, 1, 0]
        assert [list(row) for row in receptors.to_dataframe(index=True)["procedures"]] == [[0], [], [0, 1]]
        drugs = nwbfile.events["drug_administrations"].to_dataframe(index=True)
        assert [list(row) for row in drugs["receptors"]] == [[0, 2], []]
        states = nwbfile.intervals["receptor_states"].to_dataframe(index=True)
        assert [list(row) for row in states["drug_administrations"]] == [[], [0, 1]]
        flares = nwbfile.events["glial_events"]
        assert flares.source_series is nwbfile.acquisition["Trace"]
        masks = flares.to_dataframe(index=True)["pixel_mask"]
        assert [[tuple(pixel) for pixel in row] for row in masks] == [[(1, 2, 1.0), (1, 3, 0.5)], [], [(0, 0, 1.0)]]


def test_a_container_with_empty_tables_reads_back(tmp_path: Path) -> None:
    """An animal of which only a procedure is known."""
    nwbfile = NWBFile("test", "test", datetime(2024, 5, 17, tzinfo=UTC), session_id="test")
    populations = glial.CellPopulationsTable(description="populations")
    receptors = glial.ReceptorsTable(description="receptors", target_tables={"population": populations})
    nwbfile.add_lab_meta_data(glial.GlialReceptorMetadata(cell_populations=populations, receptors=receptors))
    path = tmp_path / "empty.nwb"
    with NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)
    assert pynwb.validate(path=str(path)) == []
    with NWBHDF5IO(path, "r") as io:
        assert len(io.read().lab_meta_data["glial_receptor_metadata"].receptors) == 0


def test_the_file_reads_without_this_extension(path: Path) -> None:
    """The specification is in the file: a reader needs pynwb alone."""
    code = (
        "import sys; from pynwb import NWBHDF5IO; io = NWBHDF5IO(sys.argv[1], 'r'); nwbfile = io.read(); "
        "print('ndx_glial_receptors' in sys.modules, sorted({type(one).__name__ for one in nwbfile.objects.values()}))"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("False ")
    assert all(f"'{name}'" in done.stdout for name in glial.__all__)
