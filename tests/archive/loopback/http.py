"""Routes and JSON answers as Django REST framework gives them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import Map, RequestRedirect, Rule
from werkzeug.wrappers import Request, Response


class Refused(Exception):
    """An answer that is an error: its status, its JSON body, and headers."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status}: {body}")
        self.status, self.body, self.headers = status, body, dict(headers or {})


def missing(what: str) -> Refused:
    return Refused(404, {"detail": f"No {what} matches the given query."})


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; a body of None is empty."""
    text = "" if body is None else json.dumps(body)
    return Response(text, status=status, headers=dict(headers or {}), content_type="application/json")


@dataclass(frozen=True)
class Seen:
    """One request that the archive answered."""

    method: str
    path: str
    status: int
    authorized: bool


class Application:
    """A WSGI application over (method, rule, function) rows. Rules end in a slash; a request without it is redirected with 301."""

    def __init__(self, rows: Iterable[tuple[str, str, Callable[..., Response]]]) -> None:
        functions: dict[str, dict[str, Callable[..., Response]]] = {}
        for method, rule, function in rows:
            functions.setdefault(rule, {})[method] = function
        self._functions = functions
        self._map = Map([Rule(rule, endpoint=rule, methods=list(by_method)) for rule, by_method in functions.items()])
        self.requests: list[Seen] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        request.get_data()  # an unread body would be taken for the next request of the connection
        response = self._answer(request)
        self.requests.append(Seen(request.method, request.path, response.status_code, "Authorization" in request.headers))
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        try:
            rule, named = self._map.bind_to_environ(request.environ).match()
            method = "GET" if request.method == "HEAD" else request.method
            return self._functions[rule][method](request, **named)
        except RequestRedirect as redirect:
            place = urlsplit(redirect.new_url)
            return Response(status=301, headers={"Location": place._replace(scheme="", netloc="").geturl()})
        except Refused as refused:
            return answer(refused.body, refused.status, refused.headers)
        except MethodNotAllowed:
            return answer({"detail": f'Method "{request.method}" not allowed.'}, 405)
        except NotFound:
            return Response("<h1>Not Found</h1>", status=404, content_type="text/html")
        except HTTPException as error:
            return answer({"detail": error.description}, error.code or 500)


def body_of(request: Request) -> dict[str, Any]:
    """The JSON object of a request."""
    try:
        body = json.loads(request.get_data() or b"{}")
    except ValueError as error:
        raise Refused(400, {"detail": f"JSON parse error - {error}"}) from error
    if not isinstance(body, dict):
        raise Refused(400, {"non_field_errors": [f"Invalid data. Expected a dictionary, but got {type(body).__name__}."]})
    return body


def flag(request: Request, name: str, *, default: bool = False) -> bool:
    return request.args.get(name, str(default)).lower() in {"true", "t", "1", "yes", "on"}


def paged(request: Request, rows: Sequence[Any], show: Callable[[Any], Any], *, lazy: bool = False) -> Response:
    """A page of `rows` (100, at most 1000 by ``page_size``); with `lazy` only the first page counts them."""
    size = min(max(_positive(request, "page_size", 100), 1), 1000)
    page = _positive(request, "page", 1)
    if page > 1 and (page - 1) * size >= len(rows):
        raise Refused(404, {"detail": "Invalid page."})

    def link(number: int) -> str:
        return f"{request.base_url}?{urlencode({**request.args, 'page': number})}"

    chosen = rows[(page - 1) * size : page * size]
    return answer(
        {
            "count": None if lazy and page > 1 else len(rows),
            "next": link(page + 1) if page * size < len(rows) else None,
            "previous": link(page - 1) if page > 1 else None,
            "results": [show(row) for row in chosen],
        }
    )


def _positive(request: Request, name: str, default: int) -> int:
    text = request.args.get(name, str(default))
    if not text.isdecimal() or text == "0":
        if name == "page":
            raise Refused(404, {"detail": "Invalid page."})
        return default
    return int(text)
