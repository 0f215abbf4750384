"""What the hub answers from its own copy: pages of GET All, and single objects.

Source: OCPI 2.3.0, transport_and_format.asciidoc (Pagination, GET All via Hubs).
"""

from urllib.parse import urlencode

from hub.catalogue import Catalogue, Page, Query
from hub.keeping import LISTS, Level, declared, descend, key_of
from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters, UnknownEndpoint
from hub.ocpi.messages import Body, Dialect, Party, Request, Response
from hub.ocpi.modules.bookings import has_timeslot
from hub.ocpi.times import microseconds
from hub.ocpi.versions import VERSIONS

_NEWEST = VERSIONS["2.3.0"]


async def page(catalogue: Catalogue, request: Request, base_url: str, page_limit: int) -> Response:
    """Return a page of what the asking party may see.

    Raises:
        InvalidParameters: a parameter is of the wrong type.
        UnknownEndpoint: nothing of this list is kept here.
    """
    kind = LISTS.get((request.operation.module, request.operation.path))
    if kind is None or request.sender is None:
        raise UnknownEndpoint("The hub keeps no such list")
    given = request.parameters
    query = _query(given, page_limit)
    if any(given.get(name) for name in _TIMESLOTS):
        found = await _with_timeslots(catalogue, kind, request.sender, given, query)
    else:
        found = await catalogue.page(kind, request.sender, query)
    version = request.version or _NEWEST
    text = b"[" + b",".join(in_version(kind, of, body, version) for of, body in found.objects) + b"]"
    headers = {"X-Total-Count": str(found.total), "X-Limit": str(page_limit)}
    if found.after is not None:
        headers["Link"] = f'<{_next(request, given, query, found, base_url, version)}>; rel="next"'
    data = Body(list[declared(kind)], text=text, version=version)  # type: ignore[misc]  # a declaration made at run time
    return Response(data, headers=headers)


#: Filters of BookingLocations by what is in them (mod_bookings, GET BookingLocations).
_TIMESLOTS = ("timeslot_from", "timeslot_to")


async def _with_timeslots(catalogue: Catalogue, kind: str, viewer: Party, given: dict[str, str], query: Query) -> Page:
    """Return a page of the objects with a timeslot within these bounds: from inclusive, to exclusive.

    The slots are inside the documents, so all that the other filters admit are read; a hub has few
    BookingLocations beside its Locations.
    """
    first, last = (_moment(given, name) for name in _TIMESLOTS)
    fitting: list[tuple[str, bytes]] = []
    after: int | None = 0
    while after is not None:
        page = await catalogue.page(kind, viewer, Query(query.date_from, query.date_to, limit=1000, after=after))
        fitting += [each for each in page.objects if has_timeslot(codec.decode(each[1]), first, last)]
        after = page.after
    begin = query.after if query.after is not None else query.offset
    end = begin + query.limit
    return Page(fitting[begin:end], len(fitting), end if end < len(fitting) else None)


def in_version(kind: str, of: str, body: bytes, version: Dialect) -> bytes:
    """Return a kept object as a version says it: its own bytes if it was said in that one."""
    if of == version.number:
        return body
    value = codec.decode(body)
    return codec.encode(version.down(VERSIONS[of].up(value, declared(kind), None), declared(kind)))


def _query(given: dict[str, str], page_limit: int) -> Query:
    limit = _number(given, "limit")
    if limit == 0:
        raise InvalidParameters("query parameter limit: must be at least 1")
    return Query(
        date_from=_moment(given, "date_from"),
        date_to=_moment(given, "date_to"),
        offset=_number(given, "offset") or 0,
        limit=min(limit or page_limit, page_limit),
        after=_number(given, "after"),
    )


def _number(given: dict[str, str], name: str) -> int | None:
    text = given.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise InvalidParameters(f"query parameter {name}: must be a whole number, not negative")
    return int(text)


def _moment(given: dict[str, str], name: str) -> int | None:
    text = given.get(name)
    try:
        return microseconds(text) if text else None
    except ValueError as error:
        raise InvalidParameters(f"query parameter {name}: must be a DateTime such as 2026-01-01T00:00:00Z") from error


def _next(request: Request, given: dict[str, str], query: Query, found: Page, base_url: str, version: Dialect) -> str:
    """Return the next page's URL: the request's filters, the position, and the cursor that makes it exact."""
    filters = {name: given[name] for name in ("date_from", "date_to", *_TIMESLOTS) if given.get(name)}
    position = {"offset": query.offset + len(found.objects), "limit": query.limit, "after": found.after}
    operation = request.operation
    path = f"{base_url}/{version.number}/sender/{operation.module}{operation.path}"
    return f"{path}?{urlencode({**filters, **position})}"


async def single(catalogue: Catalogue, request: Request, level: Level) -> Response | None:
    """Return an object, or the part of it the URL names, as the hub's copy has it; None if it has none.

    Raises:
        InvalidParameters: several parties have an object of this id.
    """
    assert request.sender is not None, "functional modules have a sender"
    key = key_of(request, level)
    if request.operation.owned:
        owner = Party.of(request.params["country_code"], request.params["party_id"])
        found = await catalogue.find(level.kind, owner, key, request.sender)
    else:
        holders = await catalogue.holders(level.kind, key, request.sender)
        if len({owner for owner, *_ in holders}) > 1:
            raise InvalidParameters("Several parties have an object of this id: name a receiver")
        found = holders[0][2:] if holders else None
    if found is None:
        return None
    version = request.version or _NEWEST
    text = in_version(level.kind, *found, version)
    if level.inner:
        part = descend(codec.decode(text), request.params, level)
        if part is None:
            return None
        text = codec.encode(part)
    return Response(Body(request.operation.data, text=text, version=version))
