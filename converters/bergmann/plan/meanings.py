"""What a key of a session file means, from the models that read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bergmann.errors import SourceError
from bergmann.plan.head import SessionHead
from bergmann.plan.mistakes import meaning
from bergmann.plan.sources import PlanKeys, Vocabulary, stated_of_account
from bergmann.plan.yaml import Branch, Leaf
from bergmann.registry import Format
from bergmann.stated import Names


@dataclass(frozen=True)
class Asked:
    """What is asked of the person who fills in a key.

    Attributes
    ----------
    meaning : str
        In words; empty where nothing says it.
    remedy : str
        What may be written: one of the names that are stated, or `unknown` where that is taken; empty where there is no choice.
    """

    meaning: str = ""
    remedy: str = ""


def asked_of(keys: Sequence[str], root: Branch, vocabulary: Vocabulary) -> Asked:
    """What a key asks for.

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
    if first == "runs":
        return _of_run(rest, root, vocabulary)
    if first in vocabulary.collections:
        return _of_field(vocabulary.collections[first], rest[1:], root, vocabulary) or Asked()
    return _of_field(SessionHead, keys, root, vocabulary) or Asked()


def _of_source(keys: Sequence[str], root: Branch, vocabulary: Vocabulary) -> Asked:
    if not keys:
        return Asked("where the files are, and what is said of each, by name")
    if len(keys) == 1:
        what = "what this is: `{format: ..., path: ...}`, as the comment above it says"
        return Asked(what, "or take the line out")
    if keys[1] == "format":
        return Asked("what wrote the files; `bergmann formats` lists what can be read")
    sources = root.entries.get("sources")
    branch = sources.entries.get(keys[0]) if isinstance(sources, Branch) else None
    node = branch.entries.get("format") if isinstance(branch, Branch) else None
    for kind in _called(node.text, vocabulary) if isinstance(node, Leaf) else ():
        for model in (kind.source, vocabulary.stated_of(kind.record), stated_of_account(kind.record), PlanKeys):
            asked = _of_field(model, keys[1:], root, vocabulary)
            if asked is not None:
                return asked
    return Asked()


def _called(key: str, vocabulary: Vocabulary) -> tuple[Format, ...]:
    """The formats of a name; none of one that cannot be used, which is said where it is named."""
    try:
        return vocabulary.called(key)
    except SourceError:
        return ()


def _of_run(keys: Sequence[str], root: Branch, vocabulary: Vocabulary) -> Asked:
    if len(keys) < 2:
        return Asked("what was recorded in this run: `{<source>: <path>}`" if keys else "the runs of the session, by name")
    asked = _of_source([keys[1], *(keys[2:] or ["path"])], root, vocabulary)
    return asked if asked.meaning else Asked("where its files of this run are")


def _of_field(model: type[BaseModel], keys: Sequence[str], root: Branch, vocabulary: Vocabulary) -> Asked | None:
    """What a field of a model asks for, or one of the models in it; None where there is none."""
    asked: Asked | None = None
    for key in keys:
        for name, info in model.model_fields.items():
            if key in (info.alias, name):
                said = meaning(model, name).replace("``", "`").rstrip(".")
                asked = Asked(said, _remedy(said, info, root, vocabulary))
                model = next(_models_in(info.annotation), model)
                break
        else:
            asked = None
    return asked


def _remedy(said: str, info: FieldInfo, root: Branch, vocabulary: Vocabulary) -> str:
    """What may be written for a field."""
    parts = [*info.metadata, *_parts_of(info.annotation)]
    collection = next((one.collection for one in parts if isinstance(one, Names)), None)
    if collection is not None and collection != "sources":
        return _one_of(collection, root, vocabulary)
    words = [part for part in parts if isinstance(part, str)]
    if len(words) > 1 and not any(word in said for word in words):
        return f"one of: {', '.join(words)}"
    return "`unknown` may be stated, too" if "unknown" in words and "unknown" not in said else ""


def _one_of(collection: str, root: Branch, vocabulary: Vocabulary) -> str:
    """The names of a collection; where it has none, what an entry of it needs."""
    entries = root.entries.get(collection)
    if isinstance(entries, Branch) and entries.entries:
        return f"one of: {', '.join(entries.entries)}"
    fields = vocabulary.collections[collection].model_fields if collection in vocabulary.collections else {}
    needed = [info.alias or name for name, info in fields.items() if info.is_required()]
    needs = f"; an entry of it needs {', '.join(needed)}" if needed else ""
    return f"none of `{collection}` is stated yet, here or in a file of `use:`{needs}"


def _parts_of(annotation: Any) -> Iterator[Any]:
    for part in (*getattr(annotation, "__metadata__", ()), *get_args(annotation)):
        yield part
        yield from _parts_of(part)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
