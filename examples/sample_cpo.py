"""A charge point operator that speaks OCPI 2.2.1: Locations and Tariffs out, Tokens and Commands in.

    python -m examples.sample_cpo --port 8011 --hub http://127.0.0.1:8000/ocpi/versions --token TOKEN_A

Its one station charges at 50 kW, much faster than the clock. What a command asks for is done after
the answer: the result goes to the response_url, the Session and the CDR to the eMSP of the token.
"""

import argparse
import asyncio
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from examples.city import external_locations, external_tariffs
from examples.party import Party, answer, now, sender

JSON = Any

OFFERED = [
    ("locations", "SENDER"), ("tariffs", "SENDER"), ("sessions", "SENDER"), ("cdrs", "SENDER"),
    ("tokens", "RECEIVER"), ("commands", "RECEIVER"),
]  # fmt: skip

VAT = 21  # in per cent
KWH_PER_SECOND = 2.5


class SampleCpo:
    """BE-CPX: what it owns, what it was told, and its running sessions."""

    def __init__(self, port: int, hub: str, token: str) -> None:
        self.hub_url, self.token_a = hub, token
        self.locations = {each["id"]: each for each in external_locations()}
        self.tariffs = {each["id"]: each for each in external_tariffs()}
        self.tokens: dict[str, JSON] = {}
        self.sessions: dict[str, JSON] = {}
        self.cdrs: list[JSON] = []
        self.stops: dict[str, asyncio.Event] = {}
        self.party = party = Party("Sample CPO", "CPO", "BE", "CPX", "2.2.1", OFFERED, f"http://127.0.0.1:{port}")
        for module, shelf in (
            ("locations", self.locations), ("tariffs", self.tariffs), ("sessions", self.sessions),
        ):  # fmt: skip
            party.serve("GET", module, "SENDER", "", self._lister(shelf))
        party.serve("GET", "cdrs", "SENDER", "", self.list_cdrs)
        party.serve("GET", "tokens", "RECEIVER", "/{country_code}/{party_id}/{uid}", self.get_token)
        party.serve("PUT", "tokens", "RECEIVER", "/{country_code}/{party_id}/{uid}", self.put_token)
        party.serve("PATCH", "tokens", "RECEIVER", "/{country_code}/{party_id}/{uid}", self.patch_token)
        party.serve("POST", "commands", "RECEIVER", "/START_SESSION", self.start_session)
        party.serve("POST", "commands", "RECEIVER", "/STOP_SESSION", self.stop_session)
        party.serve("POST", "commands", "RECEIVER", "/{command}", self.other_command)
        party.open("GET", "/state", self.state)

    async def begin(self) -> None:
        """Register, then tell everyone what there is: a broadcast is addressed to the hub."""
        await self.party.register(self.hub_url, self.token_a)
        for module, shelf in (("tariffs", self.tariffs), ("locations", self.locations)):
            for each in shelf.values():
                await self.party.call("PUT", module, "RECEIVER", f"/BE/CPX/{each['id']}", each, to=self.party.hub_party)

    # -- Sender: what is ours, in one page ---------------------------------------------------------

    def _lister(self, shelf: dict[str, JSON]) -> Any:
        async def list_objects(request: Request, _: JSON) -> Response:
            return _page(request, list(shelf.values()))

        return list_objects

    async def list_cdrs(self, request: Request, _: JSON) -> Response:
        return _page(request, self.cdrs)

    # -- Receiver: Tokens --------------------------------------------------------------------------

    async def get_token(self, request: Request, _: JSON) -> Response:
        token = self.tokens.get(request.path_params["uid"])
        return answer(token) if token else answer(code=2004, http=404, message="unknown token")

    async def put_token(self, request: Request, token: JSON) -> Response:
        new = token["uid"] not in self.tokens
        self.tokens[token["uid"]] = token
        return answer(http=201 if new else 200)

    async def patch_token(self, request: Request, change: JSON) -> Response:
        token = self.tokens.get(request.path_params["uid"])
        if token is None:
            return answer(code=2004, message="unknown token")
        token.update(change)
        return answer()

    # -- Receiver: Commands ------------------------------------------------------------------------

    async def start_session(self, request: Request, order: JSON) -> Response:
        location = self.locations.get(order["location_id"])
        if location is None:
            return answer(code=2003, message="unknown location")
        self.party.later(self._charge(order, location, sender(request)))
        return answer({"result": "ACCEPTED", "timeout": 30})

    async def stop_session(self, request: Request, order: JSON) -> Response:
        stop = self.stops.get(order["session_id"])
        if stop is None:
            return answer({"result": "UNKNOWN_SESSION", "timeout": 30})

        async def carry_on() -> None:
            await self.party.call_url(order["response_url"], {"result": "ACCEPTED"}, to=sender(request))
            stop.set()

        self.party.later(carry_on())
        return answer({"result": "ACCEPTED", "timeout": 30})

    async def other_command(self, request: Request, order: JSON) -> Response:
        return answer({"result": "NOT_SUPPORTED", "timeout": 30})

    # -- a session, from the plug to the bill ------------------------------------------------------

    async def _charge(self, order: JSON, location: JSON, provider: tuple[str, str]) -> None:
        await self.party.call_url(order["response_url"], {"result": "ACCEPTED"}, to=provider)
        evse = next((each for each in location["evses"] if each["uid"] == order.get("evse_uid")), location["evses"][0])
        session = self._session(order, location, evse)
        self.sessions[session["id"]] = session
        stop = self.stops[session["id"]] = asyncio.Event()
        path = f"/BE/CPX/{session['id']}"
        await self._status(location, evse, "CHARGING")
        await self.party.call("PUT", "sessions", "RECEIVER", path, session, to=provider)
        while not stop.is_set():
            try:
                async with asyncio.timeout(1):
                    await stop.wait()
            except TimeoutError:
                change = {"kwh": round(session["kwh"] + KWH_PER_SECOND, 3), "last_updated": now()}
                change["total_cost"] = self._price(evse, change["kwh"])
                session.update(change)
                await self.party.call("PATCH", "sessions", "RECEIVER", path, change, to=provider)
        del self.stops[session["id"]]
        end = {"status": "COMPLETED", "end_date_time": now(), "last_updated": now()}
        session.update(end)
        await self.party.call("PATCH", "sessions", "RECEIVER", path, end, to=provider)
        await self._status(location, evse, "AVAILABLE")
        cdr = self._cdr(session, location, evse)
        self.cdrs.append(cdr)
        await self.party.call("POST", "cdrs", "RECEIVER", "", cdr, to=provider)

    async def _status(self, location: JSON, evse: JSON, status: str) -> None:
        change = {"status": status, "last_updated": now()}
        evse.update(change)
        location["last_updated"] = change["last_updated"]
        path = f"/BE/CPX/{location['id']}/{evse['uid']}"
        await self.party.call("PATCH", "locations", "RECEIVER", path, change, to=self.party.hub_party)

    def _session(self, order: JSON, location: JSON, evse: JSON) -> JSON:
        token = order["token"]
        session = {
            "country_code": "BE", "party_id": "CPX", "id": str(uuid.uuid4()), "start_date_time": now(), "kwh": 0,
            "cdr_token": {
                name: token[name] for name in ("country_code", "party_id", "uid", "type", "contract_id")
            },
            "auth_method": "COMMAND", "location_id": location["id"], "evse_uid": evse["uid"],
            "connector_id": evse["connectors"][0]["id"], "currency": "EUR", "status": "ACTIVE", "last_updated": now(),
        }  # fmt: skip
        if order.get("authorization_reference"):
            session["authorization_reference"] = order["authorization_reference"]
        return session

    def _cdr(self, session: JSON, location: JSON, evse: JSON) -> JSON:
        connector = evse["connectors"][0]
        place = {name: location[name] for name in ("id", "name", "address", "city", "country", "coordinates")}
        kwh = max(session["kwh"], 0.001)
        return {
            **{
                name: session[name]
                for name in (
                    "country_code", "party_id", "start_date_time", "end_date_time", "cdr_token", "auth_method",
                    "currency",
                )
            },
            "id": str(uuid.uuid4()), "session_id": session["id"],
            "cdr_location": {
                **place, "evse_uid": evse["uid"], "evse_id": evse["evse_id"], "connector_id": connector["id"],
                "connector_standard": connector["standard"], "connector_format": connector["format"],
                "connector_power_type": connector["power_type"],
            },
            "tariffs": list(self.tariffs.values()),
            "charging_periods": [{
                "start_date_time": session["start_date_time"],
                "dimensions": [{"type": "ENERGY", "volume": kwh}],
                "tariff_id": connector["tariff_ids"][0],
            }],
            "total_cost": self._price(evse, kwh), "total_energy": kwh, "total_time": round(kwh / 50, 4),
            "last_updated": now(),
        }  # fmt: skip

    def _price(self, evse: JSON, kwh: float) -> JSON:
        """Return what energy costs by the Tariff of an EVSE, which has a price per kWh alone."""
        tariff = self.tariffs[evse["connectors"][0]["tariff_ids"][0]]
        per_kwh = tariff["elements"][0]["price_components"][0]["price"]
        return {"excl_vat": round(kwh * per_kwh, 2), "incl_vat": round(kwh * per_kwh * (1 + VAT / 100), 2)}

    # -- for the demo ------------------------------------------------------------------------------

    async def state(self, request: Request, _: JSON) -> Response:
        return JSONResponse(
            {
                "registered": bool(self.party.hub_party[0]),
                "locations": len(self.locations),
                "tokens": list(self.tokens.values()),
                "sessions": list(self.sessions.values()),
                "cdrs": self.cdrs,
            }
        )


def _page(request: Request, objects: list[JSON]) -> Response:
    """Return what was updated in the time asked for; all of it, for there is little."""
    query = request.query_params
    since, until = query.get("date_from", ""), query.get("date_to", "~")
    found = [each for each in objects if since <= each["last_updated"] < until]
    limit, offset = int(query.get("limit", 1000)), int(query.get("offset", 0))
    headers = {"X-Total-Count": str(len(found)), "X-Limit": "1000"}
    if offset + limit < len(found):
        following = request.url.include_query_params(offset=offset + limit, limit=limit)
        headers["Link"] = f'<{following}>; rel="next"'
    return answer(found[offset : offset + limit], headers=headers)


def main() -> None:
    """Run the sample."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--hub", required=True, metavar="VERSIONS_URL")
    parser.add_argument("--token", required=True, metavar="TOKEN_A")
    options = parser.parse_args()
    sample = SampleCpo(options.port, options.hub, options.token)
    sample.party.run(options.port, sample.begin)


if __name__ == "__main__":
    main()
