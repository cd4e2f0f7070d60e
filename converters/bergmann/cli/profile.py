"""The option that says what a session or a file is for: a draft, or the archive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bergmann.validate.waivers import Waiver

profile_option = click.option(
    "--profile",
    type=click.Choice(["draft", "archive"]),
    default="draft",
    show_default=True,
    help="draft: what is stated as unknown is allowed, and listed. archive: what DANDI and a reader need must be known, or be "
    "waived with a reason.",
)


def waivers_beside(*paths: Path) -> tuple[Waiver, ...]:
    """What is accepted in the waivers.yaml beside the study; nothing if there is none."""
    from bergmann.validate.waivers import find_waivers, load_waivers

    place = find_waivers(paths)
    return load_waivers(place) if place is not None else ()
