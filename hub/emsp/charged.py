"""What is over and what is ahead, as the companion needs it: billed charges, bookings, and bills told as reports."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from hub.emsp.charging.bookings import STARTABLE, bookings
from hub.emsp.companion.history import History
from hub.emsp.companion.needs import Booked, Charged, Stations, Told
from hub.emsp.companion.notifier import Notifier
from hub.emsp.drivers.needs import Now
from hub.emsp.drivers.tokens import Tokens
from hub.emsp.money.amounts import Money
from hub.emsp.money.moments import micros
from hub.emsp.money.verdicts import Verdict, Verdicts
from hub.emsp.store import Store
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSON, JSONObject
from hub.ocpi.times import moment, stamp


class BilledCharges:
    """Charges whose CDRs are booked, by the room of money."""

    def __init__(self, store: Store, now: Now) -> None:
        self._store = store
        self._verdicts = Verdicts(store.database)
        self._tokens = Tokens(store, now, issuer="emall")

    async def of_driver(self, driver_id: str, start: datetime.datetime, end: datetime.datetime) -> list[Charged]:
        """Return a driver's that ended in a time."""
        found = await self._verdicts.booked(micros(start), micros(end), driver_id=driver_id)
        mixes = dict[tuple[str, str], JSONObject | None]()
        return [await self._charged(verdict, cdr, mixes) for verdict, cdr in found]

    async def of_tokens(
        self, token_uids: Sequence[str], start: datetime.datetime, end: datetime.datetime
    ) -> list[Charged]:
        """Return those made with some Tokens that ended in a time."""
        wanted = set(token_uids)
        drivers = dict.fromkeys([await self._tokens.driver_of_token(each) for each in token_uids])
        found = [one for each in drivers if each is not None for one in await self.of_driver(each, start, end)]
        return sorted((each for each in found if each.token_uid in wanted), key=lambda each: each.end)

    async def of_cdr(self, owner: Party, cdr_id: str) -> Charged | None:
        """Return the charge of a CDR; None: it is not booked."""
        verdict, cdr = await self._verdicts.of(owner, cdr_id), await self._store.cdrs.get(owner, cdr_id)
        if verdict is None or cdr is None or verdict.verdict != "BOOKED":
            return None
        return await self._charged(verdict, cdr, {})

    async def _charged(
        self, verdict: Verdict, cdr: JSONObject, mixes: dict[tuple[str, str], JSONObject | None]
    ) -> Charged:
        place = cdr["cdr_location"]
        key = verdict.owner, place["id"].upper()
        if key not in mixes:
            location = await self._store.locations.get(Party.parse(verdict.owner), place["id"])
            mixes[key] = (location or {}).get("energy_mix")
        assert verdict.driver_id is not None, "what is booked has a driver"
        return Charged(
            reference=f"{verdict.owner}/{verdict.cdr_id}",
            driver_id=verdict.driver_id,
            token_uid=cdr["cdr_token"]["uid"].upper(),
            start=moment(cdr["start_date_time"]),
            end=moment(cdr["end_date_time"]),
            kwh=Decimal(str(cdr["total_energy"])),
            owner=verdict.owner,
            location_id=place["id"].upper(),
            name=place.get("name") or place["address"],
            country=place["country"],
            cost=Money.of_minor(verdict.price, verdict.currency).amount,
            currency=verdict.currency,
            energy_mix=_mix_of(cdr) or mixes[key],
        )


def _mix_of(cdr: JSONObject) -> JSONObject | None:
    """Return the energy mix of the first Tariff of a CDR that tells one."""
    return next((each["energy_mix"] for each in cdr.get("tariffs") or () if each.get("energy_mix")), None)


class BookingsAhead:
    """Bookings of the room of charging."""

    def __init__(self, store: Store) -> None:
        self._database = store.database

    async def beginning(self, start: datetime.datetime, end: datetime.datetime) -> list[Booked]:
        """Return those that stand and begin in a time."""
        found = await bookings(self._database, "starts_at >= $1 AND starts_at < $2", stamp(start), stamp(end))
        return [
            Booked(
                id=each.id, driver_id=each.driver_id, owner=str(each.spot.owner), location_id=each.spot.location_id,
                start=each.starts_at, end=each.ends_at, zone=each.zone, made=each.created_at,
            )
            for each in found
            if each.state in STARTABLE and each.way != "ON_THE_FLY"
        ]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Named:
    key: str
    event: str
    driver_id: str
    text: str
    data: dict[str, JSON]


class Teller:
    """Takes what other rooms tell: places by their names, and a bill as the report of its charge (GEM-FTR-951)."""

    def __init__(self, notifier: Notifier, *, history: History, charges: BilledCharges, stations: Stations) -> None:
        self._notifier = notifier
        self._history = history
        self._charges = charges
        self._stations = stations

    async def tell(self, told: Told) -> None:
        """Take one thing."""
        charge = await self._billed(told)
        if charge is not None:
            return await self._history.report(charge, receipt=str(told.data.get("receipt") or ""))
        await self._notifier.tell(await self._named(told))

    async def _billed(self, told: Told) -> Charged | None:
        if told.event != "CHARGE_BILLED" or "cdr_id" not in told.data:
            return None
        return await self._charges.of_cdr(Party.parse(str(told.data["operator"])), str(told.data["cdr_id"]))

    async def _named(self, told: Told) -> Told:
        """Return it with the name of its place, where the room that tells it has ids: ``NL-CPO/LOC1/EVSE1``."""
        spot = str(told.data.get("place") or "")
        owner, _, rest = spot.partition("/")
        location_id = rest.partition("/")[0]
        station = await self._stations.station(owner, location_id) if location_id else None
        data = dict(told.data) | ({"place": station.name, "spot": spot} if station else {})
        return _Named(key=told.key, event=str(told.event), driver_id=told.driver_id, text=told.text, data=data)
