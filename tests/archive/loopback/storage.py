"""The object store: moto's S3 server behind a gate that checks presigned URLs, which moto itself does not."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote
from uuid import uuid4
from xml.sax.saxutils import escape

from werkzeug.serving import WSGIRequestHandler, make_server

KEY, SECRET, REGION = "AKIALOOPBACKARCHIVE0", "loopback-secret-of-no-value", "us-east-1"
ACCOUNT = "123456789012"  # moto's only one


class QuietHandler(WSGIRequestHandler):
    """HTTP/1.1, so that connections stay open as with the real servers; nothing is logged."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        return None


class Served:
    """A WSGI application on a free port of loopback, in a thread of its own."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@dataclass(frozen=True)
class PartReceived:
    """One part PUT that reached the store: its upload, number, bytes and the status it got."""

    key: str
    part_number: int
    size: int
    status: int


class Gate:
    """WSGI middleware that holds requests to what S3 holds them to.

    A presigned URL (Signature Version 4 in the query) is refused with 403 after its time (``X-Amz-Date`` + ``X-Amz-Expires``)
    and where the signature does not fit, for instance because ``Content-Length``, which is signed, is another. A request without
    a signature may only GET objects that are not tagged ``embargoed``. One that brings an ``Authorization`` of another kind, as
    a client that carries its token across a redirect does, is refused with 400. An upload that was completed or aborted is
    answered with 404 (moto would answer 500).
    """

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self.parts: list[PartReceived] = []
        self.foreign_authorizations: list[str] = []
        self.embargoed: Callable[[str], bool] = lambda key: False
        self.knows: Callable[[str, str, str], bool] = lambda method, key, multipart_id: True

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        refusal = self._refusal(environ, query)
        answer = _refused(environ, start_response, *refusal) if refusal else None
        status = f"{refusal[0]}" if refusal else "200"

        def started(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal status
            status = line
            return start_response(line, headers, exc_info)

        if answer is None:
            answer = self._app(environ, started)
        if environ["REQUEST_METHOD"] == "PUT" and "partNumber" in query:
            key = _key(environ)
            size = int(environ.get("CONTENT_LENGTH") or 0)
            self.parts.append(PartReceived(key, int(query["partNumber"]), size, int(status.split()[0])))
        return answer

    def _refusal(self, environ: dict[str, Any], query: dict[str, str]) -> tuple[int, str, str] | None:
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        if authorization.startswith("AWS4-HMAC-SHA256"):
            return None  # the archive's own client
        if authorization:
            self.foreign_authorizations.append(authorization)
            return 400, "InvalidArgument", "Only one auth mechanism allowed"
        if "X-Amz-Signature" not in query:
            key = _key(environ)
            open_to_all = environ["REQUEST_METHOD"] in {"GET", "HEAD"} and not self.embargoed(key)
            return None if open_to_all else (403, "AccessDenied", "Access Denied")
        signed_at = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if datetime.now(UTC) > signed_at + timedelta(seconds=int(query["X-Amz-Expires"])):
            return 403, "AccessDenied", "Request has expired"
        if not hmac.compare_digest(_signature(environ, query), query["X-Amz-Signature"]):
            return 403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."
        if "uploadId" in query and not self.knows(environ["REQUEST_METHOD"], _key(environ), query["uploadId"]):
            return 404, "NoSuchUpload", "The specified multipart upload does not exist."
        return None


def _key(environ: dict[str, Any]) -> str:
    """The object's key: the path after the bucket's name."""
    return str(environ["PATH_INFO"]).lstrip("/").partition("/")[2]


def _signature(environ: dict[str, Any], query: dict[str, str]) -> str:
    """The signature of a presigned request (AWS, "Authenticating Requests: Using Query Parameters", Signature Version 4)."""
    rest = sorted((quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in query.items() if k != "X-Amz-Signature")
    names = query["X-Amz-SignedHeaders"].split(";")
    headers = "".join(f"{name}:{_header(environ, name)}\n" for name in names)
    path = quote(environ["PATH_INFO"].encode("latin-1"), safe="/-_.~")
    canonical = "\n".join(
        [environ["REQUEST_METHOD"], path, "&".join(f"{k}={v}" for k, v in rest), headers, ";".join(names), "UNSIGNED-PAYLOAD"]
    )
    scope = query["X-Amz-Credential"].split("/")[1:]
    to_sign = "\n".join(["AWS4-HMAC-SHA256", query["X-Amz-Date"], "/".join(scope), hashlib.sha256(canonical.encode()).hexdigest()])
    secret = f"AWS4{SECRET}".encode()
    for step in scope:
        secret = hmac.digest(secret, step.encode(), "sha256")
    return hmac.digest(secret, to_sign.encode(), "sha256").hex()


def _header(environ: dict[str, Any], name: str) -> str:
    variable = name.upper().replace("-", "_")
    return str(environ.get(variable if variable in {"CONTENT_LENGTH", "CONTENT_TYPE"} else f"HTTP_{variable}", "")).strip()


def _refused(environ: dict[str, Any], start_response: Callable[..., Any], status: int, code: str, message: str) -> Iterable[bytes]:
    remaining = int(environ.get("CONTENT_LENGTH") or 0)
    while remaining > 0 and (piece := environ["wsgi.input"].read(min(remaining, 2**20))):
        remaining -= len(piece)
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>'.encode()
    )
    reason = {400: "Bad Request", 403: "Forbidden", 404: "Not Found"}[status]
    start_response(f"{status} {reason}", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


class ObjectStore:
    """One bucket on a moto S3 server of its own.

    Parameters
    ----------
    public_address : str | None
        Where clients reach the store (a proxy in front of it); presigned URLs name it. None: the store's own address.
    finished_twice : bool
        Whether an upload that was completed may be completed again, with the same answer; else that is answered with 404.
    """

    def __init__(self, public_address: str | None = None, *, finished_twice: bool = True) -> None:
        import boto3
        import moto.s3.models
        from botocore.config import Config
        from moto.moto_server.werkzeug_app import create_backend_app

        moto.s3.models.S3_UPLOAD_PART_MIN_SIZE = 1  # S3 wants 5 MiB; tests use small parts
        self.bucket = f"dandiarchive-{uuid4()}"  # moto keeps one state a process
        self.gate = Gate(create_backend_app("s3"))
        self.gate.embargoed = self._is_embargoed
        self.gate.knows = self._knows
        self._finished_twice = finished_twice
        self._served = Served(self.gate)
        self.address = self._served.address
        self.public_address = public_address or self.address

        def client(address: str) -> Any:
            config = Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 0})
            return boto3.client(
                "s3", endpoint_url=address, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name=REGION, config=config
            )

        self._client = client(self.address)
        self._signing = client(self.public_address)
        self._client.create_bucket(Bucket=self.bucket)

    def close(self) -> None:
        self._client.close()
        self._signing.close()
        self._served.close()
        emptied = self._backend().buckets.pop(self.bucket)
        for held in [*emptied.keys.values(), *emptied.multiparts.values()]:
            held.dispose()  # each is a temporary file

    def begin(self, key: str, *, embargoed: bool) -> str:
        """Begin a multipart upload, and give S3's own id of it."""
        tags = {"Tagging": "embargoed=true"} if embargoed else {}
        answer = self._client.create_multipart_upload(Bucket=self.bucket, Key=key, ContentType="application/octet-stream", **tags)
        return str(answer["UploadId"])

    def part_url(self, key: str, multipart_id: str, number: int, size: int, lifetime: int) -> str:
        named = {"Bucket": self.bucket, "Key": key, "UploadId": multipart_id, "PartNumber": number, "ContentLength": size}
        return str(self._signing.generate_presigned_url("upload_part", Params=named, ExpiresIn=lifetime))

    def complete_url(self, key: str, multipart_id: str, lifetime: int) -> str:
        named = {"Bucket": self.bucket, "Key": key, "UploadId": multipart_id}
        return str(self._signing.generate_presigned_url("complete_multipart_upload", Params=named, ExpiresIn=lifetime))

    def download_url(self, key: str, disposition: str, lifetime: int = 3600) -> str:
        named = {"Bucket": self.bucket, "Key": key, "ResponseContentDisposition": disposition}
        return str(self._signing.generate_presigned_url("get_object", Params=named, ExpiresIn=lifetime))

    def unsigned_url(self, key: str) -> str:
        return f"{self.public_address}/{self.bucket}/{key}"

    def size_and_etag(self, key: str) -> tuple[int, str] | None:
        from botocore.exceptions import ClientError

        try:
            found = self._client.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] == "404":
                return None
            raise
        return int(found["ContentLength"]), str(found["ETag"]).strip('"')

    def sha256(self, key: str) -> str:
        digest = hashlib.sha256()
        for piece in self._client.get_object(Bucket=self.bucket, Key=key)["Body"].iter_chunks(2**20):
            digest.update(piece)
        return digest.hexdigest()

    def unfinished(self) -> list[str]:
        """The S3 ids of the multipart uploads that are neither completed nor aborted."""
        return [str(found["UploadId"]) for found in self._client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])]

    def abort(self, key: str, multipart_id: str) -> None:
        self._client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=multipart_id)

    def lift_embargo(self, key: str) -> None:
        self._client.delete_object_tagging(Bucket=self.bucket, Key=key)

    # The gate asks moto itself: a request from here would have to pass the gate again.

    def _knows(self, method: str, key: str, multipart_id: str) -> bool:
        if multipart_id in self._backend().get_bucket(self.bucket).multiparts:
            return True
        return self._finished_twice and method == "POST" and self._backend().get_object(self.bucket, key) is not None

    def _is_embargoed(self, key: str) -> bool:
        found = self._backend().get_object(self.bucket, key)
        return found is not None and self._backend().tagger.get_tag_dict_for_resource(found.arn).get("embargoed") == "true"

    @staticmethod
    def _backend() -> Any:
        from moto.backends import get_backend

        return get_backend("s3")[ACCOUNT]["global"]
