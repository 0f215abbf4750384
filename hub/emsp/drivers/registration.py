"""Drivers registered by an operator: one by one, or many from a CSV, each line told what became of it.

A line is whole or not at all; a file that is sent twice changes nothing the second time, for its customer ids are
taken then.

Source: SGEM-4.2-01 to SGEM-4.2-06, X-58; RFC 4180 (CSV).
"""

import csv
import datetime
import io
import re
from collections.abc import Sequence
from typing import Annotated

import msgspec

from hub.api.accounts import Email
from hub.api.credentials import stored
from hub.api.problems import Fault, Invalid, NotFound, invalid
from hub.api.shapes import Moment, Name, Shape, pattern
from hub.database.contract import Database, Transaction
from hub.emsp.drivers import phones
from hub.emsp.drivers.forms import Language
from hub.emsp.drivers.letters import Letters
from hub.emsp.drivers.logins import Logins
from hub.emsp.drivers.means import Card, PhoneNumber, card_uid
from hub.emsp.drivers.people import Driver, People, refuse, settled
from hub.emsp.drivers.tokens import Tokens
from hub.ocpi.times import moment

COLUMNS = ("customer_id", "name", "surname", "email", "language", "driver_class", "ends_at", "cards", "phones")

MOST_LINES = 10_000

_ADDRESS = re.compile(r"[^\s@\x00-\x1f]+@[^\s@\x00-\x1f]+")
_CARD = re.compile(r"[A-Za-z0-9:._-]{4,36}")
_CLASS = "^[a-z][a-z0-9_-]*$"


class Registration(Shape, frozen=True, kw_only=True):
    """A driver to be registered.

    Attributes:
        customer_id: the number the operator knows him by, unique.
        email: where he may choose a password.
        ends_at: when his contract ends; null: never.
    """

    customer_id: Name
    name: Name
    surname: Name
    email: Email | None = None
    language: Language = "en"
    driver_class: Annotated[str, pattern(_CLASS, "a driver class: small letters, digits, - and _", most=40)] = (
        "standard"
    )
    ends_at: Moment | None = None
    cards: Annotated[list[Card], msgspec.Meta(max_length=100)] = msgspec.field(default_factory=list)
    phones: Annotated[list[PhoneNumber], msgspec.Meta(max_length=20)] = msgspec.field(default_factory=list)


class Line(Shape, frozen=True, kw_only=True):
    """What became of one line of a CSV.

    Attributes:
        number: of the line in the file, the header is 1.
        driver_id: null where nobody was registered.
        faults: ``column: rule``.
    """

    number: int
    customer_id: str
    driver_id: str | None
    faults: list[str]


class Report(Shape, frozen=True, kw_only=True):
    """What became of a CSV."""

    registered: int
    refused: int
    lines: list[Line]


class Registrar:
    """Registers drivers, changes their standing, and takes them off."""

    def __init__(
        self, database: Database, *, people: People, tokens: Tokens, logins: Logins, letters: Letters
    ) -> None:  # fmt: skip
        self._database = database
        self._people = people
        self._tokens = tokens
        self._logins = logins
        self._letters = letters

    async def register(self, form: Registration) -> Driver:
        """Register a driver with his cards and phones, and the Token of his app.

        Raises:
            Invalid: something is wrong, or another driver's; nothing is written.
        """
        numbers = _phones(form)

        async def work(tx: Transaction) -> Driver:
            refuse(await self._taken(tx, form, numbers))
            driver = await self._people.add(
                tx,
                email=form.email,
                customer_id=form.customer_id,
                name=form.name,
                surname=form.surname,
                language=form.language,
                driver_class=form.driver_class,
                ends_at=form.ends_at,
                confirmed=True,
            )
            await self._tokens.add(tx, driver, "APP_USER")
            for card in form.cards:
                await self._tokens.add(tx, driver, "RFID", uid=card_uid(card.uid), label=card.label)
            for number in numbers:
                await self._tokens.add(tx, driver, "OTHER", label="phone", phone=number)
            return driver

        return await settled(self._database, work)

    async def _taken(self, tx: Transaction, form: Registration, numbers: Sequence[str]) -> list[Fault]:
        found = await self._people.taken(tx, email=form.email, customer_id=form.customer_id)
        for place, card in enumerate(form.cards):
            found += await self._tokens.taken(tx, "", uid=card_uid(card.uid), path=f"$.cards[{place}]")
        for place, number in enumerate(numbers):
            faults = await self._tokens.taken(tx, "", phone=number)
            found += [Fault(f"$.phones[{place}]", each.rule) for each in faults]
        return found

    async def register_all(self, text: bytes) -> Report:
        """Register the drivers of a CSV, each by himself.

        Raises:
            Invalid: it is no CSV in UTF-8 with our columns, or too long.
        """
        lines = [await self._line(number, row) for number, row in _rows(text)]
        done = sum(each.driver_id is not None for each in lines)
        return Report(registered=done, refused=len(lines) - done, lines=lines)

    async def _line(self, number: int, row: dict[str, str]) -> Line:
        driver_id, faults = None, []
        try:
            driver_id = (await self.register(_registration(row))).id
        except Invalid as error:
            faults = [f"{each.path.removeprefix('$.')}: {each.rule}" for each in error.faults]
        return Line(number=number, customer_id=row["customer_id"], driver_id=driver_id, faults=faults)

    # -- standing ----------------------------------------------------------------------------------

    async def block(self, driver_id: str, reason: str = "") -> Driver:
        """Block a driver: his Tokens are told as not valid, his account he may still look at.

        Raises:
            NotFound: there is none who is active.
        """
        return await self._stand(driver_id, "BLOCKED", reason)

    async def unblock(self, driver_id: str) -> Driver:
        """Allow a driver to charge again.

        Raises:
            NotFound: there is none.
        """
        return await self._stand(driver_id, "ACTIVE", "")

    async def _stand(self, driver_id: str, state: str, reason: str) -> Driver:
        async def work(tx: Transaction) -> Driver:
            await self._present(tx, driver_id)
            driver = await self._people.change(tx, driver_id, state=state, reason=reason)
            await self._tokens.tell_again(tx, driver)
            return driver

        return await self._database.transact(work)

    async def change(
        self, driver_id: str, *, driver_class: str, ends_at: datetime.datetime | None
    ) -> Driver:  # fmt: skip
        """Change class and end of contract; his Tokens are told anew where that changes them.

        Raises:
            NotFound: there is none.
        """

        async def work(tx: Transaction) -> Driver:
            await self._present(tx, driver_id)
            until = stored(ends_at) if ends_at is not None else None
            driver = await self._people.change(tx, driver_id, driver_class=driver_class, ends_at=until)
            await self._tokens.tell_again(tx, driver)
            return driver

        return await self._database.transact(work)

    async def deregister(self, driver_id: str) -> Driver:
        """Take a driver off: Tokens are no longer valid, log-ins end, address and customer id are free.

        Raises:
            NotFound: there is none, or he was taken off.
        """

        async def work(tx: Transaction) -> Driver:
            await self._present(tx, driver_id)
            driver = await self._people.change(tx, driver_id, state="GONE", email_key=None, customer_key=None)
            await self._tokens.remove_all(tx, driver)
            await self._logins.clear(tx, driver_id)
            await self._letters.drop(tx, driver_id)
            return driver

        return await self._database.transact(work)

    async def _present(self, tx: Transaction, driver_id: str) -> None:
        driver = await self._people.locked(tx, driver_id)
        if driver.state in ("GONE", "ERASED"):
            raise NotFound("This driver is no longer registered")


