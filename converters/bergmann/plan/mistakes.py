"""What a model refuses, said where it was written and in words for the person who wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from inspect import cleandoc
from itertools import takewhile
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from bergmann.findings import Finding
from bergmann.plan.overlay import Origin
from bergmann.plan.yaml import Branch, Items, Leaf, Node

ModelT = TypeVar("ModelT", bound=BaseModel)


def nearest(name: str, known: Iterable[str]) -> str:
    """What to say of a name that is not known: the nearest one that is, and all of them."""
    names = list(known)
    lower = {one.lower(): one for one in names}
    near = get_close_matches(name.lower(), lower, n=1, cutoff=0.6)
    listing = f"known: {', '.join(names)}" if names else "none is stated yet, here or in a file of `use:`"
    return f"did you mean `{lower[near[0]]}`? {listing}" if near else listing


def error(node: Node, key: str, check: str, message: str, remedy: str = "") -> Finding:
    """A finding of severity error at the line of a node."""
    location = Origin(node.place.document, node.place.line, key).text
    return Finding(severity="error", check=check, location=location, message=message, remedy=remedy)


def keys_of(model: type[BaseModel]) -> tuple[str, ...]:
    """The keys that a person writes for a model's fields."""
    return tuple(info.alias or name for name, info in model.model_fields.items())


def meaning(model: type[BaseModel], name: str) -> str:
    """What a field means: its description, else what the docstring of its model says under ``Attributes``."""
    described = model.model_fields[name].description
    if described:
        return described
    _, _, attributes = cleandoc(model.__doc__ or "").partition("Attributes\n----------\n")
    lines = attributes.splitlines()
    heads = [index for index, line in enumerate(lines) if re.match(rf"(?:\w+, )*{re.escape(name)}\b", line)]
    below = lines[heads[0] + 1 :] if heads else []
    return " ".join(line.strip() for line in takewhile(lambda line: line.startswith(" "), below))


def plain(node: Node) -> Any:
    """The tree as dict, list and str, without its blanks."""
    if isinstance(node, Leaf):
        return node.text
    if isinstance(node, Items):
        return [plain(one) for one in node.nodes]
    return {name: plain(one) for name, one in node.entries.items() if not _is_blank(one)}


def _is_blank(node: Node) -> bool:
    return isinstance(node, Leaf) and node.is_blank


def validate(model: type[ModelT], node: Branch, key: str, findings: list[Finding]) -> ModelT | None:
    """Make a model of a map, or say all that is wrong with it.

    Parameters
    ----------
    model : type
    node : Branch
    key : str
        Dotted key of the map.
    findings : list of Finding
        Where what is wrong is added.

    Returns
    -------
    model or None
        None if anything is wrong.
    """
    try:
        return model.model_validate(plain(node))
    except ValidationError as refused:
        findings.extend(_Refusals(model, node, key).findings(refused))
        return None


