"""Another maker's CPMS, to plug in by an adapter: its own stations, its own API, its own words.

A *socket* is what OCPI calls an EVSE's Connector, a *charge* a session, a *hold* a reservation, a *badge* a token.
Energy is in Wh, power in W, limits in A per phase, times are milliseconds since 1970. Every call shows an
``X-Api-Key``. What happens is told in a feed that is read from a cursor on. A charge stays listed until whoever bills
it says it is *settled*. A badge held to a reader is *asked* about in the feed and answered by a call.

``adapters/cpms/rest.py`` is its adapter, docs/adapters.md tells how it was written. Run it:

    python -m examples.other_cpms --port 8099 --key SECRET --socket LOC1/EVSE1/1:50000

With ``--state FILE`` it remembers everything over a restart. With ``--workshop`` its time stands still until
``POST /workshop/time`` moves it, and other calls below ``/workshop`` make things happen and go wrong, for tests.
"""

import argparse
import asyncio
import json
import secrets
import time
import uuid
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

JSON = Any

BATTERY = 60_000  # Wh a car of these stations takes until it is full
METER_EVERY = 15_000  # ms between two readings
FEED_LENGTH = 1_000  # events that are kept
VOLTS, PHASES = 230, 3


class Refused(Exception):
    """A call that is not carried out, with the HTTP status and the code it is answered with."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class Cpms:
    """The stations and what goes on at them.

    Args:
        sockets: power in W by tag; the tag is what the operator calls a socket.
        state: file that everything is kept in; None: nothing is kept.
        now: ms since 1970 at which time stands still; None: it is the world's.
    """

    def __init__(self, sockets: dict[str, int], state: Path | None = None, now: int | None = None) -> None:
        self.file, self.slow, self.nonsense = state, 0.0, False
        kept = json.loads(state.read_text()) if state is not None and state.exists() else {}
        self.feed_id: str = kept.get("feed_id") or uuid.uuid4().hex
        self.cursor: int = kept.get("cursor", 0)
        self.events: list[JSON] = kept.get("events", [])
        self.charges: dict[str, JSON] = kept.get("charges", {})
        self.holds: dict[str, JSON] = kept.get("holds", {})
        self.asks: dict[str, JSON] = kept.get("asks", {})
        self.sockets: dict[str, JSON] = kept.get("sockets") or {
            f"s-{number}": {"id": f"s-{number}", "tag": tag, "max_watts": watts, "state": "free"}
            for number, (tag, watts) in enumerate(sockets.items(), start=1)
        }
        self.frozen = kept.get("now", now) if now is not None else None

    # -- time and memory ---------------------------------------------------------------------------

    def now(self) -> int:
        return self.frozen if self.frozen is not None else int(time.time() * 1000)

    def save(self) -> None:
        if self.file is None:
            return
        names = ("feed_id", "cursor", "events", "charges", "holds", "asks", "sockets")
        kept = {name: getattr(self, name) for name in names} | {"now": self.now()}
        aside = self.file.with_suffix(".new")
        aside.write_text(json.dumps(kept))
        aside.replace(self.file)

    def tell(self, kind: str, **facts: Any) -> None:
        """Append to the feed."""
        self.cursor += 1
        self.events.append({"n": self.cursor, "kind": kind, "at": self.now(), **facts})
        del self.events[:-FEED_LENGTH]

    # -- charges -----------------------------------------------------------------------------------

    def begin(self, socket_id: str, badge: str, ref: str, note: str) -> JSON:
        """Start a charge; the same ref again is the same charge."""
        if (known := next((each for each in self.charges.values() if each["ref"] == ref), None)) is not None:
            return known
        socket = self.usable(socket_id)
        held = next((each for each in self.holds.values() if each["socket"] == socket_id), None)
        if socket["state"] == "busy" or (held is not None and held["badge"] != badge):
            raise Refused(409, "SOCKET_BUSY" if socket["state"] == "busy" else "SOCKET_HELD")
        if held is not None:
            del self.holds[held["ref"]]
        charge = {
            "id": f"c-{uuid.uuid4().hex[:12]}", "socket": socket_id, "badge": badge, "ref": ref, "note": note,
            "begun_at": self.now(), "wh": 0.0, "phase": "charging", "metered_at": self.now(),
            "flowed_until": None, "ended_at": None, "limit": None, "settled": False,
        }  # fmt: skip
        self.charges[charge["id"]] = charge
        self.tell("charge.started", charge=charge["id"])
        self.become(socket, "busy")
        return charge

    def end(self, charge: JSON) -> JSON:
        if charge["phase"] == "ended":
            raise Refused(409, "NOT_CHARGING")
        self.meter(charge)
        charge |= {"phase": "ended", "ended_at": self.now()}
        self.tell("charge.ended", charge=charge["id"])
        self.become(self.socket(charge["socket"]), "free")
        return charge

    def meter(self, charge: JSON) -> None:
        """Let energy flow until now."""
        passed, charge["metered_at"] = self.now() - charge["metered_at"], self.now()
        if charge["phase"] != "charging":
            return
        charge["wh"] = min(BATTERY, charge["wh"] + self.watts(charge) * passed / 3_600_000)
        charge["flowed_until"] = self.now()
        if charge["wh"] >= BATTERY:
            charge["phase"] = "full"

    def watts(self, charge: JSON) -> float:
        if charge["phase"] != "charging":
            return 0.0
        most = float(self.socket(charge["socket"])["max_watts"])
        return most if charge["limit"] is None else min(most, charge["limit"] * VOLTS * PHASES)

    def pass_time(self) -> None:
        """Take readings, and let holds lapse."""
        for charge in self.charges.values():
            if charge["phase"] != "ended" and self.now() - charge["metered_at"] >= METER_EVERY:
                self.meter(charge)
                self.tell("charge.meter", charge=charge["id"], wh=int(charge["wh"]), watts=self.watts(charge))
        for hold in [each for each in self.holds.values() if each["until"] <= self.now()]:
            del self.holds[hold["ref"]]
            self.tell("hold.lapsed", ref=hold["ref"])
            self.become(self.socket(hold["socket"]), "free")

    # -- sockets and holds -------------------------------------------------------------------------

    def socket(self, socket_id: str) -> JSON:
        if socket_id not in self.sockets:
            raise Refused(404, "NO_SUCH_SOCKET")
        return self.sockets[socket_id]

    def usable(self, socket_id: str) -> JSON:
        socket = self.socket(socket_id)
        if socket["state"] in ("broken", "offline"):
            raise Refused(503, "POLE_UNREACHABLE" if socket["state"] == "offline" else "SOCKET_BROKEN")
        return socket

    def become(self, socket: JSON, state: str) -> None:
        if socket["state"] != state:
            socket["state"] = state
            self.tell("socket.state", socket=socket["id"], state=state)

    def hold(self, ref: str, socket_id: str, badge: str, until: int) -> None:
        """Keep a socket for a badge; the same ref again replaces the hold."""
        socket, former = self.usable(socket_id), self.holds.get(ref)
        if socket["state"] != "free" and (former is None or former["socket"] != socket_id):
            raise Refused(409, "SOCKET_BUSY")
        if former is not None and former["socket"] != socket_id:
            self.become(self.socket(former["socket"]), "free")
        self.holds[ref] = {"ref": ref, "socket": socket_id, "badge": badge, "until": until}
        self.become(socket, "held")

    def let_go(self, ref: str) -> None:
        if ref not in self.holds:
            raise Refused(404, "NO_SUCH_HOLD")
        self.become(self.socket(self.holds.pop(ref)["socket"]), "free")

    def break_down(self, socket: JSON, state: str) -> None:
        """A socket breaks, or its pole is not reached: what goes on there ends."""
        for charge in self.charges.values():
            if charge["socket"] == socket["id"] and charge["phase"] != "ended":
                self.end(charge)
        for hold in [each for each in self.holds.values() if each["socket"] == socket["id"]]:
            del self.holds[hold["ref"]]
            self.tell("hold.revoked", ref=hold["ref"])
        self.become(socket, state)

    # -- badges ------------------------------------------------------------------------------------

    def show_badge(self, socket: JSON, badge: str) -> str:
        """A badge is held to the reader: ends its own charge, or is asked about."""
        for charge in self.charges.values():
            if charge["socket"] == socket["id"] and charge["badge"] == badge and charge["phase"] != "ended":
                self.end(charge)
                return "stopped"
        ask, facts = uuid.uuid4().hex, {"socket": socket["id"], "badge": badge}
        self.asks[ask] = facts
        self.tell("badge.asked", ask=ask, **facts)
        return "asked"

    def answer_badge(self, ask: str, allow: bool, ref: str, note: str) -> None:
        asked = self.asks.pop(ask, None)
        if asked is None:
            raise Refused(404, "NO_SUCH_ASK")
        if allow:
            self.begin(asked["socket"], asked["badge"], ref, note)


class Api:
    """The calls."""

    def __init__(self, cpms: Cpms, key: str, workshop: bool) -> None:
        self.cpms, self.key = cpms, key
        self.routes = [
            self._route("GET", "/v3/overview", self.overview),
            self._route("GET", "/v3/feed", self.feed),
            self._route("POST", "/v3/charges", self.begin),
            self._route("GET", "/v3/charges/{charge}", self.charge),
            self._route("POST", "/v3/charges/{charge}/stop", self.stop),
            self._route("POST", "/v3/charges/{charge}/settle", self.settle),
            self._route("PUT", "/v3/charges/{charge}/limit", self.limit),
            self._route("DELETE", "/v3/charges/{charge}/limit", self.unlimit),
            self._route("PUT", "/v3/holds/{ref}", self.hold),
            self._route("DELETE", "/v3/holds/{ref}", self.let_go),
            self._route("POST", "/v3/sockets/{socket}/release", self.release),
            self._route("POST", "/v3/asks/{ask}", self.answer_badge),
        ]
        if workshop:
            self.routes += [
                self._route("POST", "/workshop/time", self.move_time),
                self._route("POST", "/workshop/badge", self.show_badge),
                self._route("POST", "/workshop/socket", self.break_down),
                self._route("POST", "/workshop/charge", self.tamper),
                self._route("POST", "/workshop/trouble", self.trouble),
            ]

    def _route(self, method: str, path: str, handler: Any) -> Route:
        async def endpoint(request: Request) -> Response:
            if not secrets.compare_digest(request.headers.get("x-api-key", ""), self.key):
                return JSONResponse({"code": "WRONG_KEY"}, 401)
            body = await request.body()
            try:
                self.cpms.pass_time()
                answer = handler(request, json.loads(body) if body else {})
            except Refused as refused:
                return JSONResponse({"code": refused.code}, refused.status)
            except (KeyError, ValueError):
                return JSONResponse({"code": "BAD_CALL"}, 400)
            finally:
                self.cpms.save()
            return await self._troubled(request, answer)

        return Route(path, endpoint, methods=[method])

    async def _troubled(self, request: Request, answer: JSON) -> Response:
        """Answer, in the workshop perhaps late or in words nobody knows."""
        if request.url.path.startswith("/v3") and request.method != "GET":
            if self.cpms.slow:
                await asyncio.sleep(self.cpms.slow)
            if self.cpms.nonsense:
                return JSONResponse({"outcome": "PERHAPS"}, 200)
        return JSONResponse(answer)

    def _charge(self, request: Request) -> JSON:
        if (charge := self.cpms.charges.get(request.path_params["charge"])) is None:
            raise Refused(404, "NO_SUCH_CHARGE")
        return charge

    def overview(self, request: Request, body: JSON) -> JSON:
        """All sockets, holds, open questions and charges that are not settled, and the feed's cursor at this moment."""
        cpms = self.cpms
        return {
            "feed": cpms.feed_id, "cursor": cpms.cursor, "sockets": list(cpms.sockets.values()),
            "holds": list(cpms.holds.values()),
            "asks": [{"ask": ask, **facts} for ask, facts in cpms.asks.items()],
            "charges": [each for each in cpms.charges.values() if not each["settled"]],
        }  # fmt: skip

    def feed(self, request: Request, body: JSON) -> JSON:
        after = int(request.query_params["after"])
        oldest = self.cpms.events[0]["n"] if self.cpms.events else self.cpms.cursor + 1
        if request.query_params["feed"] != self.cpms.feed_id or after < oldest - 1 or after > self.cpms.cursor:
            raise Refused(410, "FEED_GONE")
        return {"events": [each for each in self.cpms.events if each["n"] > after]}

    def begin(self, request: Request, body: JSON) -> JSON:
        return {"charge": self.cpms.begin(body["socket"], body["badge"], body["ref"], body["note"])}

    def charge(self, request: Request, body: JSON) -> JSON:
        charge = self._charge(request)
        return {"charge": charge, "watts": self.cpms.watts(charge)}

    def stop(self, request: Request, body: JSON) -> JSON:
        return {"charge": self.cpms.end(self._charge(request))}

    def settle(self, request: Request, body: JSON) -> JSON:
        charge = self._charge(request)
        if charge["phase"] != "ended":
            raise Refused(409, "STILL_CHARGING")
        charge["settled"] = True
        return {"charge": charge}

    def limit(self, request: Request, body: JSON) -> JSON:
        charge = self._charge(request)
        if charge["phase"] == "ended":
            raise Refused(409, "NOT_CHARGING")
        self.cpms.meter(charge)
        charge["limit"] = float(body["amps"])
        return {"charge": charge}

    def unlimit(self, request: Request, body: JSON) -> JSON:
        charge = self._charge(request)
        if charge["limit"] is None or charge["phase"] == "ended":
            raise Refused(404, "NO_LIMIT")
        self.cpms.meter(charge)
        charge["limit"] = None
        return {"charge": charge}

    def hold(self, request: Request, body: JSON) -> JSON:
        self.cpms.hold(request.path_params["ref"], body["socket"], body["badge"], int(body["until"]))
        return {"hold": self.cpms.holds[request.path_params["ref"]]}

    def let_go(self, request: Request, body: JSON) -> JSON:
        self.cpms.let_go(request.path_params["ref"])
        return {"hold": None}

    def release(self, request: Request, body: JSON) -> JSON:
        socket = self.cpms.usable(request.path_params["socket"])
        if socket["state"] == "busy":
            raise Refused(409, "SOCKET_BUSY")
        return {"socket": socket}

    def answer_badge(self, request: Request, body: JSON) -> JSON:
        ref, note = body.get("ref", ""), body.get("note", "")
        self.cpms.answer_badge(request.path_params["ask"], bool(body["allow"]), ref, note)
        return {"ask": None}

    # -- the workshop ------------------------------------------------------------------------------

    def move_time(self, request: Request, body: JSON) -> JSON:
        """Move time on in steps of a second, so that what is due in between happens in between."""
        assert self.cpms.frozen is not None, "the workshop's time stands still"
        for _ in range(int(body["seconds"])):
            self.cpms.frozen += 1000
            self.cpms.pass_time()
        return {"now": self.cpms.frozen}

    def show_badge(self, request: Request, body: JSON) -> JSON:
        return {"badge": self.cpms.show_badge(self.cpms.socket(body["socket"]), body["badge"])}

    def break_down(self, request: Request, body: JSON) -> JSON:
        return {"socket": self.cpms.break_down(self.cpms.socket(body["socket"]), body["state"])}

    def tamper(self, request: Request, body: JSON) -> JSON:
        charge = next(each for each in self.cpms.charges.values() if each["ref"] == body["ref"])
        charge["wh"] = float(body["wh"])
        return {"charge": charge}

    def trouble(self, request: Request, body: JSON) -> JSON:
        self.cpms.slow, self.cpms.nonsense = float(body.get("slow", 0)), bool(body.get("nonsense", False))
        return {}


async def _run(cpms: Cpms, api: Api, port: int) -> None:
    app = Starlette(routes=api.routes)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        if serving.done():
            return await serving
        await asyncio.sleep(0.01)
    print(f"ready on http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", flush=True)
    while not serving.done():
        await asyncio.wait([serving], timeout=1)
        if cpms.frozen is None:
            cpms.pass_time()
            cpms.save()


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--key", required=True)
    parser.add_argument("--socket", action="append", default=[], metavar="TAG:WATTS")
    parser.add_argument("--state", type=Path)
    parser.add_argument("--workshop", action="store_true")
    given = parser.parse_args()
    sockets = {tag: int(watts) for tag, _, watts in (each.rpartition(":") for each in given.socket)}
    cpms = Cpms(sockets, given.state, 1_767_268_800_000 if given.workshop else None)  # 2026-01-01T12:00:00Z
    asyncio.run(_run(cpms, Api(cpms, given.key, given.workshop), given.port))


if __name__ == "__main__":
    main()
