"""Who else is connected to the hub, as the hub tells a party: the Receiver of HubClientInfo.

Source: OCPI 2.3.0, mod_hub_client_info.asciidoc.
"""

from collections.abc import Callable

from hub.database.contract import Database
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.messages import Party, Request, Response
from hub.ocpi.modules import hubclientinfo
from hub.ocpi.receiving import NoSuchObject, owner_of
from hub.ocpi.shelves import Shelf


class Partners:
    """ClientInfo objects, one per party and role.

    Args:
        connected: called with a party the hub says is CONNECTED.
    """

    def __init__(self, database: Database, table: str, connected: Callable[[Party], None]) -> None:
        self._database = database
        self._shelf = Shelf(database, table, "client")
        self._connected = connected

    async def put(self, request: Request) -> Response:
        """Keep a ClientInfo."""
        party, value = owner_of(request), request.value
        if Party.of(value["country_code"], value["party_id"]) != party:
            raise InvalidParameters(f"$.party_id: differs from the URL's {party}")
        created = await self._database.transact(lambda tx: self._shelf.put(tx, party, value["role"], value))
        if value["status"] == "CONNECTED":
            self._connected(party)
        return Response(http_status=201 if created else 200)

    async def get(self, request: Request) -> Response:
        """Return what is kept of a party: of several roles, what was told last."""
        found = await self._shelf.find(owner=str(owner_of(request)))
        if not found:
            raise NoSuchObject
        return Response.of(hubclientinfo.ClientInfo, max(found, key=lambda each: str(each["last_updated"])))
