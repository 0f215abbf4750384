"""A station that is put at EVSEs of one of our Locations from the command line, as the operator API does."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hub.cli.output import Failure
from hub.ocpi.objects import JSONObject

if TYPE_CHECKING:
    from hub.database import Database


async def place(store: "Database", station_id: str, location_id: str, evse_uids: Sequence[str], protocol: str) -> None:
    """Have a station stand at EVSEs of a Location, in its order of them.

    Args:
        protocol: the OCPP version, where it is one: 1.6 numbers its connectors through.

    Raises:
        Failure: there is no such Location or EVSE, or another station stands there.
    """
    from hub.cpms.places import Places
    from hub.cpms.stations import Stations
    from hub.cpms.store import Store
    from hub.database.contract import Conflict
    from hub.ocpi.errors import OcpiError
    from hub.ocpi.messages import Party
    from hub.recorded import recorded_settings

    settings = await recorded_settings(store)
    if settings is None or "cpms" not in settings.rooms:
        raise Failure("no CPMS has run on this store; leave --location out, or start the server first", 2)
    own = Store(store, Party.parse(settings.cpo_id))
    stations = Stations(own, Places(own))
    value: JSONObject = {"station_id": station_id, "location_id": location_id, "evse_uids": list(evse_uids)}
    if protocol:
        value["protocol"] = protocol
    try:
        await store.transact(lambda tx: stations.put_in(tx, value))
    except Conflict as error:
        raise Failure(f"{station_id}: another station stands there; name other EVSEs", 1) from error
    except OcpiError as error:
        raise Failure(
            f"{station_id} cannot stand at {location_id}: {error}; 'emall cpms list locations' shows ours", 1
        ) from error
