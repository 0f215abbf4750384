"""HubClientInfo: the hub's list of parties and their states, and telling every change of it.

What changed is read from the store by its revision, whichever process changed it, so that a party
suspended from the command line is told like one that fell silent. Failures to tell harm nobody: the
list is there to be asked.

Source: OCPI 2.3.0, mod_hub_client_info.asciidoc.
"""

import asyncio
import datetime
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlencode

from hub.credentials.connections import Connection, Connections
from hub.credentials.store import CHANNEL, Store
from hub.database.contract import DatabaseUnavailable, Row
from hub.ocpi.client import Client
from hub.ocpi.errors import InvalidParameters, OcpiError
from hub.ocpi.messages import Body, Request, Response, message_id
from hub.ocpi.modules import hubclientinfo
from hub.ocpi.objects import JSONObject
from hub.ocpi.platforms import LocalPlatform, serves
from hub.ocpi.times import EPOCH, date_time, microseconds
from hub.ocpi.versions import VERSIONS

log = logging.getLogger(__name__)

_FOREVER = 2**62
_TIMEOUT = 10.0  # seconds a party has for a push


def client_info(row: Row) -> JSONObject:
    """Return a row as ClientInfo."""
    _, role, country_code, party_id, _, status, changed, _ = row
    at = date_time(EPOCH + datetime.timedelta(microseconds=changed))
    return {
        "party_id": party_id,
        "country_code": country_code,
        "role": role,
        "status": status,
        "last_updated": at,
    }


class ClientInfoPlatform(LocalPlatform):
    """Answers requests to the hub's own hubclientinfo.

    Args:
        base_url: the hub's OCPI address.
        page_limit: the most objects in a page.
    """

    def __init__(self, store: Store, base_url: str, page_limit: int = 100) -> None:
        self._store = store
        self._base_url = base_url
        self._page_limit = page_limit

    @serves(hubclientinfo.list_client_info)
    async def list_client_info(self, request: Request) -> Response:
        """Return a page of all parties, oldest first; the next page's URL carries a cursor, so a crawl is exact."""
        given = request.parameters
        limit = min(_whole(given, "limit", self._page_limit), self._page_limit)
        if limit == 0:
            raise InvalidParameters("query parameter limit: must be at least 1")
        offset, after = _whole(given, "offset", 0), _whole(given, "after", 0)
        dates = (_moment(given, "date_from", 0), _moment(given, "date_to", _FOREVER))
        within = "changed >= $2 AND changed < $3"
        total = len(await self._store.client_info(within, *dates))
        skipped = 0 if after else offset
        page = f"{within} AND seq > $4 ORDER BY seq LIMIT $5 OFFSET $6"
        rows = await self._store.client_info(page, *dates, after, limit + 1, skipped)
        headers = {"X-Total-Count": str(total), "X-Limit": str(self._page_limit)}
        if len(rows) > limit:
            kept = {name: given[name] for name in ("date_from", "date_to") if given.get(name)}
            position = {"offset": offset + limit, "limit": limit, "after": rows[limit - 1][0]}
            number = request.version.number if request.version else "2.3.0"
            url = f"{self._base_url}/{number}/sender/hubclientinfo?{urlencode({**kept, **position})}"
            headers["Link"] = f'<{url}>; rel="next"'
        listed = [client_info(row) for row in rows[:limit]]
        return Response(Body(list[hubclientinfo.ClientInfo], value=listed), headers=headers)


