"""A station's way to its central system: one WebSocket after another, and CALLs over it.

The frames are those of the ``ocpp`` package's client side. What it does not do is done here: a CALL
under way ends with the socket, a socket that ends is followed by the next, and a test can cut it.
"""

import asyncio
import base64
import contextlib
import json
import logging
import random
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ocpp.exceptions import OCPPError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from hub.ocpp.simulation.clock import Clock

log = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds between attempts to connect
_CALL, _RESULT, _ERROR = 2, 3, 4

#: Seconds an answer may take by the ``ocpp`` package's queue and threads to whoever asked, if he still waits.
_HANDED_OVER = 1.0


class LinkError(Exception):
    """A CALL got no answer of its own. Its subclasses say why."""


class LinkDown(LinkError):
    """There is no connection, or it ended before the answer came."""


class NoAnswer(LinkError):
    """No answer came in time; the central system may have acted all the same."""


class Refused(LinkError):
    """The answer was a CALLERROR."""


class CannotConnect(Exception):
    """The central system cannot be reached, or does not let the station in; the message says which.

    Attributes:
        status: of the HTTP answer; None: there was none.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a station connects, and as whom.

    Attributes:
        url: of the central system; the station's id is its last segment and added here.
        tls: certificates for wss; None: those the system trusts.
    """

    url: str
    station_id: str
    password: str | None = None
    tls: ssl.SSLContext | None = None

    @property
    def full(self) -> str:
        return f"{self.url.rstrip('/')}/{self.station_id}"

    def headers(self) -> dict[str, str]:
        """Return HTTP Basic credentials: user is the station's id (security profiles 1 and 2)."""
        if self.password is None:
            return {}
        secret = base64.b64encode(f"{self.station_id}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {secret}"}


@dataclass(frozen=True)
class Frame:
    """A frame that was sent or received: its kind is CALL, CALLRESULT or CALLERROR; answers name their action too."""

    sent: bool
    kind: Literal[2, 3, 4]
    message_id: str
    action: str
    payload: Any


class Wire:
    """The socket as the ``ocpp`` package sees it; frames pass in order and can get lost on the way.

    Attributes:
        losing: how many more answers to an action are lost, by action.
        mute: CALLs of the central system are lost.
        handed_over: whoever asked has the last answer that came.
    """

    def __init__(
        self, history: "deque[Frame]", losing: dict[str, int], *, mute: bool, noted: Callable[[], None]
    ) -> None:
        self.socket: ClientConnection | None = None
        self._history = history
        self._losing = losing
        self._mute = mute
        self._noted = noted
        self._actions: dict[str, str] = {}
        self.handed_over = asyncio.Event()
        self.handed_over.set()

    async def send(self, text: str) -> None:
        self._note(True, text)
        assert self.socket is not None, "frames are sent over an open socket"
        await self.socket.send(text)

    async def recv(self) -> str:
        assert self.socket is not None, "frames come over an open socket"
        while True:
            text = await self.socket.recv()
            text = text if isinstance(text, str) else text.decode()
            frame = self._note(False, text)
            if frame is not None and frame.kind == _CALL and not self.handed_over.is_set():
                # A station that is told of its transaction knows it before it reads the next frame.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.handed_over.wait(), _HANDED_OVER)
                self.handed_over.set()
            if not self._is_lost(frame):
                if frame is not None and frame.kind != _CALL:
                    self.handed_over.clear()
                return text

    def _is_lost(self, frame: Frame | None) -> bool:
        if frame is None:
            return False
        if frame.kind == _CALL:
            return self._mute
        if self._losing.get(frame.action, 0) > 0:
            self._losing[frame.action] -= 1
            return True
        return False

    def _note(self, sent: bool, text: str) -> Frame | None:
        try:
            kind, message_id, *rest = json.loads(text)
        except (ValueError, TypeError):
            return None  # whatever it is, the ocpp package judges it
        if kind == _CALL:
            action, payload = rest[0], rest[1]
            self._actions[message_id] = action
        else:
            action, payload = self._actions.pop(message_id, ""), rest[0] if kind == _RESULT else rest
        frame = Frame(sent, kind, message_id, action, payload)
        self._history.append(frame)
        self._noted()
        return frame


