"""An operator whose EVSEs can be booked; it is twelve o'clock, thirteen at its Location."""

import datetime
import uuid

import pytest

from hub.ocpi.modules import bookings
from tests.cpms.conftest import clock, hub, make, stations  # noqa: F401  fixtures
from tests.rooms import EMSP, ask, evse, location, tariff, token

START = datetime.datetime(2026, 1, 1, 12, 30, tzinfo=datetime.UTC)


def at(minutes: int) -> str:
    """Return the DateTime of so many minutes after 12:30 UTC."""
    return (START + datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def booking_token(**changes):
    kept = ("country_code", "party_id", "uid", "type", "contract_id")
    return {name: each for name, each in token().items() if name in kept} | changes


class Operator:
    """The CPMS with what tests do to it."""

    def __init__(self, cpms):
        self.cpms = cpms

    async def offers(self):
        return await self.cpms.store.booking_locations.all()

    async def wish(self, *, first=0, minutes=60, evse_uid="EVSE1", sender=EMSP, **changes):
        """Return a BookingRequest for an EVSE of LOC1."""
        offers = await self.offers()
        offer = next(each for each in offers if each["booking_option"]["evse_uid"] == evse_uid)
        return {
            "country_code": sender.country_code, "party_id": sender.party_id, "request_id": str(uuid.uuid4()),
            "location_id": "LOC1", "booking_location_id": offer["id"], "authorization_reference": "REF-1",
            "tokens": [booking_token(country_code=sender.country_code, party_id=sender.party_id)],
            "period": {"start_date_time": at(first), "end_date_time": at(first + minutes)},
        } | changes  # fmt: skip

    async def ask(self, wish, sender=EMSP):
        return (await self.cpms(ask(bookings.post_booking, wish, sender=sender))).value

    async def book(self, **changes):
        """Ask for a booking and return it."""
        return await self.ask(await self.wish(**changes))

    async def booking(self, number):
        return await self.cpms.store.bookings.get(self.cpms.party, number)

    async def slots(self):
        rows = await self.cpms.store.database.fetch("SELECT evse_uid, slot FROM cpms_booked_slot ORDER BY 1, 2")
        return [(uid, slot) for uid, slot in rows]

    async def look(self):
        await self.cpms.bookings.look()


@pytest.fixture
async def operator(hub, database, stations, clock):  # noqa: F811  the fixtures imported above
    cpms = make(hub, database, stations, clock)
    bookable = [evse(uid, capabilities=["RESERVABLE", "REMOTE_START_STOP_CAPABLE"]) for uid in ("EVSE1", "EVSE2")]
    await cpms.orders()["cpms.import"]({"kind": "tariffs", "objects": [tariff()]})
    await cpms.orders()["cpms.import"]({"kind": "locations", "objects": [location(evses=[*bookable, evse("EVSE3")])]})
    await cpms.start()
    await cpms.bookings.offer()
    await cpms.owed.settled()
    yield Operator(cpms)
    await cpms.stop()
