"""What is sealed when a session starts, of what is on the shelves then; and the driver's choice of a Tariff since.

Source: OCPI 2.3.0, mod_cdrs.asciidoc (CDR: as they were at the start), mod_sessions.asciidoc (ChargingPreferences).
"""

import datetime

from hub.cpms import sessions
from hub.cpms.ports import Authorization, Outlet
from hub.cpms.store import Store
from hub.database.contract import Transaction
from hub.ocpi.objects import JSONObject
from hub.ocpi.receiving import child


class Seals:
    """The seals of one operator's sessions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def tariffs(self, location: JSONObject, outlet: Outlet) -> list[JSONObject]:
        """Return the Tariffs of a Connector, in its order."""
        evse = child(location, "evses", outlet.evse_uid)
        connector = child(evse, "connectors", outlet.connector_id) or {}
        found = [await self._store.tariffs.get(self._store.party, each) for each in connector.get("tariff_ids") or []]
        return [each for each in found if each is not None]

    async def made(
        self, location: JSONObject, outlet: Outlet, authorization: Authorization, at: datetime.datetime
    ) -> JSONObject:
        """Return the seal of a session or reservation that begins."""
        tariffs = await self.tariffs(location, outlet)
        return sessions.sealed(location, outlet, tariffs, at=at, ad_hoc=authorization.token["type"] == "AD_HOC_USER")

    async def prefer(self, session_id: str, profile_type: str, at: datetime.datetime) -> None:
        """Have a driver's profile_type count for a running session: the Tariff of that type, if there is one."""
        store, party = self._store, self._store.party

        async def work(tx: Transaction) -> None:
            known = await store.sessions.get_in(tx, party, session_id)
            seal = await store.sealed.get_in(tx, party, session_id)
            if known is None or seal is None or known["status"] != "ACTIVE":
                return
            changed, after = sessions.preferred(known, seal, profile_type, at)
            if after is not seal:
                await store.sealed.put(tx, party, session_id, after)
                await store.put_session(tx, changed, after)

        await store.database.transact(work)
