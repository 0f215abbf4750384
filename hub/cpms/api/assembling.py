"""The operator API put together on an open store."""

import datetime
from collections.abc import Callable, Sequence

from hub.cpms.api.accounts import Accounts
from hub.cpms.api.application import PATH, OperatorApi
from hub.cpms.api.audit import AuditLog
from hub.cpms.api.credentials import Credentials
from hub.cpms.api.keys import Keys
from hub.cpms.api.openapi import describe
from hub.cpms.api.passwords import Passwords
from hub.cpms.api.routes.about import AboutRoutes
from hub.cpms.api.routes.accounts import AccountRoutes
from hub.cpms.api.routes.audit import AuditRoutes
from hub.cpms.api.routes.events import EventRoutes
from hub.cpms.api.routes.keys import KeyRoutes
from hub.cpms.api.routes.login import LoginRoutes
from hub.cpms.feed import Feed
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
) -> OperatorApi:
    """Return the API: access, keys, audit log and events, and the routes of the rooms.

    Args:
        routes: objects whose methods are declared with ``declaring.route``.
    """
    credentials = Credentials(database, clock)
    accounts = Accounts(database, credentials, clock)
    passwords = passwords or Passwords()

    def described() -> JSONObject:
        return describe(api.operations, public_url + PATH)

    own = (
        AboutRoutes(described, PATH),
        LoginRoutes(accounts, credentials, passwords),
        AccountRoutes(accounts, credentials, passwords),
        KeyRoutes(Keys(database), credentials),
        AuditRoutes(AuditLog(database, clock)),
        EventRoutes(feed, credentials),
    )
    api = OperatorApi(
        [*own, *routes], gate=credentials, feed=feed, database=database, url=public_url + PATH, clock=clock
    )
    return api
