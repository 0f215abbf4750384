"""A remote peer as a platform: a request becomes HTTP, and the answer a response.

What a peer does differently from the text is a ``Quirks`` profile of its connection, so that
nothing else in the house knows of it.

Source: OCPI 2.3.0, transport_and_format.asciidoc.
"""

from typing import Protocol

from hub.ocpi import codec
from hub.ocpi.client import Client, Peer, as_ocpi, authorization, decode_head, read_envelope
from hub.ocpi.errors import HubError, NoMatchingEndpoints, OcpiError, ReceiverFailed
from hub.ocpi.messages import Body, Party, Request, Response, message_id
from hub.ocpi.quirks import lean
from hub.ocpi.versions.steps import Version
from hub.ocpi.wire import Answer, Lines, WireError

#: Response headers that mean something beyond one hop.
KEPT_HEADERS = ("link", "x-total-count", "x-limit", "location")

_PAIRS = 4096  # of parties whose headers are remembered

#: HTTP statuses of a receiver that would mean something else if the hub said them.
_NOT_RELAYED = frozenset({401, 407, 408, 413, 421, 425, 429, 431})


class Watcher(Protocol):
    """Who wants to know whether peers answer (the reception's presence)."""

    def answered(self, connection_id: str) -> None: ...
    def failed(self, connection_id: str, error: OcpiError) -> None: ...


class RemotePlatform:
    """A connected peer, spoken to in its own version at its own endpoints.

    Raises (when called):
        ReceiverTimeout: no answer within the timeout.
        ReceiverUnreachable: no connection.
        HubError: an answer that is not OCPI, or a refusal of the hub's own credentials.
        NoMatchingEndpoints: the peer does not offer the module.
    """

    def __init__(self, peer: Peer, client: Client, version: Version, watcher: Watcher | None = None) -> None:
        self.peer = peer
        self.version = version
        self._wire = client.wire
        self._timeout = client.timeout
        self._watcher = watcher
        self._authorization = authorization(peer.token, peer.quirks.raw_token)
        self._lane = client.lane(peer.id)
        self._standing: dict[tuple[Party | None, Party | None, bool], Lines] = {}
        self._lower = peer.quirks.lower_case_ids
        self._lean = peer.quirks.lean
        self._slash = peer.quirks.trailing_slash

    async def __call__(self, request: Request, *, url: str | None = None, timeout: float | None = None) -> Response:
        """Put a request to the peer; ``url`` stands for an exact URL it gave (a response_url)."""
        target = url or self._url(request)
        limit = timeout or self._timeout
        content = self._content(request)
        headers = self._headers(request, content)
        if not self._lane.taken():
            await self._lane.enter(limit)
        try:
            answer = await self._wire.send(request.operation.method, target, headers, content, timeout=limit)
        except WireError as error:
            failure = as_ocpi(error, limit)
            failure.__cause__ = error
            if self._watcher is not None:
                self._watcher.failed(self.peer.id, failure)
            raise failure from error
        finally:
            self._lane.leave()
        if self._watcher is not None:
            self._watcher.answered(self.peer.id)
        return self._response(request, answer)

    def _url(self, request: Request) -> str:
        operation = request.operation
        endpoint = self.peer.endpoints.get((operation.module, operation.role))
        if endpoint is None:
            raise NoMatchingEndpoints(f"The receiving party does not offer {operation.module} as {operation.role}")
        url = endpoint.rstrip("/") + request.path
        if self._slash or (not request.path and endpoint.endswith("/")):
            url += "/"
        return f"{url}?{request.query}" if request.query else url

    def _content(self, request: Request) -> bytes | None:
        if request.body is None:
            return None
        if not self._lean:
            return request.body.text(self.version)
        lowered = codec.decode(request.body.text(self.version))
        return codec.encode(lean(lowered, request.body.declared, self.version.shape))

    def _headers(self, request: Request, content: bytes | None) -> Lines:
        standing = (request.sender, request.receiver, content is not None)
        lines = self._standing.get(standing)
        if lines is None:
            lines = self._standing[standing] = self._lines(*standing)
        return lines.after({"X-Request-ID": message_id(), "X-Correlation-ID": request.correlation_id})

    def _lines(self, sender: Party | None, receiver: Party | None, content: bool) -> Lines:
        """Return what is the same in all requests between two parties."""
        headers = {"Authorization": self._authorization}
        if content:
            headers["Content-Type"] = "application/json"
        if sender is not None:
            headers["OCPI-from-country-code"], headers["OCPI-from-party-id"] = sender
        if receiver is not None:
            to = Party(*(each.lower() for each in receiver)) if self._lower else receiver
            headers["OCPI-to-country-code"], headers["OCPI-to-party-id"] = to
        if len(self._standing) >= _PAIRS:
            self._standing.clear()
        return Lines.of(headers)

    def _response(self, request: Request, answer: Answer) -> Response:
        if answer.status == 401:
            raise HubError("The receiving party refused the hub's credentials (HTTP 401)")
        try:
            if not answer.body.isascii():
                answer.body.decode("utf-8")  # msgspec does not look at the UTF-8 of what it leaves raw
            read = decode_head(answer.body)
        except codec.NOT_JSON:
            return self._odd_response(request, answer)
        whole: bytes | None = answer.body
        text = bytes(read.data) or None
        if 1000 <= read.status_code < 2000:
            _refuse_false_success(answer)
            if request.operation.paginated and text and text[:1] == b"{":  # a list of one as the bare object
                text, whole = b"[" + text + b"]", None
        return Response(
            self._data(request, text, read.status_code),
            read.status_code,
            read.status_message,
            _relayed_status(answer.status),
            _kept(answer),
            request.receiver,
            whole,
            self.version,
        )

    def _odd_response(self, request: Request, answer: Answer) -> Response:
        """Read an envelope that breaks its own table (no timestamp, say) as far as it goes."""
        odd = read_envelope(answer)
        if 1000 <= odd.status_code < 2000:
            _refuse_false_success(answer)
        text = codec.encode(odd.data) if odd.data is not None else None
        return Response(
            self._data(request, text, odd.status_code),
            odd.status_code,
            odd.status_message,
            _relayed_status(answer.status),
            _kept(answer),
            request.receiver,
        )

    def _data(self, request: Request, text: bytes | None, status_code: int) -> Body | None:
        """Return an answer's data; what an error says in it is declared nowhere, and passes as it is."""
        if text is None:
            return None
        declared = request.operation.data if 1000 <= status_code < 2000 else None
        return Body(declared, text=text, version=self.version, owner=request.receiver)


def _kept(answer: Answer) -> dict[str, str]:
    return {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers}


def _refuse_false_success(answer: Answer) -> None:
    """An OCPI success under an HTTP error is nobody's success (checklist HE-05)."""
    if answer.status >= 300:
        kind = ReceiverFailed if answer.status >= 500 else HubError
        raise kind(f"The receiving party answered HTTP {answer.status} with a success code")


def _relayed_status(status: int) -> int:
    return status if 200 <= status < 300 or (400 <= status < 500 and status not in _NOT_RELAYED) else 200
