"""ROUTE: a 4 kB PUT routed to another party, authentication, ownership, audit and metrics included.

Against an nginx reverse proxy and against a plain Starlette+httpx proxy, all in front of the same
receiver; once with a pair of parties set to "keep nothing", once with the copy durably stored
before the answer.
"""

from bench import nginx
from bench.ground import CPO, Ground, put_location
from bench.load import Load
from bench.processes import Server, free_ports
from bench.rounds import Verdict, absolute, measure, ratio

KEPT_NOTHING, KEPT = ("NL", "NIX"), ("NL", "KPT")


def measured(ground: Ground) -> list[Verdict]:
    """Return the verdicts of ROUTE."""
    folder = ground.room("route")
    ports = free_ports(4)
    ground.row.enter_context(nginx.receiver(folder, ports[:3]))
    proxy = ground.row.enter_context(nginx.proxy(folder, ports[3], ports[0]))
    plain, plain_origin = ground.peer("proxy", UPSTREAM=f"http://127.0.0.1:{ports[0]}")
    hub = ground.hub("route")
    cpo = hub.register(CPO, "CPO", ports[0])
    hub.register(KEPT_NOTHING, "EMSP", ports[1])
    hub.register(KEPT, "EMSP", ports[2])
    hub.set(KEPT_NOTHING, 'keep_nothing=["*"]')

    routed, stored = put_location(cpo, KEPT_NOTHING, 4000), put_location(cpo, KEPT, 4000)
    path = "/" + routed.url.split("/", 3)[3]
    through_nginx, through_plain = routed.at(f"http://127.0.0.1:{ports[3]}{path}"), routed.at(plain_origin + path)

    def throughput(load: Load, server: Server) -> float:
        return ground.load(load, server).per_cpu_second

    def latency(load: Load, server: Server) -> float:
        return ground.load(load, server, connections=4).p50 * 1000

    targets = ((routed, hub.server), (stored, hub.server), (through_nginx, proxy), (through_plain, plain))
    for load, server in targets:
        ground.load(load, server)  # connections, caches and the database's first pages are made
    many = measure(
        ground.rounds, *(lambda load=load, server=server: throughput(load, server) for load, server in targets)
    )
    few = measure(
        ground.rounds, *(lambda load=load, server=server: latency(load, server) for load, server in targets[:3])
    )
    per_second, slower = "requests per CPU second against ", "p50 at 4 connections against nginx, ms"
    return [
        ratio("ROUTE", per_second + "nginx", "at least", 0.15, many[0], many[2], more_is_better=True),
        ratio("ROUTE", per_second + "Starlette+httpx", "at least", 12, many[0], many[3], more_is_better=True),
        ratio("ROUTE", slower, "at most", 8, few[0], few[2], more_is_better=False),
        ratio("ROUTE, stored", per_second + "nginx", "at least", 0.07, many[1], many[2], more_is_better=True),
        absolute("ROUTE, stored", "p50 at 4 connections", "at most", 3, few[1], "ms"),
    ]
