"""Drivers as the room of charging needs them: who may charge, with which Token, and where.

Source: INCAR-UC005, INCAR-UC006 (X-41, X-43), SGEM-4.1-03, SGEM-4.1-04.
"""

from collections.abc import Callable

from hub.api.problems import Invalid, NotFound
from hub.database.contract import Transaction
from hub.emsp.charging.needs import Driver, NotAllowed, Permission, Spot
from hub.emsp.drivers import judging, people
from hub.emsp.drivers.agreements import OTHERS
from hub.emsp.drivers.desk import Desk
from hub.emsp.drivers.guests import CLASS, STAY
from hub.emsp.drivers.needs import Credit
from hub.emsp.search.contracts import Contract


class AtStations:
    """The room of drivers, seen from that of charging.

    Args:
        purse: what drivers can pay with.
        ad_hoc: whether somebody without account is served.
    """

    def __init__(self, desk: Desk, purse: Credit, *, ad_hoc: Callable[[], bool]) -> None:
        self._desk = desk
        self._purse = purse
        self._ad_hoc = ad_hoc

    async def driver(self, driver_id: str) -> Driver | None:
        """Return a driver who may charge."""
        found = await self._active(driver_id)
        if found is None:
            return None
        return Driver(
            driver_id=driver_id,
            driver_class=found.driver_class,
            vehicles=frozenset(each.id for each in await self._desk.garage.of_driver(driver_id)),
            language=found.language,
        )

    async def allow(
        self, driver_id: str, place: Spot, *, before: Permission | None = None, begins: bool = True
    ) -> Permission:
        """Give leave to charge as the provider's judge does; a guest gets his Token when he can pay.

        Raises:
            NotAllowed: he may not.
        """
        found = await self._desk.people.get(driver_id)
        if found.driver_class == CLASS and await self._desk.tokens.app_token(driver_id) is None:
            refusal = await self._purse.refusal(driver_id, str(place.owner))
            if refusal is not None:
                raise NotAllowed("NO_CREDIT", refusal)
            await self._desk.guests.admit(driver_id)
        known = judging.Permission(token=before.token, reference=before.reference) if before else None
        try:
            given = await self._desk.judge.allow(
                driver_id, place.owner, place.location_id, place.evse_uid, before=known, begins=begins
            )  # fmt: skip
        except judging.Denied as denied:
            raise NotAllowed(denied.allowed, str(denied)) from denied
        return Permission(token=given.token, reference=given.reference)

    async def admits(self, driver_id: str, place: Spot) -> bool:
        """Return whether a driver's contract covers a station."""
        return await self._desk.judge.admits(driver_id, place.owner, place.location_id)

    async def driver_of_phone(self, phone: str) -> str | None:
        """Return whose number this is, also where he may not charge any more."""
        found = await self._desk.means.driver_of_phone(phone)
        return found.id if found else None

    async def ad_hoc(self, phone: str) -> str | None:
        """Return a driver made for a number nobody has registered."""
        if not self._ad_hoc():
            return None
        try:
            token = await self._desk.means.ad_hoc(self._desk.people.now() + STAY, phone=phone)
        except Invalid:
            return None
        return token.driver_id

    async def driver_of_token(self, tx: Transaction, uid: str, kind: str) -> str | None:
        """Return whose Token this is."""
        return await self._desk.tokens.driver_of_token_in(tx, uid, kind)

    async def _active(self, driver_id: str) -> people.Driver | None:
        try:
            found = await self._desk.people.get(driver_id)
        except NotFound:
            return None
        over = found.ends_at is not None and found.ends_at <= self._desk.people.now()
        return found if found.state == "ACTIVE" and not over else None


class WhereAllowed:
    """What contracts cover, for the search: the provider's agreements, and where drivers of a class may charge."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def contract(self, driver_id: str | None) -> Contract:
        """Return where a driver may charge; None: where anybody may whom nobody knows."""
        said = await self._desk.agreements.said()
        others = said.pop(OTHERS, True)
        named = frozenset(cpo for cpo, allowed in said.items() if allowed is not others)
        if driver_id is None:
            return Contract(others=others, named=named)
        driver = await self._desk.people.get(driver_id)
        limits = await self._desk.classes.get(driver.driver_class)
        return Contract(
            others=others,
            named=named,
            countries=frozenset(limits.countries),
            locations=frozenset(each.upper() for each in limits.locations),
        )
