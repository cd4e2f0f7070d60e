"""What a person says of the animal: cell populations, receptors, vectors, procedures, and the drugs that were given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from bergmann.moments import Moment
from bergmann.records import Record
from bergmann.stated import DateOrUnknown, Dose, Duration, Length, Names, Stated, Titre, Unknown, Volume

Text = Annotated[str, Field(min_length=1)]

ProcedureKind = Literal["injection", "window", "implant", "nerve_injury", "inflammation", "sham", "other"]
GeneticStatus = Literal["endogenous", "knocked_out", "knocked_down", "overexpressed", "exogenous", "control", "unknown"]
ReceptorRole = Literal["native", "designer", "sensor", "other"]
DrugAction = Literal[
    "agonist",
    "antagonist",
    "inverse_agonist",
    "positive_modulator",
    "negative_modulator",
    "uptake_inhibitor",
    "stimulus",
    "vehicle",
    "other",
]
Side = Literal["left", "right", "both"]
Sample = Literal["same_subject", "same_cohort", "published"]
ReceptorState = Literal["baseline", "activated", "blocked", "washout", "other"]

KIND_OF: Mapping[str, ProcedureKind] = {
    "injection": "injection",
    "virus injection": "injection",
    "viral injection": "injection",
    "vector injection": "injection",
    "window": "window",
    "cranial window": "window",
    "implant": "implant",
    "fibre implant": "implant",
    "fiber implant": "implant",
    "head plate": "implant",
    "headplate": "implant",
    "nerve injury": "nerve_injury",
    "inflammation": "inflammation",
    "sham": "sham",
    "other": "other",
}
"""What a person calls a procedure, and its kind in the file."""


def _underscored(text: object) -> object:
    """``knocked down`` is ``knocked_down``."""
    return "_".join(text.replace("-", " ").split()).lower() if isinstance(text, str) else text


def _kind(text: object) -> object:
    if not isinstance(text, str):
        return text
    spaced = " ".join(text.replace("_", " ").split()).lower()
    if spaced not in KIND_OF:
        raise ValueError(f"`{text}` is not a kind of procedure that is known here; write one of: {', '.join(KIND_OF)}")
    return spaced


def _listed(value: object) -> object:
    """One name, or several with commas, where a list is meant: every leaf can be written as one string."""
    if isinstance(value, str):
        return [name.strip() for name in value.strip("[] ").split(",") if name.strip()]
    return value


VectorNames = Annotated[tuple[Annotated[str, Names("vectors")], ...], BeforeValidator(_listed)]
ReceptorNames = Annotated[tuple[Annotated[str, Names("receptors")], ...], BeforeValidator(_listed)]
DrugNames = Annotated[tuple[Annotated[str, Names("drugs")], ...], BeforeValidator(_listed)]
ProcedureNames = Annotated[tuple[Annotated[str, Names("procedures")], ...], BeforeValidator(_listed)]


class Population(Stated):
    """One cell type at one place.

    Attributes
    ----------
    cell_type : str
        A name or CURIE of the vocabulary, ``name [CURIE]``, or ``name [unlisted]``.
    location : str
        Where the cells are, as an atlas calls it.
    identified_by : str, optional
        Promoter, driver line, marker, morphology.
    description : str, optional
    """

    cell_type: Text
    location: Text
    identified_by: Text | None = None
    description: Text | None = None


class Receptor(Stated):
    """One receptor in one population, in the state that it had during the whole session.

    Attributes
    ----------
    receptor : str
        A symbol, name or CURIE of the vocabulary, ``name [CURIE]``, or ``name [unlisted]``.
    population : str
        Name of an entry of ``populations``.
    status : str
        ``endogenous``, ``knocked_out``, ``knocked_down``, ``overexpressed``, ``exogenous``, ``control`` or ``unknown``.
    by : str, optional
        How the state was made, e.g. ``shRNA``.
    vector : str, optional
        Name of an entry of ``vectors``.
    construct_name : str, optional (``construct``)
        What was delivered, where it is not the vector's.
    role : {"native", "designer", "sensor", "other"}, optional
        Where the vocabulary does not say.
    procedures : tuple of str
        Names of entries of ``procedures``; those that injected the vector if not stated.
    """

    receptor: Text
    population: Annotated[str, Names("populations")]
    status: Annotated[GeneticStatus, BeforeValidator(_underscored)]
    by: Text | None = None
    vector: Annotated[str, Names("vectors")] | None = None
    construct_name: Text | None = Field(None, alias="construct")
    role: ReceptorRole | None = None
    procedures: ProcedureNames | None = None


class Vector(Stated):
    """A viral vector.

    Attributes
    ----------
    construct_name : str (``construct``)
        Its name, as the laboratory or the supplier gives it.
    titre : Titre or "unknown", optional
    manufacturer : str, optional
        Who made it; ``unknown`` if the laboratory does not know.
    description : str, optional
    """

    construct_name: Text = Field(alias="construct")
    titre: Titre | Unknown | None = None
    manufacturer: Text | None = None
    description: Text | None = None


class Site(Stated):
    """Where an injection went, and how much.

    Attributes
    ----------
    side : {"left", "right"}, optional
    reference : str, optional
        Where the coordinates are zero, e.g. ``bregma``.
    ap, ml, dv : Length or "unknown", optional
        Anterior, lateral (from the midline) and dorsal of the reference; below it `dv` is negative.
    volume : Volume or "unknown", optional
    location : str, optional
        The target, as an atlas calls it; the procedure's if not stated.
    """

    side: Literal["left", "right"] | Unknown | None = None
    reference: Text | None = None
    ap: Length | Unknown | None = None
    ml: Length | Unknown | None = None
    dv: Length | Unknown | None = None
    volume: Volume | Unknown | None = None
    location: Text | None = None


class Procedure(Stated):
    """What was done to the animal before the session.

    Attributes
    ----------
    kind : str
        ``injection``, ``cranial window``, ``implant``, ``nerve injury``, ``inflammation``, ``sham``, ``other``.
    date : date or "unknown"
    vectors : tuple of str
        Names of entries of ``vectors`` that were injected.
    sites : tuple of Site
    model : str, optional
        The model of disease or injury.
    of : str, optional
        For a sham: the model that it is the sham of.
    nerve, target, location : str, optional
        What was operated on.
    side : {"left", "right", "both"}, optional
    description : str, optional
    """

    kind: Annotated[str, BeforeValidator(_kind)]
    date: DateOrUnknown
    vectors: VectorNames = ()
    sites: tuple[Site, ...] = ()
    model: Text | None = None
    of: Text | None = None
    nerve: Text | None = None
    target: Text | None = None
    location: Text | None = None
    side: Side | Unknown | None = None
    description: Text | None = None

    @property
    def term(self) -> ProcedureKind:
        """The kind as the file names it."""
        return KIND_OF[self.kind]


class Drug(Stated):
    """A compound that was given, once, several times, or over an interval.

    Attributes
    ----------
    action : str
        ``agonist``, ``antagonist``, ..., ``stimulus``, ``vehicle``, ``other``.
    compound : str, optional
        A name or CURIE; the entry's own name if not stated.
    dose : Quantity or "unknown", optional
    volume : Volume or "unknown", optional
    vehicle, site : str, optional
    route : str
        E.g. ``intraplantar``, ``bath``, ``puff``; or ``unknown``.
    at : Moment, optional
        When it was given at once; several times for ``each event of puffs``.
    from_, to : Moment, optional
        When it was given over an interval (``from`` and ``to``).
    reaches_bath_after : Duration, optional
        How long the perfusion takes from its tap to the preparation. It shifts no time: ``from``, ``to`` and whatever counts from
        this drug are times of the tap, and no state that the drug brings about may begin before it is there.
    receptors : tuple of str
        Names of entries of ``receptors`` that it was given to act on.
    description : str, optional
    """

    action: Annotated[DrugAction, BeforeValidator(_underscored)]
    compound: Text | None = None
    dose: Dose | Unknown | None = None
    volume: Volume | Unknown | None = None
    vehicle: Text | None = None
    route: Text
    site: Text | None = None
    at: Moment | None = None
    from_: Moment | None = Field(None, alias="from")
    to: Moment | None = None
    reaches_bath_after: Duration | None = None
    receptors: ReceptorNames = ()
    description: Text | None = None

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if (self.at is None) == (self.from_ is None):
            raise ValueError("say when it was given: either `at`, or `from` (and `to`); `at: unknown` if nobody knows")
        if self.to is not None and self.from_ is None:
            raise ValueError("`to` needs a `from`; for a compound given at once write `at` alone")
        return self


class Expression(Stated):
    """One measurement that says whether a receptor is there, or how much of it is left.

    Attributes
    ----------
    receptor : str
        Name of an entry of ``receptors``: what was measured.
    assay : str
        How, e.g. ``RT-qPCR``, ``RNAscope``, ``immunohistochemistry``.
    value : float or "unknown", optional
        The level; left out for a result in words.
    unit : str, optional
        Of the value, e.g. ``fraction of control`` or ``puncta/cell``.
    sample : {"same_subject", "same_cohort", "published"}
        Whose tissue was measured: ``same subject``, ``same cohort`` or ``published``.
    reference : str, optional
        DOI, accession or address of the evidence; needed for a published one.
    description : str, optional
        The result in words.
    """

    receptor: Annotated[str, Names("receptors")]
    assay: Text
    value: float | Unknown | None = None
    unit: Text | None = None
    sample: Annotated[Sample, BeforeValidator(_underscored)]
    reference: Text | None = None
    description: Text | None = None


class State(Stated):
    """A stretch of the session in which receptors are taken to be in one functional state.

    Attributes
    ----------
    state : {"baseline", "activated", "blocked", "washout", "other"}
    receptors : tuple of str
        Names of entries of ``receptors`` that were in this state.
    by : tuple of str
        Names of entries of ``drugs`` that brought it about; for a washout, of what was washed out.
    from_ : Moment
        When it began. ``10 min after prazosin`` counts from when the drug was given, which for a bath is when its tap was turned;
        ``reaches_bath_after`` of the drug is not added.
    to : Moment
        When it ended; counted as its beginning is.
    basis : str
        Why the stretch begins and ends there, e.g. ``wash-in time from pilot``.
    """

    state: Annotated[ReceptorState, BeforeValidator(_underscored)]
    receptors: Annotated[ReceptorNames, Field(min_length=1)]
    by: DrugNames = ()
    from_: Moment = Field(alias="from")
    to: Moment
    basis: Text


STATED: dict[type[Record], type[Stated]] = {}
"""This room reads no files."""

COLLECTIONS: dict[str, type[Stated]] = {
    "vectors": Vector,
    "populations": Population,
    "procedures": Procedure,
    "receptors": Receptor,
    "expression": Expression,
    "drugs": Drug,
    "states": State,
}
