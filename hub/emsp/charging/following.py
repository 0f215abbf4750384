"""What commands, Sessions and CDRs make of a charge, in the transaction that brings them.

A Session is related to its charge by its id, else by authorization_reference, else by Token and place. One that
fits none began at the charger, with a card: it becomes a charge of the driver whose Token it is.

Source: OCPI 2.3.0, mod_commands.asciidoc (CommandResult), mod_sessions.asciidoc, mod_cdrs.asciidoc; RASD-R9, R10,
F07; SGEM-4.1-06, 07, 12; X-13, X-21, X-51, X-53.
"""

import dataclasses
import datetime
from decimal import Decimal
from typing import Any

from hub.database.contract import Transaction
from hub.emsp.charging.bookings import STARTABLE, bookings, free
from hub.emsp.charging.bookings import write as write_booking
from hub.emsp.charging.cases import came, open_case
from hub.emsp.charging.charges import AWAITING, Charge, State, charges, minor, write
from hub.emsp.charging.ground import Ground, new_id
from hub.emsp.charging.needs import Bill, Spot
from hub.emsp.charging.notices import ENDED, notify, sentence, why
from hub.emsp.store import Order, token_key
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import moment

_STATES: dict[str, State] = {
    "PENDING": "STARTED", "RESERVATION": "STARTED", "ACTIVE": "CHARGING", "COMPLETED": "ENDED", "INVALID": "ENDED",
}  # fmt: skip
GROWS = datetime.timedelta(minutes=1)  # after which time alone has added to a cost
_FULL = 99  # percent: no car says 100 until long after it has stopped to draw
_NEAR = datetime.timedelta(minutes=1)


