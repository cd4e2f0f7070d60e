"""Whether a specification still fits the files of a released one, and the released classes its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

Spec = Mapping[str, Any]
_PARTS = ("attributes", "datasets", "groups", "links")
_WORDS = {"doc", "dims", "quantity", "required", *_PARTS}


def load_types(folder: Path) -> dict[str, Spec]:
    """The types that the namespace in a folder defines, by name."""
    types: dict[str, Spec] = {}
    (namespace,) = yaml.safe_load(next(folder.glob("*.namespace.yaml")).read_text(encoding="utf-8"))["namespaces"]
    for part in namespace["schema"]:
        if "source" in part:
            groups = yaml.safe_load((folder / part["source"]).read_text(encoding="utf-8"))["groups"]
            types.update({group["neurodata_type_def"]: group for group in groups})
    return types


def incompatibilities(released: Mapping[str, Spec], today: Mapping[str, Spec]) -> Iterator[str]:
    """Why files of the one would not read with the other, in either direction."""
    for name, old in released.items():
        if name not in today:
            yield f"{name}: a released type is gone or renamed"
        else:
            yield from _changes(name, old, today[name])


def _changes(where: str, old: Spec, new: Spec) -> Iterator[str]:
    for word in sorted((old.keys() | new.keys()) - _WORDS):
        if _bare(old.get(word)) != _bare(new.get(word)):
            yield f"{where}: {word} was {_bare(old.get(word))}, is {_bare(new.get(word))}"
    before, after = _fields(old), _fields(new)
    for name, field in before.items():
        if name not in after:
            yield f"{where}/{name}: a released field is gone or renamed"
            continue
        if _is_required(field) != _is_required(after[name]):
            yield f"{where}/{name}: it was {_need(field)}, is {_need(after[name])}"
        yield from _changes(f"{where}/{name}", field, after[name])
    for name in after.keys() - before.keys():
        if _is_required(after[name]):
            yield f"{where}/{name}: a new field of a released type is required, so that files without it are not read"


def _fields(spec: Spec) -> dict[str, Spec]:
    """What is in a type, by name, or by type where it has none."""
    return {
        str(field.get("name") or field.get("neurodata_type_inc") or field.get("target_type")): {**field, "is": part}
        for part in _PARTS
        for field in spec.get(part, ())
    }


def _is_required(field: Spec) -> bool:
    return bool(field.get("required", True)) and field.get("quantity", 1) not in {"?", "*"}


def _need(field: Spec) -> str:
    return "required" if _is_required(field) else "optional"


def _bare(value: Any) -> Any:
    """A value of a specification without its descriptions (the parts of a compound type have some)."""
    if isinstance(value, list):
        return [_bare(one) for one in value]
    return {key: _bare(one) for key, one in value.items() if key != "doc"} if isinstance(value, Mapping) else value
