"""Metadata as the archive completes, strips and validates it."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from loopback.state import Asset, Dandiset, User, Version, now

ASSET_COMPUTED = ("id", "access", "path", "identifier", "contentUrl", "contentSize", "digest", "datePublished", "publishedBy")
VERSION_COMPUTED = (
    "name",
    "identifier",
    "version",
    "id",
    "url",
    "assetsSummary",
    "citation",
    "doi",
    "dateCreated",
    "datePublished",
    "publishedBy",
    "manifestLocation",
    "releaseNotes",
)
_CONTEXT = "https://raw.githubusercontent.com/dandi/schema/master/releases/{}/context.json"


def instance_config() -> Any:
    from dandischema.conf import get_instance_config

    return get_instance_config()


def own_schema_version() -> str:
    from dandischema.consts import DANDI_SCHEMA_VERSION

    return str(DANDI_SCHEMA_VERSION)


def stripped_asset(metadata: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if key not in ASSET_COMPUTED}


def stripped_version(metadata: dict[str, Any]) -> dict[str, Any]:
    kept = copy.deepcopy({key: value for key, value in metadata.items() if key not in VERSION_COMPUTED})
    access = kept.get("access")
    if isinstance(access, list) and access and isinstance(access[0], dict):
        access[0].pop("schemaKey", None)
        access[0].pop("status", None)
    return kept


def full_asset(asset: Asset, dandisets: list[Dandiset], api_url: str, s3_url: str) -> dict[str, Any]:
    """The metadata that the archive shows of an asset: what was sent, and what it computes."""
    if asset.published:
        return asset.metadata
    access: dict[str, Any] = {"schemaKey": "AccessRequirements", "status": _access(asset.blob.embargoed)}
    ends = [d.embargo_end_date for d in dandisets if d.embargo_end_date]
    if asset.blob.embargoed and ends:
        access["embargoedUntil"] = min(ends).isoformat()
    return {
        **asset.metadata,
        "id": f"dandiasset:{asset.asset_id}",
        "access": [access],
        "path": asset.path,
        "identifier": asset.asset_id,
        "contentUrl": [f"{api_url}/assets/{asset.asset_id}/download/", s3_url],
        "contentSize": asset.blob.size,
        "digest": asset.blob.digest,
        "@context": _CONTEXT.format(asset.metadata["schemaVersion"]),
    }


def new_version_metadata(sent: dict[str, Any], user: User, schema_version: str) -> dict[str, Any]:
    """The metadata of a new dandiset: its creator is the contact person unless the metadata name contributors."""
    contact = {
        "name": user.name,
        "email": user.email,
        "roleName": ["dcite:ContactPerson"],
        "schemaKey": "Person",
        "affiliation": [],
        "includeInCitation": True,
    }
    return {"schemaKey": "Dandiset", "schemaVersion": schema_version, "contributor": [contact], **stripped_version(sent)}


def populate(version: Version, dandiset: Dandiset, web_url: str) -> None:
    """Write into a version's metadata what the archive computes."""
    instance = instance_config().instance_name
    metadata = version.metadata
    access = [item for item in metadata.get("access") or [] if isinstance(item, dict)] or [{}]
    embargoed = dandiset.embargo_status == "EMBARGOED"
    access[0] = {**access[0], "schemaKey": "AccessRequirements", "status": _access(embargoed)}
    if dandiset.embargo_end_date is not None:
        access[0]["embargoedUntil"] = dandiset.embargo_end_date.isoformat()
    url = f"{web_url}/dandiset/{dandiset.identifier}/{version.version}"
    version.metadata = {
        "assetsSummary": {"schemaKey": "AssetsSummary", "numberOfBytes": 0, "numberOfFiles": 0},
        **metadata,
        "@context": _CONTEXT.format(metadata["schemaVersion"]),
        "manifestLocation": [f"{web_url}/manifests/{dandiset.identifier}/{version.version}/assets.yaml"],
        "name": version.name,
        "identifier": f"{instance}:{dandiset.identifier}",
        "version": version.version,
        "id": f"{instance}:{dandiset.identifier}/{version.version}",
        "repository": web_url,
        "url": url,
        "dateCreated": dandiset.created.isoformat(),
        "access": access,
        "citation": f"{version.name.rstrip('.')} ({now().year}). (Version {version.version}) [Data set]. DANDI Archive. {url}",
    }


