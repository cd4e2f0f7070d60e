"""The keys of a session file that belong to no room: session, subject, who and where, and what is not to be analysed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from bergmann.moments import Moment
from bergmann.stand_ins import UNKNOWN_SEX
from bergmann.stated import DateOrUnknown, Duration, Length, Mass, Names, Quantity, Stated, Temperature, Unknown

# --- start ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StartFrom:
    """``from daq``: the session starts when a source says that it started.

    Attributes
    ----------
    source : str
        Key of the source in ``sources``.
    """

    source: str

    def __str__(self) -> str:
        return f"from {self.source}"


Start = StartFrom | datetime | date


def _parse_start(text: object) -> Start:
    if isinstance(text, StartFrom | date):
        return text
    plain = str(text).strip()
    if match := re.fullmatch(r"from\s+(\S.*)", plain):
        return StartFrom(match[1])
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            return read(plain)
        except ValueError:
            continue
    if re.match(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}", plain):
        raise ValueError(f"`{plain}`: day and month cannot be told apart; write it as 2024-05-17 10:30:57")
    raise ValueError(f"`{plain}` is not a start; write `from daq`, `2024-05-17 10:30:57`, or only the date")


class _StartSchema:
    """Lets editors accept any text for a start."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(_parse_start, serialization=core_schema.to_string_ser_schema())

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "description": "`from daq`, a local date and time such as 2024-05-17 10:30:57, or a date."}


class SessionKeys(Stated):
    """What is said of the session as a whole."""

    id: str = Field(min_length=1, description="name of the session, unique for its subject; part of the file's name")
    description: str = Field(min_length=1, description="what was done in this session, in a sentence")
    start: Annotated[Start, _StartSchema] | None = Field(
        None, description="when its zero is: `from daq` (the default where a source is called daq), a local time, or a date"
    )
    tolerance: Duration = Field(
        Quantity(2, "min"), description="how far the clocks of the instruments' computers may disagree before it is a finding"
    )
    exclude: str | None = Field(
        None, min_length=1, description="why the session is not to be analysed or published; `convert` then leaves it out"
    )

    @property
    def start_from(self) -> str | None:
        """The source that the session starts with, of ``from daq``."""
        return self.start.source if isinstance(self.start, StartFrom) else None

    @property
    def start_at(self) -> datetime | None:
        """The stated date and time, without a zone unless one was written."""
        return self.start if isinstance(self.start, datetime) else None

    @property
    def start_day(self) -> date | None:
        """The stated date, where no time of day was."""
        return None if self.start is None or isinstance(self.start, datetime | StartFrom) else self.start


# --- subject ----------------------------------------------------------------------------------------------------------

_COMMON = {
    "mouse": "Mus musculus",
    "mice": "Mus musculus",
    "rat": "Rattus norvegicus",
    "human": "Homo sapiens",
    "zebrafish": "Danio rerio",
    "marmoset": "Callithrix jacchus",
}
_TAXON = re.compile(r"(?:http://purl\.obolibrary\.org/obo/)?NCBITaxon[:_](\d+)")


def _parse_species(text: object) -> str:
    plain = str(text).strip()
    if match := _TAXON.fullmatch(plain):
        return f"http://purl.obolibrary.org/obo/NCBITaxon_{match[1]}"
    if re.fullmatch(r"[A-Z][a-z]+( [a-z-]+){1,2}", plain):
        return plain
    hint = _COMMON.get(plain.lower()) or _COMMON.get(plain.lower().removeprefix("lab ")) or "Mus musculus"
    raise ValueError(f"`{plain}` is not a species as DANDI takes it; write its Latin name, such as `{hint}`, or NCBITaxon:10090")


_SEX = {"m": "M", "male": "M", "f": "F", "female": "F", "u": UNKNOWN_SEX, "unknown": UNKNOWN_SEX, "o": "O", "other": "O"}


def _parse_sex(text: object) -> str:
    try:
        return _SEX[str(text).strip().lower()]
    except KeyError:
        raise ValueError(f"`{text}` is not a sex as NWB has it; write M, F, U (unknown) or O (other)") from None


_AGE_UNITS = {"d": "D", "w": "W", "m": "M", "y": "Y"}


def _parse_age(text: object) -> str:
    """Read ``P11W``, ``11 weeks``, ``90 d``, or a range ``P8W/P10W``; give ISO 8601."""
    plain = str(text).strip()
    if plain == "unknown" or re.fullmatch(r"P(\d+[YMWD])+(/(P(\d+[YMWD])+)?)?", plain):
        return plain
    match = re.fullmatch(r"(\d+)\s*(d|days?|w|wk|weeks?|months?|y|years?)", plain)
    if match is None:
        raise ValueError(f"`{plain}` is not an age; write `11 weeks`, `P11W` or `unknown`, or state `born` instead")
    return f"P{match[1]}{_AGE_UNITS[match[2][0]]}"


