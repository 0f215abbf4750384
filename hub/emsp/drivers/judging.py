"""Whether a driver may charge: asked by CPOs in real time, and by ourselves before a command leaves.

The order of the questions is the order of what a driver can do about the answer: the card, the contract, the place,
the purse. Opening hours and status are the CPO's business (mod_tokens).

Source: OCPI 2.3.0, mod_tokens.asciidoc (real-time authorization); GEM-UC-1502, X-41, X-43, X-52, X-64.
"""

from dataclasses import dataclass
from typing import Literal

from hub.emsp.drivers.agreements import Agreements
from hub.emsp.drivers.authorizations import Authorizations, Question
from hub.emsp.drivers.classes import Classes
from hub.emsp.drivers.needs import Credit, LocationOf, Now
from hub.emsp.drivers.people import Driver, People
from hub.emsp.drivers.reasons import Reason, display_text
from hub.emsp.drivers.tokens import DriverToken, Tokens, ended
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject

Allowed = Literal["ALLOWED", "BLOCKED", "EXPIRED", "NO_CREDIT", "NOT_ALLOWED"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """An answer.

    Attributes:
        info: DisplayText for the driver; None where he may charge.
    """

    allowed: Allowed
    info: JSONObject | None = None


@dataclass(frozen=True, kw_only=True)
class Permission:
    """Leave to begin a charge.

    Attributes:
        token: the OCPI Token to begin it with.
        reference: its authorization_reference.
    """

    token: JSONObject
    reference: str


class Denied(Exception):
    """Leave is not given; the message says why, in the driver's language."""

    def __init__(self, allowed: Allowed, text: str) -> None:
        super().__init__(text)
        self.allowed = allowed


_MAY = Verdict(allowed="ALLOWED")


class Judge:
    """Answers, and keeps what it answered."""

    def __init__(
        self, *, people: People, tokens: Tokens, agreements: Agreements, classes: Classes,
        authorizations: Authorizations, credit: Credit, location_of: LocationOf, now: Now,
    ) -> None:  # fmt: skip
        self._people = people
        self._tokens = tokens
        self._agreements = agreements
        self._classes = classes
        self._authorizations = authorizations
        self._credit = credit
        self._location_of = location_of
        self._now = now

    async def judge(
        self, cpo: Party | None, uid: str, kind: str, token: JSONObject | None, place: JSONObject | None
    ) -> JSONObject | None:
        """Return the AuthorizationInfo a CPO is answered; None: the Token is not known.

        Args:
            token: as it is on the provider's shelf; one that is no driver's is judged by itself.
            place: LocationReferences; None: the CPO told none.
        """
        question = _question(cpo, uid, kind, place)
        if token is None:
            await self._authorizations.add(question, driver_id="", allowed="UNKNOWN", reason="")
            return None
        ours = await self._tokens.find(uid, kind)
        driver = await self._people.get(ours.driver_id) if ours else None
        verdict = await self._verdict(question, cpo, token, ours, driver)
        reference = await self._kept(question, driver, verdict)
        if verdict.info is not None:
            return {"allowed": verdict.allowed, "token": token, "info": verdict.info}
        info = {"allowed": verdict.allowed, "token": token, "authorization_reference": reference}
        return info | {"location": place} if place else info

    async def allow(
        self, driver_id: str, cpo: Party, location_id: str, evse_uid: str = "", *,
        before: Permission | None = None, begins: bool = True,
    ) -> Permission:  # fmt: skip
        """Give leave to begin a charge or to book one from the driver's app; nothing is sent to the CPO without it.

        Args:
            before: leave that was given for the same charge when it was booked, and is given again.
            begins: whether it begins now; only then the purse is asked, so that a booking can be paid for later.

        Raises:
            Denied: he may not.
            NotFound: there is no such driver.
        """
        driver = await self._people.get(driver_id)
        ours = await self._named(driver_id, before)
        if ours is None:
            raise Denied("BLOCKED", "This account has no token to charge with; confirm its e-mail address first")
        evses = (evse_uid,) if evse_uid else ()
        question = Question(uid=ours.uid, type=ours.type, cpo=str(cpo), location_id=location_id, evse_uids=evses)
        token = before.token if before else self._tokens.document(driver, ours)
        verdict = await self._verdict(question, cpo, token, ours, driver, begins=begins)
        if verdict.info is not None:
            await self._kept(question, driver, verdict)
            raise Denied(verdict.allowed, str(verdict.info["text"]))
        reference = await self._kept(question, driver, verdict, before.reference if before else None)
        return Permission(token=token, reference=reference)

    async def _named(self, driver_id: str, before: Permission | None) -> DriverToken | None:
        if before is None:
            return await self._tokens.app_token(driver_id)
        return await self._tokens.find(before.token["uid"], before.token["type"])

    async def admits(self, driver_id: str, cpo: Party, location_id: str) -> bool:
        """Return whether a driver's contract covers a place, whatever else he lacks; nothing is kept of it."""
        driver = await self._people.get(driver_id)
        return await self._agreements.allows(cpo) and await self._admitted(str(cpo), location_id, driver)

    async def _kept(
        self, question: Question, driver: Driver | None, verdict: Verdict, reference: str | None = None
    ) -> str:  # fmt: skip
        return await self._authorizations.add(
            question,
            driver_id=driver.id if driver else "",
            allowed=verdict.allowed,
            reason=verdict.info["text"] if verdict.info else "",
            reference=reference,
        )

    async def _verdict(
        self, question: Question, cpo: Party | None, token: JSONObject, ours: DriverToken | None,
        driver: Driver | None, *, begins: bool = True,
    ) -> Verdict:  # fmt: skip
        language = str(token.get("language") or "en")
        if ours is None or driver is None:
            if not token["valid"]:
                return _no("BLOCKED", "BLOCKED", language)
        elif (refused := self._standing(ours, driver)) is not None:
            return refused
        if not await self._agreements.allows(cpo):
            return _no("NOT_ALLOWED", "NO_AGREEMENT", language)
        return _MAY if driver is None else await self._there(question, driver, begins=begins)

    def _standing(self, ours: DriverToken, driver: Driver) -> Verdict | None:
        """Return why a Token may be used nowhere; None: it may."""
        language = driver.language
        if ours.state == "BLOCKED" or driver.state == "BLOCKED":
            return _no("BLOCKED", "BLOCKED", language, ours.reason or driver.reason)
        if driver.state in ("GONE", "ERASED"):
            return _no("BLOCKED", "GONE", language)
        if ours.state == "REMOVED":
            return _no("BLOCKED", "REMOVED", language)
        return _no("EXPIRED", "EXPIRED", language) if ended(driver, ours, self._now()) else None

    async def _there(self, question: Question, driver: Driver, *, begins: bool) -> Verdict:
        """Return whether a driver in good standing may charge at a place, and can pay for what begins."""
        if not await self._admitted(question.cpo, question.location_id, driver):
            return _no("NOT_ALLOWED", "NOT_HERE", driver.language)
        broke = await self._credit.refusal(driver.id, question.cpo) if begins else None
        return _MAY if broke is None else _no("NO_CREDIT", "NO_CREDIT", driver.language, broke)

    async def _admitted(self, cpo: str, location_id: str, driver: Driver) -> bool:
        limits = await self._classes.get(driver.driver_class)
        if not limits.limited:
            return True
        location = await self._location_of(cpo, location_id) if location_id else None
        return limits.admits(cpo, location_id, location)


def _no(allowed: Allowed, reason: Reason, language: str, said: str = "") -> Verdict:
    return Verdict(allowed=allowed, info=display_text(reason, language, said))


def _question(cpo: Party | None, uid: str, kind: str, place: JSONObject | None) -> Question:
    there = place or {}
    return Question(
        uid=uid,
        type=kind,
        cpo=str(cpo or ""),
        location_id=there.get("location_id", ""),
        evse_uids=tuple(there.get("evse_uids") or ()),
    )
