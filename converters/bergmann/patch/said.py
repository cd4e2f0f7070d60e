"""What a written file says that was stated, judged by the same models as a session file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from bergmann.errors import SessionError
from bergmann.findings import Finding
from bergmann.moments import Moment, names
from bergmann.patch.keys import LISTS, OF_ENTRIES
from bergmann.plan.head import SessionHead
from bergmann.plan.mistakes import keys_of, validate
from bergmann.plan.resolve import Plan
from bergmann.plan.session import LoadedSession
from bergmann.plan.sources import Vocabulary
from bergmann.plan.yaml import BLANKS, Branch, Items, Leaf, Node, Place, parse_document
from bergmann.proof.record import RECORD
from bergmann.receptors.check import check_collections, is_later
from bergmann.stated import Stated
from bergmann.writing.naming import check_ids

STATEMENTS = f"{RECORD}/statements"

OF_ANIMAL = ("vectors", "populations", "procedures", "receptors", "expression", "indicators")
"""Collections of the animal, in the order in which `convert` writes them; drugs come after the sources."""


@dataclass(frozen=True)
class Statement:
    """A row of the table of statements.

    Attributes
    ----------
    key, value : str
    origin : str
        ``"lab.yaml:12"``.
    kind : str
        As `ndx_bergmann.STATEMENT_KINDS`.
    path : str
        Where in the file it became what it says; empty where that is not kept.
    """

    key: str
    value: str
    origin: str
    kind: str
    path: str = ""

    @property
    def is_of_person(self) -> bool:
        """Whether a person stated it; the others were read from a file."""
        return self.kind in ("stated", "unknown")


def read_statements(file: Any) -> tuple[Statement, ...]:
    """The statements of an open file.

    Parameters
    ----------
    file : h5py.File

    Raises
    ------
    KeyError
        If there is no table of statements.
    """
    table = file[STATEMENTS]
    names = [name for name in ("key", "value", "origin", "kind", "path") if name in table]
    columns = [table[name].asstr()[:].tolist() for name in names]
    return tuple(Statement(*row) for row in zip(*columns, strict=True))


# --- setting ----------------------------------------------------------------------------------------------------------


def set_text(texts: Mapping[str, str], key: str, value: str) -> dict[str, str]:
    """The stated texts with one value in place of another, or new.

    Parameters
    ----------
    texts : mapping of str to str
        By dotted key, list items by number.
    key, value : str
        Of a list, a list in brackets replaces it; another text is its only item.

    Raises
    ------
    ValueError
        If it is empty, a list in brackets is none, or an item is beyond the end of its list.
    """
    if value.strip() in BLANKS:
        raise ValueError("an empty value states nothing; write `unknown` where it may be, or convert again without the line")
    whole, _, number = key.partition(".")
    if whole not in LISTS:
        return _in_place(texts, key, (key,), {key: value.strip()})
    items = _items(texts, whole)
    if not number:
        items = _parse_list(value)
    elif int(number) > len(items):
        raise ValueError(f"the list has {len(items)} items; the next one is `{whole}.{len(items)}`")
    else:
        items = [*items[: int(number)], value.strip(), *items[int(number) + 1 :]]
    old = tuple(one for one in texts if one == whole or one.startswith(f"{whole}."))
    return _in_place(texts, whole, old, {f"{whole}.{index}": item for index, item in enumerate(items)})


def _in_place(texts: Mapping[str, str], key: str, old: Iterable[str], new: Mapping[str, str]) -> dict[str, str]:
    """The texts with new ones where the first of the old ones was; behind all that is stated of the same where there was none."""
    gone, collection = set(old), key.rpartition(".")[0]
    order = list(texts)
    places = [index for index, one in enumerate(order) if one in gone]
    beside = [index + 1 for index, one in enumerate(order) if collection and one.startswith(f"{collection}.")]
    place = places[0] if places else max(beside, default=len(order))
    before = {one: texts[one] for one in order[:place] if one not in gone}
    return {**before, **new, **{one: texts[one] for one in order[place:] if one not in gone}}


def _items(texts: Mapping[str, str], key: str) -> list[str]:
    return [text for one, text in texts.items() if one == key or one.startswith(f"{key}.")]


def _parse_list(value: str) -> list[str]:
    text = value.strip()
    if not text.startswith("["):
        return [text]
    try:
        document = parse_document(f"list: {text}\n", Path("list.yaml"))
    except SessionError as error:
        raise ValueError(f"`{text}` is no list: {error.findings[0].message}") from error
    node = document.root.entries.get("list")
    items = [one.text for one in node.nodes if isinstance(one, Leaf) and not one.is_blank] if isinstance(node, Items) else []
    if not isinstance(node, Items) or not items or len(items) != len(node.nodes):
        raise ValueError(f"`{text}` is no list of texts; write it as `[first, second]`")
    return items


# --- judging ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """Stated values as the models of a session file take them.

    Attributes
    ----------
    plan : Plan
        With the head, the collections of the animal and drugs, and the start; without sources.
    findings : tuple of Finding
        Their location is the dotted key.
    """

    plan: Plan
    findings: tuple[Finding, ...]

    @property
    def collections(self) -> Mapping[str, Mapping[str, Stated]]:
        """What the file holds of the stated collections."""
        return self.plan.loaded.collections


def judge(texts: Mapping[str, str], start: datetime, name: str) -> Said:
    """Judge stated texts as a session file would be, as far as they are of the animal and of who and where.

    Parameters
    ----------
    texts : mapping of str to str
    start : datetime
        Of the session.
    name : str
        Of the file.

    Raises
    ------
    SessionError
        If a model refuses them.
    """
    root = _tree(texts, Place(Path(name), 1))
    findings: list[Finding] = []
    head = validate(SessionHead, _some(root, keys_of(SessionHead)), "", findings)
    models = Vocabulary.of_rooms().collections
    collections = {one: _entries(root, one, models[one], findings) for one in (*OF_ANIMAL, "drugs")}
    if head is None or findings:
        raise SessionError([_by_key(one) for one in findings])
    day = start.date()
    findings += check_ids(head.subject.id, head.session.id)
    born = head.subject.born if isinstance(head.subject.born, date) else None
    findings += check_collections(collections, species=head.subject.species, session_date=day, born=born)
    findings += _check_born(born, day)
    done = {one: stated for one, stated in collections["procedures"].items() if not is_later(stated, day)}  # type: ignore[arg-type]
    loaded = LoadedSession(
        path=Path(name),
        head=head,
        collections={**collections, "procedures": done},
        absent=dict(_absent(texts)),
        texts=texts,
    )
    stated = head.session.start
    known = not isinstance(stated, date) or isinstance(stated, datetime)
    return Said(Plan(loaded=loaded, start=start, time_of_day_known=known), tuple(_by_key(one) for one in findings))


def _check_born(born: date | None, day: date) -> Iterator[Finding]:
    if born is not None and born > day:
        message = f"{born} is after the session ({day})"
        yield Finding(severity="error", check="conflict", location="subject.born", message=message)


def _by_key(finding: Finding) -> Finding:
    """The finding with the key alone as its place: the file has no lines."""
    return replace(finding, location=finding.location.partition(" ")[2] or finding.location)


def _absent(texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, text in texts.items():
        first, _, rest = key.partition(".")
        if first == "sources" and rest.endswith(".absent"):
            yield rest.removesuffix(".absent"), text


def _some(root: Branch, keys: Iterable[str]) -> Branch:
    return Branch({key: root.entries[key] for key in keys if key in root.entries}, root.place)


def _entries(root: Branch, collection: str, model: type[Stated], findings: list[Finding]) -> dict[str, Stated]:
    branch = root.entries.get(collection)
    found: dict[str, Stated] = {}
    for name, node in branch.entries.items() if isinstance(branch, Branch) else ():
        stated = validate(model, node, f"{collection}.{name}", findings) if isinstance(node, Branch) else None
        if stated is not None:
            found[name] = stated
    return found


def _tree(texts: Mapping[str, str], place: Place) -> Branch:
    """Dotted keys as the tree that they were; maps whose keys count from 0 are lists, but for those by name."""
    root: dict[str, Any] = {}
    for key, text in texts.items():
        *above, last = key.split(".")
        below = root
        for name in above:
            deeper = below.setdefault(name, {})
            if not isinstance(deeper, dict):
                deeper = below[name] = {}
            below = deeper
        below[last] = text
    return Branch({name: _node(one, place, is_named=name not in LISTS) for name, one in root.items()}, place)


def _node(value: Any, place: Place, *, is_named: bool) -> Node:
    if not isinstance(value, dict):
        return Leaf(value, place)
    if not is_named and list(value) == [str(index) for index in range(len(value))]:
        return Items(tuple(_node(one, place, is_named=False) for one in value.values()), place)
    return Branch({name: _node(one, place, is_named=False) for name, one in value.items()}, place)


def times_from(texts: Mapping[str, str], procedure: str) -> tuple[str, ...]:
    """Dotted keys of the stated times that count from a procedure."""
    return tuple(key for key, text in texts.items() if _counts_from(text, procedure))


def _counts_from(text: str, procedure: str) -> bool:
    try:
        found = tuple(names(Moment(text)))
    except ValueError:
        return False
    return any(one.name == procedure and "procedures" in one.kinds for one in found)


def is_entry(texts: Mapping[str, str], key: str) -> bool:
    """Whether what a key is of is stated in the file: the drug, the receptor, the site of an injection."""
    collection = key.partition(".")[0]
    return collection not in OF_ENTRIES or any(one.startswith(f"{key.rpartition('.')[0]}.") for one in texts)
