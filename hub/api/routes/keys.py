"""Keys of machines: made with some of the maker's scopes, listed, revoked (RASD-N07)."""

from typing import Annotated

import msgspec

from hub.api.credentials import Credentials, stored
from hub.api.declaring import Call, route
from hub.api.keys import Key, Keys
from hub.api.problems import Forbidden, invalid
from hub.api.realms import Administration, Realm
from hub.api.shapes import ListQuery, Moment, Name, Page, Shape, pattern
from hub.database.contract import Transaction

#: A scope, such as ``stations:read``; which there are, each route says.
Word = Annotated[str, pattern("^[a-z]+:[a-z]+$", "a scope, such as drivers:read", most=50)]


class NewKey(Shape, frozen=True, kw_only=True):
    """A key to be.

    Attributes:
        scopes: what it may do; only what its maker may do himself.
        expires_at: when it ends; null: when it is revoked.
    """

    name: Name
    scopes: Annotated[list[Word], msgspec.Meta(min_length=1, max_length=100)]
    expires_at: Moment | None = None


class MadeKey(Shape, frozen=True, kw_only=True):
    """A key, shown this once; it goes into ``Authorization: Bearer``."""

    id: str
    key: str


class KeyRoutes:
    """The keys."""

    tag = "keys"

    def __init__(self, keys: Keys, credentials: Credentials, realm: Realm) -> None:
        self._keys = keys
        self._realm = realm
        self._credentials = credentials

    @route("GET", "/keys", scope=Administration.KEYS_READ)
    async def list_keys(self, call: Call, query: ListQuery) -> Page[Key]:
        """List the keys, revoked ones too."""
        return await self._keys.page(query)

    @route("GET", "/keys/{key_id}", scope=Administration.KEYS_READ)
    async def get_key(self, call: Call, key_id: str) -> Key:
        """Show a key."""
        return await self._keys.get(self._keys.database, key_id)

    @route("POST", "/keys", scope=Administration.KEYS_WRITE, status=201, step_up=True)
    async def create_key(self, call: Call, body: NewKey) -> MadeKey:
        """Make a key."""
        for number, each in enumerate(body.scopes):
            if each not in self._realm.scopes:
                raise invalid(f"$.scopes[{number}]", "must be a scope of this API")
        if beyond := set(body.scopes) - call.principal.scopes:
            raise Forbidden(f"You have not {', '.join(sorted(beyond))} yourself")
        expires_at = body.expires_at
        if expires_at is not None and expires_at <= call.now:
            raise invalid("$.expires_at", "must be in the future")

        async def work(tx: Transaction) -> MadeKey:
            key_id, token = await self._credentials.add_key(
                tx,
                name=body.name,
                scopes=set(body.scopes),
                created_by=call.principal.name,
                expires_at=expires_at,
            )
            made = await self._keys.get(tx, key_id)
            await call.trail.record(tx, status=201, target=f"/keys/{key_id}", after=made)
            return MadeKey(id=key_id, key=token)

        return await self._keys.database.transact(work)

    @route("DELETE", "/keys/{key_id}", scope=Administration.KEYS_WRITE)
    async def revoke_key(self, call: Call, key_id: str) -> None:
        """Revoke a key; it stays in the list."""

        async def work(tx: Transaction) -> None:
            before = await self._keys.get(tx, key_id)
            await self._keys.revoke(tx, key_id, stored(call.now))
            await call.trail.record(tx, status=204, before=before)

        await self._keys.database.transact(work)
