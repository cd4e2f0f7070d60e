"""The dandiset's own metadata: stated in the `dandiset:` block of session files, as dandischema's document.

The block may stand in any overlay. All sessions that are published together are read, and must not contradict each other. A
dandiset without session files at hand is described by the ``dandiset.yaml`` in its folder, in dandischema's own words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bergmann.errors import SourceError
from bergmann.findings import Finding, Severity, has_errors
from bergmann.plan.blinding import load_with_arm
from bergmann.plan.dandiset import Contributor, Dandiset, Ethics, Funder, Related
from bergmann.plan.mistakes import error, plain, validate
from bergmann.plan.overlay import read_documents, walk
from bergmann.plan.partial import OF_A_SESSION
from bergmann.plan.session import OF_THE_DANDISET
from bergmann.plan.yaml import Branch, Leaf, Node

CHECK = "dandiset metadata"
FILE = "dandiset.yaml"

FIELDS = (
    "name",
    "description",
    "contributor",
    "about",
    "studyTarget",
    "license",
    "protocol",
    "ethicsApproval",
    "keywords",
    "acknowledgement",
    "relatedResource",
)
"""Fields of dandischema's ``Dandiset`` that people write; the archive makes the others."""

NEEDED = {
    "name": "a name (`dandiset.name`)",
    "description": "a description (`dandiset.description`)",
    "license": "a licence (`dandiset.license`)",
}
"""What the archive wants before it publishes a version, beside a contact person."""

_CONTACT = "dcite:ContactPerson"
_OF_THE_ARCHIVE = {
    "id": "DANDI:000000/draft",
    "identifier": "DANDI:000000",
    "version": "draft",
    "citation": "made by the archive",
    "manifestLocation": ["https://example.org/made-by-the-archive"],
    "assetsSummary": {"numberOfBytes": 1, "numberOfFiles": 1},
    "name": "-",
    "description": "-",
    "license": ["spdx:CC0-1.0"],
}
"""What stands for the fields that the archive makes, and for those that are said to be missing elsewhere, while dandischema judges
the others. None of it goes anywhere."""
_ANY_CONTACT = {"schemaKey": "Person", "name": "Person, Some", "email": "some.person@dandiarchive.org", "roleName": [_CONTACT]}

Document = dict[str, Any]


@dataclass(frozen=True)
class StatedDandiset:
    """What is stated of a dandiset.

    Attributes
    ----------
    document : dict or None
        In dandischema's words, only with what is stated; None where nothing is, or it cannot be used.
    findings : tuple of Finding
    """

    document: Document | None
    findings: tuple[Finding, ...] = ()


def stated_in_sessions(paths: Iterable[Path]) -> StatedDandiset:
    """Read the `dandiset:` blocks of session files, and lay them together.

    Parameters
    ----------
    paths : iterable of Path
        Session files, and folders whose session files are meant.

    Raises
    ------
    SourceError
        If a path does not exist, or a folder has no session file.
    """
    findings: list[Finding] = []
    whole: Branch | None = None
    for path in _session_files(paths):
        merged = load_with_arm(path)
        if not merged.is_whole:
            findings += merged.findings
        findings += [one for one in merged.findings if one.location.partition(" ")[2].partition(".")[0] == OF_THE_DANDISET]
        block = merged.root.entries.get(OF_THE_DANDISET)
        if isinstance(block, Branch):
            whole = block if whole is None else _together(whole, block, OF_THE_DANDISET, findings)
        elif block is not None:
            findings.append(error(block, OF_THE_DANDISET, "value", "this is not a map of keys", "write `{key: value, ...}`"))
    if whole is None:
        return StatedDandiset(None, tuple(dict.fromkeys(findings)))
    findings += _blanks(whole)
    keys = validate(Dandiset, whole, OF_THE_DANDISET, findings)
    if keys is None or has_errors(findings):
        return StatedDandiset(None, tuple(dict.fromkeys(findings)))
    document, places = _document(keys)
    located = {place: _place(whole, key) for place, key in places.items()}
    findings += [*check_document(document, located, whole.place.text), *check_complete(document, whole.place.text)]
    return StatedDandiset(document, tuple(dict.fromkeys(findings)))


