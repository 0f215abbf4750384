"""Puts the house together and runs it; the only file that knows every room.

The hub answers at ``/ocpi``, our CPMS at ``/cpms/ocpi``, our eMSP at ``/emsp/ocpi``. Rooms of one
process reach each other without a socket, and otherwise exactly as strangers do (decision 0001).
"""

import asyncio
import contextlib
import functools
import gc
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

import uvicorn

from hub.credentials.secrets import open_secrets
from hub.database import lock_server, open_database
from hub.front import Application, Front
from hub.http import Protocol
from hub.hubroom import HubRoom
from hub.joining import join
from hub.listeners import listening
from hub.metrics import Metrics
from hub.ocpi.client import Client
from hub.ocpi.exchanges import Receive, Scope, Send
from hub.ocpi.messages import Party
from hub.ocpi.wire import Wire
from hub.orders import serve as serve_orders
from hub.provider import emsp_room, provider
from hub.recorded import record_settings, settle_ids
from hub.rooms import PartyRoom, Room, Workshop
from hub.settings import BadSetting, Settings
from hub.trace import Trace

if TYPE_CHECKING:
    from hub.api.application import Api
    from hub.cpms.alarms import OperationCentre
    from hub.cpms.assembly import Assembly
    from hub.cpms.contracts import Pool
    from hub.cpms.endpoints import CpoEndpoints
    from hub.cpms.ports import Cpms
    from hub.emsp.assembly import Assembly as Provider

log = logging.getLogger(__name__)

_PATHS = {"hub": "/ocpi", "cpms": "/cpms/ocpi", "emsp": "/emsp/ocpi"}
_DRAIN = 4  # seconds requests in flight have after SIGTERM


async def serve(settings: Settings) -> int:
    """Run the rooms of ``settings`` until SIGTERM or SIGINT; return the exit code.

    Raises:
        BadSetting, DatabaseUnavailable: one line with a remedy.
    """
    with contextlib.ExitStack() as held:
        held.enter_context(lock_server(settings.data))
        listener = held.enter_context(listening(settings.host, settings.port, "--host or --port"))
        for_stations = None
        if settings.ocpp_port is not None:
            options = "--ocpp-host or --ocpp-port"
            for_stations = held.enter_context(listening(settings.ocpp_host, settings.ocpp_port, options))
        settings = settings.served_at(listener.getsockname()[1])
        async with _workshop(settings) as (workshop, inside):
            return await _run(workshop, inside, listener, for_stations)


@contextlib.asynccontextmanager
async def _workshop(settings: Settings) -> AsyncIterator[tuple[Workshop, "_Inside"]]:
    """Open what all rooms share, and close it after them."""
    async with contextlib.AsyncExitStack() as opened:
        database = await open_database(settings.store)
        opened.push_async_callback(database.close)
        settings = await settle_ids(database, settings)
        secrets = open_secrets(settings.data)
        await record_settings(database, settings)
        inside = _Inside()
        wire = Wire(
            allow_private=settings.allow_private_peers,
            max_answer=settings.max_answer,
            local={settings.public_url: inside},
        )
        opened.push_async_callback(wire.close)
        trace = Trace(database, days=settings.trace_days)
        opened.push_async_callback(trace.stop)
        await trace.start()
        client = Client(wire, timeout=settings.forward_timeout, concurrency=settings.concurrency)
        yield (
            Workshop(
                settings=settings, database=database, secrets=secrets, client=client, trace=trace, metrics=Metrics()
            ),
            inside,
        )


class _Inside:
    """What calls to our own public URL come to: the front, once it stands."""

    def __init__(self) -> None:
        self.front: Front | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.front is not None, "nobody calls before the rooms are put together"
        await self.front(scope, receive, send)


