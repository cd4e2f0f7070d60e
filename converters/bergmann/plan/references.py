"""The names, times and paths in what is stated: found by walking the models, checked against what there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bergmann.moments import Moment
from bergmann.records import Record
from bergmann.stated import Names, Ref

ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True)
class NameUse:
    """A name of an entry of a collection, where it is used.

    Attributes
    ----------
    key : str
        Dotted key of the use.
    collection : str
    name : str
    """

    key: str
    collection: str
    name: str


@dataclass(frozen=True)
class RefUse:
    """A reference to a source, where it is used.

    Attributes
    ----------
    key : str
    ref : Ref
    record : type
        The record that it must name; `object` where any will do.
    """

    key: str
    ref: Ref[Any]
    record: type


@dataclass(frozen=True)
class MomentUse:
    """A stated time, where it is used."""

    key: str
    moment: Moment


Use = NameUse | RefUse | MomentUse


def uses(model: BaseModel, key: str) -> Iterator[Use]:
    """Every name, reference and time in a model and the models in it.

    Parameters
    ----------
    model : BaseModel
    key : str
        Dotted key of the model.
    """
    for name, info in type(model).model_fields.items():
        dotted = f"{key}.{info.alias or name}" if key else info.alias or name
        yield from _uses(getattr(model, name), _annotation(info), dotted)


def ref_fields(model: type[BaseModel]) -> tuple[str, ...]:
    """The fields of a source's model that name another source."""
    return tuple(
        name for name, info in model.model_fields.items() if any(get_origin(part) is Ref for part in _parts(info.annotation))
    )


def _annotation(info: FieldInfo) -> Any:
    """The annotation of a field, with what pydantic has taken off it put back."""
    return Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation


def _uses(value: Any, annotation: Any, key: str) -> Iterator[Use]:
    if isinstance(value, Ref):
        yield RefUse(key, value, _record_of(annotation))
    elif isinstance(value, Moment):
        yield MomentUse(key, value)
    elif isinstance(value, BaseModel):
        yield from uses(value, key)
    elif isinstance(value, str):
        collection = _collection_of(annotation)
        if collection is not None and value not in _literals(annotation):
            yield NameUse(key, collection, value)
    elif isinstance(value, Mapping):
        of_key, of_value = _arguments_of_mapping(annotation)
        for name, one in value.items():
            yield from _uses(name, of_key, f"{key}.{name}")
            yield from _uses(one, of_value, f"{key}.{name}")
    elif isinstance(value, Sequence | frozenset):
        for index, one in enumerate(value):
            yield from _uses(one, annotation, f"{key}.{index}")


def _parts(annotation: Any) -> Iterator[Any]:
    """An annotation and everything inside it, metadata included."""
    yield annotation
    for part in (*getattr(annotation, "__metadata__", ()), *get_args(annotation)):
        yield from _parts(part)


def _arguments_of_mapping(annotation: Any) -> tuple[Any, Any]:
    for part in _parts(annotation):
        origin = get_origin(part)
        if isinstance(origin, type) and issubclass(origin, Mapping) and len(get_args(part)) == 2:
            return get_args(part)[0], get_args(part)[1]
    return None, None


def _collection_of(annotation: Any) -> str | None:
    return next((part.collection for part in _parts(annotation) if isinstance(part, Names)), None)


def _record_of(annotation: Any) -> type:
    found = (get_args(part)[0] for part in _parts(annotation) if get_origin(part) is Ref)
    return next((one for one in found if isinstance(one, type) and issubclass(one, Record)), object)


def _literals(annotation: Any) -> tuple[Any, ...]:
    return tuple(part for part in _parts(annotation) if isinstance(part, str))


# --- paths ------------------------------------------------------------------------------------------------------------


def with_paths(model: ModelT, key: str, place: Callable[[str, Path], Path]) -> ModelT:
    """The model with every path in it replaced.

    Parameters
    ----------
    model : BaseModel
    key : str
        Dotted key of the model.
    place : callable (key, path) -> Path
        What a path as stated stands for.
    """
    changed = {}
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        placed = _with_paths(value, f"{key}.{info.alias or name}", place)
        if placed is not value:
            changed[name] = placed
    return model.model_copy(update=changed) if changed else model


def _with_paths(value: Any, key: str, place: Callable[[str, Path], Path]) -> Any:
    if isinstance(value, Path):
        return place(key, value)
    if isinstance(value, BaseModel):
        return with_paths(value, key, place)
    if isinstance(value, tuple | list):
        placed = [_with_paths(one, f"{key}.{index}", place) for index, one in enumerate(value)]
        return value if all(new is old for new, old in zip(placed, value, strict=True)) else type(value)(placed)
    if isinstance(value, Mapping):
        mapped = {name: _with_paths(one, f"{key}.{name}", place) for name, one in value.items()}
        return value if all(mapped[name] is one for name, one in value.items()) else mapped
    return value
