"""CHARGERS: 10,000 stations connected to one `emall serve`: their memory, how fast all come back after a power cut."""

import time
from dataclasses import dataclass, field

from bench.ground import Ground
from bench.rounds import Verdict, absolute, number
from bench.stations import served

COUNT = 10_000
KB = 1000
_WARM = 100  # stations that come first, so that what is loaded once is loaded


@dataclass
class _Figures:
    memory: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    beats: list[float] = field(default_factory=list)


def measured(ground: Ground) -> list[Verdict]:
    """Return the verdicts of CHARGERS; fewer stations where fewer objects are asked for."""
    count = min(COUNT, ground.objects // 10)
    figures = _Figures()
    for _ in range(ground.rounds):
        _round(ground, count, figures)
    tls = _tls(ground, count)
    several = f"{count:,} stations"
    return [
        absolute("CHARGERS", f"memory of an idle one of {several}", "at most", 30, figures.memory, "kB", tls),
        absolute("CHARGERS", f"connect and boot of {several}", "at most", 30, figures.first, "s"),
        absolute("CHARGERS", "the same after all were cut off", "at most", 30, figures.again, "s"),
        absolute("CHARGERS", "heartbeats meanwhile, p99", "at most", 1, figures.beats, "s"),
    ]


def _round(ground: Ground, count: int, figures: _Figures) -> None:
    with served(ground, "chargers") as (server, crowd):
        crowd.do("connect", count=_WARM)
        before = server.rss()
        found = crowd.do("connect", count=count)
        figures.first.append(found["seconds"])
        figures.beats.append(found["beats"]["p99"])
        time.sleep(2)
        figures.memory.append((server.rss() - before) / count / KB)
        crowd.do("drop")
        found = crowd.do("connect", count=count)
        figures.again.append(found["seconds"])
        figures.beats.append(found["beats"]["p99"])


def _tls(ground: Ground, count: int) -> str:
    with served(ground, "chargers-tls", tls=True) as (server, crowd):
        crowd.do("connect", count=_WARM)
        before = server.rss()
        seconds = crowd.do("connect", count=count)["seconds"]
        time.sleep(2)
        return f"with TLS {number((server.rss() - before) / count / KB)} kB, all in {number(seconds)} s"
