"""What a driver may ask of us: everything we know of him, and that we forget it; and what he agreed to.

What says who he is goes. What money, CPOs and the law refer to stays, under an id that is random (decision 0030).

Source: Regulation (EU) 2016/679, articles 7, 15, 17 (3), 20.
"""

from collections.abc import Sequence
from typing import Annotated

from hub.api.credentials import moment_of, stored
from hub.api.shapes import Moment, Name, Shape, pattern
from hub.database.contract import Database, Transaction
from hub.emsp.drivers.authorizations import AuthorizationQuery, Authorizations
from hub.emsp.drivers.garage import Garage
from hub.emsp.drivers.logins import Logins
from hub.emsp.drivers.needs import Forget, Now, Recall
from hub.emsp.drivers.people import Driver, People
from hub.emsp.drivers.tokens import Tokens
from hub.ocpi import codec
from hub.ocpi.objects import JSON, JSONObject

Purpose = Annotated[str, pattern("^[A-Z][A-Z_]*$", "a purpose in capitals", most=40)]


class Consent(Shape, frozen=True, kw_only=True):
    """What a driver agreed to, or no longer does.

    Attributes:
        purpose: TERMS, LOCATION_HISTORY, OFFERS, ...
        version: of the text he was shown.
    """

    purpose: Purpose
    given: bool
    version: Name


class KeptConsent(Consent, frozen=True, kw_only=True):
    """A consent, and when it was given or taken back."""

    at: Moment


class Privacy:
    """Consents, export and erasure.

    Attributes:
        recalls: what other rooms know of a driver.
        forgets: how they erase it.
    """

    def __init__(
        self, database: Database, *, people: People, garage: Garage, tokens: Tokens, logins: Logins,
        authorizations: Authorizations, now: Now,
    ) -> None:  # fmt: skip
        self._database = database
        self._people = people
        self._garage = garage
        self._tokens = tokens
        self._logins = logins
        self._authorizations = authorizations
        self._now = now
        self.recalls: list[Recall] = []
        self.forgets: list[Forget] = []

    # -- consents ----------------------------------------------------------------------------------

    async def consent(self, driver_id: str, consent: Consent) -> None:
        """Keep that a driver agreed, or took it back.

        Raises:
            NotFound: there is no such driver.
        """

        async def work(tx: Transaction) -> None:
            await self._people.locked(tx, driver_id)
            await tx.execute(
                "INSERT INTO emsp_consent (driver_id, purpose, given, version, at) VALUES ($1, $2, $3, $4, $5)",
                driver_id,
                consent.purpose,
                int(consent.given),
                consent.version,
                stored(self._now()),
            )

        await self._database.transact(work)

    async def agrees(self, driver_id: str, purpose: str) -> bool:
        """Return whether a driver agrees now; who never said anything does not."""
        return await agrees(self._database, driver_id, purpose)

    async def consents(self, driver_id: str) -> list[KeptConsent]:
        """Return all a driver ever agreed to or took back, the oldest first."""
        rows = await self._database.fetch(
            "SELECT purpose, given, version, at FROM emsp_consent WHERE driver_id = $1 ORDER BY id", driver_id
        )
        return [
            KeptConsent(purpose=purpose, given=bool(given), version=version, at=moment_of(at))
            for purpose, given, version, at in rows
        ]

    # -- everything known --------------------------------------------------------------------------

    async def export(self, driver_id: str) -> JSONObject:
        """Return everything known of a driver; secrets, which are hashes, are not.

        Raises:
            NotFound: there is no such driver.
        """
        known: dict[str, object] = {
            "driver": await self._people.get(driver_id),
            "vehicles": await self._garage.of_driver(driver_id),
            "tokens": await self._tokens.of_driver(driver_id),
            "logins": await self._logins.of_driver(driver_id),
            "identities": await self._identities(driver_id),
            "consents": await self.consents(driver_id),
            "authorizations": await self._answers(driver_id),
        }
        told = [await recall(driver_id) for recall in self.recalls]
        plain: JSONObject = codec.decode(codec.encode(known))
        return plain | dict(told)

    async def _identities(self, driver_id: str) -> Sequence[JSON]:
        rows = await self._database.fetch(
            "SELECT issuer, subject FROM emsp_identity WHERE driver_id = $1 ORDER BY issuer, subject", driver_id
        )
        return [{"issuer": issuer, "subject": subject} for issuer, subject in rows]

    async def _answers(self, driver_id: str) -> Sequence[JSON]:
        found, cursor = [], None
        while True:
            query = AuthorizationQuery(driver_id=driver_id, limit=1000, cursor=cursor)
            page = await self._authorizations.page(query)
            found += page.items
            if page.next is None:
                return found
            cursor = page.next

    async def erase(self, driver_id: str) -> Driver:
        """Forget who a driver is; his Tokens are told as no longer valid.

        Raises:
            NotFound: there is no such driver.
            Conflict: another room may not forget him yet, for he owes something.
        """

        async def work(tx: Transaction) -> Driver:
            await self._people.locked(tx, driver_id)
            for forget in self.forgets:
                await forget(tx, driver_id)
            driver = await self._people.change(tx, driver_id, state="GONE")
            await self._tokens.remove_all(tx, driver)
            for table in ("emsp_vehicle", "emsp_driver_login", "emsp_letter", "emsp_identity"):
                await tx.execute(f"DELETE FROM {table} WHERE driver_id = $1", driver_id)  # noqa: S608  our own tables
            await tx.execute("UPDATE emsp_token SET label = '', phone = NULL WHERE driver_id = $1", driver_id)
            return await self._people.change(
                tx, driver_id, state="ERASED", email=None, email_key=None, customer_id=None, customer_key=None,
                name="", surname="", birth_date=None, password=None, reason="",
            )  # fmt: skip

        return await self._database.transact(work)


async def agrees(database: Database, driver_id: str, purpose: str) -> bool:
    """Return whether a driver agrees to a purpose now; who never said anything does not."""
    rows = await database.fetch(
        "SELECT given FROM emsp_consent WHERE driver_id = $1 AND purpose = $2 ORDER BY id DESC LIMIT 1",
        driver_id,
        purpose,
    )
    return bool(rows and rows[0][0])