class Link:
    """Keeps a station connected.

    Args:
        make: makes the ``ocpp`` package's ChargePoint over a wire.
        on_up: is called when a socket is open; on_down when it has ended.
        noted: is called after every frame.
        ping: seconds between pings; 0: none.

    Attributes:
        up: whether a socket is open.
        failure: why the last attempt to connect failed.
        history: the last frames, oldest first.
        losing: how many more answers to an action shall get lost, by action.
    """

    def __init__(
        self,
        address: Address,
        subprotocol: str,
        *,
        make: Callable[[Wire], Any],
        clock: Clock,
        on_up: Callable[[], None],
        on_down: Callable[[], None],
        noted: Callable[[], None],
        chance: random.Random,
        mute: bool = False,
        ping: float = 30.0,
    ) -> None:
        self.address = address
        self.up = False
        self.failure: CannotConnect | None = None
        self.history: deque[Frame] = deque(maxlen=1000)
        self.losing: dict[str, int] = {}
        self._subprotocol = subprotocol
        self._make = make
        self._clock = clock
        self._on_up, self._on_down, self._noted = on_up, on_down, noted
        self._chance = chance
        self._mute = mute
        self._ping = ping or None
        self._allowed = asyncio.Event()
        self._allowed.set()
        self._charge_point: Any = None
        self._wire: Wire
        self._socket: ClientConnection | None = None
        self._ended: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        pause = _FIRST_PAUSE
        while True:
            await self._allowed.wait()
            try:
                socket = await self._open()
            except CannotConnect as error:
                self.failure = error
                self._noted()
                await self._clock.sleep(pause * self._chance.uniform(0.8, 1.2))
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            pause = _FIRST_PAUSE
            await self._serve(socket)

    async def _open(self) -> ClientConnection:
        """Return an open socket.

        Raises:
            CannotConnect: there is none; its message says why.
        """
        url = self.address.full
        try:
            return await connect(
                url,
                subprotocols=[self._subprotocol],  # type: ignore[list-item]  # a NewType of str that adds nothing here
                additional_headers=self.address.headers(),
                compression=None,
                proxy=None,
                ping_interval=self._ping,
                ssl=self.address.tls or (True if url.startswith("wss:") else None),
            )
        except InvalidStatus as error:
            status = error.response.status_code
            raise CannotConnect(f"{url}: {_refusal(status, self.address)}", status) from error
        except (InvalidURI, InvalidHandshake) as error:
            raise CannotConnect(f"{url}: no OCPP is spoken there ({error})") from error
        except (OSError, TimeoutError, EOFError) as error:
            reason = str(getattr(error, "strerror", None) or error or "no answer").lower()
            raise CannotConnect(f"{url} cannot be reached: {reason}") from error

    async def _serve(self, socket: ClientConnection) -> None:
        if socket.subprotocol != self._subprotocol:
            # OCPP-J 1.6, 3.1.3 and 2.0.1 part 4, 3.1.2: without an agreed subprotocol the connection is of no use.
            await socket.close()
            self.failure = CannotConnect(f"{self.address.full}: {self._subprotocol} is not spoken there")
            self._noted()
            await self._clock.sleep(_FIRST_PAUSE)
            return
        wire = Wire(self.history, self.losing, mute=self._mute, noted=self._noted)
        wire.socket = socket
        self._socket, self._wire, self._charge_point = socket, wire, self._make(wire)
        self._ended = asyncio.get_running_loop().create_future()
        self.up, self.failure = True, None
        self._on_up()
        try:
            await self._charge_point.start()
        except ConnectionClosed:
            log.info("%s: the connection ended", self.address.station_id)
        finally:
            self._down()
            await socket.close()

    def _down(self) -> None:
        self.up = False
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)
        self._on_down()

    async def call(self, request: Any) -> Any:
        """Send a CALL and return its answer, as the ``ocpp`` package's dataclasses.

        Raises:
            LinkDown, NoAnswer, Refused.
        """
        if not self.up or self._ended is None:
            raise LinkDown("there is no connection")
        ended, wire = self._ended, self._wire
        calling = asyncio.ensure_future(self._charge_point.call(request, suppress=False))
        calling.add_done_callback(_seen)
        try:
            await asyncio.wait([calling, ended], return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not calling.done():
                calling.cancel()
            wire.handed_over.set()
        return await self._answer(calling)

    async def _answer(self, calling: "asyncio.Future[Any]") -> Any:
        try:
            return await calling
        except TimeoutError as error:
            raise NoAnswer(str(error)) from error
        except (ConnectionClosed, asyncio.CancelledError) as error:
            if calling.cancelled() or isinstance(error, ConnectionClosed):
                raise LinkDown("the connection ended before the answer came") from error
            raise
        except OCPPError as error:
            raise Refused(f"{type(error).__name__}: {error}") from error

    def lose(self) -> None:
        """Lose the connection as a cut cable does; there is no other until ``restore``."""
        self._allowed.clear()
        self.cut()

    def restore(self) -> None:
        """Let the station connect again."""
        self._allowed.set()

    def cut(self) -> None:
        """End the socket without a closing handshake; the station connects again at once."""
        if self._socket is not None and self.up:
            self._down()
            self._socket.transport.abort()

    async def close(self) -> None:
        """End the socket in order, so that what was sent arrives; the station connects again at once."""
        if self._socket is not None:
            await self._socket.close()

    async def leave(self) -> None:
        """End the socket in order; there is no other until ``restore``."""
        self._allowed.clear()
        await self.close()


def _seen(calling: "asyncio.Future[Any]") -> None:
    """Take an outcome nobody waits for any more: who was cancelled has not asked for it."""
    if not calling.cancelled():
        calling.exception()


def _refusal(status: int, address: Address) -> str:
    known: Mapping[int, str] = {
        401: "the password was refused" if address.password is not None else "a password is wanted",
        403: "the station is not let in",
        404: f"the station {address.station_id} is not known there",
        503: "the central system is not ready",
    }
    return known.get(status, f"the connection was refused with HTTP status {status}")
