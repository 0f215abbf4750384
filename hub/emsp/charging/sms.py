"""Charging by SMS: what drivers write, and what they are answered.

A message is one order and what it is about::

    START NL*CPO*E123        begin to charge there; also START NL*CPO*E123 20 KWH, 15 EUR, 90 MIN
    STOP                     end the charge begun last; STOP NL*CPO*E123 the one there
    STATUS                   how far the charge is
    HELP                     what can be written

The number it comes from says who it is. What cannot be done is answered with the reason and what to do. What
happens later - no cable, a charge that ended - follows by SMS as a notice.

Source: SGEM-4.1-01..06, 12, 13; X-50..X-54.
"""

import datetime
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from hub.database.contract import Transaction
from hub.emsp.charging.charges import LIVE, Charge, Limits, progress
from hub.emsp.charging.ground import Ground, find_code
from hub.emsp.charging.needs import SmsGateway
from hub.emsp.charging.refusals import Refused
from hub.emsp.charging.starting import ChargeDesk
from hub.emsp.charging.stopping import Stopping
from hub.ocpi.times import stamp

Word = Literal["START", "STOP", "STATUS", "HELP"]
_WORDS: dict[str, Word] = {
    "START": "START", "CHARGE": "START", "STOP": "STOP", "END": "STOP", "STATUS": "STATUS", "INFO": "STATUS",
    "HELP": "HELP", "?": "HELP",
}  # fmt: skip
_LIMIT = re.compile(r"^(\d{1,6}(?:[.,]\d{1,3})?) ?(KWH|MIN|[A-Z]{3})$")
HELP = "Write START and the code on the socket, STOP, or STATUS. With a limit: START code 20 KWH (or 15 EUR, 90 MIN)."