class Following:
    """Keeps charges in step with what is told."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._locked = ground.database.dialect == "postgres"

    # -- commands ----------------------------------------------------------------------------------

    async def resulted(self, tx: Transaction, order: Order) -> None:
        """Take the result of a START_SESSION or STOP_SESSION; called with each result that comes."""
        if order.command == "START_SESSION":
            for charge in await charges(tx, "id = $1", order.uid, locked=self._locked):
                await self._start_resulted(tx, charge, order.result or "")
        elif order.command == "STOP_SESSION":
            for charge in await charges(tx, "stop_order = $1", order.uid, locked=self._locked):
                if order.result != "ACCEPTED":
                    await self.stop_failed(tx, charge, order.result or "")

    async def _start_resulted(self, tx: Transaction, charge: Charge, result: str) -> None:
        now = self._ground.now()
        await came(tx, charge.id, ("RESULT_MISSING",), now)
        if charge.state not in AWAITING:
            return
        if result != "ACCEPTED":
            if charge.state != "FAILED":
                await self.failed(tx, charge, result)
            elif charge.outcome == "NO_SESSION":  # Its Session was quicker to say so; the result knows better why.
                await write(tx, dataclasses.replace(charge, outcome=result))
            return
        if charge.state == "STARTED" or (charge.state == "FAILED" and charge.outcome != "NO_RESULT"):
            return
        await write(tx, charge.moved("STARTED", outcome=result, due_at=now + self._ground.terms.session))
        await self._tell(tx, charge, "START_ACCEPTED")

    async def failed(self, tx: Transaction, charge: Charge, outcome: str) -> None:
        """Write down that a charge did not begin; a booking it was for is kept (X-13)."""
        await write(tx, charge.moved("FAILED", outcome=outcome, due_at=None, ended_at=self._ground.now()))
        await self._tell(tx, charge, "CHARGE_FAILED", outcome=outcome, why=why(outcome))

    async def stop_failed(self, tx: Transaction, charge: Charge, outcome: str) -> None:
        """Write down that a charge goes on although it was to stop."""
        if charge.state != "STOPPING":
            return
        # What a limit has ordered is not ordered again with every update; the driver may, and the operator hears.
        order = None if charge.stop_reason == "DRIVER" else charge.stop_order
        if order is not None:
            detail = {"outcome": outcome, "reason": charge.stop_reason}
            await open_case(tx, "STOP_MISSING", charge.id, charge.spot.owner, detail, self._ground.now())
        state: State = "STARTED" if await self._awaits_car(tx, charge) else "CHARGING"
        kept: dict[str, Any] = {"outcome": outcome}
        if state == "STARTED" and outcome == "UNKNOWN_SESSION":
            outcome, kept = "NOT_CONNECTED", {}
        due = self._ground.now() + self._ground.terms.unheard
        await write(tx, charge.moved(state, stop_order=order, stop_reason=None, due_at=due, **kept))
        await self._tell(
            tx, charge, "STOP_FAILED", again=charge.stop_order or "", outcome=outcome, why=why(outcome)
        )  # fmt: skip

    async def unheard(self, tx: Transaction, charge: Charge) -> None:
        """Give up a charge nothing is heard of any more; a CDR that comes after all is charged all the same."""
        after = charge.moved("ENDED", outcome="NO_NEWS", due_at=None, stop_due=None, power=0)
        await write(tx, dataclasses.replace(after, ended_at=charge.ended_at or charge.news_at))
        if charge.held or charge.live:
            await self._tell(tx, charge, "CHARGE_UNHEARD")

    async def _awaits_car(self, tx: Transaction, charge: Charge) -> bool:
        session = await self._ground.store.sessions.look_in(tx, charge.spot.owner, charge.session_id or "")
        return session is not None and _STATES.get(session["status"]) == "STARTED"

    # -- Sessions ----------------------------------------------------------------------------------

    async def session_told(self, tx: Transaction, owner: Party, session: JSONObject) -> None:
        """Take a Session as its CPO has it; called with each that is put on the shelf."""
        charge = await self._charge_of(tx, owner, session["id"], session["cdr_token"], session)
        if charge is None:
            charge = await self._at_the_charger(tx, owner, session)
        if charge is None or charge.state == "BILLED":
            return
        await self._advance(tx, charge, owner, session)

    async def _charge_of(
        self, tx: Transaction, owner: Party, session_id: str, token: JSONObject, value: JSONObject
    ) -> Charge | None:
        """Return the charge a Session or CDR is of."""
        found = await charges(
            tx, "owner = $1 AND session_id = $2", str(owner), session_id.upper(), locked=self._locked
        )  # fmt: skip
        reference = value.get("authorization_reference")
        if not found and reference:
            found = await charges(
                tx, "owner = $1 AND reference = $2 AND session_id IS NULL", str(owner), reference, locked=self._locked
            )  # fmt: skip
        if not found and not reference:
            found = [
                each
                for each in await self._awaiting(tx, owner, value)
                if (each.token["uid"].upper(), each.token["type"]) == (token["uid"].upper(), token["type"])
            ]
        # The charges of one booking share its reference: an attempt that failed gives way to the one that lives.
        return min(found, key=lambda each: not each.live, default=None)

    async def _awaiting(self, tx: Transaction, owner: Party, value: JSONObject) -> list[Charge]:
        """Return the charges at a Session's place that have no Session yet and are not given up."""
        place = value if "location_id" in value else value["cdr_location"]
        location_id, evse_uid = place.get("location_id") or place["id"], place["evse_uid"]
        found = await charges(
            tx, "owner = $1 AND location_id = $2 AND evse_uid = $3 AND session_id IS NULL",
            str(owner), location_id.upper(), evse_uid.upper(), locked=self._locked,
        )  # fmt: skip
        return [each for each in found if each.state in AWAITING - {"FAILED"}]

    async def _at_the_charger(self, tx: Transaction, owner: Party, session: JSONObject) -> Charge | None:
        """Return a new charge for a Session nobody ordered here (SGEM-4.1-07)."""
        now, token = self._ground.now(), session["cdr_token"]
        driver_id = await self._ground.drivers.driver_of_token(tx, token["uid"], token["type"])
        if driver_id is None:
            await self._nobodys(tx, owner, session)
            return None
        spot = Spot.of(str(owner), session["location_id"], session["evse_uid"], session["connector_id"])
        started = moment(session["start_date_time"])
        stop: dict[str, Any] = {}
        if await self._was_given_up(tx, owner, session):
            stop = {"state": "STOPPING", "stop_order": new_id(), "stop_due": now, "stop_reason": "DRIVER"}
        return Charge(
            id=new_id(), driver_id=driver_id, origin="CARD", spot=spot, token=token,
            reference=session.get("authorization_reference"), asked_at=min(started, now), news_at=now,
            **{"state": "ACCEPTED"} | stop,
        )  # fmt: skip

    async def _nobodys(self, tx: Transaction, owner: Party, session: JSONObject) -> None:
        """Raise a case for a Session of a Token nobody has; one that staff put on the shelf by hand is the staff's."""
        token, store = session["cdr_token"], self._ground.store
        if await store.tokens.look_in(tx, store.party, token_key(token["uid"], token["type"])) is None:
            subject = f"{owner}/{session['id'].upper()}"
            await open_case(tx, "ORDER_MISSING", subject, owner, {"cdr_token": token}, self._ground.now())

    async def _was_given_up(self, tx: Transaction, owner: Party, session: JSONObject) -> bool:
        """Return whether a Session comes of a start its driver has stopped: the station still began."""
        given_up = "owner = $1 AND reference = $2 AND state = 'ENDED' AND outcome = 'GIVEN_UP'"
        return bool(await charges(tx, given_up, str(owner), session.get("authorization_reference") or ""))

    async def _advance(self, tx: Transaction, charge: Charge, owner: Party, session: JSONObject) -> None:
        now = self._ground.now()
        state = _STATES.get(session["status"], "CHARGING")
        if charge.state == "STOPPING" and state in ("STARTED", "CHARGING"):
            state = "STOPPING"
        if charge.session_id is None:
            await came(tx, charge.id, ("SESSION_MISSING", "RESULT_MISSING"), now)
        if session["status"] == "INVALID" and charge.state in AWAITING and not session["kwh"]:
            return await self._never_began(tx, charge, session)
        terms = self._ground.terms
        due = {"STARTED": now + terms.session, "CHARGING": now + terms.unheard}.get(state, charge.due_at)
        # What a start would cost is not owed while its car is awaited, nor what its CPO calls invalid.
        cost = (
            None if session["status"] in ("PENDING", "INVALID") else await self._ground.costs.so_far(tx, owner, session)
        )
        grows = None if session["status"] == "PENDING" else now + GROWS
        readings = _readings(charge, session, cost, now)
        after = charge.moved(state, **readings, due_at=due, estimate=None, estimate_due=grows)
        if state == "ENDED" and charge.state != "ENDED":
            after = self._ended(after, session, now)
        else:
            after = limited(after, now)
        await write(tx, after)
        if state == "CHARGING" and charge.state in AWAITING:
            await self._began(tx, after)
        if after.state == "ENDED" and charge.state != "ENDED":
            await self._give_back(tx, after)
            await self._tell_end(tx, after, session)

    async def _give_back(self, tx: Transaction, charge: Charge) -> None:
        """Make what is left of a driver's time anybody's; a booking whose start he gave up stands, as in X-13."""
        for booking in await bookings(tx, "id = $1", charge.booking_id or "", locked=self._locked):
            if charge.outcome != "GIVEN_UP" or booking.state not in STARTABLE:
                await free(tx, booking.id)
            elif booking.way == "ON_THE_FLY":
                given_up = dataclasses.replace(booking, state="CANCELED", reason="DRIVER", due_at=None)
                await write_booking(tx, given_up, self._ground.now())

    async def _never_began(self, tx: Transaction, charge: Charge, session: JSONObject) -> None:
        """Take an INVALID Session of a charge whose car was awaited: it did not begin, and costs nothing (X-13)."""
        after = dataclasses.replace(charge, session_id=session["id"].upper(), cost=None, power=None)
        if charge.state == "FAILED":
            await write(tx, after)
        else:
            await self.failed(tx, after, "NO_SESSION")

    async def _began(self, tx: Transaction, charge: Charge) -> None:
        await self._tell(tx, charge, "CHARGE_STARTED")
        for booking in await bookings(tx, "id = $1", charge.booking_id or "", locked=self._locked):
            if booking.state in ("RESERVED", "PENDING", "PROMISED", "NO_SHOW"):
                after = dataclasses.replace(booking, state="FULFILLED", due_at=None, undo=False)
                await write_booking(tx, after, self._ground.now())

    def _ended(self, charge: Charge, session: JSONObject, now: datetime.datetime) -> Charge:
        ended = moment(session["end_date_time"]) if session.get("end_date_time") else now
        reason = charge.stop_reason or _reason(charge, ended)
        after = dataclasses.replace(charge, ended_at=ended, stop_reason=reason, stop_due=None, power=0)
        if session["status"] != "INVALID":
            return dataclasses.replace(after, due_at=now + self._ground.terms.cdr)
        # No CDR comes of it. What was stopped before any energy flowed is as its driver wanted.
        outcome = "GIVEN_UP" if charge.stop_reason is not None and charge.energy == 0 else "SESSION_INVALID"
        return dataclasses.replace(after, due_at=None, cost=0, outcome=outcome)

    async def _tell_end(self, tx: Transaction, charge: Charge, session: JSONObject) -> None:
        await came(tx, charge.id, ("STOP_MISSING",), self._ground.now())
        valid = charge.outcome != "SESSION_INVALID"
        minutes = self._ground.terms.tolerance // datetime.timedelta(minutes=1)
        said = ENDED.get(charge.stop_reason or "", "").format(minutes=minutes) if valid else sentence("SESSION_INVALID")
        await self._tell(
            tx, charge, "CHARGE_ENDED", reason=charge.stop_reason if valid else "SESSION_INVALID",
            kwh=f"{Decimal(charge.energy) / 1000:.2f}", why=said, minutes=minutes,
        )  # fmt: skip

    # -- CDRs --------------------------------------------------------------------------------------

    async def cdr_told(self, tx: Transaction, owner: Party, cdr: JSONObject) -> None:
        """Take a CDR; called with each that is put on the shelf."""
        if cdr.get("credit"):
            return
        now = self._ground.now()
        charge = await self._charge_of(tx, owner, cdr.get("session_id") or "", cdr["cdr_token"], cdr)
        known = await self._ground.store.sessions.look_in(tx, owner, cdr.get("session_id") or "")
        if known is None and (charge is None or charge.session_id is None):
            subject = f"{owner}/{cdr['id'].upper()}"
            detail = {"session_id": cdr.get("session_id"), "charge_id": charge.id if charge else None}
            await open_case(tx, "CDR_WITHOUT_SESSION", subject, owner, detail, now)
        if charge is None or charge.state == "BILLED":
            return
        await came(tx, charge.id, ("CDR_MISSING", "SESSION_MISSING", "RESULT_MISSING", "STOP_MISSING"), now)
        energy = int(Decimal(str(cdr["total_energy"])) * 1000)
        cost = await self._ground.costs.billed(tx, owner, cdr)
        ended = charge.ended_at or moment(cdr["end_date_time"])
        await write(tx, charge.moved(
            "BILLED", cdr_id=cdr["id"].upper(), energy=energy, currency=cdr["currency"], due_at=None, stop_due=None,
            cost=None if cost is None else minor(cost, cdr["currency"]), power=0, ended_at=ended,
            started_at=charge.started_at or moment(cdr["start_date_time"]), held=False,
        ))  # fmt: skip
        await self._tell(tx, charge, "CHARGE_BILLED", cdr_id=cdr["id"])

    async def judged(self, tx: Transaction, bill: Bill) -> None:
        """Take what became of a CDR: what its driver pays, or that it cannot be charged as it is."""
        now, subject = self._ground.now(), f"{bill.owner}/{bill.cdr_id}"
        found = await charges(
            tx, "owner = $1 AND cdr_id = $2", str(bill.owner), bill.cdr_id, locked=self._locked
        )  # fmt: skip
        if bill.verdict == "DISPUTED":
            detail = {"charge_id": found[0].id if found else None}
            await open_case(tx, "CDR_DISPUTED", subject, bill.owner, detail, now)
            return
        await came(tx, subject, ("CDR_DISPUTED",), now, f"The CDR is {bill.verdict.lower()}.")
        for charge in found if bill.verdict == "BOOKED" else ():
            await write(tx, dataclasses.replace(charge, cost=bill.price, currency=bill.currency))

    # -- telling -----------------------------------------------------------------------------------

    async def _tell(self, tx: Transaction, charge: Charge, event: str, *, again: str = "", **data: Any) -> None:
        await notify(
            tx, event, about=f"{charge.id}{again}", driver_id=charge.driver_id, at=self._ground.now(),
            phone=charge.phone, data={"charge_id": charge.id, "place": str(charge.spot)} | data, **data,
        )  # fmt: skip


