"""A small OCPI platform of one party, to read and to borrow from: starlette, httpx and nothing of the hub's code.

It registers at a hub by the credentials handshake, keeps its tokens in memory, answers in OCPI's
envelope, and calls the hub's modules with the headers OCPI wants. ``sample_cpo.py`` and
``sample_emsp.py`` are made of it.

Source: OCPI 2.2.1 and 2.3.0, transport_and_format.asciidoc, credentials.asciidoc.
"""

import asyncio
import base64
import datetime
import json
import logging
import secrets
import sys
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

log = logging.getLogger("sample")

JSON = Any
Handler = Callable[[Request, JSON], Awaitable[Response]]


def now() -> str:
    """Return this moment as an OCPI DateTime."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def answer(
    data: JSON = None, *, code: int = 1000, http: int = 200, message: str = "", headers: dict[str, str] | None = None
) -> JSONResponse:
    """Return OCPI's envelope around ``data``."""
    envelope: dict[str, JSON] = {"status_code": code, "timestamp": now()}
    if data is not None:
        envelope["data"] = data
    if message:
        envelope["status_message"] = message
    return JSONResponse(envelope, http, headers)


class Refused(Exception):
    """The hub, or who is behind it, answered something else than 1000."""


class Party:
    """One party on a platform of its own.

    Args:
        role: CPO or EMSP.
        country_code: of the party; with ``party_id`` its address (BE-CPX).
        version: the OCPI version it speaks.
        offered: its modules, as (identifier, interface role).
        url: where it is reached, without a slash at the end.
    """

    def __init__(
        self, name: str, role: str, country_code: str, party_id: str, version: str,
        offered: list[tuple[str, str]], url: str,
    ) -> None:  # fmt: skip
        self.name, self.role = name, role
        self.country_code, self.party_id = country_code, party_id
        self.version, self.offered, self.url = version, offered, url
        self.token = secrets.token_urlsafe(32)  # CREDENTIALS_TOKEN_B: what the hub shows us
        self.hub_token = ""  # CREDENTIALS_TOKEN_C: what we show the hub
        self.hub_party = ("", "")
        self.hub_modules: dict[tuple[str, str], str] = {}
        self.http = httpx.AsyncClient(timeout=30, trust_env=False)
        self.routes: list[Route] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self._route("GET", "/versions", self._versions)
        self._route("GET", f"/{version}", self._details)
        for method in ("GET", "PUT", "DELETE"):
            self._route(method, f"/{version}/credentials", self._credentials)

    # -- serving -----------------------------------------------------------------------------------

    def serve(self, method: str, module: str, role: str, path: str, handler: Handler) -> None:
        """Answer a method at a path below a module's endpoint; parameters of the path in braces."""
        self._route(method, f"/{self.version}/{role.lower()}/{module}{path}", handler)

    def open(self, method: str, path: str, handler: Handler) -> None:
        """Answer something that is not OCPI and needs no token (here: what the demo asks for)."""

        async def endpoint(request: Request) -> Response:
            return await handler(request, await _body(request))

        self.routes.append(Route(path, endpoint, methods=[method]))

    def _route(self, method: str, path: str, handler: Handler) -> None:
        async def endpoint(request: Request) -> Response:
            shown = request.headers.get("authorization", "").removeprefix("Token ")
            if not secrets.compare_digest(shown, _encoded(self.token)):
                return answer(code=2001, http=401, message="unknown token")
            response = await handler(request, await _body(request))
            for name in ("x-request-id", "x-correlation-id"):
                if name in request.headers:
                    response.headers[name] = request.headers[name]
            _tell("<-", request.method, request.url.path, request.headers.get("x-correlation-id", ""))
            return response

        self.routes.append(Route("/ocpi" + path, endpoint, methods=[method]))

    def run(self, port: int, begin: Callable[[], Awaitable[None]]) -> None:
        """Serve on a loopback port until stopped; ``begin`` runs once the port is open."""
        asyncio.run(self._run(port, begin))

    async def _run(self, port: int, begin: Callable[[], Awaitable[None]]) -> None:
        app = Starlette(routes=self.routes)
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
        serving = asyncio.create_task(server.serve())
        while not server.started and not serving.done():  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.01)
        try:
            await begin()
        except (Refused, httpx.HTTPError) as error:  # without a hub there is nothing to serve
            server.should_exit = True
            await serving
            sys.exit(f"{self.name}: {error}")
        await serving

    def later(self, work: Any) -> None:
        """Carry on with something after the answer has gone out."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self.tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("%s: %s", self.name, task.exception(), exc_info=task.exception())

    # -- versions and credentials ------------------------------------------------------------------

    async def _versions(self, request: Request, _: JSON) -> Response:
        return answer([{"version": self.version, "url": f"{self.url}/ocpi/{self.version}"}])

    async def _details(self, request: Request, _: JSON) -> Response:
        base = f"{self.url}/ocpi/{self.version}"
        endpoints = [{"identifier": "credentials", "role": "SENDER", "url": f"{base}/credentials"}]
        for module, role in self.offered:
            endpoints.append({"identifier": module, "role": role, "url": f"{base}/{role.lower()}/{module}"})
        return answer({"version": self.version, "endpoints": endpoints})

    async def _credentials(self, request: Request, body: JSON) -> Response:
        if request.method == "PUT":  # the hub renews its token
            self.hub_token = body["token"]
            await self._read_hub(body["url"])
        if request.method == "DELETE":
            self.hub_token = ""
            return answer()
        return answer(self.credentials())

    def credentials(self) -> JSON:
        """Return our Credentials object."""
        role = {
            "role": self.role,
            "country_code": self.country_code,
            "party_id": self.party_id,
            "business_details": {"name": self.name},
        }
        return {"token": self.token, "url": f"{self.url}/ocpi/versions", "roles": [role]}

    async def register(self, versions_url: str, token_a: str) -> None:
        """Register at a hub with the CREDENTIALS_TOKEN_A it invited us with."""
        self.hub_token = token_a
        await self._read_hub(versions_url)
        given = await self._send("POST", self.hub_modules["credentials", ""], self.credentials())
        self.hub_token = given["token"]
        # 2.3.0 names the hub's own party; in 2.2.1 the hub is the only role it lists.
        hub = given.get("hub_party_id") or "".join(given["roles"][0][each] for each in ("country_code", "party_id"))
        self.hub_party = (hub[:2], hub[2:])
        print(f"{self.country_code}-{self.party_id} is registered at {'-'.join(self.hub_party)}", flush=True)

    async def _read_hub(self, versions_url: str) -> None:
        versions = await self._send("GET", versions_url)
        details = await self._send("GET", next(each["url"] for each in versions if each["version"] == self.version))
        self.hub_modules = {(each["identifier"], each["role"]): each["url"] for each in details["endpoints"]}
        self.hub_modules["credentials", ""] = next(
            each["url"] for each in details["endpoints"] if each["identifier"] == "credentials"
        )

    # -- calling -----------------------------------------------------------------------------------

    async def call(
        self, method: str, module: str, role: str, path: str = "", body: JSON = None, *, to: tuple[str, str]
    ) -> JSON:
        """Call a module of the hub; ``to`` is the party meant: the hub itself for a broadcast.

        Raises:
            Refused: the answer is not a success.
        """
        return await self._send(method, self.hub_modules[module, role] + path, body, to)

    async def call_url(self, url: str, body: JSON, *, to: tuple[str, str]) -> JSON:
        """POST to a URL we were given (a response_url)."""
        return await self._send("POST", url, body, to)

    async def _send(self, method: str, url: str, body: JSON = None, to: tuple[str, str] | None = None) -> JSON:
        headers = {
            "Authorization": f"Token {_encoded(self.hub_token)}",
            "X-Request-ID": str(uuid.uuid4()),
            "X-Correlation-ID": str(uuid.uuid4()),
        }
        if to is not None:
            headers |= {
                "OCPI-from-country-code": self.country_code,
                "OCPI-from-party-id": self.party_id,
                "OCPI-to-country-code": to[0],
                "OCPI-to-party-id": to[1],
            }
        response = await self.http.request(method, url, headers=headers, json=body)
        envelope = response.json()
        _tell("->", method, httpx.URL(url).path, headers["X-Correlation-ID"])
        if not 1000 <= envelope["status_code"] < 2000:
            raise Refused(f"{method} {url}: {envelope['status_code']} {envelope.get('status_message', '')}")
        return envelope.get("data")


def _tell(way: str, method: str, path: str, correlation_id: str) -> None:
    """Print a message that came or went, with what ``emall trace`` knows it by."""
    print(f"{way} {method:6} {path}  {correlation_id}", flush=True)


def sender(request: Request) -> tuple[str, str]:
    """Return the party a request comes from."""
    return request.headers["ocpi-from-country-code"], request.headers["ocpi-from-party-id"]


def _encoded(token: str) -> str:
    return base64.b64encode(token.encode()).decode()


async def _body(request: Request) -> JSON:
    text = await request.body()
    return json.loads(text) if text else None
