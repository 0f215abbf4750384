"""The central system: the stations' WebSockets, which of them is a station's present one, and who is told.

A station has one present connection. Another socket of the same station takes over when it sends its first frame and
not before, so that a handshake alone, of a half-open network or of a stranger, cuts nobody off; the former socket is
then closed. What the former one has sent is served first.

Nothing that matters is in memory: after a restart the stations come back, and everything they told is in the store.

Source: OCPP-J 1.6, 3; OCPP 2.0.1 part 4, 3.
"""

import asyncio
import contextlib
import datetime
import logging
import ssl
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from http import HTTPStatus
from socket import socket

from websockets.asyncio.server import Server

from hub.database.contract import DatabaseUnavailable
from hub.ocpp.admission import Admission, Gate, Handshake, NotAdmitted
from hub.ocpp.dialects import Dialect
from hub.ocpp.events import ChargerEvent, ChargerOffline, Commands, Connected, Disconnected, Operator, Presence
from hub.ocpp.links import Link, Log, NoLog, Practice, utc_now
from hub.ocpp.register import NoRegister, Register
from hub.ocpp.schemas import schemas_of
from hub.ocpp.sockets import Closed, Limits, Socket, listen
from hub.ocpp.supervision import Patience, Supervision
from hub.ocpp.waiting import waiting_handlers

log = logging.getLogger(__name__)

#: Newest first: what is spoken if a station offers several.
_ORDER = ("2.1", "2.0.1", "1.6")

_DRAIN = 4.0  # seconds what is being served has when we end


