"""What a key of a session file means, from the models that read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel

from bergmann.errors import SourceError
from bergmann.plan.head import SessionHead
from bergmann.plan.mistakes import meaning
from bergmann.plan.sources import PlanKeys, Vocabulary
from bergmann.plan.yaml import Branch, Leaf
from bergmann.registry import Format


def meaning_of(keys: Sequence[str], root: Branch, vocabulary: Vocabulary) -> str:
    """What a key means, in words for the person who fills it in; empty where nothing says it.

    Parameters
    ----------
    keys : sequence of str
        From the root: ``("sources", "movie", "plane")``.
    root : Branch
        The session file, whose sources say their format.
    vocabulary : Vocabulary
    """
    first, *rest = keys
    if first == "sources":
        return _of_source(rest, root, vocabulary)
    if first in vocabulary.collections:
        return _of_field(vocabulary.collections[first], rest[1:])
    return _of_field(SessionHead, keys)


def _of_source(keys: Sequence[str], root: Branch, vocabulary: Vocabulary) -> str:
    if not keys:
        return "where the files are, and what is said of each, by name"
    if len(keys) == 1:
        return "what this is: `{format: ..., path: ...}`, as the comment above it says; or take the line out"
    if keys[1] == "format":
        return "what wrote the files; `bergmann formats` lists what can be read"
    sources = root.entries.get("sources")
    branch = sources.entries.get(keys[0]) if isinstance(sources, Branch) else None
    node = branch.entries.get("format") if isinstance(branch, Branch) else None
    for kind in _called(node.text, vocabulary) if isinstance(node, Leaf) else ():
        for model in (kind.source, vocabulary.stated_of(kind.record), PlanKeys):
            if found := _of_field(model, keys[1:]):
                return found
    return ""


def _called(key: str, vocabulary: Vocabulary) -> tuple[Format, ...]:
    """The formats of a name; none of one that cannot be used, which is said where it is named."""
    try:
        return vocabulary.called(key)
    except SourceError:
        return ()


def _of_field(model: type[BaseModel], keys: Sequence[str]) -> str:
    """The meaning of a field of a model, or of one of the models in it."""
    found = ""
    for key in keys:
        for name, info in model.model_fields.items():
            if key in (info.alias, name):
                found = meaning(model, name)
                model = next(_models_in(info.annotation), model)
                break
        else:
            found = ""
    return found.replace("``", "`").rstrip(".")


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
