"""Where Tariffs apply, and the Connectors that say so.

Of several Tariffs of one type the one assigned most closely counts: to the Connector, else to the EVSE,
else to the Location or a group of it. A Tariff for one eMSP is told to that eMSP alone and stands in no
Connector, for everyone reads those; its drivers get it all the same. While a special offer runs its
Tariff stands in the place of the one it was made from.

Source: OCPI 2.3.0, mod_locations.asciidoc (Connector, tariff_ids: one of each type active at a time).
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hub.cpms.moments import microseconds
from hub.cpms.store import Store
from hub.database.contract import Database, Transaction
from hub.database.works import Also, followed
from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.receiving import child
from hub.ocpi.times import date_time


@dataclass(frozen=True, kw_only=True)
class Target:
    """A place prices are made for: a group of stations, or a Location and what of it."""

    group_id: str = ""
    location_id: str = ""
    evse_uid: str = ""
    connector_id: str = ""

    def __post_init__(self) -> None:
        if bool(self.group_id) == bool(self.location_id) or (self.connector_id and not self.evse_uid):
            raise InvalidParameters("$: names a group, or a Location (an EVSE of it, a Connector of that)")

    def columns(self) -> tuple[str, str, str, str]:
        """Return its columns, folded as ids are compared."""
        return (
            self.group_id.upper(),
            self.location_id.upper(),
            self.evse_uid.upper(),
            self.connector_id.upper(),
        )


@dataclass(frozen=True, kw_only=True)
class Assigned:
    """A Tariff at a place of a Location.

    Attributes:
        closeness: 2 for a Connector, 1 for an EVSE, 0 for more.
        base: of a special offer's Tariff, the one it takes the place of.
        begins, ends: of the offer, in microseconds since 1970, UTC.
    """

    tariff: JSONObject
    provider: str | None
    evse_uid: str
    connector: str
    base: str | None
    begins: int
    ends: int

    @property
    def closeness(self) -> int:
        return bool(self.evse_uid) + bool(self.connector)

    def at(self, evse_uid: str, connector_id: str) -> bool:
        """Whether it is assigned to a Connector."""
        return self.evse_uid in ("", evse_uid.upper()) and self.connector in ("", connector_id.upper())


#: Assignments at a Location, its groups' included.
_ASSIGNED = """
    SELECT o.document, t.provider, p.evse_uid, p.connector, t.base, f.begins, f.ends
    FROM (
        SELECT tariff_id, evse_uid, connector FROM cpms_tariff_place WHERE location_id = $1
        UNION ALL
        SELECT q.tariff_id, g.evse_uid, '' FROM cpms_tariff_place q
        JOIN cpms_station_group g ON g.group_id = q.group_id WHERE g.location_id = $1
    ) p
    JOIN cpms_tariff t ON t.tariff_id = p.tariff_id AND t.removed_at IS NULL
    JOIN cpms_object o ON o.kind = 'tariff' AND o.owner = $2 AND o.object_id = t.tariff_id
    LEFT JOIN cpms_offer f ON f.offer_id = t.offer_id
    ORDER BY o.seq
