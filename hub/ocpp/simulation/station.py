"""A simulated station: it boots, stays in touch, and has connectors drivers come to.

Tests and fleets drive it by ``plug``, ``unplug``, ``present``, ``lose_link``, ``restore_link``,
``power_loss`` and ``power_return``, and wait for what follows by ``until``.

Source: OCPP 1.6 edition 2, 4.2 Boot Notification, 4.6 Heartbeat, 5.14 Reset; OCPP 2.0.1 edition 3,
part 2, B.
"""

import asyncio
import contextlib
import datetime
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from hub.ocpp.simulation.car import CAR_POWER, Car
from hub.ocpp.simulation.certificates import Certificates
from hub.ocpp.simulation.charging import Charging
from hub.ocpp.simulation.clock import Clock, RealClock
from hub.ocpp.simulation.configuration import Configuration
from hub.ocpp.simulation.connector import Connector
from hub.ocpp.simulation.faults import named
from hub.ocpp.simulation.link import Address, Frame, Link, LinkError
from hub.ocpp.simulation.maintenance import Maintenance
from hub.ocpp.simulation.outgoing import Outgoing, Queue
from hub.ocpp.simulation.profiles import Profiles
from hub.ocpp.simulation.registering import Registering
from hub.ocpp.simulation.tokens import Tokens
from hub.ocpp.simulation.triggers import Triggers
from hub.ocpp.simulation.v16 import Voice16
from hub.ocpp.simulation.v201 import Voice201
from hub.ocpp.simulation.voice import Answerer, Voice
from hub.ocpp.words import IdToken, TokenInfo

log = logging.getLogger(__name__)

_VOICES: dict[str, Callable[["Station"], Voice]] = {"1.6": Voice16, "2.0.1": Voice201}
_SKEW = datetime.timedelta(minutes=7)
_ROLLOVER_DIGITS = 6
_AGREES = datetime.timedelta(seconds=1)  # clocks that differ by less are not set
_BOOT_SECONDS = 5.0

POWER = 22_000.0  # W


