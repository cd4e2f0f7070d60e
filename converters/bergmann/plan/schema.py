"""The JSON Schema of a session file, generated from the models, for completion and marks in an editor.

``python -m bergmann.plan.schema FILE`` writes it. In a session file, the first line names it::

    # yaml-language-server: $schema=.bergmann/session.schema.json

An editor's schema is a help and not the judge: references, quantities and times are checked by `load_session`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from bergmann.plan.dandiset import Dandiset
from bergmann.plan.head import SessionHead
from bergmann.plan.mistakes import keys_of, meaning
from bergmann.plan.session import OF_THE_DANDISET, RESERVED
from bergmann.plan.sources import PlanKeys, Vocabulary, stated_of_account
from bergmann.registry import Format

DIALECT = "http://json-schema.org/draft-07/schema#"
"""What the YAML language server of the common editors reads."""

_Schema = dict[str, Any]


def session_schema(vocabulary: Vocabulary | None = None) -> _Schema:
    """The JSON Schema of a session file or of a part of one; nothing is required, since any file may be laid over another."""
    words = vocabulary or Vocabulary.of_rooms()
    definitions: _Schema = {}
    properties = _properties(SessionHead, definitions)
    properties["use"] = {
        "description": "Session files that this one is laid over, in order; relative to this file.",
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    }
    for name, model in words.collections.items():
        properties[name] = _map_of(_closed(model, definitions), f"{_first_line(model)} By name.")
    properties["sources"] = _map_of(_source_schema(words, definitions), "Where the files are, and what is said of each. By name.")
    properties["runs"] = _runs_schema(words, definitions)
    properties[OF_THE_DANDISET] = {
        **_closed(Dandiset, definitions),
        "description": f"{_first_line(Dandiset)} Nothing of it goes into the files.",
    }
    for name in RESERVED:
        properties.setdefault(name, {"description": "Reserved; not read by this version yet."})
    return {
        "$schema": DIALECT,
        "title": "A session of bergmann",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "definitions": definitions,
    }


def _source_schema(words: Vocabulary, definitions: _Schema) -> _Schema:
    """One entry of ``sources``: the keys that its ``format`` has."""
    plan = _properties(PlanKeys, definitions)
    formats, _ = words.load_all()
    labels = {kind.key: kind.label for kind in formats}
    cases = []
    for key in labels:
        sharing = [kind for kind in formats if kind.key == key]
        merged: _Schema = {}
        for kind in sharing:
            merged |= _source_properties(kind, words, definitions)
        cases.append(
            {
                "if": {"properties": {"format": {"const": key}}, "required": ["format"]},
                "then": {"properties": {**plan, **merged, "format": {"const": key}}, "additionalProperties": False},
            }
        )
    listing = "; ".join(f"{key}: {label}" for key, label in labels.items())
    return {
        "type": "object",
        "properties": {
            "format": {"enum": list(labels), "description": f"What wrote the files. {listing}."},
            "absent": plan["absent"],
        },
        "allOf": cases,
    }


def _runs_schema(words: Vocabulary, definitions: _Schema) -> _Schema:
    """The runs: of each source its path, or the keys that are laid over it; whose they are is not told by a name."""
    keys = _properties(PlanKeys, definitions)
    for kind in words.formats:
        keys = {**_source_properties(kind, words, definitions), **keys}
    keys = {name: {key: one for key, one in schema.items() if key == "description"} for name, schema in keys.items()}
    closed = {"type": "object", "properties": keys, "additionalProperties": False}
    listed = _map_of(
        {"anyOf": [{"type": _SCALARS}, closed]}, "What was recorded in this run: of each source its path, or a map of its keys."
    )
    return _map_of(listed, "Recordings of one session that each have all or some of the sources. By name.")


def _source_properties(kind: Format, words: Vocabulary, definitions: _Schema) -> _Schema:
    models = (stated_of_account(kind.record), words.stated_of(kind.record), kind.source)
    return {name: one for model in models for name, one in _properties(model, definitions).items()}


def _properties(model: type[BaseModel], definitions: _Schema) -> _Schema:
    """The properties of a model's schema; what they refer to goes into the definitions."""
    schema = model.model_json_schema(ref_template="#/definitions/{model}")
    for name, one in schema.get("$defs", {}).items():
        definitions[name] = _loosened(one)
    found: _Schema = _loosened(schema).get("properties", {})
    for name, info in model.model_fields.items():
        if text := meaning(model, name):
            found[info.alias or name] = {"description": text, **found[info.alias or name]}
    return {name: found[name] for name in keys_of(model)}


def _closed(model: type[BaseModel], definitions: _Schema) -> _Schema:
    return {"type": "object", "properties": _properties(model, definitions), "additionalProperties": False}


def _map_of(entry: _Schema, description: str) -> _Schema:
    return {"type": "object", "description": description, "additionalProperties": entry}


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().partition("\n")[0]


_SCALARS = ["string", "number", "boolean", "null"]


def _loosened(schema: Any) -> Any:
    """A schema that takes any scalar where one is asked.

    Editors read ``1`` as a number where the file says a text, and a blank as null. Words that are fixed stay suggestions: beside a
    scalar they give completion and refuse nothing.
    """
    if isinstance(schema, list):
        return [_loosened(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    about = {key: one for key, one in schema.items() if key == "description"}
    if "enum" in schema or "const" in schema:
        return {**about, "anyOf": [{"enum": schema.get("enum", [schema.get("const")])}, {"type": _SCALARS}]}
    if schema.get("type") in _SCALARS or schema.get("type") == "integer":
        return {**about, "type": _SCALARS}
    if "anyOf" in schema:
        return {**about, **_one_of_several(schema["anyOf"])}
    if schema.get("type") == "array":
        return {**about, **{key: _loosened(schema[key]) for key in ("items",) if key in schema}, "type": ["array", *_SCALARS]}
    inner = {key: _loosened(one) for key, one in schema.items() if key in {"type", "$ref", "allOf", "additionalProperties"}}
    if "properties" in schema:
        inner["properties"] = {name: _loosened(one) for name, one in schema["properties"].items()}
    return {**about, **inner}


def _one_of_several(schemas: list[Any]) -> _Schema:
    """The members of a union, each once; those of unions in it are among them."""
    members: list[_Schema] = []
    for one in schemas:
        loose = {key: part for key, part in _loosened(one).items() if key != "description"}
        for member in loose["anyOf"] if set(loose) == {"anyOf"} else [loose]:
            if member not in members:
                members.append(member)
    return members[0] if len(members) == 1 else {"anyOf": members}


def render(schema: _Schema) -> str:
    """The schema as text, the same for the same models."""
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=False) + "\n"


def main(arguments: list[str]) -> None:
    """Write the schema to the file that is named; without one, into this checkout, or beside the sessions of this folder."""
    checkout = Path(__file__).resolve().parents[3]
    folder = checkout / "schemas" / "json" if (checkout / "pyproject.toml").is_file() else Path(".bergmann")
    target = Path(arguments[0]) if arguments else folder / "session.schema.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(render(session_schema()), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