def limited(charge: Charge, now: datetime.datetime) -> Charge:
    """Return a charge that has reached a limit as one to be stopped, once; any other as it is (RASD-F07)."""
    if charge.state not in ("STARTED", "CHARGING") or charge.stop_order is not None or charge.session_id is None:
        return charge
    reason = _reached(charge, now)
    if reason is None:
        return charge
    return charge.moved("STOPPING", stop_order=new_id(), stop_due=now, stop_reason=reason)


def _reached(charge: Charge, now: datetime.datetime) -> str | None:
    if charge.ends_by is not None and now >= charge.ends_by:
        return "SLOT_OVER"
    if charge.time_limit is not None and now >= charge.time_limit:
        return "TIME_LIMIT"
    if charge.energy_limit is not None and charge.energy >= charge.energy_limit:
        return "ENERGY_LIMIT"
    if charge.cost_limit is not None and charge.cost_now is not None and charge.cost_now >= charge.cost_limit:
        return "MONEY_LIMIT"
    return None


def _reason(charge: Charge, ended: datetime.datetime) -> str:
    if charge.soc is not None and charge.soc >= _FULL:
        return "BATTERY_FULL"
    if charge.ends_by is not None and ended >= charge.ends_by - _NEAR:
        return "SLOT_OVER"
    return "STATION"


