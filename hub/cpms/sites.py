"""The sites of an operator: its Locations, made and changed by its people.

What they say is judged as the Location it becomes. What is not theirs to say - whose it is, when it
changed, which Status an EVSE has - is filled in. Nothing is erased that a Session or CDR may name:
what goes away is REMOVED.

Source: OCPI 2.3.0, mod_locations.asciidoc (Lifecycle; EVSE status REMOVED); REQUIREMENTS SGEM-4.4-01, 03; DD-R9.
"""

import datetime
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NotRequired, TypedDict

from hub.cpms.store import Store
from hub.cpms.tariffs.places import named_in
from hub.database.contract import Transaction
from hub.database.works import Also, followed
from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.judging import Judge
from hub.ocpi.messages import Party
from hub.ocpi.modules import locations
from hub.ocpi.objects import JSONObject, NonEmpty
from hub.ocpi.receiving import NoSuchLocation
from hub.ocpi.times import date_time, utc_now

# For types made of declarations when this is read.
_typed_dict: Any = TypedDict
_annotated: Any = Annotated
_optional: Any = NotRequired
_list: Any = list


def _said(declared: Any, name: str, *, filled_in: Sequence[str], **parts: Any) -> Any:
    """Return a declaration without what is filled in: that may be left out."""
    hints = {**declared.__annotations__, **parts}
    fields = {field: _optional[hint] if field in filled_in else hint for field, hint in hints.items()}
    made = _typed_dict(name, fields)
    made.__doc__ = f"{declared.__name__} as an operator says it: {', '.join(filled_in)} are filled in."
    return made


#: What an operator says of a Connector, an EVSE and a Location; it is judged again as what comes of it.
NewConnector = _said(locations.Connector, "NewConnector", filled_in=("last_updated",))
NewEvse = _said(
    locations.EVSE,
    "NewEVSE",
    filled_in=("uid", "status", "last_updated"),
    connectors=_annotated[_list[NewConnector], NonEmpty()],
)
NewLocation = _said(
    locations.Location,
    "NewLocation",
    filled_in=("country_code", "party_id", "last_updated"),
    evses=_optional[_list[NewEvse] | None],
)

#: What an operator may say of a Status; all else is seen at the station.
_SAID = frozenset({"PLANNED", "REMOVED"})

_judge = Judge()


