"""The types of ndx-glial-receptors as pynwb classes.

Columns are one-dimensional, one value a row, but where a list is said: there a row has any number of values. A column that points
to rows of another table takes row numbers, counted from 0; the table itself is given to the constructor. Optional columns are in a
table only if its first row has them. Text that is not known is empty, a number that is not known is NaN.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

# The types that the specification builds on; they must be known before it is loaded.
import ndx_ophys_devices  # noqa: F401
from pynwb import get_class, load_namespaces, register_class

from ndx_glial_receptors._checked import CheckedEvents, CheckedIntervals, CheckedTable, Identifier, reads_as
from ndx_glial_receptors.build_spec import (
    ACTIONS,
    COMPARTMENTS,
    GENETIC_STATUSES,
    NAME,
    PROCEDURE_KINDS,
    ROLES,
    SAMPLES,
    STATES,
    TIMESTAMP_BASES,
)

load_namespaces(str(Path(__file__).parent / "spec" / f"{NAME}.namespace.yaml"))

_CellPopulations: Any = get_class("CellPopulationsTable", NAME)
_Receptors: Any = get_class("ReceptorsTable", NAME)
_Procedures: Any = get_class("ProceduresTable", NAME)
_Expression: Any = get_class("ReceptorExpressionTable", NAME)
_Drugs: Any = get_class("DrugAdministrationsTable", NAME)
_States: Any = get_class("ReceptorStateIntervals", NAME)
_Annotations: Any = get_class("CellAnnotationsTable", NAME)
_GlialEvents: Any = get_class("GlialEventsTable", NAME)
_Metadata: Any = get_class("GlialReceptorMetadata", NAME)

_POPULATION = ("population", "CellPopulationsTable")


@register_class("CellPopulationsTable", NAME)
class CellPopulationsTable(CheckedTable, _CellPopulations):
    """Which cells: one row is one cell type at one place.

    Columns
    -------
    label : text, required
        Short name of the population, unique in this table.
    cell_type : text, required
        Name of the cell type, if possible as in the Cell Ontology.
    cell_type_id : text
        CURIE of the cell type, such as CL:0000644; empty if no term fits.
    location : text, required
        Where the cells are, if possible as in an atlas.
    location_id : text
        CURIE of the place, such as MBA:1091; empty if not known.
    identification : text
        How cells were assigned to the population: promoter, driver line, marker, morphology.
    """

    identifiers: ClassVar = {
        "cell_type_id": Identifier("cell_type", "CL:0000644"),
        "location_id": Identifier("location", "MBA:1091"),
    }

    @reads_as(_CellPopulations)
    def __init__(
        self, *, name: str = "cell_populations", description: str = "Cell populations of the subject.", **arguments: Any
    ) -> None:
        super().__init__(name=name, description=description, **arguments)


@register_class("ReceptorsTable", NAME)
class ReceptorsTable(CheckedTable, _Receptors):
    """Receptors: one row is one receptor in one cell population, in the genetic state that it had during the whole session.

    Parameters
    ----------
    cell_populations : CellPopulationsTable
        What `population` points to.
    procedures : ProceduresTable, optional
        What the column `procedures` points to.

    Columns
    -------
    label : text, required
        Short name of the row, unique in this table.
    receptor_name : text, required
        Name of the receptor, if possible as in the Guide to PHARMACOLOGY.
    gene_symbol : text
        Symbol of the gene in the species that it is from; empty for a synthetic protein or a family.
    gene_id : text
        CURIE of the gene, such as NCBIGene:11549; empty if not known.
    receptor_id : text
        CURIE of the receptor, such as IUPHAR:22; empty if there is none.
    role : text, required
        One of `ROLES`: native, designer, sensor, other.
    transduction : text
        Primary transduction, such as Gq/G11.
    endogenous_ligand : text
        The natural ligand, or the ligand that a sensor reports.
    genetic_status : text, required
        One of `GENETIC_STATUSES`: endogenous, knocked_out, knocked_down, overexpressed, exogenous, control, unknown.
    genetic_method : text
        How the state was made, such as shRNA; empty if nothing was done.
    construct : text
        What was delivered, as the laboratory names it.
    population : row of CellPopulationsTable, required
        The cells that the receptor is in.
    viral_vector_injections : list of ViralVectorInjection
        The injections that made the state; only those of which everything is known.
    procedures : list of rows of ProceduresTable
        What was done to the subject to make the state.
    """

    known_values: ClassVar = {"role": ROLES, "genetic_status": GENETIC_STATUSES}
    identifiers: ClassVar = {
        "gene_id": Identifier("gene_symbol", "NCBIGene:11549"),
        "receptor_id": Identifier("receptor_name", "IUPHAR:22"),
    }
    targets: ClassVar = {
        "population": ("cell_populations", "CellPopulationsTable"),
        "procedures": ("procedures", "ProceduresTable"),
    }

    @reads_as(_Receptors)
    def __init__(
        self,
        *,
        cell_populations: CellPopulationsTable | None = None,
        procedures: ProceduresTable | None = None,
        name: str = "receptors",
        description: str = "Receptors, each in one cell population and in its state of the whole session.",
        **arguments: Any,
    ) -> None:
        tables = {"population": cell_populations, "procedures": procedures}
        super().__init__(name=name, description=description, tables=tables, **arguments)


@register_class("ProceduresTable", NAME)
class ProceduresTable(CheckedTable, _Procedures):
    """What was done to the subject before the session, one row a procedure.

    Columns
    -------
    label : text, required
        Short name of the procedure, unique in this table.
    kind : text, required
        One of `PROCEDURE_KINDS`: injection, window, implant, nerve_injury, inflammation, sham, other.
    model : text
        The disease or injury model; for a sham, the model that it is the sham of.
    target : text
        What was operated on, such as sciatic nerve.
    side : text
        left, right, both; empty if it has none or it is not known.
    date : text, required
        ``YYYY-MM-DD``, or ``unknown``.
    days_before_session : float64
        Days from the procedure to the day of the session; NaN if not known.
    details : text
        What else is known: vectors, coordinates, volumes.
    viral_vector_injections : list of ViralVectorInjection
        The injections made in this procedure; only those of which everything is known.
    """

    known_values: ClassVar = {"kind": PROCEDURE_KINDS}
    dates: ClassVar = ("date",)

    @reads_as(_Procedures)
    def __init__(
        self,
        *,
        name: str = "procedures",
        description: str = "What was done to the subject before the session.",
        **arguments: Any,
    ) -> None:
        super().__init__(name=name, description=description, **arguments)


@register_class("ReceptorExpressionTable", NAME)
class ReceptorExpressionTable(CheckedTable, _Expression):
    """Evidence that a receptor is, or is no longer, expressed; one row a measurement.

    Parameters
    ----------
    receptors : ReceptorsTable
        What `receptor` points to.

    Columns
    -------
    receptor : row of ReceptorsTable, required
        What was measured.
    assay : text, required
        How, such as RNAscope, RT-qPCR or immunohistochemistry.
    value : float64
        The measured level, in `unit`; NaN for a qualitative result.
    unit : text
        Unit of the value, such as puncta/cell or fraction of control.
    sample : text, required
        One of `SAMPLES`: same_subject, same_cohort, published.
    reference : text
        DOI, accession or address of the evidence.
    """

    known_values: ClassVar = {"sample": SAMPLES}
    targets: ClassVar = {"receptor": ("receptors", "ReceptorsTable")}

    @reads_as(_Expression)
    def __init__(
        self,
        *,
        receptors: ReceptorsTable | None = None,
        name: str = "receptor_expression",
        description: str = "Evidence of the expression of receptors.",
        **arguments: Any,
    ) -> None:
        super().__init__(name=name, description=description, tables={"receptor": receptors}, **arguments)


@register_class("DrugAdministrationsTable", NAME)
class DrugAdministrationsTable(CheckedEvents, _Drugs):
    """What was given, when, how much, and to act on which receptors; one row an administration.

    Parameters
    ----------
    receptors : ReceptorsTable, optional
        What the column `receptors` points to.

    Columns
    -------
    timestamp : float64, required
        When it began, in seconds from the start of the session; negative before it, NaN if nobody knows.
    duration : float64
        Of an infusion or a perfusion, in seconds; NaN for a bolus.
    annotation : text
        Remarks.
    compound : text, required
        Name of the compound.
    compound_id : text
        CURIE of the compound, such as CHEBI:8364; empty if not known.
    action : text, required
        One of `ACTIONS`: agonist, antagonist, inverse_agonist, positive_modulator, negative_modulator, uptake_inhibitor, stimulus,
        vehicle, other.
    dose : float64
        Dose or concentration, in `dose_unit`; NaN if not known.
    dose_unit : text
        Unit of the dose, such as mg/kg, ug or uM.
    route : text, required
        Route, such as intraperitoneal, intraplantar, bath or puff.
    site : text
        Where it was given, such as left hind paw; empty if everywhere.
    vehicle : text
        What it was dissolved in.
    volume_in_uL : float64
        Volume given, in microlitres; NaN if not known.
    timestamp_basis : text, required
        How the timestamp is known, one of `TIMESTAMP_BASES`: recorded, tag, notebook, protocol, unknown.
    timestamp_uncertainty : float64
        Half width of the interval that holds the true time, in seconds; NaN if not stated.
    receptors : list of rows of ReceptorsTable
        The receptors that it was given to act on.
    """

    known_values: ClassVar = {"action": ACTIONS, "timestamp_basis": TIMESTAMP_BASES}
    identifiers: ClassVar = {"compound_id": Identifier("compound", "CHEBI:8364")}
    targets: ClassVar = {"receptors": ("receptors", "ReceptorsTable")}

    @reads_as(_Drugs)
    def __init__(
        self,
        *,
        receptors: ReceptorsTable | None = None,
        name: str = "drug_administrations",
        description: str = "What was given to the subject or the preparation; times in seconds from the start of the session.",
        **arguments: Any,
    ) -> None:
        super().__init__(name=name, description=description, tables={"receptors": receptors}, **arguments)


@register_class("ReceptorStateIntervals", NAME)
class ReceptorStateIntervals(CheckedIntervals, _States):
    """When receptors are taken to be in one functional state; one row an interval.

    Parameters
    ----------
    receptors : ReceptorsTable
        What the column `receptors` points to.
    drug_administrations : DrugAdministrationsTable, optional
        What the column `drug_administrations` points to.

    Columns
    -------
    start_time : float, required
        In seconds from the start of the session.
    stop_time : float, required
        In seconds from the start of the session.
    tags : list of text
        Of the core's type.
    timeseries : list of TimeSeriesReference
        Of the core's type.
    state : text, required
        One of `STATES`: baseline, activated, blocked, washout, other.
    basis : text, required
        Why the interval begins and ends where it does.
    receptors : list of rows of ReceptorsTable, required
        The receptors in this state.
    drug_administrations : list of rows of DrugAdministrationsTable
        What brought the state about.
    """

    known_values: ClassVar = {"state": STATES}
    targets: ClassVar = {
        "receptors": ("receptors", "ReceptorsTable"),
        "drug_administrations": ("drug_administrations", "DrugAdministrationsTable"),
    }

    @reads_as(_States)
    def __init__(
        self,
        *,
        receptors: ReceptorsTable | None = None,
        drug_administrations: DrugAdministrationsTable | None = None,
        name: str = "receptor_states",
        description: str = "When receptors are taken to be in one functional state; in seconds from the start of the session.",
        **arguments: Any,
    ) -> None:
        tables = {"receptors": receptors, "drug_administrations": drug_administrations}
        super().__init__(name=name, description=description, tables=tables, **arguments)


@register_class("CellAnnotationsTable", NAME)
class CellAnnotationsTable(CheckedTable, _Annotations):
    """Which population and part of a cell each row of another table is; one such table an annotated table.

    Parameters
    ----------
    source : DynamicTable
        The annotated table, which the column `source` points to: a PlaneSegmentation, a photometry table, or Units.
    population : CellPopulationsTable
        What the column `population` points to.

    Columns
    -------
    source : row of DynamicTable, required
        A row of the annotated table.
    population : row of CellPopulationsTable, required
        The cells that it is of.
    compartment : text, required
        One of `COMPARTMENTS`: soma, process, endfoot, axon, dendrite, whole_cell, field, unknown.
    cell_id : int32
        Number shared by all rows that are parts of one cell; -1 if not known.
    """

    known_values: ClassVar = {"compartment": COMPARTMENTS}
    targets: ClassVar = {"source": ("source", "DynamicTable"), "population": _POPULATION}

    @reads_as(_Annotations)
    def __init__(
        self,
        *,
        source: Any = None,
        population: CellPopulationsTable | None = None,
        name: str = "cell_annotations",
        description: str = "Which cells the rows of another table are of.",
        **arguments: Any,
    ) -> None:
        super().__init__(name=name, description=description, tables={"source": source, "population": population}, **arguments)


@register_class("GlialEventsTable", NAME)
class GlialEventsTable(CheckedEvents, _GlialEvents):
    """Events of glia, such as flares or waves of calcium; one row an event.

    Parameters
    ----------
    rois : PlaneSegmentation, optional
        What the column `rois` points to.
    population : CellPopulationsTable, optional
        What the column `population` points to.
    source_series : TimeSeries, optional
        What the events were found in.
    amplitude_unit : str, optional
        Unit of `peak_amplitude`.

    Columns
    -------
    timestamp : float64, required
        Onset, in seconds from the start of the session.
    duration : float64
        In seconds; NaN if not known.
    annotation : text
        Remarks.
    event_type : text
        Type of the event in the authors' words, such as flare.
    peak_time : float64
        When the event is largest, in seconds from the start of the session.
    peak_amplitude : float64
        Amplitude at the peak, in the table's `amplitude_unit`.
    area_in_um2 : float64
        Area covered over the whole event, in square micrometres.
    propagation_distance_in_um : float64
        How far the front of the event moved, in micrometres.
    pixel_mask : list of (x uint32, y uint32, weight float32)
        Pixels of the event: column and row in the image, and weight.
    rois : list of rows of PlaneSegmentation
        Regions of interest that took part.
    population : row of CellPopulationsTable
        The cells that it is of.
    """

    targets: ClassVar = {"rois": ("rois", "PlaneSegmentation"), "population": _POPULATION}

    @reads_as(_GlialEvents)
    def __init__(
        self,
        *,
        rois: Any = None,
        population: CellPopulationsTable | None = None,
        name: str = "glial_events",
        description: str = "Events of glia; times in seconds from the start of the session.",
        **arguments: Any,
    ) -> None:
        super().__init__(name=name, description=description, tables={"rois": rois, "population": population}, **arguments)


@register_class("GlialReceptorMetadata", NAME)
class GlialReceptorMetadata(_Metadata):
    """The one place of a file that holds it all, ``/general/glial_receptor_metadata``.

    Parameters
    ----------
    arm : str, optional
        Arm of the study, or ``blinded``.
    arm_is_control : bool, optional
        Whether the arm is a control.
    factors : list of str, optional
        Levels of the study's factors for this session, each as ``name=level``.
    cell_populations : CellPopulationsTable, optional
    procedures : ProceduresTable, optional
    receptors : ReceptorsTable, optional
    receptor_expression : ReceptorExpressionTable, optional
    cell_annotations_tables : list of CellAnnotationsTable, optional
    viral_vectors : list of ndx_ophys_devices.ViralVector, optional
    viral_vector_injections : list of ndx_ophys_devices.ViralVectorInjection, optional
    indicators : list of ndx_ophys_devices.Indicator, optional
    effectors : list of ndx_ophys_devices.Effector, optional
    """


def tables_in(container: Any) -> Iterator[Any]:
    """The tables of this extension in a file or another container, in it and in what is in it."""
    if isinstance(container, CheckedTable):
        yield container
    for child in container.children:
        yield from tables_in(child)
