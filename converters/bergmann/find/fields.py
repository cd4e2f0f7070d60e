"""The keys that a source still needs from a person, and what is there to choose from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bergmann.find.headers import Header
from bergmann.find.text import Value
from bergmann.plan.mistakes import meaning
from bergmann.plan.sources import Vocabulary
from bergmann.plan.yaml import Branch, Leaf
from bergmann.records import Segmentation
from bergmann.stated import Names


@dataclass(frozen=True)
class Choices:
    """What is stated already.

    Attributes
    ----------
    root : Branch
        The session file, if there is one, and what it uses.
    is_new : bool
        Whether there is no session file yet.
    vocabulary : Vocabulary
    """

    root: Branch
    is_new: bool = False
    vocabulary: Vocabulary = field(default_factory=Vocabulary.here)

    def names(self, collection: str) -> tuple[str, ...]:
        """Names of the entries of a collection."""
        node = self.root.entries.get(collection)
        return tuple(node.entries) if isinstance(node, Branch) else ()

    def value(self, *keys: str) -> str:
        """A stated text; empty where there is none."""
        node: Any = self.root
        for key in keys:
            node = node.entries.get(key) if isinstance(node, Branch) else None
        return node.text if isinstance(node, Leaf) and not node.is_blank else ""

    def has(self, *keys: str) -> bool:
        """Whether something other than a blank is stated."""
        node: Any = self.root
        for key in keys:
            node = node.entries.get(key) if isinstance(node, Branch) else None
        return node is not None and not (isinstance(node, Leaf) and node.is_blank)


def asked_for(header: Header) -> Mapping[str, str]:
    """Optional keys that the reader of a file asked for, and its words."""
    model = header.found.format.source
    words = re.findall(r"`(\w+)\b[^`]*`", header.refused)
    asked = re.sub(r"^[^:\n]+: (?=\S)", "", header.refused) if len(header.found.named) == 1 else header.refused
    stated = {"format", "path", "of", *header.found.source.model_fields_set}
    return {word: asked for word in words if word in model.model_fields and word not in stated}


def found_values(header: Header, path: str) -> tuple[Value, ...]:
    """What the format itself found out."""
    source = header.found.source
    values = [Value("format", header.found.format.key)]
    for name in type(source).model_fields:
        if name in source.model_fields_set and name != "format" and getattr(source, name) is not None:
            values.append(Value(name, path if name == "path" else str(getattr(source, name))))
    return tuple(values)


def needed_values(header: Header, there: tuple[Value, ...], choices: Choices, movie_plane: str) -> tuple[Value, ...]:
    """Keys that must be stated and are not there yet; those that leave no choice are filled in.

    Parameters
    ----------
    header : Header
    there : tuple of Value
        What is known.
    choices : Choices
    movie_plane : str
        The plane of the movie that it is of; empty if there is none or it is not known.
    """
    keys = {value.key for value in there}
    asked = asked_for(header)
    kind = header.found.format
    stated = choices.vocabulary.stated_of(kind.record)
    values: list[Value] = []
    for model, name, info in (*_fields(kind.source), *_fields(stated)):
        key = info.alias or name
        if key in keys or not (info.is_required() or name in asked):
            continue
        said = meaning(model, name).replace("``", "`").rstrip(".") or name
        values.append(_chosen(key, said, _collection(info), choices) if name not in asked else Value(key, None, asked[name]))
    if issubclass(kind.record, Segmentation):
        values += _whose(choices, keys, movie_plane)
    return tuple(values)


def _fields(model: type[BaseModel]) -> Iterator[tuple[type[BaseModel], str, FieldInfo]]:
    yield from ((model, name, info) for name, info in model.model_fields.items())


def _collection(info: FieldInfo) -> str:
    marks = [*info.metadata, *(mark for part in get_args(info.annotation) for mark in getattr(part, "__metadata__", ()))]
    return next((mark.collection for mark in marks if isinstance(mark, Names)), "")


def _chosen(key: str, said: str, collection: str, choices: Choices) -> Value:
    names = choices.names(collection) if collection else ()
    if len(names) == 1:
        return Value(key, names[0], f"the only one of `{collection}`")
    if names:
        return Value(key, None, f"one of: {', '.join(names)}")
    missing = f"; none of `{collection}` is stated yet, here or in a file of `use:`" if collection else ""
    return Value(key, None, f"{said}{missing}")


def _whose(choices: Choices, keys: set[str], plane: str) -> list[Value]:
    """Whose cells ROIs are: asked where populations are stated, proposed where the plane says it."""
    names = choices.names("populations")
    compartment = "soma, process, endfoot, axon, dendrite, whole_cell, field or unknown"
    if "of" not in keys:
        plane_value = [_chosen("plane", "the imaging plane of the ROIs, or the movie as `of:`", "planes", choices)]
    else:
        plane_value = []
    if not names:
        return plane_value
    population = choices.value("planes", plane, "population") if plane else ""
    whose = Value("population", population, f"that of {plane}") if population else _chosen("population", "", "populations", choices)
    return [*plane_value, whose, Value("compartment", None, f"which part of the cells: {compartment}")]
