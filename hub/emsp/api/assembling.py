"""The eMSP's API put together on an open store."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hub.api.accounts import Accounts
from hub.api.application import Api
from hub.api.audit import AuditLog
from hub.api.credentials import Credentials
from hub.api.feed import Feed
from hub.api.keys import Keys
from hub.api.openapi import describe, kinds
from hub.api.passwords import Passwords
from hub.api.rates import Rate, Rates
from hub.api.routes.about import AboutRoutes
from hub.api.routes.accounts import AccountRoutes
from hub.api.routes.audit import AuditRoutes
from hub.api.routes.keys import KeyRoutes
from hub.api.routes.login import LoginRoutes
from hub.database.contract import Database
from hub.emsp.api.callers import Callers
from hub.emsp.api.needs import DriverLogins, NoDrivers
from hub.emsp.api.routes.events import EventRoutes
from hub.emsp.api.scopes import REALM
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import utc_now

#: A driver's app asks a few times for each thing he does; behind one address there may be many strangers.
RATES: Final[Mapping[str, Rate]] = {
    "driver": Rate(per_second=10, burst=100),
    "nobody": Rate(per_second=20, burst=200),
}


def emsp_api(
    database: Database,
    *,
    feed: Feed,
    drivers: DriverLogins | None = None,
    routes: Sequence[object] = (),
    public_url: str = "",
    passwords: Passwords | None = None,
    rates: Mapping[str, Rate] = RATES,
    clock: Callable[[], datetime.datetime] = utc_now,
) -> Api:
    """Return the API: who may call it, audit log and events, and the routes of the rooms.

    Args:
        drivers: whose the tokens of drivers are.
        routes: objects whose methods are declared with ``declaring.route``.
    """
    credentials = Credentials(database, REALM, clock)
    accounts = Accounts(database, REALM, credentials, clock)
    callers = Callers(credentials, drivers or NoDrivers())
    passwords = passwords or Passwords()

    def described() -> JSONObject:
        return describe(api.operations, REALM, public_url + REALM.path)

    own = (
        AboutRoutes(described, lambda: kinds(api.operations), REALM),
        LoginRoutes(accounts, credentials, passwords),
        AccountRoutes(accounts, credentials, passwords),
        KeyRoutes(Keys(database, REALM), credentials, REALM),
        AuditRoutes(AuditLog(database, REALM, clock)),
        EventRoutes(feed, callers),
    )
    api = Api(
        [*own, *routes],
        realm=REALM,
        gate=callers,
        feed=feed,
        database=database,
        url=public_url + REALM.path,
        rates=Rates(rates),
        clock=clock,
    )
    return api
