"""Tariffs made by hand: every change is a version, which is kept; eMSPs get the newest.

What a Tariff says is judged as the OCPI object it becomes, and by whether it can be priced. Whose it is
and when it changed is filled in.

Source: OCPI 2.3.0, mod_tariffs.asciidoc (Push model; DELETE); REQUIREMENTS DD-R8, DD-R7; decision 0021.
"""

import datetime
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from hub.cpms.moments import at as moment_of
from hub.cpms.moments import microseconds
from hub.cpms.store import Store
from hub.cpms.tariffs.places import Target, TariffPlaces
from hub.database.contract import Transaction
from hub.database.works import Also, followed
from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.judging import Judge
from hub.ocpi.messages import Party
from hub.ocpi.modules import tariffs
from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing import Unpriceable, prepare, read_tariff
from hub.ocpi.receiving import NoSuchObject
from hub.ocpi.shelves import EVERYONE, NO
from hub.ocpi.times import date_time, utc_now

_judge = Judge()


@dataclass(frozen=True, kw_only=True)
class Version:
    """A Tariff as it was for some time.

    Attributes:
        applies_until: None: still.
        made_by, note: who made it, and why.
    """

    version: int
    tariff: JSONObject
    applies_from: datetime.datetime
    applies_until: datetime.datetime | None
    made_by: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Made:
    """A Tariff and for whom it is.

    Attributes:
        provider: the one eMSP it is for; None: for everyone.
        offer_id: the special offer it was made for.
    """

    tariff: JSONObject
    provider: Party | None = None
    offer_id: str | None = None


