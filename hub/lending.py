"""How a message's URLs are exchanged for the hub's on their way through.

Source: OCPI 2.3.0, mod_commands.asciidoc, mod_charging_profiles.asciidoc (response_url), mod_cdrs.asciidoc
(Location), transport_and_format.asciidoc (Link).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote_plus, urlencode, urljoin, urlsplit

import msgspec

from hub.callbacks import Callbacks, Kind
from hub.catalogue import Catalogue
from hub.credentials.connections import Connection
from hub.database import Database
from hub.heads import reader
from hub.keeping import fold
from hub.ocpi import codec
from hub.ocpi.client import count, next_link
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.interfaces import Operation
from hub.ocpi.messages import Body, Party, Request, Response
from hub.ocpi.objects import JSONObject
from hub.ocpi.wire import WireError

_MAX_URL = 255  # types.asciidoc, URL


class _Command(msgspec.Struct):
    """The fields of a command that routing reads."""

    response_url: str = ""
    token: JSONObject | None = None
    session_id: str | None = None
    reservation_id: str | None = None
    expiry_date: str | None = None


class _Taken(msgspec.Struct):
    """What a CommandResponse or ChargingProfileResponse says of the result to come."""

    result: str = ""
    timeout: float = 0


read_command = reader(_Command)
_read_taken = msgspec.json.Decoder(_Taken).decode


@dataclass(frozen=True)
class Wanted:
    """Where an asker wants its result, and what a reservation is found by."""

    url: str
    reservation: str = ""
    expiry_date: str | None = None


async def check_command(request: Request, parties: tuple[Party, ...], receiver: Party, catalogue: Catalogue) -> None:
    """Refuse a command with a Token, or about a Session, that is not the asker's.

    Raises:
        InvalidParameters: naming the field.
    """
    if request.body is None:
        return
    command = read_command(request.body.text(request.version))
    if command.token is not None:
        owner = Party.of(*(str(command.token.get(name, "")) for name in ("country_code", "party_id")))
        if owner not in parties:
            raise InvalidParameters(f"$.token: belongs to {owner}, which is no party of the calling platform")
    if command.session_id is not None:
        await check_session(command.session_id, request, receiver, catalogue)


async def check_session(session_id: str, request: Request, receiver: Party, catalogue: Catalogue) -> None:
    """Refuse to touch a Session the hub knows to be another eMSP's.

    Raises:
        InvalidParameters: it is.
    """
    peers = await catalogue.peers_of("sessions", receiver, fold(session_id))
    if peers and str(request.sender) not in peers:
        raise InvalidParameters(f"session {session_id}: it is not a session of {request.sender}")


def response_url(request: Request) -> Wanted:
    """Return where the asker wants the result.

    Raises:
        InvalidParameters: it says no URL.
    """
    if request.operation.response_url == "query":
        url = request.parameters.get("response_url")
        if not url:
            raise InvalidParameters("query parameter response_url: required")
        return Wanted(url)
    assert request.body is not None, "a command has a judged body"
    command = read_command(request.body.text(request.version))
    reserving = request.operation.path == "/RESERVE_NOW"
    return Wanted(command.response_url, fold(command.reservation_id or "") if reserving else "", command.expiry_date)


def check_host(url: str, asker: Connection, check_url: Callable[[str], None]) -> None:
    """Refuse a response_url that does not lie on a host of its asker, or that the guard forbids.

    Raises:
        InvalidParameters: it does not.
    """
    try:
        check_url(url)
        host = urlsplit(url).hostname or ""
    except (WireError, ValueError) as error:
        raise InvalidParameters(f"$.response_url: {error}") from error
    own = {urlsplit(each).hostname for each in (asker.versions_url, *asker.endpoints.values())}
    extra = asker.options.get("response_hosts") or ()
    if host not in own and host not in extra:
        raise InvalidParameters(f"$.response_url: {host} is no host of {asker.name}'s versions URL or endpoints")


def result_url(base_url: str, version: str, operation: Operation, uid: str) -> str:
    """Return the hub's URL for a result, under the version of the party that will call it."""
    kind = operation.path.rsplit("/", 1)[-1] if operation.module == "commands" else _PROFILE_KINDS[operation.method]
    return f"{base_url}/{version}/sender/{operation.module}/{kind}/{uid}"


#: chargingprofiles has three kinds of result, one per method that asks (mod_charging_profiles).
_PROFILE_KINDS = {"GET": "activechargingprofile", "PUT": "chargingprofile", "DELETE": "clearprofile"}

_RESPONSE_URL = re.compile(rb'("response_url"\s*:\s*)"(?:[^"\\]|\\.)*"')


