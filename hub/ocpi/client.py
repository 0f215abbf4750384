"""Calls to peers outside routing (handshakes, probes, pulls), and what routed ones share with them.

Source: OCPI 2.3.0, transport_and_format.asciidoc.
"""

import base64
from collections.abc import AsyncIterator, Callable, Container, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol
from urllib.parse import urlencode, urlsplit

import msgspec

from hub.ocpi import codec
from hub.ocpi.errors import (
    HubError,
    InvalidParameters,
    OcpiError,
    ReceiverFailed,
    ReceiverTimeout,
    ReceiverUnreachable,
)
from hub.ocpi.interfaces import InterfaceRole
from hub.ocpi.lanes import Lane
from hub.ocpi.messages import message_id
from hub.ocpi.objects import JSON
from hub.ocpi.quirks import PLAIN, Quirks
from hub.ocpi.wire import Answer, BadAnswer, NoAnswer, Wire, WireError

#: A list of more pages than this has no end.
_MOST_PAGES = 100_000


class Peer(Protocol):
    """A connection, as far as speaking to it needs."""

    @property
    def id(self) -> str: ...
    @property
    def token(self) -> str: ...
    @property
    def endpoints(self) -> Mapping[tuple[str, InterfaceRole], str]: ...
    @property
    def quirks(self) -> Quirks: ...


@dataclass(frozen=True)
class Envelope:
    """A peer's answer outside routing, decoded, its data as received."""

    http_status: int
    status_code: int
    status_message: str | None
    data: JSON
    headers: Mapping[str, str]


class Head(msgspec.Struct):
    """A peer's answer to a routed request: the envelope decoded, its data as received."""

    status_code: int
    timestamp: str
    data: msgspec.Raw = msgspec.Raw()
    status_message: str | None = None


#: Reads an envelope, which must be whole.
decode_head = msgspec.json.Decoder(Head).decode


def as_ocpi(error: WireError, timeout: float) -> OcpiError:
    """Return how OCPI says that there is no answer."""
    if isinstance(error, NoAnswer):
        return ReceiverTimeout(f"No answer within {timeout:g} s")
    if isinstance(error, BadAnswer):
        return ReceiverFailed(f"The receiving party's answer is broken: {error}")
    return ReceiverUnreachable(f"The receiving party is not connected: {error}")


@lru_cache(maxsize=4096)
def authorization(token: str, raw: bool) -> str:
    """Return the Authorization header for a credentials token (RFC 4648 section 4, no newline)."""
    return f"Token {token}" if raw else f"Token {base64.b64encode(token.encode()).decode()}"


def _ignore(**quirks: object) -> None:
    """Where nobody remembers quirks."""


