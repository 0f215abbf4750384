"""A place prices are made for, as the operator API says it; and short lists in pages."""

from collections.abc import Iterable
from typing import Annotated, TypeVar

import msgspec

from hub.api.problems import invalid
from hub.api.shapes import ListQuery, Page, Shape, cursor_number
from hub.cpms.tariffs.places import Target
from hub.ocpi.errors import InvalidParameters

T = TypeVar("T")

_Id = Annotated[str, msgspec.Meta(max_length=36)]


class PricePlace(Shape, frozen=True, kw_only=True):
    """A group of stations, or a Location, an EVSE of it, a Connector of that; what is not named is "" ."""

    group_id: _Id = ""
    location_id: _Id = ""
    evse_uid: _Id = ""
    connector_id: _Id = ""


def targets(places: Iterable[PricePlace]) -> list[Target]:
    """Return places as the room of tariffs has them.

    Raises:
        Invalid: one names neither a group nor a Location.
    """
    try:
        return [Target(**msgspec.structs.asdict(each)) for each in places]
    except InvalidParameters as error:
        raise invalid("body.targets", str(error).removeprefix("$: ")) from error


def place(target: Target) -> PricePlace:
    """Return a place of the room of tariffs as the API says it."""
    return PricePlace(
        group_id=target.group_id,
        location_id=target.location_id,
        evse_uid=target.evse_uid,
        connector_id=target.connector_id,
    )


def paged(items: list[T], query: ListQuery) -> Page[T]:
    """Return a page of a list that is short enough to be read whole; the cursor is a position in it."""
    start = cursor_number(query) or 0
    end = start + query.limit
    return Page(items=items[start:end], next=str(end) if end < len(items) else None)
