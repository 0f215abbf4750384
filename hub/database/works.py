"""Works put together: what has to be written with another work, in its transaction."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from hub.database.contract import Transaction, Work

T = TypeVar("T")

#: Written in the transaction of a work, with what that returned: an audit row, such as.
Also = Callable[[Transaction, T], Awaitable[None]]


def followed(work: Work[T], also: Also[T] | None) -> Work[T]:
    """Return a work that is followed by another in the same transaction: both are durable, or neither."""
    if also is None:
        return work

    async def both(tx: Transaction) -> T:
        result = await work(tx)
        await also(tx, result)
        return result

    return both
