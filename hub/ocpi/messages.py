"""OCPI requests and responses as values, apart from HTTP.

Source: OCPI 2.3.0, transport_and_format.asciidoc (message routing, unique message IDs).
"""

import datetime
from collections.abc import Mapping
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, quote

from hub.ocpi.bodies import Body, Dialect
from hub.ocpi.errors import error_for
from hub.ocpi.ids import message_id
from hub.ocpi.interfaces import Operation
from hub.ocpi.objects import JSON

__all__ = ["Body", "Dialect", "Party", "Request", "Response", "message_id", "now"]


def now() -> str:
    """Return this instant as an OCPI DateTime: UTC, with milliseconds."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class Party(NamedTuple):
    """A party's address; ids are CiStrings and held upper-case."""

    country_code: str
    party_id: str

    @classmethod
    def of(cls, country_code: str, party_id: str) -> Self:
        return cls(country_code.upper(), party_id.upper())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the party written ``CC-PID`` (``NL-TNM``).

        Raises:
            ValueError: it is not two and three printable characters around a hyphen.
        """
        country_code, _, party_id = text.partition("-")
        if len(country_code) != 2 or not 1 <= len(party_id) <= 3 or not text.isascii() or not text.isprintable():
            raise ValueError(f"{text!r} is not CC-PID, such as NL-TNM")
        return cls.of(country_code, party_id)

    def __str__(self) -> str:
        return f"{self.country_code}-{self.party_id}"


#: The attributes, for ``but``.
_REQUEST = (
    "operation", "sender", "receiver", "params", "tail", "query", "body", "correlation_id", "request_id", "caller",
    "version",
)  # fmt: skip
_RESPONSE = ("data", "status_code", "status_message", "http_status", "headers", "sender", "envelope", "version")

_NO_PARAMS: Mapping[str, str] = {}
_NO_HEADERS: Mapping[str, str] = {}


class Request:
    """One call of one operation; nothing in it is changed once it has left the server or whoever made it.

    Attributes:
        sender: the OCPI-from party; None only for Configuration Modules.
        receiver: the OCPI-to party; None is an Open Routing Request.
        params: URL parameters, decoded.
        tail: what follows the module's endpoint URL, percent-encoded as received; empty where a
            request starts here: then it is built from ``params``.
        query: the query string as received, without ``?``.
        correlation_id: kept along the whole way.
        request_id: the X-Request-ID it came with; a new one is made on every hop.
        caller: the id of the connection it came over; None if it starts in this house.
        version: the version it was put in; None: the newest.
    """

    __slots__ = (
        "body", "caller", "correlation_id", "operation", "params", "query", "receiver", "request_id", "sender", "tail",
        "version",
    )  # fmt: skip

    def __init__(
        self,
        operation: Operation,
        sender: Party | None,
        receiver: Party | None = None,
        params: Mapping[str, str] = _NO_PARAMS,
        tail: str = "",
        query: str = "",
        body: Body | None = None,
        correlation_id: str = "",
        request_id: str = "",
        caller: str | None = None,
        version: Dialect | None = None,
    ) -> None:
        self.operation = operation
        self.sender = sender
        self.receiver = receiver
        self.params = params
        self.tail = tail
        self.query = query
        self.body = body
        self.correlation_id = correlation_id or message_id()
        self.request_id = request_id
        self.caller = caller
        self.version = version

    def but(self, **changes: Any) -> "Request":
        """Return this with some of it changed."""
        return Request(**{name: getattr(self, name) for name in _REQUEST} | changes)

    @property
    def path(self) -> str:
        """What follows the module's endpoint URL, percent-encoded."""
        if self.tail or not self.params:
            return self.tail or self.operation.path
        return "".join(
            "/" + quote(self.params[segment[1:-1]] if segment[:1] == "{" else segment, safe="")
            for segment in self.operation.segments
        )

    @property
    def parameters(self) -> dict[str, str]:
        """The query parameters, decoded; the first of a repeated one."""
        return {name: values[0] for name, values in parse_qs(self.query, keep_blank_values=True).items()}

    @property
    def value(self) -> JSON:
        """The body's value in the newest version; None without a body."""
        return self.body.value if self.body is not None else None

    def __str__(self) -> str:
        return f"{self.operation} {self.sender}->{self.receiver or '?'} {self.correlation_id}"


class Response:
    """The answer to a request; nothing in it is changed once it is given.

    Attributes:
        headers: Link, X-Total-Count, X-Limit, Location; nothing else travels on.
        sender: who answers, for OCPI-from; None: whoever was asked.
        envelope: the whole answer as received, with the version it is in: handed on as it came.
    """

    __slots__ = ("data", "envelope", "headers", "http_status", "sender", "status_code", "status_message", "version")

    def __init__(
        self,
        data: Body | None = None,
        status_code: int = 1000,
        status_message: str | None = None,
        http_status: int = 200,
        headers: Mapping[str, str] = _NO_HEADERS,
        sender: Party | None = None,
        envelope: bytes | None = None,
        version: Dialect | None = None,
    ) -> None:
        self.data = data
        self.status_code = status_code
        self.status_message = status_message
        self.http_status = http_status
        self.headers = headers
        self.sender = sender
        self.envelope = envelope
        self.version = version

    @classmethod
    def of(cls, declared: Any, value: JSON, **rest: Any) -> "Response":
        """Return a success with a value of the newest version."""
        return cls(Body(declared, value=value), **rest)

    @property
    def succeeded(self) -> bool:
        return 1000 <= self.status_code < 2000

    @property
    def value(self) -> JSON:
        return self.data.value if self.data is not None else None

    def but(self, **changes: Any) -> "Response":
        """Return this with some of it changed."""
        return Response(**{name: getattr(self, name) for name in _RESPONSE} | changes)

    def raise_for_status(self) -> Self:
        """Return self, or raise the ``OcpiError`` that says its status code."""
        if not self.succeeded:
            raise error_for(self.status_code, self.status_message)
        return self