class Station:
    """One charge point.

    Args:
        version: 1.6 or 2.0.1.
        connectors: how many; in 2.0.1 each is an EVSE.
        max_power: of each connector, in W.
        speed: how many times more power connectors give and cars take: batteries fill faster, and everything a meter
            shows still agrees with the time that passed.
        faults: names of ``faults.FAULTS``.
        answer_timeout: how long an answer is waited for, in seconds.
        settings: values of the configuration, by their keys of 1.6.

    Attributes:
        registered: whether the central system has accepted the boot over the present connection.
        boot_reason: what the next BootNotification says.
        shown: what the display shows, by message id.
    """

    def __init__(
        self,
        address: Address,
        *,
        version: str = "1.6",
        connectors: int = 1,
        max_power: float = POWER,
        speed: float = 1.0,
        faults: Iterable[str] = (),
        seed: int = 0,
        clock: Clock | None = None,
        answer_timeout: float = 30.0,
        settings: dict[str, str] | None = None,
    ) -> None:
        self.id = address.station_id
        self.speed = speed
        self.faults = named(list(faults))
        self.clock: Clock = clock or RealClock()
        self.chance = random.Random(f"{seed} {self.id}")  # noqa: S311  drivers, not keys
        self.answer_timeout = answer_timeout
        self.configuration = Configuration(**{"NumberOfConnectors": str(connectors)} | (settings or {}))
        self.connectors = [Connector(number, max_power=max_power * speed) for number in range(1, connectors + 1)]
        self.tokens = Tokens(self.configuration)
        self.profiles = Profiles()
        self.certificates = Certificates(self.id)
        self.shown: dict[int, Any] = {}
        self.firmware = "1.0.0"
        self.registered = False
        self.powered = True
        self._offset = _SKEW if "clock-skew" in self.faults else datetime.timedelta()
        self.boot_reason = "PowerUp"
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._following: list[Coroutine[Any, Any, None]] = []
        self._answering = False
        self._notices: asyncio.Queue[Callable[[], Awaitable[Any]]] = asyncio.Queue()
        self._life: asyncio.Task[None] | None = None
        self.voice: Voice = _VOICES[version](self)
        self.charging = Charging(self)
        self.maintenance = Maintenance(self)
        self.triggers = Triggers(self)
        self._registering = Registering(self)
        self.link = self._make_link(address)
        self.queue = Queue(
            self.link.call, self.configuration, self.clock, noted=self.noted, twice="duplicate" in self.faults
        )
        if "rollover" in self.faults:
            self._near_rollover()

    def _make_link(self, address: Address) -> Link:
        return Link(
            address,
            self.voice.subprotocol,
            make=self.voice.charge_point,
            clock=self.clock,
            on_up=self._up,
            on_down=self._down,
            noted=self.noted,
            chance=self.chance,
            mute="mute" in self.faults,
            ping=self.configuration.number("WebSocketPingInterval"),
        )

    def _near_rollover(self) -> None:
        for each in self.connectors:
            each.meter.digits = _ROLLOVER_DIGITS
            each.meter.energy = 10.0**_ROLLOVER_DIGITS - 500

    # -- life --------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Switch the station on."""
        for work in (self.link.run(), self.queue.run(), self._say_notices(), self._registering.aligned()):
            self.keep(work)

    async def stop(self) -> None:
        """Switch it off in order; transactions are left as they are."""
        await self.link.close()
        while self._tasks:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Station"]:
        """Switch on for the time of a block."""
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    def _up(self) -> None:
        self._life = self.keep(self._registering.live())

    def _down(self) -> None:
        self.registered = False
        self.queue.shut()
        self.followed()
        if self._life is not None:
            self._life.cancel()
        self.noted()

    # -- time --------------------------------------------------------------------------------------

    def now(self) -> datetime.datetime:
        """Return the time by the station's own clock."""
        return self.clock.now() + self._offset

    def set_clock(self, at: datetime.datetime) -> None:
        """Set the station's clock by the central system's, unless it is one that cannot be set."""
        if "clock-skew" not in self.faults and abs(at - self.now()) > _AGREES:
            self._offset = at - self.clock.now()

    # -- speaking ----------------------------------------------------------------------------------

    def tell(self) -> None:
        """Tell the status of every connector where it is another than was told last."""
        for each in self.connectors:
            status = each.status_told_as(self.voice.version)
            if self.registered and each.told != status:
                each.told = status
                self.notice(partial(self.voice.status, each))
        self.noted()

    async def told(self) -> None:
        """``tell``, for what follows an answer."""
        self.tell()

    def notice(self, say: Callable[[], Awaitable[Any]]) -> None:
        """Say something after what is being said; while the link is down it is not said at all."""
        self._notices.put_nowait(say)

    async def _say_notices(self) -> None:
        while True:
            await self.say(await self._notices.get())
            self.noted()

    async def say(self, say: Callable[[], Awaitable[Any]]) -> None:
        """Say something that need not arrive."""
        try:
            await say()
        except LinkError as error:
            log.info("%s: not said: %s", self.id, error)

    def put(self, message: Outgoing) -> None:
        """Have a transaction message told, now or when it can be."""
        if "lost-answer" in self.faults:
            action = type(message.request()).__name__
            self.link.losing[action] = self.link.losing.get(action, 0) + 1
        self.queue.put(message)
        self.noted()

    # -- tasks -------------------------------------------------------------------------------------

    def keep(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run something beside, as long as the station is on."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("%s: %s", self.id, task.exception(), exc_info=task.exception())

    def answer(self, answerer: Answerer, **payload: Any) -> Any:
        """Have a CALL answered; what is to follow waits until the answer has gone out."""
        self._answering = True
        try:
            return answerer(**payload)
        finally:
            self._answering = False

    def follow(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something after the CALL being answered has its answer, or at once if none is."""
        if self._answering:
            self._following.append(work)
        else:
            self.keep(work)

    def followed(self) -> None:
        """The answer has gone out, or never will."""
        following, self._following = self._following, []
        for work in following:
            self.keep(work)

    # -- waiting -----------------------------------------------------------------------------------

    def noted(self) -> None:
        """Something happened: whoever waits looks again."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def until(self, holds: Callable[[], Any], timeout: float = 10.0) -> Any:
        """Wait until something is the case and return what was found.

        Raises:
            TimeoutError: it was not within ``timeout`` seconds of the world's time.
        """
        async with asyncio.timeout(timeout):
            while not (found := holds()):
                await self._news.wait()
            return found

    async def until_idle(self) -> None:
        """Wait until no transaction runs."""
        while any(each.transaction is not None for each in self.connectors):
            await self._news.wait()

    def frames(self, action: str, *, sent: bool = True, kind: int = 2) -> list[Frame]:
        """Return the frames of an action among the last ones; kind 2 is CALL, 3 CALLRESULT, 4 CALLERROR."""
        wanted = (sent, kind, action)
        return [each for each in self.link.history if (each.sent, each.kind, each.action) == wanted]

    # -- drivers and the world ---------------------------------------------------------------------

    def connector(self, number: int) -> Connector:
        return self.connectors[number - 1]

    def plug(self, connector: int = 1, car: Car | None = None) -> None:
        """Put a cable in; without a car given it is one like any."""
        self.charging.plug(self.connector(connector), car or Car(max_power=CAR_POWER * self.speed))

    def unplug(self, connector: int = 1) -> None:
        """Pull the cable out."""
        self.charging.unplug(self.connector(connector))

    async def present(self, token: str | IdToken, connector: int = 1) -> TokenInfo:
        """Hold a card to the reader; return how it was judged."""
        card = token if isinstance(token, IdToken) else IdToken(id_token=token)
        return await self.charging.present(self.connector(connector), card)

    def meter(self, connector: int = 1) -> int:
        """Return what a meter shows now, in Wh."""
        found = self.connector(connector)
        found.flow(self.now())
        return found.meter.register

    def soc(self, connector: int = 1) -> float | None:
        """Return how full the car is, in percent; None: there is none."""
        found = self.connector(connector)
        found.flow(self.now())
        return found.car.soc if found.car is not None else None

    def lose_link(self) -> None:
        """Cut the cable to the network until ``restore_link``."""
        self.link.lose()

    def restore_link(self) -> None:
        self.link.restore()

    # -- power and resets --------------------------------------------------------------------------

    def power_loss(self) -> None:
        """The power fails: meters stand still and the link is gone."""
        for each in self.connectors:
            each.flow(self.now())
        self.powered = False
        self.charging.forget()
        self.link.lose()

    def power_return(self) -> None:
        """The power is back: transactions ended when it failed, and the station boots."""
        self.powered = True
        for each in self.connectors:
            each.metered_at = None  # nothing flowed meanwhile
            self.charging.stop(each, "PowerLoss", "AbnormalCondition")
        self.charging.remember()
        self.boot_reason = "PowerUp"
        self.link.restore()

    async def reset(self, *, hard: bool, reason: str) -> None:
        """End what runs, and start again after a while.

        Args:
            reason: what stops are told with (1.6: SoftReset, HardReset; 2.0.1: ImmediateReset).
        """
        for each in self.connectors:
            each.grant = None
            self.charging.stop(each, reason, "ResetCommand")
        if not hard:
            # A soft reset tells first what has to be told (OCPP 1.6, 5.14).
            with contextlib.suppress(TimeoutError):
                await self.until(lambda: not self.queue, timeout=5.0)
        await self.restart("RemoteReset")

    async def restart(self, reason: str) -> None:
        """Leave the network, and boot after a few seconds."""
        self.boot_reason = reason
        await self.link.leave()
        await self.clock.sleep(_BOOT_SECONDS)
        self.link.restore()

    def new_password(self, password: str) -> None:
        """Take another password: the station connects again with it (OCPP 1.6 security whitepaper, A01)."""
        self.link.address = replace(self.link.address, password=password)
        self.follow(self.link.close())
