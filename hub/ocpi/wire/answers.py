"""What comes back over the wire, or why nothing did.

WireError
  ForbiddenURL       the guard refuses the URL or the address behind it; nothing was sent
  ConnectionFailed   refused, unreachable, unknown name, no trusted TLS
  NoAnswer           no whole answer within the timeout
  BadAnswer          broken HTTP, a connection closed before the answer's end, an answer too large
    Unheard          closed before the first byte of an answer
"""

from collections.abc import Mapping
from typing import NamedTuple


class Answer(NamedTuple):
    """An HTTP response, read whole; a redirect is an answer like any other.

    Attributes:
        headers: names in lower case; a repeated header's values stand joined by a comma.
        body: its content, without transfer or content coding.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class WireError(Exception):
    """The request has no answer."""


class ForbiddenURL(WireError):
    """The URL leads where no peer may send us."""


class ConnectionFailed(WireError):
    """There is no connection to the peer."""


class NoAnswer(WireError):
    """The peer did not answer in time."""


class BadAnswer(WireError):
    """The peer's answer cannot be used."""


class Unheard(BadAnswer):
    """The peer closed the connection before any answer."""
