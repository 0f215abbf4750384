"""What a store promises: serialised works, each whole or not at all, durable when they return.

A *work* is a coroutine function over one ``Transaction``. Works of one process run one after another, many in one
commit. Works of different processes exclude each other wholly on SQLite; on PostgreSQL they meet only in the rows they
touch, so a read that decides a write takes its row with ``FOR UPDATE`` or leans on a unique constraint.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Literal, Protocol, TypeVar

T = TypeVar("T")

PAYLOAD_LIMIT = 1_900  # characters of a notification; four bytes each, PostgreSQL takes less than 8,000 bytes

Row = tuple[Any, ...]
Dialect = Literal["sqlite", "postgres"]


class DatabaseUnavailable(Exception):
    """The store cannot be used; the message is one line that ends with a remedy."""


class Conflict(Exception):
    """A unique constraint refuses the row; leaves ``transact``, for a statement that fails ends its work."""


class Transaction(Protocol):
    """What a work may do. Statements carry ``$1`` placeholders, never a ``$`` digit inside a literal."""

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        """Return all rows of a query, or of a statement with RETURNING."""

    async def execute(self, sql: str, *args: Any) -> int:
        """Return how many rows the statement touched."""

    async def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run the statement once for each row of arguments."""

    def notify(self, channel: str, payload: str = "") -> None:
        """Tell the listeners of the channel, in every process, once this work is committed.

        Args:
            channel: a plain identifier.
            payload: says what changed, in at most 1,900 characters.
        """


Work = Callable[[Transaction], Awaitable[T]]
Listener = Callable[[str], None]


class Database(Protocol):
    """One open store."""

    @property
    def dialect(self) -> Dialect:
        """Which engine this is, for the few statements that differ."""

    async def fetch(self, sql: str, *args: Any, cheap: bool = False) -> list[Row]:
        """Return rows of the committed state.

        Args:
            sql: a query with ``$1`` placeholders.
            args: what stands in their place.
            cheap: a point read that takes microseconds, worth no change of thread.
        """

    def fetch_now(self, sql: str, *args: Any) -> list[Row]:
        """Return rows of the committed state without leaving the event loop; SQLite only, for point reads."""

    def transact(self, work: Work[T]) -> Awaitable[T]:
        """Run the work in a transaction; awaited, return its result once it is durable.

        The work awaits nothing but its transaction. An exception undoes this work alone and is raised here. A caller
        that is cancelled meanwhile does not undo its work.

        Raises:
            Conflict: a unique constraint was hurt.
            DatabaseUnavailable: the store failed; whether the work was committed is unknown only if the connection
                to PostgreSQL broke in the middle of the commit.
        """

    def listen(self, channel: str, callback: Listener) -> None:
        """Call back in the event loop after each commit, by any process, that notified the channel.

        The payload is that of the notification, or "" if several may have been missed: look at everything then.
        """

    async def try_lead(self) -> bool:
        """Return whether this process leads; asked again every few seconds, for a lost connection loses the lead."""

    async def close(self) -> None:
        """Finish what was begun and let go of the store."""
