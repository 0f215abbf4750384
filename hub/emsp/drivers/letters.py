"""Links sent by e-mail: to confirm an address, to choose a new password, to change the address.

A link holds 256 random bits that are kept as their hash, works once, and for a while. What is to be done with it is
done by whoever follows it, in the transaction that uses it up.

Source: DD-C-MAIL; decision 0030.
"""

import datetime
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from hub.api.credentials import hash_of, new_token, stored
from hub.api.problems import Unavailable, invalid
from hub.database.contract import Transaction
from hub.emsp.drivers.needs import Now
from hub.emsp.mail import Letter, Mailer, MailTrouble
from hub.emsp.texts import written
from hub.ocpi.objects import JSON

Purpose = Literal["CONFIRM", "RESET", "CHANGE"]

#: How long a link works.
LIVES = {
    "CONFIRM": datetime.timedelta(hours=48),
    "RESET": datetime.timedelta(hours=1),
    "CHANGE": datetime.timedelta(hours=24),
}

#: Returns the URL a driver is sent: a page of the app that puts the token back to us.
LinkOf = Callable[[Purpose, str], str]


class Opened(NamedTuple):
    """What a link was for."""

    driver_id: str
    email: str


class Letters:
    """Links on their table, and the mailer they go out with."""

    def __init__(self, mailer: Mailer, now: Now, link_of: LinkOf) -> None:
        self._mailer = mailer
        self._now = now
        self._link_of = link_of

    async def write(self, tx: Transaction, purpose: Purpose, driver_id: str, email: str) -> Letter:
        """Make a link and return the letter that holds it; an older one of its purpose works no longer."""
        token, now = new_token(), self._now()
        await tx.execute("DELETE FROM emsp_letter WHERE driver_id = $1 AND purpose = $2", driver_id, purpose)
        await tx.execute("DELETE FROM emsp_letter WHERE expires_at <= $1", stored(now))
        await tx.execute(
            "INSERT INTO emsp_letter (token_hash, purpose, driver_id, email, created_at, expires_at)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            hash_of(token),
            purpose,
            driver_id,
            email,
            stored(now),
            stored(now + LIVES[purpose]),
        )
        rows = await tx.fetch("SELECT language FROM emsp_driver WHERE id = $1", driver_id)
        hours = LIVES[purpose] // datetime.timedelta(hours=1)
        data = {"link": self._link_of(purpose, token), "hours": hours}
        return letter(purpose, email, rows[0][0] if rows else "", data)

    async def send(self, letter: Letter) -> None:
        """Send a letter, once what it tells of is committed.

        Raises:
            Unavailable: it was not taken; the driver may ask for it again.
        """
        try:
            await self._mailer.send(letter)
        except MailTrouble as error:
            raise Unavailable("The e-mail could not be sent at the moment; ask for it again in a while") from error

    async def opened(self, tx: Transaction, purpose: Purpose, token: str) -> Opened:
        """Use a link up.

        Raises:
            Invalid: there is no such link, or it was used, or it is too old.
        """
        rows = await tx.fetch(
            "DELETE FROM emsp_letter WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3"
            " RETURNING driver_id, email",
            hash_of(token),
            purpose,
            stored(self._now()),
        )
        if not rows:
            raise invalid("$.token", "this link was used already or is too old; ask for another one")
        return Opened(*rows[0])

    async def drop(self, tx: Transaction, driver_id: str) -> None:
        """Make every link of a driver useless."""
        await tx.execute("DELETE FROM emsp_letter WHERE driver_id = $1", driver_id)


def letter(name: str, to: str, language: str, data: Mapping[str, JSON] | None = None) -> Letter:
    """Return a letter in a language, else in English."""
    found = written(language, f"LETTER_{name}", data or {})
    return Letter(to=to, subject=found.subject, text=found.text)
