"""NWB files to ask, written with pynwb and the extension alone: what bergmann's own writer does plays no part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pynwb import NWBHDF5IO, NWBFile
from pynwb.file import Subject
from pynwb.ophys import ImageSegmentation, OpticalChannel, PlaneSegmentation

from ndx_glial_receptors import (
    CellAnnotationsTable,
    CellPopulationsTable,
    DrugAdministrationsTable,
    GlialReceptorMetadata,
    ProceduresTable,
    ReceptorsTable,
    ReceptorStateIntervals,
)

Row = Mapping[str, Any]

BG = {
    "label": "bg",
    "cell_type": "Bergmann glial cell",
    "cell_type_id": "CL:0000644",
    "location": "CUL4, 5",
    "location_id": "MBA:1091",
}
PC = {"label": "pc", "cell_type": "Purkinje cell", "cell_type_id": "CL:0000121", "location": "CUL4, 5", "location_id": "MBA:1091"}
V1 = {"label": "v1", "cell_type": "astrocyte", "cell_type_id": "CL:0000127", "location": "VISp", "location_id": "MBA:385"}


def adra1a(population: int, status: str, **more: Any) -> dict[str, Any]:
    """A row of the receptors: the alpha-1A adrenoceptor."""
    known = {
        "label": f"adra1a_{population}_{status}",
        "receptor_name": "α1A-adrenoceptor",
        "gene_symbol": "Adra1a",
        "gene_id": "NCBIGene:11549",
        "receptor_id": "IUPHAR:22",
        "role": "native",
        "genetic_status": status,
        "construct": "",
        "population": population,
    }
    return {**known, **more}


@dataclass
class Said:
    """What a file is to say.

    Attributes
    ----------
    planes : mapping of str to (str, str, str)
        Indicator, location and description by name.
    rois : mapping of str to (str, int, sequence of int or None)
        Plane, number of ROIs, and the population of each (None: not annotated) by segmentation.
    """

    populations: Sequence[Row] = (BG,)
    receptors: Sequence[Row] = ()
    procedures: Sequence[Row] = ()
    drugs: Sequence[Row] = ()
    states: Sequence[Row] = ()
    planes: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    rois: Mapping[str, tuple[str, int, Sequence[int] | None]] = field(default_factory=dict)
    arm: str | None = None
    keywords: Sequence[str] = ()


def fill(table: Any, rows: Sequence[Row]) -> Any:
    for row in rows:
        table.add_row(**row)
    return table


def build(session: str, said: Said) -> NWBFile:
    """An NWB file object that says so."""
    nwbfile = NWBFile(
        session_description="test",
        identifier=f"id-{session}",
        session_start_time=datetime(2024, 5, 17, 10, 30, 57, tzinfo=UTC),
        session_id=session,
        keywords=list(said.keywords) or None,
        subject=Subject(subject_id="BG042", species="Mus musculus", sex="F", age="P79D"),
    )
    add_planes(nwbfile, said)
    if said.populations:
        add_glial(nwbfile, said)
    return nwbfile


def add_planes(nwbfile: NWBFile, said: Said) -> None:
    device = nwbfile.create_device(name="scope")
    for name, (indicator, location, description) in said.planes.items():
        channel = OpticalChannel(name="channel", description="green", emission_lambda=525.0)
        nwbfile.create_imaging_plane(
            name=name,
            optical_channel=channel,
            description=description,
            device=device,
            excitation_lambda=920.0,
            indicator=indicator,
            location=location,
        )
    if said.rois:
        segmentation = ImageSegmentation()
        nwbfile.create_processing_module(name="ophys", description="ROIs").add(segmentation)
        for name, (plane, number, _) in said.rois.items():
            table = PlaneSegmentation(name=name, description="ROIs", imaging_plane=nwbfile.imaging_planes[plane])
            for index in range(number):
                table.add_roi(pixel_mask=[(index, 0, 1.0)])
            segmentation.add_plane_segmentation(table)


def add_glial(nwbfile: NWBFile, said: Said) -> None:
    populations = fill(CellPopulationsTable(description="cells"), said.populations)
    receptors = ReceptorsTable(description="receptors", target_tables={"population": populations})
    procedures = ProceduresTable(description="procedures") if said.procedures else None
    metadata = GlialReceptorMetadata(
        cell_populations=populations,
        receptors=fill(receptors, said.receptors) if said.receptors else None,
        procedures=None if procedures is None else fill(procedures, said.procedures),
    )
    if said.arm is not None:
        metadata.arm = said.arm
    nwbfile.add_lab_meta_data(metadata)
    targets = {"receptors": receptors}
    if said.drugs:
        of_drugs = {"target_tables": targets} if any("receptors" in row for row in said.drugs) else {}
        nwbfile.add_events_table(fill(DrugAdministrationsTable(description="drugs", **of_drugs), said.drugs))
    if said.states:
        states = ReceptorStateIntervals(name="receptor_states", description="states", target_tables=targets)
        nwbfile.add_time_intervals(fill(states, said.states))
    for name, (_, _, of) in said.rois.items():
        if of is not None:
            target = nwbfile.processing["ophys"]["ImageSegmentation"][name]
            annotations = CellAnnotationsTable(
                name=f"cell_annotations_{name}",
                description="whose",
                target_tables={"source": target, "population": populations},
            )
            rows = [{"source": index, "population": population, "compartment": "process"} for index, population in enumerate(of)]
            metadata.add_cell_annotations_tables(fill(annotations, rows))


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write an NWB file below the test's folder that says what is given."""

    def save(name: str = "one.nwb", **said: Any) -> Path:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with NWBHDF5IO(path, "w") as io:
            io.write(build(path.stem, Said(**said)))
        return path

    return save


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    return tmp_path / "caches" / "bergmann" / "find"
