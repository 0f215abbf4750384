"""What a party missed while it was away: it asks the hub, list by list, when it starts or the hub is back.

The Pull models of the modules; nobody sends it again unasked. An object is taken if it is not here
or newer than what is here, so a pull beside pushes changes nothing for the worse.

Source: OCPI 2.3.0, transport_and_format.asciidoc (Pagination, Offline behaviour, GET All via Hubs).
"""

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from hub.database.contract import Database, Transaction
from hub.ocpi.errors import InvalidParameters, OcpiError
from hub.ocpi.interfaces import Operation
from hub.ocpi.messages import Party, Request
from hub.ocpi.objects import JSON, JSONObject
from hub.ocpi.platforms import Platform
from hub.ocpi.shelves import Shelf
from hub.ocpi.times import microseconds

log = logging.getLogger(__name__)

_PAGE = 100


@dataclass(frozen=True)
class Listing:
    """One list to pull.

    Attributes:
        name: returns the id an object has on the shelf.
        since: pull only what changed from this DateTime on; None: everything.
        sealed: what is here already stays as it is (a CDR).
    """

    operation: Operation
    shelf: Shelf
    name: Callable[[JSONObject], str]
    since: str | None = None
    sealed: bool = False


class Pulling:
    """The pulls of one party.

    Args:
        hub: where requests are put.
        pause: seconds until a pull that failed is tried again.
        check: raises InvalidParameters at what is not to be taken.
    """

    def __init__(
        self,
        database: Database,
        *,
        party: Party,
        hub_party: Party,
        hub: Platform,
        listings: Sequence[Listing],
        pause: float = 30.0,
        check: Callable[[JSONObject], None] = lambda value: None,
    ) -> None:
        self._database = database
        self._party = party
        self._hub_party = hub_party
        self._hub = hub
        self._listings = listings
        self._pause = pause
        self._check = check
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Pull everything in the background; a pull under way begins anew."""
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.create_task(self._run(), name=f"pulls of {self._party}")

    async def stop(self) -> None:
        """Give up a pull under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def settled(self) -> None:
        """Return when the pull under way is done."""
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        for listing in self._listings:
            while True:
                try:
                    await self._pull(listing)
                    break
                except OcpiError as error:
                    log.warning("%s cannot be pulled: %s", listing.operation.module, error)
                    if not error.transient:
                        break
                await asyncio.sleep(self._pause)

    async def _pull(self, listing: Listing) -> None:
        async for page in self._pages(listing):
            await self._database.transact(functools.partial(self._take, listing, page))

    async def _pages(self, listing: Listing) -> AsyncIterator[list[JSON]]:
        query: str | None = urlencode(
            {"limit": _PAGE} | ({"date_from": listing.since} if listing.since is not None else {})
        )
        while query:
            request = Request(listing.operation, self._party, self._hub_party, query=query)
            response = (await self._hub(request)).raise_for_status()
            yield response.value or []
            query = _following(response.headers.get("link", ""))

    async def _take(self, listing: Listing, page: Sequence[JSONObject], tx: Transaction) -> None:
        for value in page:
            owner = Party.of(value["country_code"], value["party_id"])
            if owner == self._party or not self._is_fit(listing, value):
                continue
            known = await listing.shelf.get_in(tx, owner, listing.name(value))
            if known is None or (not listing.sealed and _newer(value, known)):
                await listing.shelf.put(tx, owner, listing.name(value), value)

    def _is_fit(self, listing: Listing, value: JSONObject) -> bool:
        try:
            self._check(value)
        except InvalidParameters as error:
            log.warning("%s %s is not taken: %s", listing.operation.module, listing.name(value), error)
            return False
        return True


def _newer(value: JSONObject, known: JSONObject) -> bool:
    return microseconds(value["last_updated"]) > microseconds(known["last_updated"])


def _following(link: str) -> str | None:
    """Return the query of rel=next; the list is the same, whatever the URL before it."""
    target, _, parameters = link.partition(">")
    return urlsplit(target.lstrip("< ")).query or None if "next" in parameters else None
