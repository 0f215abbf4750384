"""Waiting for a station: who waits is told once when it is free (RASD-F11)."""

from typing import Annotated

from hub.api.declaring import Call, route
from hub.api.problems import Conflict, NotFound, invalid
from hub.api.shapes import Moment, Page, Shape, pattern
from hub.emsp.api.scopes import Scope
from hub.emsp.companion.waiting import FreeWishes, TooManyWishes, UnknownPlace, Wish

Id = Annotated[str, pattern("^[\\u0020-\\u007e]+$", "printable ASCII", most=36)]
Owner = Annotated[
    str, pattern("^[A-Za-z]{2}-[A-Za-z0-9]{3}$", "a country and a party, such as NL-CPO", least=6, most=6)
]


class WaitFor(Shape, frozen=True, kw_only=True):
    """What to wait for: an EVSE, or any of a Location; a day at most."""

    owner: Owner
    location_id: Id
    evse_uid: Id | None = None
    until: Moment


class Waiting(Shape, frozen=True, kw_only=True):
    """What you wait for.

    Attributes:
        state: WAITING, TOLD, EXPIRED or CANCELLED.
    """

    id: str
    owner: str
    location_id: str
    evse_uid: str | None
    state: str
    until: Moment


class WaitingRoutes:
    """A driver who waits."""

    tag = "companion"

    def __init__(self, wishes: FreeWishes) -> None:
        self._wishes = wishes

    @route("GET", "/waiting", scope=Scope.OWN)
    async def list_waiting(self, call: Call) -> Page[Waiting]:
        """List what you wait for or waited for, the newest first."""
        return Page(items=[_seen(each) for each in await self._wishes.of(call.principal.id)])

    @route("POST", "/waiting", scope=Scope.OWN, status=201, problems=(Conflict,))
    async def wait_for_station(self, call: Call, body: WaitFor) -> Waiting:
        """Wait until a station is free; if it is free, you are told at once."""
        if body.until <= call.now:
            raise invalid("$.until", "must be in the future")
        try:
            made = await self._wishes.add(
                call.principal.id, body.owner.upper(), body.location_id, body.evse_uid or "", body.until
            )
        except UnknownPlace as error:
            raise NotFound(str(error)) from error
        except TooManyWishes as error:
            raise Conflict(str(error)) from error
        return _seen(made)

    @route("DELETE", "/waiting/{wish_id}", scope=Scope.OWN, status=204)
    async def stop_waiting(self, call: Call, wish_id: str) -> None:
        """Wait no more."""
        if not await self._wishes.cancel(call.principal.id, wish_id):
            raise NotFound("You do not wait under this id")


def _seen(wish: Wish) -> Waiting:
    return Waiting(
        id=wish.id, owner=wish.owner, location_id=wish.location_id, evse_uid=wish.evse_uid or None, state=wish.state,
        until=wish.until,
    )  # fmt: skip
