"""Stopping: by the driver, or because a limit was reached; and how he would like to be charged.

Source: OCPI 2.3.0, mod_commands.asciidoc (StopSession), mod_sessions.asciidoc (ChargingPreferences); RASD-R8, F07;
X-22, X-45, X-54.
"""

import dataclasses
import datetime
import logging

from hub.database.contract import Transaction
from hub.emsp.charging.charges import Charge, Limits, change, charges, write
from hub.emsp.charging.following import Following, limited
from hub.emsp.charging.ground import Ground, new_id, refusal_of
from hub.emsp.charging.needs import Allowance, PaymentRefused
from hub.emsp.charging.ordering import give_up, money_caps
from hub.emsp.charging.profiling import Profiling
from hub.emsp.charging.refusals import Refused
from hub.emsp.charging.starting import ChargeDesk
from hub.emsp.store import Order
from hub.ocpi.errors import OcpiError
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import date_time, stamp

log = logging.getLogger(__name__)

_REFUSALS = {"NOT_SUPPORTED": "NOT_SUPPORTED", "UNKNOWN_SESSION": "UNKNOWN_SESSION"}


class Stopping:
    """Where charges are stopped."""

    def __init__(self, ground: Ground, desk: ChargeDesk, following: Following, profiling: Profiling) -> None:
        self._ground = ground
        self._profiling = profiling
        self._desk = desk
        self._following = following

    async def stop(self, driver_id: str, charge_id: str) -> Charge:
        """Stop a driver's charge; one that is being stopped already stays so.

        Raises:
            Refused: it goes on, or there is none.
        """
        charge = await self._desk.of_driver(driver_id, charge_id)
        if charge.state == "STOPPING":
            return charge
        if charge.state == "PAYING":
            now = self._ground.now()
            return await change(self._ground.database, charge_id, lambda tx, each: give_up(tx, each, "DRIVER", now))
        if not charge.live:
            raise Refused("UNKNOWN_SESSION")
        if charge.session_id is None:
            raise Refused("NOT_YET")
        order, due = new_id(), self._ground.now() + self._ground.terms.stop
        stopping = await change(self._ground.database, charge_id, lambda tx, each: _stopping(tx, each, order, due))
        if stopping.stop_order != order:
            return stopping
        return await self._stop_sent(stopping)

    async def _stop_sent(self, charge: Charge) -> Charge:
        try:
            order = await self._stop_command(charge)
        except OcpiError as error:
            refused = refusal_of(error)
            await self._failed(charge, refused.code)
            raise refused from error
        if order.response != "ACCEPTED":
            outcome = order.response or "REJECTED"
            after = await self._failed(charge, outcome)
            if outcome == "UNKNOWN_SESSION" and after.state == "STARTED":
                raise Refused("NOT_CONNECTED")
            raise Refused(_REFUSALS.get(outcome, "STOP_REJECTED"))
        return (await charges(self._ground.database, "id = $1", charge.id))[0]

    async def _stop_command(self, charge: Charge) -> Order:
        session = await self._ground.store.sessions.get(charge.spot.owner, charge.session_id or "")
        body = {"session_id": session["id"] if session else charge.session_id}
        return await self._ground.asking.command("STOP_SESSION", charge.spot.owner, body, uid=charge.stop_order)

    async def send_stops(self) -> None:
        """Stop what has reached a limit: each order goes out once, and again only if the CPO was not reached."""
        now = self._ground.now()
        for charge in await charges(self._ground.database, "stop_due <= $1", stamp(now), most=100):
            if await self._claimed(charge, now):
                await self._stop_due(charge)

    async def _claimed(self, charge: Charge, now: datetime.datetime) -> bool:
        due = stamp(now + self._ground.terms.stop)
        return await self._ground.database.transact(
            lambda tx: tx.execute(
                # One sent again because its CPO could not be reached is due no later for that.
                "UPDATE emsp_driver_charge SET stop_due = NULL,"
                " due_at = CASE WHEN due_at < $1 THEN due_at ELSE $1 END WHERE id = $2 AND stop_due IS NOT NULL",
                due, charge.id,
            )
        ) > 0  # fmt: skip

    async def _stop_due(self, charge: Charge) -> None:
        try:
            order = await self._stop_command(charge)
        except OcpiError as error:
            log.info("charge %s could not be stopped: %s", charge.id, error)
            if error.transient:
                await change(self._ground.database, charge.id, self._stop_again)
                return
            await self._failed(charge, "CPO_ERROR")
            return
        if order.response != "ACCEPTED":
            outcome = order.response or "REJECTED"
            await self._failed(charge, outcome)

    async def _failed(self, charge: Charge, outcome: str) -> Charge:
        failed = self._following.stop_failed
        return await change(self._ground.database, charge.id, lambda tx, each: failed(tx, each, outcome))

    async def _stop_again(self, tx: Transaction, charge: Charge) -> None:
        if charge.state == "STOPPING":
            due = self._ground.now() + self._ground.terms.again
            # Another order of another uid: whether the first one arrived is not known.
            await write(tx, dataclasses.replace(charge, stop_due=due, stop_order=new_id()))

    async def limit(self, driver_id: str, charge_id: str, limits: Limits, *, power: int | None = None) -> Charge:
        """Have a charge end at other limits; what is set aside for it stays one.

        Args:
            power: in W, that it draws at most; whether the station takes that is told later. None: it is not limited.

        Raises:
            Refused: nothing was changed: there is no such charge, its money is of another currency, its CPO limits
                no power.
        """
        charge = await self._desk.of_driver(driver_id, charge_id)
        if not charge.live:
            raise Refused("UNKNOWN_SESSION")
        if charge.state == "PAYING":
            raise Refused("NOT_YET")
        allowance = await self._allowance(charge)
        paid_in = allowance.currency or charge.currency
        if limits.currency is not None and paid_in is not None and limits.currency != paid_in:
            raise Refused("WRONG_CURRENCY", "$.currency", currency=paid_in)
        caps = money_caps(limits, allowance)
        await self._profiling.limit(charge, power)
        changes = {"energy_limit": limits.energy, "time_limit": limits.until, "cost_limit": None} | caps

        async def step(tx: Transaction, each: Charge) -> None:
            if each.live:
                await write(tx, limited(dataclasses.replace(each, **changes), self._ground.now()))

        return await change(self._ground.database, charge_id, step)

    async def _allowance(self, charge: Charge) -> Allowance:
        """Return what is set aside for a charge; nothing is for one that began at the charger."""
        if not charge.held:
            return Allowance()
        try:
            return await self._ground.money.hold(charge.driver_id, charge.id, charge.spot)
        except PaymentRefused as error:
            raise Refused("PAYMENT_REFUSED", reason=str(error)) from error

    async def prefer(self, driver_id: str, charge_id: str, preferences: JSONObject) -> str:
        """Tell the CPO how a driver would like to be charged; return what it answers.

        Args:
            preferences: OCPI ChargingPreferences.

        Raises:
            Refused: there is no such charge, or the CPO cannot be asked.
        """
        charge = await self._desk.of_driver(driver_id, charge_id)
        if not charge.live or charge.session_id is None:
            raise Refused("NOT_YET" if charge.live else "UNKNOWN_SESSION")
        session = await self._ground.store.sessions.get(charge.spot.owner, charge.session_id)
        number = session["id"] if session else charge.session_id
        if charge.ends_by is not None and not preferences.get("departure_time"):
            preferences = preferences | {"departure_time": date_time(charge.ends_by)}
        try:
            return await self._ground.asking.set_preferences(charge.spot.owner, number, preferences)
        except OcpiError as error:
            raise refusal_of(error) from error


async def _stopping(tx: Transaction, charge: Charge, order: str, due: datetime.datetime) -> None:
    if charge.state in ("STARTED", "CHARGING"):
        await write(tx, charge.moved("STOPPING", stop_order=order, stop_due=None, stop_reason="DRIVER", due_at=due))