class CentralSystem:
    """All stations of one process; a ``Chargers``.

    Args:
        dialects: the OCPP versions spoken, in any order.
        operator: told of connections; everything else the dialects tell it.
        gate: decides who may connect.
        register: where what stations tell of themselves is written.
        call_timeout: of every CALL of ours, in seconds, in place of each message's own.
        now: what says when something came.
    """

    def __init__(
        self,
        dialects: Sequence[Dialect],
        operator: Operator,
        gate: Gate,
        *,
        frame_log: Log | None = None,
        register: Register | None = None,
        limits: Limits | None = None,
        patience: Patience | None = None,
        call_timeout: float | None = None,
        now: Callable[[], datetime.datetime] = utc_now,
    ) -> None:
        self._now = now
        self._dialects = {
            each.subprotocol: each for each in sorted(dialects, key=lambda one: _ORDER.index(one.version))
        }
        self._operator = operator
        self._gate = gate
        self._limits = limits or Limits()
        self._register = register or NoRegister()
        self._practices = {
            each.version: replace(_practice(each, frame_log or NoLog(), self._register, call_timeout), now=now)
            for each in dialects
        }
        self._waiting_handlers = {each.version: waiting_handlers(schemas_of(each.version).actions) for each in dialects}
        self._servers: list[Server] = []
        self._sockets: set[Link] = set()
        self._present: dict[str, Link] = {}
        self._waiting: dict[str, Link] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._supervision = Supervision(lambda: self._sockets, self._answered_a_ping, patience)
        self._stopping = False

    # -- its life --------------------------------------------------------------------------------------------

    async def start(self, listener: socket, *, tls: ssl.SSLContext | None = None) -> None:
        """Accept stations at a listening socket; several may be given, one after another."""
        if not self._servers:
            self._supervision.start()
        server = await listen(
            listener, self._serve, admit=self._admit, choose=self._choose, limits=self._limits, tls=tls
        )
        self._servers.append(server)

    async def stop(self) -> None:
        """Take nothing more, finish what is being served, and close all sockets.

        The operator hears of no disconnection: the stations have not gone, we have.
        """
        self._stopping = True
        await self._supervision.stop()
        for server in self._servers:
            server.close(close_connections=False)
        serving = [asyncio.create_task(each.idle()) for each in self._sockets]
        if serving:
            await asyncio.wait(serving, timeout=_DRAIN)
        for server in self._servers:
            await _closed(server, self._limits.close)

    # -- who comes -------------------------------------------------------------------------------------------

    async def _admit(self, handshake: Handshake) -> Admission:
        return await self._gate.admit(handshake)

    def _choose(self, admission: Admission, offered: Sequence[str]) -> str | None:
        """Return the newest version that the station offers and may speak."""
        for subprotocol, dialect in self._dialects.items():
            if subprotocol in offered and (not admission.versions or dialect.version in admission.versions):
                return subprotocol
        return None

    async def _serve(self, connection: Socket) -> None:
        dialect = self._dialects.get(connection.subprotocol or "")
        if dialect is None:
            # OCPP-J: the handshake is completed without a subprotocol, and the socket closed at once.
            await connection.close(1002, "none of the subprotocols offered is spoken here")
            return
        link = Link(
            connection.shown.station_id,
            connection,
            self._practices[dialect.version],
            self._waiting_handlers[dialect.version] if connection.admission.waiting else dialect.handlers,
        )
        self._sockets.add(link)
        try:
            while True:
                data = await connection.recv(decode=False)
                if not link.spoke:
                    await self._take_over(link)
                await link.receive(data)
        except Closed:
            pass
        finally:
            self._sockets.discard(link)
            await self._ended(link)

    # -- which socket is a station's present one --------------------------------------------------------------

    def _room(self, link: Link) -> dict[str, Link]:
        return self._waiting if link.socket.admission.waiting else self._present

    async def _take_over(self, link: Link) -> None:
        room = self._room(link)
        former = room.get(link.station_id)
        if former is link:
            return
        room[link.station_id] = link
        link.present = True
        if former is not None:
            former.end()
            link.follow(former)
            self._close(former, 1000, "another connection of this station has taken over")
        if room is self._present:
            await self._tell(Connected(station_id=link.station_id, version=link.version, at=self._now()))

    def _answered_a_ping(self, link: Link) -> None:
        """Count a silent socket as present, if the station has no other: a station may say nothing for hours."""
        if link in self._sockets and link.station_id not in self._room(link):
            self._keep(self._take_over(link))

    async def _ended(self, link: Link) -> None:
        link.end()
        room = self._room(link)
        if room.get(link.station_id) is not link:
            return
        del room[link.station_id]
        if room is self._present and not self._stopping:
            await link.idle()
            await self._gone(link)

    async def _gone(self, link: Link) -> None:
        if link.station_id in self._present:
            return  # It came back while its last words were served.
        try:
            await self._register.gone(link.station_id, _presence(link).last_seen)
        except DatabaseUnavailable as error:
            log.warning("when %s was last seen cannot be noted: %s", link.station_id, error)
        await self._tell(Disconnected(station_id=link.station_id, at=self._now()))

    # -- who may still be here -------------------------------------------------------------------------------

    async def admit_again(self, station_id: str = "") -> None:
        """Judge connected sockets anew, for who may connect has changed: of one station, or of all.

        A station that waited and is known now goes on by the same socket, and its next boot is the operator's to
        answer; one that may not be here any more is cut off.
        """
        for link in [each for each in self._sockets if station_id in ("", each.station_id)]:
            try:
                admission = await self._gate.admit(link.socket.shown)
                if admission.waiting and not link.socket.admission.waiting:
                    raise NotAdmitted(HTTPStatus.FORBIDDEN, "This station is not known any more")
            except NotAdmitted as refusal:
                log.info("%s is cut off: %s", link.station_id, refusal)
                self._close(link, 1008, str(refusal))
                continue
            if link.socket.admission.waiting and not admission.waiting:
                await self._let_in(link, admission)

    async def _let_in(self, link: Link, admission: Admission) -> None:
        if self._waiting.get(link.station_id) is link:
            del self._waiting[link.station_id]
        spoken = link.present
        link.present = False
        link.socket.admission = admission
        link.handlers = self._dialects[link.socket.subprotocol or ""].handlers
        if spoken:
            await self._take_over(link)

    def _close(self, link: Link, code: int, reason: str) -> None:
        self._keep(_close_quietly(link.socket, code, reason))

    def _keep(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _tell(self, event: ChargerEvent) -> None:
        try:
            await self._operator.told(event)
        except Exception:
            log.exception("%s could not be told", event)

    # -- Chargers --------------------------------------------------------------------------------------------

    def commands(self, station_id: str) -> Commands:
        """Return the commands of a connected station.

        Raises:
            ChargerOffline: it is not connected.
        """
        link = self._present.get(station_id)
        if link is None:
            raise ChargerOffline(f"{station_id} is not connected")
        dialect = self._dialects[link.socket.subprotocol or ""]
        return dialect.commands(link)

    def presence(self, station_id: str) -> Presence | None:
        """Return how a station is connected; None: it is not."""
        link = self._present.get(station_id)
        return None if link is None else _presence(link)

    def connected(self) -> list[Presence]:
        """Return all connected stations."""
        return [_presence(each) for each in self._present.values()]


def _presence(link: Link) -> Presence:
    silent = asyncio.get_running_loop().time() - link.socket.heard
    last_seen = utc_now() - datetime.timedelta(seconds=silent)
    return Presence(station_id=link.station_id, version=link.version, since=link.since, last_seen=last_seen)


def _practice(dialect: Dialect, frame_log: Log, register: Register, timeout: float | None) -> Practice:
    schemas = schemas_of(dialect.version)
    practice = Practice(version=dialect.version, schemas=schemas, log=frame_log, register=register)
    return practice if timeout is None else replace(practice, timeout=timeout, timeouts={})


async def _close_quietly(connection: Socket, code: int, reason: str) -> None:
    with contextlib.suppress(Closed):
        await connection.close(code, reason)


async def _closed(server: Server, patience: float) -> None:
    """Close the server's sockets, and cut those that do not answer."""
    connections = [each for each in server.connections]
    closing = [asyncio.create_task(each.close(1001, "going away")) for each in connections]
    if closing:
        await asyncio.wait(closing, timeout=patience)
    for each in connections:
        each.transport.abort()
    await server.wait_closed()
