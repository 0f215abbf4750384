"""What a charge costs its driver while it goes on: retail, by what its CPO says so far or by its Tariff.

A Session need not say what it costs; then the tariff engine says it, of its charging periods or else of its energy
and time. It is an estimate: only the CDR is charged.

Source: OCPI 2.3.0, mod_sessions.asciidoc (total_cost), mod_tariffs.asciidoc; RASD-R9.
"""

import datetime
import logging
from collections.abc import Callable
from decimal import Decimal

from hub.database.contract import Transaction
from hub.emsp.money.retail import Billable, RetailPrices
from hub.emsp.money.vat import NoVatRate
from hub.emsp.store import Store
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing import Unpriceable, price
from hub.ocpi.receiving import child
from hub.ocpi.slots import zone_of
from hub.ocpi.times import moment

log = logging.getLogger(__name__)


class DriversCosts:
    """Costs by the provider's retail prices, as they hold then."""

    def __init__(self, store: Store, prices: Callable[[], RetailPrices]) -> None:
        self._store = store
        self._prices = prices

    async def so_far(self, tx: Transaction, owner: Party, session: JSONObject) -> Decimal | None:
        """Return what a Session costs its driver so far, VAT included."""
        location = await self._store.locations.look_in(tx, owner, session["location_id"])
        if location is None:
            return None
        try:
            return await self._retail(tx, owner, session, location)
        except (NoVatRate, Unpriceable) as error:
            log.info("Session %s/%s: %s", owner, session["id"], error)
            return None

    async def billed(self, tx: Transaction, owner: Party, cdr: JSONObject) -> Decimal | None:
        """Return what a CDR costs its driver, VAT included; what he pays is decided when it has been judged."""
        location = await self._store.locations.look_in(tx, owner, cdr["cdr_location"]["id"])
        try:
            return self._prices().of_cdr(cdr, zone_of(location or {})).gross.amount
        except (NoVatRate, Unpriceable) as error:
            log.info("CDR %s/%s: %s", owner, cdr["id"], error)
            return None

    async def _retail(
        self, tx: Transaction, owner: Party, session: JSONObject, location: JSONObject
    ) -> Decimal | None:  # fmt: skip
        currency, prices = session["currency"], self._prices()
        told = session.get("total_cost")
        if told is None and currency not in prices.tariffs:
            told = await self._by_tariffs(tx, owner, session, location)
            if told is None:
                return None
        charge = Billable(
            told=told,
            currency=currency,
            country=location["country"],
            periods=_periods(session),
            until=_end(session),
            zone=zone_of(location),
        )
        return prices.of(charge).gross.amount

    async def _by_tariffs(
        self, tx: Transaction, owner: Party, session: JSONObject, location: JSONObject
    ) -> JSONObject | None:
        """Return what the CPO's Tariffs take so far, before taxes."""
        usual = await self._tariff_of(tx, owner, session, location)
        periods = [
            each if each.get("tariff_id") or not usual else each | {"tariff_id": usual} for each in _periods(session)
        ]
        ids = dict.fromkeys(each["tariff_id"] for each in periods if each.get("tariff_id"))
        found = [await self._store.tariffs.look_in(tx, owner, each) for each in ids]
        if not ids or None in found:
            return None
        return price(
            [each for each in found if each],
            periods,
            until=_end(session),
            zone=zone_of(location),
            currency=session["currency"],
        ).total.as_json()

    async def _tariff_of(
        self, tx: Transaction, owner: Party, session: JSONObject, location: JSONObject
    ) -> str | None:  # fmt: skip
        """Return the id of the Tariff that holds at a Session's connector when it begins."""
        connector = child(child(location, "evses", session["evse_uid"]), "connectors", session["connector_id"]) or {}
        found = [await self._store.tariffs.look_in(tx, owner, each) for each in connector.get("tariff_ids") or ()]
        start = moment(session["start_date_time"])
        valid = [each for each in found if each is not None and _holds(each, start)]
        valid.sort(key=lambda each: each.get("type") not in (None, "REGULAR"))
        return str(valid[0]["id"]) if valid else None


def _periods(session: JSONObject) -> list[JSONObject]:
    """Return a Session's charging periods, or one with all it says."""
    told: list[JSONObject] = session.get("charging_periods") or []
    if any(each["type"] == "ENERGY" for period in told for each in period["dimensions"]):
        return told
    hours = Decimal((_end(session) - moment(session["start_date_time"])) // datetime.timedelta(seconds=1)) / 3600
    dimensions = [{"type": "ENERGY", "volume": session["kwh"]}, {"type": "TIME", "volume": hours}]
    return [{"start_date_time": session["start_date_time"], "dimensions": dimensions}]


def _end(session: JSONObject) -> datetime.datetime:
    told = session.get("end_date_time") or session["last_updated"]
    return max(moment(told), moment(session["start_date_time"]))


def _holds(tariff: JSONObject, at: datetime.datetime) -> bool:
    start, end = tariff.get("start_date_time"), tariff.get("end_date_time")
    return (start is None or moment(start) <= at) and (end is None or at < moment(end))
