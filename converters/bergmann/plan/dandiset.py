"""The ``dandiset:`` block: what is said once of all sessions that are published together.

It may stand in any overlay. Nothing of it goes into the NWB files: it is what the archive shows of the dandiset, and
`bergmann.publish` makes dandischema's document of it.

.. code-block:: yaml

   dandiset:
     name: Noradrenaline in Bergmann glia after nerve injury
     description: Two-photon imaging of ...
     license: CC-BY-4.0
     contributors:
       "Kim, Jane": {orcid: 0000-0001-2345-6789, email: jane@lab.edu, roles: [author, contact person]}
     funding:
       National Institutes of Health: {awards: R01NS000000}
     ethics:
       IACUC 2023-17: {}
     protocols: [doi:10.17504/protocols.io.abcd]
     related:
       paper: {doi: 10.1038/s41593-024-01807-z, relation: is described by}
     keywords: [astrocyte, pain]
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from bergmann.plan.head import Texts
from bergmann.stated import Stated

ROLES = (
    "Author",
    "Conceptualization",
    "ContactPerson",
    "DataCollector",
    "DataCurator",
    "DataManager",
    "FormalAnalysis",
    "FundingAcquisition",
    "Investigation",
    "Maintainer",
    "Methodology",
    "Producer",
    "ProjectLeader",
    "ProjectManager",
    "ProjectMember",
    "ProjectAdministration",
    "Researcher",
    "Resources",
    "Software",
    "Supervision",
    "Validation",
    "Visualization",
    "Funder",
    "Sponsor",
    "StudyParticipant",
    "Affiliation",
    "EthicsApproval",
    "Other",
)
"""Roles of a contributor (dandischema, ``RoleType``); a test compares them, since dandischema is too slow to import for a check."""

RELATIONS = (
    "IsDescribedBy",
    "IsSupplementTo",
    "IsSupplementedBy",
    "IsCitedBy",
    "Cites",
    "IsDocumentedBy",
    "Documents",
    "IsPublishedIn",
    "IsDerivedFrom",
    "IsSourceOf",
    "IsPartOf",
    "HasPart",
    "IsReferencedBy",
    "References",
    "Requires",
    "IsVersionOf",
    "HasVersion",
    "Continues",
    "IsContinuedBy",
    "Describes",
    "HasMetadata",
    "IsMetadataFor",
    "IsNewVersionOf",
    "IsPreviousVersionOf",
    "IsCompiledBy",
    "Compiles",
    "IsVariantFormOf",
    "IsOriginalFormOf",
    "IsIdenticalTo",
    "IsReviewedBy",
    "Reviews",
    "IsRequiredBy",
    "Obsoletes",
    "IsObsoletedBy",
)
"""How the dandiset is related to something else (dandischema, ``RelationType``)."""

LICENSES = ("CC-BY-4.0", "CC0-1.0")
"""What DANDI takes (dandischema's default, as the public archive has it)."""

LONGEST_NAME, LONGEST_DESCRIPTION = 150, 10_000
"""Characters that dandischema takes."""

_ORCID = re.compile(r"(?:https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])")
_ROR = re.compile(r"(?:https?://)?(?:ror\.org/)?(0[a-z0-9]{8})")
_DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?(10\.\d{4,9}/\S+)", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")
_PERSON = re.compile(r"[\w\s\-.']+,\s+[\w\s\-.']+")
"""How dandischema wants a person's name (``NAME_PATTERN``)."""


def _squeezed(text: str) -> str:
    return re.sub(r"[\s_-]", "", text.removeprefix("dcite:")).lower()


def _chosen(text: object, known: tuple[str, ...], what: str) -> str:
    """The known word that is meant, however it is spaced and capitalised: ``contact person``."""
    plain = {_squeezed(one): one for one in known}
    wanted = _squeezed(str(text))
    if wanted in plain:
        return plain[wanted]
    near = get_close_matches(wanted, plain, n=1)
    hint = f"did you mean `{plain[near[0]]}`? " if near else ""
    raise ValueError(f"`{text}` is not {what}; {hint}known: {', '.join(known)}")


def _parse_roles(text: object) -> tuple[str, ...]:
    listed = text if isinstance(text, list | tuple) else str(text).split(",")
    return tuple(_chosen(one, ROLES, "a role that DANDI knows") for one in listed)


def _parse_relation(text: object) -> str:
    return _chosen(text, RELATIONS, "a relation that DANDI knows")


def _parse_license(text: object) -> str:
    plain = str(text).strip().removeprefix("spdx:")
    known = {one.lower(): one for one in LICENSES}
    if plain.lower() not in known:
        raise ValueError(f"`{text}` is not a licence that DANDI takes; write {' or '.join(LICENSES)}")
    return known[plain.lower()]


def _parse_orcid(text: object) -> str:
    match = _ORCID.fullmatch(str(text).strip())
    if match is None:
        raise ValueError(f"`{text}` is not an ORCID; write it as 0000-0002-1825-0097")
    digits = match[1].replace("-", "")
    if _check_digit(digits[:-1]) != digits[-1]:
        raise ValueError(f"`{text}` is not an ORCID: its last digit does not fit the others, so one of them is mistyped")
    return match[1]


def _check_digit(digits: str) -> str:
    """The last digit of an ORCID (ISO 7064 11,2; support.orcid.org, *Structure of the ORCID Identifier*)."""
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    rest = (12 - total % 11) % 11
    return "X" if rest == 10 else str(rest)


def _parse_ror(text: object) -> str:
    match = _ROR.fullmatch(str(text).strip().rstrip("/"))
    if match is None:
        raise ValueError(f"`{text}` is not an identifier of ror.org; write it as https://ror.org/01cwqze88")
    return f"https://ror.org/{match[1]}"


