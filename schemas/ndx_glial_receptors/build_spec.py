"""Write the specification files of ndx-glial-receptors: ``python schemas/ndx_glial_receptors/build_spec.py [FOLDER]``.

The files beside this one are what is released; a test compares them with what this script writes. A released type never gains a
required field and is never renamed, so that files of today read with the extension of tomorrow.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pynwb.spec import (
    NWBAttributeSpec,
    NWBDatasetSpec,
    NWBDtypeSpec,
    NWBGroupSpec,
    NWBLinkSpec,
    NWBNamespaceBuilder,
    NWBRefSpec,
)

NAME = "ndx-glial-receptors"
VERSION = "0.1.0"
DEVICE_TYPES = ("ViralVector", "ViralVectorInjection", "Indicator", "Effector")
"""The types of ndx-ophys-devices 0.3.1 that the container holds; no other type of it is drawn in."""

ROLES = {
    "native": "a receptor of the subject itself, altered or not",
    "designer": "a receptor made to answer to a designed compound, such as hM4Di",
    "sensor": "a protein introduced to report a ligand, such as GRAB_NE",
    "other": "none of these, such as the pump of CalEx",
}
GENETIC_STATUSES = {
    "endogenous": "as it is without intervention",
    "knocked_out": "its gene is removed or inactive in this population",
    "knocked_down": "its expression is reduced, for example by RNA interference",
    "overexpressed": "more of it is expressed than without intervention",
    "exogenous": "introduced into cells that do not have it",
    "control": "unaltered, in a subject that was given the control of an intervention, such as a scrambled shRNA",
    "unknown": "not known",
}
PROCEDURE_KINDS = {
    "injection": "something was injected, such as a viral vector",
    "window": "a cranial or spinal window was made",
    "implant": "a device was implanted, such as an optical fibre",
    "nerve_injury": "a nerve was injured",
    "inflammation": "an inflammation was caused",
    "sham": "the procedure without what it is named for",
    "other": "none of these",
}
SAMPLES = {
    "same_subject": "tissue of this subject",
    "same_cohort": "tissue of other subjects that were treated alike in the same study",
    "published": "a publication; no tissue of this study",
}
ACTIONS = {
    "agonist": "activates the receptors",
    "antagonist": "keeps them from being activated",
    "inverse_agonist": "lowers their activity below that without a ligand",
    "positive_modulator": "makes them answer more to their ligand",
    "negative_modulator": "makes them answer less to their ligand",
    "uptake_inhibitor": "keeps a transmitter from being taken up, so that it acts longer",
    "stimulus": "given to be sensed by the subject, such as capsaicin in a paw",
    "vehicle": "only what the compound is dissolved in, as a control",
    "other": "none of these",
}
TIMESTAMP_BASES = {
    "recorded": "measured by an instrument on the clock of the session",
    "tag": "a mark that a person set in a recording",
    "notebook": "written down by a person, by another clock",
    "protocol": "as the protocol says; nobody wrote the actual time down",
    "unknown": "not known",
}
STATES = {
    "baseline": "before anything was done to the receptors",
    "activated": "taken to be activated",
    "blocked": "taken to be blocked",
    "washout": "after a compound was removed, while its effect may go on",
    "other": "none of these; the basis says which",
}
COMPARTMENTS = {
    "soma": "the body of a cell",
    "process": "a process of a glial cell",
    "endfoot": "the end of a process at a vessel or at the pia",
    "axon": "an axon or its terminals",
    "dendrite": "a dendrite",
    "whole_cell": "a cell with its processes",
    "field": "many cells or processes that are not told apart, as under a fibre",
    "unknown": "not known",
}


def _one_of(values: Iterable[str]) -> str:
    return "One of: " + ", ".join(values) + "."


def _quantity(required: bool) -> dict[str, str]:
    return {} if required else {"quantity": "?"}


def _column(name: str, doc: str, dtype: Any = "text", *, required: bool = False, rows: str = "num_rows") -> NWBDatasetSpec:
    """A column of one dimension."""
    return NWBDatasetSpec(
        name=name, doc=doc, neurodata_type_inc="VectorData", dtype=dtype, dims=(rows,), shape=(None,), **_quantity(required)
    )


def _time(name: str, doc: str) -> NWBDatasetSpec:
    """A column of the core's own type for times, in seconds from the session's start."""
    return NWBDatasetSpec(name=name, doc=doc, neurodata_type_inc="TimestampVectorData", **_quantity(required=False))


def _region(name: str, doc: str, *, required: bool = False) -> NWBDatasetSpec:
    """A column that points to rows of another table."""
    return NWBDatasetSpec(name=name, doc=doc, neurodata_type_inc="DynamicTableRegion", **_quantity(required))


def _ragged(column: NWBDatasetSpec, *, required: bool = False) -> list[NWBDatasetSpec]:
    """A column with any number of values a row, and its index."""
    name = column["name"]
    index = NWBDatasetSpec(
        name=f"{name}_index",
        doc=f"Where the values of each row end in {name}.",
        neurodata_type_inc="VectorIndex",
        **_quantity(required),
    )
    return [column, index]


def _injections(doc: str) -> list[NWBDatasetSpec]:
    reference = NWBRefSpec(target_type="ViralVectorInjection", reftype="object")
    return _ragged(_column("viral_vector_injections", doc, reference, rows="num_injections"))


def _table(
    name: str, doc: str, columns: list[NWBDatasetSpec], *, default_name: str | None, base: str = "DynamicTable"
) -> NWBGroupSpec:
    named = {} if default_name is None else {"default_name": default_name}
    return NWBGroupSpec(neurodata_type_def=name, neurodata_type_inc=base, doc=doc, datasets=columns, **named)


def cell_populations() -> NWBGroupSpec:
    """Which cells: the table that all others point to."""
    return _table(
        "CellPopulationsTable",
        "Cell populations of the subject. One row is one cell type at one place; receptors, events and regions of interest point "
        "to its rows.",
        [
            _column("label", "Short name of the population, unique in this table, such as BG.", required=True),
            _column("cell_type", "Name of the cell type, if possible as in the Cell Ontology: Bergmann glial cell.", required=True),
            _column("cell_type_id", "CURIE of the cell type, such as CL:0000644; empty if no term fits."),
            _column("location", "Where the cells are, if possible as in an atlas: CUL4, 5.", required=True),
            _column("location_id", "CURIE of the place, such as MBA:1091 or UBERON:0002240; empty if not known."),
            _column("identification", "How cells were assigned to the population: promoter, driver line, marker, morphology."),
        ],
        default_name="cell_populations",
    )


def receptors() -> NWBGroupSpec:
    """What the cells carry."""
    return _table(
        "ReceptorsTable",
        "Receptors, and what is treated like one: channels, transporters, designer receptors, receptor-based sensors. One row is "
        "one receptor in one cell population of this subject, in the genetic state that it had during the whole session. What "
        "changes within the session is an event or an interval, not a row.",
        [
            _column("label", "Short name of the row, unique in this table, such as Adra1a_BG.", required=True),
            _column(
                "receptor_name",
                "Name of the receptor, if possible as in the Guide to PHARMACOLOGY: alpha1A-adrenoceptor.",
                required=True,
            ),
            _column(
                "gene_symbol",
                "Symbol of the gene in the species that it is from, such as Adra1a; empty for a synthetic protein or a family.",
            ),
            _column("gene_id", "CURIE of the gene, such as NCBIGene:11549; empty if not known."),
            _column("receptor_id", "CURIE of the receptor, such as IUPHAR:22 or UniProtKB:P97718; empty if there is none."),
            _column("role", f"What the protein is in this experiment. {_one_of(ROLES)}", required=True),
            _column("transduction", "Primary transduction, such as Gq/G11; empty if not known."),
            _column("endogenous_ligand", "The natural ligand, or the ligand that a sensor reports, such as noradrenaline."),
            _column("genetic_status", f"State of the receptor in this subject. {_one_of(GENETIC_STATUSES)}", required=True),
            _column("genetic_method", "How the state was made, such as shRNA or Cre/lox; empty if nothing was done."),
            _column(
                "construct",
                "What was delivered, as the laboratory names it; the one record of it where the injection is not fully known.",
            ),
            _region("population", "The cell population, a row of CellPopulationsTable.", required=True),
            *_injections("The injections that made the state; only those of which everything is known."),
            *_ragged(_region("procedures", "What was done to the subject to make the state, rows of ProceduresTable.")),
        ],
        default_name="receptors",
    )


def procedures() -> NWBGroupSpec:
    """What was done to the animal before."""
    return _table(
        "ProceduresTable",
        "What was done to the subject before the session, one row a procedure, so that day 7 after a nerve injury is a number.",
        [
            _column("label", "Short name of the procedure, unique in this table.", required=True),
            _column("kind", f"Kind of procedure. {_one_of(PROCEDURE_KINDS)}", required=True),
            _column(
                "model",
                "The disease or injury model, such as spared nerve injury or CFA; for a sham, the model that it is the sham of.",
            ),
            _column("target", "What was operated on, such as sciatic nerve or left hind paw."),
            _column("side", "Side of the body: left, right, both; empty if it has none or it is not known."),
            _column("date", "Date as YYYY-MM-DD, or unknown.", required=True),
            _column("days_before_session", "Days from the procedure to the session's day; NaN if not known.", "float64"),
            # Not `description`: a table has an attribute of that name, and hdmf sets a column as an attribute of its table.
            _column("details", "What else is known: vectors, coordinates, volumes."),
            *_injections("The injections made in this procedure; only those of which everything is known."),
        ],
        default_name="procedures",
    )


def receptor_expression() -> NWBGroupSpec:
    """How expression is known."""
    return _table(
        "ReceptorExpressionTable",
        "Evidence that a receptor is, or is no longer, expressed. One row is one measurement.",
        [
            _region("receptor", "What was measured, a row of ReceptorsTable.", required=True),
            _column("assay", "How, such as RNAscope, RT-qPCR or immunohistochemistry.", required=True),
            _column("value", "The measured level; NaN for a qualitative result.", "float64"),
            _column("unit", "Unit of the value, such as puncta/cell or fraction of control."),
            _column("sample", f"Whose tissue was measured. {_one_of(SAMPLES)}", required=True),
            _column("reference", "DOI, accession or address of the evidence."),
        ],
        default_name="receptor_expression",
    )


def drug_administrations() -> NWBGroupSpec:
    """What was given, when."""
    return _table(
        "DrugAdministrationsTable",
        "Administrations of compounds, one a row. The timestamp is the beginning, negative if before the session, NaN if nobody "
        "knows; the duration is that of an infusion or a perfusion, NaN for a bolus.",
        [
            _column("compound", "Name of the compound, such as prazosin.", required=True),
            _column("compound_id", "CURIE of the compound, such as CHEBI:8364 or pubchem.compound:4893; empty if not known."),
            _column("action", f"What it was given to do at the receptors. {_one_of(ACTIONS)}", required=True),
            _column("dose", "Dose or concentration in dose_unit; NaN if not known.", "float64"),
            _column("dose_unit", "Unit of the dose, such as mg/kg, ug or uM."),
            _column("route", "Route, such as intraperitoneal, intraplantar, bath or puff.", required=True),
            _column("site", "Where it was given, such as left hind paw; empty if everywhere."),
            _column("vehicle", "What it was dissolved in, such as 0.9 % saline."),
            _column("volume_in_uL", "Volume given, in microlitres; NaN if not known.", "float64"),
            _column("timestamp_basis", f"How the timestamp is known. {_one_of(TIMESTAMP_BASES)}", required=True),
            _column(
                "timestamp_uncertainty",
                "Half width of the interval that holds the true time, in seconds; NaN if not stated.",
                "float64",
            ),
            *_ragged(_region("receptors", "The receptors that it was given to act on, rows of ReceptorsTable.")),
        ],
        default_name="drug_administrations",
        base="EventsTable",
    )


def receptor_states() -> NWBGroupSpec:
    """In which state the receptors were taken to be."""
    return _table(
        "ReceptorStateIntervals",
        "Intervals during which receptors are taken to be in one functional state, for selecting signals by state.",
        [
            _column("state", f"The state. {_one_of(STATES)}", required=True),
            _column("basis", "Why the interval begins and ends where it does.", required=True),
            *_ragged(_region("receptors", "The receptors in this state, rows of ReceptorsTable.", required=True), required=True),
            *_ragged(_region("drug_administrations", "What brought the state about, rows of DrugAdministrationsTable.")),
        ],
        default_name=None,
        base="TimeIntervals",
    )


def cell_annotations() -> NWBGroupSpec:
    """Which cells a signal comes from."""
    return _table(
        "CellAnnotationsTable",
        "Says which cell population and which part of the cell each row of one other table is: a PlaneSegmentation, a photometry "
        "table, or Units. One such table for each annotated table.",
        [
            _region("source", "A row of the annotated table, such as one region of interest.", required=True),
            _region("population", "The cell population, a row of CellPopulationsTable.", required=True),
            _column("compartment", f"Part of the cell. {_one_of(COMPARTMENTS)}", required=True),
            _column("cell_id", "Number shared by all rows that are parts of one cell; -1 if not known.", "int32"),
        ],
        default_name="cell_annotations",
    )


def glial_events() -> NWBGroupSpec:
    """What the cells did."""
    mask = [
        NWBDtypeSpec(name="x", dtype="uint32", doc="Column of the pixel."),
        NWBDtypeSpec(name="y", dtype="uint32", doc="Row of the pixel."),
        NWBDtypeSpec(name="weight", dtype="float32", doc="Weight of the pixel."),
    ]
    columns = [
        _column("event_type", "Type of the event in the authors' words, such as flare."),
        _time("peak_time", "When the event is largest."),
        _column("peak_amplitude", "Amplitude at the peak, in the table's amplitude_unit.", "float64"),
        _column("area_in_um2", "Area covered over the whole event, in square micrometres.", "float64"),
        _column("propagation_distance_in_um", "How far the front of the event moved, in micrometres.", "float64"),
        *_ragged(_column("pixel_mask", "Pixels of the event.", mask, rows="num_pixels")),
        *_ragged(_region("rois", "Regions of interest that took part, rows of a PlaneSegmentation.")),
        _region("population", "The cell population, a row of CellPopulationsTable."),
    ]
    return NWBGroupSpec(
        neurodata_type_def="GlialEventsTable",
        neurodata_type_inc="EventsTable",
        default_name="glial_events",
        doc="Events of glia, one a row, such as flares or waves of calcium, found from events or from regions of interest. The "
        "timestamp is the onset.",
        attributes=[
            NWBAttributeSpec(name="amplitude_unit", doc="Unit of peak_amplitude, such as dF/F.", dtype="text", required=False)
        ],
        datasets=columns,
        links=[
            NWBLinkSpec(
                name="source_series", doc="The series that the events were found in.", target_type="TimeSeries", quantity="?"
            )
        ],
    )


def metadata() -> NWBGroupSpec:
    """The one place of a file that holds it all."""

    def child(kind: str, doc: str, *, name: str | None = None, quantity: str | None = None) -> NWBGroupSpec:
        options = {key: value for key, value in {"name": name, "quantity": quantity}.items() if value is not None}
        return NWBGroupSpec(neurodata_type_inc=kind, doc=doc, **options)

    return NWBGroupSpec(
        neurodata_type_def="GlialReceptorMetadata",
        neurodata_type_inc="LabMetaData",
        name="glial_receptor_metadata",
        doc="Cell populations, receptors and procedures of the subject, with the evidence, and its arm of the study.",
        attributes=[
            NWBAttributeSpec(
                name="arm", doc="Arm of the study, or blinded while the key is not given.", dtype="text", required=False
            ),
            NWBAttributeSpec(name="arm_is_control", doc="Whether the arm is a control.", dtype="bool", required=False),
            NWBAttributeSpec(
                name="factors",
                doc="Levels of the study's factors for this session, each as name=level.",
                dtype="text",
                shape=(None,),
                dims=("num_factors",),
                required=False,
            ),
        ],
        groups=[
            child("CellPopulationsTable", "The cell populations.", name="cell_populations", quantity="?"),
            child("ProceduresTable", "What was done before the session.", name="procedures", quantity="?"),
            child("ReceptorsTable", "The receptors.", name="receptors", quantity="?"),
            child("ReceptorExpressionTable", "Evidence of expression.", name="receptor_expression", quantity="?"),
            child("CellAnnotationsTable", "Which cells the signals come from, one table an annotated table.", quantity="*"),
            child("ViralVector", "Viral vectors.", quantity="*"),
            child("ViralVectorInjection", "Injections of viral vectors.", quantity="*"),
            child("Indicator", "Indicators.", quantity="*"),
            child("Effector", "Effectors, such as opsins and designer receptors.", quantity="*"),
        ],
    )


def build_spec(folder: Path) -> Path:
    """Write the namespace and its two source files into a folder.

    Returns
    -------
    Path
        The namespace file.
    """
    namespace = NWBNamespaceBuilder(
        name=NAME,
        version=VERSION,
        doc="Receptors, cell populations, procedures, drugs and events of glia, and of other cells, as tables that can be joined.",
        author=["the bergmann developers"],
        contact=["through the issue tracker of bergmann"],
    )
    for name in DEVICE_TYPES:
        namespace.include_type(name, namespace="ndx-ophys-devices")
    types = [cell_populations(), procedures(), receptors(), receptor_expression(), drug_administrations(), receptor_states()]
    for one in [*types, cell_annotations(), metadata()]:
        namespace.add_spec(f"{NAME}.extensions.yaml", one)
    namespace.add_spec(f"{NAME}.events.yaml", glial_events())
    path = f"{NAME}.namespace.yaml"
    namespace.export(path, outdir=str(folder))
    return folder / path


if __name__ == "__main__":
    print(build_spec(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "spec"))
