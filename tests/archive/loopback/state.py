"""What the archive knows: users, dandisets, versions, assets, blobs, uploads."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

_IDS = itertools.count(1)


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class User:
    username: str
    name: str
    token: str
    approved: bool = True
    admin: bool = False

    @property
    def email(self) -> str:
        return f"{self.username}@example.org"


@dataclass
class Blob:
    blob_id: str
    key: str
    etag: str
    size: int
    embargoed: bool
    sha256: str | None = None
    created: datetime = field(default_factory=now)

    @property
    def digest(self) -> dict[str, str]:
        known = {"dandi:dandi-etag": self.etag}
        return known if self.sha256 is None else {**known, "dandi:sha2-256": self.sha256}


@dataclass
class Asset:
    path: str
    blob: Blob
    metadata: dict[str, Any]
    asset_id: str = field(default_factory=lambda: str(uuid4()))
    status: str = "Pending"
    validation_errors: list[dict[str, str]] = field(default_factory=list)
    published: bool = False
    created: datetime = field(default_factory=now)
    modified: datetime = field(default_factory=now)


@dataclass
class Version:
    version: str
    name: str
    metadata: dict[str, Any]
    assets: dict[str, Asset] = field(default_factory=dict)  # by path
    status: str = "Pending"
    validation_errors: list[dict[str, str]] = field(default_factory=list)
    id: int = field(default_factory=lambda: next(_IDS))
    created: datetime = field(default_factory=now)
    modified: datetime = field(default_factory=now)


@dataclass
class Upload:
    upload_id: str
    key: str
    multipart_id: str
    etag: str
    size: int
    dandiset: Dandiset
    embargoed: bool
    created: datetime = field(default_factory=now)


@dataclass
class Dandiset:
    identifier: str
    owners: list[User]
    embargo_status: str = "OPEN"
    embargo_end_date: date | None = None
    versions: dict[str, Version] = field(default_factory=dict)
    created: datetime = field(default_factory=now)
    modified: datetime = field(default_factory=now)

    @property
    def draft(self) -> Version:
        return self.versions["draft"]

    @property
    def latest_published(self) -> Version | None:
        published = [version for name, version in self.versions.items() if name != "draft"]
        return published[-1] if published else None


@dataclass
class State:
    """Everything, and the lock under which it is read and changed (the real archive's database transactions)."""

    users: list[User] = field(default_factory=list)
    dandisets: dict[str, Dandiset] = field(default_factory=dict)
    blobs: dict[str, Blob] = field(default_factory=dict)  # by id
    uploads: dict[str, Upload] = field(default_factory=dict)  # by id
    assets: dict[str, Asset] = field(default_factory=dict)  # by id, also those of no version any more
    lock: threading.RLock = field(default_factory=threading.RLock)

    def blob_of(self, digest: str, value: str) -> Blob | None:
        """The blob whose ``etag`` or ``sha256`` is `value`."""
        return next((blob for blob in self.blobs.values() if getattr(blob, digest) == value), None)

    def dandisets_of(self, asset: Asset) -> list[Dandiset]:
        return [d for d in self.dandisets.values() if any(v.assets.get(asset.path) is asset for v in d.versions.values())]