def stated_in_folder(folder: Path) -> StatedDandiset:
    """Read the ``dandiset.yaml`` of a folder: dandischema's words; what says ``REQUIRED`` is still to be stated.

    Parameters
    ----------
    folder : Path
    """
    import yaml

    path = folder / FILE
    if not path.is_file():
        return StatedDandiset(None)
    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as failure:
        first = str(failure).splitlines()[0]
        return StatedDandiset(None, (_finding("error", FILE, f"it cannot be read: {first}", "mend it, or remove it"),))
    if not isinstance(read, Mapping):
        return StatedDandiset(None, (_finding("error", FILE, "it is no map of keys", "mend it, or remove it"),))
    document = {key: read[key] for key in FIELDS if read.get(key) not in (None, "", [], "REQUIRED")}
    if not document:
        return StatedDandiset(None)
    places: dict[tuple[str | int, ...], str] = {(key,): f"{FILE} {key}" for key in document}
    return StatedDandiset(document, (*check_document(document, places, FILE), *check_complete(document, FILE)))


def _session_files(paths: Iterable[Path]) -> tuple[Path, ...]:
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise SourceError(f"{path.name}: there is no such session file")
        below = sorted(one for one in path.rglob("*.y*ml") if _is_session(one)) if path.is_dir() else [path]
        if not below:
            raise SourceError(f"{path.name}: no session file is in there")
        found.update(dict.fromkeys(below))
    return tuple(found)


def _is_session(path: Path) -> bool:
    documents = read_documents(path).documents
    own = next((one for one in documents if one.path == path.absolute()), None)
    return own is not None and any(key in own.root.entries for key in OF_A_SESSION)


def _together(base: Branch, other: Branch, key: str, findings: list[Finding]) -> Branch:
    """Two blocks as one; what each says differently is a finding, and the first stays."""
    entries = dict(base.entries)
    for name, node in other.entries.items():
        dotted, first = f"{key}.{name}", entries.get(name)
        if first is None:
            entries[name] = node
        elif isinstance(first, Branch) and isinstance(node, Branch):
            entries[name] = _together(first, node, dotted, findings)
        elif plain(first) != plain(node):
            message = f"{_shown(node)} here and {_shown(first)} in {first.place.text}; they are of one dandiset"
            findings.append(error(node, dotted, "conflict", message, "state it once, in a part that all its sessions use"))
    return Branch(entries, base.place)


def _shown(node: Node) -> str:
    if isinstance(node, Leaf):
        return f"`{node.text}`"
    return "a map" if isinstance(node, Branch) else f"`{', '.join(map(str, plain(node)))}`"


def _blanks(block: Branch) -> Iterator[Finding]:
    for key, node in walk(block, OF_THE_DANDISET):
        if isinstance(node, Leaf) and node.is_blank:
            yield error(node, key, "gap", "it is still to be stated", "state it, or leave the line out")


def _place(block: Branch, keys: tuple[str, ...]) -> str:
    """``lab.yaml:12 dandiset.name``: the line of what is named by keys, or of the nearest above it."""
    node: Node = block
    for key in keys:
        child = node.entries.get(key) if isinstance(node, Branch) else None
        if child is None:
            break
        node = child
    return f"{node.place.text} {'.'.join((OF_THE_DANDISET, *keys))}"


def _finding(severity: Severity, location: str, message: str, remedy: str = "") -> Finding:
    return Finding(severity=severity, check=CHECK, location=location, message=message, remedy=remedy)


# --- in dandischema's words -------------------------------------------------------------------------------------------

Places = dict[tuple[str | int, ...], tuple[str, ...]]
"""Which keys of the block a part of the document is from."""


