"""The connections of one moment, and what is looked up among them: an immutable picture.

Every request looks here for its caller and its receiver, so a look-up is a dictionary's.

Source: OCPI 2.3.0, credentials.asciidoc; transport_and_format.asciidoc (Authorization header,
Broadcast Push).
"""

import base64
import binascii
import contextlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

from hub.credentials.sides import opposite, sending_side, side
from hub.credentials.store import PartyRole
from hub.ocpi.errors import ReceiverUnreachable, UnknownReceiver
from hub.ocpi.interfaces import REGISTRY, InterfaceRole, Operation
from hub.ocpi.messages import Party
from hub.ocpi.quirks import Quirks

Status = Literal["CONNECTED", "OFFLINE", "SUSPENDED", "PLANNED"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Connection:
    """A registered platform with the parties it provides services for.

    Attributes:
        house: which local platform it is connected to: hub, cpms or emsp.
        version: the OCPI version spoken with it; ``spoken`` is what it is called in URLs (2.2 is 2.2.1 inside).
        roles: its parties; a Roaming Hub among them has the role HUB, in every version.
        endpoints: where its modules are, by (module, interface role).
        token: what we send it.
        accepted: the roles it may register; empty: any.
        changed: since when it has its status, in microseconds since 1970, UTC.
        last_seen: when the store last noted that it called, likewise.
        options: what an operator set: keep_nothing, response_hosts, allow_2_2, present_state, ...
        presented: the token this caller authenticated with; empty outside a request.
    """

    id: str
    name: str
    house: str
    version: str
    spoken: str
    roles: tuple[PartyRole, ...]
    endpoints: Mapping[tuple[str, InterfaceRole], str]
    versions_url: str
    token: str = field(repr=False)
    status: Status = "CONNECTED"
    accepted: tuple[str, ...] = ()
    changed: int = 0
    last_seen: int = 0
    quirks: Quirks = field(default_factory=Quirks)
    options: Mapping[str, Any] = field(default_factory=dict)
    presented: str = field(default="", repr=False)

    @cached_property
    def parties(self) -> tuple[Party, ...]:
        """Its parties, each once."""
        return tuple(dict.fromkeys(each.party for each in self.roles))

    @cached_property
    def custom_modules(self) -> frozenset[str]:
        """The modules it announced that the specification does not know."""
        return frozenset(module for module, _ in self.endpoints if module not in REGISTRY)

    @cached_property
    def hub_party(self) -> Party | None:
        """The Roaming Hub it is, if it is one."""
        return next((each.party for each in self.roles if each.role == "HUB"), None)

    def speaks_for(self, party: Party) -> bool:
        """Whether a request from it may name this party as its sender.

        A hub speaks for every party behind it, but towards one of our parties only: nobody speaks
        for others towards our hub.
        """
        return party in self.parties or (self.house != "hub" and self.hub_party is not None)

    def offers(self, module: str, role: InterfaceRole) -> bool:
        return (module, role) in self.endpoints


@dataclass(frozen=True, eq=False, kw_only=True)
class Invited:
    """Who presents a token that opens versions and credentials only.

    Attributes:
        kind: ``invitation``: it may register; ``callback``: we are registering at it just now.
    """

    id: str
    name: str
    kind: str
    roles: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    presented: str = field(default="", repr=False)
    version: None = None
    parties: tuple[Party, ...] = ()
    custom_modules: frozenset[str] = frozenset()

    def speaks_for(self, party: Party) -> bool:
        """Nobody is known to stand behind it yet."""
        return False


class Key(NamedTuple):
    """What a token opens.

    Attributes:
        until: in microseconds since 1970; 0: no end.
        settles: whether its use ends the connection's older tokens.
        rank: ascending with age, the newest highest.
    """

    caller: Connection | Invited
    hashed: bytes
    until: int
    settles: bool = False
    rank: int = 0


class Picture:
    """The connections of one moment.

    Attributes:
        keys: what opens what, by the token's hash.
        memo: the same by Authorization header, as far as headers were seen.
    """

    def __init__(self, connections: Iterable[Connection], keys: Mapping[bytes, Key]) -> None:
        self.by_id = {each.id: each for each in connections}
        self.keys = keys
        self.memo: dict[str, Key] = {}
        self._by_party: dict[Party, list[Connection]] = defaultdict(list)
        for each in self.by_id.values():
            for party in each.parties:
                self._by_party[party].append(each)
        self._hearers: dict[tuple[Party, str | None, str, str], list[tuple[Party, Connection]]] = {}

    def having(self, party: Party) -> tuple[Connection, ...]:
        """Return the connections a party is on."""
        return tuple(self._by_party.get(party, ()))

    def find(self, text: str) -> Connection | None:
        """Return the connection of an id, a name, or CC-PID of one of its parties."""
        found = self.by_id.get(text) or next((each for each in self.by_id.values() if each.name == text), None)
        if found is not None:
            return found
        try:
            party = Party.parse(text)
        except ValueError:
            return None
        return next(iter(self.having(party)), None)

    def of(self, party: Party, operation: Operation) -> Connection:
        """Return the connection a request reaches a party by.

        Raises:
            UnknownReceiver: no platform provides for the party.
            ReceiverUnreachable: it is suspended or offline.
        """
        found = self._by_party.get(party)
        if not found:
            raise UnknownReceiver(f"Unknown receiver {party}")
        chosen = found[0] if len(found) == 1 else max(found, key=lambda each: _fitness(each, party, operation))
        if chosen.status != "CONNECTED":
            raise ReceiverUnreachable(f"{party} is {chosen.status}")
        return chosen

    def opposite(self, sender: Party, caller: str | None, operation: Operation) -> list[tuple[Party, Connection]]:
        """Return who hears a Broadcast Push."""
        key = (sender, caller, operation.module, operation.role)
        found = self._hearers.get(key)
        if found is None:
            found = self._hearers[key] = self._opposite(sender, caller, operation)
        return found

    def _opposite(self, sender: Party, caller: str | None, operation: Operation) -> list[tuple[Party, Connection]]:
        speaking = self.by_id.get(caller) if caller else None
        own = {side(each.role) for each in speaking.roles if each.party == sender} - {None} if speaking else set()
        acting = sending_side(operation.module)
        if own and acting not in own:
            acting = next(iter(own))
        if acting is None:
            return []
        hearing = opposite(acting)
        return [
            (party, connection)
            for connection in self.by_id.values()
            if connection.id != caller
            and connection.status in ("CONNECTED", "OFFLINE")
            and connection.offers(operation.module, operation.role)
            for party in connection.parties
            if any(each.party == party and side(each.role) == hearing for each in connection.roles)
        ]


def readings(given: str) -> list[bytes]:
    """Return the tokens an Authorization header may mean: decoded, and (of peers that do not encode) as it is."""
    found = []
    with contextlib.suppress(binascii.Error, ValueError):
        found.append(base64.b64decode(given, validate=True))
    if given.isascii():
        found.append(given.encode())
    return found


def _fitness(connection: Connection, party: Party, operation: Operation) -> tuple[bool, bool, bool]:
    """Return how well a connection of a party suits a request; the endpoint counts most."""
    wanted = sending_side(operation.module)
    if operation.role == "RECEIVER" and wanted is not None:
        wanted = opposite(wanted)
    fits = any(each.party == party and side(each.role) == wanted for each in connection.roles)
    return connection.offers(operation.module, operation.role), fits, connection.status == "CONNECTED"
