"""Whether parties can be reached: CONNECTED or OFFLINE, found out by what happens anyway, else by asking.

Any call from a platform and any answer of it show that it is there. A refused connection shows that
it is not, and so do several requests in a row without an answer. After a silence the hub GETs its
versions (the text: X minutes, 5 to start with); a platform that is OFFLINE is asked again first
after seconds, then less and less often.

``heard``, ``answered`` and ``failed`` stand in the path of every request: where nothing changes they
cost one entry in a dictionary.

Source: OCPI 2.3.0, mod_hub_client_info.asciidoc (Still alive check, Scenarios).
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable
from typing import NamedTuple

from hub.credentials.connections import Connection, Connections, Invited
from hub.database.contract import DatabaseUnavailable
from hub.ocpi.client import Client
from hub.ocpi.errors import OcpiError, ReceiverTimeout, ReceiverUnreachable

log = logging.getLogger(__name__)

Change = Callable[[Connection, str, str], None]

_PROBE_TIMEOUT = 10.0  # seconds
_AT_ONCE = 32  # probes
_NOTED_EVERY = 15.0  # seconds between notes of who was heard
_GREETING = 2.0  # seconds a platform has to receive the answer to its registration


class _Probe(NamedTuple):
    """When an OFFLINE platform is asked again, and how often it was."""

    due: float
    attempt: int


class Presence:
    """Watches over the connections of one house.

    Args:
        still_alive_after: silence after which a platform is asked, in seconds.
        offline_after_timeouts: requests in a row without an answer that make it OFFLINE.
        probe_first: an OFFLINE platform is asked within so many seconds.
        probe_every: the longest pause between two questions, in seconds.
        clock: seconds since 1970, UTC.
        jitter: a random number from 0 to 1, so that not all are asked at once.
    """

    def __init__(
        self,
        connections: Connections,
        client: Client,
        *,
        still_alive_after: float = 300.0,
        offline_after_timeouts: int = 3,
        probe_first: float = 5.0,
        probe_every: float = 300.0,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._connections = connections
        self._client = client
        self._still_alive_after = still_alive_after
        self._timeouts_allowed = offline_after_timeouts
        self._probe_first = probe_first
        self._probe_every = probe_every
        self._clock = clock
        self._jitter = jitter
        self._started = clock()
        self._heard: dict[str, float] = {}
        self._timeouts: dict[str, int] = {}
        self._probes: dict[str, _Probe] = {}
        self._new: dict[str, float] = {}  # registered just now; the change is not told yet
        self._attention: set[str] = set()  # whom a sign of life changes something for
        self._listeners: list[Change] = []
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._noted = self._started
        self._loop: asyncio.Task[None] | None = None

    def on_change(self, callback: Change) -> None:
        """Call back with (connection, old status, new status), in every process of the house.

        A new connection comes as PLANNED to CONNECTED, once it has used its token (so it has the
        answer to its registration) or two seconds have passed; one that leaves goes SUSPENDED.
        """
        self._listeners.append(callback)

    # -- what happens anyway ----------------------------------------------------------------------

    def heard(self, caller: Connection | Invited) -> None:
        """Note a call from a platform."""
        if caller.version is None:
            return
        self._heard[caller.id] = self._clock()
        if caller.id in self._attention:
            self._alive(caller.id)

    def answered(self, connection_id: str) -> None:
        """Note an answer of a platform."""
        self._heard[connection_id] = self._clock()
        if connection_id in self._attention:
            self._timeouts.pop(connection_id, None)
            if connection_id not in self._new:
                self._alive(connection_id)

    def failed(self, connection_id: str, error: OcpiError) -> None:
        """Note that a platform could not be reached, or did not answer."""
        if isinstance(error, ReceiverUnreachable):
            self._offline(connection_id)
        elif isinstance(error, ReceiverTimeout):
            count = self._timeouts[connection_id] = self._timeouts.get(connection_id, 0) + 1
            self._attention.add(connection_id)
            if count >= self._timeouts_allowed:
                self._offline(connection_id)

    def _alive(self, connection_id: str) -> None:
        self._attention.discard(connection_id)
        self._timeouts.pop(connection_id, None)
        self._probes.pop(connection_id, None)
        self._greet(connection_id)
        self._connections.set_status(connection_id, "CONNECTED")

    def _offline(self, connection_id: str) -> None:
        self._timeouts.pop(connection_id, None)
        self._connections.set_status(connection_id, "OFFLINE")

    # -- what is told -----------------------------------------------------------------------------

    def _changed(self, old: Connection | None, new: Connection | None) -> None:
        """Follow the directory, whoever changed it."""
        if new is None:
            assert old is not None, "a change is of something"
            self._forget(old.id)
            self._tell(old, old.status, "SUSPENDED")
            return
        if new.status == "OFFLINE":
            self._schedule(new.id, 0)
        elif new.status == "CONNECTED":
            self._probes.pop(new.id, None)
        if old is None:
            self._heard[new.id] = self._clock()
            self._new[new.id] = self._clock() + _GREETING
            self._attention.add(new.id)
        elif old.status != new.status:
            former = "PLANNED" if self._new.pop(new.id, None) is not None else old.status
            self._tell(new, former, new.status)

    def _greet(self, connection_id: str) -> None:
        connection = self._connections.by_id(connection_id)
        if self._new.pop(connection_id, None) is not None and connection is not None:
            self._tell(connection, "PLANNED", connection.status)

    def _tell(self, connection: Connection, old: str, new: str) -> None:
        log.info("%s: %s, was %s", connection.name, new, old)
        for listener in self._listeners:
            try:
                listener(connection, old, new)
            except Exception:
                log.exception("a listener of presence failed")

    def _forget(self, connection_id: str) -> None:
        for each in (self._heard, self._timeouts, self._probes, self._new):
            each.pop(connection_id, None)
        self._attention.discard(connection_id)

    # -- asking -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Watch from now on; the directory is loaded."""
        self._connections.watch(self._changed)
        for each in self._connections.all():
            if each.status == "OFFLINE":
                self._schedule(each.id, 0)
        self._loop = asyncio.create_task(self._run(), name="presence")

    async def stop(self) -> None:
        """Ask nobody any more, and note who was heard."""
        tasks = [*self._asking.values(), *([self._loop] if self._loop else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(DatabaseUnavailable):
            await self._note()

    async def _run(self) -> None:
        pause = max(0.01, min(1.0, self._probe_first / 5, self._still_alive_after / 5))
        while True:
            try:
                await self.look()
            except DatabaseUnavailable as error:
                log.warning("presence cannot be noted: %s", error)
            await asyncio.sleep(pause)

    async def look(self) -> None:
        """Ask whoever it is time to ask; of several processes one asks."""
        now = self._clock()
        for connection_id, due in list(self._new.items()):
            if due <= now:
                self._greet(connection_id)
        if now - self._noted >= _NOTED_EVERY:
            await self._note()
        if not await self._connections.store.database.try_lead():
            return
        for connection in self._connections.all():
            if len(self._asking) >= _AT_ONCE:
                return
            if connection.id not in self._asking and await self._is_due(connection, now):
                self._ask(connection)

    async def _is_due(self, connection: Connection, now: float) -> bool:
        if connection.status == "OFFLINE":
            probe = self._probes.get(connection.id)
            return probe is not None and probe.due <= now
        if connection.status != "CONNECTED" or not self._silent(connection.id, now):
            return False
        # Another process may have heard it.
        sql = "SELECT last_seen FROM credentials_connection WHERE id = $1"
        for (last_seen,) in await self._connections.store.database.fetch(sql, connection.id):
            self._heard[connection.id] = max(self._heard.get(connection.id, 0.0), last_seen / 1_000_000)
        return self._silent(connection.id, now)

    def _silent(self, connection_id: str, now: float) -> bool:
        return now - self._heard.get(connection_id, self._started) >= self._still_alive_after

    def _ask(self, connection: Connection) -> None:
        task = asyncio.create_task(self._probe(connection), name=f"probe of {connection.name}")
        self._asking[connection.id] = task
        task.add_done_callback(lambda _: self._asking.pop(connection.id, None))

    async def settled(self) -> None:
        """Wait until everyone who was asked has answered, or has not."""
        while self._asking:
            await asyncio.gather(*self._asking.values(), return_exceptions=True)

    async def _probe(self, connection: Connection) -> None:
        """GET a platform's versions: it has no side effects, and everyone has them."""
        error = await self._versions(connection, connection.versions_url)
        if error is not None and connection.quirks.trailing_slash and not connection.versions_url.endswith("/"):
            error = await self._versions(connection, connection.versions_url + "/")
        if error is None:
            self._attention.add(connection.id)
            self.answered(connection.id)
            return
        log.info("%s does not answer: %s", connection.name, error)
        if connection.status == "OFFLINE":
            probe = self._probes.get(connection.id, _Probe(0.0, 0))
            self._schedule(connection.id, probe.attempt + 1)
        else:
            self.failed(connection.id, error if isinstance(error, ReceiverUnreachable) else ReceiverTimeout(str(error)))

    async def _versions(self, connection: Connection, url: str) -> OcpiError | None:
        """GET a platform's versions; return what is wrong, if anything."""
        try:
            answer = await self._client.call(
                "GET", url, connection.token, quirks=connection.quirks, timeout=_PROBE_TIMEOUT
            )
        except OcpiError as error:
            return error
        if answer.http_status < 300 and 1000 <= answer.status_code < 2000:
            return None
        return ReceiverTimeout(f"HTTP {answer.http_status}, OCPI {answer.status_code}")

    def _schedule(self, connection_id: str, attempt: int) -> None:
        """Fix when an OFFLINE platform is asked next: soon, then after pauses that double, never two at one time."""
        pause = min(self._probe_every, self._probe_first * 2.0 ** min(attempt, 30))
        self._probes[connection_id] = _Probe(self._clock() + pause * (0.5 + 0.3 * self._jitter()), attempt)
        self._attention.add(connection_id)

    async def _note(self) -> None:
        """Note in the store when each was last heard."""
        since, self._noted = self._noted, self._clock()
        moments = [(key, int(at * 1_000_000)) for key, at in self._heard.items() if at >= since]
        if moments:
            store = self._connections.store
            await store.database.transact(lambda tx: store.seen(tx, moments))