def _readings(charge: Charge, session: JSONObject, cost: Decimal | None, now: datetime.datetime) -> dict[str, Any]:
    """Return what a Session says of energy, power, state of charge and cost."""
    energy = int(Decimal(str(session["kwh"])) * 1000)
    volumes: dict[str, Decimal] = {}
    for period in session.get("charging_periods") or ():
        for dimension in period.get("dimensions") or ():
            volumes[dimension["type"]] = Decimal(str(dimension["volume"]))
    power = volumes.get("POWER")
    soc = volumes.get("STATE_OF_CHARGE")
    return {
        "session_id": session["id"].upper(),
        "energy": energy,
        "power": int(power * 1000) if power is not None else _power(charge, energy, now),
        "soc": int(soc) if soc is not None else charge.soc,
        "cost": charge.cost if cost is None else minor(cost, session["currency"]),
        "currency": session["currency"],
        "started_at": moment(session["start_date_time"]),
        "news_at": now,
    }


def _power(charge: Charge, energy: int, now: datetime.datetime) -> int | None:
    """Return the mean power since the last update, in W, where the CPO tells none."""
    seconds = (now - charge.news_at).total_seconds()
    if charge.session_id is None or energy <= charge.energy or seconds < 1:
        return charge.power
    return int((energy - charge.energy) * 3600 / seconds)
