"""Limits of a charge's power over time: set, taken off, looked at; what the station makes of them comes later.

A Session has one ChargingProfile of ours, so the last one set counts, a driver's or the staff's. What a driver is shown
as his limit is what the station has taken.

Source: OCPI 2.3.0, mod_charging_profiles.asciidoc; GEM-FTR-976, 557, 558.
"""

import dataclasses
import datetime
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from hub.database.contract import Transaction
from hub.emsp.charging.charges import Charge, charges, write
from hub.emsp.charging.ground import Ground, new_id, refusal_of
from hub.emsp.charging.notices import notify
from hub.emsp.charging.refusals import Refused
from hub.emsp.store import Order
from hub.ocpi import codec
from hub.ocpi.errors import NoMatchingEndpoints, OcpiError
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import date_time, stamp, stamped

Kind = Literal["SET", "GET", "CLEAR"]

#: By the CPO's immediate answer: why nothing was changed; any other is UNKNOWN_SESSION's or a plain refusal.
_REFUSALS = {"NOT_SUPPORTED": "NO_PROFILES", "TOO_OFTEN": "PROFILES_TOO_OFTEN", "UNKNOWN_SESSION": "UNKNOWN_SESSION"}
_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class ProfileRequest:
    """What a CPO was asked about the power of a charge.

    Attributes:
        profile: OCPI ChargingProfile, where one was set.
        power: in W, where it is a driver's limit.
        response: the CPO's immediate answer; None: there was none.
        result: the station's; None: it has not come.
    """

    kind: Kind
    profile: JSONObject | None
    power: int | None
    asked_at: datetime.datetime
    response: str | None
    result: str | None

    @property
    def stands(self) -> bool:
        """Whether it was taken, as far as is known."""
        return self.response == "ACCEPTED" and self.result in (None, "ACCEPTED")


@dataclass(frozen=True, kw_only=True)
class Active:
    """The last ActiveChargingProfile of a charge, and when the CPO told it."""

    profile: JSONObject
    told_at: str


