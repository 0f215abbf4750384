"""Sessions that were given up and billed by their last reading, put right when their stop comes after all.

Their Session stays as it was told (COMPLETED is never modified again). A CDR that turns out wrong is taken back by
a Credit CDR, and one that says all there was takes its place. What had been INVALID, for want of a reading, was to be
billed by nobody, so it comes back as a Session of its own.

Source: OCPI 2.3.0, mod_cdrs.asciidoc (Credit CDRs), mod_sessions.asciidoc (SessionStatus).
"""

import datetime
import uuid
from collections.abc import Callable

from hub.cpms import cdrs, sessions
from hub.cpms.crediting import Crediting
from hub.cpms.ports import SessionEnded
from hub.cpms.session_states import STATUS, State, state_of
from hub.cpms.store import Store
from hub.cpms.terms import CdrTerms
from hub.database.contract import Transaction
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import date_time


class Rebilling:
    """The late stops of one operator."""

    def __init__(self, store: Store, *, terms: CdrTerms, clock: Callable[[], datetime.datetime]) -> None:
        self._store = store
        self._terms = terms
        self._clock = clock
        self._crediting = Crediting(store, clock=clock)

    async def correct(self, event: SessionEnded) -> bool:
        """Bill what a stop says that came after its session was given up; done twice it is done once.

        False: there is no such session, or its CDR was taken back by a person, who knows why.
        """

        async def work(tx: Transaction) -> bool:
            store = self._store
            known = await store.sessions.get_in(tx, store.party, event.session_id)
            seal = await store.sealed.get_in(tx, store.party, event.session_id)
            if known is None or seal is None:
                return known is not None  # The seal goes with the correction.
            if not await self._billed(tx, event, known, seal):
                return False
            await store.sealed.delete(tx, store.party, event.session_id)
            return True

        return await self._store.database.transact(work)

    async def _billed(self, tx: Transaction, event: SessionEnded, known: JSONObject, seal: JSONObject) -> bool:
        going, resumed = sessions.resumed(known, seal)
        right = sessions.completed(going, event, resumed)
        match state_of(known, seal):
            case State.BILLED:
                return await self._replaced(tx, event, known, right, seal)
            case State.INVALID:
                await self._billed_anew(tx, event, right, seal)
        return True

    async def _replaced(
        self, tx: Transaction, event: SessionEnded, known: JSONObject, right: JSONObject, seal: JSONObject
    ) -> bool:
        """Put a right CDR in the place of a wrong one; False if that was taken back before."""
        if all(known[name] == right[name] for name in ("kwh", "end_date_time")):
            return True
        wrong, _, new = await self._crediting.taken_back(tx, known["id"])
        if new:
            await self._put(tx, event, right, seal, id_=_new_id(), booking_id=wrong.get("booking_id"))
        return new

    async def _billed_anew(self, tx: Transaction, event: SessionEnded, right: JSONObject, seal: JSONObject) -> None:
        another = right | {"id": _new_id(), "status": STATUS[State.BILLED], "last_updated": date_time(self._clock())}
        await self._store.put_session(tx, another, seal)
        await self._put(tx, event, another, seal, id_=another["id"])

    async def _put(
        self, tx: Transaction, event: SessionEnded, ended: JSONObject, seal: JSONObject, *, id_: str,
        booking_id: str | None = None,
    ) -> None:  # fmt: skip
        more = self._terms.fields(ended) | {"id": id_, "last_updated": date_time(self._clock())}
        more |= {"booking_id": booking_id} if booking_id else {}
        made = cdrs.cdr(ended, seal, signed_data=event.signed_data, more=more)
        await self._store.put_for_provider(tx, self._store.cdrs, made)


def _new_id() -> str:
    return str(uuid.uuid4())
