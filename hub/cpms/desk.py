"""Behind the operator's door: what stations tell becomes Sessions, CDRs and EVSE status, durable at once.

Each fact and what is owed because of it are written in one transaction; ``hub.ocpi.owed`` does the
telling. What may happen to a session is declared in ``hub.cpms.session_states``; an event that comes
twice, or when it no longer may, changes nothing.

Source: OCPI 2.3.0, mod_sessions.asciidoc, mod_cdrs.asciidoc, mod_commands.asciidoc.
"""

import datetime
import logging
import uuid
from collections.abc import Awaitable, Callable
from decimal import Decimal

from hub.cpms import cdrs, sessions
from hub.cpms.authorization import AUTHORIZE_TIMEOUT, BOOKED, Cascade
from hub.cpms.bookings.book import BookingBook
from hub.cpms.bookings.store import Place
from hub.cpms.bookings.wishes import Driver
from hub.cpms.outlets import outlet_in
from hub.cpms.ports import (
    Authorization,
    CpmsEvent,
    NoSuchPlace,
    OpenReservation,
    Outlet,
    ProfileChanged,
    Refusal,
    ReservationEnded,
    RunningSession,
    SessionCanceled,
    SessionEnded,
    SessionPending,
    SessionStarted,
    SessionUpdated,
    StatusChanged,
)
from hub.cpms.rebilling import Rebilling
from hub.cpms.seals import Seals
from hub.cpms.session_states import SESSION, STATUS, IllegalStep, State, Step, state_of
from hub.cpms.store import Reservation, Store
from hub.cpms.terms import CdrTerms
from hub.database.contract import Transaction
from hub.ocpi.errors import OcpiError
from hub.ocpi.messages import Body, Party, Request
from hub.ocpi.modules import chargingprofiles, commands
from hub.ocpi.objects import JSONObject
from hub.ocpi.owed import CallUrl
from hub.ocpi.platforms import Platform
from hub.ocpi.pricing import Outcome
from hub.ocpi.times import date_time, moment, utc_now

log = logging.getLogger(__name__)