"""


async def assigned(rows: Database | Transaction, party: Party, location_id: str) -> list[Assigned]:
    """Return the Tariffs at a Location."""
    found = await rows.fetch(_ASSIGNED, location_id.upper(), str(party))
    return [
        Assigned(
            tariff=codec.decode(document),
            provider=provider,
            evse_uid=evse_uid,
            connector=connector,
            base=base,
            begins=begins or 0,
            ends=ends or 0,
        )
        for document, provider, evse_uid, connector, base, begins, ends in found
    ]


def counting(
    all_of_them: Iterable[Assigned],
    evse_uid: str,
    connector_id: str,
    *,
    at: datetime.datetime,
    provider: str | None = None,
) -> list[JSONObject]:
    """Return the Tariffs of a Connector that count at a moment: those for everyone, or for one eMSP."""
    here = [each for each in all_of_them if each.provider == provider and each.at(evse_uid, connector_id)]
    now = microseconds(at)
    offered = {each.base: each.tariff for each in here if each.base and each.begins <= now < each.ends}
    best: dict[str | None, Assigned] = {}
    for each in here:
        kind = each.tariff.get("type") or None
        if each.base is None and (kind not in best or each.closeness >= best[kind].closeness):
            best[kind] = each
    return [offered.get(each.tariff["id"].upper(), each.tariff) for each in best.values()]


class TariffPlaces:
    """The assignments of one operator's Tariffs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, tariff_id: str) -> list[Target]:
        """Return where a Tariff is assigned."""
        rows = await self._store.database.fetch(
            "SELECT group_id, location_id, evse_uid, connector FROM cpms_tariff_place WHERE tariff_id = $1 ORDER BY id",
            tariff_id.upper(),
        )
        return [Target(group_id=a, location_id=b, evse_uid=c, connector_id=d) for a, b, c, d in rows]

    async def assign_in(
        self, tx: Transaction, tariff_id: str, targets: Sequence[Target], *, at: datetime.datetime
    ) -> None:
        """Have a Tariff apply at these places and nowhere else; the Connectors concerned say so.

        Raises:
            InvalidParameters: a place is not there.
        """
        for index, each in enumerate(targets):
            await self._check(tx, each, f"$.targets[{index}]")
        before = await self.locations_in(tx, "tariff_id = $1", tariff_id.upper())
        await tx.execute("DELETE FROM cpms_tariff_place WHERE tariff_id = $1", tariff_id.upper())
        for columns in dict.fromkeys(each.columns() for each in targets):
            await tx.execute(
                "INSERT INTO cpms_tariff_place (tariff_id, group_id, location_id, evse_uid, connector)"
                " VALUES ($1, $2, $3, $4, $5)",
                tariff_id.upper(),
                *columns,
            )
        after = await self.locations_in(tx, "tariff_id = $1", tariff_id.upper())
        await self.publish_in(tx, {*before, *after}, at=at)

    async def group(self, group_id: str) -> list[Target]:
        """Return the places of a group of stations."""
        rows = await self._store.database.fetch(
            "SELECT location_id, evse_uid FROM cpms_station_group WHERE group_id = $1 ORDER BY id", group_id.upper()
        )
        return [Target(location_id=location_id, evse_uid=evse_uid) for location_id, evse_uid in rows]

    async def put_group(
        self, group_id: str, members: Sequence[Target], *, at: datetime.datetime, also: Also[None] | None = None
    ) -> None:
        """Have a group be these Locations and EVSEs; what is assigned to it is theirs from now on.

        Raises:
            InvalidParameters: a place is not there, or none of a group.
        """

        async def work(tx: Transaction) -> None:
            for index, each in enumerate(members):
                if each.group_id or each.connector_id:
                    raise InvalidParameters(f"$.members[{index}]: a group has Locations and EVSEs")
                await self._check(tx, each, f"$.members[{index}]")
            before = await self.locations_in(tx, "group_id = $1", group_id.upper())
            await tx.execute("DELETE FROM cpms_station_group WHERE group_id = $1", group_id.upper())
            for location_id, evse_uid in dict.fromkeys((each.columns()[1], each.columns()[2]) for each in members):
                await tx.execute(
                    "INSERT INTO cpms_station_group (group_id, location_id, evse_uid) VALUES ($1, $2, $3)",
                    group_id.upper(),
                    location_id,
                    evse_uid,
                )
            after = await self.locations_in(tx, "group_id = $1", group_id.upper())
            await self.publish_in(tx, {*before, *after}, at=at)

        await self._store.database.transact(followed(work, also))

    async def locations_in(self, tx: Transaction, where: str, *values: str) -> list[str]:
        """Return the Locations some assignments concern."""
        rows = await tx.fetch(
            f"""SELECT location_id FROM cpms_tariff_place WHERE {where} AND group_id = ''
            UNION SELECT g.location_id FROM cpms_station_group g
            JOIN (SELECT group_id FROM cpms_tariff_place WHERE {where}) q ON q.group_id = g.group_id""",  # noqa: S608  our own words
            *values,
        )
        return [location_id for (location_id,) in rows]

    async def publish_in(self, tx: Transaction, location_ids: Iterable[str], *, at: datetime.datetime) -> None:
        """Have the Connectors of some Locations name the Tariffs that count there now."""
        for location_id in sorted(location_ids):
            location = await self._store.locations.get_in(tx, self._store.party, location_id)
            if location is None:
                continue
            changed = await named_in(tx, location, party=self._store.party, at=at)
            if changed is not location:
                await self._store.put_for_everyone(tx, self._store.locations, changed)

    async def _check(self, tx: Transaction, target: Target, path: str) -> None:
        if target.group_id:
            if not await tx.fetch("SELECT 1 FROM cpms_station_group WHERE group_id = $1", target.group_id.upper()):
                raise InvalidParameters(f"{path}.group_id: there is no group {target.group_id}")
            return
        location = await self._store.locations.get_in(tx, self._store.party, target.location_id)
        if location is None:
            raise InvalidParameters(f"{path}.location_id: there is no Location {target.location_id}")
        evse = child(location, "evses", target.evse_uid) if target.evse_uid else None
        if target.evse_uid and evse is None:
            raise InvalidParameters(f"{path}.evse_uid: there is no EVSE {target.evse_uid}")
        if target.connector_id and child(evse, "connectors", target.connector_id) is None:
            raise InvalidParameters(f"{path}.connector_id: there is no Connector {target.connector_id}")


async def named_in(tx: Transaction, location: JSONObject, *, party: Party, at: datetime.datetime) -> JSONObject:
    """Return a Location whose Connectors name the Tariffs that count there; the same one if they do already.

    What else a Connector names than Tariffs made here was put there by hand, and stays.
    """
    known = await assigned(tx, party, location["id"])
    managed = frozenset(tariff_id for (tariff_id,) in await tx.fetch("SELECT tariff_id FROM cpms_tariff"))
    moment = max(date_time(at), location["last_updated"])
    evses = [_evse_named(each, known, managed, at, moment) for each in location.get("evses") or []]
    if evses == (location.get("evses") or []):
        return location
    return location | {"evses": evses, "last_updated": moment}


def _evse_named(
    evse: JSONObject, known: list[Assigned], managed: frozenset[str], at: datetime.datetime, moment: str
) -> JSONObject:
    connectors = []
    for connector in evse["connectors"]:
        by_hand = [each for each in connector.get("tariff_ids") or [] if each.upper() not in managed]
        ids = by_hand + [each["id"] for each in counting(known, evse["uid"], connector["id"], at=at)]
        if ids == (connector.get("tariff_ids") or []):
            connectors.append(connector)
        else:
            connectors.append(connector | {"tariff_ids": ids, "last_updated": moment})
    return evse if connectors == evse["connectors"] else evse | {"connectors": connectors, "last_updated": moment}
