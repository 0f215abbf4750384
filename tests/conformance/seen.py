"""What an operator sees of a running hub and changes in it: as the commands do, without the second each needs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from hub.admin import deliveries as listed
from hub.credentials import admin
from hub.credentials.secrets import open_secrets
from hub.credentials.store import Store
from hub.database import open_database
from tests.hubs import HubProcess
from tests.parties import PartyPlatform

JSON = Any


@contextlib.asynccontextmanager
async def reception(hub: HubProcess) -> AsyncIterator[Store]:
    """Open the hub's store beside it."""
    database = await open_database(hub.data)
    try:
        yield Store(database, open_secrets(hub.data), "hub")
    finally:
        await database.close()


async def shown(hub: HubProcess, platform: PartyPlatform) -> JSON:
    """Return what ``emall party show`` prints."""
    async with reception(hub) as store:
        return await admin.connection(store, platform.party)


async def known(hub: HubProcess) -> list[str]:
    """Return the parties ``emall party list`` names."""
    async with reception(hub) as store:
        return [party for each in await admin.connections(store) for party in each["parties"]]


async def set_option(hub: HubProcess, text: str, **options: JSON) -> None:
    """Do what ``emall party set`` does; a quirk is written ``quirks_lean=True``."""
    changes = {name.replace("quirks_", "quirks."): value for name, value in options.items()}
    async with reception(hub) as store:
        await admin.set_option(store, text, changes)


async def deliveries(hub: HubProcess, platform: PartyPlatform) -> list[JSON]:
    """Return what ``emall deliveries list --party`` prints, the oldest first."""
    async with reception(hub) as store:
        return (await listed(store.database, party=platform.party))[::-1]


async def settled(hub: HubProcess, platform: PartyPlatform) -> list[JSON]:
    """Return the deliveries to a platform once none of them is pending."""

    async def look() -> list[JSON] | None:
        found = await deliveries(hub, platform)
        return None if any(each["state"] == "pending" for each in found) else found

    found: list[JSON] = await eventually(look)
    return found


async def eventually(look: Callable[[], Awaitable[Any]], *, seconds: float = 5.0) -> Any:
    """Return the first answer that is not None; for what nobody tells of when it happens.

    Raises:
        TimeoutError: there was none in time.
    """
    async with asyncio.timeout(seconds):
        while (answer := await look()) is None:
            await asyncio.sleep(0.02)
        return answer


async def client_info(platform: PartyPlatform, of: str, **query: str) -> JSON:
    """Return the status (by role) that the hub's list of ClientInfo gives a party, as a platform reads it."""
    found = {}
    async for page in platform.pages("hubclientinfo", query=query or None):
        for each in page.data:
            if f"{each['country_code']}-{each['party_id']}" == of:
                found[each["role"]] = each
    return found


async def told(platform: PartyPlatform, of: str, status: str) -> JSON:
    """Wait until the hub has pushed a party's ClientInfo with this status to a platform; return the object."""

    async def look() -> JSON | None:
        for each in platform.inbox:
            if (each.module, each.method) != ("hubclientinfo", "PUT"):
                continue
            value = each.json
            if (f"{value['country_code']}-{value['party_id']}", value["status"]) == (of, status):
                return value
        return None

    return await eventually(look, seconds=8)