# -- CSV -------------------------------------------------------------------------------------------


def _rows(text: bytes) -> list[tuple[int, dict[str, str]]]:
    try:
        reader = csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline=""), strict=True)
        if set(reader.fieldnames or ()) - set(COLUMNS) or not {"customer_id", "name", "surname"} <= set(
            reader.fieldnames or ()
        ):
            raise invalid("$", f"the first line must name columns among {', '.join(COLUMNS)}")
        found = [(reader.line_num, _cells(row)) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise invalid("$", f"must be a CSV in UTF-8: {error}") from error
    if len(found) > MOST_LINES:
        raise invalid("$", f"must have at most {MOST_LINES} lines")
    return found


def _cells(row: dict[str, str | None]) -> dict[str, str]:
    # A line with too few cells has None, one with too many a list under None.
    cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
    return cells | ({"surplus": "x"} if None in row else {})


def _registration(row: dict[str, str]) -> Registration:
    """Return what a line asks for.

    Raises:
        Invalid: its cells are not what they should be; each is named.
    """
    refuse([*_line_faults(row)])
    ends_at = moment(row["ends_at"]) if row["ends_at"] else None
    return Registration(
        customer_id=row["customer_id"],
        name=row["name"],
        surname=row["surname"],
        email=row["email"] or None,
        language=row["language"] or "en",
        driver_class=row["driver_class"] or "standard",
        ends_at=ends_at,
        cards=[Card(uid=each) for each in row["cards"].split()],
        phones=[each.strip() for each in row["phones"].split(";") if each.strip()],
    )


def _line_faults(row: dict[str, str]) -> list[Fault]:
    found = [Fault(f"$.{name}", "required") for name in ("customer_id", "name", "surname") if not row[name]]
    found += [Fault(f"$.{name}", "at most 100 characters") for name in COLUMNS[:3] if len(row[name]) > 100]
    if row["email"] and not _ADDRESS.fullmatch(row["email"]):
        found.append(Fault("$.email", "must be an e-mail address"))
    if row["language"] and not re.fullmatch("[a-z]{2}", row["language"]):
        found.append(Fault("$.language", "must be two letters (ISO 639-1)"))
    if row["driver_class"] and not re.fullmatch(_CLASS, row["driver_class"]):
        found.append(Fault("$.driver_class", "must be a word in small letters"))
    if row["ends_at"] and not _is_moment(row["ends_at"]):
        found.append(Fault("$.ends_at", "must be a date and time, such as 2027-01-31T00:00:00Z"))
    found += [Fault("$.cards", f"{each} is no uid") for each in row["cards"].split() if not _CARD.fullmatch(each)]
    return [*found, *([Fault("$", "has more cells than the first line")] if "surplus" in row else [])]


def _is_moment(text: str) -> bool:
    try:
        return moment(text).year < 2200
    except ValueError:
        return False


def _phones(form: Registration) -> list[str]:
    """Return the phone numbers as E.164 writes them, each once.

    Raises:
        Invalid: one is none.
    """
    found, faults = [], []
    for place, text in enumerate(form.phones):
        try:
            found.append(phones.normalized(text))
        except ValueError as error:
            faults.append(Fault(f"$.phones[{place}]", str(error)))
    refuse(faults)
    return list(dict.fromkeys(found))
