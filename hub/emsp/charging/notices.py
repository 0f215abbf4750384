"""What a driver is told of his bookings and charges: written with the fact it is about, handed over afterwards.

The notifier is another room's; until it has taken a notice, the row stays. One who charges by SMS is told by SMS too.

Source: RASD-R10, F07; SGEM-4.1-06, 12; OCPI 2.3.0, mod_commands.asciidoc (CommandResponseType, CommandResultType).
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from hub.database.contract import Database, Transaction
from hub.emsp.charging.needs import Told
from hub.ocpi import codec
from hub.ocpi.objects import JSON, JSONObject
from hub.ocpi.times import stamp, stamped

#: By event: what the driver is told. What stands in braces is filled in.
TEXTS: Mapping[str, str] = {
    "BOOKING_MADE": "Your booking from {starts_at} to {ends_at} is confirmed.",
    "BOOKING_PROMISED": "Your wish is noted: the charge point will be reserved when your time begins, at {starts_at}.",
    "BOOKING_REFUSED": "Your booking from {starts_at} was not accepted: {why}",
    "BOOKING_CANCELED_BY_CPO": "The operator cancelled your booking from {starts_at} ({why}). Book another place.",
    "BOOKING_NOT_USED": "Nobody came within 15 minutes, so your booking from {starts_at} was cancelled.",
    "BOOKING_MOVED": "The operator changed your booking: it is now from {starts_at} to {ends_at}.",
    "BOOKING_CHANGED": "Your booking is now from {starts_at} to {ends_at}.",
    "REQUEST_EXPIRED": "Nothing became free in time. Your request has ended, nothing was booked.",
    "START_ACCEPTED": "The operator is starting your charge. Connect the cable if you have not.",
    "CHARGE_STARTED": "Your charge has begun.",
    "CHARGE_ENDED": "Your charge has ended: {kwh} kWh. {why}",
    "POWER_LIMITED": "Your charge now draws at most {kw} kW.",
    "POWER_NOT_LIMITED": "The charge point did not take your limit of {kw} kW. Your charge goes on as before.",
    "CHARGE_UNHEARD": "Nothing more is heard of your charge. It counts as ended, and no money is set aside for it now."
    " Should a bill come after all, it is charged.",
    "STOP_FAILED": "Your charge could not be stopped: {why}",
    "CHARGE_FAILED": "Your charge did not begin: {why}",
    "CHARGE_BILLED": "The bill for your charge has come.",
}

#: By result of a command, at once or later: why it did not work, and what the driver can do.
WHY: Mapping[str, str] = {
    "NOT_SUPPORTED": "the charge point cannot do this remotely. Use your card there.",
    "REJECTED": "the operator refused. Check the charge point and try again, or choose another.",
    "UNKNOWN_SESSION": "the operator knows no such charge.",
    "EVSE_OCCUPIED": "the charge point is in use. Choose another one.",
    "EVSE_INOPERATIVE": "the charge point is out of order. Choose another one.",
    "FAILED": "the charge point could not do it. Try again.",
    "TIMEOUT": "the cable was not connected in time. Check the charge point's number, connect the cable, try again.",
    "UNKNOWN_RESERVATION": "the operator knows no such reservation.",
    "CANCELED_RESERVATION": "the operator gave the reservation up.",
    "CPO_UNREACHABLE": "there is no connection to the operator. Try again later.",
    "CPO_ERROR": "the operator's system could not process it. Try again later.",
    "NO_RESULT": "the charge point did not answer in time. Connect the cable and try again.",
    "NO_SESSION": "the car did not begin to charge. Check that the cable is connected and try again.",
    "SESSION_INVALID": "the operator says that the charge was not valid.",
    "NO_NEWS": "the operator told nothing more of it.",
    "NOT_CONNECTED": "no car is connected yet. Unplug or wait: a start that no car uses ends by itself.",
    "SLOT_TAKEN": "somebody else was faster.",
    "BOOKED_ALREADY": "you have booked it already.",
    "NOT_PAID": "the payment was not confirmed in time. Start again.",
    "EXPIRED": "its time was over before the operator could be reached.",
}

#: By what ended a charge: how that is said (RASD-F07).
ENDED: Mapping[str, str] = {
    "DRIVER": "You stopped it.",
    "SLOT_OVER": "Your time is over; please unplug within {minutes} minutes.",
    "BATTERY_FULL": "The battery is full.",
    "MONEY_LIMIT": "Your limit of money was reached.",
    "ENERGY_LIMIT": "Your limit of energy was reached.",
    "TIME_LIMIT": "Your limit of time was reached.",
    "STATION": "The car or the charge point ended it.",
}


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A notice as it is kept.

    Attributes:
        phone: tell by SMS too; None: no.
    """

    id: int
    told: Told
    phone: str | None
    at: datetime.datetime


async def notify(
    tx: Transaction,
    event: str,
    *,
    about: str,
    driver_id: str,
    at: datetime.datetime,
    phone: str | None = None,
    data: JSONObject | None = None,
    **values: object,
) -> None:
    """Write down that a driver is to be told of something, once.

    Args:
        about: what makes it one: a charge or booking, and which time if it may happen again.
        data: for those who say it otherwise, beside the values.
        values: what the text's braces are.
    """
    known = {name: str(value) for name, value in values.items() if value is not None} | (data or {})
    await tx.execute(
        "INSERT INTO emsp_charge_notice (key, driver_id, event, text, data, phone, told, at)"
        " VALUES ($1, $2, $3, $4, $5, $6, 0, $7) ON CONFLICT (key) DO NOTHING",
        f"{event}/{about}", driver_id, event, TEXTS[event].format(**values), codec.encode(known), phone, stamp(at),
    )  # fmt: skip
    tx.notify(CHANNEL)


#: Notified when there is a notice to hand over.
CHANNEL = "emsp_charge_notice"


def why(code: str | None) -> str:
    """Return a reason in words."""
    return WHY.get(code or "", f"the operator answered {code}.")


def sentence(code: str | None) -> str | None:
    """Return a reason as sentences of their own; None: there is no more to say of this code."""
    text = WHY.get(code or "", "")
    return text[:1].upper() + text[1:] or None


async def untold(database: Database, most: int = 100) -> list[Notice]:
    """Return notices nobody has taken yet, the oldest first."""
    return await _notices(database, "told = 0", most)


async def of_driver(database: Database, driver_id: str, *, after: int = 0, most: int = 100) -> list[Notice]:
    """Return what a driver was told, the oldest first."""
    return await _notices(database, "driver_id = $1 AND id > $2", most, driver_id, after)


async def _notices(database: Database, where: str, most: int, *args: JSON) -> list[Notice]:
    rows = await database.fetch(
        "SELECT id, key, event, driver_id, text, data, phone, at FROM emsp_charge_notice"  # noqa: S608  our own conditions
        f" WHERE {where} ORDER BY id LIMIT {most}",
        *args,
    )
    return [
        Notice(
            id=number,
            told=Told(key=key, event=event, driver_id=driver_id, text=text, data=codec.decode(data)),
            phone=phone,
            at=stamped(at),
        )
        for number, key, event, driver_id, text, data, phone, at in rows
    ]


async def taken(tx: Transaction, notice: Notice) -> None:
    """Write down that a notice was handed over."""
    await tx.execute("UPDATE emsp_charge_notice SET told = 1 WHERE id = $1", notice.id)