class OperatorDesk:
    """The ``Desk`` of one operator.

    Args:
        hub: where requests are put.
        call_url: puts a request to an exact URL a peer gave.
        authorize_timeout: how long an eMSP may take to authorize a token, in seconds.
        heard: hears every event once it is recorded; ``terms``: what CDRs say of billing.
    """

    def __init__(
        self,
        *,
        party: Party,
        store: Store,
        hub: Platform,
        call_url: CallUrl,
        authorize_timeout: float = AUTHORIZE_TIMEOUT,
        clock: Callable[[], datetime.datetime] = utc_now,
        heard: Callable[[CpmsEvent], None] | None = None,
        terms: CdrTerms | None = None,
    ) -> None:
        self.party = party
        self.store = store
        self.hub = hub
        self.call_url = call_url
        self.clock = clock
        self._heard = heard
        self._terms = terms or CdrTerms()
        self.seals = Seals(store)
        self._rebilling = Rebilling(store, terms=self._terms, clock=clock)
        self.cascade = Cascade(party=party, store=store, hub=hub, timeout=authorize_timeout, clock=clock)
        self.book = BookingBook(store, clock=clock)
        self._charging: dict[Place, str] = {}
        self._handlers: dict[type, Callable[..., Awaitable[None]]] = {
            StatusChanged: self._status_changed,
            SessionPending: self._session_pending,
            SessionCanceled: self._session_canceled,
            SessionStarted: self._session_started,
            SessionUpdated: self._session_updated,
            SessionEnded: self._session_ended,
            ReservationEnded: self._reservation_ended,
            ProfileChanged: self._profile_changed,
        }

    async def tell(self, event: CpmsEvent) -> None:
        """Record an event of the CPMS; it is durable when this returns."""
        await self._handlers[type(event)](event)
        if self._heard is not None:
            self._heard(event)

    def hold(self, outlet: Outlet, authorization: Authorization) -> None:
        """Remember the token of a command: its eMSP has authorized it for this station."""
        self.cascade.hold(outlet, authorization)

    async def authorize(self, uid: str, token_type: str, outlet: Outlet) -> Authorization | Refusal:
        """Return the leave for a token presented at a station, or why there is none."""
        if await self.keeps_from(uid, token_type, outlet):
            return BOOKED
        return await self.cascade.judge(uid, token_type, outlet)

    async def keeps_from(self, uid: str, token_type: str, outlet: Outlet) -> bool:
        """Whether an outlet is kept just now for another's booking."""
        return await self.book.keeps_from(outlet, Driver(uid=uid, type=token_type))

    # -- places ------------------------------------------------------------------------------------

    async def outlet(self, location_id: str, evse_uid: str, connector_id: str | None = None) -> Outlet | None:
        """Return an outlet of our Locations; without a connector_id the EVSE's first."""
        return outlet_in(await self.store.locations.get(self.party, location_id), evse_uid, connector_id)

    async def free_outlet(self, location_id: str) -> Outlet | None:
        """Return the outlet a driver who named no EVSE gets: an available one if there is one."""
        location = await self.store.locations.get(self.party, location_id)
        evses = [each for each in (location or {}).get("evses") or [] if each["status"] != "REMOVED"]
        evses.sort(key=lambda each: each["status"] != "AVAILABLE")
        return outlet_in(location, evses[0]["uid"]) if evses else None

    def session_at(self, outlet: Outlet) -> str | None:
        """Return the session that is going on at an EVSE."""
        return self._charging.get(Place.of(outlet.location_id, outlet.evse_uid))

    async def running(self) -> list[RunningSession]:
        """Return the sessions that were going on when this side stopped."""
        found = []
        for each in await self.store.sessions.all():
            outlet = await self.outlet(each["location_id"], each["evse_uid"], each["connector_id"])
            if each["status"] == "ACTIVE" and outlet is not None:
                self._charging[Place.of(outlet.location_id, outlet.evse_uid)] = each["id"]
                found.append(
                    RunningSession(
                        session_id=each["id"],
                        outlet=outlet,
                        authorization=_authorization(each),
                        started_at=moment(each["start_date_time"]),
                        kwh=float(each["kwh"]),
                    )
                )
        return found

    async def reserved(self) -> list[OpenReservation]:
        """Return the reservations that are neither used nor over."""
        found = []
        for each in await self.store.open_reservations():
            made = await self.store.sessions.get(self.party, each.session_id)
            assert made is not None, "written with the reservation"
            outlet = await self.outlet(made["location_id"], made["evse_uid"], made["connector_id"])
            if outlet is not None:
                found.append(
                    OpenReservation(
                        reservation_id=each.session_id,
                        outlet=outlet,
                        authorization=_authorization(made),
                        expires_at=each.expires_at,
                    )
                )
        return found

    # -- events ------------------------------------------------------------------------------------

    async def _status_changed(self, event: StatusChanged) -> None:
        new = {"status": event.status, "last_updated": date_time(event.at)}
        uid = event.evse_uid.upper()

        async def work(tx: Transaction) -> None:
            change = self.store.change_evses
            await change(tx, event.location_id, lambda evse: new if evse["uid"].upper() == uid else None)

        await self.store.database.transact(work)

    async def _session_pending(self, event: SessionPending) -> None:
        location = await self.store.locations.get(self.party, event.outlet.location_id)
        currency = sessions.currency_of(await self.seals.tariffs(location or {}, event.outlet))
        new = sessions.reserved_session(
            self.party, event.session_id, event.outlet, event.authorization, event.at, currency
        ) | {"status": STATUS[State.AUTHORIZED]}
        seal = _sealed(State.AUTHORIZED, new, event.authorization)

        async def work(tx: Transaction) -> None:
            if await self.store.sessions.get_in(tx, self.party, event.session_id) is None:
                await self.store.sealed.put(tx, self.party, event.session_id, seal)
                await self.store.put_session(tx, new, seal)

        await self.store.database.transact(work)

    async def _session_canceled(self, event: SessionCanceled) -> None:
        async def work(tx: Transaction) -> None:
            known, seal, state = await self._known(tx, event.session_id)
            if known is None or (after := _after(state, Step.CANCEL)) is None:
                return
            at = date_time(event.at)
            closed = known | {"status": STATUS[after], "end_date_time": at}
            closed["last_updated"] = max(at, known["last_updated"])
            await self.store.put_session(tx, closed, seal)
            await self.store.sealed.delete(tx, self.party, event.session_id)

        await self.store.database.transact(work)

    async def _session_started(self, event: SessionStarted) -> None:
        known = await self.store.sessions.get(self.party, event.session_id)
        if known is not None and _after(state_of(known, None), Step.START) is None:
            return  # told again, perhaps at a place that is gone by now
        location = await self.store.locations.get(self.party, event.outlet.location_id)
        if location is None or outlet_in(location, event.outlet.evse_uid, event.outlet.connector_id) is None:
            raise NoSuchPlace(str(event.outlet))
        fresh = await self.seals.made(location, event.outlet, event.authorization, event.at)
        new = sessions.session(self.party, event, sessions.currency_of(fresh["tariffs"]))
        fresh |= _sealed(State.STARTED, new, event.authorization)

        async def work(tx: Transaction) -> JSONObject | None:
            known, _, state = await self._known(tx, event.session_id)
            if known is not None and _after(state, Step.START) is None:
                return None
            reserved_at = known["start_date_time"] if known is not None and state is State.RESERVED else None
            seal = fresh | {"reserved_at": reserved_at}
            await self.store.end_reservation(tx, event.session_id, "USED")
            booking = await self.book.started(tx, event)
            await self.store.sealed.put(tx, self.party, event.session_id, seal)
            await self.store.put_session(tx, sessions.started(new, seal, known), seal)
            return booking

        fulfilled = await self.store.database.transact(work)
        if fulfilled is not None:
            self.book.announce(fulfilled)
        self._charging[Place.of(event.outlet.location_id, event.outlet.evse_uid)] = event.session_id

    async def _session_updated(self, event: SessionUpdated) -> None:
        step = Step.FLOW if event.charging else Step.HOLD_BACK if event.held_back else Step.PARK

        async def work(tx: Transaction) -> None:
            known, seal, state = await self._known(tx, event.session_id)
            if known is None or (after := _after(state, step)) is None or event.kwh < known["kwh"]:
                return
            changed, seal = sessions.advanced(known, event, seal)
            await self.store.sealed.put(tx, self.party, event.session_id, seal | {"state": after})
            await self.store.put_session(tx, changed, seal)

        await self.store.database.transact(work)

    async def _session_ended(self, event: SessionEnded) -> None:
        async def work(tx: Transaction) -> None:
            known, seal, state = await self._known(tx, event.session_id)
            unbilled = event.unbilled or seal.get("unbilled")
            last = Step.INVALIDATE if event.invalid else Step.LEAVE_UNBILLED if unbilled else Step.BILL
            if known is None or (after := _after(state, Step.END, last)) is None:
                return
            ended = sessions.completed(known, event, seal) | {"status": STATUS[after]}
            await self.store.put_session(tx, ended, seal)
            booked = await self.book.ended(tx, event.session_id)
            if after is State.BILLED:
                more = self._terms.fields(ended) | ({"booking_id": booked} if booked else {})
                made = cdrs.cdr(ended, seal, signed_data=event.signed_data, more=more)
                await self.store.put_for_provider(tx, self.store.cdrs, made)
            if event.given_up:  # What its place and prices were is wanted again if its stop comes after all.
                await self.store.sealed.put(tx, self.party, event.session_id, seal | {"state": after})
            else:
                await self.store.sealed.delete(tx, self.party, event.session_id)

        await self.store.database.transact(work)
        self._charging = {place: each for place, each in self._charging.items() if each != event.session_id}

    async def cost(self, session_id: str, update: SessionUpdated | None = None) -> Decimal | None:
        """Return what a session costs by what its meter says now, taxes included; None: that is not known."""
        return await self.seals.cost(session_id, update)

    async def correct(self, event: SessionEnded) -> bool:
        """Bill a session that was given up as its stop says after all; False: a person has to look at it."""
        return await self._rebilling.correct(event)

    async def _known(self, tx: Transaction, session_id: str) -> tuple[JSONObject | None, JSONObject, State]:
        """Return a Session, what is sealed of it, and its state; of one that is unknown the state means nothing."""
        known = await self.store.sessions.get_in(tx, self.party, session_id)
        if known is None:
            return None, {}, State.CANCELED
        seal = await self.store.sealed.get_in(tx, self.party, session_id)
        return known, seal or {}, state_of(known, seal)

    async def _reservation_ended(self, event: ReservationEnded) -> None:
        state, outcome = ("CANCELED", None) if event.canceled else ("EXPIRED", Outcome.EXPIRED)
        if not await self.close_reservation(event.reservation_id, state, event.at, outcome) or not event.canceled:
            return
        reservation = await self.store.reservation_of(event.reservation_id)
        assert reservation is not None, "it was closed a moment ago"
        # The URL of the RESERVE_NOW is called a second time (mod_commands, Reservation canceled by the CPO).
        await self.post_result(
            reservation.response_url,
            Request(
                commands.post_result,
                self.party,
                reservation.asker,
                body=Body(commands.CommandResult, value={"result": "CANCELED_RESERVATION"}),
            ),
        )

    async def _profile_changed(self, event: ProfileChanged) -> None:
        # Told at once or not at all: a plan that is over is of no use to anybody.
        for setter in await self.store.profile_setters(event.session_id):
            request = Request(
                chargingprofiles.put_active_charging_profile,
                self.party,
                setter,
                {"session_id": event.session_id},
                body=Body(chargingprofiles.ActiveChargingProfile, value=event.profile),
            )
            try:
                (await self.hub(request)).raise_for_status()
            except OcpiError as error:
                log.warning("%s: %s", request, error)

    # -- reservations and results ------------------------------------------------------------------

    async def open_reservation(self, reservation: Reservation, taken: OpenReservation) -> None:
        """Record a reservation the station took, with its Session."""
        outlet = taken.outlet
        location = await self.store.locations.get(self.party, outlet.location_id)
        assert location is not None, "an outlet is of a Location"
        at = self.clock()
        seal = await self.seals.made(location, outlet, taken.authorization, at) | {"state": State.RESERVED}
        new = sessions.reserved_session(
            self.party, reservation.session_id, outlet, taken.authorization, at, sessions.currency_of(seal["tariffs"])
        )

        async def work(tx: Transaction) -> None:
            await self.store.reserve(tx, reservation)
            await self.store.sealed.put(tx, self.party, reservation.session_id, seal)
            await self.store.put_for_provider(tx, self.store.sessions, new)

        await self.store.database.transact(work)

    async def close_reservation(
        self, session_id: str, state: str, at: datetime.datetime, outcome: Outcome | None = None
    ) -> bool:
        """Move an open reservation to its last state and complete its Session; False if it was not open.

        Args:
            outcome: what its driver pays for, if the Tariff says so; None is nothing.
        """

        async def work(tx: Transaction) -> bool:
            if not await self.store.end_reservation(tx, session_id, state):
                return False
            known, seal, _ = await self._known(tx, session_id)
            assert known is not None, "written with the reservation"
            await self.book.release(tx, session_id, Place.of(known["location_id"], known["evse_uid"]))
            ended = sessions.lapsed(known, seal, at) | {"status": STATUS[SESSION.after(State.RESERVED, Step.LAPSE)]}
            await self.store.put_for_provider(tx, self.store.sessions, ended)
            if outcome is not None and (made := cdrs.reservation_cdr(ended, seal, outcome)) is not None:
                await self.store.put_for_provider(tx, self.store.cdrs, made)
            await self.store.sealed.delete(tx, self.party, session_id)
            return True

        return await self.store.database.transact(work)

    async def post_result(self, response_url: str, request: Request) -> None:
        """Deliver an asynchronous result to the URL the asker gave; OCPI repeats none."""
        try:
            (await self.call_url(response_url, request)).raise_for_status()
        except OcpiError as error:
            log.warning("%s: %s", request, error)


def _after(state: State, *steps: Step) -> State | None:
    """Return where the steps lead; None if the session may not take them: it was told so before, or is over."""
    try:
        for step in steps:
            state = SESSION.after(state, step)
    except IllegalStep as refused:
        log.info("told again or too late: %s", refused)
        return None
    return state


def _sealed(state: State, session: JSONObject, authorization: Authorization) -> JSONObject:
    return {"state": state, "unbilled": authorization.unbilled, "last_updated": session["last_updated"]}


def _authorization(session: JSONObject) -> Authorization:
    reference = session.get("authorization_reference")
    return Authorization(token=session["cdr_token"], method=session["auth_method"], reference=reference)


def new_id() -> str:
    """Return a new id: a CiString(36)."""
    return str(uuid.uuid4())
