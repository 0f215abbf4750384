"""STORE: a Location PUT to the hub, durably stored before the answer, 64 connections.

Against Starlette, pydantic and Tortoise's ``update_or_create``, with SQLite as durable as ours.
"""

from bench.ground import CPO, Ground, put_location
from bench.rounds import Verdict, measure, ratio
from bench.samples import COUNTRY, NUMBER, PARTY


def measured(ground: Ground) -> list[Verdict]:
    """Return the verdict of STORE."""
    receivers = ground.receivers(1)
    hub = ground.hub("store")
    put = put_location(hub.register(CPO, "CPO", receivers.ports[0]))
    peer, origin = ground.peer("store", DATABASE=str(ground.room("store-peer") / "peer.db"))
    put_to_peer = put.at(f"{origin}/locations/{COUNTRY}/{PARTY}/LOC{NUMBER}")

    def microseconds(load: object, server: object) -> float:
        return 1e6 / ground.load(load, server).per_cpu_second  # type: ignore[arg-type]

    ground.load(put, hub.server)
    ground.load(put_to_peer, peer)
    ours, theirs = measure(
        ground.rounds, lambda: microseconds(put, hub.server), lambda: microseconds(put_to_peer, peer)
    )
    what = "CPU per PUT against Starlette+pydantic+Tortoise, us"
    return [ratio("STORE", what, "at most", 0.25, ours, theirs, more_is_better=False)]
