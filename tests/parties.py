"""OCPI platforms for tests: real HTTP servers on loopback that register, record, answer as told, and call.

    async with PartyPlatform("Alpha", roles=[("CPO", "NL", "ALF")]) as alpha:
        await alpha.register(versions_url, token_a)
        await alpha.put("locations", "/NL/ALF/LOC1", body, to="NL-HUB")
        (pushed,) = await beta.received(module="locations")

A platform knows nothing of the hub's code: it is written from the text alone, so that both sides of
a test are not wrong in the same way. It follows the text unless told otherwise (``Oddities``).

Source: OCPI 2.2.1 and 2.3.0, transport_and_format.asciidoc, credentials.asciidoc.
"""

import asyncio
import base64
import contextlib
import functools
import json
import secrets
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from tests.serving import LoopServer

JSON = Any
Address = tuple[str, str]
Endpoint = tuple[str, str]

#: The Configuration Modules: they never carry routing headers.
CONFIGURATION = frozenset({"credentials", "versions", "hubclientinfo"})

_BOTH = ("SENDER", "RECEIVER")
_OWN = ("locations", "tariffs", "sessions", "cdrs")

#: What a platform in a role typically offers (terminology, Typical OCPI implementations per Role).
OFFERED: dict[str, tuple[Endpoint, ...]] = {
    "CPO": (
        *((module, "SENDER") for module in _OWN),
        ("tokens", "RECEIVER"),
        ("commands", "RECEIVER"),
        ("chargingprofiles", "RECEIVER"),
        ("hubclientinfo", "RECEIVER"),
    ),
    "EMSP": (
        *((module, "RECEIVER") for module in _OWN),
        ("tokens", "SENDER"),
        ("commands", "SENDER"),
        ("chargingprofiles", "SENDER"),
        ("hubclientinfo", "RECEIVER"),
    ),
    "SCSP": (("chargingprofiles", "SENDER"), ("sessions", "RECEIVER"), ("hubclientinfo", "RECEIVER")),
    "NSP": (("locations", "RECEIVER"), ("tariffs", "RECEIVER"), ("hubclientinfo", "RECEIVER")),
    "NAP": (("locations", "RECEIVER"), ("tariffs", "RECEIVER"), ("hubclientinfo", "RECEIVER")),
    "OTHER": (*((module, "RECEIVER") for module in _OWN), ("tokens", "SENDER"), ("hubclientinfo", "RECEIVER")),
    "HUB": tuple((module, role) for module in (*_OWN, "tokens", "commands", "chargingprofiles") for role in _BOTH),
}


@dataclass(frozen=True, kw_only=True)
class Oddities:
    """How a platform departs from the text.

    Attributes:
        raw_token: it takes and sends tokens without Base64.
        roleless: its version details name no interface roles.
        trailing_slash: its URLs end with a slash, and 404 without one.
        no_201: it answers 200 where it creates.
        single_for_list: a list of one is the bare object.
        lower_case_ids: it says its ids in lower case.
        no_link: its pages carry no Link.
        versions_status: the OCPI status of its versions endpoint.
        credentials_role: the interface role it names for its credentials endpoint.
    """

    raw_token: bool = False
    roleless: bool = False
    trailing_slash: bool = False
    no_201: bool = False
    single_for_list: bool = False
    lower_case_ids: bool = False
    no_link: bool = False
    versions_status: int = 1000
    credentials_role: str = "SENDER"


@dataclass(frozen=True)
class Received:
    """A request a platform got.

    Attributes:
        tail: what follows the module's endpoint URL, percent-encoded as it came.
        headers: lower-case names.
    """

    method: str
    module: str
    role: str
    version: str
    tail: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    path: str

    @property
    def json(self) -> JSON:
        return json.loads(self.body) if self.body else None

    @property
    def sender(self) -> str | None:
        """OCPI-from as CC-PID."""
        return _joined(self.headers, "from")

    @property
    def receiver(self) -> str | None:
        """OCPI-to as CC-PID."""
        return _joined(self.headers, "to")

    @property
    def token(self) -> str:
        """The token as it stands in the header, still encoded."""
        return self.headers.get("authorization", "").removeprefix("Token ")


