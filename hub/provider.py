"""Our eMSP in this process: its rooms with what they need of the world, and its OCPI door."""

import functools
from typing import TYPE_CHECKING

from hub.ocpi.messages import Party
from hub.rooms import PartyRoom, Workshop

if TYPE_CHECKING:
    from hub.emsp.assembly import Assembly
    from hub.emsp.endpoints import EmspEndpoints


def provider(workshop: Workshop) -> "Assembly | None":
    """Return our eMSP with its rooms, if it runs here; they are imported where they do."""
    settings = workshop.settings
    if "emsp" not in settings.rooms:
        return None
    from adapters.mail.folder import FolderMailer
    from hub.emsp.assembly import Assembly

    return Assembly(
        workshop.database,
        Party.parse(settings.emsp_id),
        page_limit=settings.page_limit,
        public_url=settings.public_url,
        mailer=FolderMailer(settings.data / "letters"),
    )


def emsp_room(workshop: Workshop, path: str, made: "Assembly | None") -> PartyRoom:
    """Return the room of our eMSP.

    Args:
        path: of its OCPI address.
    """
    from hub.emsp.endpoints import EmspEndpoints

    return PartyRoom(
        workshop,
        "emsp",
        "EMSP",
        Party.parse(workshop.settings.emsp_id),
        path,
        name="emall eMSP",
        make=functools.partial(_endpoints, made),
        offered=frozenset(EmspEndpoints.offered()),
        expects=frozenset({("locations", "SENDER"), ("tokens", "RECEIVER"), ("commands", "RECEIVER")}),
    )


def _endpoints(made: "Assembly | None", room: PartyRoom, hub_party: Party) -> "EmspEndpoints":
    from hub.emsp.endpoints import EmspEndpoints

    endpoints = EmspEndpoints(
        party=room.party,
        hub_party=hub_party,
        hub=room.hub,
        call_url=room.call_url,
        url_of=room.url_of,
        database=room.workshop.database,
        store=made.store if made is not None else None,
        page_limit=room.workshop.settings.page_limit,
    )
    if made is not None:
        made.behind(endpoints)
    return endpoints