class Sites:
    """The Locations of one operator."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime.datetime] = utc_now) -> None:
        self._store = store
        self._clock = clock

    async def create(self, value: JSONObject, *, also: Also[JSONObject] | None = None) -> JSONObject:
        """Make a Location of what an operator says of it, and return it.

        Args:
            also: written with it, in its transaction, as with every other change.

        Raises:
            InvalidParameters: it is there already, or no Location comes of it.
        """
        return await self._store.database.transact(followed(lambda tx: self.create_in(tx, value), also))

    async def create_in(self, tx: Transaction, value: JSONObject) -> JSONObject:
        """Do so within a transaction."""
        if await self.find_in(tx, str(value.get("id"))) is not None:
            raise InvalidParameters(f"$.id: there is a Location {value['id']} already")
        return await self.write(tx, value, None)

    async def change(self, location_id: str, value: JSONObject, *, also: Also[JSONObject] | None = None) -> JSONObject:
        """Have a Location be what an operator says of it, and return it; without ``evses`` those stay as they are.

        Raises:
            NoSuchLocation: there is none.
            InvalidParameters: no Location comes of it.
        """

        async def work(tx: Transaction) -> JSONObject:
            return await self.write(tx, value, await self.get_in(tx, location_id))

        return await self._store.database.transact(followed(work, also))

    async def remove(self, location_id: str, *, also: Also[JSONObject] | None = None) -> JSONObject:
        """Have a Location be no more: it is not published, and each EVSE is REMOVED.

        Raises:
            NoSuchLocation: there is none.
        """

        async def work(tx: Transaction) -> JSONObject:
            before = await self.get_in(tx, location_id)
            return await self.write(tx, before | {"publish": False, "evses": []}, before)

        return await self._store.database.transact(followed(work, also))

    async def get_in(self, tx: Transaction, location_id: str) -> JSONObject:
        """Return a Location as the transaction sees it."""
        found = await self.find_in(tx, location_id)
        if found is None:
            raise NoSuchLocation
        return found

    async def find_in(self, tx: Transaction, location_id: str) -> JSONObject | None:
        """Return a Location, or None if there is none."""
        return await self._store.locations.get_in(tx, self._store.party, location_id)

    async def write(self, tx: Transaction, value: JSONObject, before: JSONObject | None) -> JSONObject:
        """Write what has become of a Location, if it is another than before, and return it."""
        made = renewed(value, before, party=self._store.party, at=date_time(self._clock()))
        if made != before:
            judge(made)
            # What is assigned to a Location, or a group of it, is so of the EVSEs it gets later, too.
            made = await named_in(tx, made, party=self._store.party, at=self._clock())
            created = await self._store.put_for_everyone(tx, self._store.locations, made)
            if before is None and not created:  # another process was faster
                raise InvalidParameters(f"$.id: there is a Location {made['id']} already")
        return made

    def judge_evse(self, value: JSONObject, path: str) -> None:
        """Return if a value is what an operator may say of a new EVSE.

        Raises:
            InvalidParameters: it is not; what is wrong is named from ``path`` on.
        """
        made = _renewed_evse(value, {}, date_time(self._clock()))
        try:
            _judge.judge(codec.encode(made), locations.EVSE)
        except InvalidParameters as error:
            raise InvalidParameters(f"{path}{str(error).removeprefix('$')}") from error


def judge(location: JSONObject) -> None:
    """Return if a value is a Location that can be operated.

    Raises:
        InvalidParameters: it is not; the message names the path and the rule.
    """
    _judge.judge(codec.encode(location), locations.Location)
    try:
        zoneinfo.ZoneInfo(location["time_zone"])
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidParameters(f"$.time_zone: {location['time_zone']} is not in tzdata") from error


def renewed(value: JSONObject, before: JSONObject | None, *, party: Party, at: str) -> JSONObject:
    """Return a Location as its operator wants it, each part with the time it last changed."""
    owner = {"country_code": party.country_code, "party_id": party.party_id}
    made = {**value, **owner, "id": before["id"] if before else value.get("id")}
    known = {each["uid"].upper(): each for each in (before or {}).get("evses") or []}
    given = value.get("evses")
    if given is None or not isinstance(given, list):
        evses = list(known.values()) if given is None else given
    else:
        evses = [_renewed_evse(each, known, at) for each in given]
        named = {str(each.get("uid")).upper() for each in given if isinstance(each, dict)}
        evses += [_removed(each, at) for uid, each in known.items() if uid not in named]
    made["evses"] = evses
    if not evses:
        del made["evses"]
    return _stamped(made, before, at)


def _renewed_evse(value: Any, known: Mapping[str, JSONObject], at: str) -> Any:
    if not isinstance(value, dict):
        return value  # it is refused with its path when all is judged
    before = known.get(str(value.get("uid")).upper())
    said = value.get("status")
    if before is None:
        status = said or "UNKNOWN"
    else:
        status = said if said in _SAID and before["status"] != "REMOVED" else before["status"]
    made = {**value, "status": status}
    if before is not None and before.get("status_schedule"):
        made["status_schedule"] = before["status_schedule"]
    connectors = {each["id"].upper(): each for each in (before or {}).get("connectors") or []}
    if isinstance(value.get("connectors"), list):
        made["connectors"] = [
            _stamped(each, connectors.get(str(each.get("id")).upper()), at) if isinstance(each, dict) else each
            for each in value["connectors"]
        ]
    return _stamped(made, before, at)


def _removed(evse: JSONObject, at: str) -> JSONObject:
    if evse["status"] == "REMOVED":
        return evse
    gone = {name: each for name, each in evse.items() if name != "status_schedule"}
    return gone | {"status": "REMOVED", "last_updated": max(at, evse["last_updated"])}


def _stamped(value: JSONObject, before: JSONObject | None, at: str) -> JSONObject:
    """Return an object with the time it last changed: that of before, if it did not."""
    if before is None:
        return {**value, "last_updated": at}
    same = {**value, "last_updated": before["last_updated"]}
    return same if same == before else {**value, "last_updated": max(at, before["last_updated"])}