@dataclass
class Answer:
    """What a platform answers.

    Attributes:
        body: the exact bytes, in place of an envelope.
        delay: in seconds before it answers.
        hang: it never answers.
        after: it answers once this is set.
    """

    data: JSON = None
    status_code: int = 1000
    http_status: int = 200
    status_message: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    delay: float = 0.0
    hang: bool = False
    after: asyncio.Event | None = None


@dataclass(frozen=True)
class Reply:
    """What a platform was answered."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def json(self) -> JSON:
        return json.loads(self.body)

    @property
    def code(self) -> int:
        """The OCPI status code."""
        code: int = self.json["status_code"]
        return code

    @property
    def data(self) -> JSON:
        return self.json.get("data")

    @property
    def message(self) -> str:
        return self.json.get("status_message") or ""

    @property
    def sender(self) -> str | None:
        """OCPI-from of the answer, as CC-PID."""
        return _joined(self.headers, "from")

    @property
    def receiver(self) -> str | None:
        """OCPI-to of the answer, as CC-PID."""
        return _joined(self.headers, "to")


class Refused(AssertionError):
    """A platform did not get the success it needed."""


class PartyPlatform:
    """A platform of one or more parties.

    Args:
        roles: its parties, as (role, country_code, party_id).
        versions: what it offers, the preferred last.
        offered: its (module, role) endpoints; None: what is typical of its roles.
        origin: where it stands if it is reached without a socket (as ``app``, by ``Wire(local=...)``).
        transport: how its own requests travel; None: over HTTP.

    Attributes:
        inbox: every request to a module it got, in order.
        log: every request at all, versions and credentials included.
        objects: what its Sender interfaces list, by module.
        tokens: the credentials tokens it takes from others.
        hub_token: the token it uses towards the hub.
        hub_endpoints: where the hub's modules are, by (module, role).
    """

    def __init__(
        self,
        name: str = "Alpha",
        roles: Sequence[tuple[str, str, str]] = (("CPO", "NL", "ALF"),),
        *,
        versions: Sequence[str] = ("2.2.1",),
        offered: Sequence[Endpoint] | None = None,
        oddities: Oddities = Oddities(),
        origin: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.name = name
        self.roles = [tuple(role) for role in roles]
        self.versions = list(versions)
        self.offered: list[Endpoint] = list(offered) if offered is not None else _typical(roles)
        self.oddities = oddities
        self.origin = origin or ""
        self.inbox: list[Received] = []
        self.log: list[Received] = []
        self.objects: dict[str, list[JSON]] = {}
        self.tokens: set[str] = set()
        self.invitations: set[str] = set()
        self.credentials_path = "credentials"
        self.hub_token = ""
        self.hub_url = ""
        self.hub_versions: dict[str, str] = {}
        self.hub_endpoints: dict[Endpoint, str] = {}
        self.version = self.versions[-1]
        self._answers: list[tuple[dict[str, str], Answer | Callable[[Received], Answer], list[int]]] = []
        self._known: set[str] = set()
        self._arrived = asyncio.Condition()
        self._http = httpx.AsyncClient(transport=transport, verify=_tls(), trust_env=False, timeout=30)
        self._server: LoopServer | None = None
        self._port = 0

    # -- its life ---------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        if not self.origin:
            await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
        await self._http.aclose()

    async def open(self) -> None:
        """Begin to listen; after ``close`` on the same port again."""
        self._server = LoopServer(self.app, self._port)
        self._port = await self._server.start()
        self.origin = f"http://127.0.0.1:{self._port}"

    async def close(self) -> None:
        """Stop listening: whoever calls is refused the connection."""
        if self._server is not None:
            await self._server.stop()
            self._server = None

    # -- what it is -------------------------------------------------------------------------------

    @property
    def party(self) -> str:
        """Its first party, as CC-PID."""
        _, country_code, party_id = self.roles[0]
        return f"{country_code}-{party_id}"

    @property
    def versions_url(self) -> str:
        return f"{self.origin}/ocpi/versions"

    def url(self, module: str, role: str, version: str | None = None) -> str:
        """Return where one of its own modules is."""
        where = f"{self.origin}/ocpi/{version or self.version}/{role.lower()}/{module}"
        return where + "/" if self.oddities.trailing_slash else where

    def credentials(self, token: str) -> JSON:
        """Return its Credentials object, with the token others shall use."""
        lower = self.oddities.lower_case_ids
        return {
            "token": token,
            "url": self.versions_url,
            "roles": [
                {
                    "role": role,
                    "country_code": country_code.lower() if lower else country_code,
                    "party_id": party_id.lower() if lower else party_id,
                    "business_details": {"name": self.name},
                }
                for role, country_code, party_id in self.roles
            ],
        }

    def new_token(self) -> str:
        """Return a new token that it takes from now on."""
        token = secrets.token_urlsafe(24)
        self.tokens.add(token)
        return token

    def invite(self) -> str:
        """Return a CREDENTIALS_TOKEN_A for whoever shall register here."""
        token = secrets.token_urlsafe(24)
        self.invitations.add(token)
        return token

    def answer(
        self, answer: Answer | Callable[[Received], Answer] | None = None, *, times: int = -1, **wanted: str
    ) -> Answer | Callable[[Received], Answer]:
        """Answer so from now on where the named fields of ``Received`` are as wanted; the latest wins.

        ``platform.answer(Answer(status_code=2001), module="locations", method="PUT")``; ``times`` limits how often.
        """
        chosen = answer if answer is not None else Answer()
        self._answers.append((wanted, chosen, [times]))
        return chosen

    def forget_answers(self) -> None:
        """Answer as by itself again."""
        self._answers.clear()

    async def received(self, count: int = 1, *, timeout: float = 5.0, **wanted: str) -> list[Received]:
        """Wait until so many such requests to modules are in the inbox, and return all of them.

        Raises:
            AssertionError: they did not come in time; it says what came.
        """

        def found() -> list[Received]:
            return [each for each in self.inbox if all(getattr(each, name) == value for name, value in wanted.items())]

        try:
            async with asyncio.timeout(timeout), self._arrived:
                await self._arrived.wait_for(lambda: len(found()) >= count)
        except TimeoutError as error:
            came = [f"{each.method} {each.path}" for each in self.inbox]
            raise AssertionError(f"{self.name} got {len(found())} of {count} {wanted}; in all: {came}") from error
        return found()

    # -- what it serves ---------------------------------------------------------------------------

    async def app(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Serve one HTTP request (ASGI)."""
        if scope["type"] != "http":
            return
        request = await self._read(scope, receive)
        self.log.append(request)
        answer = await self._serve(request)
        if answer.delay:
            await asyncio.sleep(answer.delay)
        if answer.after is not None:
            await answer.after.wait()
        if answer.hang:
            await asyncio.Event().wait()
        body = answer.body if answer.body is not None else _envelope(answer)
        headers = {"content-type": "application/json", **{k.lower(): v for k, v in answer.headers.items()}}
        for name in ("x-request-id", "x-correlation-id"):
            if name in request.headers:
                headers.setdefault(name, request.headers[name])
        headers["content-length"] = str(len(body))
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": answer.http_status, "headers": raw})
        await send({"type": "http.response.body", "body": body})

    async def _read(self, scope: MutableMapping[str, Any], receive: Any) -> Received:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        path = scope["raw_path"].decode("latin-1").partition("?")[0]
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode(), True).items()}
        version, role, module, tail = _place(path)
        return Received(scope["method"], module, role, version, tail, query, headers, body, path)

    async def _serve(self, request: Received) -> Answer:
        odd = self._told(request)
        if odd is not None and request.module in ("versions", "details", "credentials"):
            return odd
        invited = self._holds(request, self.invitations)
        if not self._holds(request, self.tokens) and not (
            invited and request.module in ("versions", "details", "credentials")
        ):
            return Answer(http_status=401, status_code=2001, status_message="unknown token")
        if request.module == "versions":
            return Answer(self._versions(), self.oddities.versions_status)
        if request.module == "details":
            if request.version not in self.versions:
                return Answer(http_status=404, status_code=2001)
            return Answer(self._details(request.version))
        if request.module == "credentials":
            return await self._credentials(request)
        self.inbox.append(request)
        async with self._arrived:
            self._arrived.notify_all()
        if (request.module, request.role) not in self.offered:
            return Answer(http_status=404, status_code=2001, status_message="no such endpoint")
        if self.oddities.trailing_slash and not request.path.endswith("/"):
            return Answer(http_status=404, status_code=2001, status_message="a slash is missing")
        return odd or self._by_itself(request)

    def _holds(self, request: Received, tokens: set[str]) -> bool:
        """Whether a request carries one of these tokens, encoded as the platform expects."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if self.oddities.raw_token:
            return scheme == "Token" and given in tokens
        return scheme == "Token" and given in {_encoded(token) for token in tokens}

    def _told(self, request: Received) -> Answer | None:
        for wanted, answer, left in reversed(self._answers):
            if left[0] and all(getattr(request, name) == value for name, value in wanted.items()):
                left[0] -= 1
                return answer(request) if callable(answer) else answer
        return None

    def _versions(self) -> JSON:
        return [{"version": each, "url": f"{self.origin}/ocpi/{each}/details"} for each in self.versions]

    def _details(self, version: str) -> JSON:
        role = self.oddities.credentials_role
        endpoints: list[dict[str, str]] = [
            {"identifier": "credentials", "role": role, "url": f"{self.origin}/ocpi/{version}/{self.credentials_path}"}
        ]
        for module, interface in self.offered:
            endpoints.append({"identifier": module, "role": interface, "url": self.url(module, interface, version)})
        if self.oddities.roleless:
            endpoints = [{name: each[name] for name in ("identifier", "url")} for each in endpoints]
        return {"version": version, "endpoints": endpoints}

    async def _credentials(self, request: Received) -> Answer:
        """Be the Receiver of the credentials handshake."""
        registered = self._holds(request, self.tokens)
        if request.method == "GET":
            return Answer(self.credentials(_decoded(request.token, self.oddities.raw_token)))
        if request.method == "POST" and registered:
            return Answer(http_status=405, status_code=2001)
        if request.method in ("PUT", "DELETE") and not registered:
            return Answer(http_status=405, status_code=2001)
        if request.method == "DELETE":
            self.tokens.clear()
            return Answer()
        given = request.json
        self.hub_token, self.hub_url = given["token"], given["url"]
        await self.look_at_hub(request.version)
        if request.method == "POST":
            self.invitations.clear()
        else:
            self.tokens.clear()
        return Answer(self.credentials(self.new_token()))

    def _by_itself(self, request: Received) -> Answer:
        if request.method == "POST" and (request.module, request.role) == ("commands", "RECEIVER"):
            return Answer({"result": "ACCEPTED", "timeout": 30})
        if request.module == "chargingprofiles" and request.role == "RECEIVER":
            return Answer({"result": "ACCEPTED", "timeout": 30})
        if request.method == "GET":
            return self._get(request)
        if request.method == "POST" and (request.module, request.role) == ("tokens", "SENDER"):
            return Answer(self._authorization(request))
        created = request.method in ("PUT", "POST") and request.path not in self._known
        if request.method == "PUT":
            self._known.add(request.path)
        headers = {}
        if request.module == "cdrs" and request.method == "POST":
            headers["Location"] = f"{request.path and self.url('cdrs', 'RECEIVER')}/{request.json['id']}"
        status = 201 if created and not self.oddities.no_201 and request.role == "RECEIVER" else 200
        return Answer(http_status=status, headers=headers)

    def _authorization(self, request: Received) -> JSON:
        uid = request.tail.split("/")[1]
        tokens = [token for token in self.objects.get("tokens", []) if token["uid"] == uid]
        return {"allowed": "ALLOWED" if tokens else "BLOCKED", **({"token": tokens[0]} if tokens else {})}

    def _get(self, request: Received) -> Answer:
        if request.role == "RECEIVER":
            pushed = [each for each in self.inbox if each.tail == request.tail and each.method == "PUT"]
            return Answer(pushed[-1].json) if pushed else Answer(http_status=404, status_code=2003)
        if request.tail:
            found = [each for each in self.objects.get(request.module, []) if each.get("id") == request.tail[1:]]
            return Answer(found[0]) if found else Answer(http_status=404, status_code=2003)
        return self._page(request)

    def _page(self, request: Received) -> Answer:
        query = request.query
        objects = [
            each
            for each in self.objects.get(request.module, [])
            if query.get("date_from", "") <= each["last_updated"] < query.get("date_to", "~")
        ]
        limit, offset = min(int(query.get("limit", 50)), 50), int(query.get("offset", 0))
        page = objects[offset : offset + limit]
        headers = {"X-Total-Count": str(len(objects)), "X-Limit": str(limit)}
        if offset + limit < len(objects) and not self.oddities.no_link:
            following = urlencode({**query, "limit": limit, "offset": offset + limit})
            headers["Link"] = f'<{self.url(request.module, "SENDER")}?{following}>; rel="next"'
        data = page[0] if self.oddities.single_for_list and len(page) == 1 else page
        return Answer(data, headers=headers)

    # -- what it calls ----------------------------------------------------------------------------

    async def send(
        self,
        method: str,
        url: str,
        *,
        token: str | None = None,
        body: JSON = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Make one HTTP request to an absolute URL with its token towards the hub (or another)."""
        given = token if token is not None else self.hub_token
        sent = {
            "Authorization": f"Token {given if self.oddities.raw_token else _encoded(given)}",
            "X-Request-ID": secrets.token_hex(8),
            "X-Correlation-ID": secrets.token_hex(8),
            **(headers or {}),
        }
        sent = {name: value for name, value in sent.items() if value is not None}
        if content is None and body is not None:
            content = json.dumps(body, ensure_ascii=False).encode()
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        response = await self._http.request(method, url, headers=sent, content=content)
        return Reply(response.status_code, response.headers, response.content)

    async def call(
        self,
        method: str,
        module: str,
        path: str = "",
        *,
        role: str = "RECEIVER",
        to: str | None = None,
        sender: str | None = None,
        body: JSON = None,
        content: bytes | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> Reply:
        """Call one of the hub's modules.

        Args:
            path: what follows the endpoint URL, percent-encoded.
            to: the receiving party as CC-PID; None: no OCPI-to headers.
            sender: the sending party as CC-PID; None: its first; "": no OCPI-from headers.
        """
        url = self.hub_endpoints[module, role].rstrip("/") + path
        if query:
            url += "?" + urlencode(query)
        routing: dict[str, str] = {}
        if module not in CONFIGURATION:
            routing = _headers("from", self.party if sender is None else sender) | _headers("to", to or "")
        return await self.send(
            method, url, token=token, body=body, content=content, headers={**routing, **(headers or {})}
        )

    async def get(self, module: str, path: str = "", **rest: Any) -> Reply:
        return await self.call("GET", module, path, **{"role": "SENDER", **rest})

    async def put(self, module: str, path: str, body: JSON, **rest: Any) -> Reply:
        return await self.call("PUT", module, path, body=body, **rest)

    async def patch(self, module: str, path: str, body: JSON, **rest: Any) -> Reply:
        return await self.call("PATCH", module, path, body=body, **rest)

    async def post(self, module: str, path: str, body: JSON, **rest: Any) -> Reply:
        return await self.call("POST", module, path, body=body, **rest)

    async def delete(self, module: str, path: str, **rest: Any) -> Reply:
        return await self.call("DELETE", module, path, **rest)

    async def pages(self, module: str, **rest: Any) -> AsyncIterator[Reply]:
        """Crawl a list of the hub along Link."""
        reply = await self.get(module, **rest)
        yield reply
        headers = _headers("from", self.party) | _headers("to", rest.get("to") or "")
        while (link := reply.headers.get("link")) is not None:
            reply = await self.send("GET", link[1 : link.index(">")], headers=headers)
            yield reply

    # -- the handshake as Sender ------------------------------------------------------------------

    async def look_at_hub(self, version: str, token: str | None = None) -> None:
        """GET the hub's versions and the details of one of them.

        Raises:
            Refused: the hub does not answer 1000, or lacks the version.
        """
        versions = _succeeded(await self.send("GET", self.hub_url, token=token))
        self.hub_versions = {each["version"]: each["url"] for each in versions.data}
        if version not in self.hub_versions:
            raise Refused(f"{version} is not among {sorted(self.hub_versions)}")
        details = _succeeded(await self.send("GET", self.hub_versions[version], token=token))
        self.hub_endpoints = {(each["identifier"], each["role"]): each["url"] for each in details.data["endpoints"]}
        self.version = version

    async def register(self, versions_url: str, token_a: str, *, version: str | None = None) -> JSON:
        """Register with a hub, and return its Credentials object.

        Raises:
            Refused: it was not registered; the message is the hub's.
        """
        self.hub_url = versions_url
        await self.look_at_hub(version or self.version, token_a)
        reply = await self.post_credentials(token_a)
        return _succeeded(reply).data

    async def post_credentials(self, token_a: str, body: JSON = None) -> Reply:
        """POST credentials; a success is remembered."""
        sent = body or self.credentials(self.new_token())
        return self._remembered(await self.credentials_call("POST", token=token_a, body=sent))

    async def put_credentials(self, body: JSON = None, *, version: str | None = None) -> Reply:
        """PUT credentials (a new token, the present parties), perhaps to another version's endpoint."""
        if version is not None:
            await self.look_at_hub(version)
        former = set(self.tokens)
        reply = self._remembered(await self.credentials_call("PUT", body=body or self.credentials(self.new_token())))
        if reply.status == 200 and reply.code == 1000:
            self.tokens -= former
        return reply

    async def credentials_call(self, method: str, *, token: str | None = None, body: JSON = None) -> Reply:
        """Call the hub's credentials endpoint."""
        url = next(url for (module, _), url in self.hub_endpoints.items() if module == "credentials")
        return await self.send(method, url, token=token, body=body)

    def _remembered(self, reply: Reply) -> Reply:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            if reply.code == 1000:
                self.hub_token, self.hub_url = reply.data["token"], reply.data["url"]
        return reply


@functools.cache
def _tls() -> ssl.SSLContext:
    """Return one context for all: to read the certificates anew takes longer than to register."""
    return ssl.create_default_context()


def _typical(roles: Sequence[tuple[str, str, str]]) -> list[Endpoint]:
    return list(dict.fromkeys(each for role, _, _ in roles for each in OFFERED[role]))


def _place(path: str) -> tuple[str, str, str, str]:
    """Return version, role, module and tail of a path of a platform."""
    segments = path.split("/")[2:]
    if segments[:1] == ["versions"]:
        return "", "", "versions", ""
    version, kind = segments[0], segments[1] if len(segments) > 1 else ""
    if kind in ("details", "credentials"):
        return version, "", kind, ""
    module = segments[2] if len(segments) > 2 else ""
    tail = "/".join(segments[3:]).rstrip("/")
    return version, kind.upper(), module, f"/{tail}" if tail else ""


def _joined(headers: Mapping[str, str], way: str) -> str | None:
    country_code, party_id = headers.get(f"ocpi-{way}-country-code"), headers.get(f"ocpi-{way}-party-id")
    return f"{country_code}-{party_id}" if country_code and party_id else None


def _headers(way: str, party: str) -> dict[str, str]:
    if not party:
        return {}
    country_code, _, party_id = party.partition("-")
    return {f"OCPI-{way}-country-code": country_code, f"OCPI-{way}-party-id": party_id}


def _encoded(token: str) -> str:
    return base64.b64encode(token.encode()).decode()


def _decoded(given: str, raw: bool) -> str:
    return given if raw else base64.b64decode(given).decode()


def _envelope(answer: Answer) -> bytes:
    envelope: dict[str, JSON] = {"status_code": answer.status_code, "timestamp": "2026-01-01T00:00:00Z"}
    if answer.data is not None:
        envelope["data"] = answer.data
    if answer.status_message is not None:
        envelope["status_message"] = answer.status_message
    return json.dumps(envelope, ensure_ascii=False).encode()


def _succeeded(reply: Reply) -> Reply:
    if reply.status >= 300 or reply.code != 1000:
        raise Refused(f"HTTP {reply.status}: {reply.body[:500]!r}")
    return reply


def host_of(url: str) -> str:
    """Return the origin of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
