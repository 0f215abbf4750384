"""What is sealed when a session starts, of what is on the shelves then; and the driver's choice of a Tariff since.

Source: OCPI 2.3.0, mod_cdrs.asciidoc (CDR: as they were at the start), mod_sessions.asciidoc (ChargingPreferences).
"""

import datetime
from decimal import Decimal

from hub.cpms import sessions
from hub.cpms.ports import Authorization, Outlet, SessionUpdated
from hub.cpms.store import Store
from hub.cpms.tariffs.places import assigned, counting
from hub.database.contract import Transaction
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.receiving import child


class Seals:
    """The seals of one operator's sessions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def tariffs(self, location: JSONObject, outlet: Outlet) -> list[JSONObject]:
        """Return the Tariffs a Connector names, in its order."""
        evse = child(location, "evses", outlet.evse_uid)
        connector = child(evse, "connectors", outlet.connector_id) or {}
        found = [await self._store.tariffs.get(self._store.party, each) for each in connector.get("tariff_ids") or []]
        return [each for each in found if each is not None]

    async def priced(
        self, location: JSONObject, outlet: Outlet, provider: Party, at: datetime.datetime
    ) -> tuple[list[JSONObject], list[JSONObject]]:
        """Return the Tariffs that count for everyone at a moment, and those made for one eMSP.

        A special offer counts from its first moment to its last, whether or not the Connector says so yet.
        """
        known = await assigned(self._store.database, self._store.party, location["id"])
        now = counting(known, outlet.evse_uid, outlet.connector_id, at=at)
        made_here = {each.tariff["id"] for each in known}
        by_hand = [each for each in await self.tariffs(location, outlet) if each["id"] not in made_here]
        own = counting(known, outlet.evse_uid, outlet.connector_id, at=at, provider=str(provider))
        return [*by_hand, *now], own

    async def made(
        self, location: JSONObject, outlet: Outlet, authorization: Authorization, at: datetime.datetime
    ) -> JSONObject:
        """Return the seal of a session or reservation that begins."""
        token = authorization.token
        provider = Party.of(token["country_code"], token["party_id"])
        tariffs, own = await self.priced(location, outlet, provider, at)
        return sessions.sealed(location, outlet, tariffs, at=at, own=own, ad_hoc=token["type"] == "AD_HOC_USER")

    async def cost(self, session_id: str, update: SessionUpdated | None) -> Decimal | None:
        """Return what a session costs, taxes included; None: nothing is known of its price.

        Args:
            update: its meter now; older than what was told, it changes nothing.
        """
        known = await self._store.sessions.get(self._store.party, session_id)
        seal = await self._store.sealed.get(self._store.party, session_id)
        if known is None or known["status"] == "INVALID":
            return None
        if known["status"] == "ACTIVE" and seal is not None and update is not None and update.kwh >= known["kwh"]:
            known, _ = sessions.advanced(known, update, seal)
        return sessions.cost_of(known)

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
