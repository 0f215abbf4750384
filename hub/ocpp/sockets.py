"""The WebSocket a station comes by: its URL, its subprotocol, and when it was last heard.

Source: OCPP-J 1.6, 3; OCPP 2.0.1 part 4, 3 (connection URL, subprotocol, ping); RFC 6455.
"""

import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from socket import socket
from typing import Any
from urllib.parse import unquote_to_bytes

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.typing import Subprotocol

from hub.ocpp.admission import Admission, Handshake, NotAdmitted
from hub.ocpp.stations import is_station_id

PATH = "/ocpp/"

_BACKLOG = 4096  # a whole field of stations comes back at once after a power cut
_OPEN = 30.0  # seconds a handshake may take, the check of a password in a queue of others included

Closed = ConnectionClosed


class Socket(ServerConnection):
    """One WebSocket of a station.

    Attributes:
        heard: when any byte last came, by the loop's clock.
        pinged: when the station itself last sent a ping; 0.0: never.
        shown, admission: who it says it is, and as what it was let in.
    """

    heard = 0.0
    pinged = 0.0
    shown: Handshake
    admission: Admission

    def data_received(self, data: bytes) -> None:
        self.heard = self.loop.time()
        super().data_received(data)

    def process_event(self, event: Any) -> None:
        if isinstance(event, Frame) and event.opcode is Opcode.PING:
            self.pinged = self.heard
        super().process_event(event)

    async def write(self, data: bytes) -> None:
        """Send a text message; what ``send`` does in general costs a sixth of a station's whole message.

        Raises:
            Closed: the socket is closed, or is being closed.
        """
        if self.state is not State.OPEN:
            await self.send(data, text=True)
            return
        self.protocol.send_text(data)
        self.send_data()
        if self.paused:
            await self.drain()


Admit = Callable[[Handshake], Awaitable[Admission]]
#: Returns which of the offered subprotocols is spoken with a station.
Choose = Callable[[Admission, Sequence[str]], str | None]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a station may ask of us at most.

    Attributes:
        frame: bytes of one message.
        close: seconds it has to answer our closing.
    """

    frame: int = 1024 * 1024
    close: float = 5.0


async def listen(
    listener: socket,
    handle: Callable[[Socket], Awaitable[None]],
    *,
    admit: Admit,
    choose: Choose,
    limits: Limits,
    tls: ssl.SSLContext | None,
) -> Server:
    """Serve WebSockets at a listening socket until the server is closed.

    Pings are ours to send (``supervision.py``): a task of its own for each of 10,000 idle sockets costs memory.
    Nothing is compressed, for the same reason: a socket that may has 60 kB of tables.
    """

    async def process_request(connection: ServerConnection, request: Request) -> Response | None:
        assert isinstance(connection, Socket)
        return await _admitted(connection, request, admit)

    def select(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        assert isinstance(connection, Socket)
        chosen = choose(connection.admission, offered)
        return Subprotocol(chosen) if chosen is not None else None

    async def handler(connection: ServerConnection) -> None:
        assert isinstance(connection, Socket)
        await handle(connection)

    return await serve(
        handler,
        sock=listener,
        ssl=tls,
        backlog=_BACKLOG,
        process_request=process_request,
        select_subprotocol=select,
        compression=None,
        server_header=None,
        open_timeout=_OPEN,
        ping_interval=None,
        close_timeout=limits.close,
        max_size=limits.frame,
        create_connection=Socket,
    )


async def _admitted(connection: Socket, request: Request, admit: Admit) -> Response | None:
    """Return what a station that is not admitted is answered; None: it may go on."""
    station_id = station_of(request.path)
    if station_id is None:
        return connection.respond(HTTPStatus.NOT_FOUND, "Stations connect to /ocpp/{station id}.\n")
    connection.shown = _handshake(connection, request, station_id)
    try:
        connection.admission = await admit(connection.shown)
    except NotAdmitted as refusal:
        response = connection.respond(refusal.status, f"{refusal}.\n")
        if refusal.status is HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = 'Basic realm="ocpp", charset="UTF-8"'
        return response
    return None


def _handshake(connection: Socket, request: Request, station_id: str) -> Handshake:
    tls = connection.transport.get_extra_info("ssl_object")
    given = request.headers.get_all("Authorization")
    return Handshake(
        station_id=station_id,
        authorization=given[0] if len(given) == 1 else None,
        secure=tls is not None,
        certificate=tls.getpeercert(binary_form=True) if tls is not None else None,
    )


def station_of(path: str) -> str | None:
    """Return the station id of a request's path, percent-decoded; None: the path is none of a station's."""
    path = path.partition("?")[0]
    encoded = path.removeprefix(PATH)
    if encoded == path or not encoded or "/" in encoded:
        return None
    try:
        station_id = unquote_to_bytes(encoded).decode()
    except UnicodeDecodeError:
        return None
    return station_id if is_station_id(station_id) else None
