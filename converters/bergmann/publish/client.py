"""The archive's own calls, each as one function that says in words why it was refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bergmann.errors import ArchiveError
from bergmann.findings import Finding
from bergmann.publish.digests import Digest
from bergmann.publish.instances import Instance
from bergmann.publish.wire import Answer, RefusedError, Wire

PAGE = 1000
"""Assets that are asked for at once, the most that the archive gives."""


@dataclass(frozen=True)
class Account:
    """Whose token it is.

    Attributes
    ----------
    username : str
    is_admin : bool
    status : str
        ``"APPROVED"`` of those who may upload; empty where the archive does not say.
    """

    username: str
    is_admin: bool = False
    status: str = ""


@dataclass(frozen=True)
class RemoteAsset:
    """An asset of a draft, as the archive lists it."""

    asset_id: str
    path: str
    size: int
    blob: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def etag(self) -> str:
        """The digest that is known as soon as the asset is there; empty if the metadata were not asked for."""
        return str(self.metadata.get("digest", {}).get("dandi:dandi-etag", ""))

    @property
    def sha256(self) -> str:
        """The digest that the archive computes afterwards; empty until then."""
        return str(self.metadata.get("digest", {}).get("dandi:sha2-256", ""))


@dataclass(frozen=True)
class Part:
    """One part of an upload and the signed address that takes it, which is never shown."""

    number: int
    size: int
    url: str = field(repr=False)


@dataclass(frozen=True)
class Begun:
    """An upload that the archive has opened.

    Attributes
    ----------
    upload_id : str
    parts : tuple of Part
    attempts : int
        How often it was asked for; of more than one, an earlier may have opened another whose answer was lost.
    """

    upload_id: str
    parts: tuple[Part, ...]
    attempts: int = 1


class Client:
    """An archive, asked as one user.

    Parameters
    ----------
    instance : Instance
    wire : Wire
    """

    def __init__(self, instance: Instance, wire: Wire) -> None:
        self.instance = instance
        self.wire = wire

    # --- who asks, and for what ---------------------------------------------------------------------------------------

    def account(self) -> Account:
        """Whose token it is.

        Raises
        ------
        RefusedError
            If the archive does not know the token.
        """
        found = self._good(self.wire.call("GET", "/users/me/"), "ask whose token this is").json()
        return Account(str(found.get("username", "")), bool(found.get("admin")), str(found.get("status", "")))

    def info(self) -> dict[str, Any]:
        """What the archive says of itself: ``schema_version``, ``allowed_schema_versions``, ``cli-minimal-version``, and so on."""
        found: dict[str, Any] = self._good(self.wire.call("GET", "/info/"), "say which versions it reads").json()
        return found

    def dandiset(self, dandiset_id: str) -> dict[str, Any]:
        """What the archive says of a dandiset: ``embargo_status``, ``draft_version``, and so on."""
        answer = self.wire.call("GET", f"/dandisets/{dandiset_id}/")
        if answer.status == 404:
            raise RefusedError(f"{self.instance.name} has no dandiset {dandiset_id}; is the number of another archive?", 404)
        found: dict[str, Any] = self._good(answer, f"look at dandiset {dandiset_id}").json()
        return found

    def owners(self, dandiset_id: str) -> tuple[str, ...]:
        """Names of those who may change a dandiset."""
        rows = self._good(self.wire.call("GET", f"/dandisets/{dandiset_id}/users/"), "ask who owns the dandiset").json()
        return tuple(str(row.get("username", "")) for row in rows)

    def draft(self, dandiset_id: str) -> dict[str, Any]:
        """The archive's account of a draft: its status and errors."""
        path = f"/dandisets/{dandiset_id}/versions/draft/info/"
        found: dict[str, Any] = self._good(self.wire.call("GET", path), f"look at the draft of {dandiset_id}").json()
        return found

    def draft_metadata(self, dandiset_id: str) -> dict[str, Any]:
        """The dandiset's own metadata, as the archive has them."""
        path = f"/dandisets/{dandiset_id}/versions/draft/"
        found: dict[str, Any] = self._good(self.wire.call("GET", path), f"look at the metadata of {dandiset_id}").json()
        return found

    def set_draft_metadata(self, dandiset_id: str, metadata: dict[str, Any]) -> None:
        """Give the dandiset these metadata, all of them."""
        path = f"/dandisets/{dandiset_id}/versions/draft/"
        send = {"name": metadata.get("name", ""), "metadata": metadata}
        self._good(self.wire.call("PUT", path, send=send), "change the metadata of the dandiset", dandiset_id)

    # --- assets -------------------------------------------------------------------------------------------------------

    def assets(self, dandiset_id: str) -> Iterator[RemoteAsset]:
        """All assets of a draft, without their metadata."""
        page = 1
        while True:
            query = {"page_size": str(PAGE), "page": str(page), "metadata": "false", "order": "path"}
            answer = self.wire.call("GET", f"/dandisets/{dandiset_id}/versions/draft/assets/", query=query)
            found = self._good(answer, f"list the assets of {dandiset_id}").json()
            yield from map(_asset, found["results"])
            if not found.get("next"):
                return
            page += 1

    def asset_at(self, dandiset_id: str, path: str) -> RemoteAsset | None:
        """The asset of exactly this path, with its metadata; None if there is none."""
        query = {"path": path, "metadata": "true", "page_size": "100"}
        answer = self.wire.call("GET", f"/dandisets/{dandiset_id}/versions/draft/assets/", query=query)
        rows = self._good(answer, f"look for {path}").json()["results"]
        return next((_asset(row) for row in rows if row["path"] == path), None)

    def asset(self, dandiset_id: str, asset_id: str) -> RemoteAsset | None:
        """An asset with its metadata; None if it was replaced or removed."""
        answer = self.wire.call("GET", f"/dandisets/{dandiset_id}/versions/draft/assets/{asset_id}/info/")
        return None if answer.status == 404 else _asset(self._good(answer, "look at an asset").json())

    def asset_validation(self, dandiset_id: str, asset_id: str) -> tuple[str, tuple[dict[str, Any], ...]]:
        """Status of an asset's validation (``"Pending"``, ``"Valid"``, ``"Invalid"``) and its errors (``field``, ``message``)."""
        path = f"/dandisets/{dandiset_id}/versions/draft/assets/{asset_id}/validation/"
        found = self._good(self.wire.call("GET", path), "ask whether an asset is valid").json()
        return str(found.get("status", "")), tuple(found.get("validation_errors") or ())

    def put_asset(self, dandiset_id: str, asset_id: str | None, blob_id: str, metadata: dict[str, Any]) -> Answer:
        """Make an asset of a blob, or replace one in place; the answer as it is."""
        path = f"/dandisets/{dandiset_id}/versions/draft/assets/"
        send = {"blob_id": blob_id, "metadata": metadata}
        if asset_id is None:
            return self.wire.call("POST", path, send=send)
        return self.wire.call("PUT", f"{path}{asset_id}/", send=send)

    def remove_asset(self, dandiset_id: str, asset_id: str) -> None:
        """Take an asset out of the draft; one that is not there any more is taken out already."""
        answer = self.wire.call("DELETE", f"/dandisets/{dandiset_id}/versions/draft/assets/{asset_id}/")
        if answer.status != 404:
            self._good(answer, "remove an asset")

    # --- uploads ------------------------------------------------------------------------------------------------------

    def begin(self, dandiset_id: str, digest: Digest) -> Begun | str:
        """Open an upload; or the id of the blob, if the archive has these bytes already.

        Raises
        ------
        RefusedError
            If the archive refuses it.
        ArchiveError
            If it cuts the file in other parts than the digest was made of.
        """
        wanted = {"algorithm": "dandi:dandi-etag", "value": digest.etag}
        answer = self.wire.call(
            "POST", "/uploads/initialize/", send={"contentSize": digest.size, "digest": wanted, "dandiset": dandiset_id}
        )
        if answer.status == 409:
            found = self.blob_of(digest.etag) or answer.headers.get("Location", "")
            if found:
                return found
        begun = self._good(answer, "begin an upload", dandiset_id).json()
        parts = tuple(Part(int(part["part_number"]), int(part["size"]), str(part["upload_url"])) for part in begun["parts"])
        if tuple(part.size for part in parts) != digest.part_sizes:
            raise ArchiveError(
                f"{self.instance.name} wants {len(parts)} parts, and this version of bergmann makes {len(digest.parts)}; "
                "is there a newer version?"
            )
        return Begun(str(begun["upload_id"]), parts, answer.attempts)

    def completion(self, upload_id: str, sent: list[dict[str, Any]]) -> Answer:
        """Ask for the signed address and the body that join the parts; the answer as it is."""
        return self.wire.call("POST", f"/uploads/{upload_id}/complete/", send={"parts": sent})

    def validate_upload(self, upload_id: str) -> Answer:
        """Have the archive look at the joined file and make a blob of it; the answer as it is."""
        return self.wire.call("POST", f"/uploads/{upload_id}/validate/")

    def blob_of(self, etag: str) -> str | None:
        """The id of the blob with this digest; None if the archive has none."""
        answer = self.wire.call("POST", "/blobs/digest/", send={"algorithm": "dandi:dandi-etag", "value": etag})
        return None if answer.status == 404 else str(self._good(answer, "look for a file by its digest").json()["blob_id"])

    def open_uploads(self, dandiset_id: str) -> tuple[tuple[str, str], ...]:
        """Id and digest of the uploads of a dandiset that were begun and not finished, by anybody."""
        found: list[tuple[str, str]] = []
        page = 1
        while True:
            answer = self.wire.call("GET", f"/dandisets/{dandiset_id}/uploads/", query={"page": str(page), "page_size": str(PAGE)})
            rows = self._good(answer, "list the unfinished uploads").json()
            found += [(str(row.get("upload_id", "")), str(row.get("etag", ""))) for row in rows["results"]]
            if not rows.get("next"):
                return tuple(found)
            page += 1

    def remove_open_uploads(self, dandiset_id: str) -> None:
        """Remove all unfinished uploads of a dandiset: the archive has no way to remove one."""
        self._good(self.wire.call("DELETE", f"/dandisets/{dandiset_id}/uploads/"), "remove unfinished uploads")

    # --- refusals -----------------------------------------------------------------------------------------------------

    def _good(self, answer: Answer, doing: str, dandiset_id: str = "") -> Answer:
        if not answer.good:
            raise RefusedError(self.why(answer, doing, dandiset_id), answer.status)
        return answer

    def why(self, answer: Answer, doing: str, dandiset_id: str = "") -> str:
        """Why the archive refused something, and what to do."""
        name, said = self.instance.name, self.wire.hidden(answer.words)
        if answer.status == 401:
            token = self.wire.token
            held = f"{token} is not known there" if token else "it wants a token"
            return f"{name} would not {doing}: {held} (401); make a new API key on its page"
        if answer.status == 403:
            whose = f"dandiset {dandiset_id}" if dandiset_id else "this dandiset"
            return (
                f"{name} would not {doing}: your account is not approved there, or does not own {whose} (403 {said}); "
                "an owner can add you on the dandiset's page"
            )
        if answer.status == 400 and "unembargo" in said.lower():
            return f"{name} would not {doing}: the dandiset's embargo is being lifted; try again when that is done"
        return f"{name} would not {doing}: {answer.status} {said}"


