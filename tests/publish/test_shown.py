"""Sizes, times and numbers as a person reads and writes them."""

from __future__ import annotations

import click
import pytest

from bergmann.cli.remote import dandiset_number, shown_size, shown_standing, shown_time
from bergmann.publish.progress import Standing


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (65_536, "65.5 kB"),
        (999_600, "1.0 MB"),
        (123_456_789_012, "123 GB"),
        (4e15, "4000 TB"),
    ],
)
def test_sizes(size: float, shown: str) -> None:
    assert shown_size(size) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0 s"), (59.6, "1 min 00 s"), (61, "1 min 01 s"), (7500, "2 h 05 min")])
def test_times(seconds: float, shown: str) -> None:
    assert shown_time(seconds) == shown


def test_how_far_it_is() -> None:
    assert shown_standing(Standing(400, 1000, 0.0)) == "400 B of 1.0 kB (40 %)"
    assert shown_standing(Standing(1_200_000_000, 4_000_000_000, 25e6)) == "1.2 GB of 4.0 GB (30 %), 25.0 MB/s, 1 min 52 s left"


@pytest.mark.parametrize("stated", ["123", "000123", "DANDI:000123", "dandi:000123/draft", "EMBER-DANDI:000123"])
def test_a_dandiset_by_its_number(stated: str) -> None:
    assert dandiset_number(stated) == "000123"


@pytest.mark.parametrize("stated", ["", "abc", "0001234", "ember/000123", ":123", "DANDI:000123/0.240101.1200", "../1"])
def test_what_is_no_number_of_a_dandiset(stated: str) -> None:
    with pytest.raises(click.UsageError, match="expected its number"):
        dandiset_number(stated)
