"""Drivers with their apps: ``python -m bench.riders PORT DRIVERS EVSES``, ordered by its stdin like the stations.

``{"do": "ride", "rate": 40, "seconds": 10}`` has so many requests a second arrive, at moments fixed beforehand as
chance has them and whatever became of those before: nine of ten search, eight in a hundred book, two in a hundred
start a charge, each another driver's. The time of each counts from the moment it was to be sent.
"""

import asyncio
import datetime
import itertools
import json
import random
import resource
import sys
import time
import uuid
from collections.abc import Iterator
from statistics import quantiles
from typing import Any

import uvloop

from bench.cpo import spot
from bench.drivers import bearer
from bench.pinned import pin
from bench.places import Continent
from hub.ocpi.wire import Wire, WireError

KINDS, WEIGHTS = ("search", "book", "start"), (90, 8, 2)
WISHES = "available=true&standards=IEC_62196_T2_COMBO&least_power=50000&capabilities=RFID_READER&limit=20"
_STRIDE = 7919  # a prime: drivers come in no order, and all of them before one comes again
_TIMEOUT = 30.0


class Riders:
    """All drivers."""

    def __init__(self, port: int, drivers: int, evses: int) -> None:
        self._api = f"http://127.0.0.1:{port}/emsp/api/v1"
        self._wire = Wire(allow_private=True, max_answer=10_000_000)
        self._drivers = (bearer(number * _STRIDE % drivers) for number in itertools.count())
        self._chance, self._there = random.Random(5), Continent(seed=13)
        booked = evses * 3 // 4
        self._bookable = _bookings(booked)
        self._startable = iter(range(booked, evses))
        self._why: list[str] = []

    async def ride(self, rate: float, seconds: float) -> dict[str, Any]:
        """Send requests at a rate; return how long they took, in ms, and how many were refused."""
        plan = list(self._plan(rate, seconds))
        self._why = []
        begun, riding = time.monotonic() + 0.1, []
        for at, method, path, body in plan:
            await asyncio.sleep(begun + at - time.monotonic())
            riding.append(asyncio.create_task(self._ask(begun + at, method, path, body)))
        taken = await asyncio.gather(*riding)
        cuts = quantiles(taken, n=100)
        return {
            "requests": len(plan),
            "p50": cuts[49],
            "p99": cuts[98],
            "refused": len(self._why),
            "why": self._why[:3],
        }

    def _plan(self, rate: float, seconds: float) -> Iterator[tuple[float, str, str, bytes | None]]:
        at = self._chance.expovariate(rate)
        while at < seconds:
            (kind,) = self._chance.choices(KINDS, WEIGHTS)
            yield (at, *self._request(kind))
            at += self._chance.expovariate(rate)

    def _request(self, kind: str) -> tuple[str, str, bytes | None]:
        if kind == "book":
            return "POST", "/bookings", json.dumps(next(self._bookable)).encode()
        if kind == "start":
            return "POST", "/charges", json.dumps({"place": spot(next(self._startable))}).encode()
        near = self._there.somewhere()
        return "GET", f"/search?{WISHES}&near={near.lat},{near.lon}", None

    async def _ask(self, since: float, method: str, path: str, body: bytes | None) -> float:
        headers = {"Authorization": f"Bearer {next(self._drivers)}"}
        if body is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        try:
            answer = await self._wire.send(method, self._api + path, headers, body, timeout=_TIMEOUT)
        except WireError as error:
            self._why.append(f"{method} {path}: {error!r}")
        else:
            if answer.status not in (200, 201):
                self._why.append(f"{method} {path}: {answer.status} {answer.body[:300]!r}")
        return (time.monotonic() - since) * 1000


def _bookings(evses: int) -> Iterator[dict[str, Any]]:
    """Yield half hours of tomorrow, of each EVSE the first, then of each the next."""
    day = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=1)
    first = datetime.datetime.combine(day, datetime.time(8), datetime.UTC)
    for half, number in itertools.product(range(24), range(evses)):
        at = first + half * datetime.timedelta(minutes=30)
        ends = at + datetime.timedelta(minutes=30)
        yield {"place": spot(number), "starts_at": at.isoformat(), "ends_at": ends.isoformat()}


async def _main(port: int, drivers: int, evses: int) -> None:
    riders = Riders(port, drivers, evses)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        print(json.dumps(await getattr(riders, order.pop("do"))(**order)), flush=True)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    pin(1)
    uvloop.run(_main(*map(int, sys.argv[1:])))