def exchanged(request: Request, own: str) -> Request:
    """Return the request with the hub's URL in place of the asker's; every other byte stays."""
    if request.operation.response_url == "query":
        parts = [
            f"{part.partition('=')[0]}={quote(own, safe='')}"
            if unquote_plus(part.partition("=")[0]) == "response_url"
            else part
            for part in request.query.split("&")
        ]
        return request.but(query="&".join(parts))
    body = request.body
    assert body is not None, "a command has a judged body"
    text = body.text(body.version)
    if len(_RESPONSE_URL.findall(text)) == 1:
        changed = _RESPONSE_URL.sub(lambda found: found[1] + codec.encode(own), text)
    else:  # the name stands elsewhere too, or is written with escapes
        changed = codec.encode(codec.decode(text) | {"response_url": own})
    return request.but(body=Body(body.declared, text=changed, version=body.version, owner=body.owner))


def timeout_of(response: Response) -> float | None:
    """Return how many seconds until the result is due, if the command was accepted."""
    if not response.succeeded or response.data is None:
        return None
    try:
        taken = _read_taken(response.data.text(response.version or response.data.version))
    except msgspec.DecodeError:
        return None
    return taken.timeout if taken.result == "ACCEPTED" and taken.timeout > 0 else None


@dataclass(frozen=True)
class Lender:
    """Exchanges the URLs of answers for the hub's, and remembers whose they are.

    Attributes:
        base_url: the hub's OCPI address.
    """

    base_url: str
    database: Database
    callbacks: Callbacks

    async def headers(self, request: Request, connection: Connection, response: Response) -> Mapping[str, str]:
        """Return an answer's headers with URLs of the hub's; one that cannot be is left out."""
        headers = dict(response.headers)
        for name, exchange in (("link", self._link), ("location", self._location)):
            given = headers.pop(name, None)
            own = await exchange(request, connection, given) if given else None
            if own is not None:
                headers[name] = own
        if "link" not in headers and request.operation.paginated and connection.quirks.link == "offset":
            own = self._by_position(request, response)
            return headers if own is None else {**headers, "link": own}
        return headers

    async def _link(self, request: Request, connection: Connection, header: str) -> str | None:
        """Return the Link header that leads a client through the hub to a party's next page.

        Where the party's link is its endpoint with another query, the hub's is the same with that
        query; any other is lent, so that a page that has its own path is found, too.
        """
        link = next_link(header)
        if link is None:
            return None
        operation = request.operation
        own = f"{self._endpoint(request)}{request.path}"
        endpoint = connection.endpoints.get((operation.module, operation.role), "")
        given, known = urlsplit(link), urlsplit(endpoint.rstrip("/") + request.path)
        if given.path.rstrip("/") == known.path.rstrip("/") and len(f"{own}?{given.query}") <= _MAX_URL:
            return f'<{own}?{given.query}>; rel="next"'
        return f'<{own}?link={await self._lend(request, connection, "link", link)}>; rel="next"'

    def _by_position(self, request: Request, response: Response) -> str | None:
        """Return the Link a party does not give, as its X-Total-Count promises one."""
        total, offset = count(response.headers.get("x-total-count", "")), count(request.parameters.get("offset") or "0")
        if response.data is None or total is None or offset is None:
            return None
        page = codec.decode(response.data.text(response.data.version))
        if not isinstance(page, list) or not page or offset + len(page) >= total:
            return None
        query = urlencode({**request.parameters, "offset": offset + len(page)})
        return f'<{self._endpoint(request)}{request.path}?{query}>; rel="next"'

    async def _location(self, request: Request, connection: Connection, location: str) -> str | None:
        """Return the hub's URL for where a receiver put something.

        That of a CDR is lent: only the CPO that sent it may use it. The text gives no other request a
        Location; one that is below the receiver's endpoint is the same below the hub's.
        """
        operation = request.operation
        endpoint = connection.endpoints.get((operation.module, operation.role), "")
        absolute = urljoin(endpoint, location)
        if operation.module == "cdrs":
            return f"{self._endpoint(request)}/{await self._lend(request, connection, 'location', absolute)}"
        below = absolute.removeprefix(endpoint.rstrip("/") + "/")
        own = f"{self._endpoint(request)}/{below}"
        return own if below != absolute and len(own) <= _MAX_URL else None

    def _endpoint(self, request: Request) -> str:
        version = request.version.number if request.version else "2.3.0"
        return f"{self.base_url}/{version}/{request.operation.role.lower()}/{request.operation.module}"

    async def _lend(self, request: Request, connection: Connection, kind: Kind, url: str) -> str:
        assert request.sender is not None, "functional modules have a sender"
        assert request.receiver is not None, "the router names the receiver of what it puts"
        lent = self.callbacks.new(
            kind, url, (request.receiver, connection.id), (request.sender, request.caller or ""),
            request.operation.module, request.correlation_id,
        )  # fmt: skip
        await self.database.transact(lambda tx: self.callbacks.store(tx, lent))
        return lent.uid