class Tariffs:
    """The Tariffs of one operator."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime.datetime] = utc_now) -> None:
        self.store = store
        self.places = TariffPlaces(store)
        self.clock = clock

    # -- reading -----------------------------------------------------------------------------------

    async def get(self, tariff_id: str) -> Made:
        """Return a Tariff as it is now.

        Raises:
            NoSuchObject: there is none.
        """
        found = await self.store.tariffs.get(self.store.party, tariff_id)
        if found is None:
            raise NoSuchObject(f"There is no Tariff {tariff_id}")
        rows = await self.store.database.fetch(
            "SELECT provider, offer_id FROM cpms_tariff WHERE tariff_id = $1", tariff_id.upper()
        )
        provider, offer_id = rows[0] if rows else (None, None)
        return Made(tariff=found, provider=Party.parse(provider) if provider else None, offer_id=offer_id)

    async def versions(self, tariff_id: str) -> list[Version]:
        """Return every version of a Tariff, the first one first; also of one that was removed."""
        rows = await self.store.database.fetch(
            "SELECT version, document, applies_from, made_by, note FROM cpms_tariff_version"
            " WHERE tariff_id = $1 ORDER BY version",
            tariff_id.upper(),
        )
        gone = await self.store.database.fetch(
            "SELECT removed_at FROM cpms_tariff WHERE tariff_id = $1", tariff_id.upper()
        )
        ends = [*(row[2] for row in rows[1:]), gone[0][0] if gone else None]
        return [
            Version(
                version=number,
                tariff=codec.decode(document),
                applies_from=moment_of(begin),
                applies_until=None if end is None else moment_of(end),
                made_by=made_by,
                note=note,
            )
            for (number, document, begin, made_by, note), end in zip(rows, ends, strict=False)
        ]

    async def version_at(self, tariff_id: str, at: datetime.datetime) -> Version | None:
        """Return the version that applied at a moment."""
        for each in await self.versions(tariff_id):
            if each.applies_from <= at and (each.applies_until is None or at < each.applies_until):
                return each
        return None

    # -- making ------------------------------------------------------------------------------------

    async def create(
        self,
        value: JSONObject,
        *,
        provider: Party | None = None,
        made_by: str = "",
        note: str = "",
        also: Also[JSONObject] | None = None,
    ) -> JSONObject:
        """Make a Tariff, and have it told: to everyone, or to the one eMSP it is for.

        Args:
            also: written with it, in its transaction, as with every other change.

        Raises:
            InvalidParameters: it is there already, or no Tariff comes of it.
        """

        async def work(tx: Transaction) -> JSONObject:
            made = self.judged({"id": str(uuid.uuid4()), **value})
            if await self.store.tariffs.get_in(tx, self.store.party, made["id"]) is not None:
                raise InvalidParameters(f"$.id: there is a Tariff {made['id']} already")
            await self.write(tx, Made(tariff=made, provider=provider), made_by=made_by, note=note)
            return made

        return await self.store.database.transact(followed(work, also))

    async def change(
        self,
        tariff_id: str,
        value: JSONObject,
        *,
        made_by: str = "",
        note: str = "",
        also: Also[JSONObject] | None = None,
    ) -> JSONObject:
        """Have a Tariff be something else from now on; sessions that run keep what they began with.

        Raises:
            NoSuchObject: there is none.
            InvalidParameters: no Tariff comes of it, or it belongs to a special offer.
        """
        before = await self.get(tariff_id)
        if before.offer_id is not None:
            raise InvalidParameters("$: it belongs to a special offer; change the offer or the Tariff it came from")
        made = self.judged({**value, "id": before.tariff["id"]}, since=before.tariff["last_updated"])

        async def work(tx: Transaction) -> JSONObject:
            await self._keep_first(tx, before.tariff)
            await self.write(tx, Made(tariff=made, provider=before.provider), made_by=made_by, note=note)
            locations = await self.places.locations_in(tx, "tariff_id = $1", made["id"].upper())
            await self.places.publish_in(tx, locations, at=self.clock())  # another type may count elsewhere
            return made

        return await self.store.database.transact(followed(work, also))

    async def remove(self, tariff_id: str, *, also: Also[None] | None = None) -> None:
        """Have a Tariff apply nowhere any more and be gone; its versions stay.

        Raises:
            NoSuchObject: there is none.
        """
        before = await self.get(tariff_id)
        await self.store.database.transact(followed(lambda tx: self.remove_in(tx, before), also))

    async def remove_in(self, tx: Transaction, made: Made) -> None:
        """Do so within a transaction: first no Connector names it, then it is deleted (mod_tariffs, DELETE)."""
        tariff_id, now = made.tariff["id"], self.clock()
        await self._keep_first(tx, made.tariff)
        await self.places.assign_in(tx, tariff_id, (), at=now)
        await tx.execute(
            "UPDATE cpms_tariff SET removed_at = $1 WHERE tariff_id = $2", microseconds(now), tariff_id.upper()
        )
        await self.store.tariffs.delete(tx, self.store.party, tariff_id)
        gone = {"id": tariff_id, "last_updated": date_time(now)}
        receiver = EVERYONE if made.provider is None else str(made.provider)
        await self.store.removed_tariffs.put(tx, self.store.party, tariff_id, gone, receiver=receiver, received=NO)

    async def assign(self, tariff_id: str, targets: list[Target], *, also: Also[None] | None = None) -> None:
        """Have a Tariff apply at these places and nowhere else.

        Raises:
            NoSuchObject: there is no such Tariff.
            InvalidParameters: a place is not there.
        """
        made = await self.get(tariff_id)

        async def work(tx: Transaction) -> None:
            await self._keep_first(tx, made.tariff)
            await self.places.assign_in(tx, tariff_id, targets, at=self.clock())

        await self.store.database.transact(followed(work, also))

    def judged(self, value: JSONObject, since: str = "") -> JSONObject:
        """Return the Tariff that comes of what an operator says.

        Raises:
            InvalidParameters: none does; the message names the path and the rule.
        """
        party = self.store.party
        made = {
            **value,
            "country_code": party.country_code,
            "party_id": party.party_id,
            "last_updated": max(date_time(self.clock()), since),
        }
        _judge.judge(codec.encode(made), tariffs.Tariff)
        try:
            prepare(read_tariff(codec.decode(codec.encode(made))))
        except (Unpriceable, ValueError) as error:
            raise InvalidParameters(str(error)) from error
        return made

    async def write(self, tx: Transaction, made: Made, *, made_by: str, note: str, base: str | None = None) -> None:
        """Write a Tariff and the version it is, owed to whom it is for."""
        key = made.tariff["id"].upper()
        receiver = EVERYONE if made.provider is None else str(made.provider)
        await tx.execute(
            """INSERT INTO cpms_tariff (tariff_id, provider, offer_id, base, removed_at) VALUES ($1, $2, $3, $4, NULL)
            ON CONFLICT (tariff_id) DO UPDATE SET provider = excluded.provider, offer_id = excluded.offer_id,
                base = excluded.base, removed_at = NULL""",
            key,
            str(made.provider) if made.provider else None,
            made.offer_id,
            base,
        )
        await self._add_version(tx, made.tariff, made_by=made_by, note=note, at=microseconds(self.clock()))
        await self.store.removed_tariffs.delete(tx, self.store.party, key)
        await self.store.tariffs.put(
            tx, self.store.party, made.tariff["id"], made.tariff, receiver=receiver, received=NO
        )

    async def _keep_first(self, tx: Transaction, tariff: JSONObject) -> None:
        """Take a Tariff that came by import among those made here, as its first version."""
        key = tariff["id"].upper()
        if await tx.fetch("SELECT 1 FROM cpms_tariff WHERE tariff_id = $1", key):
            return
        await tx.execute("INSERT INTO cpms_tariff (tariff_id) VALUES ($1)", key)
        await self._add_version(tx, tariff, made_by="", note="imported", at=0)

    async def _add_version(self, tx: Transaction, tariff: JSONObject, *, made_by: str, note: str, at: int) -> None:
        key = tariff["id"].upper()
        rows = await tx.fetch("SELECT max(version) FROM cpms_tariff_version WHERE tariff_id = $1", key)
        # Two who change it at once make the same number, and the unique key refuses one of them.
        await tx.execute(
            "INSERT INTO cpms_tariff_version (tariff_id, version, document, applies_from, made_by, note)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            key,
            (rows[0][0] or 0) + 1,
            codec.encode(tariff),
            at,
            made_by,
            note,
        )
