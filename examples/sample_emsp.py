"""A mobility service provider: Tokens out, everything a CPO tells in. Speaks OCPI 2.3.0 or 2.2.1.

    python -m examples.sample_emsp --port 8012 --hub http://127.0.0.1:8000/ocpi/versions --token TOKEN_A

Two drivers: one with an app, one with a card that CPOs must ask about every time (whitelist NEVER).
``POST /drive``, ``/stop``, ``/book`` and ``/unbook`` stand for the driver's app (the latter two in 2.3.0 only);
``GET /state`` shows what arrived.
"""

import argparse
import datetime
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from examples.party import Party, Refused, answer, now, sender

JSON = Any

OFFERED = [
    ("tokens", "SENDER"), ("commands", "SENDER"), ("locations", "RECEIVER"), ("tariffs", "RECEIVER"),
    ("sessions", "RECEIVER"), ("cdrs", "RECEIVER"), ("hubclientinfo", "RECEIVER"),
]  # fmt: skip
BOOKINGS = [("bookings", "RECEIVER")]  # of 2.3.0


class SampleEmsp:
    """FR-MSX: its tokens, what it was told, what it asked for."""

    def __init__(self, port: int, hub: str, token: str, version: str) -> None:
        self.hub_url, self.token_a = hub, token
        self.tokens = {each["uid"]: each for each in (_token("APP-1", "APP_USER"), _token("CARD-1", "RFID"))}
        self.locations: dict[str, JSON] = {}
        self.tariffs: dict[str, JSON] = {}
        self.sessions: dict[str, JSON] = {}
        self.cdrs: dict[str, JSON] = {}
        self.clients: dict[str, JSON] = {}
        self.authorized: list[JSON] = []
        self.commands: dict[str, JSON] = {}
        self.booking_locations: dict[str, JSON] = {}
        self.bookings: dict[str, JSON] = {}
        offered = OFFERED + BOOKINGS if version == "2.3.0" else OFFERED
        party = Party("Sample eMSP", "EMSP", "FR", "MSX", version, offered, f"http://127.0.0.1:{port}")
        self.party = party
        owned = "/{country_code}/{party_id}/{id}"
        for module, shelf in (
            ("locations", self.locations), ("tariffs", self.tariffs), ("sessions", self.sessions),
            ("bookings", self.bookings),
        ):  # fmt: skip
            party.serve("GET", module, "RECEIVER", owned, self._getter(shelf))
            party.serve("PUT", module, "RECEIVER", owned, self._putter(shelf))
        booking_location = "/{country_code}/{party_id}/booking_locations/{id}"
        party.serve("GET", "bookings", "RECEIVER", booking_location, self._getter(self.booking_locations))
        party.serve("PUT", "bookings", "RECEIVER", booking_location, self._putter(self.booking_locations))
        party.serve("PATCH", "bookings", "RECEIVER", owned, self.patch_booking)
        party.serve("PATCH", "locations", "RECEIVER", owned + "/{evse_uid}", self.patch_evse)
        party.serve("PATCH", "sessions", "RECEIVER", owned, self.patch_session)
        party.serve("POST", "cdrs", "RECEIVER", "", self.post_cdr)
        party.serve("GET", "cdrs", "RECEIVER", "/{id}", self.get_cdr)
        party.serve("GET", "tokens", "SENDER", "", self.list_tokens)
        party.serve("POST", "tokens", "SENDER", "/{uid}/authorize", self.authorize)
        party.serve("POST", "commands", "SENDER", "/{command}/{uid}", self.result)
        party.serve("PUT", "hubclientinfo", "RECEIVER", "/{country_code}/{party_id}", self.put_client_info)
        party.open("GET", "/state", self.state)
        party.open("POST", "/drive", self.drive)
        party.open("POST", "/stop", self.stop)
        party.open("POST", "/book", self.book)
        party.open("POST", "/unbook", self.unbook)

    async def begin(self) -> None:
        """Register, then tell every CPO our tokens: a broadcast is addressed to the hub."""
        await self.party.register(self.hub_url, self.token_a)
        for each in self.tokens.values():
            path = f"/FR/MSX/{each['uid']}?type={each['type']}"
            await self.party.call("PUT", "tokens", "RECEIVER", path, each, to=self.party.hub_party)

    # -- Receiver: Locations, Tariffs, Sessions, CDRs ----------------------------------------------

    def _getter(self, shelf: dict[str, JSON]) -> Any:
        async def get(request: Request, _: JSON) -> Response:
            found = shelf.get(_key(request))
            return answer(found) if found else answer(code=2003, http=404, message="unknown here")

        return get

    def _putter(self, shelf: dict[str, JSON]) -> Any:
        async def put(request: Request, value: JSON) -> Response:
            new = _key(request) not in shelf
            shelf[_key(request)] = value
            return answer(http=201 if new else 200)

        return put

    async def patch_evse(self, request: Request, change: JSON) -> Response:
        location = self.locations.get(_key(request), {"evses": []})
        for evse in location["evses"]:
            if evse["uid"] == request.path_params["evse_uid"]:
                evse.update(change)
                location["last_updated"] = change["last_updated"]
                return answer()
        return answer(code=2003, message="unknown EVSE")

    async def patch_session(self, request: Request, change: JSON) -> Response:
        session = self.sessions.get(_key(request))
        if session is None:
            return answer(code=2001, message="unknown session")
        periods = (session.get("charging_periods") or []) + (change.get("charging_periods") or [])
        session.update(change)
        session["charging_periods"] = periods  # a PATCH adds periods, it does not replace them
        session["updates"] = session.get("updates", 0) + 1
        return answer()

    async def patch_booking(self, request: Request, change: JSON) -> Response:
        booking = self.bookings.get(_key(request))
        if booking is None:
            return answer(code=2001, message="unknown booking")
        booking.update(change)
        return answer()

    async def post_cdr(self, request: Request, cdr: JSON) -> Response:
        new = cdr["id"] not in self.cdrs
        self.cdrs.setdefault(cdr["id"], cdr)
        url = f"{self.party.url}/ocpi/{self.party.version}/receiver/cdrs/{cdr['id']}"
        return answer(http=201 if new else 200, headers={"Location": url})

    async def get_cdr(self, request: Request, _: JSON) -> Response:
        found = self.cdrs.get(request.path_params["id"])
        return answer(found) if found else answer(code=2001, http=404, message="unknown CDR")

    async def put_client_info(self, request: Request, value: JSON) -> Response:
        self.clients[f"{value['country_code']}-{value['party_id']}-{value['role']}"] = value
        return answer()

    # -- Sender: Tokens and results ----------------------------------------------------------------

    async def list_tokens(self, request: Request, _: JSON) -> Response:
        tokens = list(self.tokens.values())
        return answer(tokens, headers={"X-Total-Count": str(len(tokens)), "X-Limit": "1000"})

    async def authorize(self, request: Request, place: JSON) -> Response:
        token = self.tokens.get(request.path_params["uid"])
        if token is None:
            return answer(code=2004, http=404, message="unknown token")
        info = {"allowed": "ALLOWED", "token": token, "authorization_reference": str(uuid.uuid4())}
        if place:
            info["location"] = place
        self.authorized.append({"uid": token["uid"], "by": "-".join(sender(request)), "place": place})
        return answer(info)

    async def result(self, request: Request, result: JSON) -> Response:
        command = self.commands.get(request.path_params["uid"])
        if command is None:
            return answer(code=2001, http=404, message="nothing was asked under this URL")
        command["result"] = result["result"]
        return answer()

    # -- the driver's app --------------------------------------------------------------------------

    async def drive(self, request: Request, wish: JSON) -> Response:
        """{"to": "NL-CPO", "location_id": ..., "evse_uid": ...}: start charging with the app's token."""
        body = {"token": self.tokens["APP-1"], "location_id": wish["location_id"], "evse_uid": wish["evse_uid"]}
        return await self._command("START_SESSION", wish["to"], body)

    async def stop(self, request: Request, wish: JSON) -> Response:
        """{"to": "NL-CPO", "session_id": ...}."""
        return await self._command("STOP_SESSION", wish["to"], {"session_id": wish["session_id"]})

    async def _command(self, command: str, to: str, body: JSON) -> Response:
        uid = str(uuid.uuid4())
        country_code, party_id = to.split("-")
        url = f"{self.party.url}/ocpi/{self.party.version}/sender/commands/{command}/{uid}"
        self.commands[uid] = {"uid": uid, "command": command, "result": None}
        try:
            response = await self.party.call(
                "POST", "commands", "RECEIVER", f"/{command}", body | {"response_url": url}, to=(country_code, party_id)
            )
        except Refused as error:
            return JSONResponse({"error": str(error)}, 502)
        self.commands[uid]["response"] = response["result"]
        return JSONResponse(self.commands[uid])

    async def book(self, request: Request, wish: JSON) -> Response:
        """{"to": "NL-CPO", "evse_uid": ...}: the first half hour that is free, or with ``start_date_time`` that one."""
        now_, evse = now(), wish["evse_uid"]
        offered = next((o for o in self.booking_locations.values() if o["booking_option"]["evse_uid"] == evse), None)
        if offered is None:
            return JSONResponse({"error": "nothing is offered there"}, 404)
        slots = [slot for day in offered.get("calendars") or [] for slot in day["available_timeslots"]]
        free = (_half_hour(slot, now_) for slot in slots)
        start = wish.get("start_date_time") or next(each for each in free if each)
        asked = {
            "country_code": "FR", "party_id": "MSX", "request_id": str(uuid.uuid4()),
            "location_id": offered["location_id"], "booking_location_id": offered["id"],
            "booking_option": {"evse_uid": evse}, "tokens": [_booking_token(self.tokens["APP-1"])],
            "period": {"start_date_time": start, "end_date_time": _shifted(start, 30)},
            "authorization_reference": str(uuid.uuid4()),
        }  # fmt: skip
        return await self._request_booking(wish["to"], asked)

    async def unbook(self, request: Request, wish: JSON) -> Response:
        """{"to": "NL-CPO", "booking_id": ...}: the driver does not come."""
        booking = next(each for each in self.bookings.values() if each["id"] == wish["booking_id"])
        asked = booking["booking_requests"][0]["booking_request"]
        canceled = {"cancellation_reason": "BROKEN_VEHICLE", "who_canceled": "EMSP"}
        return await self._request_booking(wish["to"], asked | {"canceled": canceled})

    async def _request_booking(self, to: str, asked: JSON) -> Response:
        country_code, party_id = to.split("-")
        try:
            booking = await self.party.call("POST", "bookings", "SENDER", "", asked, to=(country_code, party_id))
        except Refused as error:
            return JSONResponse({"error": str(error)}, 502)
        return JSONResponse(booking)

    async def state(self, request: Request, _: JSON) -> Response:
        return JSONResponse(
            {
                "registered": bool(self.party.hub_party[0]),
                "locations": list(self.locations.values()),
                "tariffs": list(self.tariffs.values()),
                "sessions": list(self.sessions.values()),
                "cdrs": list(self.cdrs.values()),
                "clients": list(self.clients.values()),
                "authorized": self.authorized,
                "commands": list(self.commands.values()),
                "booking_locations": list(self.booking_locations.values()),
                "bookings": list(self.bookings.values()),
            }
        )


