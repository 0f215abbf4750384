"""Keys of machines, as they are listed: the key itself is shown once, when it is made."""

# ruff: noqa: S608  the only names put into a statement are our own tables and columns

from hub.api.credentials import moment_of, moment_or_none, scopes_of
from hub.api.problems import NotFound
from hub.api.realms import Realm
from hub.api.shapes import ListQuery, Moment, Page, Shape, cursor_number
from hub.database.contract import Database, Row, Transaction

_COLUMNS = "id, name, scopes, created_at, created_by, expires_at, used_at, revoked_at"


class Key(Shape, frozen=True, kw_only=True):
    """A machine's key, without the key.

    Attributes:
        used_at: when it was last used, to the minute.
    """

    id: str
    name: str
    scopes: list[str]
    created_at: Moment
    created_by: str
    expires_at: Moment | None
    used_at: Moment | None
    revoked_at: Moment | None


class Keys:
    """The keys on their table."""

    def __init__(self, database: Database, realm: Realm) -> None:
        self.database = database
        self._table = realm.key_table
        self._known = realm.scopes

    async def page(self, query: ListQuery) -> Page[Key]:
        """Return keys in the order they were made, revoked ones too."""
        offset = cursor_number(query) or 0
        rows = await self.database.fetch(
            f"SELECT {_COLUMNS} FROM {self._table} ORDER BY created_at, id LIMIT $1 OFFSET $2",
            query.limit + 1,
            offset,
        )
        following = str(offset + query.limit) if len(rows) > query.limit else None
        return Page(items=[self._key(row) for row in rows[: query.limit]], next=following)

    async def get(self, tx: Transaction | Database, key_id: str) -> Key:
        """Return a key.

        Raises:
            NotFound: there is none.
        """
        rows = await tx.fetch(f"SELECT {_COLUMNS} FROM {self._table} WHERE id = $1", key_id)
        if not rows:
            raise NotFound("There is no such key")
        return self._key(rows[0])

    async def revoke(self, tx: Transaction, key_id: str, now: int) -> None:
        """End a key; one that has ended stays as it was."""
        await tx.execute(f"UPDATE {self._table} SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL", key_id, now)

    def _key(self, row: Row) -> Key:
        key_id, name, scopes, created_at, created_by, expires_at, used_at, revoked_at = row
        return Key(
            id=key_id,
            name=name,
            scopes=sorted(scopes_of(scopes, self._known)),
            created_at=moment_of(created_at),
            created_by=created_by,
            expires_at=moment_or_none(expires_at),
            used_at=moment_or_none(used_at),
            revoked_at=moment_or_none(revoked_at),
        )
