"""A CPO whose stations do at once what they are asked: ``python -m bench.cpo PORT VERSIONS_URL TOKEN_A LOCATIONS``.

It speaks OCPI 2.3.0, tells its Locations and what can be booked there, confirms every booking, and starts every charge.
Once all is told it prints ``ready``. Its CPU time is nobody's: it stands for a platform elsewhere.
"""

import asyncio
import datetime
import sys
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from examples.party import Party, answer, now, sender

JSON = Any

CPO = ("NL", "CPO")
PER_LOCATION = 10
_AT_ONCE = 16
_OFFERED = [
    ("locations", "SENDER"), ("tariffs", "SENDER"), ("sessions", "SENDER"), ("cdrs", "SENDER"), ("tokens", "RECEIVER"),
    ("commands", "RECEIVER"), ("bookings", "SENDER"),
]  # fmt: skip
_TERMS = {"supported_access_methods": ["OPEN"], "change_until_minutes": 5, "cancel_until_minutes": 0}


class Cpo:
    """NL-CPO; of what it was told it forgets everything."""

    def __init__(self, port: int, hub: str, token: str, locations: int) -> None:
        self._hub, self._token, self._locations = hub, token, locations
        self.party = party = Party("Bench CPO", "CPO", *CPO, "2.3.0", _OFFERED, f"http://127.0.0.1:{port}")
        for module in ("locations", "tariffs", "sessions", "cdrs"):
            party.serve("GET", module, "SENDER", "", _nothing)
        for path in ("/booking_locations", ""):
            party.serve("GET", "bookings", "SENDER", path, _nothing)
        party.serve("POST", "bookings", "SENDER", "", self._book)
        party.serve("POST", "commands", "RECEIVER", "/{command}", self._command)
        party.serve("PUT", "tokens", "RECEIVER", "/{country_code}/{party_id}/{uid}", _taken)

    async def begin(self) -> None:
        """Register and tell everything."""
        await self.party.register(self._hub, self._token)
        await self._put("tariffs", "", _tariff())
        numbers = iter(range(self._locations))
        await asyncio.gather(*(self._tell(numbers) for _ in range(_AT_ONCE)))
        print("ready", flush=True)

    async def _tell(self, numbers: Any) -> None:
        for number in numbers:
            await self._put("locations", "", _location(number))
            await self._put("bookings", "/booking_locations", _bookable(number))

    async def _put(self, module: str, path: str, value: JSON) -> None:
        owned = f"/{CPO[0]}/{CPO[1]}"
        tail = f"{owned}{path}/{value['id']}"
        await self.party.call("PUT", module, "RECEIVER", tail, value, to=self.party.hub_party)

    async def _command(self, request: Request, body: JSON) -> Response:
        if request.path_params["command"] == "START_SESSION":
            self.party.later(self._does(body["response_url"], sender(request)))
        return answer({"result": "ACCEPTED", "timeout": 30})

    async def _does(self, url: str, to: tuple[str, str]) -> None:
        await self.party.call_url(url, {"result": "ACCEPTED"}, to=to)

    async def _book(self, request: Request, wish: JSON) -> Response:
        at = now()
        entry = {"request_status": "ACCEPTED", "booking_request": wish, "request_received": at}
        return answer({
            "country_code": CPO[0], "party_id": CPO[1], "id": f"B-{wish['request_id'][:30]}",
            "request_id": wish["request_id"], "location_id": wish["location_id"], "period": wish["period"],
            "booking_option": wish["booking_option"], "reservation_status": "RESERVED",
            "authorization_reference": wish["authorization_reference"], "booking_terms": _TERMS,
            "booking_requests": [entry], "last_updated": at,
        })  # fmt: skip


async def _nothing(request: Request, _: JSON) -> Response:
    return answer([], headers={"X-Total-Count": "0", "X-Limit": "100"})


async def _taken(request: Request, _: JSON) -> Response:
    return answer()


def spot(number: int) -> dict[str, str]:
    """Return where the API finds the EVSE of a number."""
    return {"owner": "-".join(CPO), "location_id": f"L{number // PER_LOCATION}", "evse_uid": f"E{number}"}


def _location(number: int) -> JSON:
    connector = {
        "id": "1", "standard": "IEC_62196_T2", "format": "SOCKET", "power_type": "AC_3_PHASE", "max_voltage": 230,
        "max_amperage": 32, "tariff_ids": ["T1"], "last_updated": now(),
    }  # fmt: skip
    first = number * PER_LOCATION
    evses = [
        {"uid": f"E{each}", "status": "AVAILABLE", "connectors": [connector], "last_updated": now()}
        for each in range(first, first + PER_LOCATION)
    ]
    return {
        "country_code": CPO[0], "party_id": CPO[1], "id": f"L{number}", "publish": True, "address": "Quay 1",
        "city": "Testford", "country": "NLD", "time_zone": "UTC", "evses": evses, "last_updated": now(),
        "coordinates": {"latitude": f"{52 + number % 40 * 0.01:.6f}", "longitude": f"{4 + number // 40 * 0.01:.6f}"},
    }  # fmt: skip


def _bookable(number: int) -> JSON:
    today = datetime.datetime.now(datetime.UTC).date()
    begin, end = (f"{today + datetime.timedelta(days=days)}T00:00:00Z" for days in (0, 3))
    calendar = {
        "id": "1", "begin_from": begin, "end_before": end, "timeslot_increment": 30, "last_updated": now(),
        "available_timeslots": [{"start_date_time": begin, "end_date_time": end}],
    }  # fmt: skip
    return {
        "country_code": CPO[0], "party_id": CPO[1], "id": f"BL{number}", "location_id": f"L{number}",
        "booking_terms": _TERMS, "calendars": [calendar], "last_updated": now(),
    }  # fmt: skip


def _tariff() -> JSON:
    component = {"type": "ENERGY", "price": 0.4, "vat": 21.0, "step_size": 1}
    return {
        "country_code": CPO[0], "party_id": CPO[1], "id": "T1", "currency": "EUR", "tax_included": "NO",
        "elements": [{"price_components": [component]}], "last_updated": now(),
    }  # fmt: skip


if __name__ == "__main__":
    cpo = Cpo(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
    cpo.party.run(int(sys.argv[1]), cpo.begin)