def _key(request: Request) -> str:
    return "/".join(request.path_params[name].upper() for name in ("country_code", "party_id", "id"))


def _half_hour(slot: JSON, after: str) -> str | None:
    """Return the start of the first half hour of a free timeslot that begins after a moment."""
    start = slot["start_date_time"]
    while start < after:
        start = _shifted(start, 30)
    return start if _shifted(start, 30) <= _shifted(slot["end_date_time"], 0) else None


def _shifted(moment: str, minutes: int) -> str:
    at = datetime.datetime.fromisoformat(moment) + datetime.timedelta(minutes=minutes)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _booking_token(token: JSON) -> JSON:
    return {name: token[name] for name in ("country_code", "party_id", "uid", "type", "contract_id")}


def _token(uid: str, kind: str) -> JSON:
    return {
        "country_code": "FR", "party_id": "MSX", "uid": uid, "type": kind, "contract_id": f"FR-MSX-{uid}",
        "issuer": "Sample eMSP", "valid": True, "whitelist": "NEVER" if kind == "RFID" else "ALLOWED",
        "last_updated": now(),
    }  # fmt: skip


def main() -> None:
    """Run the sample."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--hub", required=True, metavar="VERSIONS_URL")
    parser.add_argument("--token", required=True, metavar="TOKEN_A")
    parser.add_argument("--version", default="2.3.0", choices=["2.2.1", "2.3.0"])
    options = parser.parse_args()
    sample = SampleEmsp(options.port, options.hub, options.token, options.version)
    sample.party.run(options.port, sample.begin)


if __name__ == "__main__":
    main()
