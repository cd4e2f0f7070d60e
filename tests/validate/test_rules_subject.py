"""Animals that cannot be are found; a mouse is not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from .nwb_files import check_file, make_nwbfile

BORN = datetime(2024, 2, 28, tzinfo=UTC)


@pytest.mark.parametrize("subject", [{}, {"age": "P79D", "date_of_birth": BORN, "weight": "0.0214 kg"}, {"age": "P11W/P12W"}])
def test_a_mouse_is_not_found(tmp_path: Path, subject: dict[str, Any]) -> None:
    assert check_file(make_nwbfile(**subject), tmp_path) == []


@pytest.mark.parametrize(
    ("subject", "check", "message"),
    [
        ({"age": "P79Y"}, "subject_age_plausible", "its age is P79Y, and no Mus musculus is older than 5 years"),
        ({"age": "79"}, "subject_age_plausible", "its age is '79'; expected an ISO 8601 duration"),
        ({"age": "P", "species": "Rattus norvegicus"}, "subject_age_plausible", "its age is 'P'"),
        (
            {"age": "P49D", "date_of_birth": BORN},
            "subject_birth_and_age_agree",
            "it was born on 2024-02-28 and P49D old on 2024-05-17",
        ),
        (
            {"date_of_birth": datetime(2024, 6, 1, tzinfo=UTC)},
            "subject_birth_and_age_agree",
            "it was born on 2024-06-01, after the session",
        ),
        ({"weight": "21.4 kg"}, "subject_weight_plausible", "its weight is 21.4 kg; expected 0.0005 to 0.12 kg for Mus musculus"),
        (
            {"weight": "21.4", "species": "http://purl.obolibrary.org/obo/NCBITaxon_10090"},
            "subject_weight_plausible",
            "its weight is 21.4",
        ),
        ({"species": "mouse"}, "subject_species", "its species is 'mouse'; expected a Latin name of two words"),
    ],
)
def test_a_strange_animal_is_found(tmp_path: Path, subject: dict[str, Any], check: str, message: str) -> None:
    (found,) = check_file(make_nwbfile(**subject), tmp_path)
    assert (found.check, found.location) == (check, "file.nwb:/general/subject")
    assert message in found.message
