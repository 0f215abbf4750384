"""Charging profiles of drivers' charges, for the provider's staff: set, taken off, looked at, with what came of it.

Source: OCPI 2.3.0, mod_charging_profiles.asciidoc; GEM-FTR-976.
"""

from typing import Annotated

import msgspec

from hub.api.declaring import Call, route
from hub.api.problems import NotFound
from hub.api.shapes import Moment, Shape
from hub.emsp.api.routes.refusing import TROUBLE, refusing
from hub.emsp.api.scopes import Scope
from hub.emsp.charging.charges import Charge, charges
from hub.emsp.charging.room import Charging
from hub.ocpi.modules.chargingprofiles import ChargingProfile
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import moment


class Ahead(Shape, frozen=True, kw_only=True):
    """How far an ActiveChargingProfile is to reach, in seconds."""

    duration: Annotated[int, msgspec.Meta(ge=1, le=24 * 60 * 60)] = 3600


class ProfileRequestSeen(Shape, frozen=True, kw_only=True):
    """What the CPO was asked.

    Attributes:
        kind: SET, CLEAR, or GET of the active one.
        profile: what was set.
        response: the CPO's answer: ACCEPTED, NOT_SUPPORTED, REJECTED, TOO_OFTEN or UNKNOWN_SESSION; null: none.
        result: the station's: ACCEPTED, REJECTED or UNKNOWN; null: it has not come.
    """

    kind: str
    profile: JSONObject | None
    asked_at: Moment
    response: str | None
    result: str | None


class ProfileSeen(Shape, frozen=True, kw_only=True):
    """The power of a charge.

    Attributes:
        requests: the newest first.
        active: the last ActiveChargingProfile the CPO told, asked or not; ``told_at``: when.
    """

    charge_id: str
    requests: list[ProfileRequestSeen]
    active: JSONObject | None
    told_at: Moment | None


class ProfileRoutes:
    """The power of charges."""

    tag = "operating"

    def __init__(self, charging: Charging) -> None:
        self._charging = charging

    @route("GET", "/driver-charges/{charge_id}/charging-profile", scope=Scope.SESSIONS_READ)
    async def get_charging_profile(self, call: Call, charge_id: str) -> ProfileSeen:
        """Show what was asked about a charge's power, what came of it, and the profile it charges by."""
        return await self._seen(await self._charge(charge_id))

    @route(
        "PUT", "/driver-charges/{charge_id}/charging-profile", scope=Scope.SESSIONS_CONTROL, problems=TROUBLE,
        takes=ChargingProfile,
    )  # fmt: skip
    async def set_charging_profile(self, call: Call, charge_id: str, body: JSONObject) -> ProfileSeen:
        """Have a charge limited by a ChargingProfile, in place of the one before; the station's result comes later."""
        charge = await self._charge(charge_id)
        with refusing():
            await self._charging.profiling.set(charge, body)
        return await self._seen(charge)

    @route("DELETE", "/driver-charges/{charge_id}/charging-profile", scope=Scope.SESSIONS_CONTROL, problems=TROUBLE)
    async def clear_charging_profile(self, call: Call, charge_id: str) -> ProfileSeen:
        """Have a charge limited no longer by us; the station's result comes later."""
        charge = await self._charge(charge_id)
        with refusing():
            await self._charging.profiling.clear(charge)
        return await self._seen(charge)

    @route(
        "POST", "/driver-charges/{charge_id}/active-charging-profile", scope=Scope.SESSIONS_CONTROL, problems=TROUBLE
    )
    async def ask_active_charging_profile(self, call: Call, charge_id: str, body: Ahead) -> ProfileSeen:
        """Ask for the profile a charge will go by; it comes later."""
        charge = await self._charge(charge_id)
        with refusing():
            await self._charging.profiling.look(charge, body.duration)
        return await self._seen(charge)

    async def _seen(self, charge: Charge) -> ProfileSeen:
        active = await self._charging.profiling.active(charge)
        asked = [
            ProfileRequestSeen(
                kind=each.kind, profile=each.profile, asked_at=each.asked_at, response=each.response,
                result=each.result,
            )
            for each in await self._charging.profiling.requests(charge.id)
        ]  # fmt: skip
        return ProfileSeen(
            charge_id=charge.id, requests=asked, active=active.profile if active else None,
            told_at=moment(active.told_at) if active else None,
        )  # fmt: skip

    async def _charge(self, charge_id: str) -> Charge:
        found = await charges(self._charging.ground.database, "id = $1", charge_id)
        if not found:
            raise NotFound("There is no such charge")
        return found[0]
