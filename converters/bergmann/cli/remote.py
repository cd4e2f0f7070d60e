"""What `bergmann publish` and `bergmann status` share: an archive as one user, and what is shown before and after."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bergmann.cli.output import (
    FINDINGS,
    GOOD,
    STOPPED,
    UNUSABLE,
    Progress,
    count_of,
    print_findings,
    print_json,
    print_notes,
    print_table,
    say,
    show,
)
from bergmann.errors import ArchiveError, BergmannError
from bergmann.findings import Finding, has_errors

if TYPE_CHECKING:
    from bergmann.publish.assets import Prepared
    from bergmann.publish.client import Client
    from bergmann.publish.comparing import Compared
    from bergmann.publish.progress import Standing
    from bergmann.publish.uploading import Report

_UNITS = ("B", "kB", "MB", "GB", "TB")


def shown_size(size: float) -> str:
    """Bytes for a person: ``"1.3 GB"``."""
    power = 0
    while size >= 999.5 and power < len(_UNITS) - 1:
        size, power = size / 1000, power + 1
    return f"{size:.0f} {_UNITS[power]}" if power == 0 or size >= 100 else f"{size:.1f} {_UNITS[power]}"


def shown_time(seconds: float) -> str:
    """Seconds for a person: ``"2 h 05 min"``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def open_client(stated: str, *, patience: float, timeout: float, anonymous: bool = False) -> Client:
    """An archive, asked with the token of the environment or the keyring, or with what is typed where a person is there.

    Parameters
    ----------
    stated : str
        Name or address.
    patience, timeout : float
        In seconds.
    anonymous : bool
        Whether it may be asked without a token.

    Raises
    ------
    ArchiveError
        If the archive is not known, or no token is found.
    """
    from bergmann.publish.client import Client
    from bergmann.publish.credentials import Token, find_token, why_no_token
    from bergmann.publish.instances import find_instance
    from bergmann.publish.wire import Patience, Wire

    instance = find_instance(stated)
    token = find_token(instance)
    if token is None and not anonymous:
        if not sys.stdin.isatty():
            raise ArchiveError(why_no_token(instance))
        say(why_no_token(instance))
        token = Token(click.prompt(f"API key of {instance.name} (is not shown, and not kept)", hide_input=True, err=True).strip())
    return Client(instance, Wire(instance.api, token, Patience(patience, timeout)))


_PLAN = {
    "new": "send",
    "changed": "replace",
    "metadata": "describe anew",
    "same": "nothing (same)",
    "only there": "leave (only there)",
}


def show_plan(rows: Sequence[Compared], client: Client, dandiset: str, *, remove_others: bool) -> None:
    """What will be done, before it is."""
    moving = [row for row in rows if row.standing != "same"]
    words = {**_PLAN, "only there": "REMOVE (only there)"} if remove_others else _PLAN
    show("")
    if moving:
        print_table(("what", "size", "path"), [(words[row.standing], shown_size(row.size), row.asset_path) for row in moving])
    same = sum(row.standing == "same" for row in rows)
    size = sum(row.moves for row in rows)
    sent = f"{shown_size(size)} to send at most" if size else "nothing to send"
    there = f"{count_of(same, 'file')} there already"
    show(f"to {client.instance.name} ({client.instance.api}), dandiset {dandiset}: {sent}, {there}")


def show_changes(lines: Sequence[str]) -> None:
    """What will be changed of what the archive says of the dandiset itself."""
    if lines:
        show("\nThe dandiset itself will be changed")
    for line in lines:
        show(f"  {line}")


class UploadProgress:
    """How far an upload is, with rate and time left: drawn on a terminal, else one line a minute on stderr."""

    def __init__(self) -> None:
        self._watched = sys.stderr.isatty()
        self._every = 0.2 if self._watched else 60.0
        self._next = time.monotonic() + (0.0 if self._watched else 60.0)
        self._drawing = threading.Lock()
        self._drawn = False

    def __call__(self, standing: Standing) -> None:
        if time.monotonic() < self._next or not self._drawing.acquire(blocking=False):
            return
        try:
            self._next = time.monotonic() + self._every
            line = shown_standing(standing)
            click.echo(f"\r  {line:<78}" if self._watched else f"  {line}", err=True, nl=not self._watched)
            self._drawn = self._watched
        finally:
            self._drawing.release()

    def close(self) -> None:
        """End the line that was drawn."""
        if self._drawn:
            click.echo("", err=True)