@dataclass
class _Refusal:
    """What is wrong at one key: several of pydantic's errors where a field takes one of several types."""

    node: Node
    key: str
    errors: list[Mapping[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class _Refusals:
    model: type[BaseModel]
    node: Branch
    key: str

    def findings(self, refused: ValidationError) -> Iterator[Finding]:
        grouped: dict[str, _Refusal] = {}
        for one in refused.errors(include_url=False):
            node, key = self._place(one["loc"], one["type"])
            grouped.setdefault(key, _Refusal(node, key)).errors.append(one)
        for refusal in grouped.values():
            if not self._is_stated_blank(refusal.key):
                yield self._finding(refusal)

    def _place(self, loc: tuple[int | str, ...], kind: str) -> tuple[Node, str]:
        """The node that an error is about, or that lacks what it is about, and its dotted key.

        Between the keys, pydantic names the member of a union that it tried; those are no keys of the tree.
        """
        node: Node = self.node
        key = self.key
        for index, step in enumerate(loc):
            child = _child(node, step)
            if child is None:
                if index == len(loc) - 1 and kind == "missing":
                    return node, _dotted(key, step)
                continue
            node, key = child, _dotted(key, step)
        return node, key

    def _is_stated_blank(self, key: str) -> bool:
        """Whether the key is there and empty; that is a gap which has been said."""
        node: Node | None = self.node
        rest = key.removeprefix(self.key).strip(".")
        if isinstance(node, Branch) and rest in node.entries:
            return _is_blank(node.entries[rest])
        for step in rest.split(".") if rest else ():
            node = _child(node, step) if node is not None else None
        return node is not None and _is_blank(node)

    def _finding(self, refusal: _Refusal) -> Finding:
        kinds = {one["type"] for one in refusal.errors}
        name = refusal.key.rpartition(".")[2]
        if kinds == {"missing"}:
            meaning = self._meaning(refusal.errors[0]["loc"]).replace("``", "`")
            message = f"`{name}` is missing: {meaning}" if meaning else f"`{name}` is missing"
            return error(refusal.node, refusal.key, "gap", message, "state it")
        if "extra_forbidden" in kinds:
            known = keys_of(self._model_at(refusal.errors[0]["loc"][:-1]))
            return error(refusal.node, refusal.key, "unknown key", f"there is no key `{name}`", nearest(name, known))
        return error(refusal.node, refusal.key, "value", "; or ".join(_messages(refusal.errors)))

    def _meaning(self, loc: tuple[int | str, ...]) -> str:
        model = self._model_at(loc[:-1])
        return next((meaning(model, name) for name, info in model.model_fields.items() if loc[-1] in (info.alias, name)), "")

    def _model_at(self, loc: tuple[int | str, ...]) -> type[BaseModel]:
        """The model whose field an error is about."""
        model = self.model
        for step in loc:
            for name, info in model.model_fields.items():
                if step in (info.alias, name):
                    model = next(_models_in(info.annotation), model)
                    break
        return model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _child(node: Node | None, step: int | str) -> Node | None:
    if isinstance(node, Branch):
        return node.entries.get(str(step))
    if isinstance(node, Items) and str(step).isdigit() and int(step) < len(node.nodes):
        return node.nodes[int(step)]
    return None


def _dotted(key: str, step: int | str) -> str:
    return f"{key}.{step}" if key else str(step)


_EXPECTED = {
    "float_parsing": "a number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_parsing": "yes or no",
    "string_type": "a text",
    "tuple_type": "a list, such as [a, b]",
    "list_type": "a list, such as [a, b]",
    "set_type": "a list, such as [a, b]",
    "dict_type": "a map of keys",
    "mapping_type": "a map of keys",
    "is_mapping_type": "a map of keys",
    "model_type": "a map of keys",
    "model_attributes_type": "a map of keys",
    "string_too_short": "a text",
    "too_short": "a list of one or more, such as [a, b]",
    "finite_number": "a number that is finite",
    "date_from_datetime_parsing": "a date, such as 2024-05-17",
}


_BOUNDS = {"ge": "of at least", "gt": "above", "le": "of at most", "lt": "below"}
"""How a limit of a field is said."""


def _messages(errors: Iterable[Mapping[str, Any]]) -> list[str]:
    """What was found and expected, the reasons of our own types first."""
    reasons = [str(one["ctx"]["error"]) for one in errors if one["type"] == "value_error"]
    rest = [one for one in errors if one["type"] != "value_error"]
    literals = [str(one["ctx"]["expected"]).replace("'", "`") for one in rest if one["type"] == "literal_error"]
    others = [_expected(one) for one in rest if one["type"] != "literal_error"]
    expected = " or ".join(dict.fromkeys((*others, *literals)))
    if reasons:
        return [*dict.fromkeys(reasons), *([f"write {expected}"] if expected else [])]
    return [f"{_shown(next(iter(errors))['input'])} is not {expected}"]


def _expected(refused: Mapping[str, Any]) -> str:
    """What pydantic would have taken, in words."""
    bound = next((f"a number {_BOUNDS[name]} {limit}" for name, limit in refused.get("ctx", {}).items() if name in _BOUNDS), None)
    return _EXPECTED.get(refused["type"]) or bound or str(refused["msg"])


def _shown(found: object) -> str:
    if isinstance(found, Mapping):
        return "a map"
    if isinstance(found, list):
        return "a list" if found else "an empty list"
    if isinstance(found, tuple) and not found:
        return "an empty list"
    return f"`{found}`"