def contact_person(version: Version) -> str:
    contributors = version.metadata.get("contributor")
    for contributor in contributors if isinstance(contributors, list) else []:
        if contributor.get("name") is not None and "dcite:ContactPerson" in (contributor.get("roleName") or []):
            return str(contributor["name"])
    return ""


def publication(at: datetime) -> dict[str, Any]:
    """The fields that publishing adds."""
    instance = instance_config()
    software = {
        "id": uuid4().urn,
        **({"identifier": instance.instance_identifier} if instance.instance_identifier else {}),
        "name": f"{instance.instance_name} API",
        "version": "0.1.0",
        "schemaKey": "Software",
    }
    activity = {
        "id": uuid4().urn,
        "name": "DANDI publish",
        "startDate": at.isoformat(),
        "endDate": at.isoformat(),
        "wasAssociatedWith": [software],
        "schemaKey": "PublishActivity",
    }
    return {"publishedBy": activity, "datePublished": at.isoformat()}


def asset_errors(full: dict[str, Any], schema_version: str) -> list[dict[str, str]]:
    """Why an asset could not be published as it is; empty if it could."""
    return _errors({**full, **publication(now())}, "PublishedAsset", schema_version)


def version_errors(version: Version, dandiset: Dandiset, web_url: str, schema_version: str) -> list[dict[str, str]]:
    """Why a draft could not be published, its assets aside; empty if it could."""
    instance = instance_config()
    name = f"0.{datetime.now(UTC):%y%m%d.%H%M}"
    made_up = {
        "id": f"{instance.instance_name}:{dandiset.identifier}/{name}",
        "version": name,
        "url": f"{web_url}/dandiset/{dandiset.identifier}/{name}",
        "assetsSummary": {
            "schemaKey": "AssetsSummary",
            "numberOfBytes": 1 if any(asset.blob.size for asset in version.assets.values()) else 0,
            "numberOfFiles": 1 if version.assets else 0,
        },
    }
    if instance.doi_prefix is not None:
        made_up["doi"] = f"{instance.doi_prefix}/{instance.instance_name.lower()}.123456/0.123456.1234"
    return _errors({**version.metadata, **publication(now()), **made_up}, "PublishedDandiset", schema_version)


def _errors(metadata: dict[str, Any], key: str, schema_version: str) -> list[dict[str, str]]:
    from dandischema.exceptions import JsonschemaValidationError, PydanticValidationError
    from dandischema.metadata import validate

    if not is_read(metadata["schemaVersion"], schema_version):
        return [{"field": "", "message": f"Metadata version {metadata['schemaVersion']} is not allowed."}]
    # The schemas of older versions would be fetched from the internet: those are checked by the models alone.
    own = metadata["schemaVersion"] == own_schema_version()
    try:
        validate(metadata, schema_key=key, json_validation=own)
    except JsonschemaValidationError as error:
        return [{"field": ".".join(str(part) for part in found.path), "message": found.message} for found in error.errors]
    except PydanticValidationError as error:
        return [{"field": str(found["loc"][0]) if found["loc"] else "", "message": found["msg"]} for found in error.errors]
    except ValueError as error:  # dandischema's own, for instance of a version it does not know
        return [{"field": "", "message": str(error)}]
    return []


def is_read(version: object, own: str) -> bool:
    """Whether an archive whose schema is of version `own` reads another."""
    return _number(version) <= _number(own)


def _number(version: object) -> tuple[int, ...]:
    parts = str(version).split(".")
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else (10**9,)


def _access(embargoed: bool) -> str:
    return "dandi:EmbargoedAccess" if embargoed else "dandi:OpenAccess"