class Profiling:
    """Where the power of charges is limited."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    async def set(self, charge: Charge, profile: JSONObject, *, power: int | None = None) -> None:
        """Have a charge limited by a ChargingProfile, in place of the one before.

        Args:
            power: in W, where the profile is its driver's limit.

        Raises:
            Refused: nothing was changed, and why.
        """
        number, uid = await self._session_id(charge), new_id()
        await self._noted(charge, "SET", uid, profile=profile, power=power)
        await _accepted(lambda: self._ground.asking.set_profile(charge.spot.owner, number, profile, uid=uid))

    async def clear(self, charge: Charge) -> None:
        """Have a charge limited no longer by us.

        Raises:
            Refused: nothing was changed, and why.
        """
        number, uid = await self._session_id(charge), new_id()
        await self._noted(charge, "CLEAR", uid)
        await _accepted(lambda: self._ground.asking.clear_profile(charge.spot.owner, number, uid=uid))

    async def look(self, charge: Charge, seconds: int) -> None:
        """Ask for the ActiveChargingProfile of the next seconds; it comes later.

        Raises:
            Refused: it will not come, and why.
        """
        number, uid = await self._session_id(charge), new_id()
        await self._noted(charge, "GET", uid)
        await _accepted(lambda: self._ground.asking.get_profile(charge.spot.owner, number, seconds, uid=uid))

    async def limit(self, charge: Charge, power: int | None) -> None:
        """Have a charge draw at most a power, in W, as its driver wants; None: as much as it can.

        What stands already is not asked for again; a profile of the staff's is not the driver's to take off.

        Raises:
            Refused: nothing was changed, and why.
        """
        stands = next((each for each in await self.requests(charge.id) if each.kind != "GET" and each.stands), None)
        if power == (stands.power if stands else None):
            return
        periods = [{"start_period": 0, "limit": power}]
        try:
            if power is None:
                await self.clear(charge)
            else:
                profile = {"charging_rate_unit": "W", "charging_profile_period": periods}
                await self.set(charge, profile, power=power)
        except Refused as refused:
            raise Refused(refused.code, "$.power_kw") from refused

    # -- looking -----------------------------------------------------------------------------------

    async def requests(self, charge_id: str) -> list[ProfileRequest]:
        """Return what was asked about a charge, the newest first."""
        rows = await self._ground.database.fetch(
            "SELECT p.kind, p.profile, p.power, p.asked_at, o.response, o.result FROM emsp_charge_profile p"
            " LEFT JOIN emsp_order o ON o.uid = p.uid WHERE p.charge_id = $1 ORDER BY p.id DESC LIMIT $2",
            charge_id, _SHOWN,
        )  # fmt: skip
        return [
            ProfileRequest(
                kind=kind, profile=codec.decode(profile) if profile else None, power=power, asked_at=stamped(asked_at),
                response=response, result=result,
            )
            for kind, profile, power, asked_at, response, result in rows
        ]  # fmt: skip

    async def active(self, charge: Charge) -> Active | None:
        """Return the last ActiveChargingProfile the CPO told of a charge, asked or not."""
        known = await self._ground.store.profiles.get(charge.spot.owner, charge.session_id or "")
        return Active(profile=known["profile"], told_at=known["last_updated"]) if known else None

    # -- results -----------------------------------------------------------------------------------

    async def resulted(self, tx: Transaction, order: Order) -> None:
        """Take the result of a request of ours; called with each result that comes."""
        if order.command not in ("SET", "GET", "CLEAR"):
            return
        rows = await tx.fetch("SELECT id, charge_id, power FROM emsp_charge_profile WHERE uid = $1", order.uid)
        locked = self._ground.database.dialect == "postgres"
        for number, charge_id, power in rows:
            for charge in await charges(tx, "id = $1", charge_id, locked=locked):
                if order.command == "GET":
                    await self._looked(tx, charge, order)
                else:
                    await self._limited(tx, charge, order, number=number, power=power)

    async def _looked(self, tx: Transaction, charge: Charge, order: Order) -> None:
        profile = (order.document or {}).get("profile")
        if profile is not None:
            kept = {"profile": profile, "last_updated": date_time(self._ground.now())}
            await self._ground.store.profiles.put(tx, charge.spot.owner, charge.session_id or "", kept)

    async def _limited(self, tx: Transaction, charge: Charge, order: Order, *, number: int, power: int | None) -> None:
        later = "SELECT 1 FROM emsp_charge_profile WHERE charge_id = $1 AND id > $2 AND kind <> 'GET'"
        if not charge.live or await tx.fetch(later, charge.id, number):
            return
        taken = order.result == "ACCEPTED"
        if taken:
            await write(tx, dataclasses.replace(charge, power_limit=power))
        # Of what the staff sets and takes off a driver is not told.
        if power is not None:
            await notify(
                tx, "POWER_LIMITED" if taken else "POWER_NOT_LIMITED", about=f"{charge.id}/{order.uid}",
                driver_id=charge.driver_id, at=self._ground.now(), phone=charge.phone,
                data={"charge_id": charge.id, "place": str(charge.spot)}, kw=f"{power / 1000:g}",
            )  # fmt: skip

    # -- asking ------------------------------------------------------------------------------------

    async def _session_id(self, charge: Charge) -> str:
        """Return the CPO's id of a Session that draws power; only such a one can be limited."""
        if charge.state == "STOPPING":
            raise Refused("STOPPING_ALREADY")
        if charge.state != "CHARGING" or charge.session_id is None:
            raise Refused("NOT_YET" if charge.live else "UNKNOWN_SESSION")
        session = await self._ground.store.sessions.get(charge.spot.owner, charge.session_id)
        number: str = session["id"] if session else charge.session_id
        return number

    async def _noted(
        self, charge: Charge, kind: Kind, uid: str, *, profile: JSONObject | None = None, power: int | None = None
    ) -> None:
        """Write down what is about to be asked: its result may come before its answer."""
        kept = None if profile is None else codec.encode(profile)
        await self._ground.database.transact(
            lambda tx: tx.execute(
                "INSERT INTO emsp_charge_profile (uid, charge_id, kind, profile, power, asked_at)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                uid, charge.id, kind, kept, power, stamp(self._ground.now()),
            )
        )  # fmt: skip


async def _accepted(asked: Callable[[], Awaitable[Order]]) -> None:
    try:
        order = await asked()
    except NoMatchingEndpoints as error:  # the CPO has not this module
        raise Refused("NO_PROFILES") from error
    except OcpiError as error:
        raise refusal_of(error) from error
    if order.response != "ACCEPTED":
        raise Refused(_REFUSALS.get(order.response or "", "PROFILE_REFUSED"))
