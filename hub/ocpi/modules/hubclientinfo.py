"""Which parties are reachable through a hub, and how they are.

Source: OCPI 2.3.0, mod_hub_client_info.asciidoc.
"""

from typing import Literal, TypedDict

from hub.ocpi.interfaces import CLIENT_OWNED, Module
from hub.ocpi.modules.common import PAGED, Role
from hub.ocpi.objects import CiString2, CiString3, DateTime

ConnectionStatus = Literal["CONNECTED", "OFFLINE", "PLANNED", "SUSPENDED"]


class ClientInfo(TypedDict):
    """One party in one role, and the state of the connection to it."""

    party_id: CiString3
    country_code: CiString2
    role: Role
    status: ConnectionStatus
    last_updated: DateTime


module = Module("hubclientinfo", owner="HUB", functional=False, broadcast=True)

list_client_info = module.sender.list("", ClientInfo, query_typed=PAGED)

get_client_info = module.receiver.get(CLIENT_OWNED, ClientInfo)
put_client_info = module.receiver.put(CLIENT_OWNED, ClientInfo)
