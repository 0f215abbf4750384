"""Fleets: Tokens of one group, each standing for a car, with reports for who manages them (GEM-FTR-1301, UC-1524).

Source: OCPI 2.3.0, mod_tokens.asciidoc (group_id).
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from hub.database.contract import Database, Transaction
from hub.emsp.companion.emissions import CountryMix
from hub.emsp.companion.history import Past, past, totals
from hub.emsp.companion.needs import Charges, Clock, FleetTokens
from hub.ocpi.times import stamp, stamped


class NotYourFleet(Exception):
    """The fleet is not there, or another manages it."""


class TokenTaken(Exception):
    """The Token is in another fleet; take it out there first."""


class UnknownToken(Exception):
    """No driver has this Token, or two have Tokens of this uid."""


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """A fleet; the columns are explained at ``EmspFleet``."""

    group_id: str
    name: str
    manager: str


@dataclass(frozen=True, kw_only=True)
class Member:
    """A Token of a fleet; the columns are explained at ``EmspFleetMember``."""

    token_uid: str
    vehicle: str
    cost_centre: str


@dataclass(frozen=True, kw_only=True)
class Membership:
    """When a Token was in a fleet; ``until`` is None while it is."""

    member: Member
    since: datetime.datetime
    until: datetime.datetime | None

    def covers(self, charge: Past) -> bool:
        """Return whether a charge is the fleet's: it began with this Token while it was in it."""
        start = charge.charge.start
        ours = charge.charge.token_uid == self.member.token_uid and start >= self.since
        return ours and (self.until is None or start < self.until)


@dataclass(frozen=True, kw_only=True)
class Line:
    """What one Token charged in a time, in one currency."""

    member: Member
    charges: int
    kwh: Decimal
    currency: str
    cost: Decimal
    kg: Decimal
    unknown: int


