"""Wrong CDRs: taken back by a Credit CDR, and replaced by a right one; both told like any CDR.

Source: OCPI 2.3.0, mod_cdrs.asciidoc (Credit CDRs); REQUIREMENTS X-72.
"""

import datetime
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from hub.cpms import cdrs
from hub.cpms.store import Store
from hub.database.contract import Transaction
from hub.database.works import Also, followed
from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.judging import Judge
from hub.ocpi.modules.cdrs import CDR
from hub.ocpi.objects import JSONObject
from hub.ocpi.receiving import NoSuchObject
from hub.ocpi.times import utc_now

_judge = Judge()

#: What a corrected CDR may say otherwise: all but whose it is, which session it is of, and that it credits.
_KEPT = frozenset({
    "country_code", "party_id", "id", "session_id", "cdr_token", "credit", "credit_reference_id", "last_updated",
})  # fmt: skip


class Crediting:
    """The corrections of one operator."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime.datetime] = utc_now) -> None:
        self._store = store
        self._clock = clock

    async def credit(self, cdr_id: str, *, also: Also[JSONObject] | None = None) -> JSONObject:
        """Take a CDR back and return its Credit CDR; done twice it is the same one.

        Args:
            also: written with it, in its transaction.

        Raises:
            NoSuchObject: there is no such CDR.
            InvalidParameters: it is a Credit CDR itself.
        """

        async def work(tx: Transaction) -> JSONObject:
            return (await self.taken_back(tx, cdr_id))[1]

        return await self._store.database.transact(followed(work, also))

    async def correct(
        self, cdr_id: str, changes: Mapping[str, Any], *, also: Also[tuple[JSONObject, JSONObject]] | None = None
    ) -> tuple[JSONObject, JSONObject]:
        """Take a CDR back and put another in its place; return both.

        Args:
            also: written with them, in their transaction.

        Raises:
            NoSuchObject: there is no such CDR.
            InvalidParameters: no CDR comes of the changes, or it has been taken back before.
        """
        if refused := sorted(_KEPT & changes.keys()):
            raise InvalidParameters(f"$.{refused[0]}: is not changed by a correction")

        async def work(tx: Transaction) -> tuple[JSONObject, JSONObject]:
            wrong, credit, new = await self.taken_back(tx, cdr_id)
            if not new:
                raise InvalidParameters(f"$: CDR {wrong['id']} was taken back before, by {credit['id']}")
            right = cdrs.corrected(wrong, str(uuid.uuid4()), changes, self._clock())
            _judge.judge(codec.encode(right), CDR)
            await self._store.put_for_provider(tx, self._store.cdrs, right)
            return credit, right

        return await self._store.database.transact(followed(work, also))

    async def taken_back(self, tx: Transaction, cdr_id: str) -> tuple[JSONObject, JSONObject, bool]:
        """Take a CDR back; return it, its Credit CDR, and whether that was made now.

        Raises:
            NoSuchObject: there is no such CDR.
            InvalidParameters: it is a Credit CDR itself.
        """
        shelf, party = self._store.cdrs, self._store.party
        wrong = await shelf.get_in(tx, party, cdr_id)
        if wrong is None:
            raise NoSuchObject(f"There is no CDR {cdr_id}")
        if wrong.get("credit"):
            raise InvalidParameters(f"$: CDR {cdr_id} is a Credit CDR itself")
        known = await shelf.get_in(tx, party, wrong["id"] + cdrs.CREDIT)
        if known is not None:
            return wrong, known, False
        credit = cdrs.credit(wrong, self._clock())
        await self._store.put_for_provider(tx, shelf, credit)
        return wrong, credit, True
