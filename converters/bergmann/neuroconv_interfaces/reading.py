"""Read a source whose keys are given in Python, with the sources that it is derived from inline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bergmann.disk import refuse_unreachable
from bergmann.errors import SourceError
from bergmann.plan.references import RefUse, ref_fields, uses, with_paths
from bergmann.plan.sources import Vocabulary
from bergmann.records import Record
from bergmann.registry import Format, Source, named_files
from bergmann.stated import Ref

ModelT = TypeVar("ModelT", bound=BaseModel)

_INLINE = {"format", "part"}  # keys of an inline source that are no fields of it


@dataclass(frozen=True, eq=False)
class Reading:
    """A source, what it says, and the sources that it names, by field."""

    source: Source
    record: Record
    parents: Mapping[str, Source] = field(default_factory=dict)


def read_source(one: Format, keys: Mapping[str, Any]) -> Reading:
    """Read a source and, inline, what it is derived from.

    Raises
    ------
    SourceError
        If a key is wrong, a source cannot be read, or one is not of the kind that another is read from.
    """
    fields, parents = dict(keys), {}
    for name in ref_fields(one.source):
        inline = fields.pop(name, None)
        if inline is not None:
            parents[name] = _read_inline(inline, f"{one.key}.{name}")
            fields[name] = Ref(inline["format"], inline.get("part"))
    source = validated(one.source, {"format": one.key, **fields}, one.key)
    refuse_unreachable(named_files(source))
    inputs = {name: parent.record for name, parent in parents.items()}
    for use in uses(source, ""):
        if isinstance(use, RefUse) and not isinstance(inputs[use.key], use.record):
            raise SourceError(
                f"{one.key}.{use.key}: {use.ref.name} is no {use.record.__name__.lower()}, which {one.label} is read from"
            )
    return Reading(source, one.read(source, inputs), {name: parent.source for name, parent in parents.items()})


def _read_inline(inline: object, key: str) -> Reading:
    """Read a source whose keys stand inside another one's."""
    if not isinstance(inline, Mapping) or "format" not in inline:
        raise SourceError(f"{key}: {inline!r} is no source; give its keys, such as {{'format': 'wavesurfer', 'path': 'daq.h5'}}")
    keys = {name: value for name, value in inline.items() if name not in _INLINE}
    vocabulary = Vocabulary.here()
    known = vocabulary.called(str(inline["format"]))
    chosen = [one for one in known if one.chosen_by in keys] or [one for one in known if one.chosen_by is None]
    if len(chosen) != 1:
        names = ", ".join(vocabulary.keys)
        raise SourceError(f"{key}: {inline['format']!r} is no format that another source can be read from; formats: {names}")
    return read_source(chosen[0], keys)


def validated(model: type[ModelT], keys: Mapping[str, Any], where: str) -> ModelT:
    """The model of the keys, its paths made absolute.

    Raises
    ------
    SourceError
        If anything is wrong: all of it at once.
    """
    try:
        return with_paths(model.model_validate(keys), where, lambda _, path: path.absolute())
    except ValidationError as refused:
        wrong = (f"{'.'.join((where, *map(str, one['loc'])))}: {one['msg']}" for one in refused.errors(include_url=False))
        raise SourceError("; ".join(wrong)) from refused
