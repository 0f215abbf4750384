"""Everything that can go wrong, as OCPI says it.

OcpiError                    2000
  InvalidParameters          2001
    Unparsable               2001   HTTP 400: not JSON at all
    TooLarge                 2001   HTTP 413
    UnknownEndpoint          2001   HTTP 404
    MethodNotAllowed         2001   HTTP 405
    Unauthorized             2001   HTTP 401
    TooManyRequests          2001   HTTP 429
  NotEnoughInformation       2002
  UnknownLocation            2003
  UnknownToken               2004
  ServerError                3000   transient
    UnableToUseClientApi     3001
    UnsupportedVersion       3002
    NoMatchingEndpoints      3003
  HubError                   4000
    UnknownReceiver          4001
    ReceiverTimeout          4002   transient
    ReceiverUnreachable      4003   transient

The docstring is the default message. ``transient`` says whether the same delivery may be tried
again. Only an ``OcpiError`` leaves the house; anything else is logged and answered 3000.

Source: OCPI 2.3.0, status_codes.asciidoc.
"""

from collections.abc import Sequence
from typing import ClassVar


class OcpiError(Exception):
    """Generic client error."""

    status_code: ClassVar[int] = 2000
    http_status: ClassVar[int] = 200
    transient: ClassVar[bool] = False

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").split("\n")[0])


class InvalidParameters(OcpiError):
    """Invalid or missing parameters."""

    status_code = 2001


class Unparsable(InvalidParameters):
    """The body is not valid JSON."""

    http_status = 400


class TooLarge(InvalidParameters):
    """The body is too large."""

    http_status = 413


class UnknownEndpoint(InvalidParameters):
    """There is no such endpoint or object."""

    http_status = 404


class MethodNotAllowed(InvalidParameters):
    """This method does not exist here."""

    http_status = 405

    def __init__(self, message: str | None = None, *, allow: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.allow = tuple(allow)


class Unauthorized(InvalidParameters):
    """The Authorization header holds no token of a known party."""

    http_status = 401


class TooManyRequests(InvalidParameters):
    """Too many requests on this connection."""

    http_status = 429

    def __init__(self, message: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # in seconds


class NotEnoughInformation(OcpiError):
    """Not enough information."""

    status_code = 2002


class UnknownLocation(OcpiError):
    """Unknown Location, EVSE or Connector."""

    status_code = 2003


class UnknownToken(OcpiError):
    """Unknown Token."""

    status_code = 2004


class ServerError(OcpiError):
    """Generic server error."""

    status_code = 3000
    transient = True


class UnableToUseClientApi(ServerError):
    """Unable to use the client's API."""

    status_code = 3001
    transient = False


class UnsupportedVersion(ServerError):
    """There is no mutual version."""

    status_code = 3002
    transient = False


class NoMatchingEndpoints(ServerError):
    """No matching endpoints, or expected endpoints missing, between the parties."""

    status_code = 3003
    transient = False


class HubError(OcpiError):
    """Generic hub error."""

    status_code = 4000


class UnknownReceiver(HubError):
    """Unknown receiver: nobody is connected under the OCPI-to address."""

    status_code = 4001


class ReceiverTimeout(HubError):
    """Timeout on forwarded request."""

    status_code = 4002
    transient = True


class ReceiverUnreachable(HubError):
    """Connection problem: the receiving party is not connected."""

    status_code = 4003
    transient = True


class ReceiverFailed(HubError):
    """The receiving party failed without an OCPI answer."""

    transient = True


def error_for(status_code: int, message: str | None = None) -> OcpiError:
    """Return the error that says ``status_code``; its generic class if none does."""
    for kind in _family(OcpiError):
        if kind.status_code == status_code:
            return kind(message)
    generic = {3: ServerError, 4: HubError}.get(status_code // 1000, OcpiError)
    return generic(message)


def _family(kind: type[OcpiError]) -> list[type[OcpiError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in _family(child))]