class _HTTP(uvicorn.Server):
    """uvicorn, told when to end by us: its own handlers raise the signal again when it has ended."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _run(workshop: Workshop, inside: _Inside, listener: socket.socket, for_stations: socket.socket | None) -> int:
    settings = workshop.settings
    operator_api = _operator_api(workshop)
    assembly = _assembly(workshop, operator_api)
    emsp = provider(workshop)
    rooms = list(_rooms(workshop, operator_api, assembly, emsp))
    apis = [each for each in (operator_api, emsp.api if emsp is not None else None) if each is not None]
    doors: dict[str, Application] = {_PATHS[room.house.id]: room.application for room in rooms}
    doors |= {each.path: each for each in apis}
    doors |= emsp.doors if emsp is not None else {}
    front = Front(doors, settings.public_url, workshop.metrics, show_metrics=bool(settings.metrics))
    inside.front = front
    server = _HTTP(
        uvicorn.Config(
            front,
            http=Protocol,
            interface="asgi3",
            ws="none",
            loop="none",
            lifespan="off",
            access_log=False,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_DRAIN,
            timeout_keep_alive=75,
            backlog=2048,
        )
    )
    async with contextlib.AsyncExitStack() as running:
        await _begin(running, rooms, assembly, emsp)
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="http")
        running.push_async_callback(_end, server, serving)
        leaving = [each.feed.end for each in apis] + ([emsp.leave] if emsp is not None else [])
        for api in apis:
            running.push_async_callback(api.feed.stop)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, _leave, server, leaving)
        joining = asyncio.create_task(join(rooms, settings), name="join")
        running.push_async_callback(_cancelled, joining)
        await asyncio.wait([serving, joining], return_when=asyncio.FIRST_COMPLETED)
        if not joining.done():
            return 0
        if operator_api is not None:
            _offer(operator_api, rooms)
        if assembly is not None and for_stations is not None:
            running.push_async_callback(assembly.close)
            await _let_stations_in(assembly, for_stations)
        orders = asyncio.create_task(serve_orders(workshop.database, joining.result()), name="orders")
        running.push_async_callback(_cancelled, orders)
        _settle()
        _say_ready(settings, rooms[0], for_stations)
        await asyncio.wait([serving, orders], return_when=asyncio.FIRST_COMPLETED)
        if orders.done():
            log.error("orders have ended", exc_info=orders.exception())
            return 1
    return 0


async def _begin(
    running: contextlib.AsyncExitStack, rooms: list[Room], assembly: "Assembly | None", emsp: "Provider | None"
) -> None:
    """Start what is there before the first request, and stop it after the last."""
    if assembly is not None:
        running.push_async_callback(assembly.premises.stop)
        await assembly.premises.start()
    if emsp is not None:
        running.push_async_callback(emsp.stop)
        await emsp.start()
    for room in rooms:
        running.push_async_callback(room.stop)
        await room.start()


def _say_ready(settings: Settings, first: Room, for_stations: socket.socket | None) -> None:
    print(f"emall is ready: {settings.public_url}{_PATHS[first.house.id]}/versions", flush=True)
    if for_stations is not None:
        scheme = "ws" if settings.ocpp_certificate is None else "wss"
        host = f"[{settings.ocpp_host}]" if ":" in settings.ocpp_host else settings.ocpp_host
        print(f"stations connect to {scheme}://{host}:{for_stations.getsockname()[1]}/ocpp/ID", flush=True)


def _settle() -> None:
    """Have the garbage collector pass over what was made at the start: all of it stays.

    It looks again after many new objects only. A message leaves nothing that reference counting does not free, and
    collecting every 700 objects took 8 % of a routed request's CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _leave(server: uvicorn.Server, leaving: list[Callable[[], None]]) -> None:
    server.should_exit = True
    for end in leaving:
        end()  # HTTP waits for its streams


async def _end(server: uvicorn.Server, serving: "asyncio.Task[None]") -> None:
    server.should_exit = True
    await serving