def shown_standing(standing: Standing) -> str:
    """How far it is, as one line: ``"1.2 of 4.0 GB (30 %), 25.0 MB/s, 1 min 52 s left"``."""
    percent = 100 * standing.done // standing.total if standing.total else 100
    left = standing.seconds_left
    rate = f", {shown_size(standing.rate)}/s, {shown_time(left)} left" if left is not None else ""
    return f"{shown_size(standing.done)} of {shown_size(standing.total)} ({percent} %){rate}"


@dataclass
class Document:
    """What a run did, as one JSON document; also when it failed half-way."""

    path: Path | None
    content: dict[str, Any] = field(default_factory=dict)

    def write(self, place: Path) -> None:
        """Write it where it was asked for, or into the user's state folder; a disk that is full stops nothing."""
        from bergmann.publish.places import write_whole

        began = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        path = self.path or place / "reports" / f"{self.content.get('dandiset', '')}-{began}.json"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps(self.content, indent=1, default=str))
        except OSError as error:
            say(f"the report could not be written to {path} ({error.strerror})")
        else:
            say(f"report: {path}")


_RESULTS = {
    "uploaded": "sent",
    "replaced": "replaced",
    "metadata": "described anew",
    "unchanged": "there already",
    "removed": "removed",
    "conflict": "CONFLICT",
    "changed": "CHANGED MEANWHILE",
    "failed": "FAILED",
    "stopped": "stopped",
}


def show_report(report: Report) -> None:
    """What became of each file that is not simply there, and how much was sent."""
    for outcome in report.outcomes:
        if outcome.result != "unchanged":
            resumed = f" ({shown_size(outcome.resumed)} of it by an earlier run)" if outcome.resumed else ""
            show(f"{_RESULTS[outcome.result]:<14} {outcome.asset_path}{resumed}")
        if outcome.message:
            show(f"    -> {outcome.message}")
    good = sum(outcome.good for outcome in report.outcomes)
    rate = f", {shown_size(report.on_the_way / report.seconds)}/s" if report.on_the_way and report.seconds >= 1 else ""
    show(
        f"{good} of {count_of(len(report.outcomes), 'file')} in the archive; {shown_size(report.on_the_way)} sent in "
        f"{shown_time(report.seconds)}{rate}"
    )


def show_findings(findings: Sequence[Finding]) -> None:
    """Findings, if there are any; each note once."""
    print_findings([one for one in findings if one.severity != "note"])
    print_notes(findings)


_NUMBER = re.compile(r"(?:[a-z][a-z-]*:)?([0-9]{1,6})(?:/draft)?", re.IGNORECASE)
"""A dandiset's number, with or without the name of its archive (the ``instance_name`` of ``/info/``) and its version."""


# --- the run ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The options of `bergmann publish --dandiset`."""

    dandiset: str
    instance: str
    sessions: tuple[Path, ...]
    waivers: Path | None
    dry_run: bool
    yes: bool
    delete: bool
    overwrite_metadata: bool
    jobs: int
    wait: float
    patience: float
    timeout: float
    report: Path | None
    as_json: bool


def publish_remote(folder: Path, chosen: Choices) -> int:
    """Publish a folder into an archive, and give the exit status."""
    from bergmann.publish.locking import folder_lock
    from bergmann.publish.places import state_folder

    number = dandiset_number(chosen.dandiset)
    document = Document(chosen.report, {"dandiset": number, "instance": chosen.instance})
    try:
        with folder_lock(folder, state_folder()):
            client = open_client(chosen.instance, patience=chosen.patience, timeout=chosen.timeout)
            status = _publish(folder, client, number, document, chosen)
    except BergmannError as error:
        document.content["error"] = str(error)
        (say if chosen.as_json else show)(str(error))
        status = UNUSABLE
    if "report" in document.content or chosen.report is not None:
        document.write(state_folder())
    if chosen.as_json:
        print_json(document.content)
    return status


def dandiset_number(stated: str) -> str:
    """The six digits of a dandiset, from ``123``, ``000123``, ``DANDI:000123`` or ``EMBER-DANDI:000123``."""
    found = _NUMBER.fullmatch(stated)
    if found is None:
        raise click.UsageError(f"--dandiset {stated}: expected its number, such as 000123, from the dandiset's page")
    return found[1].zfill(6)


