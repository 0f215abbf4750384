"""The front of the house: which door a request goes to, and the few pages that are not OCPI.

Source: OCPI 2.3.0, transport_and_format.asciidoc (Response format: errors of the HTTP layer, too).
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HTTPRequest
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.responses import Response as HTTPResponse
from starlette.routing import Route

from hub.metrics import CONTENT_TYPE, Metrics
from hub.ocpi.errors import MethodNotAllowed, UnknownEndpoint
from hub.ocpi.exchanges import Receive, Scope, Send, refusal
from hub.ocpi.openapi import describe
from hub.ocpi.server import Server
from hub.ocpi.versions import VERSIONS


class Front:
    """The ASGI application of a process.

    Args:
        doors: by path (``/ocpi``), the servers behind them.
        public_url: where peers reach us.
    """

    def __init__(self, doors: Mapping[str, Server], public_url: str, metrics: Metrics, *, show_metrics: bool) -> None:
        self._doors = {path.encode(): door for path, door in doors.items()}
        self._public_url = public_url
        self._prefix = urlsplit(public_url).path.rstrip("/").encode()
        self._metrics = metrics
        routes = [Route("/health", self._health), Route("/openapi/{version}.json", self._openapi)]
        if show_metrics:
            routes.append(Route("/metrics", self._show_metrics))
        self._pages = Starlette(routes=routes, exception_handlers={404: _refused, 405: _refused})
        self._known = {"/health", "/metrics"} if show_metrics else {"/health"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lead a request to its door."""
        if scope["type"] != "http":
            return
        raw_path: bytes = scope["raw_path"]
        if self._prefix and raw_path.startswith(self._prefix):  # called inside, or by a proxy that does not strip it
            raw_path = raw_path[len(self._prefix) :]
            scope = {**scope, "raw_path": raw_path, "path": scope["path"][len(self._prefix) :]}
        for path, door in self._doors.items():
            if raw_path.startswith(path) and raw_path[len(path) : len(path) + 1] in (b"/", b""):
                await door(scope, receive, send)
                return
        if scope["path"] in self._known or scope["path"].startswith("/openapi/"):
            await self._pages(scope, receive, send)
            return
        answer = refusal(UnknownEndpoint(), dict(scope["headers"]))
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _health(self, request: HTTPRequest) -> HTTPResponse:
        return JSONResponse({"status": "ok"})

    async def _show_metrics(self, request: HTTPRequest) -> HTTPResponse:
        return PlainTextResponse(self._metrics.text(), headers={"content-type": CONTENT_TYPE})

    async def _openapi(self, request: HTTPRequest) -> HTTPResponse:
        version = VERSIONS.get(request.path_params["version"])
        if version is None:
            raise HTTPException(404)
        return JSONResponse(describe(version, f"{self._public_url}/ocpi"))


def _refused(request: HTTPRequest, error: Exception) -> HTTPResponse:
    """Return the answer to what is no page of ours, in the OCPI response format as everywhere."""
    known = isinstance(error, HTTPException) and error.status_code == 405
    said = MethodNotAllowed(allow=("GET",)) if known else UnknownEndpoint()
    answer = refusal(said, dict(request.scope["headers"]))
    response = HTTPResponse(answer.body, answer.status)
    response.raw_headers = answer.headers
    return response
