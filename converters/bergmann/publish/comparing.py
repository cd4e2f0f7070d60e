"""What is here beside what the archive has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from bergmann.errors import SourceError
from bergmann.findings import Finding
from bergmann.publish.assets import Asset
from bergmann.publish.client import Client, RemoteAsset
from bergmann.publish.digests import Digest, digest_of
from bergmann.publish.progress import unwatched

Standing = Literal["new", "changed", "metadata", "same", "only there"]

_COMPUTED = frozenset(
    [
        "@context",
        "access",
        "contentSize",
        "contentUrl",
        "dateModified",
        "blobDateModified",
        "datePublished",
        "digest",
        "id",
        "identifier",
        "path",
        "publishedBy",
        "schemaKey",
        "schemaVersion",
    ]
)
"""Fields of an asset that the archive computes, or that say when a file was copied and read, not what it is."""


@dataclass(frozen=True)
class Compared:
    """One path, here and there.

    Attributes
    ----------
    asset_path : str
    standing : {"new", "changed", "metadata", "same", "only there"}
        ``"metadata"``: the bytes are the same, what the archive says of them is not.
    asset : Asset or None
        None where it is only there.
    remote : RemoteAsset or None
        None where it is only here.
    digest : Digest or None
        Where it had to be made to compare.
    """

    asset_path: str
    standing: Standing
    asset: Asset | None = None
    remote: RemoteAsset | None = None
    digest: Digest | None = None

    @property
    def size(self) -> int:
        """Bytes here, or there if it is only there."""
        return self.asset.size if self.asset else self.remote.size if self.remote else 0

    @property
    def moves(self) -> int:
        """Bytes that publishing it may send; fewer where the archive has them from elsewhere."""
        return self.size if self.standing in {"new", "changed"} else 0


def compare(
    assets: Sequence[Asset], client: Client, dandiset_id: str, *, jobs: int = 4, watch: Callable[[int], None] = unwatched
) -> tuple[Compared, ...]:
    """Compare local assets with the draft of a dandiset.

    Files whose size differs are not read: they are changed. Those of one size are compared by digest.

    Parameters
    ----------
    assets : sequence of Asset
        Those without metadata are compared by their bytes only.
    client : Client
    dandiset_id : str
    jobs : int
        How many are compared at once.
    watch : callable
        Told of bytes that were read for digests.

    Returns
    -------
    tuple of Compared
        By path; all of either side.
    """
    there = {remote.path: remote for remote in client.assets(dandiset_id)}
    here = {asset.asset_path for asset in assets}

    def compared(asset: Asset) -> Compared:
        remote = there.get(asset.asset_path)
        return Compared(asset.asset_path, "new", asset) if remote is None else _both(asset, remote, client, dandiset_id, watch)

    with ThreadPoolExecutor(jobs) as pool:
        rows = [*pool.map(compared, assets)]
    rows += [Compared(path, "only there", remote=remote) for path, remote in there.items() if path not in here]
    return tuple(sorted(rows, key=lambda row: row.asset_path))


def _both(asset: Asset, remote: RemoteAsset, client: Client, dandiset_id: str, watch: Callable[[int], None]) -> Compared:
    if asset.size != remote.size:
        return Compared(asset.asset_path, "changed", asset, remote)
    digest = digest_of(asset.path, watch=watch)
    whole = client.asset(dandiset_id, remote.asset_id) or client.asset_at(dandiset_id, asset.asset_path)
    if whole is None:  # removed in this moment
        return Compared(asset.asset_path, "new", asset, digest=digest)
    if whole.etag != digest.etag:
        return Compared(asset.asset_path, "changed", asset, whole, digest)
    same = not asset.metadata or same_metadata(asset.metadata, whole.metadata)
    return Compared(asset.asset_path, "same" if same else "metadata", asset, whole, digest)


def same_metadata(mine: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Whether the archive says of an asset what is said here, but for what it computes and for who read the metadata when."""
    return _lasting(mine) == _lasting({key: value for key, value in theirs.items() if key in mine or key not in _COMPUTED})


def _lasting(metadata: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in metadata.items() if key not in _COMPUTED and value not in (None, [], {})}
    activities = [one for one in kept.pop("wasGeneratedBy", ()) if one.get("schemaKey") != "Activity"]
    return {**kept, "wasGeneratedBy": activities} if activities else kept


def check_clashes(rows: Sequence[Compared]) -> Iterator[Finding]:
    """Files here that stand where the archive has a folder, and the other way round: it would refuse them."""
    there = {row.asset_path for row in rows if row.remote is not None}
    for row in rows:
        if row.standing != "new":
            continue
        parts = row.asset_path.split("/")
        above = next((path for depth in range(1, len(parts)) if (path := "/".join(parts[:depth])) in there), None)
        below = next((path for path in sorted(there) if path.startswith(f"{row.asset_path}/")), None)
        if above or below:
            is_one = f"the archive has a file {above}" if above else f"the archive has a folder there, with {below}"
            yield Finding(
                severity="error",
                check="path clash",
                location=row.asset_path,
                message=f"{is_one}: a path cannot be a file and a folder",
                remedy="rename the session or subject, or remove the other in the archive",
            )


def check_unchanged(assets: Sequence[Asset]) -> Iterator[Finding]:
    """Files that are not what they were when they were looked through."""
    for asset in assets:
        try:
            size = asset.path.stat().st_size
        except OSError:
            size = -1
        if size != asset.size:
            yield Finding(
                severity="error",
                check="changed",
                location=asset.asset_path,
                message="the file changed while it was prepared" if size >= 0 else "the file is not there any more",
                remedy="let the program that writes it end, and run this again",
            )


def digest_for(row: Compared, watch: Callable[[int], None] = unwatched) -> Digest:
    """The digest of a row's file, which must still be what was looked through.

    Raises
    ------
    SourceError
        If it is another file than the one that was prepared.
    """
    if row.asset is None:
        raise SourceError(f"{row.asset_path}: there is no such file here")
    digest = row.digest or digest_of(row.asset.path, watch=watch)
    if digest.size != row.asset.size or (row.asset.sha256 or digest.sha256) != digest.sha256:
        raise SourceError(f"{row.asset_path}: the file is another than the one that was checked; run this again")
    return digest