def _publish(folder: Path, client: Client, dandiset: str, document: Document, chosen: Choices) -> int:
    from bergmann.cli.publish import looking_through, print_expected
    from bergmann.publish.client import check_dandiset
    from bergmann.publish.comparing import check_clashes, compare
    from bergmann.publish.describing import describe
    from bergmann.publish.places import state_folder
    from bergmann.publish.preflight import prepare
    from bergmann.publish.versions import check_dandi, in_version_read

    info = client.info()
    account = (*check_dandiset(client, dandiset), *check_dandi(info, client.instance.name))  # first: the files take seconds each
    say(looking_through(folder))
    prepared = prepare(
        folder,
        instance=client.instance.name,
        sessions=chosen.sessions,
        waivers=chosen.waivers,
        on_step=Progress("looking through the files"),
    )
    assets, versions = in_version_read(prepared.assets, info, client.instance.name)
    rows = compare(assets, client, dandiset, jobs=chosen.jobs)
    described = describe(prepared.dandiset, client, dandiset, state_folder())
    of_files = (*account, *versions, *prepared.findings, *check_clashes(rows))
    findings = (*of_files, *described.findings(overwrite=chosen.overwrite_metadata))
    document.content |= {
        "instance": client.instance.name,
        "plan": [{"asset_path": row.asset_path, "standing": row.standing, "size": row.size} for row in rows],
        "findings": [one.as_dict() for one in findings],
    }
    if not chosen.as_json:
        show_findings((*of_files, *described.beside_lines(overwrite=chosen.overwrite_metadata)))
        print_expected(replace(prepared, findings=findings, dandiset=None))
        show_changes(described.lines(overwrite=chosen.overwrite_metadata))
        show_plan(rows, client, dandiset, remove_others=chosen.delete)
    if has_errors(findings):
        n_errors = count_of(sum(one.severity == "error" for one in findings), "error")
        say(f"Nothing was sent: {n_errors} above. Mend what is wrong, or accept it in waivers.yaml where that is right.")
        return FINDINGS
    if chosen.dry_run:
        say("Nothing was sent (--dry-run).")
        return GOOD
    idle = {"same"} if chosen.delete else {"same", "only there"}
    is_idle = all(row.standing in idle for row in rows) and not described.lines(overwrite=chosen.overwrite_metadata)
    if not chosen.yes and not is_idle and not _is_agreed(sum(row.moves for row in rows)):
        say("Nothing was sent.")
        return FINDINGS
    described.push(overwrite=chosen.overwrite_metadata)
    _write_table(prepared)
    return _send(rows, client, dandiset, document, chosen)


def _write_table(prepared: Prepared) -> None:
    """Write the table of sessions beside the files; what keeps it from being written keeps nothing from being published."""
    from bergmann.publish.sessions_table import NAME, write_sessions_table

    try:
        write_sessions_table(((asset.asset_path, asset.path) for asset in prepared.nwb_assets()), prepared.folder / NAME)
    except OSError as error:
        say(f"{NAME} could not be written into {prepared.folder} ({error.strerror or type(error).__name__})")
    except BergmannError as error:
        say(f"{NAME} could not be made: {error}")


def _is_agreed(size: int) -> bool:
    if not sys.stdin.isatty():
        raise click.UsageError("nobody is there to ask: look with --dry-run, then say --yes")
    return click.confirm(f"Do this (send up to {shown_size(size)})?", default=False, err=True)


def _send(rows: tuple[Compared, ...], client: Client, dandiset: str, document: Document, chosen: Choices) -> int:
    from bergmann.publish.afterwards import await_verdict
    from bergmann.publish.places import state_folder
    from bergmann.publish.uploading import upload

    progress = UploadProgress()
    try:
        report = upload(
            rows, client, dandiset, place=state_folder(), jobs=chosen.jobs, watch=progress, say=say, remove_others=chosen.delete
        )
    finally:
        progress.close()
    document.content["report"] = report.as_dict()
    if not chosen.as_json:
        show_report(report)
    if any(outcome.result == "stopped" for outcome in report.outcomes):
        say("Stopped. What was sent is noted; run the same again, and it goes on from there.")
        return STOPPED
    waiting = Progress("waiting for the archive's validation")
    if any(outcome.result != "unchanged" for outcome in report.outcomes):
        say(f"The archive validates what it got (up to {shown_time(chosen.wait)}; Ctrl-C stops the waiting and nothing else)")
    try:
        verdict = await_verdict(report.outcomes, client, dandiset, seconds=chosen.wait, watch=lambda told: waiting(*told))
    except KeyboardInterrupt:
        say("\nStopped waiting. What was sent is in the archive; ask with `bergmann status` what it thinks of it.")
        return STOPPED
    except BergmannError as error:
        document.content["error"] = str(error)
        say(f"The archive could not be asked what it thinks of the files: {error}. Ask later with `bergmann status`.")
        return FINDINGS
    document.content["verdict"] = verdict.as_dict()
    if not chosen.as_json:
        show_findings(verdict.findings)
        show(f"The archive calls the draft: {verdict.status.lower()}. {client.instance.dandiset_page(dandiset)}".rstrip())
    return GOOD if report.good and not has_errors(verdict.findings) else FINDINGS