def _document(block: Dandiset) -> tuple[Document, Places]:
    contributors = [(_contributor(name, one), ("contributors", name)) for name, one in block.contributors.items()]
    contributors += [(one, ("funding", name)) for name, funder in block.funding.items() for one in _funder(name, funder)]
    lists = {
        "contributor": contributors,
        "ethicsApproval": [(_ethics(name, one), ("ethics", name)) for name, one in block.ethics.items()],
        "relatedResource": [(_resource(one), ("related", name)) for name, one in block.related.items()],
    }
    plain_fields: dict[str, tuple[Any, str]] = {
        "name": (block.name, "name"),
        "description": (block.description, "description"),
        "license": ([f"spdx:{block.license}"] if block.license else None, "license"),
        "protocol": (list(block.protocols), "protocols"),
        "keywords": (list(block.keywords), "keywords"),
        "studyTarget": (list(block.study_target), "study_target"),
        "acknowledgement": (block.acknowledgement, "acknowledgement"),
    }
    document: Document = {field: [one for one, _ in listed] for field, listed in lists.items() if listed}
    places: Places = {(field, index): key for field, listed in lists.items() for index, (_, key) in enumerate(listed)}
    for field, (value, key) in plain_fields.items():
        if value:
            document[field] = value
            places[(field,)] = (key,)
    return {field: document[field] for field in FIELDS if field in document}, places


def _stated(**values: Any) -> Document:
    return {key: value for key, value in values.items() if value not in (None, [], "")}


def _contributor(name: str, one: Contributor) -> Document:
    is_person = one.kind == "person"
    return _stated(
        schemaKey="Person" if is_person else "Organization",
        name=name,
        identifier=one.orcid if is_person else one.ror,
        email=one.email,
        roleName=[f"dcite:{role}" for role in one.roles],
        includeInCitation=is_person if one.cited is None else one.cited,
        affiliation=[{"schemaKey": "Affiliation", "name": place} for place in one.affiliations],
    )


def _funder(name: str, funder: Funder) -> Iterator[Document]:
    """A funder, once for each award: dandischema has room for one."""
    for award in funder.awards or (None,):
        yield _stated(
            schemaKey="Organization",
            name=name,
            identifier=funder.ror,
            roleName=["dcite:Funder"],
            includeInCitation=False,
            awardNumber=award,
        )


def _ethics(number: str, one: Ethics) -> Document:
    contact = _stated(email=one.email, url=one.url)
    return _stated(
        schemaKey="EthicsApproval",
        identifier=number,
        contactPoint={"schemaKey": "ContactPoint", **contact} if contact else None,
    )


def _resource(one: Related) -> Document:
    return _stated(
        schemaKey="Resource",
        identifier=f"doi:{one.doi}" if one.doi else None,
        url=one.url or f"https://doi.org/{one.doi}",
        name=one.title,
        relation=f"dcite:{one.relation}",
        repository=one.repository,
    )


# --- judged -----------------------------------------------------------------------------------------------------------


def check_document(document: Mapping[str, Any], places: Mapping[tuple[str | int, ...], str], elsewhere: str) -> Iterator[Finding]:
    """Check a document with dandischema.

    Parameters
    ----------
    document : mapping
        Only with what people write.
    places : mapping
        Where each part of it was stated: by its field, or its field and number in a list.
    elsewhere : str
        The place of all else.
    """
    from dandischema.models import Dandiset as Schema
    from pydantic import ValidationError

    contributors = document.get("contributor", [])
    judged = {**_OF_THE_ARCHIVE, **document}
    if isinstance(contributors, list):  # that nobody is contact person is said by `check_complete`
        judged["contributor"] = [*contributors, _ANY_CONTACT]
    try:
        Schema(**judged)
    except ValidationError as refused:
        for one in refused.errors(include_url=False):
            steps = tuple(one["loc"])
            place = next((places[steps[:n]] for n in (2, 1) if steps[:n] in places), elsewhere)
            field = ".".join(str(step) for step in steps if step not in {"Person", "Organization"})
            yield _finding("error", place, f"dandischema does not take {field}: {one['msg'].removeprefix('Value error, ')}")


def check_complete(document: Mapping[str, Any], place: str) -> Iterator[Finding]:
    """Check that the archive could publish a version of it.

    Yields
    ------
    Finding
        One warning that names all that is missing.
    """
    missing = [what for field, what in NEEDED.items() if not document.get(field)]
    contributors = document.get("contributor") or []
    if not any(_CONTACT in (one.get("roleName") or ()) for one in contributors if isinstance(one, Mapping)):
        missing.append("a contributor who is contact person, with an e-mail address")
    if missing:
        message = f"the archive publishes no version without {'; '.join(missing)}"
        yield _finding("warning", place, message, "state it in the block `dandiset:` of the session files")