async def _cancelled(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    await asyncio.wait([task])


def _rooms(
    workshop: Workshop, operator_api: "Api | None", assembly: "Assembly | None", emsp: "Provider | None"
) -> Iterator[Room]:
    """Yield the rooms this process runs, the hub first.

    Our parties' rooms are imported where they are run: a hub alone starts a fifth faster without them.
    """
    settings = workshop.settings
    if "hub" in settings.rooms:
        yield HubRoom(workshop)
    if "cpms" in settings.rooms:
        from hub.cpms.endpoints import CpoEndpoints

        yield PartyRoom(
            workshop,
            "cpms",
            "CPO",
            Party.parse(settings.cpo_id),
            _PATHS["cpms"],
            name="emall CPMS",
            make=functools.partial(_cpms, operator_api, assembly),
            offered=frozenset(CpoEndpoints.offered()),
            expects=frozenset((module, "RECEIVER") for module in ("locations", "tariffs", "sessions", "cdrs")),
        )
    if "emsp" in settings.rooms:
        yield emsp_room(workshop, _PATHS["emsp"], emsp)


def _operator_api(workshop: Workshop) -> "Api | None":
    """Return the operator API of our CPMS, if that runs here."""
    if "cpms" not in workshop.settings.rooms:
        return None
    from hub.api.feed import Feed
    from hub.cpms.api.assembling import operator_api

    feed = Feed(workshop.database)
    return operator_api(workshop.database, feed=feed, public_url=workshop.settings.public_url)


def _offer(operator_api: "Api", rooms: list[Room]) -> None:
    """Offer to operators what our CPMS has, now that it is there."""
    from hub.cpms.api.owned import routes_of
    from hub.cpms.endpoints import CpoEndpoints
    from hub.cpms.live import telling_bookings

    for room in rooms:
        if isinstance(room, PartyRoom) and isinstance(room.endpoints, CpoEndpoints):
            room.endpoints.desk.book.announce = telling_bookings(operator_api.feed)
            for each in routes_of(room.endpoints):
                operator_api.add(each)


def _assembly(workshop: Workshop, operator_api: "Api | None") -> "Assembly | None":
    """Return the CPMS we bring, unless another one is chosen."""
    settings = workshop.settings
    if settings.cpms != "builtin" or operator_api is None:
        return None
    from hub.cpms.assembly import Assembly, rules_of, status_rules_of, thresholds_of
    from hub.ocpp.room import Openness

    openness = Openness(
        folder=settings.data,
        unknown=settings.ocpp_unknown,
        certificate=settings.ocpp_certificate,
        key=settings.ocpp_key,
        client_ca=settings.ocpp_client_ca,
        frame=settings.ocpp_max_frame,
        log_days=settings.ocpp_log_days,
    )
    made = Assembly(
        workshop.database,
        Party.parse(settings.cpo_id),
        openness,
        feed=operator_api.feed,
        rules=rules_of(settings),
        statuses=status_rules_of(settings),
        thresholds=thresholds_of(settings),
        centre=_operation_centre(settings),
        wire=workshop.client.wire,
        pool=_certificate_pool(settings),
    )
    for each in made.routes():
        operator_api.add(each)
    return made


def _operation_centre(settings: Settings) -> "OperationCentre":
    """Return who is warned of alarms: a URL, or whoever reads the log."""
    if settings.operation_centre is None:
        from adapters.operation_centre.log import LogCentre

        return LogCentre()
    from adapters.operation_centre.webhook import WebhookCentre

    return WebhookCentre(settings.operation_centre)


def _certificate_pool(settings: Settings) -> "Pool | None":
    """Return who makes contract certificates for cars, if anybody does."""
    if not settings.certificate_pool:
        return None
    from adapters.contracts.forwarder import ForwardedPool

    return ForwardedPool(settings.certificate_pool)


async def _let_stations_in(assembly: "Assembly", listener: socket.socket) -> None:
    from hub.ocpp.tls import BadTls

    try:
        await assembly.open(listener)
    except BadTls as error:
        raise BadSetting(str(error)) from error


def _cpms(operator_api: "Api | None", assembly: "Assembly | None", room: PartyRoom, hub_party: Party) -> "CpoEndpoints":
    from hub.cpms.commands import TIMEOUT
    from hub.cpms.endpoints import CpoEndpoints
    from hub.cpms.live import publish
    from hub.cpms.terms import terms_of

    settings = room.workshop.settings
    return CpoEndpoints(
        party=room.party,
        hub_party=hub_party,
        hub=room.hub,
        call_url=room.call_url,
        url_of=room.url_of,
        database=room.workshop.database,
        cpms=assembly.cpms if assembly is not None else _operating(settings),
        page_limit=settings.page_limit,
        heard=functools.partial(publish, operator_api.feed) if operator_api is not None else None,
        start_timeout=int(settings.car_timeout) + TIMEOUT if assembly is not None else TIMEOUT,
        terms=terms_of(settings.invoice_reference, settings.home_locations),
    )


def _operating(settings: Settings) -> "Cpms":
    """Return what operates the stations; it is imported where it does."""
    if settings.cpms == "rest":
        from adapters.cpms.rest import RestCpms

        assert settings.cpms_url is not None and settings.cpms_key is not None, "settings are checked"
        return RestCpms(settings.cpms_url, settings.cpms_key)
    from adapters.cpms.simulator import SimulatedCpms

    return SimulatedCpms(speed=settings.simulator_speed, tick=settings.simulator_tick)
