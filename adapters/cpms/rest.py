"""A CPMS of another maker, reached by its REST API: the worked example of docs/adapters.md.

The other system calls a Connector a socket, a session a charge, a reservation a hold and a token a
badge; it counts in Wh, W, A per phase and milliseconds, and knows no charging preferences and no
profile with more than one period. ``rest_api.py`` has its words and units,
``examples/other_cpms.py`` plays it.

The adapter keeps nothing that it cannot read again. Each charge carries a note in which the adapter
wrote whose it is, and stays listed at the other side until it is settled, which the adapter says when
the Session's end is durable here. So whichever side is restarted, ``_compare`` finds every charge and
tells it, and since an event told twice changes nothing, none is lost and none is double.
"""

import asyncio
import datetime
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from adapters.cpms.rest_api import (
    FEED_LOST,
    UNREADABLE,
    Api,
    NotDone,
    amps_of,
    authorization_of,
    badge_of,
    bearer_of,
    holds,
    moment_of,
    most_amps,
    note_of,
    profile_of,
    status_of,
)
from hub.cpms.ports import (
    Authorization,
    CommandResultType,
    Desk,
    Handler,
    OpenReservation,
    Outlet,
    ProfileResultType,
    Refusal,
    ReservationEnded,
    RunningSession,
    SessionEnded,
    SessionStarted,
    SessionUpdated,
    StatusChanged,
)
from hub.ocpi.objects import JSON, JSONObject
from hub.ocpi.times import utc_now

log = logging.getLogger(__name__)

#: Sessions that cards begin get their id from the question about the card: the same question, the same session.
_ASKS = uuid.UUID("1d3f6c1e-7a0b-4f6e-9a55-0b8a4f8f6f10")


@dataclass(frozen=True)
class _Charge:
    """What is known here of one of their charges."""

    id: str
    session_id: str
    outlet: Outlet
    authorization: Authorization