class Fleets:
    """All fleets.

    Args:
        tokens: tells CPOs the group of a Token.
        countries: what electricity emits, where stations do not tell.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        charges: Charges,
        tokens: FleetTokens,
        countries: Mapping[str, CountryMix],
    ) -> None:
        self._database = database
        self._tokens = tokens
        self._clock = clock
        self._charges = charges
        self._countries = countries

    async def make(self, group_id: str, name: str, manager: str) -> None:
        """Make a fleet, or give it another name and manager; an operator does this."""
        now = stamp(self._clock.now())

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "INSERT INTO emsp_fleet (group_id, name, manager, created) VALUES ($1, $2, $3, $4)"
                " ON CONFLICT (group_id) DO UPDATE SET name = excluded.name, manager = excluded.manager",
                group_id, name, manager, now,
            )  # fmt: skip

        await self._database.transact(work)

    async def put(self, group_id: str, member: Member) -> None:
        """Put a Token into a fleet, or change what it stands for; an operator does this.

        Raises:
            NotYourFleet: there is no such fleet.
            UnknownToken: there is no such Token.
            TokenTaken: it is in another.
        """
        now = stamp(self._clock.now())

        async def work(tx: Transaction) -> None:
            if not await tx.fetch("SELECT 1 FROM emsp_fleet WHERE group_id = $1", group_id):
                raise NotYourFleet(NotYourFleet.__doc__)
            touched = await tx.execute(
                "INSERT INTO emsp_fleet_member (token_uid, group_id, vehicle, cost_centre, since)"
                " VALUES ($1, $2, $3, $4, $5)"
                " ON CONFLICT (token_uid) DO UPDATE SET vehicle = excluded.vehicle,"
                " cost_centre = excluded.cost_centre WHERE emsp_fleet_member.group_id = excluded.group_id",
                member.token_uid.upper(), group_id, member.vehicle, member.cost_centre, now,
            )  # fmt: skip
            if not touched:
                raise TokenTaken(TokenTaken.__doc__)
            if not await self._tokens.join(tx, member.token_uid.upper(), group_id):
                raise UnknownToken(UnknownToken.__doc__)

        await self._database.transact(work)

    async def take_out(self, group_id: str, token_uid: str) -> bool:
        """Take a Token out of a fleet, whose reports of the time before keep it; False: it is not in it."""
        now = stamp(self._clock.now())

        async def work(tx: Transaction) -> bool:
            gone = await leave(tx, "group_id = $1 AND token_uid = $2", group_id, token_uid.upper(), now=now)
            if gone:
                await self._tokens.join(tx, token_uid.upper(), None)
            return gone > 0

        return await self._database.transact(work)

    async def all(self, *, manager: str | None = None) -> list[Fleet]:
        """Return all fleets, or those of a manager, by name."""
        rows = await self._database.fetch(
            "SELECT group_id, name, manager FROM emsp_fleet WHERE CAST($1 AS TEXT) IS NULL OR manager = $1"
            " ORDER BY name, group_id",
            manager,
        )
        return [Fleet(group_id=group_id, name=name, manager=managed_by) for group_id, name, managed_by in rows]

    async def members(self, group_id: str, *, manager: str | None = None) -> list[Member]:
        """Return the Tokens of a fleet, by vehicle.

        Args:
            manager: who asks; None: an operator.

        Raises:
            NotYourFleet: it is not there, or another manages it.
        """
        if group_id not in {each.group_id for each in await self.all(manager=manager)}:
            raise NotYourFleet(NotYourFleet.__doc__)
        rows = await self._database.fetch(
            "SELECT token_uid, vehicle, cost_centre FROM emsp_fleet_member WHERE group_id = $1"
            " ORDER BY vehicle, token_uid",
            group_id,
        )
        return [Member(token_uid=uid, vehicle=vehicle, cost_centre=centre) for uid, vehicle, centre in rows]

    async def _memberships(self, group_id: str) -> list[Membership]:
        """Return all Tokens that are or were in a fleet, by vehicle."""
        rows = await self._database.fetch(
            "SELECT token_uid, vehicle, cost_centre, since, NULL AS until FROM emsp_fleet_member WHERE group_id = $1"
            " UNION ALL SELECT token_uid, vehicle, cost_centre, since, until FROM emsp_fleet_past WHERE group_id = $1"
            " ORDER BY 2, 1, 3, 4",
            group_id,
        )
        return [
            Membership(
                member=Member(token_uid=uid, vehicle=vehicle, cost_centre=centre),
                since=stamped(since),
                until=None if until is None else stamped(until),
            )
            for uid, vehicle, centre, since, until in rows
        ]

    async def report(
        self, group_id: str, start: datetime.datetime, end: datetime.datetime, *, manager: str | None = None
    ) -> list[Line]:
        """Return what each Token of a fleet charged in a time, while it was in it.

        Raises:
            NotYourFleet: it is not there, or another manages it.
        """
        if group_id not in {each.group_id for each in await self.all(manager=manager)}:
            raise NotYourFleet(NotYourFleet.__doc__)
        spans = await self._memberships(group_id)
        uids = list(dict.fromkeys(each.member.token_uid for each in spans))
        found = [past(each, self._countries) for each in await self._charges.of_tokens(uids, start, end)]
        by_member = dict[Member, list[Past]]()
        for span in spans:
            by_member.setdefault(span.member, []).extend(each for each in found if span.covers(each))
        return [line for member, charges in by_member.items() for line in _lines(member, charges)]


async def leave(tx: Transaction, where: str, *args: object, now: int) -> int:
    """End the memberships of a condition, and return how many there were."""
    await tx.execute(
        "INSERT INTO emsp_fleet_past (token_uid, group_id, vehicle, cost_centre, since, until)"  # noqa: S608  our own
        f" SELECT token_uid, group_id, vehicle, cost_centre, since, {now} FROM emsp_fleet_member WHERE {where}",
        *args,
    )
    return await tx.execute(f"DELETE FROM emsp_fleet_member WHERE {where}", *args)  # noqa: S608  our own conditions


def _lines(member: Member, own: list[Past]) -> list[Line]:
    """Return a Token's lines: one per currency it was charged in."""
    lines = list[Line]()
    for currency in sorted({each.charge.currency for each in own}):
        sums = totals(each for each in own if each.charge.currency == currency)
        lines.append(
            Line(
                member=member,
                charges=sums.charges,
                kwh=sums.kwh,
                currency=currency,
                cost=sums.cost.get(currency, Decimal(0)),
                kg=sums.kg,
                unknown=sums.unknown,
            )
        )
    return lines
