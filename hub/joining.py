"""Our own parties become parties of their hub, at the first start, and wait for one that is not there yet."""

import asyncio
import logging
from collections.abc import Iterator, Sequence

from hub.credentials import admin
from hub.hubroom import HubRoom
from hub.ocpi.errors import OcpiError, ReceiverFailed
from hub.ocpi.wire import ConnectionFailed, ForbiddenURL, NoAnswer
from hub.orders import Handler
from hub.rooms import Handlers, PartyRoom, Room
from hub.settings import BadSetting, Settings

log = logging.getLogger(__name__)

_PATIENCE = 5.0  # seconds between attempts to register at a hub that is not there yet


async def join(rooms: Sequence[Room], settings: Settings) -> Handlers:
    """Have our parties register at their hub, and return what can be ordered of all rooms.

    Raises:
        BadSetting: there is no hub to register at, or it refused.
    """
    handlers: dict[str, Handler] = {}
    for room in rooms:
        if isinstance(room, HubRoom):
            handlers |= room.orders()
        elif isinstance(room, PartyRoom):
            await _joined(room, rooms, settings)
            assert room.endpoints is not None, "it has joined"
            handlers |= room.endpoints.orders()
    return handlers


async def _joined(room: PartyRoom, rooms: Sequence[Room], settings: Settings) -> None:
    hub = next((each for each in rooms if isinstance(each, HubRoom)), None)
    url = hub.house.versions_url if hub is not None else settings.hub_url
    if url is None and room.connection is None:
        raise BadSetting(f"room {room.house.id} has no hub to register at; give --hub and --hub-token, or room hub too")

    async def token() -> str:
        if hub is None:
            return settings.hub_token or ""
        roles = [each.role for each in room.house.roles]
        invited = await admin.invite(hub.directory.store, hub.house.versions_url, name=room.name, roles=roles)
        await hub.directory.reload()
        return str(invited["token"])

    while True:
        try:
            return await room.join(url or "", token)
        except OcpiError as error:
            if hub is not None:
                raise
            if not _is_away(error):
                raise BadSetting(
                    f"room {room.house.id} is not registered at {url}: {error}; {_remedy(error)}"
                ) from error
            log.warning("%s is not there yet (%s); trying again", url, error)
        await asyncio.sleep(_PATIENCE)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _is_away(error: OcpiError) -> bool:
    """Whether a hub that cannot be registered at may be there later: it was no answer, not a refusal."""
    return any(isinstance(each, ConnectionFailed | NoAnswer | ReceiverFailed) for each in _causes(error))


def _remedy(error: OcpiError) -> str:
    if any(isinstance(each, ForbiddenURL) for each in _causes(error)):
        return "give another --hub, or --allow-private-peers"
    return "check --hub, and ask there for a new --hub-token"
