"""The routes of the archive, over its state and its object store."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from werkzeug.wrappers import Request, Response

from loopback import metadata as md
from loopback.http import Refused, answer, body_of, flag, missing, paged
from loopback.paths import Entry, check_path, clashes, entries
from loopback.settings import Settings
from loopback.state import Asset, Blob, Dandiset, State, Upload, User, Version, now
from loopback.storage import ObjectStore

_NOT_GIVEN = Refused(401, {"detail": "Authentication credentials were not provided."}, {"WWW-Authenticate": 'Bearer realm="api"'})
_FORBIDDEN = Refused(403, {"detail": "You do not have permission to perform this action."})
_UNEMBARGOING = Refused(400, "Dandiset modification not allowed during unembargo")
_SAFE = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True)
class Addresses:
    """Where clients reach the archive: its API and its web page, which answers nothing."""

    api: str
    web: str


class Api:
    """The functions behind the routes. Each takes the request and what its rule names, and gives the answer or raises `Refused`."""

    def __init__(self, state: State, store: ObjectStore, settings: Settings, addresses: Addresses) -> None:
        self._state, self._store, self._settings, self._addresses = state, store, settings, addresses

    @property
    def schema_version(self) -> str:
        return self._settings.schema_version or md.own_schema_version()

    def rows(self) -> list[tuple[str, str, Callable[..., Response]]]:
        dandiset = "/api/dandisets/<dandiset>/"
        version = f"{dandiset}versions/<version>/"
        asset = f"{version}assets/<asset_id>/"
        table = [
            ("GET", "/api/info/", self.info),
            ("GET", "/api/auth/token/", self.token),
            ("GET", "/api/users/me/", self.me),
            ("GET", "/api/users/search/", self.search_users),
            ("GET", "/api/dandisets/", self.list_dandisets),
            ("POST", "/api/dandisets/", self.create_dandiset),
            ("GET", dandiset, self.show_dandiset),
            ("DELETE", dandiset, self.delete_dandiset),
            ("GET", f"{dandiset}users/", self.owners),
            ("PUT", f"{dandiset}users/", self.set_owners),
            ("GET", f"{dandiset}uploads/", self.list_uploads),
            ("DELETE", f"{dandiset}uploads/", self.clear_uploads),
            ("POST", f"{dandiset}unembargo/", self.unembargo),
            ("GET", f"{dandiset}versions/", self.list_versions),
            ("GET", version, self.version_metadata),
            ("PUT", version, self.set_version_metadata),
            ("DELETE", version, self.delete_version),
            ("GET", f"{version}info/", self.version_info),
            ("POST", f"{version}publish/", self.publish),
            ("GET", f"{version}assets/", self.list_assets),
            ("POST", f"{version}assets/", self.create_asset),
            ("GET", f"{version}assets/paths/", self.asset_paths),
            ("GET", asset, self.asset_metadata),
            ("PUT", asset, self.change_asset),
            ("DELETE", asset, self.remove_asset),
            ("GET", f"{asset}info/", self.asset_info),
            ("GET", f"{asset}download/", self.download),
            ("GET", f"{asset}validation/", self.asset_validation),
            ("GET", "/api/assets/<asset_id>/", self.asset_metadata),
            ("GET", "/api/assets/<asset_id>/info/", self.asset_info),
            ("GET", "/api/assets/<asset_id>/download/", self.download),
            ("POST", "/api/blobs/digest/", self.blob_by_digest),
            ("POST", "/api/uploads/initialize/", self.initialize),
            ("POST", "/api/uploads/<upload_id>/complete/", self.complete),
            ("POST", "/api/uploads/<upload_id>/validate/", self.validate),
        ]
        return [(method, rule, self._guarded(rule, function)) for method, rule, function in table]

    def _guarded(self, rule: str, function: Callable[..., Response]) -> Callable[..., Response]:
        """The function under the lock, for users who may do what its method does."""

        def guarded(request: Request, **named: str) -> Response:
            with self._state.lock:
                user = self._user(request)
                if request.method not in _SAFE and rule != "/api/blobs/digest/":
                    self._approved(user)
                return function(request, **named)

        return guarded

    # Who asks, and for what

    def _user(self, request: Request) -> User | None:
        header = request.headers.get("Authorization", "")
        kind, _, token = header.partition(" ")
        if kind.lower() != "token":
            return None
        for user in self._state.users:
            if user.token == token:
                return user
        raise Refused(401, {"detail": "Invalid token."}, {"WWW-Authenticate": 'Bearer realm="api"'})

    def _approved(self, user: User | None) -> User:
        if user is None:
            raise _NOT_GIVEN
        if not (user.approved or user.admin):
            raise _FORBIDDEN
        return user

    def _owner(self, request: Request, dandiset: Dandiset) -> User:
        user = self._user(request)
        if user is None:
            raise _NOT_GIVEN
        if not _owns(user, dandiset):
            raise _FORBIDDEN
        return user

    def _dandiset(self, request: Request, identifier: str) -> Dandiset:
        found = self._state.dandisets.get(identifier)
        if found is None:
            raise missing("Dandiset")
        if found.embargo_status != "OPEN":
            self._owner(request, found)
        return found

    def _version(self, request: Request, identifier: str, version: str) -> tuple[Dandiset, Version]:
        dandiset = self._dandiset(request, identifier)
        if version not in dandiset.versions:
            raise missing("Version")
        return dandiset, dandiset.versions[version]

    def _own_draft(self, request: Request, identifier: str, version: str) -> tuple[Dandiset, Version]:
        """A version that the asker may change: 403 for who does not own it, 405 for a published one."""
        if identifier not in self._state.dandisets:
            raise missing("Dandiset")
        self._owner(request, self._state.dandisets[identifier])
        dandiset, found = self._version(request, identifier, version)
        if found.version != "draft":
            raise Refused(405, "Only draft versions can be modified.")
        if dandiset.embargo_status == "UNEMBARGOING":
            raise _UNEMBARGOING
        return dandiset, found

    # The archive and its users

    def info(self, request: Request) -> Response:
        from dandischema.consts import ALLOWED_INPUT_SCHEMAS

        return answer(
            {
                "instance_config": md.instance_config().model_dump(mode="json", exclude_none=False),
                "schema_version": self.schema_version,
                "schema_url": f"{self._addresses.api}/schemas/?model=Dandiset",
                "allowed_schema_versions": [one for one in ALLOWED_INPUT_SCHEMAS if md.is_read(one, self.schema_version)],
                "version": "0.20.0",
                "cli-minimal-version": "0.74.0",
                "cli-requires-python": ">=3.10",
                "cli-bad-versions": [],
                "services": {
                    "api": {"url": self._addresses.api},
                    "webui": {"url": self._addresses.web},
                    "jupyterhub": {"url": f"{self._addresses.web}/hub"},
                },
            }
        )

    def token(self, request: Request) -> Response:
        return answer(self._approved(self._user(request)).token)

    def me(self, request: Request) -> Response:
        user = self._user(request)
        if user is None:
            raise _NOT_GIVEN
        return answer(_user_row(user))

    def search_users(self, request: Request) -> Response:
        self._approved(self._user(request))
        part = request.args.get("username", "").lower()
        return answer([_user_row(user) for user in self._state.users if user.approved and part and part in user.username.lower()])

    # Dandisets

    def list_dandisets(self, request: Request) -> Response:
        user = self._user(request)
        rows = [d for d in self._state.dandisets.values() if d.embargo_status == "OPEN" or (user and _owns(user, d))]
        if flag(request, "embargoed") and user is None:
            raise Refused(401, "Authentication credentials must be provided when attempting to access embargoed dandisets")
        if not flag(request, "embargoed"):
            rows = [d for d in rows if d.embargo_status == "OPEN"]
        if request.args.get("user") == "me":
            rows = [d for d in rows if user in d.owners]
        if not flag(request, "draft", default=True):
            rows = [d for d in rows if d.latest_published]
        if not flag(request, "empty", default=True):
            rows = [d for d in rows if (d.latest_published or d.draft).assets]
        for word in request.args.get("search", "").lower().split():
            rows = [d for d in rows if word in str(d.draft.metadata).lower()]
        return paged(request, rows, self._dandiset_row)

    def create_dandiset(self, request: Request) -> Response:
        user = self._approved(self._user(request))
        sent = body_of(request)
        _require(sent, "name", "metadata")
        if "identifier" in sent["metadata"] and not user.admin:
            raise Refused(400, "Creating a dandiset for a given identifier is an admin only operation.")
        embargo = flag(request, "embargo")
        if embargo and ("funding_source" in request.args) != ("award_number" in request.args):
            lacking = "Award number" if "funding_source" in request.args else "Funding source"
            given = "funding source" if "funding_source" in request.args else "award number"
            raise Refused(400, {"non_field_errors": [f"{lacking} is required when {given} is set"]})
        dandiset = Dandiset(f"{len(self._state.dandisets) + 1:06}", [user])
        if embargo:
            dandiset.embargo_status = "EMBARGOED"
            until = request.args.get("embargo_end_date")
            dandiset.embargo_end_date = date.fromisoformat(until) if until else date.today() + timedelta(days=730)
        version = Version("draft", sent["name"], md.new_version_metadata(sent["metadata"], user, self.schema_version))
        md.populate(version, dandiset, self._addresses.web)
        dandiset.versions["draft"] = version
        self._state.dandisets[dandiset.identifier] = dandiset
        return answer(self._dandiset_row(dandiset))

    def show_dandiset(self, request: Request, dandiset: str) -> Response:
        return answer(self._dandiset_row(self._dandiset(request, dandiset)))

    def delete_dandiset(self, request: Request, dandiset: str) -> Response:
        found = self._dandiset(request, dandiset)
        self._owner(request, found)
        if found.latest_published:
            raise Refused(403, "Cannot delete dandisets with published versions.")
        del self._state.dandisets[dandiset]
        return answer(None, 204)

    def owners(self, request: Request, dandiset: str) -> Response:
        found = self._dandiset(request, dandiset)
        shown = self._user(request) is not None
        return answer([{"username": u.username, "name": u.name, "email": u.email if shown else None} for u in found.owners])

    def set_owners(self, request: Request, dandiset: str) -> Response:
        import json

        found = self._dandiset(request, dandiset)
        self._owner(request, found)
        names = [row["username"] for row in json.loads(request.get_data())]
        by_name = {user.username: user for user in self._state.users}
        if not names:
            raise Refused(400, ["Cannot remove all draft owners"])
        for name in names:
            if name not in by_name:
                raise Refused(400, [f"User {name} not found"])
        found.owners = [by_name[name] for name in names]
        return self.owners(request, dandiset)

    def list_uploads(self, request: Request, dandiset: str) -> Response:
        found = self._dandiset(request, dandiset)
        self._owner(request, found)
        rows = [upload for upload in self._state.uploads.values() if upload.dandiset is found]
        return paged(request, rows, _upload_row)

    def clear_uploads(self, request: Request, dandiset: str) -> Response:
        found = self._dandiset(request, dandiset)
        self._owner(request, found)
        self._state.uploads = {i: upload for i, upload in self._state.uploads.items() if upload.dandiset is not found}
        return answer(None, 204)

    def unembargo(self, request: Request, dandiset: str) -> Response:
        found = self._dandiset(request, dandiset)
        self._owner(request, found)
        if found.embargo_status != "EMBARGOED":
            raise Refused(400, "Dandiset not embargoed")
        if any(upload.dandiset is found for upload in self._state.uploads.values()):
            raise Refused(400, "Dandiset unembargo not allowed with active uploads")
        found.embargo_status = "UNEMBARGOING"
        return answer(None)

    def _dandiset_row(self, dandiset: Dandiset) -> dict[str, Any]:
        published = dandiset.latest_published
        return {
            "identifier": dandiset.identifier,
            "created": dandiset.created.isoformat(),
            "modified": dandiset.modified.isoformat(),
            "contact_person": md.contact_person(published or dandiset.draft),
            "embargo_status": dandiset.embargo_status,
            "star_count": 0,
            "is_starred": False,
            "most_recent_published_version": self._version_row(dandiset, published) if published else None,
            "draft_version": self._version_row(dandiset, dandiset.draft),
        }

    # Versions

    def list_versions(self, request: Request, dandiset: str) -> Response:
        found = self._dandiset(request, dandiset)
        rows = sorted(found.versions.values(), key=lambda version: version.version)
        return paged(request, rows, lambda row: {**self._version_row(found, row), "dandiset": self._parent_row(found)})

    def version_metadata(self, request: Request, dandiset: str, version: str) -> Response:
        return answer(self._version(request, dandiset, version)[1].metadata)

    def set_version_metadata(self, request: Request, dandiset: str, version: str) -> Response:
        owner, found = self._own_draft(request, dandiset, version)
        sent = body_of(request)
        _require(sent, "name", "metadata")
        kept = md.stripped_version({"schemaVersion": self.schema_version, **sent["metadata"]})
        if (sent["name"], kept) != (found.name, md.stripped_version(found.metadata)):
            found.name, found.metadata = sent["name"], kept
            md.populate(found, owner, self._addresses.web)
            _touch(found)
        return answer(self._version_detail(owner, found))

    def delete_version(self, request: Request, dandiset: str, version: str) -> Response:
        _, found = self._version(request, dandiset, version)
        raise Refused(403, "Cannot delete draft versions" if found.version == "draft" else "Cannot delete published versions")

    def version_info(self, request: Request, dandiset: str, version: str) -> Response:
        return answer(self._version_detail(*self._version(request, dandiset, version)))

    def publish(self, request: Request, dandiset: str, version: str) -> Response:
        if version != "draft":
            raise Refused(405, "Only draft versions can be published")
        found, draft = self._own_draft(request, dandiset, version)
        if found.embargo_status != "OPEN":
            raise Refused(400, "Operation only allowed on OPEN dandisets")
        refusals = {
            "Published": (400, "There have been no changes to the draft version since the last publish."),
            "Publishing": (423, "Dandiset is currently being published"),
            "Validating": (409, "Dandiset is currently being validated"),
            "Pending": (409, "Metadata validation is pending for this dandiset, please try again later."),
            "Invalid": (400, "Dandiset metadata or asset metadata is not valid"),
        }
        if draft.status in refusals:
            raise Refused(*refusals[draft.status])
        if any(asset.status != "Valid" for asset in draft.assets.values()):
            raise Refused(*refusals["Invalid"])
        draft.status = "Publishing"
        return answer(None, 202)

    def _version_row(self, dandiset: Dandiset, version: Version) -> dict[str, Any]:
        uploads = [upload for upload in self._state.uploads.values() if upload.dandiset is dandiset]
        return {
            "version": version.version,
            "name": version.name,
            "asset_count": len(version.assets),
            "active_uploads": len(uploads) if version.version == "draft" else 0,
            "size": sum(asset.blob.size for asset in version.assets.values()),
            "status": version.status,
            "created": version.created.isoformat(),
            "modified": version.modified.isoformat(),
            "release_notes": version.metadata.get("releaseNotes", ""),
        }

    def _parent_row(self, dandiset: Dandiset) -> dict[str, Any]:
        row = self._dandiset_row(dandiset)
        return {key: value for key, value in row.items() if not key.endswith("_version")}

    def _version_detail(self, dandiset: Dandiset, version: Version) -> dict[str, Any]:
        waiting = [asset for asset in version.assets.values() if asset.status in {"Pending", "Validating"}]
        wrong = [asset for asset in version.assets.values() if asset.status == "Invalid"]
        wrong.sort(key=lambda asset: -len(asset.validation_errors))
        message = "asset is currently being validated, please wait."
        errors = [{"field": "", "message": message, "path": asset.path} for asset in waiting[:50]]
        errors += [{**error, "path": asset.path} for asset in wrong[:50] for error in asset.validation_errors]
        return {
            **self._version_row(dandiset, version),
            "dandiset": self._parent_row(dandiset),
            "asset_validation_errors": errors,
            "version_validation_errors": version.validation_errors,
            "metadata": version.metadata,
            "contact_person": md.contact_person(version),
        }

    # Assets

    def list_assets(self, request: Request, dandiset: str, version: str) -> Response:
        _, found = self._version(request, dandiset, version)
        rows = sorted(found.assets.values(), key=lambda asset: asset.created)
        order = request.args.get("order", "")
        if order.removeprefix("-") in {"created", "modified", "path"}:
            rows.sort(key=lambda asset: getattr(asset, order.removeprefix("-")), reverse=order.startswith("-"))
        path = request.args.get("path")
        if path:
            exact = [asset for asset in rows if asset.path == path]
            rows = exact or [asset for asset in rows if asset.path.lower().startswith(path.lower())]
        if flag(request, "zarr"):
            rows = []
        glob = request.args.get("glob")
        if glob is not None:
            pattern = re.compile(re.escape(glob).replace(r"\*", ".*"), re.IGNORECASE | re.DOTALL)
            rows = [asset for asset in rows if pattern.fullmatch(asset.path)]
        whole = flag(request, "metadata")
        return paged(request, rows, lambda asset: self._asset_row(asset, whole=whole), lazy=True)

    def asset_paths(self, request: Request, dandiset: str, version: str) -> Response:
        _, found = self._version(request, dandiset, version)
        below = entries(request.args.get("path_prefix", "").rstrip("/"), found.assets)
        if below is None:
            raise Refused(404, {"detail": "Specified path not found."})

        def row(entry: Entry) -> dict[str, Any]:
            asset = entry.asset
            file = {"asset_id": asset.asset_id, "url": self._store.unsigned_url(asset.blob.key)} if asset else None
            return {
                "path": entry.path,
                "version": found.id,
                "aggregate_files": entry.files,
                "aggregate_size": entry.size,
                "asset": file,
            }

        return paged(request, below, row)

    def create_asset(self, request: Request, dandiset: str, version: str) -> Response:
        owner, found = self._own_draft(request, dandiset, version)
        blob, sent = self._asset_request(request)
        if sent["path"] in found.assets:
            raise Refused(409, "An asset with that path already exists")
        if clash := clashes(sent["path"], found.assets):
            raise Refused(409, f'Path of new asset "{sent["path"]}" conflicts with existing assets: {clash}')
        return answer(self._asset_row(self._add(owner, found, blob, sent)))

    def change_asset(self, request: Request, dandiset: str, version: str, asset_id: str) -> Response:
        owner, found = self._own_draft(request, dandiset, version)
        blob, sent = self._asset_request(request)
        asset = self._asset(request, asset_id, dandiset, version)
        if (asset.blob, asset.path, asset.metadata) == (blob, sent["path"], md.stripped_asset(sent)):
            return answer(self._asset_row(asset))
        if sent["path"] != asset.path and sent["path"] in found.assets:
            raise Refused(409, "An asset with that path already exists")
        del found.assets[asset.path]
        return answer(self._asset_row(self._add(owner, found, blob, sent)))

    def remove_asset(self, request: Request, dandiset: str, version: str, asset_id: str) -> Response:
        _, found = self._own_draft(request, dandiset, version)
        del found.assets[self._asset(request, asset_id, dandiset, version).path]
        _touch(found)
        return answer(None, 204)

    def asset_metadata(self, request: Request, asset_id: str, dandiset: str | None = None, version: str | None = None) -> Response:
        return answer(self.full_metadata(self._asset(request, asset_id, dandiset, version)))

    def asset_info(self, request: Request, asset_id: str, dandiset: str | None = None, version: str | None = None) -> Response:
        return answer(self._asset_row(self._asset(request, asset_id, dandiset, version)))

    def asset_validation(self, request: Request, dandiset: str, version: str, asset_id: str) -> Response:
        asset = self._asset(request, asset_id, dandiset, version)
        return answer({"status": asset.status, "validation_errors": asset.validation_errors})

    def download(self, request: Request, asset_id: str, dandiset: str | None = None, version: str | None = None) -> Response:
        asset = self._asset(request, asset_id, dandiset, version)
        kind = request.args.get("content_disposition", "attachment")
        if kind not in {"attachment", "inline"}:
            raise Refused(400, {"content_disposition": [f'"{kind}" is not a valid choice.']})
        name = asset.path.rpartition("/")[2]
        url = self._store.download_url(asset.blob.key, f'{kind}; filename="{name}"')
        return Response(status=302, headers={"Location": url})

    def full_metadata(self, asset: Asset) -> dict[str, Any]:
        """The metadata of an asset with what the archive computes."""
        s3_url = self._store.unsigned_url(asset.blob.key)
        return md.full_asset(asset, self._state.dandisets_of(asset), self._addresses.api, s3_url)

    def _asset(self, request: Request, asset_id: str, dandiset: str | None, version: str | None) -> Asset:
        """An asset by its id, of a version or (where it is shown to everybody who may see it) of none."""
        if dandiset is not None and version is not None:
            _, found = self._version(request, dandiset, version)
            for asset in found.assets.values():
                if asset.asset_id == asset_id:
                    return asset
            raise missing("Asset")
        if asset_id not in self._state.assets:
            raise missing("Asset")
        asset = self._state.assets[asset_id]
        if asset.blob.embargoed:
            user = self._user(request)
            if user is None:
                raise _NOT_GIVEN
            if not any(_owns(user, owned) for owned in self._state.dandisets_of(asset)):
                raise _FORBIDDEN
        return asset

    def _asset_request(self, request: Request) -> tuple[Blob, dict[str, Any]]:
        """The blob and the metadata that a request for an asset names."""
        sent = body_of(request)
        _require(sent, "metadata")
        metadata = sent["metadata"]
        if ("blob_id" in sent) == ("zarr_id" in sent):
            raise Refused(400, {"blob_id": ["Exactly one of blob_id or zarr_id must be specified."]})
        if not metadata.get("path"):
            raise Refused(400, {"metadata": ["No path specified in metadata."]})
        check_path(metadata["path"])
        if "zarr_id" in sent or not _is_uuid(sent["blob_id"]):
            raise Refused(400, {"blob_id": ["Must be a valid UUID."]})
        if sent["blob_id"] not in self._state.blobs:
            raise missing("AssetBlob")
        return self._state.blobs[sent["blob_id"]], {"schemaVersion": self.schema_version, **metadata}

    def _add(self, dandiset: Dandiset, version: Version, blob: Blob, sent: dict[str, Any]) -> Asset:
        if blob.embargoed and dandiset.embargo_status == "OPEN":
            blob.embargoed = False
            self._store.lift_embargo(blob.key)
        asset = Asset(sent["path"], blob, md.stripped_asset(sent))
        version.assets[asset.path] = asset
        self._state.assets[asset.asset_id] = asset
        _touch(version)
        return asset

    def _asset_row(self, asset: Asset, *, whole: bool = True) -> dict[str, Any]:
        row = {
            "asset_id": asset.asset_id,
            "blob": asset.blob.blob_id,
            "zarr": None,
            "path": asset.path,
            "size": asset.blob.size,
            "created": asset.created.isoformat(),
            "modified": asset.modified.isoformat(),
        }
        return {**row, "metadata": self.full_metadata(asset)} if whole else row

    # Uploads

    def blob_by_digest(self, request: Request) -> Response:
        sent = body_of(request)
        _require(sent, "algorithm", "value")
        known = {"dandi:dandi-etag": "etag", "dandi:sha2-256": "sha256"}
        if sent["algorithm"] not in known:
            raise Refused(400, f"Unsupported Digest Algorithm. Supported: {', '.join(known)}")
        blob = self._state.blob_of(known[sent["algorithm"]], sent["value"])
        if blob is None:
            raise missing("AssetBlob")
        return answer(_blob_row(blob))

    def initialize(self, request: Request) -> Response:
        user = self._approved(self._user(request))
        sent = body_of(request)
        _require(sent, "contentSize", "dandiset", "digest")
        size, identifier = sent["contentSize"], sent["dandiset"]
        if not isinstance(size, int) or size < 1:
            raise Refused(400, {"contentSize": ["Ensure this value is greater than or equal to 1."]})
        if not isinstance(identifier, str | int) or not re.fullmatch(r"\d{6}", f"{identifier:>06}"):
            raise Refused(400, {"dandiset": ["A valid Dandiset identifier is required."]})
        if sent["digest"].get("algorithm") != "dandi:dandi-etag":
            raise Refused(400, ["Unsupported Digest Type"])
        dandiset = self._state.dandisets.get(f"{identifier:>06}")
        if dandiset is None or (dandiset.embargo_status != "OPEN" and not _owns(user, dandiset)):
            raise missing("Dandiset")
        if not _owns(user, dandiset):
            raise Refused(403, "Action not allowed")
        if dandiset.embargo_status == "UNEMBARGOING":
            raise _UNEMBARGOING
        etag = sent["digest"]["value"]
        if blob := self._state.blob_of("etag", etag):
            raise Refused(409, "Blob already exists.", {"Location": blob.blob_id})
        upload = self._begin(dandiset, etag, size)
        lifetime = self._settings.url_lifetime
        parts = [
            {
                "part_number": number,
                "size": part,
                "upload_url": self._store.part_url(upload.key, upload.multipart_id, number, part, lifetime),
            }
            for number, part in enumerate(part_sizes(size, self._settings), start=1)
        ]
        return answer({"upload_id": upload.upload_id, "parts": parts})

    def _begin(self, dandiset: Dandiset, etag: str, size: int) -> Upload:
        upload_id = str(uuid4())
        key = f"blobs/{upload_id[:3]}/{upload_id[3:6]}/{upload_id}"
        embargoed = dandiset.embargo_status == "EMBARGOED"
        multipart_id = self._store.begin(key, embargoed=embargoed)
        upload = Upload(upload_id, key, multipart_id, etag, size, dandiset, embargoed)
        self._state.uploads[upload_id] = upload
        return upload

    def complete(self, request: Request, upload_id: str) -> Response:
        upload = self._upload(request, upload_id)
        parts = body_of(request).get("parts")
        if not parts:
            raise Refused(400, {"parts": ["This list may not be empty." if parts == [] else "This field is required."]})
        rows = "".join(
            f"<Part><PartNumber>{int(part['part_number'])}</PartNumber><ETag>{part['etag']}</ETag></Part>"
            for part in sorted(parts, key=lambda part: part["part_number"])
        )
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            f'<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{rows}</CompleteMultipartUpload>'
        )
        url = self._store.complete_url(upload.key, upload.multipart_id, self._settings.url_lifetime)
        return answer({"complete_url": url, "body": body})

    def validate(self, request: Request, upload_id: str) -> Response:
        upload = self._upload(request, upload_id)
        found = self._store.size_and_etag(upload.key)
        if found is None:
            raise Refused(400, ["Object does not exist."])
        if found[0] != upload.size:
            raise Refused(400, [f"Size {upload.size} does not match actual size {found[0]}."])
        if found[1] != upload.etag:
            raise Refused(400, [f"ETag {upload.etag} does not match actual ETag {found[1]}."])
        del self._state.uploads[upload_id]
        if self._state.blob_of("etag", upload.etag):
            raise Refused(409, "An identical blob has already been uploaded.")
        blob = Blob(upload.upload_id, upload.key, upload.etag, upload.size, upload.embargoed)
        self._state.blobs[blob.blob_id] = blob
        return answer(_blob_row(blob))

    def _upload(self, request: Request, upload_id: str) -> Upload:
        user = self._approved(self._user(request))
        upload = self._state.uploads.get(upload_id)
        if upload is None or (upload.embargoed and not _owns(user, upload.dandiset)):
            raise missing("Upload")
        return upload


def part_sizes(size: int, settings: Settings) -> list[int]:
    """The sizes of a file's parts: all of one size but the last; larger ones where there would be `max_parts` or more."""
    part = settings.part_size
    if -(-size // part) >= settings.max_parts:
        part = -(-size // settings.max_parts)
    whole, rest = divmod(size, part)
    return [part] * whole + ([rest] if rest else [])


def _require(sent: dict[str, Any], *names: str) -> None:
    absent = {name: ["This field is required."] for name in names if name not in sent}
    if absent:
        raise Refused(400, absent)


def _touch(version: Version) -> None:
    version.status, version.modified = "Pending", now()


def _owns(user: User, dandiset: Dandiset) -> bool:
    return user.admin or user in dandiset.owners


def _is_uuid(text: object) -> bool:
    try:
        UUID(str(text))
    except ValueError:
        return False
    return True


def _user_row(user: User) -> dict[str, Any]:
    status = "APPROVED" if user.approved else "PENDING"
    return {"admin": user.admin, "username": user.username, "name": user.name, "status": status}


def _blob_row(blob: Blob) -> dict[str, Any]:
    return {"blob_id": blob.blob_id, "etag": blob.etag, "sha256": blob.sha256, "size": blob.size}


def _upload_row(upload: Upload) -> dict[str, Any]:
    return {
        "created": upload.created.isoformat(),
        "blob": upload.key,
        "upload_id": upload.upload_id,
        "etag": upload.etag,
        "size": upload.size,
    }
