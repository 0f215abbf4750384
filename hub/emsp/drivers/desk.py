"""The room of drivers put together on an open store, with what it does by itself as time goes by."""

import asyncio
import contextlib
import datetime
import logging
from collections.abc import Sequence

from hub.api.passwords import Passwords
from hub.database.contract import Transaction
from hub.emsp.drivers.agreements import Agreements
from hub.emsp.drivers.authorizations import Authorizations
from hub.emsp.drivers.brands import Brands
from hub.emsp.drivers.classes import Classes
from hub.emsp.drivers.garage import Garage
from hub.emsp.drivers.guests import Guests
from hub.emsp.drivers.judging import Judge
from hub.emsp.drivers.letters import Letters, LinkOf
from hub.emsp.drivers.logins import Logins
from hub.emsp.drivers.means import Means
from hub.emsp.drivers.needs import AlwaysCredit, Brand, Credit, Identities, NoIdentities, Now
from hub.emsp.drivers.people import People
from hub.emsp.drivers.privacy import Privacy
from hub.emsp.drivers.proving import Proving
from hub.emsp.drivers.registration import Registrar
from hub.emsp.drivers.signing_up import SigningUp
from hub.emsp.drivers.tokens import Tokens
from hub.emsp.mail import Mailer
from hub.emsp.store import Store
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import utc_now

log = logging.getLogger(__name__)

_SWEEP_EVERY = 60.0  # seconds
_LATE = datetime.timedelta(minutes=1)  # what was being written while a sweep looked is seen by the next one


class Desk:
    """Everything about drivers.

    Args:
        store: the provider's, whose shelf has the Tokens.
        link_of: makes the URLs in letters.
        hints: whether a wrong log-in is told what was wrong (decision 0030).
        scopes: what a driver may do in the API.
        issuer: company named on Tokens.
        brands: those with an identity provider of their own; ``identities`` speaks with these.
    """

    def __init__(
        self,
        store: Store,
        *,
        mailer: Mailer,
        link_of: LinkOf,
        issuer: str,
        credit: Credit | None = None,
        brands: Sequence[Brand] = (),
        identities: Identities | None = None,
        passwords: Passwords | None = None,
        hints: bool = True,
        scopes: frozenset[str] = frozenset(),
        now: Now = utc_now,
    ) -> None:
        database, kept = store.database, passwords or Passwords()
        self.store = store
        self.people = People(database, now)
        self.garage = Garage(database, now, store.party.country_code)
        self.tokens = Tokens(store, now, issuer=issuer)
        self.means = Means(self.people, self.tokens)
        self.logins = Logins(database, now, scopes)
        self.agreements = Agreements(database, now)
        self.classes = Classes(database, now)
        self.authorizations = Authorizations(database, now)
        self.letters = Letters(mailer, now, link_of)
        self.signing_up = SigningUp(
            people=self.people, garage=self.garage, tokens=self.tokens, letters=self.letters, passwords=kept,
            hints=hints,
        )  # fmt: skip
        self.proving = Proving(
            people=self.people, logins=self.logins, letters=self.letters, passwords=kept, signing_up=self.signing_up,
            hints=hints,
        )  # fmt: skip
        self.judge = Judge(
            people=self.people, tokens=self.tokens, agreements=self.agreements, classes=self.classes,
            authorizations=self.authorizations, credit=credit or AlwaysCredit(), location_of=self._location, now=now,
        )  # fmt: skip
        self._identities = identities or NoIdentities()
        self.brands = Brands(
            database, brands=brands, identities=self._identities, people=self.people, tokens=self.tokens,
            logins=self.logins, now=now,
        )  # fmt: skip
        self.guests = Guests(people=self.people, tokens=self.tokens, logins=self.logins)
        self.registrar = Registrar(
            database, people=self.people, tokens=self.tokens, logins=self.logins, letters=self.letters
        )  # fmt: skip
        self.privacy = Privacy(
            database, people=self.people, garage=self.garage, tokens=self.tokens, logins=self.logins,
            authorizations=self.authorizations, now=now,
        )  # fmt: skip
        self._now = now
        # A server may have been away for a while; after its first sweep it knows until when all are told.
        self._swept = now() - datetime.timedelta(days=31)
        self._sweeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to do what time brings: Tokens end, accounts nobody confirmed go."""
        self._sweeping = asyncio.create_task(self._sweep_on())

    async def stop(self) -> None:
        """End."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeping
        await self._identities.close()

    async def sweep(self) -> None:
        """Tell Tokens that have ended as no longer valid, and remove accounts nobody confirmed."""
        now = self._now()
        for driver_id in await self.tokens.ending(self._swept - _LATE, now):
            await self._told_again(driver_id)
        self._swept = now
        await self.signing_up.sweep()

    async def _told_again(self, driver_id: str) -> None:
        async def work(tx: Transaction) -> None:
            await self.tokens.tell_again(tx, await self.people.locked(tx, driver_id))

        await self.store.database.transact(work)

    async def _sweep_on(self) -> None:
        while True:
            try:
                await self.sweep()
            except Exception:  # the store may be away for a while; the next sweep finds the same
                log.exception("drivers were not swept")
            await asyncio.sleep(_SWEEP_EVERY)

    async def _location(self, cpo: str, location_id: str) -> JSONObject | None:
        try:
            owner = Party.parse(cpo)
        except ValueError:
            return None
        return await self.store.locations.get(owner, location_id)
