"""What the archive does after it has answered: digests, validation, publication, lifting embargoes."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from loopback import metadata as md
from loopback.api import Addresses, Api
from loopback.settings import Settings
from loopback.state import Asset, Blob, Dandiset, State, Version, now
from loopback.storage import ObjectStore


class Worker:
    """A thread that does the rounds of the archive's queue. ``failure`` is the exception that ended it, if one did."""

    def __init__(self, state: State, store: ObjectStore, settings: Settings, addresses: Addresses, api: Api) -> None:
        self._state, self._store, self._settings, self._addresses, self._api = state, store, settings, addresses, api
        self._stopping = threading.Event()
        self._working = threading.Lock()
        self._next_validation = time.monotonic() + settings.validation_delay
        self._since: dict[str, float] = {}  # when each blob without SHA-256 was first seen
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._rounds, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Have nothing happen meanwhile: no digest, no validation, no publication."""
        with self._working:
            yield

    def _rounds(self) -> None:
        try:
            while not self._stopping.wait(0.02):
                with self._working:
                    self._round()
        except BaseException as error:
            self.failure = error
            raise

    def _round(self) -> None:
        state = self._state
        with state.lock:
            blobs = [blob for blob in state.blobs.values() if blob.sha256 is None]
            dandisets = list(state.dandisets.values())
        for blob in blobs:
            self._digest(blob)
        for dandiset in dandisets:
            if dandiset.embargo_status == "UNEMBARGOING":
                self._unembargo(dandiset)
            if dandiset.draft.status == "Publishing":
                self._publish(dandiset)
        if time.monotonic() >= self._next_validation:
            for dandiset in dandisets:
                for asset in list(dandiset.draft.assets.values()):
                    self._validate_asset(asset)
                self._validate_draft(dandiset)
            self._next_validation = time.monotonic() + self._settings.validation_delay

    def _digest(self, blob: Blob) -> None:
        since = self._since.setdefault(blob.blob_id, time.monotonic())
        if time.monotonic() >= since + self._settings.sha256_delay:
            blob.sha256 = self._store.sha256(blob.key)

    def _validate_asset(self, asset: Asset) -> None:
        with self._state.lock:
            if asset.published or asset.status != "Pending" or asset.blob.sha256 is None:
                return
            full = self._api.full_metadata(asset)
        errors = md.asset_errors(full, self._api.schema_version)
        with self._state.lock:
            asset.validation_errors, asset.status = errors, "Invalid" if errors else "Valid"

    def _validate_draft(self, dandiset: Dandiset) -> None:
        draft = dandiset.draft
        with self._state.lock:
            if draft.status != "Pending":
                return
            draft.status = "Validating"
        errors = md.version_errors(draft, dandiset, self._addresses.web, self._api.schema_version)
        with self._state.lock:
            if draft.status == "Validating":  # else it was changed meanwhile, and is pending again
                draft.validation_errors, draft.status, draft.modified = errors, "Invalid" if errors else "Valid", now()
        self._summarize(draft)

    def _summarize(self, draft: Version) -> None:
        from dandischema.metadata import aggregate_assets_summary

        with self._state.lock:
            valid = [self._api.full_metadata(asset) for asset in draft.assets.values() if asset.status == "Valid"]
            draft.metadata = {**draft.metadata, "assetsSummary": aggregate_assets_summary(valid)}

    def _publish(self, dandiset: Dandiset) -> None:
        with self._state.lock:
            draft, at = dandiset.draft, now()
            while (name := f"0.{at:%y%m%d.%H%M}") in dandiset.versions:
                at = at.replace(minute=(at.minute + 1) % 60)
            for asset in draft.assets.values():
                if not asset.published:
                    asset.metadata, asset.published = {**self._api.full_metadata(asset), **md.publication(now())}, True
            published = Version(name, draft.name, copy.deepcopy(draft.metadata), dict(draft.assets), status="Published")
            md.populate(published, dandiset, self._addresses.web)
            published.metadata.update(md.publication(now()))
            dandiset.versions[name] = published
            draft.status = "Published"

    def _unembargo(self, dandiset: Dandiset) -> None:
        with self._state.lock:
            for asset in dandiset.draft.assets.values():
                if asset.blob.embargoed:
                    asset.blob.embargoed = False
                    self._store.lift_embargo(asset.blob.key)
            dandiset.embargo_status, dandiset.embargo_end_date = "OPEN", now().date()
            md.populate(dandiset.draft, dandiset, self._addresses.web)
            dandiset.draft.status = "Pending"
