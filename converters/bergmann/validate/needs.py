"""What a file must say to be archived: chosen here, one by one, from what DANDI asks and from what a reader cannot do without.

A draft may leave any of it unknown, and the file then says so. In the profile ``archive`` each must be known, or be waived with a
reason (`bergmann.validate.waivers`, check ``archive_needs``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import time
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bergmann.findings import Finding
from bergmann.plan.resolve import Plan
from bergmann.stand_ins import UNKNOWN_SEX
from bergmann.validate.checking import Problem
from bergmann.validate.reading import Reading
from bergmann.validate.waivers import Waiver, waived

CHECK = "archive_needs"
Profile = Literal["draft", "archive"]
PROFILES: tuple[Profile, ...] = ("draft", "archive")

_NOTHING = frozenset({"", "unknown", "none", "n/a", "na", "n.a", "not specified", "unspecified", "not stated", "no description"})
"""Texts that say nothing, in small letters."""

InPlan = Callable[[Plan], Iterator[tuple[str, str]]]
"""Gives the stated keys that leave it open, each with what it is in the file."""
InFile = Callable[[Reading], Iterator[Problem]]


@dataclass(frozen=True)
class Need:
    """One thing that must be known.

    Attributes
    ----------
    name : str
    why : str
        Who asks for it, and what cannot be done without it.
    remedy : str
    in_plan : callable
    in_file : callable
    """

    name: str
    why: str
    remedy: str
    in_plan: InPlan
    in_file: InFile


def is_said(value: Any) -> bool:
    """Whether a text says anything."""
    return value is not None and str(value).strip().lower().rstrip(".") not in _NOTHING


# --- of a session file ------------------------------------------------------------------------------------------------


def _one_of(path: str, *keys: str) -> InPlan:
    """At least one of these keys is stated, and is not unknown."""

    def unmet(plan: Plan) -> Iterator[tuple[str, str]]:
        texts = plan.loaded.texts
        said = [text for key, text in texts.items() for one in keys if key == one or key.startswith(f"{one}.")]
        if not any(is_said(text) for text in said):
            yield next((key for key in keys if key in texts), keys[0]), path

    return unmet


def _each(collection: str, path: str, *fields: str) -> InPlan:
    """Each entry of a collection states one of these fields, and not as unknown."""

    def unmet(plan: Plan) -> Iterator[tuple[str, str]]:
        for name, entry in plan.loaded.collections.get(collection, {}).items():
            values = [getattr(entry, field, None) for field in fields]
            if not any(map(is_said, values)):
                yield f"{collection}.{name}.{fields[0].rstrip('_')}", path.format(name=name)

    return unmet


def _sex(plan: Plan) -> Iterator[tuple[str, str]]:
    if plan.head.subject.sex == UNKNOWN_SEX:
        yield "subject.sex", "general/subject/sex"


def _start(plan: Plan) -> Iterator[tuple[str, str]]:
    if not plan.time_of_day_known:
        yield "session.start", "session_start_time"


def _arm(plan: Plan) -> Iterator[tuple[str, str]]:
    if plan.loaded.is_blinded:
        yield "arm", "general/glial_receptor_metadata/arm"


def _excluded(plan: Plan) -> Iterator[tuple[str, str]]:
    if plan.loaded.excluded is not None:
        yield "session.exclude", "general/keywords"


def _indicators(plan: Plan) -> Iterator[tuple[str, str]]:
    for name, plane in plan.loaded.collections.get("planes", {}).items():
        for number, channel in getattr(plane, "channels", {}).items():
            if channel.indicator is None and not is_said(channel.label):
                yield f"planes.{name}.channels.{number}.label", f"general/optophysiology/{name}/indicator"


def _light_wavelength(plan: Plan) -> Iterator[tuple[str, str]]:
    devices = plan.loaded.collections.get("devices", {})
    for name, site in plan.loaded.collections.get("light_sites", {}).items():
        laser = str(getattr(site, "laser", ""))
        own, of_laser = getattr(site, "wavelength", None), getattr(devices.get(laser), "wavelength", None)
        if not is_said(own if own is not None else of_laser):
            key = f"light_sites.{name}.wavelength" if own is not None else f"devices.{laser}.wavelength"
            yield key, f"general/optogenetics/{name}/excitation_lambda"


def _effectors(plan: Plan) -> Iterator[tuple[str, str]]:
    for name, site in plan.loaded.collections.get("light_sites", {}).items():
        effector, vector = str(getattr(site, "effector", "")), getattr(site, "vector", None)
        if not is_said(effector):
            made = f"{effector} ({vector})" if vector else effector
            yield f"light_sites.{name}.effector", f"general/optogenetic_experiment_metadata/optogenetic_effectors/{made}/label"


def _power(plan: Plan) -> Iterator[tuple[str, str]]:
    for name, entry in plan.loaded.sources.items():
        if getattr(entry.stated, "power", None) == "unknown":
            yield f"sources.{name}.power", f"intervals/{name}_pulses/power_in_mW"


def _times_of_drugs(plan: Plan) -> Iterator[tuple[str, str]]:
    for name, drug in plan.loaded.collections.get("drugs", {}).items():
        for key in ("at", "from_"):
            moment = getattr(drug, key, None)
            if moment is not None and not is_said(moment.text):
                yield f"drugs.{name}.{key.rstrip('_')}", "events/drug_administrations/timestamp"


# --- of a file --------------------------------------------------------------------------------------------------------


def _of_subject(field: str, *others: str) -> InFile:
    def unmet(reading: Reading) -> Iterator[Problem]:
        subject = reading.nwbfile.subject
        values = [getattr(subject, name, None) for name in (field, *others)]
        if not any(is_said(value) and value != UNKNOWN_SEX for value in values):
            found = "there is no subject" if subject is None else f"found {values[0]!r}"
            yield Problem(f"general/subject/{field}", found)

    return unmet


def _of_file(path: str, *fields: str) -> InFile:
    def unmet(reading: Reading) -> Iterator[Problem]:
        values = [getattr(reading.nwbfile, name, None) for name in fields]
        if not any(
            is_said(one) for value in values for one in (value if isinstance(value, list | tuple | np.ndarray) else (value,))
        ):
            yield Problem(path, f"found {values[0]!r}")

    return unmet


def _of_objects(kind: str, field: str) -> InFile:
    """A text or a number of each object of a type."""

    def unmet(reading: Reading) -> Iterator[Problem]:
        for one in reading.objects(kind):
            value = getattr(one, field, None)
            if isinstance(value, float | np.floating):
                if not np.isfinite(value):
                    yield Problem(f"{reading.path(one)}/{field}", "it is not a number")
            elif not _says_something(value):
                yield Problem(f"{reading.path(one)}/{field}", f"it is {value!r}")

    return unmet


def _says_something(value: Any) -> bool:
    """Whether every one of several texts with commas between says something."""
    return value is not None and all(is_said(part) for part in str(value).split(","))


def _of_columns(kind: str, column: str) -> InFile:
    """A column of each table of a type: the rows of which it is not known."""

    def unmet(reading: Reading) -> Iterator[Problem]:
        for table in reading.objects(kind):
            values = reading.column(table, column)
            if values is None:
                yield Problem(f"{reading.path(table)}/{column}", "there is no such column")
                continue
            texts = [one.decode() if isinstance(one, bytes) else one for one in np.asarray(values).tolist()]
            is_open = [not np.isfinite(one) if isinstance(one, float) else not is_said(one) for one in texts]
            if any(is_open):
                yield Problem(f"{reading.path(table)}/{column}", f"not of {sum(is_open)} of {len(is_open)} rows")

    return unmet


def _start_of_file(reading: Reading) -> Iterator[Problem]:
    start = reading.nwbfile.session_start_time
    if start.time() == time():
        yield Problem(
            "session_start_time", f"it is midnight, {start.isoformat()}, which stands for a time of day that nobody stated"
        )


def _arm_of_file(reading: Reading) -> Iterator[Problem]:
    for one in reading.objects("GlialReceptorMetadata"):
        if getattr(one, "arm", None) == "blinded":
            yield Problem(f"{reading.path(one)}/arm", "the arm is blinded")


def _excluded_of_file(reading: Reading) -> Iterator[Problem]:
    if "excluded" in [str(word) for word in (reading.nwbfile.keywords if reading.nwbfile.keywords is not None else ())]:
        yield Problem("general/keywords", "the session is said to be excluded")


def _power_of_file(reading: Reading) -> Iterator[Problem]:
    yield from _of_columns("OptogeneticPulsesTable", "power_in_mW")(reading)
    has_table = any(reading.objects("OptogeneticPulsesTable"))
    for series in reading.objects("OptogeneticSeries") if not has_table else ():
        if any(block.dtype.kind == "f" and np.isnan(block).any() for _, block in reading.blocks(series.data)):
            yield Problem(series, "it has light whose power is not a number")


NEEDS = (
    Need(
        "species",
        "DANDI refuses a file whose subject has none, and finds files by it",
        "state `subject.species` by its Latin name",
        _one_of("general/subject/species", "subject.species"),
        _of_subject("species"),
    ),
    Need(
        "sex",
        "DANDI asks for it, and many questions are put by it",
        "state `subject.sex: M` or `F`",
        _sex,
        _of_subject("sex"),
    ),
    Need(
        "age",
        "DANDI asks for the age or the date of birth; receptors and glia change with it",
        "state `subject.born` or `subject.age`",
        _one_of("general/subject/age", "subject.age", "subject.born"),
        _of_subject("age", "date_of_birth"),
    ),
    Need(
        "start of the session with its time of day",
        "NWB requires a time, and midnight would be read as one; sleep, feeding and hormones follow the hour",
        "state `session.start: 2024-05-17 10:30:57`",
        _start,
        _start_of_file,
    ),
    Need(
        "description of the session",
        "it is the first thing that a reader sees, and all that says what was done",
        "state `session.description` in a sentence",
        _one_of("session_description", "session.description"),
        _of_file("session_description", "session_description"),
    ),
    Need(
        "experimenter",
        "DANDI lists who made a file, and a reader has somebody to ask",
        'state `experimenter: "Surname, Given"`',
        _one_of("general/experimenter", "experimenter"),
        _of_file("general/experimenter", "experimenter"),
    ),
    Need(
        "institution or lab",
        "the animals' permission and conditions are of a place",
        "state `institution` or `lab`",
        _one_of("general/institution", "institution", "lab"),
        _of_file("general/institution", "institution", "lab"),
    ),
    Need(
        "arm of the study",
        "a session whose arm nobody may know cannot be analysed by anybody else",
        "give the key: `--arms arms.csv`",
        _arm,
        _arm_of_file,
    ),
    Need(
        "a session that may be used",
        "the lab says that this session is not to be analysed or published",
        "leave it out, or take `session.exclude` away",
        _excluded,
        _excluded_of_file,
    ),
    Need(
        "wavelength of excitation",
        "without it nobody can say what was excited, nor compare two microscopes",
        "state `planes.<name>.excitation: 920 nm`",
        _each("planes", "general/optophysiology/{name}/excitation_lambda", "excitation"),
        _of_objects("ImagingPlane", "excitation_lambda"),
    ),
    Need(
        "indicator",
        "fluorescence means nothing without what fluoresces",
        "state `indicator` or `label` of the channel",
        _indicators,
        _of_objects("ImagingPlane", "indicator"),
    ),
    Need(
        "place of the imaging plane",
        "it is what files are looked for by",
        "state `planes.<name>.location`",
        _each("planes", "general/optophysiology/{name}/location", "location"),
        _of_objects("ImagingPlane", "location"),
    ),
    Need(
        "wavelength of the light",
        "it decides which opsin is opened",
        "state `wavelength` of the light site or of its laser",
        _light_wavelength,
        _of_objects("OptogeneticStimulusSite", "excitation_lambda"),
    ),
    Need(
        "power of the light",
        "an effect of light cannot be repeated without it, and heating not be excluded",
        "measure it and state `power` or `calibration`",
        _power,
        _power_of_file,
    ),
    Need(
        "what the light acted on",
        "light without an effector is a control",
        "state `light_sites.<name>.effector`",
        _effectors,
        _of_objects("Effector", "label"),
    ),
    Need(
        "state of each receptor",
        "a receptor that may be knocked down, or not, answers no question",
        "state `receptors.<name>.status`",
        _each("receptors", "general/glial_receptor_metadata/receptors/genetic_status", "status"),
        _of_columns("ReceptorsTable", "genetic_status"),
    ),
    Need(
        "type of each cell population",
        "the extension's tables are about cells, and files are looked for by them",
        "state `populations.<name>.cell_type`",
        _each("populations", "general/glial_receptor_metadata/cell_populations/cell_type", "cell_type"),
        _of_columns("CellPopulationsTable", "cell_type"),
    ),
    Need(
        "dose of each drug",
        "a drug without a dose cannot be given again",
        "state `drugs.<name>.dose`",
        _each("drugs", "events/drug_administrations/dose", "dose"),
        _of_columns("DrugAdministrationsTable", "dose"),
    ),
    Need(
        "time of each drug",
        "without it nobody can tell before from after",
        "state `drugs.<name>.at`, with how well it is known (`10:41 +- 5 min`)",
        _times_of_drugs,
        _of_columns("DrugAdministrationsTable", "timestamp"),
    ),
)

NOT_NEEDED = {
    "keywords": "bergmann makes them of receptors, cells and drugs; DANDI does not read them",
    "genotype, strain": "wild animals and slices of unknown litters are published, too; the receptors say what is altered",
    "weight": "doses are stated as given",
    "emission wavelength": "it follows from the indicator",
    "titre of a vector": "often lost with the stock; the genetic state of the receptor is what is claimed",
    "coordinates": "the place is named by the atlas",
    "protocol, related publications": "of the dandiset, where DANDI asks for them",
}
"""What was weighed and left out, and why."""


def check_plan(plan: Plan, waivers: Sequence[Waiver] = ()) -> Iterator[Finding]:
    """What a session leaves open that an archive needs; what is waived is a note that says by whom and why.

    Parameters
    ----------
    plan : Plan
    waivers : sequence of Waiver
        One covers what it would be in the NWB file: ``object: general/subject/sex``.
    """
    if plan.loaded.head is None:
        return
    from bergmann.convert.scope import collections_of_session  # it imports this package

    head = plan.head
    plan = replace(plan, loaded=replace(plan.loaded, collections=collections_of_session(plan)))  # what the file will hold
    target = f"sub-{head.subject.id}_ses-{head.session.id}.nwb"
    for need in NEEDS:
        for key, path in need.in_plan(plan):
            finding = Finding(
                severity="error",
                check=CHECK,
                location=plan.loaded.place(key),
                message=f"{need.name} is not known, which an archive needs ({key})",
                remedy=f"{need.remedy}; or waive it with a reason in waivers.yaml (check: {CHECK}, object: {path})",
                why=f"{need.why}.",
            )
            in_file = replace(finding, location=f"{target}:/{path}")
            waiver = next((one for one in waivers if one.covers(in_file)), None)
            yield finding if waiver is None else waived(finding, waiver)


def check_file(path: Path) -> Iterator[Finding]:
    """What an NWB file leaves open that an archive needs, whoever wrote it; nothing of a file that pynwb cannot read."""
    from pynwb import NWBHDF5IO

    try:
        with NWBHDF5IO(path, "r") as io:
            yield from list(check_reading(Reading(io.read(), path.name)))
    except Exception as error:  # noqa: BLE001 - whatever a strange file makes pynwb raise; the validators say it as well
        message = f"what an archive needs could not be looked for: {type(error).__name__}: {error}"
        yield Finding(severity="error", check=CHECK, location=path.name, message=message)


def check_reading(reading: Reading) -> Iterable[Finding]:
    """What an open file leaves open that an archive needs."""
    for need in NEEDS:
        for problem in need.in_file(reading):
            yield Finding(
                severity="error",
                check=CHECK,
                location=reading.place(problem.where),
                message=f"{need.name} is not known, which an archive needs: {problem.message}",
                remedy=f"{need.remedy} and convert again; or waive it with a reason in waivers.yaml (check: {CHECK}, "
                f"object: {reading.path(problem.where)})",
                why=f"{need.why}.",
            )


def needs_table() -> str:
    """The needs as a table in Markdown, and what was left out."""
    rows = [f"| {one.name} | {one.why} | {one.remedy} |" for one in NEEDS]
    left = [f"| {name} | {why} |" for name, why in NOT_NEEDED.items()]
    return "\n".join(
        ["| must be known | why | what to do |", "|---|---|---|", *rows, "", "| not needed | why |", "|---|---|", *left]
    )
