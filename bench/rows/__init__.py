"""The rows of the table, one file each: what is measured and what it has to reach."""

from collections.abc import Callable

from bench.ground import Ground
from bench.rounds import Verdict
from bench.rows import (
    chargers,
    fan_out,
    load,
    memory,
    meter,
    page,
    price,
    route,
    search,
    start,
    status,
    store,
    validate,
)

#: What each row needs beside the hub: a tool or a peer, as ``BENCH_SKIP`` names them.
ROWS: dict[str, tuple[Callable[[Ground], list[Verdict]], frozenset[str]]] = {
    "ROUTE": (route.measured, frozenset({"nginx", "wrk", "proxy"})),
    "FAN-OUT": (fan_out.measured, frozenset({"nginx", "wrk"})),
    "STORE": (store.measured, frozenset({"wrk", "store"})),
    "PAGE": (page.measured, frozenset({"wrk", "extrawest"})),
    "VALIDATE": (validate.measured, frozenset()),
    "PRICE": (price.measured, frozenset()),
    "MEMORY": (memory.measured, frozenset()),
    "START": (start.measured, frozenset()),
    "CHARGERS": (chargers.measured, frozenset()),
    "STATUS": (status.measured, frozenset()),
    "SEARCH": (search.searched, frozenset()),
    "FLIP": (search.flipped, frozenset()),
    "LOAD": (load.measured, frozenset()),
    "METER": (meter.measured, frozenset({"ocpp"})),
}