class Client:
    """Calls peers: the cold path of handshakes, probes and pulls, and the lanes of routed requests.

    Args:
        timeout: seconds a peer may take to answer.
        concurrency: requests in flight to one peer at most; more wait, within their timeout.
    """

    def __init__(self, wire: Wire, *, timeout: float = 30.0, concurrency: int = 64) -> None:
        self.wire = wire
        self.timeout = timeout
        self._concurrency = concurrency
        self._lanes: dict[str, Lane] = {}

    def lane(self, peer_id: str) -> Lane:
        """Return the one lane all requests to a peer pass."""
        lane = self._lanes.get(peer_id)
        if lane is None:
            lane = self._lanes[peer_id] = Lane(self._concurrency)
        return lane

    async def call(
        self,
        method: str,
        url: str,
        token: str,
        *,
        body: JSON | None = None,
        quirks: Quirks = PLAIN,
        correlation_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Envelope:
        """Make one OCPI call outside routing.

        Raises:
            ReceiverUnreachable: no connection, or a URL the guard forbids.
            ReceiverTimeout: no answer in time.
            HubError: an answer that is not OCPI.
        """
        sent = {
            "Authorization": authorization(token, quirks.raw_token),
            "X-Request-ID": message_id(),
            "X-Correlation-ID": correlation_id or message_id(),
            **(headers or {}),
        }
        content = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            content = codec.encode(body)
        answer = await self.send(method, url, sent, content, timeout or self.timeout)
        return read_envelope(answer)

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, timeout: float
    ) -> Answer:
        """Send over the wire, its failures said as OCPI says them."""
        try:
            return await self.wire.send(method, url, headers, content, timeout=timeout)
        except WireError as error:
            raise as_ocpi(error, timeout) from error

    async def pages(
        self,
        url: str,
        token: str,
        *,
        quirks: Quirks = PLAIN,
        date_from: str | None = None,
        correlation_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int = 100,
        shown: Callable[..., object] = _ignore,
    ) -> AsyncIterator[list[JSON]]:
        """Yield a peer's list page by page; a Link that leads off the peer's host, or in a circle, is not followed.

        Args:
            shown: told of each quirk the peer shows meanwhile, by keyword.

        Raises:
            HubError: the peer refuses, or its list does not end.
        """
        query = {"limit": str(limit)} | ({"date_from": date_from} if date_from else {})
        first = url + ("/" if quirks.trailing_slash and not url.endswith("/") else "")
        following: str | None = f"{first}?{urlencode(query)}"
        seen: set[str] = set()
        offset = 0
        while following and following not in seen:
            if len(seen) >= _MOST_PAGES:
                raise HubError(f"{url} has no end: {_MOST_PAGES} pages were read")
            seen.add(following)
            answer = await self.call(
                "GET", following, token, quirks=quirks, correlation_id=correlation_id, headers=headers
            )
            if not 1000 <= answer.status_code < 2000:
                raise HubError(f"{following} answered {answer.status_code} {answer.status_message or ''}".strip())
            if isinstance(answer.data, dict):
                shown(single_for_list=True)
            page = answer.data if isinstance(answer.data, list) else [] if answer.data is None else [answer.data]
            yield page
            offset += len(page)
            following = _linked(answer, first, seen, quirks) if page else None
            if following is None and page and _goes_on(answer, offset):
                # Without a usable Link, what X-Total-Count promises beyond this page is fetched by position.
                shown(link="offset")
                following = f"{first}?{urlencode({**query, 'offset': str(offset)})}"


def _linked(answer: Envelope, first: str, seen: Container[str], quirks: Quirks) -> str | None:
    link = next_link(answer.headers.get("link"))
    usable = link and quirks.link == "follow" and link not in seen and urlsplit(link)[:2] == urlsplit(first)[:2]
    return link if usable else None


def _goes_on(answer: Envelope, offset: int) -> bool:
    total = count(answer.headers.get("x-total-count", ""))
    return total is not None and offset < total


def count(text: str) -> int | None:
    """Return the whole number a header says, if it is one somebody can mean."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def next_link(header: str | None) -> str | None:
    """Return the URL of rel=next in a Link header (RFC 8288), if there is one."""
    for link in (header or "").split(",<"):
        target, _, parameters = link.strip().lstrip("<").partition(">")
        if 'rel="next"' in parameters or "rel=next" in parameters.replace("'", ""):
            return target
    return None


def read_envelope(answer: Answer) -> Envelope:
    """Read an envelope as far as it goes, one that breaks its own table (no timestamp, say) too.

    Raises:
        HubError: it is no envelope.
    """
    try:
        value = codec.decode(answer.body)
    except InvalidParameters as error:
        raise _not_ocpi(answer) from error
    if not isinstance(value, dict) or type(value.get("status_code")) is not int:
        raise _not_ocpi(answer)
    message = value.get("status_message")
    return Envelope(
        answer.status, value["status_code"], message if isinstance(message, str) else None, value.get("data"),
        answer.headers,
    )  # fmt: skip


def _not_ocpi(answer: Answer) -> HubError:
    kind = ReceiverFailed if answer.status >= 500 else HubError
    return kind(f"The receiving party answered HTTP {answer.status} without an OCPI body")