class RestCpms:
    """The adapter.

    Args:
        url: of their API, without ``/v3``; key is shown with every call.
        timeout: how long an answer is waited for, in seconds.
        every: seconds between two looks into the feed.
    """

    def __init__(self, url: str, key: str, *, timeout: float = 20.0, every: float = 1.0) -> None:
        self._api = Api(url, key, timeout)
        self._every = every
        self._desk: Desk | None = None
        self._sockets: dict[str, str] = {}  # tag to their id
        self._charges: dict[str, _Charge] = {}  # by their id
        self._holds: dict[str, OpenReservation] = {}  # by reservation_id
        self._running: dict[str, RunningSession] = {}  # handed in, and not yet found at their side
        self._feed, self._cursor = "", 0
        self._reading = asyncio.Lock()
        self._following: asyncio.Task[None] | None = None

    # -- life --------------------------------------------------------------------------------------

    async def start(self, desk: Desk, running: Sequence[RunningSession], reserved: Sequence[OpenReservation]) -> None:
        """Compare what was left open with what is there, now or as soon as the other side answers."""
        self._desk = desk
        self._running = {each.session_id: each for each in running}
        self._holds = {each.reservation_id: each for each in reserved}
        await self._look()
        self._following = asyncio.create_task(self._follow(), name="other CPMS")

    async def stop(self) -> None:
        """Stop listening."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
        await self._api.close()

    @property
    def desk(self) -> Desk:
        """Who is told of what happens."""
        assert self._desk is not None, "the CPMS is started before it is used"
        return self._desk

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            await self._look()

    async def _look(self) -> None:
        """Read the feed; what could not be recorded, for the desk's store may be away, is read again later."""
        try:
            await self.read_feed()
        except Exception:
            log.exception("what the other CPMS told could not be recorded")

    # -- commands ----------------------------------------------------------------------------------

    async def start_session(self, outlet: Outlet, authorization: Authorization) -> CommandResultType:
        """Start a charge under an id of ours, by which it is found again if the answer is lost."""
        session_id = self._reserved_for(outlet, authorization) or str(uuid.uuid4())
        note = note_of(session_id, authorization)
        try:
            body = {"socket": self._socket(outlet), "badge": badge_of(authorization), "ref": session_id, "note": note}
            answer = await self._api.call("POST", "/v3/charges", body)
            return "ACCEPTED" if holds(answer, "charge", "phase", ("charging", "full")) else "FAILED"
        except NotDone as error:
            return error.result
        finally:
            await self._look()

    async def stop_session(self, session_id: str) -> CommandResultType:
        """Stop a charge."""
        charge = self._charge_of(session_id)
        if charge is None:
            return "REJECTED"
        try:
            answer = await self._api.call("POST", f"/v3/charges/{charge.id}/stop")
            return "ACCEPTED" if holds(answer, "charge", "phase", ("ended",)) else "FAILED"
        except NotDone as error:
            return error.result
        finally:
            await self._look()

    async def reserve_now(self, reservation: OpenReservation) -> CommandResultType:
        """Hold a socket."""
        badge, until = badge_of(reservation.authorization), int(reservation.expires_at.timestamp() * 1000)
        try:
            body = {"socket": self._socket(reservation.outlet), "badge": badge, "until": until}
            answer = await self._api.call("PUT", f"/v3/holds/{reservation.reservation_id}", body)
            if not holds(answer, "hold", "ref", (reservation.reservation_id,)):
                return "FAILED"
            self._holds[reservation.reservation_id] = reservation
            return "ACCEPTED"
        except NotDone as error:
            return error.result
        finally:
            await self._look()

    async def cancel_reservation(self, reservation_id: str) -> CommandResultType:
        """Let a socket go."""
        try:
            answer = await self._api.call("DELETE", f"/v3/holds/{reservation_id}")
            if "hold" not in answer:
                return "FAILED"
            self._holds.pop(reservation_id, None)
            return "ACCEPTED"
        except NotDone as error:
            return error.result
        finally:
            await self._look()

    async def unlock_connector(self, outlet: Outlet) -> CommandResultType:
        """Release the plug; they refuse it while energy flows."""
        try:
            answer = await self._api.call("POST", f"/v3/sockets/{self._socket(outlet)}/release")
            return "ACCEPTED" if "socket" in answer else "FAILED"
        except NotDone as error:
            return "REJECTED" if error.code == "SOCKET_BUSY" else error.result

    # -- charging profiles -------------------------------------------------------------------------

    async def set_charging_profile(self, session_id: str, profile: JSONObject) -> ProfileResultType:
        """Limit a charge to one current; a plan of several periods is rejected, for they know none."""
        charge = self._charge_of(session_id)
        if charge is None:
            return "UNKNOWN"
        amps = amps_of(profile)
        if amps is None:
            return "REJECTED"
        try:
            answer = await self._api.call("PUT", f"/v3/charges/{charge.id}/limit", {"amps": amps})
        except NotDone as error:
            return "UNKNOWN" if error.code in ("NO_SUCH_CHARGE", "NOT_CHARGING") else "REJECTED"
        return "ACCEPTED" if holds(answer, "charge", "limit", (amps,)) else "REJECTED"

    async def clear_charging_profile(self, session_id: str) -> ProfileResultType:
        """Take the limit away."""
        charge = self._charge_of(session_id)
        if charge is None:
            return "UNKNOWN"
        try:
            answer = await self._api.call("DELETE", f"/v3/charges/{charge.id}/limit")
        except NotDone as error:
            return "UNKNOWN" if error.code in ("NO_SUCH_CHARGE", "NO_LIMIT") else "REJECTED"
        return "ACCEPTED" if holds(answer, "charge", "limit", (None,)) else "REJECTED"

    async def active_charging_profile(self, session_id: str, duration: int) -> JSONObject | None:
        """Return the limit of now, held: they plan nothing."""
        charge = self._charge_of(session_id)
        if charge is None:
            return None
        try:
            answer = await self._api.call("GET", f"/v3/charges/{charge.id}")
        except NotDone:
            return None
        limit = (answer.get("charge") or {}).get("limit")
        amps = limit if limit is not None else most_amps(charge.outlet)
        return profile_of(amps, duration, utc_now())

    def orders(self) -> Mapping[str, Handler]:
        """Nothing beyond OCPI."""
        return {}

    # -- what happens there ------------------------------------------------------------------------

    async def read_feed(self) -> None:
        """Tell what has happened since the last look; an unreachable side is looked at again later."""
        async with self._reading:
            try:
                if not self._feed:
                    return await self._compare()
                await self._read()
            except NotDone as error:
                log.warning("the feed of the other CPMS cannot be read: %s", error)
                if error.code in FEED_LOST:  # it has begun anew, we were away for too long, or it makes no sense
                    self._feed = ""

    async def _read(self) -> None:
        answer = await self._api.call("GET", f"/v3/feed?feed={self._feed}&after={self._cursor}")
        for event in answer["events"]:
            if not await self._taken(self._happened, event):
                raise NotDone("FAILED", "UNREADABLE")
            self._cursor = event["n"]

    async def _taken(self, take: Callable[[JSON], Awaitable[None]], told: JSON) -> bool:
        """Take in what they tell; False: it cannot be read, and stops nothing of what is told beside it."""
        try:
            await take(told)
        except UNREADABLE:
            log.exception("what the other CPMS told cannot be read: %.300r", told)
            return False
        return True

    async def _happened(self, event: JSON) -> None:
        at, kind = moment_of(event["at"]), event["kind"]
        if kind == "socket.state":
            await self._status(event["socket"], event["state"], at)
        elif kind == "badge.asked":
            await self._asked(event)
        elif kind in ("hold.lapsed", "hold.revoked"):
            await self._hold_ended(event["ref"], canceled=kind == "hold.revoked", at=at)
        elif kind == "charge.meter":
            await self._metered(event["charge"], event["wh"], event["watts"], at)
        elif kind in ("charge.started", "charge.ended"):
            await self._changed((await self._api.call("GET", f"/v3/charges/{event['charge']}"))["charge"])
        else:
            log.info("the other CPMS told %s, which says nothing to us", kind)

    async def _compare(self) -> None:
        """Read everything, tell what differs from what is known here, and go on from there in the feed."""
        seen = await self._api.call("GET", "/v3/overview")
        self._sockets = {str(each.get("tag")): each.get("id") for each in seen["sockets"]}
        read = [await self._taken(self._changed, each) for each in seen["charges"]]
        # Of a charge that cannot be read nobody knows whose it is, so that none can be said to be lost.
        for session_id in list(self._running) if all(read) else ():
            await self._lost(self._running[session_id])
        await self._compare_holds({each.get("ref") for each in seen["holds"]})
        for each in seen["sockets"]:
            await self._taken(lambda socket: self._status(socket["id"], socket["state"], utc_now()), each)
        for each in seen["asks"]:
            await self._taken(self._asked, each)
        self._feed, self._cursor = seen["feed"], seen["cursor"]

    async def _compare_holds(self, refs: set[str]) -> None:
        for gone in [each for each in self._holds.values() if each.reservation_id not in refs]:
            await self._hold_ended(gone.reservation_id, canceled=gone.expires_at > utc_now(), at=utc_now())

    async def _lost(self, session: RunningSession) -> None:
        """A session they know nothing of any more ends with what was last told: it cannot go on, nor wait for ever."""
        log.warning("session %s is unknown to the other CPMS; it ends at %s kWh", session.session_id, session.kwh)
        await self.desk.tell(SessionEnded(session_id=session.session_id, kwh=session.kwh, at=utc_now()))
        del self._running[session.session_id]

    # -- charges -----------------------------------------------------------------------------------

    async def _changed(self, charge: JSON) -> None:
        known = self._charges.get(charge["id"]) or await self._found(charge)
        if known is None or charge["phase"] != "ended":
            return
        until = charge["flowed_until"]
        await self.desk.tell(
            SessionEnded(
                session_id=known.session_id,
                kwh=round(charge["wh"] / 1000, 4),
                at=moment_of(charge["ended_at"]),
                charged_until=moment_of(until) if until is not None else None,
                unbilled=known.authorization.unbilled,
            )
        )
        # Only what is durable here may be forgotten there.
        await self._api.call("POST", f"/v3/charges/{charge['id']}/settle")
        del self._charges[charge["id"]]

    async def _found(self, charge: JSON) -> _Charge | None:
        """Take notice of a charge: one of the sessions handed in, or one that has begun."""
        outlet = await self._outlet(charge["socket"])
        if charge["settled"] or outlet is None:
            return None
        left = self._running.pop(charge["ref"], None)
        authorization = left.authorization if left is not None else authorization_of(charge["note"])
        if authorization is None:
            log.warning("charge %s at %s is not one of ours", charge["id"], outlet)
            return None
        found = _Charge(charge["id"], charge["ref"], outlet, authorization)
        if left is None:
            name, at = found.session_id, moment_of(charge["begun_at"])
            await self.desk.tell(SessionStarted(session_id=name, outlet=outlet, authorization=authorization, at=at))
        self._holds.pop(found.session_id, None)
        self._charges[found.id] = found
        return found

    async def _metered(self, charge_id: str, wh: int, watts: float, at: datetime.datetime) -> None:
        known = self._charges.get(charge_id)
        if known is not None:
            name, kwh, power = known.session_id, wh / 1000, watts / 1000
            await self.desk.tell(SessionUpdated(session_id=name, kwh=kwh, at=at, charging=watts > 0, power=power))

    def _charge_of(self, session_id: str) -> _Charge | None:
        return next((each for each in self._charges.values() if each.session_id == session_id), None)

    async def _asked(self, event: JSON) -> None:
        """A badge is at a reader: ask its eMSP, and answer."""
        outlet = await self._outlet(event["socket"])
        leave = await self.desk.authorize(event["badge"], "RFID", outlet) if outlet is not None else None
        answer: JSONObject = {"allow": False}
        if isinstance(leave, Authorization):
            session_id = str(uuid.uuid5(_ASKS, event["ask"]))
            answer = {"allow": True, "ref": session_id, "note": note_of(session_id, leave)}
        elif isinstance(leave, Refusal):
            log.info("a badge was refused: %s", leave.reason)
        try:
            await self._api.call("POST", f"/v3/asks/{event['ask']}", answer)
        except NotDone as error:
            log.info("the question about a badge is over: %s", error)

    # -- holds, sockets, places --------------------------------------------------------------------

    async def _hold_ended(self, ref: str, *, canceled: bool, at: datetime.datetime) -> None:
        await self.desk.tell(ReservationEnded(reservation_id=ref, canceled=canceled, at=at))
        self._holds.pop(ref, None)

    def _reserved_for(self, outlet: Outlet, authorization: Authorization) -> str | None:
        """Return the id of the reservation a token has for an outlet."""
        for each in self._holds.values():
            same_place = (each.outlet.location_id, each.outlet.evse_uid) == (outlet.location_id, outlet.evse_uid)
            if same_place and bearer_of(each.authorization) == bearer_of(authorization):
                return each.reservation_id
        return None

    async def _status(self, socket_id: str, state: str, at: datetime.datetime) -> None:
        outlet = await self._outlet(socket_id)
        status = status_of(state)
        # While the feed goes on each change is told; when comparing, only what is another status than known.
        if outlet is not None and (self._feed or outlet.status != status):
            await self.desk.tell(
                StatusChanged(location_id=outlet.location_id, evse_uid=outlet.evse_uid, status=status, at=at)
            )

    def _socket(self, outlet: Outlet) -> str:
        tag = f"{outlet.location_id}/{outlet.evse_uid}/{outlet.connector_id}"
        if tag not in self._sockets:
            raise NotDone("EVSE_INOPERATIVE", f"they have no socket {tag}")
        return self._sockets[tag]

    async def _outlet(self, socket_id: str) -> Outlet | None:
        tag = next((tag for tag, known in self._sockets.items() if known == socket_id), "")
        names = tag.split("/")
        return await self.desk.outlet(*names) if len(names) == 3 else None
