"""The operator API put together on an open store."""

import datetime
from collections.abc import Callable, Sequence

from hub.api.accounts import Accounts
from hub.api.application import Api
from hub.api.audit import AuditLog
from hub.api.credentials import Credentials
from hub.api.feed import Feed
from hub.api.keys import Keys
from hub.api.openapi import describe, kinds
from hub.api.passwords import Passwords
from hub.api.routes.about import AboutRoutes
from hub.api.routes.accounts import AccountRoutes
from hub.api.routes.audit import AuditRoutes
from hub.api.routes.keys import KeyRoutes
from hub.api.routes.login import LoginRoutes
from hub.cpms.api.routes.events import EventRoutes
from hub.cpms.api.scopes import REALM
from hub.database.contract import Database
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import utc_now


def operator_api(
    database: Database,
    *,
    feed: Feed,
    routes: Sequence[object] = (),
    public_url: str = "",
    passwords: Passwords | None = None,
    clock: Callable[[], datetime.datetime] = utc_now,
) -> Api:
    """Return the API: access, keys, audit log and events, and the routes of the rooms.

    Args:
        routes: objects whose methods are declared with ``declaring.route``.
    """
    credentials = Credentials(database, REALM, clock)
    accounts = Accounts(database, REALM, credentials, clock)
    passwords = passwords or Passwords()

    def described() -> JSONObject:
        return describe(api.operations, REALM, public_url + REALM.path)

    own = (
        AboutRoutes(described, lambda: kinds(api.operations), REALM),
        LoginRoutes(accounts, credentials, passwords),
        AccountRoutes(accounts, credentials, passwords),
        KeyRoutes(Keys(database, REALM), credentials, REALM),
        AuditRoutes(AuditLog(database, REALM, clock)),
        EventRoutes(feed, credentials),
    )
    api = Api(
        [*own, *routes],
        realm=REALM,
        gate=credentials,
        feed=feed,
        database=database,
        url=public_url + REALM.path,
        clock=clock,
    )
    return api