class Unreadable(Exception):
    """A message that is no order; the text says what to write."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """An order that came by SMS.

    Attributes:
        code: EVSE-ID as it was written; None: none.
        limit: an amount and its unit.
    """

    word: Word
    code: str | None = None
    limit: tuple[Decimal, str] | None = None


def read(text: str) -> Message:
    """Return what a message orders.

    Raises:
        Unreadable: nothing that is known here (X-50).
    """
    parts = text.upper().split()
    word = _WORDS.get(parts[0]) if parts else None
    if word is None:
        raise Unreadable(f'"{text.strip()[:20]}" is not understood. {HELP}')
    rest = parts[1:]
    if word == "START":
        return _start(rest)
    if word in ("STATUS", "HELP") and rest:
        raise Unreadable(f"{word} stands alone. {HELP}")
    if len(rest) > 1:
        raise Unreadable(f"After STOP comes the code on the socket, or nothing. {HELP}")
    return Message(word=word, code=rest[0] if rest else None)


def _start(rest: list[str]) -> Message:
    if not rest:
        raise Unreadable(f"The code on the socket is missing. {HELP}")
    if len(rest) == 1:
        return Message(word="START", code=rest[0])
    found = _LIMIT.match(" ".join(rest[1:]))
    if found is None:
        raise Unreadable(f'"{" ".join(rest[1:])[:20]}" is no limit. Write 20 KWH, 15 EUR or 90 MIN after the code.')
    return Message(word="START", code=rest[0], limit=(Decimal(found[1].replace(",", ".")), found[2]))


class SmsDesk:
    """Answers short messages, each once."""

    def __init__(self, ground: Ground, desk: ChargeDesk, stopping: Stopping, gateway: SmsGateway | None) -> None:
        self._ground = ground
        self._desk = desk
        self._stopping = stopping
        self._gateway = gateway

    async def received(self, message_id: str, phone: str, text: str) -> str:
        """Do what a message orders and return the reply, which is sent too; the same message again changes nothing.

        Args:
            message_id: the gateway's.
            phone: E.164.
        """
        known = await self._taken_in(message_id, phone, text)
        if known is not None:
            return known
        try:
            reply = await self._done(message_id, phone, read(text))
        except Unreadable as error:
            reply = str(error)
        except Refused as refused:
            reply = str(refused)
        await self._ground.database.transact(lambda tx: _replied(tx, message_id, reply))
        await self.look()
        return reply

    async def look(self) -> None:
        """Send the replies that were not sent yet."""
        if self._gateway is None:
            return
        rows = await self._ground.database.fetch(
            "SELECT id, phone, reply FROM emsp_sms WHERE sent = 0 AND reply IS NOT NULL ORDER BY at LIMIT 100"
        )
        for number, phone, reply in rows:
            await self._gateway.send(phone, reply)
            await self._ground.database.transact(
                lambda tx, number=number: tx.execute("UPDATE emsp_sms SET sent = 1 WHERE id = $1", number)  # type: ignore[misc]
            )

    async def _taken_in(self, message_id: str, phone: str, text: str) -> str | None:
        """Note a message; return its reply if it was answered before.

        One that was noted but not answered, as after a crash, is done again: its charge has the same key.
        """
        await self._ground.database.transact(
            lambda tx: tx.execute(
                "INSERT INTO emsp_sms (id, phone, text, reply, sent, at) VALUES ($1, $2, $3, NULL, 0, $4)"
                " ON CONFLICT (id) DO NOTHING",
                message_id, phone, text[:1000], stamp(self._ground.now()),
            )
        )  # fmt: skip
        rows = await self._ground.database.fetch("SELECT reply FROM emsp_sms WHERE id = $1", message_id)
        reply: str | None = rows[0][0]
        return reply

    async def _done(self, message_id: str, phone: str, message: Message) -> str:
        if message.word == "HELP":
            return HELP
        driver_id = await self._ground.drivers.driver_of_phone(phone)
        if driver_id is None and message.word == "START":
            driver_id = await self._ground.drivers.ad_hoc(phone)
        if driver_id is None:
            return "This number is not known here. Register it in your account, then write again."
        if message.word == "START":
            return await self._start(driver_id, message_id, phone, message)
        charge = await self._running(driver_id, message.code)
        if message.word == "STATUS":
            return _status(charge, self._ground.now())
        await self._stopping.stop(driver_id, charge.id)
        return "Your charge is being stopped. You will get a message when it has ended."

    async def _start(self, driver_id: str, message_id: str, phone: str, message: Message) -> str:
        found = await find_code(self._ground.store, message.code or "")
        await self._desk.start(
            driver_id, found.spot, limits=_limits(message, self._ground.now()), key=f"sms/{message_id}", origin="SMS",
            phone=phone,
        )  # fmt: skip
        return "Your charge is being started. Connect the cable if you have not. Write STOP to end it."

    async def _running(self, driver_id: str, code: str | None) -> Charge:
        """Return the charge a message is about: the one at a socket, else the one begun last.

        Raises:
            Refused: there is none (X-54).
        """
        running = [each for each in await self._desk.all_of(driver_id) if each.state in LIVE]
        if code is not None:
            spot = (await find_code(self._ground.store, code)).spot
            running = [each for each in running if (each.spot.owner, each.spot.evse_uid) == (spot.owner, spot.evse_uid)]
        if not running:
            raise Refused("UNKNOWN_SESSION")
        return running[0]


def _limits(message: Message, now: datetime.datetime) -> Limits:
    if message.limit is None:
        return Limits()
    amount, unit = message.limit
    if unit == "KWH":
        return Limits(energy=int(amount * 1000))
    if unit == "MIN":
        return Limits(until=now + datetime.timedelta(minutes=float(amount)))
    return Limits(cost=amount, currency=unit)


def _status(charge: Charge, now: datetime.datetime) -> str:
    if charge.state in ("PAYING", "ASKED", "ACCEPTED", "STARTED"):
        return "Your charge is being started. Connect the cable if you have not."
    seen = progress(charge, now)
    parts = [f"{seen.seconds // 60} min"]
    if seen.kwh is not None:
        parts.append(f"{seen.kwh:.2f} kWh")
    if seen.cost is not None:
        parts.append(f"{'about ' if seen.estimated else ''}{seen.cost} {seen.currency}")
    said = "Your charge is being stopped" if charge.state == "STOPPING" else "You are charging"
    return f"{said}: {', '.join(parts)}."


async def _replied(tx: Transaction, message_id: str, reply: str) -> None:
    await tx.execute("UPDATE emsp_sms SET reply = $1 WHERE id = $2", reply, message_id)