def check_dandiset(client: Client, dandiset_id: str) -> Iterator[Finding]:
    """Whether this account may upload to a dandiset: its approval, its ownership, the embargo; before the first byte.

    Raises
    ------
    RefusedError
        If the token is not known, or there is no such dandiset, or it is embargoed and another's.
    """
    account = client.account()
    embargo = client.dandiset(dandiset_id).get("embargo_status")
    if embargo == "EMBARGOED":
        yield Finding(
            severity="note",
            check="embargo",
            location=f"{client.instance.name} {dandiset_id}",
            message="the dandiset is embargoed: its owners alone see what is published into it, until they lift the embargo",
        )
    if embargo == "UNEMBARGOING":
        yield Finding(
            severity="error",
            check="embargo",
            location=f"{client.instance.name} {dandiset_id}",
            message="the embargo of the dandiset is being lifted, and it takes no files meanwhile",
            remedy="try again when that is done",
        )
    owners = client.owners(dandiset_id)
    place = f"{client.instance.name} {dandiset_id}"
    if account.status and account.status != "APPROVED" and not account.is_admin:
        yield Finding(
            severity="error",
            check="account",
            location=place,
            message=f"your account there ({account.username}) is not approved yet: {account.status.lower()}",
            remedy="the archive approves accounts by hand after you registered; it writes to you when it has",
        )
    if account.username and owners and account.username not in owners and not account.is_admin:
        yield Finding(
            severity="error",
            check="owner",
            location=place,
            message=f"your account there ({account.username}) is not among the dandiset's owners ({', '.join(owners)})",
            remedy="have one of them add you on the dandiset's page, or check the number",
        )


def _asset(row: dict[str, Any]) -> RemoteAsset:
    return RemoteAsset(str(row["asset_id"]), str(row["path"]), int(row["size"]), row.get("blob"), dict(row.get("metadata") or {}))


def lifetime_ends(url: str) -> float | None:
    """When a signed address ends (``X-Amz-Date`` + ``X-Amz-Expires``, AWS Signature Version 4), in seconds of POSIX time.

    Returns
    -------
    float or None
        None where the address does not say.
    """
    from datetime import UTC, datetime

    query = parse_qs(urlsplit(url).query)
    try:
        signed = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return signed.timestamp() + int(query["X-Amz-Expires"][0])
    except (KeyError, ValueError):
        return None
