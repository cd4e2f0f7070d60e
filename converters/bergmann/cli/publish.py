"""`bergmann publish`: a local dandiset into an archive."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bergmann.cli.output import FINDINGS, GOOD, STOPPED, UNUSABLE, Progress, json_option, print_json, say, show
from bergmann.cli.remote import (
    Document,
    UploadProgress,
    open_client,
    show_findings,
    show_plan,
    show_report,
    shown_size,
)
from bergmann.errors import BergmannError
from bergmann.findings import Finding, has_errors

if TYPE_CHECKING:
    from bergmann.publish.client import Client
    from bergmann.publish.comparing import Compared


@click.command(name="publish")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--dandiset", required=True, metavar="ID", help="Number of the dandiset: 000123.")
@click.option("--instance", default="dandi", show_default=True, help="dandi, dandi-sandbox, ember, or the address of an API.")
@click.option("--dry-run", is_flag=True, help="Show what would be done; send nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--sessions", multiple=True, type=click.Path(path_type=Path), help="Session files that describe the dandiset.")
@click.option("--waivers", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="What you accept, and why.")
@click.option("--overwrite-metadata", is_flag=True, help="Also what somebody edited on the dandiset's page.")
@click.option("--remove-others", is_flag=True, help="Remove what is in the dandiset and not in the folder.")
@click.option("--jobs", default=5, show_default=True, type=click.IntRange(1, 64), help="Parts and files that are sent at once.")
@click.option("--wait", default=600.0, show_default=True, metavar="S", help="Seconds to wait for the archive's validation.")
@click.option("--patience", default=300.0, show_default=True, metavar="S", help="Seconds for which a failing step is tried again.")
@click.option("--timeout", default=60.0, show_default=True, metavar="S", help="Seconds of silence that end an attempt.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Where the report goes; else the state folder.")
@json_option
def command(
    folder: Path,
    dandiset: str,
    instance: str,
    patience: float,
    timeout: float,
    report: Path | None,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Publish the NWB files of FOLDER, and the videos that they name, into a dandiset; run again after whatever went wrong.

    Only what changed is sent, an upload that was cut goes on with what is missing, and nothing is removed unless you ask.
    The token is that of the dandi client: DANDI_API_KEY for dandi, DANDI_SANDBOX_API_KEY for dandi-sandbox, or the keyring.
    """
    from bergmann.publish.locking import folder_lock
    from bergmann.publish.places import state_folder

    document = Document(report, {"dandiset": dandiset, "instance": instance})
    try:
        with folder_lock(folder, state_folder()):
            client = open_client(instance, patience=patience, timeout=timeout)
            status = _publish(folder, client, dandiset_number(dandiset), document, as_json=as_json, **chosen)
    except BergmannError as error:
        document.content["error"] = str(error)
        (say if as_json else show)(str(error))
        status = UNUSABLE
    if as_json:
        print_json(document.content)
    sys.exit(status)


def dandiset_number(stated: str) -> str:
    """The six digits of a dandiset, from ``123``, ``000123`` or ``DANDI:000123``."""
    number = stated.upper().removeprefix("DANDI:").removesuffix("/DRAFT")
    if not number.isdecimal() or len(number) > 6:
        raise click.UsageError(f"--dandiset {stated}: expected its number, such as 000123, from the dandiset's page")
    return number.zfill(6)


def _publish(
    folder: Path,
    client: Client,
    dandiset: str,
    document: Document,
    *,
    as_json: bool,
    dry_run: bool,
    yes: bool,
    sessions: tuple[Path, ...],
    waivers: Path | None,
    overwrite_metadata: bool,
    remove_others: bool,
    jobs: int,
    wait: float,
) -> int:
    from bergmann.publish.comparing import compare
    from bergmann.publish.describing import describe
    from bergmann.publish.places import state_folder
    from bergmann.publish.preflight import prepare

    prepared = prepare(
        folder, instance=client.instance.name, sessions=sessions, waivers=waivers, on_file=Progress("looking through the files")
    )
    rows = compare(prepared.assets, client, dandiset, jobs=jobs)
    described = describe(prepared.dandiset, client, dandiset, state_folder())
    findings = (*prepared.findings, *_before(client, dandiset, rows), *described.findings(overwrite=overwrite_metadata))
    document.content |= {
        "instance": client.instance.name,
        "plan": [{"asset_path": row.asset_path, "standing": row.standing, "size": row.size} for row in rows],
        "findings": [one.as_dict() for one in findings],
    }
    if not as_json:
        show_findings(findings)
    if has_errors(findings):
        say("Nothing was sent: mend what is an error, or accept it in waivers.yaml where that is right.")
        return FINDINGS
    if not as_json:
        show_plan(rows, client, dandiset, remove_others=remove_others)
        for line in described.lines(overwrite=overwrite_metadata):
            show(f"  {line}")
    if dry_run:
        say("Nothing was sent (--dry-run).")
        return GOOD
    is_idle = all(row.standing in {"same", "only there"} for row in rows) and not described.lines(overwrite=overwrite_metadata)
    if not yes and not is_idle and not _is_agreed(sum(row.moves for row in rows)):
        say("Nothing was sent.")
        return FINDINGS
    described.push(overwrite=overwrite_metadata)
    return _send(rows, client, dandiset, document, as_json=as_json, remove_others=remove_others, jobs=jobs, wait=wait)


def _before(client: Client, dandiset: str, rows: tuple[Compared, ...]) -> tuple[Finding, ...]:
    """What speaks against it in the archive: the account, and paths that clash."""
    from bergmann.publish.client import check_account
    from bergmann.publish.comparing import check_clashes

    return (*check_account(client, dandiset), *check_clashes(rows))


def _is_agreed(size: int) -> bool:
    if not sys.stdin.isatty():
        raise click.UsageError("nobody is there to ask: look with --dry-run, then say --yes")
    return click.confirm(f"Send up to {shown_size(size)}?", default=False, err=True)


def _send(
    rows: tuple[Compared, ...],
    client: Client,
    dandiset: str,
    document: Document,
    *,
    as_json: bool,
    remove_others: bool,
    jobs: int,
    wait: float,
) -> int:
    from bergmann.publish.afterwards import await_verdict
    from bergmann.publish.places import state_folder
    from bergmann.publish.uploading import upload

    progress = UploadProgress()
    try:
        report = upload(
            rows, client, dandiset, place=state_folder(), jobs=jobs, watch=progress, say=say, remove_others=remove_others
        )
    finally:
        progress.close()
    document.content["report"] = report.as_dict()
    if not as_json:
        show_report(report)
    if any(outcome.result == "stopped" for outcome in report.outcomes):
        document.write(state_folder())
        say("Stopped. What was sent is noted; run the same again, and it goes on from there.")
        return STOPPED
    try:
        verdict = await_verdict(report.outcomes, client, dandiset, seconds=wait)
    except BergmannError as error:
        document.content["error"] = str(error)
        document.write(state_folder())
        say(f"The archive could not be asked what it thinks of the files: {error}. Ask later with `bergmann status`.")
        return FINDINGS
    document.content["verdict"] = verdict.as_dict()
    document.write(state_folder())
    if not as_json:
        show_findings(verdict.findings)
        show(f"The archive calls the draft: {verdict.status.lower()}. {client.instance.dandiset_page(dandiset)}".rstrip())
    return GOOD if report.good and not has_errors(verdict.findings) else FINDINGS
