"""A tiny central system for the simulators' tests: the ``ocpp`` package behind a real WebSocket.

It answers by a table the test can change, keeps what it was told, and sends what the test says.
"""

import asyncio
import base64
import contextlib
import datetime
import itertools
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Any

import ocpp.v16
import ocpp.v201
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.clocks import ManualClock

JSON = Any
Answer = Callable[[JSON], JSON]


def now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Central:
    """The other end of every station of a test.

    Attributes:
        told: what arrived, as (action, payload) in snake case.
        answers: by action, what makes the answer's payload.
        password: wanted of every station; None: nobody is asked.
    """

    def __init__(self, password: str | None = None) -> None:
        self.told: list[tuple[str, JSON]] = []
        self.password = password
        self.known: set[str] | None = None
        self.points: dict[str, Any] = {}
        self.sockets = 0
        self.url = ""
        self._numbers = itertools.count(1)
        accepted = {"id_tag_info": {"status": "Accepted"}}
        self.answers: dict[str, Answer] = {
            "BootNotification": lambda _: {"current_time": now(), "interval": 300, "status": "Accepted"},
            "Heartbeat": lambda _: {"current_time": now()},
            "Authorize": lambda payload: accepted if "id_tag" in payload else {"id_token_info": {"status": "Accepted"}},
            "StartTransaction": lambda _: accepted | {"transaction_id": next(self._numbers)},
            "TransactionEvent": lambda payload: (
                {"id_token_info": {"status": "Accepted"}} if payload.get("id_token") else {}
            ),
            "SignCertificate": lambda _: {"status": "Accepted"},
        }

    def of(self, action: str) -> list[JSON]:
        """Return the payloads of an action."""
        return [payload for name, payload in self.told if name == action]

    def statuses(self, connector: int = 1) -> list[str]:
        """Return the statuses told of a connector."""
        return [
            each.get("status") or each.get("connector_status")
            for each in self.of("StatusNotification")
            if each.get("connector_id", each.get("evse_id")) == connector or each.get("evse_id") == connector
        ]

    async def send(self, station_id: str, action: str, **payload: Any) -> Any:
        """Send a CALL and return the answer."""
        point = self.points[station_id]
        module = ocpp.v16 if isinstance(point, ocpp.v16.ChargePoint) else ocpp.v201
        return await point.call(getattr(module.call, action)(**payload), suppress=False)

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["Central"]:
        async with serve(
            self._serve,
            "127.0.0.1",
            0,
            subprotocols=["ocpp1.6", "ocpp2.0.1"],
            process_request=self._let_in,
            close_timeout=0.2,
        ) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            self.url = f"ws://127.0.0.1:{port}/ocpp"
            yield self

    def _let_in(self, socket: ServerConnection, request: Any) -> Any:
        station_id = request.path.rsplit("/", 1)[-1]
        if self.known is not None and station_id not in self.known:
            return socket.respond(HTTPStatus.NOT_FOUND, "unknown station\n")
        if self.password is not None:
            wanted = base64.b64encode(f"{station_id}:{self.password}".encode()).decode()
            if request.headers.get("Authorization") != f"Basic {wanted}":
                return socket.respond(HTTPStatus.UNAUTHORIZED, "wrong password\n")
        return None

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        station_id = socket.request.path.rsplit("/", 1)[-1]
        module = ocpp.v16 if socket.subprotocol == "ocpp1.6" else ocpp.v201
        point = module.ChargePoint(station_id, socket, response_timeout=10)
        point.route_map = _Routes(self, module)
        self.points[station_id] = point
        self.sockets += 1
        with contextlib.suppress(ConnectionClosed):
            await point.start()

    def answer(self, module: Any, action: str, payload: JSON) -> Any:
        self.told.append((action, payload))
        made = self.answers.get(action, lambda _: {})(payload)
        if isinstance(made, Exception):
            raise made
        return getattr(module.call_result, action)(**made)


class _Routes(dict[str, Any]):
    """Has an answer for every action a station can send."""

    def __init__(self, central: Central, module: Any) -> None:
        super().__init__()
        self._central, self._module = central, module

    def __missing__(self, action: str) -> Any:
        if not hasattr(self._module.call_result, action):
            raise KeyError(action)

        def handler(**payload: Any) -> Any:
            return self._central.answer(self._module, action, payload)

        return {"_on_action": handler, "_skip_schema_validation": False}


async def settled(seconds: float = 0.05) -> None:
    """Give sockets the time of a few round trips; for what must *not* happen."""
    await asyncio.sleep(seconds)


async def passing(clock: ManualClock, holds: Callable[[], Any], *, step: float = 1.0, timeout: float = 10.0) -> None:
    """Let the stations' time pass, step by step, until something is the case.

    A station that waits for an answer first and for the clock then is not asleep yet when a test knows of the answer;
    so the clock is moved on until what should happen has happened.
    """
    async with asyncio.timeout(timeout):
        while not holds():
            await clock.advance(step)
            await asyncio.sleep(0.005)
