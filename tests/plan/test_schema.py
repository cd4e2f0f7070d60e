"""The schema that editors read: as fresh as the models, and no stricter than the loader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from bergmann.plan.schema import main, render, session_schema
from bergmann.plan.session import Vocabulary

from .conftest import COMPLETE

WRITTEN = Path(__file__).resolve().parents[2] / "schemas" / "json" / "session.schema.json"


def test_the_written_schema_is_not_stale() -> None:
    assert WRITTEN.read_text(encoding="utf-8") == render(session_schema()), "run: python -m bergmann.plan.schema"


def test_the_schema_is_written_where_it_is_asked(tmp_path: Path) -> None:
    main([str(tmp_path / "new" / "session.schema.json")])
    assert json.loads((tmp_path / "new" / "session.schema.json").read_text(encoding="utf-8")) == session_schema()


def errors(text: str, vocabulary: Vocabulary) -> list[str]:
    """What an editor marks; it reads numbers and booleans where the file holds texts."""
    schema: Any = session_schema(vocabulary)
    Draft7Validator.check_schema(schema)
    content = json.loads(json.dumps(yaml.safe_load(text), default=str))
    return [error.message for error in Draft7Validator(schema).iter_errors(content)]


@pytest.mark.parametrize("born", ["2024-02-28", "unknown", "???", "", "12"])
def test_what_the_loader_takes_is_not_marked(vocabulary: Vocabulary, born: str) -> None:
    text = COMPLETE.replace("{id: BG042, species: Mus musculus, sex: F, born: 2024-02-28}", f"\n  id: 42\n  born: {born}")
    assert not errors(f"{text}  pupil: {{absent: no camera}}\n  light: {{format: channel, of: daq/x, site: a}}\n", vocabulary)


def test_runs_are_paths_or_maps_of_keys(vocabulary: Vocabulary) -> None:
    runs = "runs: {base: {movie: a.tif, daq: {path: 0042, starts: unknown}}, praz: {movie: {absent: no}}}\n"
    assert errors(COMPLETE + runs, vocabulary) == []
    assert len(errors(COMPLETE + runs.replace("starts", "strats"), vocabulary)) == 1
    assert len(errors(COMPLETE + "runs: {base: [movie]}\n", vocabulary)) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("time_zone", "timezone"),
        ("sex: F", "sexe: F"),
        ("device: scope", "devise: scope"),
        ("format: daq", "format: dac"),
        ("path: daq/bg042.h5", "plane: bg"),
        ("model: Ex", "modle: Ex"),
    ],
)
def test_what_the_loader_does_not_know_is_marked(vocabulary: Vocabulary, old: str, new: str) -> None:
    assert len(errors(COMPLETE.replace(old, new), vocabulary)) == 1


def test_every_key_that_has_a_meaning_is_described(vocabulary: Vocabulary) -> None:
    schema = session_schema(vocabulary)
    assert schema["properties"]["time_zone"]["description"].startswith("where the clocks stood")
    plane = schema["properties"]["planes"]["additionalProperties"]["properties"]
    assert plane["excitation"]["description"] == "Wavelength of the light that excites."
    assert {"enum": ["unknown"]} in plane["excitation"]["anyOf"]
