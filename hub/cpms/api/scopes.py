"""What callers of the operator API may do: scopes, and the roles that hold them.

A staff member has the scopes of his role, an API key those it was made with. A new room of the API
adds its scopes here and says which roles hold them; the tests try every route with every role.
"""

from enum import StrEnum
from typing import Final

from hub.api.realms import Realm, Role


class Scope(StrEnum):
    """One thing a caller may be allowed to do."""

    ACCOUNTS_READ = "accounts:read"
    ACCOUNTS_WRITE = "accounts:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    AUDIT_READ = "audit:read"
    STATIONS_READ = "stations:read"
    STATIONS_WRITE = "stations:write"
    STATIONS_CONTROL = "stations:control"
    STATIONS_RAW = "stations:raw"
    FRAMES_READ = "frames:read"
    ALARMS_READ = "alarms:read"
    ALARMS_WRITE = "alarms:write"
    SESSIONS_READ = "sessions:read"
    SESSIONS_CONTROL = "sessions:control"
    TOKENS_READ = "tokens:read"
    TARIFFS_READ = "tariffs:read"
    TARIFFS_WRITE = "tariffs:write"
    CDRS_READ = "cdrs:read"
    CDRS_WRITE = "cdrs:write"
    BOOKINGS_READ = "bookings:read"
    BOOKINGS_WRITE = "bookings:write"
    CHARGING_READ = "charging:read"
    CHARGING_WRITE = "charging:write"


_ADMINISTRATION = frozenset(
    {Scope.ACCOUNTS_READ, Scope.ACCOUNTS_WRITE, Scope.KEYS_READ, Scope.KEYS_WRITE, Scope.AUDIT_READ}
)
_MONEY = frozenset({Scope.TARIFFS_WRITE, Scope.CDRS_WRITE})
# Frames hold what drivers and vendors send, so they are not for everyone who may look at stations.
_VIEW = frozenset(each for each in Scope if each.endswith(":read")) - _ADMINISTRATION - {Scope.FRAMES_READ}

#: The scopes of each role.
ROLES: Final[dict[Role, frozenset[Scope]]] = {
    "admin": frozenset(Scope),
    "operator": frozenset(Scope) - _ADMINISTRATION - _MONEY,
    "finance": _VIEW | _MONEY | {Scope.AUDIT_READ},
    "viewer": _VIEW,
}

#: The operator API.
REALM: Final = Realm(
    name="cpms",
    path="/cpms/api/v1",
    title="emall CPMS operator API",
    about="Everything an operator of stations does.",
    scopes=frozenset(Scope),
    roles=ROLES,
)
