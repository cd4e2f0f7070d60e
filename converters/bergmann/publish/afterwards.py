"""What the archive itself makes of what was sent: its own digests, and its validation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bergmann.findings import Finding
from bergmann.publish.client import Client
from bergmann.publish.progress import unwatched
from bergmann.publish.uploading import Outcome

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0

_WORDS = (
    ("is not allowed", "the metadata are of a newer version than the archive reads; install the version of dandi that it asks for"),
    ("field required", "the archive wants it, and the file does not say it; state it in the session file and convert again"),
    (
        "is a required property",
        "the archive wants it, and the file does not say it; state it in the session file and convert again",
    ),
    ("should be", "correct it in the session file and convert again"),
    ("is not valid", "correct it in the session file and convert again"),
    ("too short", "the archive wants at least one; state it in the session file and convert again"),
)


@dataclass(frozen=True)
class Verdict:
    """What the archive says.

    Attributes
    ----------
    status : str
        Of the draft: ``"Valid"``, ``"Invalid"``, ``"Pending"``, ...; ``"Invalid assets"`` or ``"Pending assets"`` where the archive
        says "Valid" and an asset is not.
    valid : tuple of str
        Paths of assets that have the right digest and no error.
    findings : tuple of Finding
        Errors: an asset that is not what was sent, or that the archive finds invalid. Warnings: what is not decided yet, and what
        the dandiset lacks before it can be published as a version.
    """

    status: str
    valid: tuple[str, ...]
    findings: tuple[Finding, ...]

    def as_dict(self) -> dict[str, Any]:
        """The verdict as a JSON object."""
        return {"status": self.status, "valid": list(self.valid), "findings": [one.as_dict() for one in self.findings]}


def await_verdict(
    outcomes: Sequence[Outcome],
    client: Client,
    dandiset_id: str,
    *,
    seconds: float,
    watch: Callable[[tuple[int, int]], None] = unwatched,
) -> Verdict:
    """Wait until the archive has digested and validated what was sent.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Those with an asset are asked for.
    client : Client
    dandiset_id : str
    seconds : float
        How long to wait; what is not decided then is a warning.
    watch : callable
        Told (decided, of how many).

    Returns
    -------
    Verdict
    """
    waiting = [one for one in outcomes if one.good and one.asset_id]
    total, until, pause = len(waiting), time.monotonic() + seconds, _FIRST_PAUSE
    findings: list[Finding] = []
    valid: list[str] = []
    while True:
        left = []
        for outcome in waiting:
            found = _look(outcome, client, dandiset_id)
            if found is None:
                left.append(outcome)
            else:
                findings += found
                valid += [] if found else [outcome.asset_path]
        waiting = left
        draft = client.draft(dandiset_id)
        watch((total - len(waiting), total))
        is_decided = not waiting and draft.get("status") not in {"Pending", "Validating"}
        if is_decided or time.monotonic() + pause > until or client.wire.stopping.wait(pause):
            break
        pause = min(pause * 1.5, _LONGEST_PAUSE)
    findings += [_undecided(outcome, seconds) for outcome in waiting]
    mine = {outcome.asset_path for outcome in outcomes}
    findings += draft_findings(draft, passed_over=mine)
    has_errors = any(one.severity == "error" for one in findings)
    return Verdict(draft_status(draft, has_errors=has_errors), tuple(valid), tuple(findings))


def draft_status(draft: dict[str, Any], *, has_errors: bool) -> str:
    """The archive's word for a draft; where it says "Valid" of the draft alone, what is true of it with its assets.

    Parameters
    ----------
    draft : dict
    has_errors : bool
        Whether an asset that was asked for is invalid.
    """
    status = str(draft.get("status", ""))
    if status != "Valid":
        return status
    said = [str(error.get("message", "")) for error in draft.get("asset_validation_errors") or ()]
    if has_errors or not all(map(_is_pending, said)):
        return "Invalid assets"
    return "Pending assets" if said else status


def _is_pending(message: str) -> bool:
    """Whether what stands among the archive's errors of an asset says only that it is not validated yet."""
    return "being validated" in message


def _look(outcome: Outcome, client: Client, dandiset_id: str) -> list[Finding] | None:
    """What is wrong with an asset in the archive; None while the archive has not decided."""
    there = client.asset(dandiset_id, outcome.asset_id)
    if there is None:
        message = "the archive has this asset no more: it was replaced or removed by somebody else"
        return [_error("replaced", outcome.asset_path, message, "look with `bergmann status`, and publish again if yours is right")]
    wrong = (outcome.etag and there.etag != outcome.etag) or (there.sha256 and outcome.sha256 and there.sha256 != outcome.sha256)
    if wrong:
        message = f"the archive has other bytes (SHA-256 {there.sha256 or 'unknown'}) than the file here ({outcome.sha256})"
        return [_error("digest", outcome.asset_path, message, "publish it again, and tell the archive if it stays so")]
    status, errors = client.asset_validation(dandiset_id, outcome.asset_id)
    if status in {"Pending", "Validating", ""} or not there.sha256:
        return None
    return [] if status == "Valid" and not errors else [*asset_findings(outcome.asset_path, errors)]


def asset_findings(path: str, errors: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """The archive's errors of an asset, in words; one at least, since an asset without them is not asked for."""
    for error in errors or ({"field": "", "message": "the archive says that it is invalid, and not why"},):
        field, message = str(error.get("field", "")), str(error.get("message", ""))
        remedy = next((words for key, words in _WORDS if key in message.lower()), "mend the file, and publish it again")
        place = f"{field}: " if field else ""
        yield Finding(
            severity="error", check="archive", location=path, message=f"{place}{message}", remedy=remedy, origin="archive"
        )


def draft_findings(draft: dict[str, Any], *, passed_over: frozenset[str] | set[str] = frozenset()) -> Iterator[Finding]:
    """What the archive says against publishing a draft as a version, but of assets that were looked at one by one."""
    for error in draft.get("asset_validation_errors") or ():
        path, message = str(error.get("path", "")), str(error.get("message", ""))
        if path in passed_over or _is_pending(message):
            continue
        yield from asset_findings(path, (error,))
    place = f"dandiset {draft.get('dandiset', {}).get('identifier', '')}".strip()
    for error in draft.get("version_validation_errors") or ():
        field, message = str(error.get("field", "")), str(error.get("message", ""))
        yield Finding(
            severity="warning",
            check="archive",
            location=f"{place} {field}".strip(),
            message=message,
            remedy="needed before a version can be published; state it in the `dandiset:` block, or on the dandiset's page",
            origin="archive",
        )


def _undecided(outcome: Outcome, seconds: float) -> Finding:
    return Finding(
        severity="warning",
        check="archive",
        location=outcome.asset_path,
        message=f"the archive has it, and has not validated it within {seconds:.0f} s",
        remedy="ask later with `bergmann status`",
        origin="archive",
    )


def _error(check: str, location: str, message: str, remedy: str) -> Finding:
    return Finding(severity="error", check=check, location=location, message=message, remedy=remedy)
