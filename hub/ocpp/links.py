"""One station's connection: the RPC of OCPP-J, both directions independent of each other.

What comes in is read at once, always. A CALL of the station goes to the end of a queue that is served one by one,
so that its answers come in order, each when its handler has returned. The answer to a CALL of ours goes to whoever
waits for it, which may be such a handler. One CALL of ours is under way; the others wait their turn.

Nothing a station sends ends its connection, and nothing a handler does: what goes wrong is a CALLERROR.

Source: OCPP-J 1.6, 4.1; OCPP 2.0.1 part 4, 4.1 (synchronicity).
"""

import asyncio
import datetime
import logging
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from hub.ocpp import frames
from hub.ocpp.boots import BOOT, identity_of, interval_of
from hub.ocpp.dialects import Call, Handler
from hub.ocpp.errors import CallFault, InternalError, NotImplementedHere, NotSupported
from hub.ocpp.events import AnswerInvalid, CallRefused, CallTimeout, ChargerOffline, JSONObject
from hub.ocpp.frames import CallFrame, ErrorFrame, Malformed, ResultFrame
from hub.ocpp.register import NoRegister, Register
from hub.ocpp.schemas import Schemas
from hub.ocpp.sockets import Closed, Socket

log = logging.getLogger(__name__)

#: CALLs of a station that may wait here for their turn; the next is read when there is room again. A station of the
#: standard has one at a time under way.
QUEUE = 64

#: How long the present socket waits for what the former one sent to be served, in seconds.
FORMER = 10.0

#: How long a station may take to answer, in seconds: most at once, some only when they have done something slow.
TIMEOUT = 30.0
TIMEOUTS: Mapping[str, float] = {
    "SendLocalList": 120.0,
    "GetCompositeSchedule": 60.0,
    "GetConfiguration": 60.0,
    "GetVariables": 60.0,
    "SetVariables": 60.0,
    "GetDiagnostics": 60.0,
    "GetLog": 60.0,
    "UnlockConnector": 60.0,
    "InstallCertificate": 60.0,
    "CertificateSigned": 60.0,
    "GetInstalledCertificateIds": 60.0,
}


class Log(Protocol):
    """Takes every frame."""

    def frame(self, station_id: str, direction: str, data: bytes) -> None:
        """Note a frame that came in (``in``) or goes out (``out``)."""
        ...


class NoLog:
    """Keeps nothing."""

    def frame(self, station_id: str, direction: str, data: bytes) -> None: ...


def utc_now() -> datetime.datetime:
    """Return the time."""
    return datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True, kw_only=True)
class Practice:
    """What all links of one version share.

    Attributes:
        timeouts: of our CALLs by action, in seconds, where they are not ``timeout``.
    """

    version: str
    schemas: Schemas
    log: Log = field(default_factory=NoLog)
    register: Register = field(default_factory=NoRegister)
    timeout: float = TIMEOUT
    timeouts: Mapping[str, float] = field(default_factory=lambda: TIMEOUTS)
    now: Callable[[], datetime.datetime] = utc_now