def _parse_doi(text: object) -> str:
    match = _DOI.fullmatch(str(text).strip())
    if match is None:
        raise ValueError(f"`{text}` is not a DOI; write it as 10.1038/s41593-024-01807-z")
    return match[1]


def _parse_email(text: object) -> str:
    plain = str(text).strip()
    if not _EMAIL.fullmatch(plain):
        raise ValueError(f"`{plain}` is not an e-mail address; write it as name@place.edu")
    return plain


def _parse_url(text: object) -> str:
    """An address; a DOI becomes that of its resolver."""
    plain = str(text).strip()
    if match := _DOI.fullmatch(plain):
        return f"https://doi.org/{match[1]}"
    if not re.fullmatch(r"https?://[^\s/]+\.\S+", plain):
        raise ValueError(f"`{plain}` is not an address; write it as https://... or as a DOI")
    return plain


def _parse_urls(text: object) -> tuple[str, ...]:
    return tuple(_parse_url(one) for one in (text if isinstance(text, list | tuple) else [text]))


def _refuse_long(text: str, limit: int) -> str:
    if len(text) > limit:
        raise ValueError(f"it has {len(text)} characters, and DANDI takes up to {limit}")
    return text


Email = Annotated[str, BeforeValidator(_parse_email)]
Ror = Annotated[str, BeforeValidator(_parse_ror)]
Url = Annotated[str, BeforeValidator(_parse_url)]


class Contributor(Stated):
    """Who made the dandiset. By name: a person's as `Surname, Given`."""

    kind: Literal["person", "organization"] = Field("person", description="person or organization")
    orcid: Annotated[str, BeforeValidator(_parse_orcid)] | None = Field(None, description="a person's, as 0000-0002-1825-0097")
    ror: Ror | None = Field(None, description="an organization's identifier of ror.org")
    email: Email | None = Field(None, description="needed of a contact person; the archive shows it")
    roles: Annotated[tuple[str, ...], BeforeValidator(_parse_roles)] = Field(
        ("Author",), description="such as [author, contact person]; one contributor at least is contact person"
    )
    affiliations: Texts = Field((), description="names of the organizations that a person works at")
    cited: bool | None = Field(
        None, description="whether the citation of the dandiset names them; by default persons yes, organizations no"
    )


class Funder(Stated):
    """Who paid for the work. By name."""

    awards: Texts = Field((), description="numbers of the awards")
    ror: Ror | None = Field(None, description="the funder's identifier of ror.org")


class Ethics(Stated):
    """The approval of the experiments. By its number."""

    email: Email | None = Field(None, description="of the committee")
    url: Url | None = Field(None, description="of the committee")


class Related(Stated):
    """A publication, a dataset or code that belongs to the dandiset. By any name."""

    doi: Annotated[str, BeforeValidator(_parse_doi)] | None = Field(None, description="as 10.1038/s41593-024-01807-z")
    url: Url | None = Field(None, description="its address, where it has no DOI")
    title: str | None = Field(None, description="its title")
    relation: Annotated[str, BeforeValidator(_parse_relation)] = Field(
        "IsDescribedBy", description="what the dandiset is to it, such as is described by, is supplement to, cites"
    )
    repository: str | None = Field(None, description="where it is kept, such as GitHub")


class Dandiset(Stated):
    """What the archive shows of all sessions that are published together."""

    name: str | None = Field(None, min_length=1, description="title, up to 150 characters")
    description: str | None = Field(None, min_length=1, description="what is in it, and why it was recorded")
    license: Annotated[str, BeforeValidator(_parse_license)] | None = Field(None, description="CC-BY-4.0 or CC0-1.0")
    contributors: Mapping[str, Contributor] = Field({}, description="who made it, by name, in the order of the citation")
    funding: Mapping[str, Funder] = Field({}, description="who paid, by name")
    ethics: Mapping[str, Ethics] = Field({}, description="approvals of the experiments, by number")
    protocols: Annotated[tuple[str, ...], BeforeValidator(_parse_urls)] = Field((), description="addresses or DOIs of protocols")
    related: Mapping[str, Related] = Field({}, description="publications and other things that belong to it, by any name")
    keywords: Texts = Field((), description="words to find it by")
    study_target: Texts = Field((), description="what the study asks")
    acknowledgement: str | None = Field(None, description="thanks that belong nowhere else")

    @field_validator("name")
    @classmethod
    def _name_is_short(cls, text: str | None) -> str | None:
        return None if text is None else _refuse_long(text, LONGEST_NAME)

    @field_validator("description")
    @classmethod
    def _description_is_short(cls, text: str | None) -> str | None:
        return None if text is None else _refuse_long(text, LONGEST_DESCRIPTION)

    @field_validator("contributors")
    @classmethod
    def _are_named(cls, contributors: Mapping[str, Contributor]) -> Mapping[str, Contributor]:
        for name, one in contributors.items():
            if one.kind == "person" and not _PERSON.fullmatch(name):
                raise ValueError(f'`{name}`: DANDI wants a person as "Surname, Given"; an organization says `kind: organization`')
            if "ContactPerson" in one.roles and one.email is None:
                raise ValueError(f"`{name}` is contact person, and DANDI wants an e-mail address of one; state `email`")
            if (one.orcid if one.kind == "organization" else one.ror) is not None:
                raise ValueError(f"`{name}`: a person has an `orcid`, an organization (`kind: organization`) a `ror`")
        return contributors

    @field_validator("related")
    @classmethod
    def _can_be_found(cls, related: Mapping[str, Related]) -> Mapping[str, Related]:
        for name, one in related.items():
            if one.doi is None and one.url is None:
                raise ValueError(f"`{name}`: state its `doi` or its `url`")
        return related
