"""Tables and a container for tests: each with plausible values, and linked to what it is given or to others of these.

With ``nwbfile``, what is made is added to that file, with what it points to; else it is only made. Times are in seconds.
"""

from __future__ import annotations

from math import nan
from typing import Any

from ndx_ophys_devices.testing import mock_ViralVector, mock_ViralVectorInjection
from pynwb.testing.mock.base import mock_TimeSeries
from pynwb.testing.mock.ophys import mock_PlaneSegmentation

from ndx_glial_receptors.tables import (
    CellAnnotationsTable,
    CellPopulationsTable,
    DrugAdministrationsTable,
    GlialEventsTable,
    GlialReceptorMetadata,
    ProceduresTable,
    ReceptorExpressionTable,
    ReceptorsTable,
    ReceptorStateIntervals,
)

__all__ = [
    "mock_CellAnnotationsTable",
    "mock_CellPopulationsTable",
    "mock_DrugAdministrationsTable",
    "mock_GlialEventsTable",
    "mock_GlialReceptorMetadata",
    "mock_ProceduresTable",
    "mock_ReceptorExpressionTable",
    "mock_ReceptorStateIntervals",
    "mock_ReceptorsTable",
]


def mock_CellPopulationsTable(**arguments: Any) -> CellPopulationsTable:
    """Bergmann glia, and terminals of the locus coeruleus: rows 0 and 1."""
    table = CellPopulationsTable(**arguments)
    table.add_row(
        label="bg",
        cell_type="Bergmann glial cell",
        cell_type_id="CL:0000644",
        location="CUL4, 5",
        location_id="MBA:1091",
        identification="gfaABC1D promoter and morphology",
    )
    table.add_row(
        label="lc",
        cell_type="noradrenergic neuron",
        cell_type_id="CL:0008025",
        location="LC",
        location_id="MBA:147",
        identification="Dbh-Cre",
    )
    return table


def mock_ProceduresTable(*, injections: tuple[Any, ...] = (), **arguments: Any) -> ProceduresTable:
    """An injection of vectors 28 days before the session, and a nerve injury 7 days before it: rows 0 and 1.

    Parameters
    ----------
    injections : tuple of ndx_ophys_devices.ViralVectorInjection
        What was injected.
    **arguments
        Of the table.
    """
    table = ProceduresTable(**arguments)
    of_vectors: Any = {"model": "", "target": "CUL4, 5", "side": "left"}
    table.add_row(
        label="virus",
        kind="injection",
        date="2024-04-19",
        days_before_session=28.0,
        viral_vector_injections=list(injections),
        **of_vectors,
    )
    of_nerve: Any = {"model": "spared nerve injury", "target": "sciatic nerve", "side": "left"}
    table.add_row(label="sni", kind="nerve_injury", date="2024-05-10", days_before_session=7.0, **of_nerve)
    return table


def mock_ReceptorsTable(
    *,
    cell_populations: CellPopulationsTable | None = None,
    procedures: ProceduresTable | None = None,
    injections: tuple[Any, ...] = (),
    **arguments: Any,
) -> ReceptorsTable:
    """The alpha-1A adrenoceptor knocked down in the first population, and hM4Di in the last one: rows 0 and 1."""
    cells = cell_populations if cell_populations is not None else mock_CellPopulationsTable()
    done = procedures if procedures is not None else mock_ProceduresTable(injections=injections)
    table = ReceptorsTable(cell_populations=cells, procedures=done, **arguments)
    table.add_row(
        label="adra1a_bg",
        receptor_name="alpha1A-adrenoceptor",
        gene_symbol="Adra1a",
        gene_id="NCBIGene:11549",
        receptor_id="IUPHAR:22",
        role="native",
        genetic_status="knocked_down",
        genetic_method="shRNA",
        population=0,
        viral_vector_injections=list(injections),
        procedures=[0],
    )
    table.add_row(
        label="hm4di_lc",
        receptor_name="hM4Di",
        gene_symbol="CHRM4",
        gene_id="",
        receptor_id="",
        role="designer",
        genetic_status="exogenous",
        genetic_method="AAV",
        population=len(cells) - 1,
        procedures=[0],
    )
    return table


def mock_ReceptorExpressionTable(*, receptors: ReceptorsTable | None = None, **arguments: Any) -> ReceptorExpressionTable:
    """What is left of the first receptor."""
    table = ReceptorExpressionTable(receptors=receptors if receptors is not None else mock_ReceptorsTable(), **arguments)
    table.add_row(receptor=0, assay="RNAscope", value=0.31, unit="fraction of control", sample="same_cohort")
    return table