class Link:
    """One socket of a station.

    Attributes:
        handlers: what answers its CALLs; those of the waiting room first, for a station that waits.
        spoke: when a frame last came, by the loop's clock; 0.0: it has not spoken yet.
        present: whether it is, or was, the one its station is reached by.
        identity: what kind of station it is, as far as it told.
        interval: of the heartbeats the station was told to send, in seconds; None: it was not, on this socket.
    """

    __slots__ = (
        "_inbox", "_needed", "_pending", "_practice", "_predecessor", "_serving", "_turn", "closed", "handlers",
        "identity", "interval", "present", "since", "socket", "spoke", "station_id",
    )  # fmt: skip

    def __init__(self, station_id: str, socket: Socket, practice: Practice, handlers: Mapping[str, Handler]) -> None:
        self.station_id = station_id
        self.socket = socket
        self.handlers = handlers
        self.since = practice.now()
        self.spoke = 0.0
        self.identity = socket.admission.identity
        self.interval: int | None = None
        self.closed = False
        self.present = False
        self._practice = practice
        self._needed = socket.admission.leniencies
        self._inbox: deque[tuple[CallFrame, datetime.datetime]] | None = None
        self._serving: asyncio.Task[None] | None = None
        self._predecessor: Link | None = None
        self._pending: tuple[str, asyncio.Future[JSONObject]] | None = None
        self._turn: asyncio.Lock | None = None

    @property
    def version(self) -> str:
        """The OCPP version spoken."""
        return self._practice.version

    # -- what the station sends ------------------------------------------------------------------------------

    async def receive(self, data: bytes) -> None:
        """Take a frame; returns when the next may be read."""
        self.spoke = self.socket.heard
        self._practice.log.frame(self.station_id, "in", data)
        try:
            frame = frames.parse(data, self.version)
        except Malformed as malformed:
            await self._complain(malformed)
            return
        if isinstance(frame, CallFrame):
            await self._queue(frame)
        else:
            self._settle(frame)

    async def _complain(self, malformed: Malformed) -> None:
        log.info("%s sent a malformed frame: %s", self.station_id, malformed)
        if malformed.fault is not None:
            await self._answer(frames.error(malformed.message_id, malformed.fault, self.version))

    async def _queue(self, frame: CallFrame) -> None:
        if self._inbox is None:
            self._inbox = deque()
        self._inbox.append((frame, self._practice.now()))
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve())
        elif len(self._inbox) >= QUEUE:
            await asyncio.wait([self._serving])

    async def _serve(self) -> None:
        """Answer the CALLs that wait, one by one, and end."""
        inbox = self._inbox
        assert inbox is not None, "there is a CALL in it"
        try:
            if self._predecessor is not None:
                await self._predecessor.idle(FORMER)
                self._predecessor = None
            while inbox:
                frame, at = inbox.popleft()
                reply = await self._reply(frame, at)
                if not frame.unconfirmed:
                    await self._answer(reply)
                if inbox:
                    await asyncio.sleep(0)  # The neighbours' turn, whatever this station sends.
        finally:
            self._serving = None

    async def _reply(self, frame: CallFrame, at: datetime.datetime) -> bytes:
        try:
            return frames.result(frame.message_id, await self._handled(frame, at))
        except CallFault as fault:
            log.info("%s: %s of %s: %s", fault.code_in(self.version), frame.action[:50], self.station_id, fault)
            return frames.error(frame.message_id, fault, self.version)
        except Exception:
            log.exception("%s of %s failed", frame.action, self.station_id)
            ours = InternalError("the message could not be processed; send it again later")
            return frames.error(frame.message_id, ours, self.version)

    async def _handled(self, frame: CallFrame, at: datetime.datetime) -> JSONObject:
        schemas = self._practice.schemas
        handler = self.handlers.get(frame.action)
        if handler is None:
            if frame.action not in schemas.actions:
                raise NotImplementedHere(f"OCPP {self.version} has no action {frame.action[:50]}")
            raise NotSupported(f"{frame.action} is nothing this side answers")
        if frame.action == BOOT:
            await self._identify(frame.payload)
        payload = await self._lenient(frame)
        schemas.judge_request(frame.action, payload)
        answer = await handler(
            Call(
                station_id=self.station_id,
                message_id=frame.message_id,
                action=frame.action,
                payload=payload,
                received_at=at,
            )
        )
        if frame.action == BOOT:
            self.interval = interval_of(answer)
        return answer

    async def _identify(self, payload: JSONObject) -> None:
        told = identity_of(payload, self.version)
        if told != self.identity:
            self.identity = told
            await self._practice.register.identified(self.station_id, told)

    async def _lenient(self, frame: CallFrame) -> JSONObject:
        granted = self._practice.register.leniencies(self.identity)
        if not granted:
            return frame.payload
        payload, used = self._practice.schemas.mend_request(frame.action, frame.payload, granted)
        if not used <= set(self._needed):
            self._needed = tuple(sorted(used.union(self._needed)))
            log.info("%s (%s %s) needs leniency: %s", self.station_id, self.identity.vendor, self.identity.model,
                     ", ".join(sorted(used)))  # fmt: skip
            await self._practice.register.lenient(self.station_id, self._needed)
        found: JSONObject = payload
        return found

    async def _answer(self, data: bytes) -> None:
        try:
            await self._send(data)
        except Closed:
            log.debug("%s did not wait for its answer", self.station_id)

    async def _send(self, data: bytes) -> None:
        self._practice.log.frame(self.station_id, "out", data)
        await self.socket.write(data)

    async def idle(self, timeout: float | None = None) -> None:
        """Wait until nothing of this station is being handled, or the time is over."""
        if self._serving is not None:
            await asyncio.wait([self._serving], timeout=timeout)

    def follow(self, predecessor: "Link") -> None:
        """Serve nothing before what came by the station's former sockets is served."""
        busy: Link | None = predecessor
        while busy is not None and busy._serving is None:
            busy = busy._predecessor  # one with nothing left to serve need not be remembered
        self._predecessor = busy

    # -- what it is sent -------------------------------------------------------------------------------------

    async def call(self, action: str, payload: JSONObject, *, timeout: float | None = None) -> JSONObject:
        """Send a CALL when its turn has come and return the payload of its CALLRESULT.

        Raises:
            ChargerOffline: it was not sent, for the connection is closed.
            CallTimeout: no answer in time, or none before the connection ended; the station may have acted.
            CallRefused: the answer is a CALLERROR.
        """
        if self._turn is None:
            self._turn = asyncio.Lock()
        turn = self._turn
        await turn.acquire()
        seconds = timeout or self._practice.timeouts.get(action, self._practice.timeout)
        under_way = asyncio.create_task(self._put(action, payload, seconds))
        under_way.add_done_callback(lambda task: _over(task, turn))
        # Whoever asked may go away; the CALL is under way all the same, and holds its turn.
        return await asyncio.shield(under_way)

    async def _put(self, action: str, payload: JSONObject, timeout: float) -> JSONObject:
        if self.closed:
            raise ChargerOffline(f"{self.station_id} is not connected")
        message_id = str(uuid.uuid4())
        answer: asyncio.Future[JSONObject] = asyncio.get_running_loop().create_future()
        self._pending = (message_id, answer)
        try:
            async with asyncio.timeout(timeout):
                await self._send(frames.call(message_id, action, payload))
                found = await answer
        except TimeoutError:
            raise CallTimeout(f"{self.station_id} has not answered {action} within {timeout:g} s") from None
        except Closed as error:
            raise CallTimeout(f"{self.station_id} went away before it answered {action}") from error
        finally:
            self._pending = None
        return await self._judged(message_id, action, found)

    async def _judged(self, message_id: str, action: str, answer: JSONObject) -> JSONObject:
        try:
            self._practice.schemas.judge_response(action, answer)
        except CallFault as fault:
            if self.version == "2.1":
                await self._answer(frames.result_error(message_id, fault))
            raise AnswerInvalid(fault.code_in(self.version), fault.description, answer) from fault
        return answer

    def _settle(self, frame: ResultFrame | ErrorFrame) -> None:
        """Hand an answer to whoever waits for it; one nobody waits for (late, or of nobody) is in the log only."""
        if isinstance(frame, ErrorFrame) and frame.of_result:
            log.warning("%s could not use our answer: %s %s", self.station_id, frame.code, frame.description)
            return
        if self._pending is None or self._pending[0] != frame.message_id or self._pending[1].done():
            log.info("%s sent an answer nobody waits for", self.station_id)
        elif isinstance(frame, ErrorFrame):
            self._pending[1].set_exception(CallRefused(frame.code, frame.description, frame.details))
        else:
            self._pending[1].set_result(frame.payload)

    # -- its end ---------------------------------------------------------------------------------------------

    def end(self) -> None:
        """Let nobody wait for an answer that cannot come any more; what was received is still served."""
        self.closed = True
        if self._pending is not None and not self._pending[1].done():
            self._pending[1].set_exception(CallTimeout(f"{self.station_id} went away before it answered"))


def _over(task: "asyncio.Task[JSONObject]", turn: asyncio.Lock) -> None:
    turn.release()
    if not task.cancelled():
        task.exception()  # Seen, even if whoever asked has gone.
