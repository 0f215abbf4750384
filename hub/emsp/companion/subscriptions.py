"""The browsers and apps that take a driver's web push messages.

Source: Push API (PushSubscription), RFC 8291 (its keys).
"""

import base64
import binascii
import datetime
import uuid
from dataclasses import dataclass

from hub.database.contract import Database, Transaction
from hub.ocpi.objects import JSON, JSONObject
from hub.ocpi.times import stamp

_MOST = 20  # subscriptions of one driver; the oldest make room


class BadSubscription(Exception):
    """A subscription that nobody could push to.

    Attributes:
        path: the field at fault, as a JSON path.
    """

    def __init__(self, path: str, rule: str) -> None:
        super().__init__(f"{path}: {rule}")
        self.path = path
        self.rule = rule


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """Where a push message goes, and for whom it is encrypted; both keys are base64url."""

    endpoint: str
    p256dh: str
    auth: str

    def to_json(self) -> JSONObject:
        """Return it as browsers write it."""
        return {"endpoint": self.endpoint, "keys": {"p256dh": self.p256dh, "auth": self.auth}}


def read_subscription(document: JSONObject) -> Subscription:
    """Return a PushSubscription as a browser's ``toJSON`` gives it.

    Raises:
        BadSubscription: a field cannot be used.
    """
    endpoint, keys = document.get("endpoint"), document.get("keys")
    if not isinstance(endpoint, str) or not endpoint.startswith(("https://", "http://")) or len(endpoint) > 2000:
        raise BadSubscription("$.endpoint", "is the URL of a push service")
    if not isinstance(keys, dict):
        raise BadSubscription("$.keys", "has p256dh and auth")
    p256dh, auth = _bytes("p256dh", keys.get("p256dh")), _bytes("auth", keys.get("auth"))
    if len(p256dh) != 65 or p256dh[0] != 4:
        raise BadSubscription("$.keys.p256dh", "is an uncompressed point of P-256, in base64url")
    if len(auth) != 16:
        raise BadSubscription("$.keys.auth", "is 16 bytes in base64url")
    return Subscription(endpoint=endpoint, p256dh=keys["p256dh"], auth=keys["auth"])


def _bytes(name: str, value: JSON) -> bytes:
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except (binascii.Error, ValueError, TypeError) as error:
        raise BadSubscription(f"$.keys.{name}", "is base64url") from error


class Subscriptions:
    """All of them; an endpoint is one driver's at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, driver_id: str, subscription: Subscription, *, now: datetime.datetime) -> None:
        """Keep a subscription; whoever logged in last on a device is told there."""

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "INSERT INTO emsp_push_subscription (id, driver_id, endpoint, p256dh, auth, created)"
                " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (endpoint) DO UPDATE SET"
                " driver_id = excluded.driver_id, p256dh = excluded.p256dh, auth = excluded.auth,"
                " created = excluded.created",
                str(uuid.uuid4()), driver_id, subscription.endpoint, subscription.p256dh, subscription.auth,
                stamp(now),
            )  # fmt: skip
            await tx.execute(
                "DELETE FROM emsp_push_subscription WHERE driver_id = $1 AND id NOT IN (SELECT id FROM"
                " emsp_push_subscription WHERE driver_id = $1 ORDER BY created DESC, id LIMIT $2)",
                driver_id, _MOST,
            )  # fmt: skip

        await self._database.transact(work)

    async def of(self, driver_id: str) -> list[Subscription]:
        """Return a driver's."""
        rows = await self._database.fetch(
            "SELECT endpoint, p256dh, auth FROM emsp_push_subscription WHERE driver_id = $1 ORDER BY created", driver_id
        )
        return [Subscription(endpoint=endpoint, p256dh=p256dh, auth=auth) for endpoint, p256dh, auth in rows]

    async def remove(self, driver_id: str, endpoint: str) -> bool:
        """Forget one of a driver's; False: he has no such one."""

        async def work(tx: Transaction) -> bool:
            return (
                await tx.execute(
                    "DELETE FROM emsp_push_subscription WHERE driver_id = $1 AND endpoint = $2", driver_id, endpoint
                )
                > 0
            )

        return await self._database.transact(work)
