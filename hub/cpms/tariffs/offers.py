"""Special offers: cheaper for some time at some places, and then as before.

For each Tariff that counts at the places an offer makes another one, cheaper, with the offer's
start and end in it, and tells it at once. When the offer begins the Connectors name the cheaper Tariff in
the place of the other, for only one of a type may be active at a time; when it ends they name the first
again and the offer's is deleted. A session keeps the price it began with.

Source: OCPI 2.3.0, mod_tariffs.asciidoc (start_date_time, end_date_time), mod_locations.asciidoc (Connector,
tariff_ids); REQUIREMENTS RASD-R23, RASD-R31, RASD-F22; decision 0021.
"""

import datetime
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hub.cpms.moments import at as moment_of
from hub.cpms.moments import microseconds
from hub.cpms.tariffs.making import Made, Tariffs
from hub.cpms.tariffs.places import Target, assigned, counting
from hub.database.contract import Row, Transaction
from hub.database.works import Also, followed
from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.objects import JSONObject
from hub.ocpi.receiving import NoSuchObject
from hub.ocpi.times import date_time

_FOUR = Decimal("0.0001")
_LONGEST_ID = 36


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A special offer.

    Attributes:
        percent: off every price; or ``per_kwh``: off every kWh, in the currency of each Tariff, down to nothing.
        state: PLANNED, RUNNING, ENDED or CANCELED.
    """

    name: str
    begins: datetime.datetime
    ends: datetime.datetime
    targets: tuple[Target, ...]
    percent: Decimal | None = None
    per_kwh: Decimal | None = None
    id: str = ""
    state: str = "PLANNED"


class Offers:
    """The special offers of one operator.

    Args:
        changed: hears that something begins or ends at other moments than before.
    """

    def __init__(self, tariffs: Tariffs, changed: Callable[[], None] = lambda: None) -> None:
        self._tariffs = tariffs
        self._store = tariffs.store
        self.changed = changed

    async def all(self) -> list[Offer]:
        """Return all offers, the latest first."""
        rows = await self._store.database.fetch(f"{_SELECT} ORDER BY begins DESC, offer_id")
        return [_offer(row) for row in rows]

    async def get(self, offer_id: str) -> Offer:
        """Return an offer.

        Raises:
            NoSuchObject: there is none.
        """
        rows = await self._store.database.fetch(f"{_SELECT} WHERE offer_id = $1", offer_id)
        if not rows:
            raise NoSuchObject(f"There is no offer {offer_id}")
        return _offer(rows[0])

    async def create(self, offer: Offer, *, made_by: str = "", also: Also[Offer] | None = None) -> Offer:
        """Make an offer, and tell its Tariffs.

        Raises:
            InvalidParameters: it is over, gives nothing, or there is nothing at its places to make cheaper.
        """
        _check(offer, self._tariffs.clock())
        made = _with_id(offer)

        async def work(tx: Transaction) -> Offer:
            await tx.execute(
                "INSERT INTO cpms_offer (offer_id, document, begins, ends, state) VALUES ($1, $2, $3, $4, 'PLANNED')",
                made.id,
                codec.encode(_document(made)),
                microseconds(made.begins),
                microseconds(made.ends),
            )
            bases = await self._bases(tx, made.targets)
            if not bases:
                raise InvalidParameters("$.targets: no Tariff is assigned there that could become cheaper")
            for place, base in enumerate(bases):
                await self._add_variant(tx, made, base, place, made_by=made_by)
            await self._turn(tx)
            return made

        await self._store.database.transact(followed(work, also))
        self.changed()
        return await self.get(made.id)

    async def cancel(self, offer_id: str, *, also: Also[None] | None = None) -> Offer:
        """End an offer at once, or never begin it.

        Raises:
            NoSuchObject: there is none.
            InvalidParameters: it is over.
        """
        known = await self.get(offer_id)
        if known.state not in ("PLANNED", "RUNNING"):
            raise InvalidParameters(f"$: the offer is {known.state}")
        await self._store.database.transact(followed(lambda tx: self._end(tx, offer_id, "CANCELED"), also))
        return await self.get(offer_id)

    async def turn(self) -> datetime.datetime | None:
        """Begin and end what is due; return when the next offer begins or ends."""
        return await self._store.database.transact(self._turn)

    async def renew(self, base_id: str, *, made_by: str = "") -> None:
        """Make the Tariffs of offers anew that were made from a Tariff that has changed."""

        async def work(tx: Transaction) -> None:
            base = await self._store.tariffs.get_in(tx, self._store.party, base_id)
            rows = await tx.fetch(
                "SELECT tariff_id, offer_id FROM cpms_tariff WHERE base = $1 AND removed_at IS NULL", base_id.upper()
            )
            for variant_id, offer_id in rows if base is not None else ():
                offer = _offer((await tx.fetch(f"{_SELECT} WHERE offer_id = $1", offer_id))[0])
                known = await self._store.tariffs.get_in(tx, self._store.party, variant_id)
                assert base is not None and known is not None, "it is not removed"
                made = self._tariffs.judged(_cheaper(base, offer, known["id"]), since=known["last_updated"])
                await self._write(tx, made, offer, base, made_by=made_by)

        await self._store.database.transact(work)

    async def _turn(self, tx: Transaction) -> datetime.datetime | None:
        now = microseconds(self._tariffs.clock())
        for (offer_id,) in await tx.fetch(
            "SELECT offer_id FROM cpms_offer WHERE state = 'PLANNED' AND begins <= $1 AND ends > $1", now
        ):
            await tx.execute("UPDATE cpms_offer SET state = 'RUNNING' WHERE offer_id = $1", offer_id)
            await self._publish(tx, offer_id)
        for (offer_id,) in await tx.fetch(
            "SELECT offer_id FROM cpms_offer WHERE state IN ('PLANNED', 'RUNNING') AND ends <= $1", now
        ):
            await self._end(tx, offer_id, "ENDED")
        rows = await tx.fetch(
            """SELECT min(CASE WHEN state = 'PLANNED' THEN begins ELSE ends END) FROM cpms_offer
            WHERE state IN ('PLANNED', 'RUNNING')"""
        )
        return None if rows[0][0] is None else moment_of(rows[0][0])

    async def _end(self, tx: Transaction, offer_id: str, state: str) -> None:
        await tx.execute("UPDATE cpms_offer SET state = $1 WHERE offer_id = $2", state, offer_id)
        rows = await tx.fetch("SELECT tariff_id FROM cpms_tariff WHERE offer_id = $1 AND removed_at IS NULL", offer_id)
        for (tariff_id,) in rows:
            known = await self._store.tariffs.get_in(tx, self._store.party, tariff_id)
            if known is not None:
                # With its place gone the Connectors name the Tariff it came from again.
                await self._tariffs.remove_in(tx, Made(tariff=known, offer_id=offer_id))

    async def _publish(self, tx: Transaction, offer_id: str) -> None:
        places = self._tariffs.places
        ids = [each for (each,) in await tx.fetch("SELECT tariff_id FROM cpms_tariff WHERE offer_id = $1", offer_id)]
        found: set[str] = set()
        for tariff_id in ids:
            found.update(await places.locations_in(tx, "tariff_id = $1", tariff_id))
        await places.publish_in(tx, found, at=self._tariffs.clock())

    async def _bases(self, tx: Transaction, targets: Sequence[Target]) -> list[JSONObject]:
        """Return the Tariffs for everyone that count at some places, offers aside."""
        found: dict[str, JSONObject] = {}
        for location_id, evse_uid, connector_id in await self._places_of(tx, targets):
            location = await self._store.locations.get_in(tx, self._store.party, location_id)
            here = [each for each in await assigned(tx, self._store.party, location_id) if each.base is None]
            for evse in (location or {}).get("evses") or []:
                for connector in evse["connectors"]:
                    if evse_uid in ("", evse["uid"].upper()) and connector_id in ("", connector["id"].upper()):
                        for each in counting(here, evse["uid"], connector["id"], at=self._tariffs.clock()):
                            found[each["id"]] = each
        return list(found.values())

    async def _places_of(self, tx: Transaction, targets: Sequence[Target]) -> list[tuple[str, str, str]]:
        places: list[tuple[str, str, str]] = []
        for each in targets:
            group_id, *place = each.columns()
            if not group_id:
                places.append((place[0], place[1], place[2]))
                continue
            rows = await tx.fetch("SELECT location_id, evse_uid FROM cpms_station_group WHERE group_id = $1", group_id)
            places += [(location_id, evse_uid, "") for location_id, evse_uid in rows]
        return places

    async def _add_variant(self, tx: Transaction, offer: Offer, base: JSONObject, place: int, *, made_by: str) -> None:
        ending = f"-{offer.id}-{place}"
        made = self._tariffs.judged(_cheaper(base, offer, base["id"][: _LONGEST_ID - len(ending)] + ending))
        await self._write(tx, made, offer, base, made_by=made_by)
        await self._tariffs.places.assign_in(tx, made["id"], offer.targets, at=self._tariffs.clock())

    async def _write(self, tx: Transaction, made: JSONObject, offer: Offer, base: JSONObject, *, made_by: str) -> None:
        await self._tariffs.write(
            tx, Made(tariff=made, offer_id=offer.id), made_by=made_by, note=offer.name, base=base["id"].upper()
        )


def _check(offer: Offer, now: datetime.datetime) -> None:
    if offer.ends <= offer.begins:
        raise InvalidParameters("$.ends: is not after begins")
    if offer.ends <= now:
        raise InvalidParameters("$.ends: is over")
    if (offer.percent is None) == (offer.per_kwh is None):
        raise InvalidParameters("$: either percent or per_kwh says what is given")
    if offer.percent is not None and not 0 < offer.percent <= 100:
        raise InvalidParameters("$.percent: more than 0 and at most 100")
    if offer.per_kwh is not None and offer.per_kwh <= 0:
        raise InvalidParameters("$.per_kwh: more than 0")


def _cheaper(base: JSONObject, offer: Offer, tariff_id: str) -> JSONObject:
    """Return what the Tariff of an offer says."""
    elements = [
        each | {"price_components": [_component(component, offer) for component in each["price_components"]]}
        for each in base["elements"]
    ]
    made = base | {
        "id": tariff_id,
        "elements": elements,
        "start_date_time": date_time(offer.begins),
        "end_date_time": date_time(offer.ends),
    }
    if offer.percent is not None and base.get("min_price"):
        made["min_price"] = {name: _less(amount, offer.percent) for name, amount in base["min_price"].items()}
    return made


def _component(component: JSONObject, offer: Offer) -> JSONObject:
    if offer.percent is not None:
        return component | {"price": _less(component["price"], offer.percent)}
    if component["type"] == "ENERGY" and offer.per_kwh is not None:
        return component | {"price": max(Decimal(component["price"]) - offer.per_kwh, Decimal(0))}
    return component


def _less(amount: Any, percent: Decimal) -> Decimal:
    return (Decimal(amount) * (100 - percent) / 100).quantize(_FOUR)


def _with_id(offer: Offer) -> Offer:
    return Offer(
        id=uuid.uuid4().hex[:8].upper(),
        name=offer.name,
        begins=offer.begins,
        ends=offer.ends,
        targets=offer.targets,
        percent=offer.percent,
        per_kwh=offer.per_kwh,
    )


_SELECT = "SELECT offer_id, document, begins, ends, state FROM cpms_offer"


def _document(offer: Offer) -> JSONObject:
    return {
        "name": offer.name,
        "percent": offer.percent,
        "per_kwh": offer.per_kwh,
        "targets": [
            {
                "group_id": each.group_id,
                "location_id": each.location_id,
                "evse_uid": each.evse_uid,
                "connector_id": each.connector_id,
            }
            for each in offer.targets
        ],
    }


def _offer(row: Row) -> Offer:
    offer_id, document, begins, ends, state = row
    said = codec.decode(document)
    return Offer(
        id=offer_id,
        name=said["name"],
        begins=moment_of(begins),
        ends=moment_of(ends),
        targets=tuple(Target(**each) for each in said["targets"]),
        percent=_amount(said["percent"]),
        per_kwh=_amount(said["per_kwh"]),
        state=state,
    )


def _amount(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)
