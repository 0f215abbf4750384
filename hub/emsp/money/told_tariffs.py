"""Every version of the Tariffs that CPOs told, so that a CDR is compared with what was in force when its charge began.

The shelf keeps the newest version only: by it a right CDR of a charge before a change would be contested, and a CPO
that raises its price afterwards believed. A Tariff taken off the shelf stays here: what was told was told.

Source: OCPI 2.3.0, mod_tariffs.asciidoc; X-56.
"""

import datetime
from collections.abc import Iterable

from hub.database.contract import Transaction
from hub.emsp.money.moments import micros
from hub.emsp.money.needs import Clock
from hub.emsp.store import Store
from hub.ocpi import codec
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import moment

#: How long a version is kept after another has followed it; CDRs that come still later are not compared with it.
KEPT = datetime.timedelta(days=180)


class ToldTariffs:
    """The versions, written with the shelf they are told to."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._database = store.database
        self._clock = clock
        store.tariffs.follow(self._told)

    async def _told(self, tx: Transaction, owner: Party, tariff: JSONObject) -> None:
        """Keep a version, from the moment it came; the first one from when its CPO says it is of."""
        key, document, now = (str(owner), tariff["id"].upper()), codec.encode(tariff), self._clock.now()
        rows = await tx.fetch(
            "SELECT document FROM emsp_tariff_version WHERE owner = $1 AND tariff_id = $2 ORDER BY since DESC LIMIT 1",
            *key,
        )
        if rows and rows[0][0] == document:
            return
        since = now if rows else min(now, moment(tariff["last_updated"]))
        await tx.execute(
            "INSERT INTO emsp_tariff_version (owner, tariff_id, since, document) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (owner, tariff_id, since) DO UPDATE SET document = excluded.document",
            *key, micros(since), document,
        )  # fmt: skip
        await tx.execute(
            "DELETE FROM emsp_tariff_version WHERE owner = $1 AND tariff_id = $2 AND since < (SELECT max(since)"
            " FROM emsp_tariff_version WHERE owner = $1 AND tariff_id = $2 AND since < $3)",
            *key, micros(now - KEPT),
        )  # fmt: skip

    async def at(self, owner: Party, tariff_ids: Iterable[str], at: datetime.datetime) -> dict[str, JSONObject]:
        """Return the Tariffs of some ids (in capitals) as they were in force; without those nobody had told then."""
        found = {each: await self._at(owner, each, at) for each in tariff_ids}
        return {each: tariff for each, tariff in found.items() if tariff is not None}

    async def _at(self, owner: Party, tariff_id: str, at: datetime.datetime) -> JSONObject | None:
        rows = await self._database.fetch(
            "SELECT document FROM emsp_tariff_version WHERE owner = $1 AND tariff_id = $2 AND since <= $3"
            " ORDER BY since DESC",
            str(owner), tariff_id, micros(at),
        )  # fmt: skip
        return next((each for each in (codec.decode(row[0]) for row in rows) if _has_begun(each, at)), None)


def _has_begun(tariff: JSONObject, at: datetime.datetime) -> bool:
    start = tariff.get("start_date_time")
    return start is None or moment(start) <= at