class Subject(Stated):
    """The animal."""

    id: str = Field(min_length=1, description="name of the animal, the same in all its sessions")
    species: Annotated[str, BeforeValidator(_parse_species)] = Field(description="Latin name, such as Mus musculus")
    sex: Annotated[Literal["M", "F", "U", "O"], BeforeValidator(_parse_sex)] = Field(description="M, F, U (unknown) or O (other)")
    born: DateOrUnknown | None = Field(None, description="date of birth, as 2024-02-28, or unknown")
    age: Annotated[str, BeforeValidator(_parse_age)] | None = Field(
        None, description="age in this session: 11 weeks, P11W or unknown"
    )
    genotype: str | None = Field(None, description="such as Dbh-Cre/wt")
    strain: str | None = Field(None, description="such as C57BL/6J")
    weight: Mass | Unknown | None = Field(None, description="such as 21.4 g")
    description: str | None = Field(None, description="what else is known of the animal")


# --- preparation ------------------------------------------------------------------------------------------------------


class Preparation(Stated):
    """What was recorded from, where that is not the whole animal: a slice, a culture, an explant."""

    kind: str = Field(min_length=1, description="what it is, such as acute slice, organotypic slice, culture or ganglion")
    region: str | None = Field(None, description="where in the body it is from, such as cerebellar vermis")
    orientation: str | None = Field(None, description="plane of the cut, such as sagittal")
    thickness: Length | Unknown | None = Field(None, description="how thick the slice is, such as 300 um")
    cut: Moment | None = Field(None, description="when it was cut, such as 11:05; or unknown")
    bath: str | None = Field(None, description="what it lay in, such as ACSF")
    temperature: Temperature | Unknown | None = Field(None, description="of the bath, such as 32 degC")
    slice: str | None = Field(None, description="name or number of the slice of this animal")
    cell: str | None = Field(None, description="name or number of the cell of this slice, where one was recorded")
    description: str | None = Field(None, description="what else there is to say, such as how it was cut")

    @property
    def text(self) -> str:
        """All that is stated, in a sentence; ``unknown`` where the person wrote so."""
        facts = {
            "thickness": self.thickness,
            "cut": self.cut,
            "bath": self.bath,
            "temperature": self.temperature,
            "slice": self.slice,
            "cell": self.cell,
        }
        whole = f"{self.kind} of {self.region}" if self.region else self.kind
        said = [whole, *([self.orientation] if self.orientation else [])]
        said += [f"{name}: {value}" for name, value in facts.items() if value is not None]
        return "; ".join([", ".join(said), *([self.description] if self.description else [])])


# --- the rest ---------------------------------------------------------------------------------------------------------


def _parse_zone(text: object) -> str:
    from zoneinfo import available_timezones

    plain = str(text).strip()
    zones = available_timezones()
    if plain in zones:
        return plain
    near = get_close_matches(plain, zones, n=1, cutoff=0.6)
    hint = f"did you mean `{near[0]}`?" if near else "write one such as `Asia/Seoul` or `Europe/Berlin`"
    raise ValueError(f"`{plain}` is not a time zone by its IANA name; {hint}")


def _parse_list(text: object) -> object:
    return [text] if isinstance(text, str) else text


Texts = Annotated[tuple[str, ...], BeforeValidator(_parse_list)]
"""A list of texts; one text alone is a list of one."""


class InvalidInterval(Stated):
    """A stretch of time that should not be analysed."""

    from_: Moment = Field(alias="from", description="when it starts")
    to: Moment = Field(description="when it ends")
    of: Annotated[tuple[Annotated[str, Names("sources")], ...], BeforeValidator(_parse_list)] = Field(
        (), description="the sources that are invalid then; none: all of them"
    )
    why: str = Field(min_length=1, description="the reason")


class SessionHead(Stated):
    """The keys of a session file beside its sources and the rooms' collections."""

    format_version: Literal["1"] = Field("1", description="version of this file format")
    session: SessionKeys = Field(description="the session as a whole: id, description, start")
    subject: Subject = Field(description="the animal: id, species, sex, and born or age")
    preparation: Preparation | None = Field(None, description="what was recorded from, where that is not the whole animal: a slice")
    time_zone: Annotated[str, BeforeValidator(_parse_zone)] = Field(description="where the clocks stood, such as Asia/Seoul")
    experimenter: Texts = Field((), description='who did it, as "Surname, Given"')
    institution: str | None = Field(None, description="where it was done")
    lab: str | None = Field(None, description="whose lab it was done in")
    experiment_description: str | None = Field(None, description="what the study is about, the same for all its sessions")
    keywords: Texts = Field((), description="words to find the session by")
    related_publications: Texts = Field((), description="DOIs")
    protocol: str | None = Field(None, description="number or DOI of the protocol")
    notes: str | None = Field(None, description="what else there is to say")
    arm: str | None = Field(None, description="arm of the study, such as shrna; or blinded, until the key is given (`--arms`)")
    arm_is_control: bool | None = Field(None, description="whether the arm is a control")
    factors: Mapping[str, str] = Field({}, description="the arm's factors, such as {knockdown: Adra1a}")
    invalid: Mapping[str, InvalidInterval] = Field({}, description="stretches of time that should not be analysed, and why")