def mock_GlialReceptorMetadata(
    *,
    nwbfile: Any = None,
    cell_populations: CellPopulationsTable | None = None,
    procedures: ProceduresTable | None = None,
    receptors: ReceptorsTable | None = None,
    **arguments: Any,
) -> GlialReceptorMetadata:
    """The container with populations, procedures, receptors, a vector, and its injection.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile, optional
        Where to add it.
    cell_populations, procedures, receptors
        Its tables, where others are wanted; `receptors` must point to the first two.
    **arguments
        Of the container.
    """
    vector = mock_ViralVector(name="vector_shrna")
    injection = mock_ViralVectorInjection(name="injection_shrna", viral_vector=vector)
    cells = cell_populations if cell_populations is not None else mock_CellPopulationsTable()
    done = procedures if procedures is not None else mock_ProceduresTable(injections=(injection,))
    if receptors is None:
        receptors = mock_ReceptorsTable(cell_populations=cells, procedures=done, injections=(injection,))
    arguments = {"viral_vectors": [vector], "viral_vector_injections": [injection], **arguments}
    metadata = GlialReceptorMetadata(cell_populations=cells, procedures=done, receptors=receptors, **arguments)
    if nwbfile is not None:
        nwbfile.add_lab_meta_data(metadata)
    return metadata


def _metadata_of(nwbfile: Any) -> Any:
    """The container of a file, made if it is not there; one of its own where there is no file."""
    there = {} if nwbfile is None else nwbfile.lab_meta_data
    return there.get("glial_receptor_metadata") or mock_GlialReceptorMetadata(nwbfile=nwbfile)


def mock_DrugAdministrationsTable(
    *, nwbfile: Any = None, receptors: ReceptorsTable | None = None, **arguments: Any
) -> DrugAdministrationsTable:
    """Prazosin at the first receptor for a minute from 120 s on, and capsaicin, at no receptor, at 600 s: rows 0 and 1."""
    table = DrugAdministrationsTable(receptors=receptors if receptors is not None else _metadata_of(nwbfile).receptors, **arguments)
    table.add_row(
        timestamp=120.0,
        duration=60.0,
        compound="prazosin",
        compound_id="CHEBI:8364",
        action="antagonist",
        dose=1.0,
        dose_unit="uM",
        route="bath",
        timestamp_basis="tag",
        receptors=[0],
    )
    table.add_row(
        timestamp=600.0,
        duration=nan,
        compound="capsaicin",
        compound_id="CHEBI:3374",
        action="stimulus",
        dose=10.0,
        dose_unit="ug",
        route="intraplantar",
        timestamp_basis="notebook",
    )
    if nwbfile is not None:
        nwbfile.add_events_table(table)
    return table


def mock_ReceptorStateIntervals(
    *,
    nwbfile: Any = None,
    receptors: ReceptorsTable | None = None,
    drug_administrations: DrugAdministrationsTable | None = None,
    **arguments: Any,
) -> ReceptorStateIntervals:
    """The first receptor at baseline until 120 s, and blocked by the first administration until 300 s: rows 0 and 1."""
    known = receptors if receptors is not None else _metadata_of(nwbfile).receptors
    drugs = drug_administrations
    if drugs is None:
        there = nwbfile.events.get("drug_administrations") if nwbfile is not None and nwbfile.events else None
        drugs = there if there is not None else mock_DrugAdministrationsTable(nwbfile=nwbfile, receptors=known)
    table = ReceptorStateIntervals(receptors=known, drug_administrations=drugs, **arguments)
    table.add_interval(
        start_time=0.0, stop_time=120.0, state="baseline", basis="before prazosin", receptors=[0], drug_administrations=[]
    )
    table.add_interval(start_time=120.0, stop_time=300.0, state="blocked", basis="as seen", receptors=[0], drug_administrations=[0])
    if nwbfile is not None:
        nwbfile.add_time_intervals(table)
    return table


def mock_CellAnnotationsTable(
    *, nwbfile: Any = None, source: Any = None, population: CellPopulationsTable | None = None, **arguments: Any
) -> CellAnnotationsTable:
    """Every row of a table of ROIs is a process of the first population."""
    rois = source if source is not None else mock_PlaneSegmentation(nwbfile=nwbfile)
    metadata = _metadata_of(nwbfile)
    cells = population if population is not None else metadata.cell_populations
    arguments = {"name": f"cell_annotations_{rois.name}", **arguments}
    table = CellAnnotationsTable(source=rois, population=cells, **arguments)
    for row in range(len(rois)):
        table.add_row(source=row, population=0, compartment="process", cell_id=row)
    if nwbfile is not None:
        metadata.add_cell_annotations_tables(table)
    return table


def mock_GlialEventsTable(
    *,
    nwbfile: Any = None,
    rois: Any = None,
    population: CellPopulationsTable | None = None,
    source_series: Any = None,
    **arguments: Any,
) -> GlialEventsTable:
    """Two flares of the first population, of two pixels and of one."""
    found_in = source_series if source_series is not None else mock_TimeSeries(nwbfile=nwbfile)
    table = GlialEventsTable(
        rois=rois if rois is not None else mock_PlaneSegmentation(nwbfile=nwbfile),
        population=population if population is not None else _metadata_of(nwbfile).cell_populations,
        source_series=found_in,
        **{"amplitude_unit": "dF/F", **arguments},
    )
    for start, pixels in ((1.0, [(1, 2, 1.0), (1, 3, 0.5)]), (4.0, [(0, 0, 1.0)])):
        table.add_event(
            timestamp=start,
            duration=0.5,
            event_type="flare",
            peak_time=start + 0.25,
            peak_amplitude=1.5,
            area_in_um2=50.0 * len(pixels),
            pixel_mask=pixels,
            rois=[0],
            population=0,
        )
    if nwbfile is not None:
        nwbfile.add_events_table(table)
    return table
