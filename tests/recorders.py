"""A reverse proxy that remembers every request a process receives.

The process gives the proxy's address as its own (``--public-url``), so whoever calls it, calls here.
"""

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from tests.serving import LoopServer

_HOP_BY_HOP = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding"})


@dataclass(frozen=True)
class Recorded:
    """One request and its answer; header names are lower-case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    answer: bytes


class Recorder:
    """The proxy before one process.

    Attributes:
        origin: where it listens, ``http://127.0.0.1:port``.
        upstream: where the process itself listens.
        requests: what came, in order of its answers.
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.requests: list[Recorded] = []
        self._server = LoopServer(self._app)
        self.origin = f"http://127.0.0.1:{self._server.port}"
        self._http = httpx.AsyncClient(trust_env=False, timeout=30)

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop()
        await self._http.aclose()

    async def _app(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        given = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        url = httpx.URL(
            scheme="http", host=self.upstream.hostname, port=self.upstream.port, raw_path=scope["raw_path"] + query
        )
        headers = {name: value for name, value in given.items() if name not in _HOP_BY_HOP}
        answer = await self._http.request(scope["method"], url, headers=headers, content=body)
        path = scope["raw_path"].decode()
        self.requests.append(Recorded(scope["method"], path, given, body, answer.status_code, answer.content))
        kept = [(name, value) for name, value in answer.headers.raw if name.decode().lower() not in _HOP_BY_HOP]
        kept.append((b"content-length", str(len(answer.content)).encode()))
        await send({"type": "http.response.start", "status": answer.status_code, "headers": kept})
        await send({"type": "http.response.body", "body": answer.content})
