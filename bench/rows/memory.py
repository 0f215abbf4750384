"""MEMORY: of an idle hub, and of one with 200 connections and 100,000 Locations (RSS of all its processes)."""

from bench.ground import Ground
from bench.rounds import Verdict, absolute

MB = 1e6


def measured(ground: Ground) -> list[Verdict]:
    """Return the verdicts of MEMORY."""
    idle = ground.hub("memory")
    empty = []
    for _ in range(ground.rounds):
        idle.restart()
        idle.settle()
        empty.append(idle.server.rss() / MB)

    city = ground.city
    city.connect_all()
    city.hub.settle()
    # As it is after all that happened to it, and as it is after a restart.
    running = city.hub.server.rss() / MB
    city.hub.restart()
    city.hub.settle()
    note = f"{city.hub.server.rss() / MB:.0f} MB after a restart"
    full = f"with {ground.connections} connections and {ground.objects:,} Locations"
    return [
        absolute("MEMORY", "idle", "at most", 90, empty, "MB"),
        absolute("MEMORY", full, "at most", 250, [running], "MB", note),
    ]
