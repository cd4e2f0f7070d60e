"""`bergmann publish`: a local dandiset into an archive, or into a folder on disk laid out like one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bergmann.cli.output import (
    FINDINGS,
    GOOD,
    UNUSABLE,
    Progress,
    argument,
    count_findings,
    count_of,
    json_option,
    print_findings,
    print_json,
    print_notes,
    print_table,
    say,
    show,
    stop,
)
from bergmann.errors import BergmannError
from bergmann.findings import Finding, has_errors

if TYPE_CHECKING:
    from bergmann.publish.assets import Prediction, Prepared
    from bergmann.publish.local import Published


@click.command(name="publish")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--local",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Publish into this folder, laid out as the archive would have it.",
)
@click.option(
    "--sessions",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Session files, or folders of them, whose `dandiset:` says name, licence and contributors; else dandiset.yaml in FOLDER.",
)
@click.option(
    "--waivers",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What you accept, and why; else the waivers.yaml beside the study.",
)
@click.option("--dandiset", metavar="ID", help="Publish into this dandiset of an archive: its number, such as 000123.")
@click.option("--instance", default="dandi", show_default=True, help="dandi, dandi-sandbox, ember, or the address of an API.")
@click.option("--dry-run", is_flag=True, help="Show what would be published and what the archive would show of it; write nothing.")
@click.option("--yes", is_flag=True, help="Send without asking.")
@click.option("--delete", is_flag=True, help="Remove what is there, and no longer in FOLDER.")
@click.option("--overwrite-metadata", is_flag=True, help="Replace what somebody edited in the dandiset's own metadata.")
@click.option("--jobs", default=5, show_default=True, type=click.IntRange(1, 64), help="Parts and files that are sent at once.")
@click.option("--wait", default=600.0, show_default=True, metavar="S", help="Seconds to wait for the archive's validation.")
@click.option("--patience", default=300.0, show_default=True, metavar="S", help="Seconds for which a failing step is tried again.")
@click.option("--timeout", default=60.0, show_default=True, metavar="S", help="Seconds of silence that end an attempt.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Where the report goes; else the state folder.")
@json_option
def command(
    folder: Path,
    local: Path | None,
    sessions: tuple[Path, ...],
    waivers: Path | None,
    dry_run: bool,
    delete: bool,
    overwrite_metadata: bool,
    as_json: bool,
    dandiset: str | None,
    **remote: Any,
) -> None:
    """Publish the NWB files of FOLDER, with the videos that they name, into an archive or a folder.

    Before the first byte everything that speaks against it is said at once. Run again, it brings only what has changed, and goes on
    where it was cut off. The token is that of the dandi client: DANDI_API_KEY for dandi, DANDI_SANDBOX_API_KEY for
    dandi-sandbox, or the keyring.
    """
    if local is not None and dandiset is not None:
        raise click.UsageError("say one place: --dandiset ID or --local DIR")
    if local is None and dandiset is None and not dry_run:
        raise click.UsageError("say where: --dandiset ID, --local DIR, or --dry-run to see what would be published")
    if dandiset is not None:
        from bergmann.cli.remote import Choices, publish_remote

        chosen = Choices(
            dandiset=dandiset,
            sessions=sessions,
            waivers=waivers,
            dry_run=dry_run,
            delete=delete,
            overwrite_metadata=overwrite_metadata,
            as_json=as_json,
            **remote,
        )
        sys.exit(publish_remote(folder, chosen))
    try:
        prepared = _prepare(folder, sessions, waivers, local)
        published = None
        if local is not None and not dry_run and not prepared.is_refused:
            published = _publish(prepared, local, delete=delete, overwrite_metadata=overwrite_metadata)
    except BergmannError as error:
        if as_json:
            print_json({"error": str(error)})
        else:
            show(str(error))
        sys.exit(UNUSABLE)
    except KeyboardInterrupt:
        stop("What is in its place stays, whole; run the same again, and it goes on from there")
    if as_json:
        print_json(_document(prepared, published))
    else:
        _print(prepared, published, local)
    sys.exit(FINDINGS if prepared.is_refused else GOOD)


def looking_through(folder: Path) -> str:
    """What is said before a folder is looked through, which takes a while the first time."""
    return f"Looking through {folder} (about five seconds a file; less where it has not changed since the last time)"


def _prepare(folder: Path, sessions: tuple[Path, ...], waivers: Path | None, local: Path | None) -> Prepared:
    from dataclasses import replace

    from bergmann.publish.local import check_local
    from bergmann.publish.preflight import prepare

    say(looking_through(folder))
    prepared = prepare(folder, sessions=sessions, waivers=waivers, on_step=Progress("looking through the files"))
    if local is None:
        return prepared
    return replace(prepared, findings=(*prepared.findings, *check_local(prepared, local)))


def _publish(prepared: Prepared, local: Path, *, delete: bool, overwrite_metadata: bool) -> Published:
    from bergmann.publish.local import publish_local

    progress = Progress(f"publishing into {local.name}")
    return publish_local(prepared, local, delete=delete, overwrite_metadata=overwrite_metadata, on_progress=progress)


def _print(prepared: Prepared, published: Published | None, local: Path | None) -> None:
    print_findings(one for one in _findings(prepared, published) if one.severity != "note")
    print_notes(_findings(prepared, published))
    print_prepared(prepared, published)
    if prepared.is_refused:
        n_errors = count_of(sum(one.severity == "error" for one in prepared.findings), "error")
        show(f"\nNothing is published: {n_errors} above. Mend what is wrong, or accept it in waivers.yaml, and run this again")
    elif published is None:
        show(
            f"\nNothing is written. To publish: bergmann publish FOLDER --local {argument(local or Path('DIR'))}, or --dandiset ID"
        )
    else:
        print_published(published)


def print_published(published: Published) -> None:
    """Print what became of a dandiset on disk, in one line."""
    fates = list(published.fates.values())
    counted = ", ".join(f"{fates.count(fate)} {fate}" for fate in dict.fromkeys(fates))
    copied = f"{published.n_bytes:,} bytes copied" if published.n_bytes else "nothing copied: the same bytes on the disk"
    show(f"\nPublished into {published.folder}: {counted}; {copied}")
    left = [path for path, fate in published.fates.items() if fate == "left"]
    if left:
        show(f"No longer in the folder, and left there: {', '.join(left)}; --delete removes them")


def print_prepared(prepared: Prepared, published: Published | None = None) -> None:
    """Print what is published, and what the archive will show of it."""
    fates = published.fates if published is not None else {}
    rows = [(asset.asset_path, f"{asset.size:,}", fates.get(asset.asset_path, "")) for asset in prepared.assets]
    print_table(("file", "bytes", ""), rows)
    print_expected(prepared)


def print_expected(prepared: Prepared) -> None:
    """Print how much is published and found, and what the archive will show of it."""
    show(f"{count_of(len(prepared.assets), 'file')}, {prepared.size:,} bytes; {count_findings(prepared.findings)}")
    if prepared.predictions:
        _print_predictions(prepared)
    if prepared.dandiset is not None:
        show("\nThe dandiset")
        for what, value in prepared.dandiset.items():
            show(f"  {what}: {_shown(value)}")


def _print_predictions(prepared: Prepared) -> None:
    """Print under what the archive will file the NWB files: for each what tells it from others, then what all have."""
    show("\nWhat the archive will show")
    print_table(
        ("subject", "approach", "technique", "begins", "ends", "file"),
        (
            (
                one.subject,
                ", ".join(one.approach),
                ", ".join(one.technique),
                one.session_start,
                one.session_end,
                _name(one),
            )
            for one in prepared.predictions
        ),
    )
    for what in ("variables", "keywords"):
        words = sorted({word for one in prepared.predictions for word in getattr(one, what)})
        show(f"  {what}: {', '.join(words) or 'none'}")


def _name(prediction: Prediction) -> str:
    return prediction.asset_path.rpartition("/")[2]


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(_shown(one) for one in value)
    if isinstance(value, dict):
        return str(value.get("name") or value.get("identifier") or value.get("url"))
    return str(value)


def _findings(prepared: Prepared, published: Published | None) -> tuple[Finding, ...]:
    return (*prepared.findings, *(published.findings if published is not None else ()))


def _document(prepared: Prepared, published: Published | None) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "folder": prepared.folder.as_posix(),
        "refused": has_errors(prepared.findings),
        "assets": [{"path": one.asset_path, "bytes": one.size, "metadata": one.metadata} for one in prepared.assets],
        "predictions": [asdict(one) for one in prepared.predictions],
        "dandiset": prepared.dandiset,
        "published": None if published is None else published.as_dict(),
        "findings": [one.as_dict() for one in prepared.findings],
    }
