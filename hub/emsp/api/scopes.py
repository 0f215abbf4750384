"""What callers of the eMSP's API may do: drivers what is their own, operators what their role holds."""

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
    CHARGERS_READ = "chargers:read"
    DRIVERS_READ = "drivers:read"
    DRIVERS_WRITE = "drivers:write"
    BOOKINGS_READ = "bookings:read"
    BOOKINGS_WRITE = "bookings:write"
    SESSIONS_READ = "sessions:read"
    SESSIONS_CONTROL = "sessions:control"
    CASES_READ = "cases:read"
    CASES_WRITE = "cases:write"
    CDRS_READ = "cdrs:read"
    MONEY_READ = "money:read"
    MONEY_WRITE = "money:write"
    TARIFFS_READ = "tariffs:read"
    TARIFFS_WRITE = "tariffs:write"
    SMS_RECEIVE = "sms:receive"
    FLEETS_READ = "fleets:read"
    FLEETS_WRITE = "fleets:write"
    FEEDBACK_READ = "feedback:read"
    OWN = "driver:own"


#: What a driver may do: find chargers, and whatever is his own.
DRIVER_SCOPES: Final = frozenset({Scope.CHARGERS_READ, Scope.OWN})

_STAFF = frozenset(Scope) - {Scope.OWN}
_ADMINISTRATION = frozenset(
    {Scope.ACCOUNTS_READ, Scope.ACCOUNTS_WRITE, Scope.KEYS_READ, Scope.KEYS_WRITE, Scope.AUDIT_READ}
)
_MONEY = frozenset({Scope.MONEY_WRITE, Scope.TARIFFS_WRITE})
_VIEW = frozenset(each for each in _STAFF if each.endswith(":read")) - _ADMINISTRATION

#: The scopes of each role of the staff.
ROLES: Final[dict[Role, frozenset[str]]] = {
    "admin": _STAFF,
    "operator": _STAFF - _ADMINISTRATION - _MONEY,
    "finance": _VIEW | _MONEY | {Scope.AUDIT_READ},
    "viewer": _VIEW,
}

#: The API of the eMSP.
REALM: Final = Realm(
    name="emsp_api",
    path="/emsp/api/v1",
    title="emall eMSP API",
    about="Everything a driver does, from finding a charger to the receipt, and everything the provider's staff does.",
    scopes=_STAFF,
    roles=ROLES,
)