class Herald:
    """Tells each change to every connected platform that implements the Receiver, to each in order.

    Args:
        failed: told of platforms that cannot be reached (``Presence.failed``).
    """

    def __init__(
        self, connections: Connections, client: Client, *, failed: Callable[[str, OcpiError], None] | None = None
    ) -> None:
        self._connections = connections
        self._store = connections.store
        self._client = client
        self._failed = failed
        self._told = 0
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: dict[str, dict[tuple[str, str, str], JSONObject]] = defaultdict(dict)
        self._busy: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Go on where the last process ended."""
        self._told = await self._store.revision("told")
        self._store.database.listen(CHANNEL, self._heard_of_change)
        self._heard_of_change(self._store.house)

    async def stop(self) -> None:
        """End what is under way; it is told again at the next start."""
        tasks = [*self._tasks, *self._busy.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def settled(self) -> None:
        """Wait until everything known is told."""
        while self._tasks or self._busy:
            await asyncio.gather(*self._tasks, *self._busy.values(), return_exceptions=True)

    def _heard_of_change(self, payload: str) -> None:
        if payload in ("", self._store.house):
            task = asyncio.create_task(self._look(), name="hubclientinfo")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _look(self) -> None:
        """Hand every change not told yet to whom it concerns; of several processes one tells."""
        async with self._lock:
            try:
                self._told = max(self._told, await self._store.revision("told"))
                rows = await self._store.client_info("revision > $2 ORDER BY revision, seq", self._told)
                if not rows or not await self._store.database.try_lead():
                    return
            except DatabaseUnavailable as error:
                log.warning("changes of HubClientInfo cannot be read: %s", error)
                return
            for row in rows:
                self._hand_out(row)
            self._told = rows[-1][7]
        await self._note()

    def _hand_out(self, row: Row) -> None:
        value = client_info(row)
        key = (value["role"], value["country_code"], value["party_id"])
        for connection in self._connections.all():
            if connection.id != row[4] and _listens(connection):
                waiting = self._waiting[connection.id]
                waiting.pop(key, None)  # what was not told yet of this party is out of date
                waiting[key] = value
                if connection.id not in self._busy:
                    self._busy[connection.id] = asyncio.create_task(self._tell(connection.id))

    async def _tell(self, connection_id: str) -> None:
        """Tell one platform all that waits for it."""
        waiting = self._waiting[connection_id]
        try:
            while waiting:
                connection = self._connections.by_id(connection_id)
                if connection is None or not _listens(connection):
                    break  # it asks when it is back
                await self._push(connection, waiting.pop(next(iter(waiting))))
        finally:
            del self._busy[connection_id], self._waiting[connection_id]
        await self._note()

    async def _note(self) -> None:
        """Remember what is told, once all of it is."""
        if self._busy:
            return
        try:
            await self._store.set_told(self._told)
        except DatabaseUnavailable as error:
            log.warning("what was told of HubClientInfo is not noted: %s", error)

    async def _push(self, connection: Connection, value: JSONObject) -> None:
        try:
            answer = await self._client.call(
                "PUT", _url(connection, value), connection.token,
                body=VERSIONS[connection.version].down(value, hubclientinfo.ClientInfo),
                quirks=connection.quirks, correlation_id=message_id(), timeout=_TIMEOUT,
            )  # fmt: skip
        except OcpiError as error:
            log.info("%s was not told of %s: %s", connection.name, value["party_id"], error)
            if self._failed is not None:
                self._failed(connection.id, error)
            return
        if not 1000 <= answer.status_code < 2000:
            log.info("%s refused news of %s: OCPI %d", connection.name, value["party_id"], answer.status_code)


def _listens(connection: Connection) -> bool:
    return connection.status == "CONNECTED" and connection.offers("hubclientinfo", "RECEIVER")


def _url(connection: Connection, value: JSONObject) -> str:
    segments = [value["country_code"], value["party_id"]]
    if connection.quirks.lower_case_ids:
        segments = [each.lower() for each in segments]
    path = "".join("/" + quote(each, safe="") for each in segments)
    slash = "/" if connection.quirks.trailing_slash else ""
    return connection.endpoints["hubclientinfo", "RECEIVER"].rstrip("/") + path + slash


def _whole(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InvalidParameters(f"query parameter {name}: must be a whole number, not negative")
    return int(text)


def _moment(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name)
    try:
        return microseconds(text) if text else default
    except ValueError as error:
        raise InvalidParameters(f"query parameter {name}: must be a DateTime in UTC") from error
