"""`bergmann status`: a local dandiset beside the archive's."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bergmann.cli.output import FINDINGS, GOOD, UNUSABLE, count_of, json_option, print_json, print_table, show
from bergmann.cli.remote import dandiset_number, open_client, show_findings, shown_size
from bergmann.errors import BergmannError


@click.command(name="status")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--dandiset", required=True, metavar="ID", help="Number of the dandiset: 000123.")
@click.option("--instance", default="dandi", show_default=True, help="dandi, dandi-sandbox, ember, or the address of an API.")
@click.option("--patience", default=60.0, show_default=True, metavar="S", help="Seconds for which a failing step is tried again.")
@click.option("--timeout", default=60.0, show_default=True, metavar="S", help="Seconds of silence that end an attempt.")
@json_option
def command(folder: Path, dandiset: str, instance: str, patience: float, timeout: float, as_json: bool) -> None:
    """Compare FOLDER with a dandiset: same, changed, only here, only there, and what the archive finds invalid, and why.

    Nothing is changed on either side. Exit status: 0 if both are the same and valid, 1 if not.
    """
    from bergmann.publish.comparing import compare
    from bergmann.publish.status import local_files, status_of

    try:
        client = open_client(instance, patience=patience, timeout=timeout, anonymous=True)
        number = dandiset_number(dandiset)
        client.dandiset(number)
        found = status_of(compare(local_files(folder), client, number), client, number)
    except BergmannError as error:
        if as_json:
            print_json({"error": str(error), "assets": []})
        else:
            show(str(error))
        sys.exit(UNUSABLE)
    if as_json:
        findings = [one.as_dict() for one in found.findings]
        print_json({"draft": found.draft, "assets": [line.as_dict() for line in found.lines], "findings": findings})
    else:
        print_table(
            ("standing", "in the archive", "size", "path"),
            [(line.standing, line.validity, shown_size(line.size), line.asset_path) for line in found.lines],
        )
        show_findings((*(one for line in found.lines for one in line.findings), *found.findings))
        same = sum(line.standing == "same" for line in found.lines)
        show(f"{same} of {count_of(len(found.lines), 'file')} the same; the archive calls the draft: {found.draft.lower()}")
    sys.exit(GOOD if found.good else FINDINGS)
