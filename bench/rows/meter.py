"""METER: MeterValues with eight values, judged and answered, and stored as well; against the ``ocpp`` package.

Ours writes every frame into the log besides.
"""

import contextlib

from bench.ground import Ground
from bench.processes import Server
from bench.rounds import Verdict, measure, ratio
from bench.stations import Crowd, kept, plain

_STATIONS = 50


def measured(ground: Ground) -> list[Verdict]:
    """Return the verdicts of METER."""
    with contextlib.ExitStack() as running:
        answering = running.enter_context(kept(ground, "meter", keep=False))
        keeping = running.enter_context(kept(ground, "meter-kept", keep=True))
        package = running.enter_context(plain(ground))
        for _, crowd in (answering, keeping, package):
            crowd.do("connect", count=_STATIONS)
        for _, crowd in (answering, keeping):
            crowd.do("begin")
        for _, crowd in (answering, keeping, package):
            crowd.do("meter", seconds=1)
        fast, stored, theirs = measure(
            ground.rounds,
            lambda: _per_cpu_second(*answering, ground.seconds),
            lambda: _per_cpu_second(*keeping, ground.seconds),
            lambda: _per_cpu_second(*package, ground.seconds),
        )
    what = "MeterValues per CPU second against the ocpp package, "
    return [
        ratio("METER", what + "answered", "at least", 8, fast, theirs, more_is_better=True),
        ratio("METER", what + "stored", "at least", 4, stored, theirs, more_is_better=True),
    ]


def _per_cpu_second(server: Server, crowd: Crowd, seconds: float) -> float:
    before = server.cpu()
    messages: int = crowd.do("meter", seconds=seconds)["messages"]
    return messages / (server.cpu() - before)
