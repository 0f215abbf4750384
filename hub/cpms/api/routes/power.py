"""What sites may draw, and how it is shared among their cars just now."""

from typing import Annotated

import msgspec

from hub.api.declaring import Call, route
from hub.api.problems import NotFound, invalid
from hub.api.shapes import ListQuery, Page, Shape
from hub.cpms.api.scopes import Scope
from hub.cpms.charging.sharing import Sharing
from hub.cpms.charging.sites import PHASES, SitePower
from hub.cpms.store import Store
from hub.database.contract import Transaction


class SiteDraw(Shape, frozen=True, kw_only=True):
    """One EVSE of a site, as power is shared.

    Attributes:
        session_id: the session that charges there; null: none.
        may_draw: the most it may draw by what its station was last told, in mA per phase.
        rated: the most its outlet gives, in mA per phase.
        connected: whether the station can be told something now.
    """

    evse_uid: str
    station_id: str
    session_id: str | None
    may_draw: int
    rated: int
    connected: bool


class StateOfCharge(Shape, frozen=True, kw_only=True):
    """What a site's battery was found at, in percent."""

    soc: Annotated[float, msgspec.Meta(ge=0, le=100)]


class PowerRoutes:
    """The power of sites."""

    tag = "charging"

    def __init__(self, sharing: Sharing, store: Store) -> None:
        self._sharing = sharing
        self._store = store

    @route("GET", "/sites/{location_id}/power", scope=Scope.CHARGING_READ)
    async def get_site_power(self, call: Call, location_id: str) -> SitePower:
        """Show what a site may draw; a site without a limit has none to show."""
        found = await self._sharing.powers.get(location_id)
        if found is None:
            raise NotFound("This site is not limited")
        return found

    @route("PUT", "/sites/{location_id}/power", scope=Scope.CHARGING_WRITE)
    async def put_site_power(self, call: Call, location_id: str, body: SitePower) -> SitePower:
        """Limit a site, or change its limit; its cars share it within two seconds."""
        if await self._store.locations.get(self._store.party, location_id) is None:
            raise NotFound("There is no such site")
        for uid, turned in body.rotation.items():
            if sorted(turned) != list(PHASES):
                raise invalid(f"$.rotation.{uid}", "must name each of the phases 1, 2 and 3 once")
        before = await self._sharing.powers.get(location_id)

        async def work(tx: Transaction) -> None:
            await self._sharing.powers.put(tx, location_id, body, call.now)
            await call.trail.record(tx, before=before, after=body)

        await self._store.database.transact(work)
        self._sharing.wake()
        return body

    @route("DELETE", "/sites/{location_id}/power", scope=Scope.CHARGING_WRITE)
    async def delete_site_power(self, call: Call, location_id: str) -> None:
        """Take a site's limit away."""
        before = await self.get_site_power(call, location_id)

        async def work(tx: Transaction) -> None:
            await self._sharing.powers.delete(tx, location_id)
            await call.trail.record(tx, before=before)

        await self._store.database.transact(work)
        self._sharing.wake()

    @route("PUT", "/sites/{location_id}/battery", scope=Scope.CHARGING_WRITE)
    async def put_battery_soc(self, call: Call, location_id: str, body: StateOfCharge) -> SitePower:
        """Tell what a site's battery is charged to: above its reserve it helps the grid."""
        before = await self.get_site_power(call, location_id)
        if before.battery is None:
            raise NotFound("This site has no battery")
        battery = msgspec.structs.replace(before.battery, soc=body.soc)
        return await self.put_site_power(call, location_id, msgspec.structs.replace(before, battery=battery))

    @route("GET", "/sites/{location_id}/power/shares", scope=Scope.CHARGING_READ)
    async def list_site_shares(self, call: Call, location_id: str, query: ListQuery) -> Page[SiteDraw]:
        """List what each EVSE of a limited site may draw now."""
        await self.get_site_power(call, location_id)
        drawn = await self._sharing.draws(location_id)
        items = [
            SiteDraw(
                evse_uid=each.evse.uid,
                station_id=each.evse.evse.station_id,
                session_id=each.session_id,
                may_draw=each.most,
                rated=each.evse.rated,
                connected=each.connected,
            )
            for each in drawn
        ]
        return Page(items=items[: query.limit])
