"""FAN-OUT: one 300 B PATCH stored and delivered to 100 subscriber platforms, delivery states recorded.

Against a number of deliveries and against wrk sending prepared bytes. Each PATCH is for an EVSE of its
own, so that nothing is conflated, and a measurement ends when every copy has arrived.
"""

import asyncio
import time
from itertools import count

from bench import nginx
from bench.ground import CPO, Ground, Receivers, push_locations
from bench.hub import Hub, Platform, emall
from bench.load import Load
from bench.processes import Failure, free_ports
from bench.rounds import Verdict, absolute, either, measure, ratio
from bench.samples import COUNTRY, PARTY, evse_patch
from hub.ocpi.wire import Wire

SUBSCRIBERS = 100
LOCATIONS = 500
WINDOW = 16  # PATCHes on their way at once
SINGLE = 20  # PATCHes sent one by one in a round
STATUSES = ("CHARGING", "AVAILABLE")


class Sender:
    """A CPO that PATCHes its EVSEs, each in its turn."""

    def __init__(self, hub: Hub, receivers: Receivers, cpo: Platform) -> None:
        self._hub = hub
        self._receivers = receivers
        self._headers = cpo.headers()
        self._url = cpo.url("locations", "RECEIVER", f"/{COUNTRY}/{PARTY}/LOC")
        self._numbers = count()
        self._bodies = [evse_patch(status) for status in STATUSES]

    async def patch(self, wire: Wire) -> None:
        """Send the next PATCH."""
        number = next(self._numbers)
        digits = f"{number:06d}"
        headers = {name: value.replace("@@@@@@", digits) for name, value in self._headers.items()}
        url = f"{self._url}{number % LOCATIONS:06d}/EVSE{1 + number // LOCATIONS % 3}"
        body = self._bodies[number // (3 * LOCATIONS) % 2]
        answer = await wire.send("PATCH", url, headers, body, timeout=30)
        if b'"status_code":1000' not in answer.body:
            raise Failure(f"a PATCH was answered {answer.body[:500]!r}")

    async def _stream(self, seconds: float) -> tuple[int, float]:
        """PATCH for a while, then wait for all copies; return their number and the hub's CPU seconds."""
        wire = Wire(allow_private=True, max_answer=1_000_000)
        base, _ = await self._receivers.pushes(wire)
        before, end, sent = self._hub.server.cpu(), time.monotonic() + seconds, 0

        async def push() -> None:
            nonlocal sent
            while time.monotonic() < end:
                sent += 1
                await self.patch(wire)
                await self._receivers.pushes(wire, base + SUBSCRIBERS * (sent - WINDOW))

        await asyncio.gather(*(push() for _ in range(WINDOW)))
        await self._receivers.pushes(wire, base + SUBSCRIBERS * sent)
        await asyncio.sleep(1)  # the last states are recorded
        arrived, _ = await self._receivers.pushes(wire)
        await wire.close()
        if arrived - base != SUBSCRIBERS * sent:
            raise Failure(f"{sent} PATCHes made {arrived - base} deliveries, not {SUBSCRIBERS * sent}")
        return arrived - base, self._hub.server.cpu() - before

    def per_cpu_second(self, seconds: float) -> float:
        """Return deliveries per CPU second of the hub."""
        deliveries, cpu = asyncio.run(self._stream(seconds))
        return deliveries / cpu

    async def _singles(self) -> list[float]:
        wire = Wire(allow_private=True, max_answer=1_000_000)
        taken = []
        for _ in range(SINGLE):
            base, _ = await self._receivers.pushes(wire)
            waiting = asyncio.create_task(self._receivers.pushes(wire, base + SUBSCRIBERS))
            await asyncio.sleep(0.02)
            start = time.monotonic()
            await self.patch(wire)
            taken.append((await waiting)[1] - start)
        await wire.close()
        return taken

    def last_delivery(self) -> float:
        """Return the median time from a PATCH to the arrival of its last copy, in ms."""
        taken = sorted(asyncio.run(self._singles()))
        return taken[len(taken) // 2] * 1000


def measured(ground: Ground) -> list[Verdict]:
    """Return the verdicts of FAN-OUT."""
    receivers = ground.receivers(SUBSCRIBERS + 1)
    hub = ground.hub("fan-out")
    cpo = hub.register(CPO, "CPO", receivers.ports[-1])
    asyncio.run(push_locations(cpo, LOCATIONS))
    hub.register_all([("NL", f"S{number:02d}") for number in range(SUBSCRIBERS)], "EMSP", receivers.ports[:SUBSCRIBERS])
    hub.settle()
    sender = Sender(hub, receivers, cpo)
    port = free_ports(1)[0]
    ground.row.enter_context(nginx.receiver(ground.room("fan-out-receiver"), [port]))
    url = f"http://127.0.0.1:{port}/2.2.1/receiver/locations/{COUNTRY}/{PARTY}/LOC000001/EVSE1"
    bytes_only = Load(url=url, method="PATCH", headers=cpo.headers(), body=evse_patch("CHARGING"))

    sender.per_cpu_second(1)
    ours, wrk, last = measure(
        ground.rounds,
        lambda: sender.per_cpu_second(ground.seconds),
        lambda: ground.load(bytes_only, None, connections=100).per_cpu_second,
        sender.last_delivery,
    )
    _nothing_pending(hub)
    what = "deliveries per CPU second"
    return [
        either([
            absolute("FAN-OUT", what, "at least", 6000, ours, "/s"),
            ratio("FAN-OUT", what + " against wrk", "at least", 0.12, ours, wrk, more_is_better=True),
        ]),
        absolute("FAN-OUT", "last of 100 deliveries, p50", "at most", 40, last, "ms"),
    ]  # fmt: skip


def _nothing_pending(hub: Hub) -> None:
    if pending := emall("deliveries", "list", "--state", "pending", "--data", hub.data):
        raise Failure(f"{len(pending)} deliveries are not recorded as done: {str(pending[0])[:300]}")
