"""LOAD: 200,000 drivers, an open load of 40 requests a second: nine of ten search, others book, and some start.

Drivers and EVSEs are in the store, all logged in; the CPO whose EVSEs are booked and started is a platform behind the
hub. What comes when is fixed beforehand (``bench.riders``). Beside it stands up to which rate the same holds.
"""

import contextlib
import sys
import time
from collections.abc import Iterator

from bench.cpo import PER_LOCATION
from bench.ground import HOME, Ground
from bench.pinned import pin
from bench.processes import Failure, Server, free_ports
from bench.provider import Provider
from bench.rounds import Verdict, absolute, measure, number
from bench.stations import Crowd

RATE = 40  # requests a second
_SECONDS = 5  # of a load, for each second of others: a hundredth of it must be several requests
_STEP = 1.5  # to the next rate that is tried
_BOUND = 200  # ms
_LOCATIONS = 400


def measured(ground: Ground) -> list[Verdict]:
    """Return the verdicts of LOAD, on both engines."""
    found = []
    for provider in ground.providers:
        with _ridden(ground, provider) as riders:
            riders.do("ride", rate=RATE, seconds=2)
            (late,) = measure(ground.rounds, lambda riders=riders: _p99(riders, _SECONDS * ground.seconds))
            note = f"holds up to {number(_holds(riders, 2.0 * ground.seconds))} requests/s"
        what = f"{ground.drivers:,} drivers, {provider.engine}, p99 at {RATE} requests/s"
        found.append(absolute("LOAD", what, "at most", _BOUND, late, "ms", note))
    return found


def _p99(riders: Crowd, seconds: float) -> float:
    ridden = riders.do("ride", rate=RATE, seconds=seconds)
    if ridden["refused"]:
        raise Failure(f"{ridden['refused']} of {ridden['requests']} failed: {'; '.join(ridden['why'])}")
    return float(ridden["p99"])


def _holds(riders: Crowd, seconds: float) -> float:
    """Return the highest rate tried at which the bound still holds."""
    held, rate = 0.0, RATE * _STEP
    while True:
        ridden = riders.do("ride", rate=rate, seconds=seconds)
        if ridden["p99"] > _BOUND or ridden["refused"]:
            return held or RATE
        held, rate = rate, rate * _STEP


@contextlib.contextmanager
def _ridden(ground: Ground, provider: Provider) -> Iterator[Crowd]:
    """Put a CPO behind the hub and drivers in front of the provider."""
    (port,) = free_ports(1)
    room = ground.room("cpo")
    order = [port, provider.versions_url, provider.invitation("Bench CPO"), _LOCATIONS]
    with Server("cpo", [sys.executable, "-m", "bench.cpo", *map(str, order)], room / "log", cwd=HOME.parent) as cpo:
        _wait(cpo)
        provider.settle()  # what the CPO has told is delivered
        pin(1, cpo.tree()[0])
        riders = Crowd(provider.port, ground.drivers, _LOCATIONS * PER_LOCATION, module="bench.riders")
        try:
            yield riders
        finally:
            riders.end()


def _wait(cpo: Server) -> None:
    end = time.monotonic() + 60
    while "\nready" not in cpo.log.read_text(errors="replace"):
        if time.monotonic() > end or not cpo.tree():
            raise Failure(f"the CPO has not told all it has: {cpo.tail()}")
        time.sleep(0.1)
